/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a PNG. Checksums would stop nearly every mutation at the door, so those of the chunks are put
   right first; one file in four keeps them as they are. Seeds: tests/fuzz/seed_pictures DIR. */
#include "picture_target.h"

#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void mend_checksums(uint8_t *bytes, size_t n)
{
    for (size_t at = 8; n >= 12 && at <= n - 12;) {
        size_t length = big32(bytes + at);
        if (length > n - 12 - at)
            return;
        uint32_t sum = (uint32_t)crc32(0, bytes + at + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 9 || memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) != 0)
        return 0;
    uint8_t *copy = malloc(n);
    if (!copy)
        return 0;
    memcpy(copy, bytes, n);
    if (bytes[n - 1] % 4 != 0)
        mend_checksums(copy, n);
    run_picture(copy, n);
    free(copy);
    return 0;
}
