/* SPDX-License-Identifier: BSD-3-Clause */
/* The part `model` of a tokenizer.json: a word to ids, as the library tokenizers 0.22 does it. BPE (Sennrich et al. 2016),
   Unigram (Kudo 2018: the way of the highest sum of scores), WordPiece (the longest piece first). */
#ifndef MDP_EXTRACT_TOKENIZER_JSON_MODEL_H
#define MDP_EXTRACT_TOKENIZER_JSON_MODEL_H

#include "base/formats/json.h"
#include "extract/text/bpe_merges.h"
#include "extract/text/piece_trie.h"

#include <stdbool.h>

struct mdp_json_model {
    enum { MDP_JSON_BPE, MDP_JSON_UNIGRAM, MDP_JSON_WORDPIECE } type;
    struct mdp_piece_trie pieces;
    size_t vocab_size;             /* largest id + 1 */
    int32_t unknown;               /* id of what has no piece; -1: it is left out */
    struct mdp_bpe_merges *merges; /* BPE */
    bool byte_fallback, fuse_unknown, ignore_merges;
    char *prefix, *suffix; /* of pieces inside and at the end of a word; "" for none */
    double *scores;        /* [vocab_size], Unigram */
    double unknown_score;
    size_t most_characters; /* of a word, WordPiece */
};

/* `node` is the object "model"; what is not known is refused by name. */
mdp_status mdp_json_model_init(struct mdp_json_model *model, const struct mdp_json *doc,
                               const struct mdp_json_value *node, struct mdp_error *err);
void mdp_json_model_release(struct mdp_json_model *model);

/* Ids of words go behind each other: *ids grows. {0} is empty. */
struct mdp_json_model_work {
    int32_t *ids; /* [n], room for `room` */
    size_t n, room;
    struct mdp_bpe_work bpe;
    struct mdp_way *ways; /* [n_ways] */
    size_t n_ways;
};
void mdp_json_model_work_release(struct mdp_json_model_work *work);

/* Adds the ids of word[n], UTF-8. */
mdp_status mdp_json_model_run(const struct mdp_json_model *model, const char *word, size_t n,
                              struct mdp_json_model_work *work, struct mdp_error *err);

/* The keys of `node` are among `keys` (ends with NULL), else MDP_ERR_UNSUPPORTED: "<where>: ... '<key>'". */
mdp_status mdp_json_only_keys(const struct mdp_json_value *node, const char *where, const char *const keys[],
                              struct mdp_error *err);

#endif
