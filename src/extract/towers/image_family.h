/* SPDX-License-Identifier: BSD-3-Clause */
/* What a family of image towers gives to the table in tower.c. */
#ifndef MDP_EXTRACT_TOWER_FAMILY_H
#define MDP_EXTRACT_TOWER_FAMILY_H

#include "extract/towers/image_tower.h"

struct mdp_image_family {
    const char *name; /* `family` of the YAML */

    /* Makes tower->model and sets the sizes; on failure tower->model may be half made, free() is called. */
    mdp_status (*load)(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                       const struct mdp_weights *weights, struct mdp_image_tower *tower,
                       struct mdp_error *err);
    void (*free)(void *model); /* NULL is accepted */
    void (*run)(const void *model, const float *input, float *scratch, float *features, mdp_tap *tap,
                void *tap_context);
};

struct mdp_image_tower {
    const struct mdp_image_family *family;
    void *model;
    size_t width, input_size, scratch_size;
    char kernel[64];
};

extern const struct mdp_image_family mdp_swin_family;

#endif
