/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/transformer.h"

#include <math.h>
#include <string.h>

/* Working memory of one sequence. */
struct work {
    float *y;         /* [T, C] between attention and MLP */
    float *normed;    /* [T, C] the input of a product; then what attention gives */
    float *qkv;       /* [T, 3C] */
    float *hidden;    /* [T, F] */
    float *gate;      /* [T, F]; gated only */
    float *attention; /* the kernel's own */
};

static void divide(const struct mdp_transformer *t, size_t tokens, struct mdp_scratch *s, struct work *w)
{
    const struct mdp_transformer_config *c = &t->config;

    w->y = mdp_scratch_take(s, tokens * c->width);
    w->normed = mdp_scratch_take(s, tokens * c->width);
    w->qkv = mdp_scratch_take(s, 3 * tokens * c->width);
    w->hidden = mdp_scratch_take(s, tokens * c->hidden);
    w->gate = mdp_scratch_take(s, c->mlp == MDP_MLP_GATED ? tokens * c->hidden : 0);
    w->attention = mdp_scratch_take(s, t->kernels->attention_scratch(tokens, c->width / c->heads));
}

size_t mdp_transformer_scratch_size(const struct mdp_transformer *transformer, size_t tokens)
{
    struct mdp_scratch s = {0};
    struct work unused;

    divide(transformer, tokens, &s, &unused);
    return s.used;
}

/* --- masks --- */

size_t mdp_mask_stride(size_t keys)
{
    return (keys + MDP_SCORE_STEP - 1) / MDP_SCORE_STEP * MDP_SCORE_STEP;
}

void mdp_causal_mask(size_t rows, size_t ld, float *mask)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < ld; k++)
            mask[r * ld + k] = k <= r ? 0 : -INFINITY;
}

/* --- blocks --- */

static void norm(const struct mdp_transformer *t, const struct mdp_norm *norm, const float *x, size_t rows,
                 size_t columns, float *y)
{
    t->kernels->layer_norm(x, rows, columns, columns, norm->gain, norm->bias, (float)t->config.eps, y,
                           columns);
}

/* Neighbours (a, b) of a head's values turn: (a cos - b sin, b cos + a sin), each with its own angle. */
static void rotate(const struct mdp_transformer_config *c, const struct mdp_transformer_run *run, float *qkv)
{
    const size_t dim = c->width / c->heads;

    for (size_t t = run->rotary_from; t < run->tokens; t++) {
        const float *cosine = run->rotary + (t - run->rotary_from) * 2 * dim, *sine = cosine + dim;
        for (size_t h = 0; h < 2 * c->heads; h++) { /* queries, then keys */
            float *v = qkv + t * 3 * c->width + h * dim;
            for (size_t i = 0; i + 1 < dim; i += 2) {
                const float a = v[i], b = v[i + 1];
                v[i] = a * cosine[i] - b * sine[i];
                v[i + 1] = b * cosine[i + 1] + a * sine[i + 1];
            }
        }
    }
}

/* in[T, C] -> w->y = x + output(attention(in)), or with norms behind x + norm1(output(attention(in))). */
static void attend(const struct mdp_transformer *t, const struct mdp_transformer_block *b,
                   const struct mdp_transformer_run *run, const float *in, struct work *w)
{
    const struct mdp_transformer_config *c = &t->config;
    const size_t tokens = run->tokens, width = c->width, dim = width / c->heads;

    mdp_linear_run(&b->qkv, in, tokens, width, MDP_ACTIVATION_NONE, NULL, w->qkv, 3 * width);
    if (run->rotary)
        rotate(c, run, w->qkv);
    const struct mdp_attention attention = {.q = w->qkv,
                                            .k = w->qkv + width,
                                            .v = w->qkv + 2 * width,
                                            .queries = tokens,
                                            .keys = tokens,
                                            .ld = 3 * width,
                                            .heads = c->heads,
                                            .dim = dim,
                                            .scale = 1 / sqrtf((float)dim),
                                            .mask = run->mask,
                                            .ld_bias = run->ld_mask,
                                            .out = w->normed,
                                            .ld_out = width};
    t->kernels->attention(&attention, w->attention);
    if (c->inner_norms)
        norm(t, &b->inner_norm, w->normed, tokens, width, w->normed);
    mdp_linear_run(&b->output, w->normed, tokens, width, MDP_ACTIVATION_NONE,
                   c->norms == MDP_NORMS_BEFORE ? run->x : NULL, w->y, width);
}

/* in[T, C] -> run->x = y + mlp(in), or with norms behind mlp(in) alone. */
static void mlp(const struct mdp_transformer *t, const struct mdp_transformer_block *b,
                const struct mdp_transformer_run *run, const float *in, struct work *w)
{
    const struct mdp_transformer_config *c = &t->config;
    const size_t tokens = run->tokens;

    if (c->mlp == MDP_MLP_GATED) {
        mdp_linear_run(&b->gate, in, tokens, c->width, c->activation, NULL, w->gate, c->hidden);
        mdp_linear_run(&b->mlp_in, in, tokens, c->width, MDP_ACTIVATION_NONE, NULL, w->hidden, c->hidden);
        for (size_t i = 0; i < tokens * c->hidden; i++)
            w->hidden[i] *= w->gate[i];
    } else
        mdp_linear_run(&b->mlp_in, in, tokens, c->width, c->activation, NULL, w->hidden, c->hidden);
    if (c->inner_norms)
        norm(t, &b->mlp_norm, w->hidden, tokens, c->hidden, w->hidden);
    mdp_linear_run(&b->mlp_out, w->hidden, tokens, c->hidden, MDP_ACTIVATION_NONE,
                   c->norms == MDP_NORMS_BEFORE ? w->y : NULL, run->x, c->width);
}

static void add(const float *x, float *sum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += x[i];
}

static void run_block(const struct mdp_transformer *t, const struct mdp_transformer_block *b,
                      const struct mdp_transformer_run *run, struct work *w)
{
    const size_t tokens = run->tokens, width = t->config.width;

    if (t->config.norms == MDP_NORMS_BEFORE) {
        norm(t, &b->norm1, run->x, tokens, width, w->normed);
        attend(t, b, run, w->normed, w);
        norm(t, &b->norm2, w->y, tokens, width, w->normed);
        mlp(t, b, run, w->normed, w);
        return;
    }
    attend(t, b, run, run->x, w);
    norm(t, &b->norm1, w->y, tokens, width, w->y);
    add(run->x, w->y, tokens * width);
    mlp(t, b, run, w->y, w);
    norm(t, &b->norm2, run->x, tokens, width, run->x);
    add(w->y, run->x, tokens * width);
}

void mdp_transformer_run(const struct mdp_transformer *transformer, const struct mdp_transformer_run *run,
                         float *scratch, const struct mdp_tapped *tapped)
{
    struct mdp_scratch s = {.block = scratch};
    struct work w;

    divide(transformer, run->tokens, &s, &w);
    for (size_t i = 0; i < transformer->config.layers; i++) {
        run_block(transformer, &transformer->blocks[i], run, &w);
        mdp_tap_show(tapped, run->x, run->tokens, transformer->config.width, "layers.%zu", i);
    }
}
