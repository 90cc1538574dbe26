/* SPDX-License-Identifier: BSD-3-Clause */
/* The one EXIF tag that matters here, read from the TIFF structure that holds it (TIFF 6.0, section 2). */
#include "extract/input/codec.h"

#include <stdbool.h>
#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4, ENTRY_SIZE = 12 };

struct tiff {
    const unsigned char *bytes;
    size_t n;
    bool big; /* most significant byte first */
};

/* `size` (1, 2 or 4) bytes at `at`, which the caller has checked. */
static uint32_t number(const struct tiff *t, size_t at, size_t size)
{
    uint32_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | t->bytes[t->big ? at + i : at + size - 1 - i];
    return value;
}

/* The value of a directory entry, 0 when it is no single integer. */
static uint32_t entry_value(const struct tiff *t, size_t at)
{
    static const uint8_t size_of[] = {[TYPE_BYTE] = 1, [TYPE_SHORT] = 2, [TYPE_LONG] = 4};
    uint32_t type = number(t, at + 2, 2);

    if (number(t, at + 4, 4) != 1 || type >= sizeof size_of || size_of[type] == 0)
        return 0;
    return number(t, at + 8, size_of[type]);
}

uint8_t mdp_exif_orientation(const unsigned char *bytes, size_t n)
{
    struct tiff t = {bytes, n, false};

    if (n < 8)
        return 1;
    t.big = bytes[0] == 'M';
    if (memcmp(bytes, t.big ? "MM\0*" : "II*\0", 4) != 0)
        return 1;
    size_t directory = number(&t, 4, 4);
    if (directory > n - 2)
        return 1;
    size_t entries = number(&t, directory, 2);
    for (size_t i = 0, at = directory + 2; i < entries && at <= n && n - at >= ENTRY_SIZE;
         i++, at += ENTRY_SIZE)
        if (number(&t, at, 2) == TAG_ORIENTATION) {
            uint32_t value = entry_value(&t, at);
            return value >= 1 && value <= 8 ? (uint8_t)value : 1;
        }
    return 1;
}
