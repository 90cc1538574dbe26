/* SPDX-License-Identifier: BSD-3-Clause */
/* What towers of several families share besides their layers: keys of their sections, pictures cut into patches, taps,
   and the check of what comes out. */
#ifndef MDP_EXTRACT_TOWER_COMMON_H
#define MDP_EXTRACT_TOWER_COMMON_H

#include "base/formats/yaml.h"
#include "extract/towers/image_tower.h"
#include "extract/towers/layers.h"

#include <stddef.h>

/* --- pictures and stages --- */

/* `image_size` (one number for a square, or [height, width]) and `channels`; the embedding's width is left as it is. */
mdp_status mdp_input_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               struct mdp_image_sizes *input, struct mdp_error *err);

enum { MDP_MAX_STAGES = 8 };

/* A list of one number a stage, each from 1 to `most`; *n is 0 before the first list and the number of stages after it. */
mdp_status mdp_stages_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                                size_t most, size_t *n, size_t values[MDP_MAX_STAGES], struct mdp_error *err);

/* --- patches --- */

/* A picture [channels, height, width] and the side of the squares it is cut into. At its right and lower edge they reach
   beyond it, where pixels are 0, or, with `whole`, what fills no square is not seen (a convolution without padding). */
struct mdp_patches {
    size_t channels, height, width, patch;
    bool whole;
};

/* `image_size` (one number for a square, or [height, width]), `patch_size`, `channels`. */
mdp_status mdp_patches_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                 struct mdp_patches *patches, struct mdp_error *err);

size_t mdp_patches_rows(const struct mdp_patches *patches);    /* H of the map of tokens */
size_t mdp_patches_columns(const struct mdp_patches *patches); /* W of the map of tokens */
size_t mdp_patches_values(const struct mdp_patches *patches);  /* floats of one: channels * patch * patch */

/* A convolution over patches is one product a patch: <name>.weight[O, channels, patch, patch], <name>.bias[O]. */
mdp_status mdp_patches_load(const struct mdp_patches *patches, const struct mdp_layer_source *source,
                            const char *name, size_t out, bool with_bias, struct mdp_linear *linear,
                            struct mdp_error *err);

/* Row `row` of the map, for that product: out[W, values]. */
void mdp_patches_cut(const struct mdp_patches *patches, const float *input, size_t row, float *out);

/* --- taps, results --- */

struct mdp_tapped {
    mdp_tap *tap; /* NULL: nobody looks */
    void *context;
};

/* values[rows, columns] under the name that format and arguments give (at most 79 bytes). */
void mdp_tap_show(const struct mdp_tapped *tapped, const float *values, size_t rows, size_t columns,
                  const char *format, ...) MDP_PRINTF(5, 6);

/* MDP_ERR_VALUE where one of features[n] is not finite. */
mdp_status mdp_features_check(const float *features, size_t n, struct mdp_error *err);

#endif
