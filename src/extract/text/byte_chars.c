/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/byte_chars.h"

uint32_t mdp_byte_char(unsigned byte)
{
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174)
        return byte;
    return 256 + (byte <= 32 ? byte : byte == 173 ? 67 : byte - 127 + 33);
}
