/* What Swift cannot see of OpenSSL: macros. */
#include <openssl/bio.h>
#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline int ctls_require_tls12(SSL_CTX *context) {
  return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

/* Partial writes, a buffer that may move between attempts, and no buffers kept by an idle connection. */
static inline void ctls_set_modes(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets resume sessions without it */
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

static inline int ctls_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

/* The bytes a memory BIO holds, in place until it is written or read. */
static inline long ctls_bio_data(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

/* Empties a memory BIO, and lets go of its memory if that is more than `keep` bytes. */
static inline void ctls_bio_empty(BIO *bio, size_t keep) {
  BUF_MEM *memory = 0;
  BIO_get_mem_ptr(bio, &memory);
  if (memory && memory->max > keep) {
    BUF_MEM *fresh = BUF_MEM_new();
    if (fresh) {
      BIO_set_mem_buf(bio, fresh, BIO_CLOSE);
      return;
    }
  }
  (void)BIO_reset(bio);
}
/* An empty memory BIO says "try again", not "end". */
static inline void ctls_bio_retry_when_empty(BIO *bio) { BIO_set_mem_eof_return(bio, -1); }
