/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of tokenizers. A new one is a file with its struct, an `extern` at the end of this header and a row in
   tokenizer.c; the model's YAML says `kind: <name>`. tests/unit/test_families.c looks at every row. */
#ifndef MDP_EXTRACT_TOKENIZER_KINDS_H
#define MDP_EXTRACT_TOKENIZER_KINDS_H

#include "extract/text/tokenizer.h"

#include <stdbool.h>

enum { MDP_NO_ID = -1 };

/* All members are there. A tokenizer is made in two steps, so that a map can be looked at without a vocabulary. */
struct mdp_tokenizer_kind {
    const char *name;
    const char *const
        *keys; /* its keys in the YAML besides `kind`, `max_length` and `padding`; ends with NULL */
    const char *const
        *files;   /* names that its vocabulary has in a folder, the first found is taken; ends with NULL */
    bool shipped; /* files[0] comes with medprobe, in configs/vocab */

    /* Makes tokenizer->model from the keys, which are known ones. On failure it may be half made; free() is called. */
    mdp_status (*from_yaml)(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_tokenizer *tokenizer, struct mdp_error *err);
    /* Reads the vocabulary; sets vocab_size and the ids below; bos and eos where there are any. */
    mdp_status (*load)(struct mdp_tokenizer *tokenizer, const char *vocab, struct mdp_error *err);
    /* The first `most` ids of text[n], without those around it. Invalid UTF-8 is an error wherever it stands. */
    mdp_status (*encode)(const void *model, const char *text, size_t n, size_t most, int32_t ids[],
                         size_t *n_ids, struct mdp_error *err);
    void (*free)(void *model); /* NULL is accepted */
};

struct mdp_tokenizer {
    const struct mdp_tokenizer_kind *kind;
    void *model;
    size_t max_length, vocab_size; /* ids of a text, special ones included; ids are below vocab_size */
    int32_t bos, eos;              /* begin and end every text; MDP_NO_ID: there is none */
    int32_t pad;                   /* fills a batch behind its texts */
    bool pads_to_most;             /* a batch is max_length wide, not as its longest text */
};

extern const struct mdp_tokenizer_kind *const mdp_tokenizer_kinds[]; /* ends with NULL */

extern const struct mdp_tokenizer_kind mdp_wordpiece_kind;
extern const struct mdp_tokenizer_kind mdp_clip_bpe_kind;
extern const struct mdp_tokenizer_kind mdp_sentencepiece_kind;
extern const struct mdp_tokenizer_kind mdp_tokenizer_json_kind;
extern const struct mdp_tokenizer_kind mdp_byte_bpe_kind;

#endif
