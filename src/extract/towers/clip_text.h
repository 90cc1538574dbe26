/* SPDX-License-Identifier: BSD-3-Clause */
/* Text towers of CLIP's kind (Radford et al., 2021): token and position embeddings, a transformer (transformer.h), a final layer
   norm, one row, a head. Causal (CLIP, open_clip) or not (SigLIP, whose padding is attended to like text); CoCa appends a class
   token whose row is pooled.

   Letters: L ids of a padded text, V size of the vocabulary, C width, D width of the embedding. */
#ifndef MDP_EXTRACT_CLIP_TEXT_H
#define MDP_EXTRACT_CLIP_TEXT_H

#include "extract/towers/head.h"
#include "extract/towers/transformer.h"

#include <stdint.h>

/* Which row is pooled. */
enum mdp_clip_text_pool {
    MDP_CLIP_TEXT_POOL_LARGEST, /* of the largest id, the first of equal ones: OpenAI's argmax, its end of text */
    MDP_CLIP_TEXT_POOL_END,     /* of the first id that is end_id */
    MDP_CLIP_TEXT_POOL_FIRST,
    MDP_CLIP_TEXT_POOL_LAST,  /* of the padded text */
    MDP_CLIP_TEXT_POOL_CLASS, /* of the appended class token: CoCa */
    MDP_CLIP_TEXT_POOL_COUNT
};

/* Names of the tensors outside the blocks, a row a layout. */
struct mdp_clip_text_names {
    const char *layout;
    const char *tokens, *positions; /* [V, C], [positions, C] */
    const char *class_token;        /* CoCa */
    const char *norm;
};
extern const struct mdp_clip_text_names mdp_clip_text_names[]; /* ends with a row whose layout is NULL */

struct mdp_clip_text_config {
    struct mdp_transformer_config transformer;
    const struct mdp_clip_text_names *names;
    const char *prefix; /* owned by the YAML and not used after loading */
    size_t vocab_size, positions;
    bool causal;
    enum mdp_clip_text_pool pool;
    int32_t end_id; /* pool END */
    int32_t pad_id; /* pool CLASS: what stands behind a text */
};

struct mdp_clip_text {
    const struct mdp_kernels *kernels;
    struct mdp_clip_text_config config;
    float *tokens;      /* [V, C] */
    float *positions;   /* [positions, C] */
    float *class_token; /* [C], or NULL */
    struct mdp_norm norm;
    struct mdp_transformer transformer;
    struct mdp_head head;
};

/* The `text` map of a model's YAML; errors have its line. */
mdp_status mdp_clip_text_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                          struct mdp_clip_text *text, struct mdp_error *err);
/* Weights, after the configuration. */
mdp_status mdp_clip_text_load(struct mdp_clip_text *text, const struct mdp_weights *weights,
                              struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_clip_text_release(struct mdp_clip_text *text);

#endif
