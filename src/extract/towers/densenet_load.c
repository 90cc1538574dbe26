/* SPDX-License-Identifier: BSD-3-Clause */
/* A DenseNet's configuration, geometry and weights, by torchvision's names. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/conv_load.h"
#include "extract/towers/densenet.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_WIDTH = 16384, MAX_DEPTH = 256, NAME_SIZE = 96, ROWS_AT_ONCE = MDP_DENSENET_ROWS };

/* --- keys and geometry --- */

static void at_least(size_t *size, size_t n)
{
    *size = *size > n ? *size : n;
}

/* H, W of the map of a stage, and its C. */
struct map {
    size_t height, width, channels;
};

static bool plan_stem(struct mdp_densenet *d, struct map *m)
{
    at_least(&d->inner_size, m->height * m->width * m->channels);
    if (!mdp_conv_plan(&d->stem, d->stem_width, m->channels, 7, 2, 3, 3, m->height, m->width) ||
        !mdp_window_init(&d->stem_pool, 3, 2, 1, 1, d->stem.window.out_height, d->stem.window.out_width))
        return false;
    at_least(&d->map_size, mdp_window_places(&d->stem.window) * d->stem_width);
    at_least(&d->gathered_size, mdp_conv_scratch_size(&d->stem));
    *m = (struct map){d->stem_pool.out_height, d->stem_pool.out_width, d->stem_width};
    at_least(&d->small_size, m->height * m->width * m->channels);
    return true;
}

static bool plan_layer(struct mdp_densenet *d, struct mdp_densenet_layer *l, const struct map *m)
{
    if (!mdp_conv_plan(&l->squeeze, d->inner_width, m->channels, 1, 1, 0, 0, m->height, m->width) ||
        !mdp_conv_plan(&l->grow, d->growth, d->inner_width, 3, 1, 1, 1, m->height, m->width))
        return false;
    at_least(&d->gathered_size, mdp_conv_scratch_size(&l->grow));
    at_least(&d->inner_size, m->height * m->width * d->inner_width);
    return true;
}

static bool plan_transition(struct mdp_densenet *d, struct mdp_densenet_stage *s, struct map *m)
{
    const size_t out = m->channels / 2;

    if (!mdp_conv_plan(&s->halve, out, m->channels, 1, 1, 0, 0, m->height, m->width) ||
        !mdp_window_init(&s->mean, 2, 2, 0, 0, m->height, m->width))
        return false;
    at_least(&d->inner_size, m->height * m->width * out);
    *m = (struct map){s->mean.out_height, s->mean.out_width, out};
    at_least(&d->small_size, m->height * m->width * out);
    return true;
}

static mdp_status plan(struct mdp_densenet *d, const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                       struct mdp_error *err)
{
    struct map m = {d->input.height, d->input.width, d->input.channels};
    bool fits = plan_stem(d, &m);
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < d->stages && fits; i++) {
        struct mdp_densenet_stage *s = &d->stage[i];
        s->layers = mdp_new_array(s->depth, sizeof *s->layers, err, &st);
        TRY(st);
        for (size_t k = 0; k < s->depth && fits; k++, m.channels += d->growth)
            fits = plan_layer(d, &s->layers[k], &m);
        s->channels = m.channels;
        s->pixels = m.height * m.width;
        at_least(&d->map_size, s->pixels * s->channels);
        at_least(&d->normed_size, ROWS_AT_ONCE * s->channels);
        if (i + 1 < d->stages && fits)
            fits = plan_transition(d, s, &m);
    }
    at_least(&d->small_size, m.channels); /* the pooled vector */
    return fits ? MDP_OK
                : mdp_yaml_fail(
                      doc, mdp_yaml_find(map, "image_size"), err,
                      "image_size of %zu x %zu pixels is too small: a map of %zu x %zu is not halved",
                      d->input.height, d->input.width, m.height, m.width);
}

mdp_status mdp_densenet_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  struct mdp_densenet *d, struct mdp_error *err)
{
    static const char *const keys[] = {"family",         "prefix",     "image_size",  "channels",
                                       "stem_width",     "growth",     "inner_width", "depths",
                                       "batch_norm_eps", MDP_HEAD_KEYS};
    size_t depths[MDP_MAX_STAGES];

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    *d = (struct mdp_densenet){.prefix = "", .eps = 1e-5};
    TRY(mdp_yaml_optional_string(doc, node, "prefix", &d->prefix, err));
    TRY(mdp_input_from_yaml(doc, node, &d->input, err));
    TRY(mdp_yaml_get_size(doc, node, "stem_width", 1, MAX_WIDTH, &d->stem_width, err));
    TRY(mdp_yaml_get_size(doc, node, "growth", 1, 1024, &d->growth, err));
    TRY(mdp_yaml_get_size(doc, node, "inner_width", 1, MAX_WIDTH, &d->inner_width, err));
    TRY(mdp_stages_from_yaml(doc, node, "depths", MAX_DEPTH, &d->stages, depths, err));
    if (mdp_yaml_find(node, "batch_norm_eps"))
        TRY(mdp_yaml_get_double(doc, node, "batch_norm_eps", 0, 1, &d->eps, err));
    for (size_t i = 0; i < d->stages; i++)
        d->stage[i].depth = depths[i];
    TRY(plan(d, doc, node, err));
    TRY(mdp_head_from_yaml(doc, node, d->stage[d->stages - 1].channels, MAX_WIDTH, &d->head, err));
    d->input.embedding = d->head.out;
    return MDP_OK;
}

/* --- weights --- */

static mdp_status load_layer(const struct mdp_densenet *d, const struct mdp_layer_source *source,
                             size_t block, size_t layer, struct mdp_densenet_layer *l, struct mdp_error *err)
{
    static const char *const parts[] = {"norm1", "conv1", "norm2", "conv2"};
    char name[MDP_COUNT(parts)][NAME_SIZE];

    for (size_t i = 0; i < MDP_COUNT(parts); i++)
        snprintf(name[i], NAME_SIZE, "denseblock%zu.denselayer%zu.%s", block + 1, layer + 1, parts[i]);
    TRY(mdp_batch_norm_load(source, name[0], l->squeeze.channels, d->eps, &l->norm, err));
    const struct mdp_conv_names squeeze = {.conv = name[1], .norm = name[2], .eps = d->eps},
                                grow = {.conv = name[3]};
    TRY(mdp_conv_load(source, &squeeze, &l->squeeze, err));
    return mdp_conv_load(source, &grow, &l->grow, err);
}

static mdp_status load_transition(const struct mdp_densenet *d, const struct mdp_layer_source *source,
                                  size_t block, struct mdp_densenet_stage *s, struct mdp_error *err)
{
    char norm[NAME_SIZE], conv[NAME_SIZE];
    const struct mdp_conv_names names = {.conv = conv};

    snprintf(norm, sizeof norm, "transition%zu.norm", block + 1);
    snprintf(conv, sizeof conv, "transition%zu.conv", block + 1);
    TRY(mdp_batch_norm_load(source, norm, s->channels, d->eps, &s->norm, err));
    return mdp_conv_load(source, &names, &s->halve, err);
}

mdp_status mdp_densenet_load(struct mdp_densenet *d, const struct mdp_weights *weights, struct mdp_error *err)
{
    const struct mdp_layer_source source = {weights, d->prefix};
    const struct mdp_conv_names stem = {.conv = "conv0", .norm = "norm0", .eps = d->eps};
    struct mdp_densenet_stage *last = &d->stage[d->stages - 1];

    TRY(mdp_conv_load(&source, &stem, &d->stem, err));
    for (size_t i = 0; i < d->stages; i++) {
        struct mdp_densenet_stage *s = &d->stage[i];
        for (size_t k = 0; k < s->depth; k++)
            TRY(load_layer(d, &source, i, k, &s->layers[k], err));
        if (s != last)
            TRY(load_transition(d, &source, i, s, err));
    }
    TRY(mdp_batch_norm_load(&source, "norm5", last->channels, d->eps, &last->norm, err));
    d->prefix = NULL; /* the YAML may be gone when the tower runs */
    return mdp_head_load(&d->head, weights, err);
}

void mdp_densenet_release(struct mdp_densenet *d)
{
    mdp_conv_release(&d->stem);
    for (size_t i = 0; i < MDP_MAX_STAGES; i++) {
        struct mdp_densenet_stage *s = &d->stage[i];
        for (size_t k = 0; s->layers && k < s->depth; k++) {
            mdp_norm_release(&s->layers[k].norm);
            mdp_conv_release(&s->layers[k].squeeze);
            mdp_conv_release(&s->layers[k].grow);
        }
        free(s->layers);
        mdp_norm_release(&s->norm);
        mdp_conv_release(&s->halve);
    }
    mdp_head_release(&d->head);
    *d = (struct mdp_densenet){0};
}
