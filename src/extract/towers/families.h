/* SPDX-License-Identifier: BSD-3-Clause */
/* Families of towers. A new one is a file with its struct, an `extern` at the end of this header and a row in
   families.c; the model's YAML says `family: <name>`. What families share is in layers.h and tower_common.h; keys are
   described in docs/MODELS.md. tests/unit/test_families.c looks at every row. */
#ifndef MDP_EXTRACT_FAMILIES_H
#define MDP_EXTRACT_FAMILIES_H

#include "extract/towers/image_tower.h"
#include "extract/towers/text_tower.h"
#include "extract/towers/tower_common.h"

/* --- image towers --- */

/* All members are there. A tower is made in two steps, so that a section can be looked at without weights. */
struct mdp_image_family {
    const char *name;

    /* The section's keys: makes tower->model, sets tower->sizes and scratch_size, and vectors where a picture has several. On
       failure tower->model may be half made; free() is called. */
    mdp_status (*from_yaml)(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_image_tower *tower, struct mdp_error *err);
    /* Packs the weights. Strings of the YAML are not used after it. */
    mdp_status (*load)(void *model, const struct mdp_weights *weights, struct mdp_error *err);
    /* input[C, H, W] -> features[D]; scratch: scratch_size floats that hold anything. */
    void (*run)(const void *model, const float *input, float *scratch, float *features,
                const struct mdp_tapped *tapped);
    void (*free)(void *model); /* NULL is accepted */
};

struct mdp_image_tower {
    const struct mdp_image_family *family;
    void *model;
    struct mdp_image_sizes sizes;
    size_t vectors;      /* Q: features are [Q, D], one a query (BLIP-2); 0: one vector [D] */
    size_t scratch_size; /* floats of working memory */
    char kernel[64];
};

/* --- text towers --- */

struct mdp_text_family {
    const char *name;

    /* As above. tower->pooling comes as what the user chose in place of the section's `pooling`, or NULL (it is not given
       to sections without that key), and leaves as the family's own name for the pooling in use. */
    mdp_status (*from_yaml)(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_text_tower *tower, struct mdp_error *err);
    mdp_status (*load)(void *model, const struct mdp_weights *weights, struct mdp_error *err);
    /* Floats of working memory for a text padded to `longest` ids. */
    size_t (*scratch_size)(const void *model, size_t longest);
    /* ids[longest], `length` of them used, all below the vocabulary's size -> features[D]. scratch is aligned to
       64 bytes and holds anything. */
    void (*run)(const void *model, const int32_t *ids, size_t length, size_t longest, float *scratch,
                float *features, const struct mdp_tapped *tapped);
    void (*free)(void *model); /* NULL is accepted */
};

struct mdp_text_tower {
    const struct mdp_text_family *family;
    void *model;
    const char *pooling;
    struct mdp_text_sizes sizes;
};

/* --- the tables --- */

extern const struct mdp_image_family *const mdp_image_families[]; /* ends with NULL */
extern const struct mdp_text_family *const mdp_text_families[];   /* ends with NULL */

/* The family that the section's `family` names; an unknown name is an error with its line and the known ones. */
mdp_status mdp_image_family_get(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                const struct mdp_image_family **family, struct mdp_error *err);
mdp_status mdp_text_family_get(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                               const struct mdp_text_family **family, struct mdp_error *err);

extern const struct mdp_image_family mdp_convnext_family;
extern const struct mdp_image_family mdp_densenet_family;
extern const struct mdp_image_family mdp_efficientnet_family;
extern const struct mdp_image_family mdp_resnet_family;
extern const struct mdp_image_family mdp_swin_family;
extern const struct mdp_image_family mdp_vit_family;

extern const struct mdp_text_family mdp_bert_family;
extern const struct mdp_text_family mdp_clip_text_family;

#endif
