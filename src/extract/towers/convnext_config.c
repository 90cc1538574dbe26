/* SPDX-License-Identifier: BSD-3-Clause */
/* The `image` map of a model's YAML, family convnext, and the geometry that follows from it. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/convnext.h"

enum { MAX_WIDTH = 16384, MAX_DEPTH = 256, MAX_PATCH = 256, KERNEL = 7 };

static mdp_status read_config(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                              struct mdp_convnext_config *c, struct mdp_error *err)
{
    static const char *const pools[] = {"mean", "head-mean"};
    size_t layouts = 0, pool = 0;

    *c = (struct mdp_convnext_config){
        .prefix = "", .eps = 1e-6, .activation = MDP_ACTIVATION_GELU, .layer_scale = true};
    while (mdp_convnext_layouts[layouts])
        layouts++;
    TRY(mdp_yaml_optional_string(doc, map, "prefix", &c->prefix, err));
    TRY(mdp_yaml_get_choice(doc, map, "layout", "layout of a convnext", mdp_convnext_layouts, layouts,
                            &c->layout, err));
    TRY(mdp_yaml_get_size(doc, map, "patch_size", 1, MAX_PATCH, &c->patch, err));
    TRY(mdp_stages_from_yaml(doc, map, "depths", MAX_DEPTH, &c->stages, c->depths, err));
    TRY(mdp_stages_from_yaml(doc, map, "widths", MAX_WIDTH, &c->stages, c->widths, err));
    if (mdp_yaml_find(map, "layer_norm_eps"))
        TRY(mdp_yaml_get_double(doc, map, "layer_norm_eps", 0, 1, &c->eps, err));
    TRY(mdp_yaml_optional_choice(doc, map, "activation", "activation", mdp_activation_names,
                                 MDP_ACTIVATION_COUNT, &c->activation, err));
    TRY(mdp_yaml_optional_bool(doc, map, "layer_scale", &c->layer_scale, err));
    TRY(mdp_yaml_optional_bool(doc, map, "response_norm", &c->response_norm, err));
    TRY(mdp_yaml_optional_choice(doc, map, "pool", "pool of a convnext", pools, MDP_COUNT(pools), &pool,
                                 err));
    c->head_first = pool == 1;
    return MDP_OK;
}

static void at_least(size_t *size, size_t n)
{
    *size = *size > n ? *size : n;
}

/* The geometry of stage s, on the map that `channels`, *height and *width describe, which it changes. */
static bool plan_stage(struct mdp_convnext *n, size_t s, size_t channels, size_t *height, size_t *width)
{
    const struct mdp_convnext_config *c = &n->config;
    struct mdp_convnext_stage *stage = &n->stage[s];
    const size_t side = s == 0 ? c->patch : 2, hidden = 4 * c->widths[s];

    if (!mdp_conv_plan(&stage->conv, c->widths[s], channels, side, side, 0, 0, *height, *width))
        return false;
    *height = stage->conv.window.out_height;
    *width = stage->conv.window.out_width;
    stage->pixels = *height * *width;
    at_least(&n->gathered_size, mdp_conv_scratch_size(&stage->conv));
    at_least(&n->map_size, stage->pixels * c->widths[s]);
    at_least(&n->hidden_size,
             hidden *
                 (c->response_norm || stage->pixels < MDP_CONVNEXT_ROWS ? stage->pixels : MDP_CONVNEXT_ROWS));
    for (size_t b = 0; b < c->depths[s]; b++)
        if (!mdp_depthwise_plan(&stage->blocks[b].depthwise, c->widths[s], KERNEL, 1, KERNEL / 2, KERNEL / 2,
                                *height, *width))
            return false;
    return true;
}

static mdp_status plan(struct mdp_convnext *n, const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                       struct mdp_error *err)
{
    size_t height = n->input.height, width = n->input.width, channels = n->input.channels;
    mdp_status st = MDP_OK;

    at_least(&n->map_size, height * width * channels);
    for (size_t s = 0; s < n->config.stages; s++) {
        n->stage[s].blocks = mdp_new_array(n->config.depths[s], sizeof *n->stage[s].blocks, err, &st);
        TRY(st);
        if (!plan_stage(n, s, channels, &height, &width))
            return mdp_yaml_fail(doc, mdp_yaml_find(map, "image_size"), err,
                                 "image_size of %zu x %zu pixels is too small: a map of %zu x %zu is not "
                                 "divided by %zu",
                                 n->input.height, n->input.width, height, width,
                                 s == 0 ? n->config.patch : (size_t)2);
        channels = n->config.widths[s];
    }
    return MDP_OK;
}

mdp_status mdp_convnext_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  struct mdp_convnext *n, struct mdp_error *err)
{
    static const char *const keys[] = {"family",         "prefix",     "layout",      "image_size",
                                       "channels",       "patch_size", "depths",      "widths",
                                       "layer_norm_eps", "activation", "layer_scale", "response_norm",
                                       "pool",           MDP_HEAD_KEYS};

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    TRY(mdp_kernels_choose(&n->kernels, err));
    TRY(mdp_input_from_yaml(doc, node, &n->input, err));
    TRY(read_config(doc, node, &n->config, err));
    TRY(plan(n, doc, node, err));
    TRY(mdp_head_from_yaml(doc, node, n->config.widths[n->config.stages - 1], MAX_WIDTH, &n->head, err));
    n->input.embedding = n->head.out;
    return MDP_OK;
}
