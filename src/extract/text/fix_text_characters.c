/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/fix_text_characters.h"

#include "base/memory.h"
#include "extract/text/unicode.h"

#include <string.h>

#include "extract/text/fix_text_characters.inc"

void mdp_char_bytes(uint32_t c, uint8_t bytes[MDP_ENCODINGS])
{
    size_t low = 0, high = MDP_COUNT(bytes_of);

    if (c < 0x80 && c != 0x1A) {
        memset(bytes, (int)c, MDP_ENCODINGS);
        return;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_of[middle].c == c) {
            memcpy(bytes, bytes_of[middle].byte, MDP_ENCODINGS);
            return;
        }
        if (bytes_of[middle].c > c)
            high = middle;
        else
            low = middle + 1;
    }
    memset(bytes, 0, MDP_ENCODINGS);
}

unsigned mdp_char_clue(uint32_t c)
{
    return mdp_char_run(clues, MDP_COUNT(clues), 5, c);
}

uint32_t mdp_char_windows_1252(uint32_t c)
{
    return c >= 0x80 && c <= 0x9F ? windows_1252[c - 0x80] : c;
}

size_t mdp_char_usual(uint32_t c, uint32_t out[3])
{
    size_t low = 0, high = MDP_COUNT(replaced), n = 0;

    out[0] = c;
    if (c < replaced[0].c)
        return 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (replaced[middle].c == c) {
            for (; n < 3 && replaced[middle].by[n]; n++)
                out[n] = replaced[middle].by[n];
            return n;
        }
        if (replaced[middle].c > c)
            high = middle;
        else
            low = middle + 1;
    }
    return 1;
}
