/* The thin C shim: CRC32C with the processor's instruction, and the Linux calls and macros that Swift cannot see.
 * No policy lives here. */
#ifndef CHOLDFAST_H
#define CHOLDFAST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* CRC32C (Castagnoli) of `count` bytes, continued from `crc` (0 to begin). */
uint32_t chf_crc32c(uint32_t crc, const void *bytes, size_t count);

/* Gives memory that was freed back to the kernel, which malloc by itself does at its heap's end only. */
void chf_trim_memory(void);
/* Large pieces are mapped apart, always, and go back when they are freed. malloc by itself raises the bound with each one that is. */
void chf_configure_allocator(void);
/* Bytes of this process in memory; 0 if the kernel does not say. */
uint64_t chf_resident_bytes(void);

/* A number made of a file's inode and birth time: a copy has another. 0 or errno. */
int chf_file_place(const char *path, uint64_t *place);

/* Thread Sanitizer cannot see the futex inside Swift's `Mutex`. These tell it what a lock orders; without it they are a test
 * of a null pointer. */
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));
static inline void chf_tsan_acquire(void *address) {
  if (__tsan_acquire) __tsan_acquire(address);
}
static inline void chf_tsan_release(void *address) {
  if (__tsan_release) __tsan_release(address);
}

/* Which event loop the calling thread runs: an address that is compared and never followed; null on other threads. */
extern _Thread_local const void *chf_loop_of_thread;
static inline const void *chf_current_loop(void) { return chf_loop_of_thread; }
static inline void chf_set_current_loop(const void *loop) { chf_loop_of_thread = loop; }

/* epoll. The kernel's event is a packed struct on x86; ours is not. */
struct chf_event {
  uint64_t token;
  uint32_t events;
};
int chf_epoll_create(void);
enum { chf_epoll_in = 1, chf_epoll_out = 4, chf_epoll_error = 8, chf_epoll_hangup = 16, chf_epoll_peer_ended = 0x2000 };
/* Edge-triggered. Both return 0 or errno. */
int chf_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int chf_epoll_remove(int epoll, int fd);
/* Waits at most `timeout_ns` (negative: for ever). Returns the number of events, or -errno. `maximum` is at most 256. */
int chf_epoll_wait(int epoll, struct chf_event *events, int maximum, int64_t timeout_ns);
int chf_eventfd(void);
/* The calling thread's sleeps end within a microsecond of their time, not Linux's 50. */
void chf_precise_timers(void);
/* Sleeps for less than a second. */
void chf_nap(uint64_t nanoseconds);

/* An IPv4 or IPv6 address; `bytes` in network order, four of them used for IPv4; `port` in host order. */
struct chf_address {
  uint64_t high, low;
  uint32_t scope;
  uint16_t port;
  uint8_t is_v6;
};
/* A numeric address. Returns 0, or -1 if it is none. */
int chf_address_parse(const char *text, uint16_t port, struct chf_address *out);
/* Writes the address without its port, NUL-terminated; `capacity` at least 64. */
void chf_address_text(const struct chf_address *address, char *out, size_t capacity);
/* Asks the resolver (blocking). Returns how many addresses were found, at most `maximum`, or the negated EAI_ error. */
int chf_resolve(const char *host, uint16_t port, struct chf_address *out, int maximum);
const char *chf_resolve_error(int code);

/* Sockets: non-blocking, close-on-exec. Those that return a descriptor return -errno on failure; the others 0 or errno. */
int chf_listen(const struct chf_address *address, int backlog, int reuse_port);
int chf_accept(int listener, struct chf_address *peer);
/* Begins to connect; *in_progress tells whether EPOLLOUT will say how it ended. */
int chf_connect(const struct chf_address *address, int *in_progress);
/* The same for a socket that is a file; `path` has at most chf_unix_path_max bytes and a NUL. The file never gets more
 * permissions than `mode`, and may get fewer, by the umask. */
enum { chf_unix_path_max = 107 };
int chf_listen_unix(const char *path, int backlog, uint32_t mode);
int chf_connect_unix(const char *path);
/* Of a connected UNIX socket: the process that listened at the other end; 0 if the kernel does not say. */
int chf_peer_process(int fd);
int chf_socket_error(int fd);
int chf_local_address(int fd, struct chf_address *out);
int chf_peer_address(int fd, struct chf_address *out);
int chf_no_delay(int fd);
/* Asks a silent peer whether it is still there after `seconds`, and gives it up after three more attempts. */
int chf_keep_alive(int fd, int seconds);
/* Without SIGPIPE. Both return the count or -errno. */
ssize_t chf_send(int fd, const void *bytes, size_t count);
struct chf_slice {
  const void *bytes;
  size_t count;
};
ssize_t chf_send_slices(int fd, const struct chf_slice *slices, int count);
ssize_t chf_receive(int fd, void *bytes, size_t count);

/* Signals: each one named sets its bit in a word and wakes an eventfd, whose descriptor is returned (or -errno). */
int chf_signals_watch(const int *signals, int count);
/* The bits (1 << signal) that came since the last call. */
uint64_t chf_signals_take(void);
void chf_ignore_sigpipe(void);

/* The soft limit of descriptors; raised to the hard one, at most 2^20. Both return the limit that counts now. */
int64_t chf_descriptor_limit(void);
int64_t chf_raise_descriptor_limit(void);
/* Opens /dev/null as whichever of the descriptors 0, 1 and 2 is closed. */
void chf_open_standard_streams(void);
/* A descriptor that is good for nothing but to be closed when one is needed; -1: none is left. */
int chf_spare_descriptor(void);
/* Writes what the socket takes, throws away what has come, and closes it. */
void chf_refuse(int fd, const void *text, size_t count);

/* Gives a file another name, unless that is taken (EEXIST). Returns 0 or errno. */
int chf_rename_new(const char *path, const char *name);

/* Writes a part of a file out and waits for the disk to have taken it, which does not make it durable. Returns 0 or errno. */
int chf_write_back(int fd, int64_t offset, int64_t count);

/* A joinable thread with a name of at most 15 bytes. Returns 0 or errno. */
int chf_thread_start(uint64_t *thread, const char *name, void (*body)(void *), void *argument);
void chf_thread_nice(int nice);
int chf_thread_join(uint64_t thread);
int chf_thread_detach(uint64_t thread);

/* Nanoseconds of CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME. */
uint64_t chf_monotonic_ns(void);
uint64_t chf_boottime_ns(void);
int64_t chf_realtime_ns(void);
/* Processors this process may run on. */
int chf_cpu_count(void);
/* Random bytes from the kernel. Returns 0 or errno. */
int chf_random(void *bytes, size_t count);

#endif
