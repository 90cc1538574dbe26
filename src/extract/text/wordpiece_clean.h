/* SPDX-License-Identifier: BSD-3-Clause */
/* What some systems do to a text before a WordPiece tokenizer sees it: the key `clean` of the kind `wordpiece`. */
#ifndef MDP_EXTRACT_WORDPIECE_CLEAN_H
#define MDP_EXTRACT_WORDPIECE_CLEAN_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stddef.h>

enum mdp_wordpiece_clean {
    MDP_WORDPIECE_CLEAN_NONE,
    MDP_WORDPIECE_CLEAN_WHITESPACE, /* what open_clip's HFTokenizer does: clip_clean.h, MDP_CLIP_WHITESPACE */
    MDP_WORDPIECE_CLEAN_END_PUNCTUATION, /* without any of !?. at the end: BioViL's prompts (hi-ml, text/data/io.py) */
    MDP_WORDPIECE_CLEAN_REPORT, /* GLoRIA's process_text: sentences end at a full stop, digits before it are no part of them; what
                                   is kept of one are its words (runs of letters, digits and _) in lower case without characters
                                   other than ASCII; a sentence of less than two words is left out */
    MDP_WORDPIECE_CLEANS
};
extern const char *const mdp_wordpiece_cleans[MDP_WORDPIECE_CLEANS]; /* their names in a card */

/* The cleaned text[n], appended to `out`. Bytes that are no UTF-8 are an error. */
mdp_status mdp_wordpiece_clean(enum mdp_wordpiece_clean how, const char *text, size_t n, struct mdp_text *out,
                               struct mdp_error *err);

#endif
