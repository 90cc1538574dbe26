/* SPDX-License-Identifier: BSD-3-Clause */
/* Text to token ids. BERT's WordPiece, as BertTokenizer(do_lower_case=True) of transformers 4.57. */
#ifndef MDP_EXTRACT_TOKENIZER_H
#define MDP_EXTRACT_TOKENIZER_H

#include "base/yaml.h"
#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

struct mdp_tokenizer;

/* `node` is the `tokenizer` map of a model's YAML; `vocab` the vocabulary file. */
mdp_status mdp_tokenizer_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *vocab,
                             struct mdp_tokenizer **tokenizer, struct mdp_error *err);
void mdp_tokenizer_free(struct mdp_tokenizer *tokenizer);

size_t mdp_tokenizer_max_length(const struct mdp_tokenizer *tokenizer); /* ids, special ones included */
size_t mdp_tokenizer_vocab_size(const struct mdp_tokenizer *tokenizer);

/* [CLS] pieces [SEP], truncated to max_length: ids[max_length], *n of them used. */
mdp_status mdp_tokenize(const struct mdp_tokenizer *tokenizer, const char *text, int32_t *ids, size_t *n,
                        struct mdp_error *err);

#endif
