/* SPDX-License-Identifier: BSD-3-Clause */
/* A text as it was meant: mojibake read rightly; entities, ligatures, widths, quotes and line breaks in their usual form; without
   control characters and terminal escapes; composed (NFC). */
#ifndef MDP_EXTRACT_FIX_TEXT_H
#define MDP_EXTRACT_FIX_TEXT_H

#include "extract/text/unicode.h"
#include "medprobe/status.h"

/* In place. Program matched: ftfy.fix_text 6.3.1 with its defaults under Python 3.11, but that the work is bounded: when the
   steps together have looked at 32 times the text's characters (16,777,216 at least), it stays as it is by then. ftfy has no
   bound, and takes minutes for such a text. The text has no surrogates. */
mdp_status mdp_fix_text(struct mdp_chars *text, struct mdp_error *err);

#endif
