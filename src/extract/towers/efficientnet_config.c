/* SPDX-License-Identifier: BSD-3-Clause */
/* The `image` map of a model's YAML, family efficientnet, and the geometry that follows from it. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/efficientnet.h"

enum { MAX_WIDTH = 16384, MAX_DEPTH = 256, MAX_KERNEL = 31, MAX_BLOCKS = MAX_DEPTH * MDP_MAX_STAGES };

/* --- keys --- */

static mdp_status read_stages(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                              struct mdp_efficientnet *n, struct mdp_error *err)
{
    size_t depths[MDP_MAX_STAGES], widths[MDP_MAX_STAGES], strides[MDP_MAX_STAGES], kernels[MDP_MAX_STAGES],
        expansions[MDP_MAX_STAGES];

    TRY(mdp_stages_from_yaml(doc, map, "depths", MAX_DEPTH, &n->stages, depths, err));
    TRY(mdp_stages_from_yaml(doc, map, "widths", MAX_WIDTH, &n->stages, widths, err));
    TRY(mdp_stages_from_yaml(doc, map, "strides", 2, &n->stages, strides, err));
    TRY(mdp_stages_from_yaml(doc, map, "kernels", MAX_KERNEL, &n->stages, kernels, err));
    TRY(mdp_stages_from_yaml(doc, map, "expansions", 64, &n->stages, expansions, err));
    for (size_t s = 0; s < n->stages; s++) {
        if (kernels[s] % 2 == 0)
            return mdp_yaml_fail(doc, mdp_yaml_find(map, "kernels"), err,
                                 "kernels: %zu of stage %zu is no odd number", kernels[s], s);
        n->stage[s] = (struct mdp_efficientnet_stage){depths[s],  widths[s],     strides[s],
                                                      kernels[s], expansions[s], NULL};
    }
    return MDP_OK;
}

/* --- geometry --- */

static void at_least(size_t *size, size_t n)
{
    *size = *size > n ? *size : n;
}

struct map {
    size_t height, width, channels;
};

static size_t floats(const struct map *m, size_t channels)
{
    return m->height * m->width * channels;
}

static bool plan_point(struct mdp_conv *conv, size_t out, size_t channels, const struct map *m)
{
    return mdp_conv_plan(conv, out, channels, 1, 1, 0, 0, m ? m->height : 1, m ? m->width : 1);
}

/* Block `number` of all. A stride of 2 takes its padding from the kernel, not from the map's size: one pixel less before than
   after, unless this is the block that a configuration exempts. */
static bool plan_block(struct mdp_efficientnet *n, const struct mdp_efficientnet_stage *s,
                       struct mdp_efficientnet_block *b, size_t number, size_t stride, struct map *m)
{
    const size_t inner = m->channels * s->expansion, half = s->kernel / 2;
    const size_t before = stride == 2 && half > 0 && number != n->symmetric ? half - 1 : half;
    const double squeezed = (double)m->channels * n->squeeze;
    const size_t reduced = squeezed < 1 ? 1 : (size_t)squeezed;

    if (s->expansion > 1 && !plan_point(&b->expand, inner, m->channels, m))
        return false;
    at_least(&n->inner_size, floats(m, inner));
    if (!mdp_depthwise_plan(&b->depthwise, inner, s->kernel, stride, before, half, m->height, m->width))
        return false;
    m->height = b->depthwise.window.out_height;
    m->width = b->depthwise.window.out_width;
    at_least(&n->inner_size, floats(m, inner));
    at_least(&n->vector_size, inner);
    m->channels = s->width;
    at_least(&n->map_size, floats(m, s->width));
    return plan_point(&b->reduce, reduced, inner, NULL) && plan_point(&b->excite, inner, reduced, NULL) &&
           plan_point(&b->project, s->width, inner, m);
}

static mdp_status plan(struct mdp_efficientnet *n, size_t stem_width, size_t top_width,
                       const struct mdp_yaml *doc, const struct mdp_yaml_node *map, struct mdp_error *err)
{
    struct map m = {n->input.height, n->input.width, n->input.channels};
    bool fits = mdp_conv_plan(&n->stem, stem_width, m.channels, 3, 2, 0, 1, m.height, m.width);
    size_t number = 0;
    mdp_status st = MDP_OK;

    at_least(&n->inner_size, floats(&m, m.channels));
    m = (struct map){n->stem.window.out_height, n->stem.window.out_width, stem_width};
    at_least(&n->map_size, floats(&m, stem_width));
    n->gathered_size = fits ? mdp_conv_scratch_size(&n->stem) : 0;
    for (size_t i = 0; i < n->stages && fits; i++) {
        struct mdp_efficientnet_stage *s = &n->stage[i];
        s->blocks = mdp_new_array(s->depth, sizeof *s->blocks, err, &st);
        TRY(st);
        for (size_t b = 0; b < s->depth && fits; b++) {
            fits = plan_block(n, s, &s->blocks[b], number++, b == 0 ? s->stride : 1, &m);
            s->blocks[b].adds = b > 0;
        }
    }
    if (fits && top_width > 0)
        fits = plan_point(&n->top, top_width, m.channels, &m);
    if (!fits)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "image_size"), err,
                             "image_size of %zu x %zu pixels is too small: a map of %zu x %zu is not halved",
                             n->input.height, n->input.width, m.height, m.width);
    n->pixels = m.height * m.width;
    n->width = top_width > 0 ? top_width : m.channels;
    at_least(&n->map_size, n->pixels * n->width);
    at_least(&n->vector_size, n->width);
    return MDP_OK;
}

mdp_status mdp_efficientnet_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                      struct mdp_efficientnet *n, struct mdp_error *err)
{
    static const char *const keys[] = {"family",     "prefix",         "image_size", "channels",
                                       "stem_width", "depths",         "widths",     "strides",
                                       "kernels",    "expansions",     "squeeze",    "symmetric_block",
                                       "top_width",  "batch_norm_eps", MDP_HEAD_KEYS};
    size_t stem_width = 0, top_width = 0;

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    *n = (struct mdp_efficientnet){.prefix = "", .eps = 1e-3, .squeeze = 0.25, .symmetric = SIZE_MAX};
    TRY(mdp_yaml_optional_string(doc, node, "prefix", &n->prefix, err));
    TRY(mdp_input_from_yaml(doc, node, &n->input, err));
    TRY(mdp_yaml_get_size(doc, node, "stem_width", 1, MAX_WIDTH, &stem_width, err));
    TRY(mdp_yaml_optional_size(doc, node, "top_width", 1, MAX_WIDTH, &top_width, err));
    TRY(mdp_yaml_optional_size(doc, node, "symmetric_block", 0, MAX_BLOCKS, &n->symmetric, err));
    if (mdp_yaml_find(node, "squeeze"))
        TRY(mdp_yaml_get_double(doc, node, "squeeze", 0, 1, &n->squeeze, err));
    if (mdp_yaml_find(node, "batch_norm_eps"))
        TRY(mdp_yaml_get_double(doc, node, "batch_norm_eps", 0, 1, &n->eps, err));
    TRY(read_stages(doc, node, n, err));
    TRY(plan(n, stem_width, top_width, doc, node, err));
    TRY(mdp_head_from_yaml(doc, node, n->width, MAX_WIDTH, &n->head, err));
    n->input.embedding = n->head.out;
    return MDP_OK;
}
