/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/fix_text_badness.h"

#include "base/memory.h"
#include "extract/text/unicode.h"

#include "extract/text/fix_text_badness.inc"

enum { BAD, START };

bool mdp_fix_text_is_bad(const uint32_t text[], size_t n)
{
    unsigned state = START;

    for (size_t i = 0; i < n && state != BAD; i++)
        state = bad_next[state][mdp_char_run(bad_classes, MDP_COUNT(bad_classes), BAD_CLASS_BITS, text[i])];
    return state == BAD;
}
