/* SPDX-License-Identifier: BSD-3-Clause */
/* CLIP's tokenizer: a text is cleaned (clip_clean.h) and split into pieces, of which the first that fits at a place is taken:

   1. a token that begins or ends a text, written out; 2. 's 't 're 've 'm 'll 'd; 3. letters; 4. one number character;
   5. other characters without white space. White space is between pieces.

   The bytes of a piece are merged (bpe_merges.h), the last one as the end of a word. Variants differ in how the two tokens are
   written and whether the case of 1 and 2 counts. Programs matched: open_clip 3.3, clip (OpenAI), transformers 4.57
   (CLIPTokenizerFast); tests/reference/test_clip_bpe.py compares. */
#ifndef MDP_EXTRACT_CLIP_BPE_H
#define MDP_EXTRACT_CLIP_BPE_H

#include "extract/text/clip_clean.h"
#include "extract/text/clip_vocab.h"

enum mdp_clip_variant { MDP_CLIP_OPEN_CLIP, MDP_CLIP_OPENAI, MDP_CLIP_TRANSFORMERS, MDP_CLIP_VARIANTS };

struct mdp_clip_bpe {
    struct mdp_clip_vocab vocab;
    enum mdp_clip_variant variant;
    enum mdp_clip_clean clean;
};

/* The first `most` ids of text[n], without those around it. Invalid UTF-8 is an error wherever it stands. */
mdp_status mdp_clip_bpe_run(const struct mdp_clip_bpe *bpe, const char *text, size_t n, size_t most,
                            int32_t ids[], size_t *n_ids, struct mdp_error *err);

#endif
