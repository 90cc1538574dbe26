/* SPDX-License-Identifier: BSD-3-Clause */
/* WordPiece as transformers.BertTokenizer (the slow one) of 4.57 does it under CPython 3.11, step by step:

   1. special tokens ([UNK] [SEP] [PAD] [CLS] [MASK], exactly so) that stand in the text are cut out and kept;
   2. every other character is put into lower case for itself (when `lower_case`);
   3. control, private, unassigned characters, NUL and U+FFFD are dropped; white space splits words; a CJK
      character is a word of its own;
   4. a word is composed (NFC), then decomposed (NFD) and its marks (Mn) dropped (when `strip_accents`);
   5. every punctuation character is a word of its own;
   6. a word of more than 100 characters is [UNK]; others are cut greedily into the longest pieces of the
      vocabulary, all but the first with ## before them; a word that cannot be cut is [UNK].

   tests/reference/test_wordpiece.py compares. */
#ifndef MDP_EXTRACT_WORDPIECE_H
#define MDP_EXTRACT_WORDPIECE_H

#include "extract/text/vocab.h"

#include <stdbool.h>

struct mdp_wordpiece {
    const struct mdp_vocab *vocab;
    bool lower_case, strip_accents, split_cjk;
    int32_t unk, sep, pad, cls, mask; /* ids */
};

/* Takes the vocabulary and finds the special tokens in it; one that is missing is an error (MDP_ERR_MISSING). The
   settings stay as they are. */
mdp_status mdp_wordpiece_init(struct mdp_wordpiece *wordpiece, const struct mdp_vocab *vocab,
                              struct mdp_error *err);

/* The first `most` ids of text[n], without [CLS] and [SEP] around them. Invalid UTF-8 is an error wherever it
   stands. */
mdp_status mdp_wordpiece_run(const struct mdp_wordpiece *wordpiece, const char *text, size_t n, size_t most,
                             int32_t ids[], size_t *n_ids, struct mdp_error *err);

#endif
