/* SPDX-License-Identifier: BSD-3-Clause */
/* A text tower: token ids in, features out. The texts of one call are one batch, padded to its longest:
   MedCLIP's pooled vector depends on the padding (a mean over all positions). */
#ifndef MDP_EXTRACT_TEXT_TOWER_H
#define MDP_EXTRACT_TEXT_TOWER_H

#include "base/formats/yaml.h"
#include "extract/towers/image_tower.h"
#include "extract/weights/weights.h"
#include "medprobe/status.h"

#include <stdint.h>

struct mdp_text_tower;

/* `node` is the `text` map of a model's YAML: family and sizes. `pooling`, when not NULL, stands for the map's own:
   what --text-pooling says; an error (MDP_ERR_USAGE) where the map has none or does not know it. */
mdp_status mdp_text_tower_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                              const char *pooling, const struct mdp_weights *weights,
                              struct mdp_text_tower **tower, struct mdp_error *err);
void mdp_text_tower_free(struct mdp_text_tower *tower);

struct mdp_text_sizes {
    size_t embedding;  /* D: values */
    size_t positions;  /* ids of a text at most */
    size_t vocab_size; /* ids are below it */
};

/* Reads the map without weights: the sizes that the tower would have, or the map's fault. */
mdp_status mdp_text_tower_sizes_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                          struct mdp_text_sizes *sizes, struct mdp_error *err);

size_t mdp_text_tower_width(const struct mdp_text_tower *tower);      /* D */
size_t mdp_text_tower_vocab_size(const struct mdp_text_tower *tower); /* ids are below it */
/* The pooling in use, by its name in the program's own memory; NULL where the family has one way. */
const char *mdp_text_tower_pooling(const struct mdp_text_tower *tower);

/* ids[T, L] (row t uses its first lengths[t] ids, the rest is the padding id; see mdp_tokenize_batch) ->
   features[T, D], not normalised. `threads` share the texts; the bytes do not depend on it. An id outside the
   vocabulary, more ids than positions and features that are not finite are errors. `tap` (may be NULL) sees
   one text after the other. */
mdp_status mdp_text_tower_run(const struct mdp_text_tower *tower, const int32_t *ids, const size_t lengths[],
                              size_t texts, size_t longest, size_t threads, float *features, mdp_tap *tap,
                              void *tap_context, struct mdp_error *err);

#endif
