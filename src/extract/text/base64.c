/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/base64.h"

#include <string.h>

bool mdp_base64_decode(const char *text, unsigned char bytes[], size_t *n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text), padding = 0;
    unsigned held = 0, bits = 0;

    *n = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    if (length % 4 != 0)
        return false;
    for (size_t i = 0; i < length - padding; i++) {
        const char *digit = strchr(digits, text[i]);
        if (!digit)
            return false;
        held = held << 6 | (unsigned)(digit - digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[(*n)++] = (unsigned char)(held >> bits);
            held &= (1u << bits) - 1;
        }
    }
    return true;
}
