/* SPDX-License-Identifier: BSD-3-Clause */
/* tokenizer.json, the file of the library tokenizers, as that library (0.22, by transformers 4.57's fast tokenizers) runs it:

   1. added tokens that are written in the text are cut out, those that are `normalized` after 2;
   2. the normaliser changes what is left; 3. the pre-tokenizer cuts it into words; 4. the model makes ids of each;
   5. the post-processor says which ids stand around a text.

   Known: tokenizer_json_steps.c, tokenizer_json_model.c; TemplateProcessing, BertProcessing and RobertaProcessing. Anything else is
   refused by name. `decoder`, `truncation` and `padding` are not looked at, but for padding's id.
   tests/reference/test_tokenizer_json.py compares. */
#ifndef MDP_EXTRACT_TOKENIZER_JSON_H
#define MDP_EXTRACT_TOKENIZER_JSON_H

#include "extract/text/special_ids.h"
#include "extract/text/tokenizer_json_model.h"
#include "extract/text/tokenizer_json_steps.h"

struct mdp_added_token {
    struct mdp_chars text;
    int32_t id;
    bool eats_before, eats_behind; /* white space beside it is dropped */
};

struct mdp_tokenizer_json {
    struct mdp_json_steps normalizer, pre_tokenizer;
    struct mdp_json_model model;
    struct mdp_added_token *added; /* [n_added] */
    size_t n_added, room;
    struct mdp_piece_trie raw, normalized; /* UTF-8 of them -> index in `added` */
    struct mdp_special_ids around;         /* pad: MDP_UNSAID_ID when the file has none */
    size_t vocab_size;                     /* largest id + 1 */
};

/* Errors name the file (`doc`), the part and what of it. */
mdp_status mdp_tokenizer_json_init(struct mdp_tokenizer_json *tokenizer, const struct mdp_json *doc,
                                   struct mdp_error *err);
void mdp_tokenizer_json_release(struct mdp_tokenizer_json *tokenizer);

/* The first `most` ids of `text` without those around it: ids[most], *n_ids of them used. */
mdp_status mdp_tokenizer_json_run(const struct mdp_tokenizer_json *tokenizer, struct mdp_chars *text,
                                  size_t most, int32_t ids[], size_t *n_ids, struct mdp_error *err);

#endif
