/* SPDX-License-Identifier: BSD-3-Clause */
/* Text to token ids. Kinds of tokenizers are rows of a table (tokenizer_kinds.h). */
#ifndef MDP_EXTRACT_TOKENIZER_H
#define MDP_EXTRACT_TOKENIZER_H

#include "base/formats/yaml.h"
#include "base/text.h"
#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

struct mdp_tokenizer;

/* `node` is the `tokenizer` map of a model's YAML: kind, max_length, padding, and the keys of its kind. `vocab` is the
   vocabulary file (the card's role `vocab`). */
mdp_status mdp_tokenizer_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *vocab,
                             struct mdp_tokenizer **tokenizer, struct mdp_error *err);
void mdp_tokenizer_free(struct mdp_tokenizer *tokenizer);

/* Where the vocabulary is that was not named: into *path (replaced), in `folder`, under a name that files of the map's kind have
   (MDP_ERR_MISSING when under none); with folder NULL, the one that medprobe brings with it: *path is left empty when the
   kind has none. */
mdp_status mdp_tokenizer_locate_vocab(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                      const char *folder, struct mdp_text *path, struct mdp_error *err);

/* Reads the map without the vocabulary: the max_length that the tokenizer would have, or the map's fault. */
mdp_status mdp_tokenizer_length_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                          size_t *max_length, struct mdp_error *err);

size_t mdp_tokenizer_max_length(const struct mdp_tokenizer *tokenizer); /* ids, special ones included */
size_t mdp_tokenizer_vocab_size(const struct mdp_tokenizer *tokenizer); /* every id is below it */
int32_t mdp_tokenizer_pad_id(const struct mdp_tokenizer *tokenizer);    /* fills a batch behind its texts */

/* The id that begins a text, the text's ids, the id that ends it (where there are such), truncated to max_length: ids[max_length], *n of
   them used. Text that is not UTF-8 is an error that names the byte. */
mdp_status mdp_tokenize(const struct mdp_tokenizer *tokenizer, const char *text, int32_t *ids, size_t *n,
                        struct mdp_error *err);

/* Texts as one batch of a text tower: *ids[T, *longest] in a block for free(), row t holds lengths[t] ids and
   then the padding id; *longest is max_length under `padding: max-length`. No texts: *longest is 0. */
mdp_status mdp_tokenize_batch(const struct mdp_tokenizer *tokenizer, const char *const texts[], size_t n,
                              int32_t **ids, size_t lengths[], size_t *longest, struct mdp_error *err);

#endif
