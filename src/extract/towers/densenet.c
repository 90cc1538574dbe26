/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture's way through a DenseNet. A block's map has room for all its channels from the start, so that a layer writes its own
   behind those that are there. */
#include "extract/towers/densenet.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/kernels/map_pool.h"
#include "extract/towers/families.h"
#include "extract/towers/scratch.h"

#include <stdlib.h>
#include <string.h>

struct work {
    float *x;        /* the block's map: map_size */
    float *inner;    /* inside a layer: inner_size */
    float *small;    /* the next block's first channels, or the pooled vector: small_size */
    float *gathered; /* gathered_size */
    float *normed;   /* normed_size */
    float *head;
};

static size_t divide(const struct mdp_densenet *d, float *block, struct work *w)
{
    struct mdp_scratch s = {.block = block};

    w->x = mdp_scratch_take(&s, d->map_size);
    w->inner = mdp_scratch_take(&s, d->inner_size);
    w->small = mdp_scratch_take(&s, d->small_size);
    w->gathered = mdp_scratch_take(&s, d->gathered_size);
    w->normed = mdp_scratch_take(&s, d->normed_size);
    w->head = mdp_scratch_take(&s, mdp_head_scratch_size(&d->head, 1));
    return s.used;
}

/* small[pixels, channels] -> the first channels of x, whose rows are wider. */
static void widen(const struct mdp_densenet_stage *s, size_t channels, struct work *w)
{
    for (size_t p = 0; p < s->pixels; p++)
        memcpy(w->x + p * s->channels, w->small + p * channels, channels * sizeof *w->x);
}

/* y = activation(conv1x1(relu(norm(x)))) */
static void norm_and_product(const struct mdp_densenet_stage *s, const struct mdp_norm *norm,
                             const struct mdp_conv *conv, const struct work *w,
                             enum mdp_activation activation, float *y)
{
    for (size_t p = 0; p < s->pixels; p += MDP_DENSENET_ROWS) {
        const size_t rows = s->pixels - p < MDP_DENSENET_ROWS ? s->pixels - p : MDP_DENSENET_ROWS;
        mdp_map_affine_relu(w->x + p * s->channels, rows, conv->channels, s->channels, norm->gain, norm->bias,
                            w->normed);
        mdp_linear_run(&conv->linear, w->normed, rows, conv->channels, activation, NULL, y + p * conv->out,
                       conv->out);
    }
}

static void run_layer(const struct mdp_densenet_stage *s, const struct mdp_densenet_layer *l,
                      const struct work *w)
{
    norm_and_product(s, &l->norm, &l->squeeze, w, MDP_ACTIVATION_RELU, w->inner);
    mdp_conv_run(&l->grow, w->inner, l->grow.channels, MDP_ACTIVATION_NONE, NULL, w->x + l->squeeze.channels,
                 s->channels, w->gathered);
}

/* input[C, H, W] -> w->small */
static void run_stem(const struct mdp_densenet *d, const float *input, const struct work *w)
{
    mdp_map_from_planes(input, d->input.channels, d->input.height * d->input.width, w->inner);
    mdp_conv_run(&d->stem, w->inner, d->input.channels, MDP_ACTIVATION_RELU, NULL, w->x, d->stem_width,
                 w->gathered);
    mdp_map_max(&d->stem_pool, d->stem_width, w->x, w->small);
}

/* relu(norm(x)) of the last map, its mean, the head. */
static void pool(const struct mdp_densenet *d, const struct work *w, float *features,
                 const struct mdp_tapped *tapped)
{
    const struct mdp_densenet_stage *last = &d->stage[d->stages - 1];

    mdp_map_affine_relu(w->x, last->pixels, last->channels, last->channels, last->norm.gain, last->norm.bias,
                        w->x);
    mdp_map_mean(w->x, last->pixels, last->channels, last->channels, w->small);
    mdp_tap_show(tapped, w->small, 1, last->channels, "pooled");
    mdp_head_run(&d->head, w->small, 1, last->channels, w->head, features);
    mdp_tap_show(tapped, features, 1, d->head.out, "features");
}

/* Taps: "stem", "blocks.<s>" and, behind all but the last, "transitions.<s>"; "pooled"; "features". */
static void run(const void *model, const float *input, float *scratch, float *features,
                const struct mdp_tapped *tapped)
{
    const struct mdp_densenet *d = model;
    struct work w;

    divide(d, scratch, &w);
    run_stem(d, input, &w);
    mdp_tap_show(tapped, w.small, mdp_window_places(&d->stem_pool), d->stem_width, "stem");
    for (size_t i = 0; i < d->stages; i++) {
        const struct mdp_densenet_stage *s = &d->stage[i];
        widen(s, s->layers[0].squeeze.channels, &w);
        for (size_t k = 0; k < s->depth; k++)
            run_layer(s, &s->layers[k], &w);
        mdp_tap_show(tapped, w.x, s->pixels, s->channels, "blocks.%zu", i);
        if (i + 1 == d->stages)
            break;
        norm_and_product(s, &s->norm, &s->halve, &w, MDP_ACTIVATION_NONE, w.inner);
        mdp_map_average(&s->mean, s->halve.out, w.inner, w.small);
        mdp_tap_show(tapped, w.small, mdp_window_places(&s->mean), s->halve.out, "transitions.%zu", i);
    }
    pool(d, &w, features, tapped);
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_image_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_densenet *d = tower->model = mdp_new_array(1, sizeof *d, err, &st);
    struct work w;

    TRY(st);
    TRY(mdp_densenet_from_yaml(doc, node, d, err));
    tower->sizes = d->input;
    tower->scratch_size = divide(d, NULL, &w);
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_densenet_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_densenet_release(model);
    free(model);
}

const struct mdp_image_family mdp_densenet_family = {
    .name = "densenet", .from_yaml = from_yaml, .load = load, .run = run, .free = free_model};
