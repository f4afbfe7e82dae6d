/* The thin C shim: CRC32C with the processor's instruction, and the Linux calls and macros that Swift cannot see.
 * No policy lives here. */
#ifndef CHOLDFAST_H
#define CHOLDFAST_H

#include <stddef.h>
#include <stdint.h>

/* CRC32C (Castagnoli) of `count` bytes, continued from `crc` (0 to begin). */
uint32_t chf_crc32c(uint32_t crc, const void *bytes, size_t count);

#endif
