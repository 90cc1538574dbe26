/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done to a text before CLIP's tokenizer splits it. */
#ifndef MDP_EXTRACT_CLIP_CLEAN_H
#define MDP_EXTRACT_CLIP_CLEAN_H

#include "extract/text/unicode.h"
#include "medprobe/status.h"

enum mdp_clip_clean {
    MDP_CLIP_LOWER, /* ftfy, entities, runs of white space as one blank, str.lower(): open_clip's default, OpenAI's */
    MDP_CLIP_WHITESPACE, /* the same in the letters that it has */
    MDP_CLIP_CANONICALIZE, /* ftfy, entities, _ as a blank, without ASCII punctuation, lower case, white space: SigLIP's */
    MDP_CLIP_NFC_LOWER, /* NFC, white space, every character's lower case: transformers' CLIPTokenizerFast */
    MDP_CLIP_NONE,
    MDP_CLIP_CLEANS
};

extern const char *const mdp_clip_cleans[MDP_CLIP_CLEANS]; /* their names in a card */

/* In place. Programs matched: clean functions of open_clip/tokenizer.py 3.3 with ftfy 6.3.1 (fix_text.h says what is
   bounded), tokenizers 0.22. */
mdp_status mdp_clip_clean(enum mdp_clip_clean how, struct mdp_chars *text, struct mdp_error *err);

#endif
