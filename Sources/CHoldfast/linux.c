#define _GNU_SOURCE
#include "CHoldfast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Thread_local const void *chf_loop_of_thread = 0;

int chf_epoll_create(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

_Static_assert(chf_epoll_in == EPOLLIN && chf_epoll_out == EPOLLOUT && chf_epoll_error == EPOLLERR &&
                   chf_epoll_hangup == EPOLLHUP && chf_epoll_peer_ended == EPOLLRDHUP,
               "the kernel's flags");

int chf_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events | (uint32_t)EPOLLET, .data.u64 = token};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? errno : 0;
}

int chf_epoll_remove(int epoll, int fd) {
  struct epoll_event event = {.events = 0};
  return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event) < 0 ? errno : 0;
}

int chf_epoll_wait(int epoll, struct chf_event *events, int maximum, int64_t timeout_ns) {
  static atomic_int no_pwait2;
  struct epoll_event raw[256];
  if (maximum > 256) maximum = 256;
  int count;
  if (timeout_ns <= 0) {
    count = epoll_wait(epoll, raw, maximum, timeout_ns < 0 ? -1 : 0);
  } else {
    count = -1;
    errno = ENOSYS;
    if (!atomic_load_explicit(&no_pwait2, memory_order_relaxed)) {
      struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
      count = epoll_pwait2(epoll, raw, maximum, &timeout, 0);
    }
    if (count < 0 && errno == ENOSYS) { /* before Linux 5.11: milliseconds, rounded up */
      atomic_store_explicit(&no_pwait2, 1, memory_order_relaxed);
      int64_t ms = timeout_ns > 1000000000000 ? 1000000 : (timeout_ns + 999999) / 1000000;
      count = epoll_wait(epoll, raw, maximum, (int)ms);
    }
  }
  if (count < 0) return -errno;
  for (int i = 0; i < count; i++) {
    events[i].token = raw[i].data.u64;
    events[i].events = raw[i].events;
  }
  return count;
}

void chf_precise_timers(void) { prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0); }

void chf_nap(uint64_t nanoseconds) {
  struct timespec time = {0, (long)nanoseconds};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, 0);
}

int chf_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

/* Addresses */

static socklen_t to_sockaddr(const struct chf_address *address, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (address->is_v6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    in6->sin6_scope_id = address->scope;
    memcpy(in6->sin6_addr.s6_addr, &address->high, 8);
    memcpy(in6->sin6_addr.s6_addr + 8, &address->low, 8);
    return sizeof *in6;
  }
  struct sockaddr_in *in = (struct sockaddr_in *)out;
  in->sin_family = AF_INET;
  in->sin_port = htons(address->port);
  memcpy(&in->sin_addr.s_addr, &address->high, 4);
  return sizeof *in;
}

static int from_sockaddr(const struct sockaddr_storage *raw, struct chf_address *out) {
  memset(out, 0, sizeof *out);
  if (raw->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)raw;
    out->is_v6 = 1;
    out->port = ntohs(in6->sin6_port);
    out->scope = in6->sin6_scope_id;
    memcpy(&out->high, in6->sin6_addr.s6_addr, 8);
    memcpy(&out->low, in6->sin6_addr.s6_addr + 8, 8);
    return 0;
  }
  if (raw->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)raw;
    out->port = ntohs(in->sin_port);
    memcpy(&out->high, &in->sin_addr.s_addr, 4);
    return 0;
  }
  return EAFNOSUPPORT;
}

int chf_address_parse(const char *text, uint16_t port, struct chf_address *out) {
  memset(out, 0, sizeof *out);
  out->port = port;
  struct in_addr in;
  struct in6_addr in6;
  if (inet_pton(AF_INET, text, &in) == 1) {
    memcpy(&out->high, &in.s_addr, 4);
    return 0;
  }
  if (inet_pton(AF_INET6, text, &in6) == 1) {
    out->is_v6 = 1;
    memcpy(&out->high, in6.s6_addr, 8);
    memcpy(&out->low, in6.s6_addr + 8, 8);
    return 0;
  }
  return -1;
}

void chf_address_text(const struct chf_address *address, char *out, size_t capacity) {
  unsigned char bytes[16];
  memcpy(bytes, &address->high, 8);
  memcpy(bytes + 8, &address->low, 8);
  if (!inet_ntop(address->is_v6 ? AF_INET6 : AF_INET, bytes, out, (socklen_t)capacity)) out[0] = 0;
}

int chf_resolve(const char *host, uint16_t port, struct chf_address *out, int maximum) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  struct addrinfo *found = 0;
  int code = getaddrinfo(host, 0, &hints, &found);
  if (code != 0) return code < 0 ? code : -code;
  int count = 0;
  for (struct addrinfo *each = found; each && count < maximum; each = each->ai_next) {
    struct sockaddr_storage raw;
    memset(&raw, 0, sizeof raw);
    if (each->ai_addrlen > sizeof raw) continue;
    memcpy(&raw, each->ai_addr, each->ai_addrlen);
    if (from_sockaddr(&raw, &out[count]) != 0) continue;
    out[count++].port = port;
  }
  freeaddrinfo(found);
  return count;
}

const char *chf_resolve_error(int code) { return gai_strerror(code); }

/* Sockets */

int chf_listen(const struct chf_address *address, int backlog, int reuse_port) {
  struct sockaddr_storage raw;
  socklen_t size = to_sockaddr(address, &raw);
  int fd = socket(raw.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&raw, size) < 0 || listen(fd, backlog) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

_Static_assert(chf_unix_path_max == sizeof(((struct sockaddr_un *)0)->sun_path) - 1, "the kernel's limit");

/* A new UNIX socket and its address; -1 with errno set. */
static int unix_socket(const char *path, struct sockaddr_un *raw) {
  memset(raw, 0, sizeof *raw);
  raw->sun_family = AF_UNIX;
  if (strlen(path) > chf_unix_path_max) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(raw->sun_path, path);
  return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int chf_listen_unix(const char *path, int backlog, uint32_t mode) {
  struct sockaddr_un raw;
  int fd = unix_socket(path, &raw);
  if (fd < 0) return -errno;
  /* The file that bind makes has the socket's own mode, less the umask. */
  if (fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&raw, sizeof raw) < 0 || listen(fd, backlog) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int chf_connect_unix(const char *path) {
  struct sockaddr_un raw;
  int fd = unix_socket(path, &raw);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&raw, sizeof raw) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int chf_peer_process(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ? 0 : (int)peer.pid;
}

int chf_accept(int listener, struct chf_address *peer) {
  struct sockaddr_storage raw;
  socklen_t size = sizeof raw;
  memset(&raw, 0, sizeof raw);
  int fd = accept4(listener, (struct sockaddr *)&raw, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -errno;
  from_sockaddr(&raw, peer);
  return fd;
}

int chf_connect(const struct chf_address *address, int *in_progress) {
  struct sockaddr_storage raw;
  socklen_t size = to_sockaddr(address, &raw);
  int fd = socket(raw.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  *in_progress = 0;
  if (connect(fd, (struct sockaddr *)&raw, size) < 0) {
    if (errno != EINPROGRESS && errno != EINTR) {
      int error = errno;
      close(fd);
      return -error;
    }
    *in_progress = 1;
  }
  return fd;
}

int chf_socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
  return error;
}

int chf_local_address(int fd, struct chf_address *out) {
  struct sockaddr_storage raw;
  socklen_t size = sizeof raw;
  if (getsockname(fd, (struct sockaddr *)&raw, &size) < 0) return errno;
  return from_sockaddr(&raw, out);
}

int chf_peer_address(int fd, struct chf_address *out) {
  struct sockaddr_storage raw;
  socklen_t size = sizeof raw;
  if (getpeername(fd, (struct sockaddr *)&raw, &size) < 0) return errno;
  return from_sockaddr(&raw, out);
}

int chf_no_delay(int fd) {
  int on = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ? errno : 0;
}

int chf_keep_alive(int fd, int seconds) {
  int on = 1, attempts = 3, between = seconds / 3 > 0 ? seconds / 3 : 1;
  if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) < 0) return errno;
  if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds) < 0) return errno;
  if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between) < 0) return errno;
  return setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &attempts, sizeof attempts) < 0 ? errno : 0;
}

ssize_t chf_send(int fd, const void *bytes, size_t count) {
  ssize_t sent;
  do sent = send(fd, bytes, count, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

_Static_assert(sizeof(struct chf_slice) == sizeof(struct iovec), "a slice is an iovec");
_Static_assert(offsetof(struct chf_slice, count) == offsetof(struct iovec, iov_len), "a slice is an iovec");

ssize_t chf_send_slices(int fd, const struct chf_slice *slices, int count) {
  struct msghdr message = {.msg_iov = (struct iovec *)slices, .msg_iovlen = (size_t)count};
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

ssize_t chf_receive(int fd, void *bytes, size_t count) {
  ssize_t received;
  do received = recv(fd, bytes, count, 0);
  while (received < 0 && errno == EINTR);
  return received < 0 ? -errno : received;
}

/* Signals */

static atomic_ullong signals_seen;
static atomic_int signals_fd = -1;

static void on_signal(int signal) {
  int saved = errno;
  if (signal > 0 && signal < 64) atomic_fetch_or(&signals_seen, 1ull << signal);
  uint64_t one = 1;
  int fd = atomic_load(&signals_fd);
  if (fd >= 0 && write(fd, &one, sizeof one) < 0) { /* the counter is full: the loop is awake */
  }
  errno = saved;
}

int chf_signals_watch(const int *signals, int count) {
  int fd = atomic_load(&signals_fd);
  if (fd < 0) {
    fd = chf_eventfd();
    if (fd < 0) return fd;
    atomic_store(&signals_fd, fd);
  }
  for (int i = 0; i < count; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(signals[i], &action, 0) < 0) return -errno;
  }
  return fd;
}

uint64_t chf_signals_take(void) { return atomic_exchange(&signals_seen, 0); }

void chf_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

/* Threads */

struct start {
  void (*body)(void *);
  void *argument;
  char name[16];
};

static void *thread_main(void *raw) {
  struct start start = *(struct start *)raw;
  free(raw);
  pthread_setname_np(pthread_self(), start.name);
  start.body(start.argument);
  return 0;
}

int chf_thread_start(uint64_t *thread, const char *name, void (*body)(void *), void *argument) {
  struct start *start = malloc(sizeof *start);
  if (!start) return ENOMEM;
  start->body = body;
  start->argument = argument;
  strncpy(start->name, name, sizeof start->name - 1);
  start->name[sizeof start->name - 1] = 0;
  pthread_t id;
  int error = pthread_create(&id, 0, thread_main, start);
  if (error) free(start);
  else *thread = (uint64_t)id;
  return error;
}

/* On Linux a nice value is a thread's; it may always be raised. */
void chf_thread_nice(int nice) { setpriority(PRIO_PROCESS, 0, nice); }

/* sync_file_range: writes this part out and waits, without making it durable. Returns 0 or errno. */
int chf_write_back(int fd, int64_t offset, int64_t count) {
  unsigned flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  return sync_file_range(fd, offset, count, flags) ? errno : 0;
}

int chf_thread_join(uint64_t thread) { return pthread_join((pthread_t)thread, 0); }
int chf_thread_detach(uint64_t thread) { return pthread_detach((pthread_t)thread); }

/* Clocks, processors, chance */

static int64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

uint64_t chf_monotonic_ns(void) { return (uint64_t)read_clock(CLOCK_MONOTONIC); }
uint64_t chf_boottime_ns(void) { return (uint64_t)read_clock(CLOCK_BOOTTIME); }
int64_t chf_realtime_ns(void) { return read_clock(CLOCK_REALTIME); }

int chf_cpu_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

int chf_random(void *bytes, size_t count) {
  unsigned char *p = bytes;
  while (count > 0) {
    ssize_t got = getrandom(p, count, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    p += got;
    count -= (size_t)got;
  }
  return 0;
}

void chf_trim_memory(void) { malloc_trim(0); }

int chf_file_place(const char *path, uint64_t *place) {
  struct statx status;
  if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &status)) return errno;
  uint64_t born = 0;
  /* File systems without birth times tell copies apart by the inode alone. */
  if (status.stx_mask & STATX_BTIME) born = (uint64_t)status.stx_btime.tv_sec * 1000000000u + status.stx_btime.tv_nsec;
  uint64_t mixed = (status.stx_ino ^ (born * 0x9E3779B97F4A7C15u)) * 0xBF58476D1CE4E5B9u;
  *place = (mixed ^ mixed >> 31) | 1;
  return 0;
}

/* Descriptors */

int64_t chf_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 1 << 20) return 1 << 20;
  return (int64_t)limit.rlim_cur;
}

int64_t chf_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20) {
    limit.rlim_cur = limit.rlim_max < 1 << 20 ? limit.rlim_max : 1 << 20;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return chf_descriptor_limit();
}

void chf_open_standard_streams(void) {
  for (int fd = 0; fd < 3; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      int opened = open("/dev/null", O_RDWR);
      if (opened >= 0 && opened != fd) {
        dup2(opened, fd);
        close(opened);
      }
    }
  }
}

int chf_rename_new(const char *path, const char *name) {
  return renameat2(AT_FDCWD, path, AT_FDCWD, name, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

int chf_spare_descriptor(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

void chf_refuse(int fd, const void *text, size_t count) {
  char input[4096];
  if (count > 0) send(fd, text, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  shutdown(fd, SHUT_WR);
  for (int i = 0; i < 16 && recv(fd, input, sizeof input, MSG_DONTWAIT) > 0; i++) {
  }
  close(fd);
}

void chf_configure_allocator(void) {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

uint64_t chf_resident_bytes(void) {
  char text[128];
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t count = read(fd, text, sizeof text - 1);
  close(fd);
  if (count <= 0) return 0;
  text[count] = 0;
  char *place = strchr(text, ' ');
  return place ? strtoull(place, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
