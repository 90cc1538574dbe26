/* SPDX-License-Identifier: BSD-3-Clause */
/* Does a text look like mojibake? */
#ifndef MDP_EXTRACT_FIX_TEXT_BADNESS_H
#define MDP_EXTRACT_FIX_TEXT_BADNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when text[n] has a sequence of characters that hardly ever stands in a text that was decoded rightly: a small letter
   with an accent before a currency sign, say. In one pass. Program matched: ftfy.badness.is_bad 6.3.1, whose rules
   scripts/fix-text-tables turns into a finite automaton. */
bool mdp_fix_text_is_bad(const uint32_t text[], size_t n);

#endif
