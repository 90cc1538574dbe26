/* SPDX-License-Identifier: BSD-3-Clause */
/* What a family of text towers gives to the table in text_tower.c. */
#ifndef MDP_EXTRACT_TEXT_FAMILY_H
#define MDP_EXTRACT_TEXT_FAMILY_H

#include "extract/towers/text_tower.h"

struct mdp_text_family {
    const char *name; /* `family` of the YAML */

    /* Makes tower->model and sets the sizes; on failure tower->model may be half made, free() is called. */
    mdp_status (*load)(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *pooling,
                       const struct mdp_weights *weights, struct mdp_text_tower *tower,
                       struct mdp_error *err);
    void (*free)(void *model); /* NULL is accepted */

    /* Floats of working memory for a text padded to `longest` ids. */
    size_t (*scratch_size)(const void *model, size_t longest);

    /* ids[longest], `length` of them used, all below the vocabulary's size -> features[D]. scratch is aligned
       to 64 bytes. */
    void (*run)(const void *model, const int32_t *ids, size_t length, size_t longest, float *scratch,
                float *features, mdp_tap *tap, void *tap_context);
};

struct mdp_text_tower {
    const struct mdp_text_family *family;
    void *model;
    size_t width, positions, vocab_size;
    const char *pooling; /* a name that lives as long as the program */
};

extern const struct mdp_text_family mdp_bert_family;

#endif
