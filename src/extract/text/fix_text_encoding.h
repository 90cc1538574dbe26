/* SPDX-License-Identifier: BSD-3-Clause */
/* Mojibake (UTF-8 that was read as something else) read as what it was. */
#ifndef MDP_EXTRACT_FIX_TEXT_ENCODING_H
#define MDP_EXTRACT_FIX_TEXT_ENCODING_H

#include "extract/text/unicode.h"
#include "medprobe/status.h"

/* In place, step by step until nothing changes: the text written in the first of ten encodings in which it is UTF-8 is read
   as that; else parts that look like it are treated alone; else control characters of Latin-1 are those of Windows-1252. A
   text that does not look bad stays. Every step takes its characters from *budget, and there are none when it is used
   up. Program matched: ftfy.fix_encoding 6.3.1 with its defaults. */
mdp_status mdp_fix_encoding(struct mdp_chars *text, size_t *budget, struct mdp_error *err);

/* Control characters 80 to 9F as Windows-1252 has them, in place. */
void mdp_fix_c1_controls(struct mdp_chars *text);

#endif
