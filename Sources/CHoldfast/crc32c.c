#include "CHoldfast.h"

#include <string.h>

/* The Castagnoli polynomial, bit-reversed, one byte at a time: for machines without SSE 4.2, and the tests' model. */
static uint32_t crc32c_plain(uint32_t crc, const uint8_t *p, size_t n) {
  while (n--) {
    crc ^= *p++;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_one(uint32_t crc, const uint8_t *p, size_t n) {
  uint64_t wide = crc;
  while (n >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    wide = __builtin_ia32_crc32di(wide, word);
    p += 8;
    n -= 8;
  }
  crc = (uint32_t)wide;
  while (n--) crc = __builtin_ia32_crc32qi(crc, *p++);
  return crc;
}

/* The instruction takes three cycles and a new one can begin in each: three streams of `lane` bytes run side by side, and
 * carry-less multiplication moves the first two behind the bytes that follow them.
 *
 * A CRC register that is followed by n zero bytes becomes register * x^(8n) mod P. In the bit-reversed form a product of two
 * 32-bit values stands one bit low in 64 bits, and the instruction itself multiplies by x^32 and reduces: so the constant for n
 * bytes is x^(8n - 33) mod P. */
enum { lane = 1024 };

static uint32_t x_power(unsigned n) { /* x^n mod P, bit-reversed; x^0 is the top bit */
  uint32_t value = 0x80000000u;
  while (n--) value = (value >> 1) ^ (0x82F63B78u & (0u - (value & 1)));
  return value;
}

static uint32_t shift_one, shift_two;
__attribute__((constructor)) static void make_shifts(void) {
  shift_one = x_power(8 * lane - 33);
  shift_two = x_power(16 * lane - 33);
}

__attribute__((target("sse4.2,pclmul"))) static uint64_t times(uint32_t crc, uint32_t shift) {
  typedef long long vector __attribute__((vector_size(16)));
  vector a = {(long long)crc, 0}, b = {(long long)shift, 0};
  vector product = __builtin_ia32_pclmulqdq128(a, b, 0);
  return (uint64_t)product[0];
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t crc32c_three(uint32_t crc, const uint8_t *p, size_t n) {
  while (n >= 3 * lane) {
    uint64_t a = crc, b = 0, c = 0;
    for (size_t at = 0; at < lane; at += 8) {
      uint64_t first, second, third;
      memcpy(&first, p + at, 8);
      memcpy(&second, p + lane + at, 8);
      memcpy(&third, p + 2 * lane + at, 8);
      a = __builtin_ia32_crc32di(a, first);
      b = __builtin_ia32_crc32di(b, second);
      c = __builtin_ia32_crc32di(c, third);
    }
    uint64_t moved = times((uint32_t)a, shift_two) ^ times((uint32_t)b, shift_one);
    crc = (uint32_t)c ^ (uint32_t)__builtin_ia32_crc32di(0, moved);
    p += 3 * lane;
    n -= 3 * lane;
  }
  return crc32c_one(crc, p, n);
}
#endif

uint32_t chf_crc32c(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *p = (const uint8_t *)bytes;
  crc = ~crc;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) {
    if (count >= 3 * lane && __builtin_cpu_supports("pclmul")) return ~crc32c_three(crc, p, count);
    return ~crc32c_one(crc, p, count);
  }
#endif
  return ~crc32c_plain(crc, p, count);
}
