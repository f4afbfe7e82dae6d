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

#include <openssl/hmac.h>
#include <openssl/sha.h>

/* SHA-256 without the look-up of an implementation that the newer calls make each time: a join of a queue takes three. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
static inline void cdig_sha256(const void *bytes, size_t count, unsigned char *digest) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes, count);
  SHA256_Final(digest, &context);
}
#pragma clang diagnostic pop

static inline int cdig_hmac_sha256(const void *key, int keyBytes, const void *bytes, size_t count, unsigned char *digest) {
  unsigned int length = 32;
  return HMAC(EVP_sha256(), key, keyBytes, (const unsigned char *)bytes, count, digest, &length) != NULL;
}

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* RSA keys and their signatures; macros and calls with C's variable arguments, which Swift cannot make. */
static inline EVP_PKEY *csig_generate(size_t bits) { return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits); }

static inline EVP_PKEY *csig_read(const char *pem, int count) {
  BIO *bio = BIO_new_mem_buf(pem, count);
  if (!bio) return NULL;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
  BIO_free(bio);
  if (key && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
    EVP_PKEY_free(key);
    return NULL;
  }
  return key;
}

/* The private key in PEM; its length, or 0. */
static inline size_t csig_write(EVP_PKEY *key, char *pem, size_t limit) {
  BIO *bio = BIO_new(BIO_s_mem());
  size_t count = 0;
  char *bytes = NULL;
  if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
    long length = BIO_get_mem_data(bio, &bytes);
    if (length > 0 && (size_t)length <= limit) {
      count = (size_t)length;
      __builtin_memcpy(pem, bytes, count);
    }
  }
  BIO_free(bio);
  return count;
}

/* RS256: its length, or 0. */
static inline size_t csig_sign(EVP_PKEY *key, const void *message, size_t count, unsigned char *signature, size_t limit) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  size_t length = limit;
  int isDone = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
               EVP_DigestSign(context, signature, &length, (const unsigned char *)message, count) == 1;
  EVP_MD_CTX_free(context);
  ERR_clear_error();
  return isDone ? length : 0;
}

static inline int csig_verify(
    EVP_PKEY *key, const void *message, size_t count, const unsigned char *signature, size_t signatureBytes) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int isRight = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, signatureBytes, (const unsigned char *)message, count) == 1;
  EVP_MD_CTX_free(context);
  ERR_clear_error();
  return isRight;
}

/* The public key's numbers, big-endian; the length, or 0. `name` is "n" or "e". */
static inline size_t csig_number(EVP_PKEY *key, const char *name, unsigned char *bytes, size_t limit) {
  BIGNUM *number = NULL;
  size_t count = 0;
  if (EVP_PKEY_get_bn_param(key, name, &number) == 1 && (size_t)BN_num_bytes(number) <= limit) {
    count = (size_t)BN_bn2bin(number, bytes);
  }
  BN_free(number);
  return count;
}
