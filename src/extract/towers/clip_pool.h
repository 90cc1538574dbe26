/* SPDX-License-Identifier: BSD-3-Clause */
/* CLIP's attention pool (clip/model.py, AttentionPool2d): the mean of a map's pixels is put before them, positions are added, and
   that mean asks all of them in one multi-head attention. What the original calls c_proj is a step of the head.

   Letters: P pixels, C channels. */
#ifndef MDP_EXTRACT_CLIP_POOL_H
#define MDP_EXTRACT_CLIP_POOL_H

#include "extract/kernels/linear.h"
#include "extract/towers/layers.h"

struct mdp_clip_pool {
    const struct mdp_kernels *kernels;
    size_t pixels, channels, heads; /* P, C; heads divides C */
    float *positions;               /* [1 + P, C] */
    struct mdp_linear query;        /* [C, C] */
    struct mdp_linear key_value;    /* [2C, C] */
};

/* positional_embedding, {q,k,v}_proj.{weight,bias} behind the source's prefix; pixels, channels, heads are set. */
mdp_status mdp_clip_pool_load(const struct mdp_layer_source *source, struct mdp_clip_pool *pool,
                              struct mdp_error *err);
void mdp_clip_pool_release(struct mdp_clip_pool *pool);

/* Floats of working memory; known before weights are. */
mdp_status mdp_clip_pool_scratch_size(const struct mdp_clip_pool *pool, size_t *size, struct mdp_error *err);
/* map[P, C] -> pooled[C]. scratch: as above. */
void mdp_clip_pool_run(const struct mdp_clip_pool *pool, const float *map, float *scratch, float *pooled);

#endif
