/* SPDX-License-Identifier: BSD-3-Clause */
/* Vision transformers (Dosovitskiy et al., ICLR 2021) of all plain kinds: a picture is cut into patches, each becomes a token;
   a class token and registers may stand before them; positions are added; a transformer (transformer.h); one vector is pooled
   and passes a head (head.h). OpenAI CLIP, open_clip, CoCa, SigLIP, EVA-CLIP, BLIP, DINOv2, ViT of timm and transformers
   differ in the keys of the card's section alone; layouts of names are in vit_names.c and transformer_names.c.

   Letters: H, W of the map of patches, P = H W, N = tokens (class, registers, patches), C width, E width of the pooled vector,
   D of the embedding, Q pooled vectors (1, but for pool `queries`). */
#ifndef MDP_EXTRACT_VIT_H
#define MDP_EXTRACT_VIT_H

#include "extract/towers/attention_pool.h"
#include "extract/towers/head.h"
#include "extract/towers/positions.h"
#include "extract/towers/qformer.h"
#include "extract/towers/transformer.h"

/* Which tokens have a position of their own. */
enum mdp_vit_positions {
    MDP_VIT_POSITIONS_ALL,     /* class token and patches */
    MDP_VIT_POSITIONS_PATCHES, /* patches only */
    MDP_VIT_POSITIONS_NONE,
    MDP_VIT_POSITIONS_COUNT
};

/* From all tokens to one vector. */
enum mdp_vit_pool {
    MDP_VIT_POOL_CLASS,     /* the class token */
    MDP_VIT_POOL_MEAN,      /* the mean of the patches */
    MDP_VIT_POOL_MEAN_ALL,  /* the mean of all tokens */
    MDP_VIT_POOL_ATTENTION, /* attention_pool.h */
    MDP_VIT_POOL_QUERIES,   /* qformer.h: several vectors */
    MDP_VIT_POOL_COUNT
};

/* Where the final layer norm stands. */
enum mdp_vit_norm {
    MDP_VIT_NORM_BEFORE_POOL,
    MDP_VIT_NORM_AFTER_POOL,
    MDP_VIT_NORM_NONE,
    MDP_VIT_NORM_COUNT
};

/* Names of the tensors outside the blocks, a row a layout. */
struct mdp_vit_names {
    const char *layout;
    const char *patch, *class_token, *positions, *registers, *pre_norm;
    const char *norm, *norm_after; /* before, after the pooling */
    struct mdp_pool_names pool;
};
extern const struct mdp_vit_names mdp_vit_names[]; /* ends with a row whose layout is NULL */

struct mdp_vit_config {
    struct mdp_patches patches;
    struct mdp_transformer_config transformer;
    const struct mdp_vit_names *names;
    const char *prefix; /* owned by the YAML and not used after loading */
    bool class_token, patch_bias, pre_norm;
    size_t registers;
    enum mdp_vit_positions positions;
    size_t grid_height, grid_width; /* of the file's positions; 0: a square */
    enum mdp_position_resize resize;
    size_t rotary_grid; /* rotary positions as if the map had this side; 0: none */
    enum mdp_vit_pool pool;
    enum mdp_vit_norm norm;
    size_t pool_width, pool_heads,
        pool_hidden; /* of pool `attention`: E, heads, values of its MLP (0: none) */
};

struct mdp_vit {
    const struct mdp_kernels *kernels;
    struct mdp_vit_config config;
    size_t prefix_tokens, tokens;   /* class token and registers; N */
    struct mdp_linear patch;        /* [C, channels * patch * patch] */
    float *first;                   /* [prefix_tokens, C] class token with its position, registers */
    float *positions;               /* [P, C], or NULL */
    float *rotary;                  /* [P, 2, d] cosines and sines, or NULL */
    struct mdp_norm pre_norm, norm; /* [C], [C or E]; or empty */
    struct mdp_transformer transformer;
    struct mdp_attention_pool attention_pool; /* or empty */
    struct mdp_qformer qformer;               /* or empty */
    struct mdp_head head;                     /* E -> D */
};

/* The `image` map of a model's YAML; errors have its line. */
mdp_status mdp_vit_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                    struct mdp_vit *vit, struct mdp_error *err);
/* Weights, after the configuration. */
mdp_status mdp_vit_load(struct mdp_vit *vit, const struct mdp_weights *weights, struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_vit_release(struct mdp_vit *vit);

#endif
