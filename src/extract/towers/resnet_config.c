/* SPDX-License-Identifier: BSD-3-Clause */
/* The `image` map of a model's YAML, family resnet, and the geometry that follows from it. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/resnet.h"

enum { MAX_WIDTH = 16384, MAX_DEPTH = 256, REDUCTION = 4 }; /* REDUCTION: of a bottleneck */

/* --- keys --- */

static mdp_status read_words(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_resnet_config *c, struct mdp_error *err)
{
    static const char *const blocks[] = {"basic", "bottleneck"}, *stems[] = {"plain", "deep"};
    static const char *const strides[] = {"3x3", "1x1", "average"},
                             *pools[] = {"mean", "attention", "head-mean"};
    size_t block = 0, layouts = 0;

    while (mdp_resnet_layouts[layouts])
        layouts++;
    TRY(mdp_yaml_get_choice(doc, map, "layout", "layout of a resnet", mdp_resnet_layouts, layouts, &c->layout,
                            err));
    TRY(mdp_yaml_get_choice(doc, map, "block", "block of a resnet", blocks, MDP_COUNT(blocks), &block, err));
    c->bottleneck = block == 1;
    TRY(mdp_yaml_optional_choice(doc, map, "stem", "stem of a resnet", stems, MDP_COUNT(stems), &c->stem,
                                 err));
    TRY(mdp_yaml_optional_choice(doc, map, "stride_by", "place of a stride", strides, MDP_COUNT(strides),
                                 &c->stride, err));
    if (!c->bottleneck && c->stride != MDP_STRIDE_3X3)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "stride_by"), err,
                             "stride_by is '%s', but basic blocks have their stride in the first 3x3",
                             strides[c->stride]);
    return mdp_yaml_optional_choice(doc, map, "pool", "pool of a resnet", pools, MDP_COUNT(pools), &c->pool,
                                    err);
}

static mdp_status read_sizes(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_resnet_config *c, struct mdp_error *err)
{
    TRY(mdp_yaml_get_size(doc, map, "stem_width", 1, MAX_WIDTH, &c->stem_width, err));
    if (c->stem == MDP_STEM_DEEP && c->stem_width % 2 != 0)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "stem_width"), err,
                             "stem_width is %zu (expected an even number: the stem is deep)", c->stem_width);
    TRY(mdp_stages_from_yaml(doc, map, "depths", MAX_DEPTH, &c->stages, c->depths, err));
    TRY(mdp_stages_from_yaml(doc, map, "widths", MAX_WIDTH, &c->stages, c->widths, err));
    TRY(mdp_yaml_optional_size(doc, map, "first_stride", 1, 2, &c->first_stride, err));
    if (mdp_yaml_find(map, "batch_norm_eps"))
        TRY(mdp_yaml_get_double(doc, map, "batch_norm_eps", 0, 1, &c->eps, err));
    for (size_t s = 0; s < c->stages && c->bottleneck; s++)
        if (c->widths[s] % REDUCTION != 0)
            return mdp_yaml_fail(doc, mdp_yaml_find(map, "widths"), err,
                                 "widths: %zu channels of stage %zu are no multiple of %d", c->widths[s], s,
                                 REDUCTION);
    return MDP_OK;
}

/* --- geometry --- */

static void at_least(size_t *size, size_t n)
{
    *size = *size > n ? *size : n;
}

/* The map that a convolution makes: its height, width and channels. */
struct map {
    size_t height, width, channels;
};

static bool plan_conv(struct mdp_resnet *r, struct mdp_conv *conv, struct map *m, size_t out, size_t side,
                      size_t stride)
{
    if (!mdp_conv_plan(conv, out, m->channels, side, stride, side / 2, side / 2, m->height, m->width))
        return false;
    at_least(&r->gathered_size, mdp_conv_scratch_size(conv));
    *m = (struct map){conv->window.out_height, conv->window.out_width, out};
    return true;
}

static bool plan_window(struct mdp_window *w, struct map *m, size_t side, size_t before)
{
    if (!mdp_window_init(w, side, 2, before, before, m->height, m->width))
        return false;
    m->height = w->out_height;
    m->width = w->out_width;
    return true;
}

static size_t floats(const struct map *m)
{
    return m->height * m->width * m->channels;
}

static bool plan_stem(struct mdp_resnet *r, struct map *m)
{
    const size_t width = r->config.stem_width;
    const bool deep = r->config.stem == MDP_STEM_DEEP;

    r->stem_convs = deep ? 3 : 1;
    at_least(&r->inner_size, floats(m));
    for (size_t i = 0; i < r->stem_convs; i++) {
        const bool last = i + 1 == r->stem_convs;
        if (!plan_conv(r, &r->stem[i], m, last ? width : width / 2, deep ? 3 : 7, i == 0 ? 2 : 1))
            return false;
        at_least(last ? &r->map_size : &r->inner_size, floats(m));
    }
    if (!plan_window(&r->stem_pool, m, deep ? 2 : 3, deep ? 0 : 1))
        return false;
    at_least(&r->map_size, floats(m));
    return true;
}

/* Input and output of the shortcut: the same map unless stride or channels change it. */
static bool plan_shortcut(struct mdp_resnet *r, struct mdp_resnet_block *b, struct map m, size_t out,
                          size_t stride)
{
    const bool averages = r->config.stride == MDP_STRIDE_AVERAGE && stride > 1;

    if (stride == 1 && m.channels == out)
        return true;
    if (averages && !plan_window(&b->shortcut_mean, &m, 2, 0))
        return false;
    at_least(&r->inner_size, averages ? floats(&m) : 0);
    return plan_conv(r, &b->shortcut, &m, out, 1, averages ? 1 : stride);
}

static bool plan_block(struct mdp_resnet *r, struct mdp_resnet_block *b, struct map *m, size_t out,
                       size_t stride)
{
    const struct mdp_resnet_config *c = &r->config;
    const size_t inner = c->bottleneck ? out / REDUCTION : out;
    const size_t strided = c->stride == MDP_STRIDE_AVERAGE                ? MDP_RESNET_CONVS
                           : c->bottleneck && c->stride == MDP_STRIDE_3X3 ? 1
                                                                          : 0;

    b->convs = c->bottleneck ? 3 : 2;
    if (!plan_shortcut(r, b, *m, out, stride))
        return false;
    for (size_t i = 0; i < b->convs; i++) {
        const bool last = i + 1 == b->convs;
        const size_t side = c->bottleneck && i != 1 ? 1 : 3;
        if (last && stride > 1 && strided == MDP_RESNET_CONVS && !plan_window(&b->mean, m, 2, 0))
            return false;
        if (!plan_conv(r, &b->conv[i], m, last ? out : inner, side, i == strided ? stride : 1))
            return false;
        at_least(last ? &r->map_size : &r->inner_size, floats(m));
    }
    return true;
}

static mdp_status plan(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, struct mdp_resnet *r,
                       struct mdp_error *err)
{
    const struct mdp_resnet_config *c = &r->config;
    struct map m = {r->input.height, r->input.width, r->input.channels};
    bool fits = plan_stem(r, &m);
    mdp_status st = MDP_OK;

    for (size_t s = 0; s < c->stages && fits; s++) {
        r->blocks[s] = mdp_new_array(c->depths[s], sizeof *r->blocks[s], err, &st);
        TRY(st);
        for (size_t b = 0; b < c->depths[s] && fits; b++)
            fits = plan_block(r, &r->blocks[s][b], &m, c->widths[s],
                              b > 0    ? 1
                              : s == 0 ? c->first_stride
                                       : 2);
    }
    r->height = m.height;
    r->width = m.width;
    if (!fits)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "image_size"), err,
                             "image_size of %zu x %zu pixels is too small: a map of %zu x %zu is not halved",
                             r->input.height, r->input.width, m.height, m.width);
    return MDP_OK;
}

/* --- the whole --- */

static mdp_status read_pool(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, struct mdp_resnet *r,
                            struct mdp_error *err)
{
    const struct mdp_yaml_node *heads = mdp_yaml_find(map, "pool_heads");
    const size_t width = r->config.widths[r->config.stages - 1];

    r->attention = (struct mdp_clip_pool){.pixels = r->height * r->width, .channels = width, .heads = 1};
    if (r->config.pool != MDP_POOL_ATTENTION && heads)
        return mdp_yaml_fail(doc, heads, err, "'pool_heads' without 'pool: attention'");
    if (r->config.pool != MDP_POOL_ATTENTION)
        return MDP_OK;
    TRY(mdp_yaml_get_size(doc, map, "pool_heads", 1, MAX_WIDTH, &r->attention.heads, err));
    if (width % r->attention.heads != 0)
        return mdp_yaml_fail(doc, heads, err, "pool_heads: %zu channels are no multiple of %zu", width,
                             r->attention.heads);
    return MDP_OK;
}

mdp_status mdp_resnet_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                struct mdp_resnet *r, struct mdp_error *err)
{
    static const char *const keys[] = {"family",         "prefix", "layout",     "image_size",
                                       "channels",       "block",  "stem",       "stride_by",
                                       "stem_width",     "depths", "widths",     "first_stride",
                                       "batch_norm_eps", "pool",   "pool_heads", MDP_HEAD_KEYS};

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    r->config = (struct mdp_resnet_config){.prefix = "", .first_stride = 1, .eps = 1e-5};
    TRY(mdp_yaml_optional_string(doc, node, "prefix", &r->config.prefix, err));
    TRY(mdp_input_from_yaml(doc, node, &r->input, err));
    TRY(read_words(doc, node, &r->config, err));
    TRY(read_sizes(doc, node, &r->config, err));
    TRY(plan(doc, node, r, err));
    TRY(read_pool(doc, node, r, err));
    TRY(mdp_head_from_yaml(doc, node, r->config.widths[r->config.stages - 1], MAX_WIDTH, &r->head, err));
    r->input.embedding = r->head.out;
    return MDP_OK;
}
