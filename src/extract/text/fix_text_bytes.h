/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes that should be UTF-8: what happened to them on the way, and characters of them. */
#ifndef MDP_EXTRACT_FIX_TEXT_BYTES_H
#define MDP_EXTRACT_FIX_TEXT_BYTES_H

#include "extract/text/unicode.h"
#include "medprobe/status.h"

#include <stdbool.h>

/* A blank where UTF-8 would have byte A0 becomes that, in place. `bytes` holds *n, and room for half as many more.
   Program matched: ftfy.fixes.restore_byte_a0 6.3.1. */
void mdp_restore_a0(unsigned char bytes[], size_t *n);

/* UTF-8 sequences with a lost byte (1A, in some places a question mark) become U+FFFD, as does 1A alone; `out` has room for
   3 n bytes: how many there are. Program matched: ftfy.fixes.replace_lossy_sequences. */
size_t mdp_replace_lossy(const unsigned char bytes[], size_t n, unsigned char out[]);

/* Characters of UTF-8; where byte ED or C0 occurs, of surrogates written as UTF-8 and of NUL as C0 80, too. *valid says
   whether it is such; when not, `out` is left with a part. Program matched: Python's utf-8, ftfy's utf-8-variants. */
mdp_status mdp_decode_variants(const unsigned char bytes[], size_t n, struct mdp_chars *out, bool *valid,
                               struct mdp_error *err);

#endif
