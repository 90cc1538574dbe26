/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/utf8.h"

/* Length of the sequence at text[0..n), 0 when it is malformed or cut. */
static size_t sequence(const unsigned char *text, size_t n)
{
    unsigned char least = 0x80, most = 0xBF; /* of the second byte */
    size_t length;

    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xC2 || text[0] > 0xF4)
        return 0;
    length = text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : 4;
    if (text[0] == 0xE0)
        least = 0xA0;
    else if (text[0] == 0xED)
        most = 0x9F;
    else if (text[0] == 0xF0)
        least = 0x90;
    else if (text[0] == 0xF4)
        most = 0x8F;
    if (n < length || text[1] < least || text[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

size_t mdp_utf8_valid(const char *text, size_t n)
{
    size_t at = 0;

    while (at < n) {
        size_t length = sequence((const unsigned char *)text + at, n - at);
        if (length == 0)
            return at;
        at += length;
    }
    return n;
}
