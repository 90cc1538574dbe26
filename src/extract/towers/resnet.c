/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture's way through a ResNet. Two maps take turns as a block's input and output; two more hold what is inside one. */
#include "extract/towers/resnet.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/kernels/map_pool.h"
#include "extract/towers/families.h"
#include "extract/towers/scratch.h"

#include <stdlib.h>

struct work {
    float *x, *y;     /* the map, and the next one: map_size each */
    float *inner[2];  /* inside a block: inner_size each */
    float *gathered;  /* of a convolution: gathered_size */
    float *pooled;    /* [C], or what the head makes of every pixel, [H * W, D] */
    float *attention; /* of the attention pool */
    float *head;
};

static size_t head_rows(const struct mdp_resnet *r)
{
    return r->config.pool == MDP_POOL_HEAD_MEAN ? r->height * r->width : 1;
}

/* Floats in all; *w is made of `block`, unless it is NULL. */
static size_t divide(const struct mdp_resnet *r, size_t attention, float *block, struct work *w)
{
    struct mdp_scratch s = {.block = block};
    const size_t rows = head_rows(r), channels = r->config.widths[r->config.stages - 1];

    w->x = mdp_scratch_take(&s, r->map_size);
    w->y = mdp_scratch_take(&s, r->map_size);
    w->inner[0] = mdp_scratch_take(&s, r->inner_size);
    w->inner[1] = mdp_scratch_take(&s, r->inner_size);
    w->gathered = mdp_scratch_take(&s, r->gathered_size);
    w->pooled = mdp_scratch_take(&s, r->config.pool == MDP_POOL_HEAD_MEAN ? rows * r->head.out : channels);
    w->head = mdp_scratch_take(&s, mdp_head_scratch_size(&r->head, rows));
    w->attention = mdp_scratch_take(&s, attention);
    return s.used;
}

static void conv(const struct mdp_conv *c, const struct work *w, const float *x,
                 enum mdp_activation activation, const float *residual, float *y)
{
    mdp_conv_run(c, x, c->channels, activation, residual, y, c->out, w->gathered);
}

/* input[C, H, W] -> w->x */
static void run_stem(const struct mdp_resnet *r, const float *input, struct work *w)
{
    const float *from = w->inner[1];

    mdp_map_from_planes(input, r->input.channels, r->input.height * r->input.width, w->inner[1]);
    for (size_t i = 0; i < r->stem_convs; i++) {
        float *to = i + 1 == r->stem_convs ? w->y : w->inner[i % 2];
        conv(&r->stem[i], w, from, MDP_ACTIVATION_RELU, NULL, to);
        from = to;
    }
    (r->config.stem == MDP_STEM_DEEP ? mdp_map_average : mdp_map_max)(&r->stem_pool, r->config.stem_width,
                                                                      w->y, w->x);
}

/* w->x -> w->x. What is added is x itself, and the result is the other map; or the shortcut of x, which is made in the other
   map, and then the result takes x's place. */
static void run_block(const struct mdp_resnet_block *b, struct work *w)
{
    const size_t last = b->convs - 1;
    const float *from = w->x;
    size_t free_one = 0; /* of the inner maps */

    for (size_t i = 0; i < last; i++, free_one = 1 - free_one) {
        conv(&b->conv[i], w, from, MDP_ACTIVATION_RELU, NULL, w->inner[free_one]);
        from = w->inner[free_one];
    }
    if (b->mean.side) {
        mdp_map_average(&b->mean, b->conv[last].channels, from, w->inner[free_one]);
        from = w->inner[free_one];
        free_one = 1 - free_one;
    }
    if (b->shortcut.out == 0) {
        float *x = w->x;
        conv(&b->conv[last], w, from, MDP_ACTIVATION_RELU, x, w->y);
        w->x = w->y;
        w->y = x;
        return;
    }
    if (b->shortcut_mean.side)
        mdp_map_average(&b->shortcut_mean, b->shortcut.channels, w->x, w->inner[free_one]);
    conv(&b->shortcut, w, b->shortcut_mean.side ? w->inner[free_one] : w->x, MDP_ACTIVATION_NONE, NULL, w->y);
    conv(&b->conv[last], w, from, MDP_ACTIVATION_RELU, w->y, w->x);
}

static void pool(const struct mdp_resnet *r, const struct work *w, float *features,
                 const struct mdp_tapped *tapped)
{
    const size_t pixels = r->height * r->width, channels = r->config.widths[r->config.stages - 1];

    if (r->config.pool == MDP_POOL_HEAD_MEAN) {
        mdp_head_run(&r->head, w->x, pixels, channels, w->head, w->pooled);
        mdp_tap_show(tapped, w->pooled, pixels, r->head.out, "head");
        mdp_map_mean(w->pooled, pixels, r->head.out, r->head.out, features);
        return;
    }
    if (r->config.pool == MDP_POOL_ATTENTION)
        mdp_clip_pool_run(&r->attention, w->x, w->attention, w->pooled);
    else
        mdp_map_mean(w->x, pixels, channels, channels, w->pooled);
    mdp_tap_show(tapped, w->pooled, 1, channels, "pooled");
    mdp_head_run(&r->head, w->pooled, 1, channels, w->head, features);
}

/* Taps: "stem", "stages.<s>", then "pooled", or "head" where the head comes before the mean; "features". */
static void run(const void *model, const float *input, float *scratch, float *features,
                const struct mdp_tapped *tapped)
{
    const struct mdp_resnet *r = model;
    struct work w;

    divide(r, 0, scratch, &w);
    run_stem(r, input, &w);
    mdp_tap_show(tapped, w.x, mdp_window_places(&r->stem_pool), r->config.stem_width, "stem");
    for (size_t s = 0; s < r->config.stages; s++) {
        const struct mdp_resnet_block *b = r->blocks[s];
        for (size_t i = 0; i < r->config.depths[s]; i++)
            run_block(&b[i], &w);
        const struct mdp_conv *last = &b->conv[b->convs - 1];
        mdp_tap_show(tapped, w.x, mdp_window_places(&last->window), r->config.widths[s], "stages.%zu", s);
    }
    pool(r, &w, features, tapped);
    mdp_tap_show(tapped, features, 1, r->head.out, "features");
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_image_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_resnet *r = tower->model = mdp_new_array(1, sizeof *r, err, &st);
    struct work w;
    size_t attention = 0;

    TRY(st);
    TRY(mdp_resnet_from_yaml(doc, node, r, err));
    if (r->config.pool == MDP_POOL_ATTENTION)
        TRY(mdp_clip_pool_scratch_size(&r->attention, &attention, err));
    tower->sizes = r->input;
    tower->scratch_size = divide(r, attention, NULL, &w);
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_resnet_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_resnet_release(model);
    free(model);
}

const struct mdp_image_family mdp_resnet_family = {
    .name = "resnet", .from_yaml = from_yaml, .load = load, .run = run, .free = free_model};
