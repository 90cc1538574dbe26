/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture's way through a ConvNeXt. Two maps take turns as a block's input and output. */
#include "extract/towers/convnext.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/kernels/map_pool.h"
#include "extract/towers/families.h"
#include "extract/towers/scratch.h"

#include <stdlib.h>

struct work {
    float *x, *y;    /* the map, and the next one: map_size each */
    float *hidden;   /* of a block, [rows, F]: hidden_size */
    float *gathered; /* of a convolution: gathered_size */
    float *response; /* [F] of the last stage, the widest */
    float *pooled;   /* [C], or what the head makes of every pixel, [H * W, D] */
    float *head;
};

static size_t head_rows(const struct mdp_convnext *n)
{
    return n->config.head_first ? n->stage[n->config.stages - 1].pixels : 1;
}

static size_t divide(const struct mdp_convnext *n, float *block, struct work *w)
{
    struct mdp_scratch s = {.block = block};
    const size_t rows = head_rows(n);
    size_t widest = 0;

    for (size_t i = 0; i < n->config.stages; i++)
        widest = widest > n->config.widths[i] ? widest : n->config.widths[i];
    w->x = mdp_scratch_take(&s, n->map_size);
    w->y = mdp_scratch_take(&s, n->map_size);
    w->hidden = mdp_scratch_take(&s, n->hidden_size);
    w->gathered = mdp_scratch_take(&s, n->gathered_size);
    w->response = mdp_scratch_take(&s, n->config.response_norm ? 4 * widest : 0);
    w->pooled = mdp_scratch_take(&s, n->config.head_first ? rows * n->head.out : widest);
    w->head = mdp_scratch_take(&s, mdp_head_scratch_size(&n->head, rows));
    return s.used;
}

static void swap(struct work *w)
{
    float *x = w->x;

    w->x = w->y;
    w->y = x;
}

/* x of C channels, in place. */
static void run_norm(const struct mdp_convnext *n, const struct mdp_norm *norm, float *x, size_t rows,
                     size_t c)
{
    n->kernels->layer_norm(x, rows, c, c, norm->gain, norm->bias, (float)n->config.eps, x, c);
}

/* The rows from `row` on: y holds what the depthwise convolution made of x, and then the block's output. */
static void run_rows(const struct mdp_convnext *n, const struct mdp_convnext_block *b, size_t row,
                     size_t rows, const struct work *w)
{
    const size_t c = b->in.in, f = b->in.out;
    float *y = w->y + row * c;

    run_norm(n, &b->norm, y, rows, c);
    mdp_linear_run(&b->in, y, rows, c, (enum mdp_activation)n->config.activation, NULL, w->hidden, f);
    if (n->config.response_norm)
        mdp_map_response_norm(w->hidden, rows, f, b->response.gain, b->response.bias, w->response);
    mdp_linear_run(&b->out, w->hidden, rows, f, MDP_ACTIVATION_NONE, w->x + row * c, y, c);
}

/* A response norm looks at the whole map; else a few rows at a time stay in the cache. */
static void run_block(const struct mdp_convnext *n, const struct mdp_convnext_stage *stage,
                      const struct mdp_convnext_block *b, struct work *w)
{
    const size_t at_once = n->config.response_norm ? stage->pixels : MDP_CONVNEXT_ROWS;

    mdp_depthwise_run(&b->depthwise, w->x, MDP_ACTIVATION_NONE, w->y);
    for (size_t row = 0; row < stage->pixels; row += at_once)
        run_rows(n, b, row, stage->pixels - row < at_once ? stage->pixels - row : at_once, w);
    swap(w);
}

static void conv(const struct mdp_conv *c, struct work *w)
{
    mdp_conv_run(c, w->x, c->channels, MDP_ACTIVATION_NONE, NULL, w->y, c->out, w->gathered);
    swap(w);
}

static void pool(const struct mdp_convnext *n, const struct work *w, float *features,
                 const struct mdp_tapped *tapped)
{
    const size_t pixels = n->stage[n->config.stages - 1].pixels, c = n->config.widths[n->config.stages - 1];

    if (n->config.head_first) {
        mdp_head_run(&n->head, w->x, pixels, c, w->head, w->pooled);
        mdp_map_mean(w->pooled, pixels, n->head.out, n->head.out, features);
        return;
    }
    mdp_map_mean(w->x, pixels, c, c, w->pooled);
    mdp_tap_show(tapped, w->pooled, 1, c, "pooled");
    mdp_head_run(&n->head, w->pooled, 1, c, w->head, features);
}

/* Taps: "stem", "stages.<s>", "pooled" unless the head comes before the mean, "features". */
static void run(const void *model, const float *input, float *scratch, float *features,
                const struct mdp_tapped *tapped)
{
    const struct mdp_convnext *n = model;
    struct work w;

    divide(n, scratch, &w);
    mdp_map_from_planes(input, n->input.channels, n->input.height * n->input.width, w.x);
    for (size_t s = 0; s < n->config.stages; s++) {
        const struct mdp_convnext_stage *stage = &n->stage[s];
        const size_t c = n->config.widths[s];
        if (s > 0)
            run_norm(n, &stage->norm, w.x, n->stage[s - 1].pixels, n->config.widths[s - 1]);
        conv(&stage->conv, &w);
        if (s == 0) {
            run_norm(n, &n->stem_norm, w.x, stage->pixels, c);
            mdp_tap_show(tapped, w.x, stage->pixels, c, "stem");
        }
        for (size_t b = 0; b < n->config.depths[s]; b++)
            run_block(n, stage, &stage->blocks[b], &w);
        mdp_tap_show(tapped, w.x, stage->pixels, c, "stages.%zu", s);
    }
    pool(n, &w, features, tapped);
    mdp_tap_show(tapped, features, 1, n->head.out, "features");
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_image_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_convnext *n = tower->model = mdp_new_array(1, sizeof *n, err, &st);
    struct work w;

    TRY(st);
    TRY(mdp_convnext_from_yaml(doc, node, n, err));
    tower->sizes = n->input;
    tower->scratch_size = divide(n, NULL, &w);
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_convnext_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_convnext_release(model);
    free(model);
}

const struct mdp_image_family mdp_convnext_family = {
    .name = "convnext", .from_yaml = from_yaml, .load = load, .run = run, .free = free_model};
