/* SPDX-License-Identifier: BSD-3-Clause */
/* An image tower: preprocessed pictures in, features out. Families are rows of a table (families.h). */
#ifndef MDP_EXTRACT_IMAGE_TOWER_H
#define MDP_EXTRACT_IMAGE_TOWER_H

#include "base/formats/yaml.h"
#include "extract/weights/weights.h"
#include "medprobe/status.h"

struct mdp_image_tower; /* weights packed once, shared by all threads; never changes after it was made */

/* A tap sees intermediate layers, for tests and diagnosis: called in forward order with a stable name
   ("embeddings", "layers.0.blocks.1", ...) and the values [rows, columns] of one picture. */
typedef void mdp_tap(void *context, const char *name, const float *values, size_t rows, size_t columns);

/* `node` is the `image` map of a model's YAML: family and sizes. */
mdp_status mdp_image_tower_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                               const struct mdp_weights *weights, struct mdp_image_tower **tower,
                               struct mdp_error *err);
void mdp_image_tower_free(struct mdp_image_tower *tower);

struct mdp_image_sizes {
    size_t embedding;               /* D: values */
    size_t channels, height, width; /* C, H, W of the input; H and W in pixels */
};

/* Reads the map without weights: the sizes that the tower would have, or the map's fault. */
mdp_status mdp_image_tower_sizes_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                           struct mdp_image_sizes *sizes, struct mdp_error *err);

/* D: values of an embedding. */
size_t mdp_image_tower_width(const struct mdp_image_tower *tower);
/* Q: vectors a picture; 0: one. */
size_t mdp_image_tower_vectors(const struct mdp_image_tower *tower);
/* Floats of one preprocessed picture [C, H, W]. */
size_t mdp_image_tower_input_size(const struct mdp_image_tower *tower);
/* Floats of working memory that a thread needs. */
size_t mdp_image_tower_scratch_size(const struct mdp_image_tower *tower);
/* "openblas-haswell", "avx2", ...: the store's `kernel`. */
const char *mdp_image_tower_kernel(const struct mdp_image_tower *tower);

/* One picture: input[C, H, W] -> features[D], or [Q, D], not normalised; MDP_ERR_VALUE where they are not finite. scratch:
   as above. `tap` may be NULL. Single-threaded; the bytes depend on the input, the weights and the kernel alone. */
mdp_status mdp_image_tower_run(const struct mdp_image_tower *tower, const float *input, float *scratch,
                               float *features, mdp_tap *tap, void *tap_context, struct mdp_error *err);

#endif
