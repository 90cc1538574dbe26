/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/bert.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/families.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Working memory of one text. */
struct work {
    float *x;         /* [L, C] the stream */
    float *sum;       /* [L, C] before a norm */
    float *qkv;       /* [L, 3 C] */
    float *context;   /* [L, C] what attention gives */
    float *hidden;    /* [L, F] */
    float *attention; /* the kernel's own */
    double *mean;     /* [C] */
    float *pooled;    /* [C] */
};

/* The next n floats of a block, in whole cache lines; only counts when the block is NULL. */
static float *take(float *block, size_t *used, size_t n)
{
    const size_t line = MDP_ALIGNMENT / sizeof(float);
    float *at = block ? block + *used : NULL;

    *used += (n + line - 1) / line * line;
    return at;
}

/* Divides a block; the floats that it needs. */
static size_t divide(const struct mdp_bert *bert, size_t positions, float *block, struct work *w)
{
    const struct mdp_bert_config *c = &bert->config;
    const size_t rows = positions * c->width;
    size_t used = 0;

    w->x = take(block, &used, rows);
    w->sum = take(block, &used, rows);
    w->qkv = take(block, &used, 3 * rows);
    w->context = take(block, &used, rows);
    w->hidden = take(block, &used, positions * c->intermediate);
    w->attention = take(block, &used, bert->kernels->attention_scratch(positions, c->width / c->heads));
    w->mean = (double *)(void *)take(block, &used, c->width * sizeof(double) / sizeof(float));
    w->pooled = take(block, &used, c->width);
    return used;
}

static size_t scratch_size(const void *model, size_t longest)
{
    struct work unused;

    return divide(model, longest, NULL, &unused);
}

static void embed(const struct mdp_bert *bert, const int32_t *ids, size_t longest, struct work *w)
{
    const size_t width = bert->config.width;

    for (size_t i = 0; i < longest; i++) {
        const float *word = bert->words + (size_t)ids[i] * width;
        const float *position = bert->positions + i * width;
        for (size_t c = 0; c < width; c++)
            w->sum[i * width + c] = (word[c] + bert->types[c]) + position[c];
    }
    bert->kernels->layer_norm(w->sum, longest, width, width, bert->norm.gain, bert->norm.bias, bert->eps,
                              w->x, width);
}

static void run_block(const struct mdp_bert *bert, const struct mdp_bert_block *block, size_t length,
                      size_t longest, struct work *w)
{
    const struct mdp_bert_config *c = &bert->config;
    const size_t width = c->width, dim = width / c->heads;

    mdp_linear_run(&block->qkv, w->x, longest, width, MDP_ACTIVATION_NONE, NULL, w->qkv, 3 * width);
    /* Every position asks; the text's own ones, not the padding, are asked. */
    const struct mdp_attention attention = {.q = w->qkv,
                                            .k = w->qkv + width,
                                            .v = w->qkv + 2 * width,
                                            .queries = longest,
                                            .keys = length,
                                            .ld = 3 * width,
                                            .heads = c->heads,
                                            .dim = dim,
                                            .scale = 1 / sqrtf((float)dim),
                                            .out = w->context,
                                            .ld_out = width};
    bert->kernels->attention(&attention, w->attention);
    mdp_linear_run(&block->output, w->context, longest, width, MDP_ACTIVATION_NONE, w->x, w->sum, width);
    bert->kernels->layer_norm(w->sum, longest, width, width, block->attention_norm.gain,
                              block->attention_norm.bias, bert->eps, w->x, width);
    mdp_linear_run(&block->mlp_in, w->x, longest, width, MDP_ACTIVATION_GELU, NULL, w->hidden,
                   c->intermediate);
    mdp_linear_run(&block->mlp_out, w->hidden, longest, c->intermediate, MDP_ACTIVATION_NONE, w->x, w->sum,
                   width);
    bert->kernels->layer_norm(w->sum, longest, width, width, block->output_norm.gain, block->output_norm.bias,
                              bert->eps, w->x, width);
}

/* Adds the mean over all positions to w->mean. */
static void add_mean(const struct mdp_bert_config *c, size_t longest, const float *x, double mean[])
{
    for (size_t k = 0; k < c->width; k++) {
        double sum = 0;
        for (size_t i = 0; i < longest; i++)
            sum += x[i * c->width + k];
        mean[k] += sum / (double)longest;
    }
}

static void run_blocks(const struct mdp_bert *bert, size_t length, size_t longest, struct work *w,
                       const struct mdp_tapped *tapped)
{
    const struct mdp_bert_config *c = &bert->config;

    memset(w->mean, 0, c->width * sizeof *w->mean);
    for (size_t i = 0; i < c->layers; i++) {
        run_block(bert, &bert->blocks[i], length, longest, w);
        /* The second block may be the last: then it counts twice, as hidden_states[2] and [-1]. */
        if (i == 0 || i == 1)
            add_mean(c, longest, w->x, w->mean);
        if (i + 1 == c->layers)
            add_mean(c, longest, w->x, w->mean);
        mdp_tap_show(tapped, w->x, longest, c->width, "layers.%zu", i);
    }
}

/* Taps: "embeddings", "layers.<i>", "pooled", "features". */
static void run(const void *model, const int32_t *ids, size_t length, size_t longest, float *scratch,
                float *features, const struct mdp_tapped *tapped)
{
    const struct mdp_bert *bert = model;
    const struct mdp_bert_config *c = &bert->config;
    struct work w;

    divide(bert, longest, scratch, &w);
    embed(bert, ids, longest, &w);
    mdp_tap_show(tapped, w.x, longest, c->width, "embeddings");
    run_blocks(bert, length, longest, &w, tapped);
    if (c->pooling == MDP_BERT_POOLER)
        mdp_linear_run(&bert->pooler, w.x, 1, c->width, MDP_ACTIVATION_TANH, NULL, w.pooled, c->width);
    else
        for (size_t k = 0; k < c->width; k++)
            w.pooled[k] = (float)(w.mean[k] / 3);
    mdp_tap_show(tapped, w.pooled, 1, c->width, "pooled");
    if (bert->projection.packed)
        mdp_linear_run(&bert->projection, w.pooled, 1, c->width, MDP_ACTIVATION_NONE, NULL, features,
                       bert->projection.out);
    else
        memcpy(features, w.pooled, c->width * sizeof *features);
    mdp_tap_show(tapped, features, 1, c->common.output_width, "features");
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_text_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_bert *bert = tower->model = mdp_new_array(1, sizeof *bert, err, &st);

    TRY(st);
    TRY(mdp_bert_config_from_yaml(doc, node, tower->pooling, &bert->config, err));
    TRY(mdp_kernels_choose(&bert->kernels, err));
    bert->eps = (float)bert->config.layer_norm_eps;
    tower->pooling = mdp_bert_pooling_names[bert->config.pooling];
    tower->sizes = (struct mdp_text_sizes){bert->config.common.output_width, bert->config.positions,
                                           bert->config.vocab_size};
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_bert_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_bert_release(model);
    free(model);
}

const struct mdp_text_family mdp_bert_family = {.name = "bert",
                                                .from_yaml = from_yaml,
                                                .load = load,
                                                .scratch_size = scratch_size,
                                                .run = run,
                                                .free = free_model};
