/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture's way through an EfficientNet. Two maps take turns as a block's input and output, two more are inside it. */
#include "extract/towers/efficientnet.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/kernels/map_pool.h"
#include "extract/towers/families.h"
#include "extract/towers/scratch.h"

#include <stdlib.h>

struct work {
    float *x, *y;     /* the map, and the next one: map_size each */
    float *inner[2];  /* inside a block: inner_size each */
    float *vector[2]; /* a value a channel: vector_size each */
    float *gathered;  /* of the stem: gathered_size */
    float *head;
};

static size_t divide(const struct mdp_efficientnet *n, float *block, struct work *w)
{
    struct mdp_scratch s = {.block = block};

    w->x = mdp_scratch_take(&s, n->map_size);
    w->y = mdp_scratch_take(&s, n->map_size);
    w->inner[0] = mdp_scratch_take(&s, n->inner_size);
    w->inner[1] = mdp_scratch_take(&s, n->inner_size);
    w->vector[0] = mdp_scratch_take(&s, n->vector_size);
    w->vector[1] = mdp_scratch_take(&s, n->vector_size);
    w->gathered = mdp_scratch_take(&s, n->gathered_size);
    w->head = mdp_scratch_take(&s, mdp_head_scratch_size(&n->head, 1));
    return s.used;
}

static void conv(const struct mdp_conv *c, const float *x, enum mdp_activation activation,
                 const float *residual, float *y, const struct work *w)
{
    mdp_conv_run(c, x, c->channels, activation, residual, y, c->out, w->gathered);
}

static void swap(struct work *w)
{
    float *x = w->x;

    w->x = w->y;
    w->y = x;
}

/* Every channel of map[pixels, E] times what the means of all of them make of it. */
static void squeeze_and_excite(const struct mdp_efficientnet_block *b, float *map, const struct work *w)
{
    const size_t pixels = mdp_window_places(&b->depthwise.window), channels = b->depthwise.channels;

    mdp_map_mean(map, pixels, channels, channels, w->vector[0]);
    conv(&b->reduce, w->vector[0], MDP_ACTIVATION_SILU, NULL, w->vector[1], w);
    conv(&b->excite, w->vector[1], MDP_ACTIVATION_SIGMOID, NULL, w->vector[0], w);
    mdp_map_scale(map, pixels, channels, w->vector[0]);
}

/* w->x -> w->x */
static void run_block(const struct mdp_efficientnet_block *b, struct work *w)
{
    if (b->expand.out)
        conv(&b->expand, w->x, MDP_ACTIVATION_SILU, NULL, w->inner[0], w);
    mdp_depthwise_run(&b->depthwise, b->expand.out ? w->inner[0] : w->x, MDP_ACTIVATION_SILU, w->inner[1]);
    squeeze_and_excite(b, w->inner[1], w);
    conv(&b->project, w->inner[1], MDP_ACTIVATION_NONE, b->adds ? w->x : NULL, w->y, w);
    swap(w);
}

static void pool(const struct mdp_efficientnet *n, struct work *w, float *features,
                 const struct mdp_tapped *tapped)
{
    if (n->top.out) {
        conv(&n->top, w->x, MDP_ACTIVATION_SILU, NULL, w->y, w);
        swap(w);
    }
    mdp_map_mean(w->x, n->pixels, n->width, n->width, w->vector[0]);
    mdp_tap_show(tapped, w->vector[0], 1, n->width, "pooled");
    mdp_head_run(&n->head, w->vector[0], 1, n->width, w->head, features);
    mdp_tap_show(tapped, features, 1, n->head.out, "features");
}

/* Taps: "stem", "stages.<s>", "pooled", "features". */
static void run(const void *model, const float *input, float *scratch, float *features,
                const struct mdp_tapped *tapped)
{
    const struct mdp_efficientnet *n = model;
    struct work w;

    divide(n, scratch, &w);
    mdp_map_from_planes(input, n->input.channels, n->input.height * n->input.width, w.inner[0]);
    conv(&n->stem, w.inner[0], MDP_ACTIVATION_SILU, NULL, w.x, &w);
    mdp_tap_show(tapped, w.x, mdp_window_places(&n->stem.window), n->stem.out, "stem");
    for (size_t s = 0; s < n->stages; s++) {
        const struct mdp_efficientnet_stage *stage = &n->stage[s];
        for (size_t b = 0; b < stage->depth; b++)
            run_block(&stage->blocks[b], &w);
        mdp_tap_show(tapped, w.x, mdp_window_places(&stage->blocks[0].project.window), stage->width,
                     "stages.%zu", s);
    }
    pool(n, &w, features, tapped);
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_image_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_efficientnet *n = tower->model = mdp_new_array(1, sizeof *n, err, &st);
    struct work w;

    TRY(st);
    TRY(mdp_efficientnet_from_yaml(doc, node, n, err));
    tower->sizes = n->input;
    tower->scratch_size = divide(n, NULL, &w);
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_efficientnet_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_efficientnet_release(model);
    free(model);
}

const struct mdp_image_family mdp_efficientnet_family = {
    .name = "efficientnet", .from_yaml = from_yaml, .load = load, .run = run, .free = free_model};
