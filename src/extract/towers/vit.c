/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture's way through a vision transformer. */
#include "extract/towers/vit.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/kernels/map_pool.h"
#include "extract/towers/families.h"

#include <stdlib.h>
#include <string.h>

/* Working memory of one picture. */
struct work {
    float *x;       /* [N, C] the stream */
    float *cut;     /* [W, values of a patch] one row of the map */
    float *normed;  /* [N, C] before pooling */
    float *pooled;  /* [Q, E] */
    float *pooled2; /* [E], after the norm */
    float *rest;    /* of the parts, one after another */
};

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t vectors_of(const struct mdp_vit *v)
{
    return v->config.pool == MDP_VIT_POOL_QUERIES ? v->qformer.config.queries : 1;
}

static size_t pool_scratch_size(const struct mdp_vit *v)
{
    switch (v->config.pool) {
    case MDP_VIT_POOL_ATTENTION:
        return mdp_attention_pool_scratch_size(&v->attention_pool, v->tokens);
    case MDP_VIT_POOL_QUERIES:
        return mdp_qformer_scratch_size(&v->qformer, v->tokens);
    case MDP_VIT_POOL_CLASS:
    case MDP_VIT_POOL_MEAN:
    case MDP_VIT_POOL_MEAN_ALL:
    case MDP_VIT_POOL_COUNT:
        break;
    }
    return 0;
}

static void divide(const struct mdp_vit *v, struct mdp_scratch *s, struct work *w)
{
    const struct mdp_vit_config *c = &v->config;
    const size_t width = c->transformer.width;

    w->x = mdp_scratch_take(s, v->tokens * width);
    w->cut = mdp_scratch_take(s, mdp_patches_columns(&c->patches) * mdp_patches_values(&c->patches));
    w->normed = mdp_scratch_take(s, v->tokens * width);
    w->pooled = mdp_scratch_take(s, vectors_of(v) * c->pool_width);
    w->pooled2 = mdp_scratch_take(s, c->pool_width);
    w->rest = mdp_scratch_take(
        s, largest(mdp_transformer_scratch_size(&v->transformer, v->tokens),
                   largest(mdp_head_scratch_size(&v->head, vectors_of(v)), pool_scratch_size(v))));
}

/* --- tokens --- */

static void embed(const struct mdp_vit *v, const float *input, const struct work *w)
{
    const struct mdp_patches *p = &v->config.patches;
    const size_t width = v->config.transformer.width, rows = mdp_patches_rows(p),
                 columns = mdp_patches_columns(p);
    float *x = w->x + v->prefix_tokens * width;

    if (v->prefix_tokens)
        memcpy(w->x, v->first, v->prefix_tokens * width * sizeof *x);
    for (size_t row = 0; row < rows; row++, x += columns * width) {
        mdp_patches_cut(p, input, row, w->cut);
        mdp_linear_run(&v->patch, w->cut, columns, v->patch.in, MDP_ACTIVATION_NONE,
                       v->positions ? v->positions + row * columns * width : NULL, x, width);
    }
}

/* --- pooling --- */

static void norm_rows(const struct mdp_vit *v, const float *x, size_t rows, size_t columns, float *y)
{
    v->kernels->layer_norm(x, rows, columns, columns, v->norm.gain, v->norm.bias,
                           (float)v->config.transformer.eps, y, columns);
}

/* x[N, C] -> pooled[Q, E] */
static void pool(const struct mdp_vit *v, const float *x, const struct work *w, float *pooled,
                 const struct mdp_tapped *tapped)
{
    const size_t width = v->config.transformer.width, patches = v->tokens - v->prefix_tokens;

    switch (v->config.pool) {
    case MDP_VIT_POOL_MEAN:
        mdp_map_mean(x + v->prefix_tokens * width, patches, width, width, pooled);
        break;
    case MDP_VIT_POOL_MEAN_ALL:
        mdp_map_mean(x, v->tokens, width, width, pooled);
        break;
    case MDP_VIT_POOL_ATTENTION:
        mdp_attention_pool_run(&v->attention_pool, x, v->tokens, w->rest, pooled);
        break;
    case MDP_VIT_POOL_QUERIES:
        mdp_qformer_run(&v->qformer, x, v->tokens, w->rest, pooled, tapped);
        break;
    case MDP_VIT_POOL_CLASS:
    case MDP_VIT_POOL_COUNT:
        memcpy(pooled, x, width * sizeof *pooled);
        break;
    }
}

static const float *pool_and_norm(const struct mdp_vit *v, const struct work *w,
                                  const struct mdp_tapped *tapped)
{
    const struct mdp_vit_config *c = &v->config;
    const float *x = w->x;

    if (c->norm == MDP_VIT_NORM_BEFORE_POOL) {
        norm_rows(v, x, c->pool == MDP_VIT_POOL_CLASS ? 1 : v->tokens, c->transformer.width, w->normed);
        x = w->normed;
    }
    pool(v, x, w, w->pooled, tapped);
    if (c->norm != MDP_VIT_NORM_AFTER_POOL)
        return w->pooled;
    norm_rows(v, w->pooled, 1, c->pool_width, w->pooled2);
    return w->pooled2;
}

/* Taps: "embeddings" (tokens with positions), "pre_norm", "layers.<i>", "pooled" (before the head), "features". */
static void run(const void *model, const float *input, float *scratch, float *features,
                const struct mdp_tapped *tapped)
{
    const struct mdp_vit *v = model;
    const size_t width = v->config.transformer.width;
    struct mdp_scratch s = {.block = scratch};
    struct work w;

    divide(v, &s, &w);
    embed(v, input, &w);
    mdp_tap_show(tapped, w.x, v->tokens, width, "embeddings");
    if (v->config.pre_norm) {
        v->kernels->layer_norm(w.x, v->tokens, width, width, v->pre_norm.gain, v->pre_norm.bias,
                               (float)v->config.transformer.eps, w.x, width);
        mdp_tap_show(tapped, w.x, v->tokens, width, "pre_norm");
    }
    const struct mdp_transformer_run through = {
        .tokens = v->tokens, .rotary = v->rotary, .rotary_from = v->prefix_tokens, .x = w.x};
    mdp_transformer_run(&v->transformer, &through, w.rest, tapped);
    const float *pooled = pool_and_norm(v, &w, tapped);
    const size_t vectors = vectors_of(v);
    mdp_tap_show(tapped, pooled, vectors, v->config.pool_width, "pooled");
    mdp_head_run(&v->head, pooled, vectors, v->config.pool_width, w.rest, features);
    mdp_tap_show(tapped, features, vectors, v->head.out, "features");
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_image_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_vit *vit = tower->model = mdp_new_array(1, sizeof *vit, err, &st);
    struct mdp_scratch s = {0};
    struct work unused;

    TRY(st);
    TRY(mdp_vit_config_from_yaml(doc, node, vit, err));
    const struct mdp_patches *p = &vit->config.patches;
    tower->sizes = (struct mdp_image_sizes){vit->head.out, p->channels, p->height, p->width};
    tower->vectors = vit->config.pool == MDP_VIT_POOL_QUERIES ? vectors_of(vit) : 0;
    divide(vit, &s, &unused);
    tower->scratch_size = s.used;
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_vit_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_vit_release(model);
    free(model);
}

const struct mdp_image_family mdp_vit_family = {
    .name = "vit", .from_yaml = from_yaml, .load = load, .run = run, .free = free_model};
