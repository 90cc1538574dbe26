/* SPDX-License-Identifier: BSD-3-Clause */
/* The `image` map of a model's YAML, family vit. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/vit.h"

#include <string.h>

enum { MAX_WIDTH = 16384, MAX_REGISTERS = 64, MAX_TOKENS = 65536, MAX_GRID = 4096 };

static mdp_status find_names(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_vit_config *c, struct mdp_error *err)
{
    for (c->names = mdp_vit_names; c->names->layout; c->names++)
        if (strcmp(c->names->layout, c->transformer.names->layout) == 0)
            return MDP_OK;
    return mdp_yaml_fail(doc, mdp_yaml_find(map, "layout"), err,
                         "layout '%s' has no names for a vision transformer", c->transformer.names->layout);
}

/* `position_grid`: [height, width] of the file's positions. */
static mdp_status read_grid(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                            struct mdp_vit_config *c, struct mdp_error *err)
{
    const struct mdp_yaml_node *grid = mdp_yaml_find(map, "position_grid");

    if (!grid)
        return MDP_OK;
    if (grid->kind != MDP_YAML_LIST || grid->n != 2)
        return mdp_yaml_fail(doc, grid, err, "position_grid is no [height, width]");
    TRY(mdp_yaml_to_size(doc, grid->values[0], 1, MAX_GRID, &c->grid_height, err));
    return mdp_yaml_to_size(doc, grid->values[1], 1, MAX_GRID, &c->grid_width, err);
}

static mdp_status read_tokens(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                              struct mdp_vit_config *c, struct mdp_error *err)
{
    static const char *const places[MDP_VIT_POSITIONS_COUNT] = {"all", "patches", "none"};
    size_t positions = MDP_VIT_POSITIONS_ALL, resize = MDP_POSITIONS_FIXED;

    c->class_token = true;
    TRY(mdp_yaml_optional_bool(doc, map, "class_token", &c->class_token, err));
    TRY(mdp_yaml_optional_bool(doc, map, "patch_bias", &c->patch_bias, err));
    TRY(mdp_yaml_optional_bool(doc, map, "pre_norm", &c->pre_norm, err));
    TRY(mdp_yaml_optional_size(doc, map, "registers", 0, MAX_REGISTERS, &c->registers, err));
    TRY(mdp_yaml_optional_size(doc, map, "rotary_grid", 1, MAX_GRID, &c->rotary_grid, err));
    TRY(mdp_yaml_optional_choice(doc, map, "positions", "positions", places, MDP_VIT_POSITIONS_COUNT,
                                 &positions, err));
    TRY(mdp_yaml_optional_choice(doc, map, "position_resize", "resize of positions",
                                 mdp_position_resize_names, MDP_POSITIONS_COUNT, &resize, err));
    c->positions = (enum mdp_vit_positions)positions;
    c->resize = (enum mdp_position_resize)resize;
    if (c->registers && !c->names->registers)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "registers"), err, "layout '%s' has no registers",
                             c->names->layout);
    if (c->pre_norm && !c->names->pre_norm)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "pre_norm"), err, "layout '%s' has no such norm",
                             c->names->layout);
    return read_grid(doc, map, c, err);
}

static mdp_status read_attention_pool(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                      struct mdp_vit_config *c, struct mdp_error *err)
{
    c->pool_heads = c->transformer.heads;
    TRY(mdp_yaml_optional_size(doc, map, "pool_width", 1, MAX_WIDTH, &c->pool_width, err));
    TRY(mdp_yaml_optional_size(doc, map, "pool_heads", 1, MAX_WIDTH, &c->pool_heads, err));
    TRY(mdp_yaml_optional_size(doc, map, "pool_intermediate", 1, 4 * MAX_WIDTH, &c->pool_hidden, err));
    if (c->pool_width % c->pool_heads != 0)
        return mdp_yaml_fail(doc, map, err, "pool_width %zu is no multiple of %zu heads", c->pool_width,
                             c->pool_heads);
    if (!c->names->pool.query)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "pool"), err, "layout '%s' has no attention pool",
                             c->names->layout);
    if (c->pool_hidden && !c->names->pool.mlp_in)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "pool_intermediate"), err,
                             "the attention pool of layout '%s' has no MLP", c->names->layout);
    return MDP_OK;
}

/* `qformer`, which goes with pool `queries` alone. */
static mdp_status read_qformer(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               struct mdp_vit *vit, struct mdp_error *err)
{
    struct mdp_vit_config *c = &vit->config;
    const struct mdp_yaml_node *qformer = mdp_yaml_find(map, "qformer");

    if (c->pool != MDP_VIT_POOL_QUERIES)
        return qformer ? mdp_yaml_fail(doc, qformer, err, "'qformer' without pool: queries") : MDP_OK;
    if (c->norm == MDP_VIT_NORM_AFTER_POOL)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "final_norm"), err,
                             "final_norm: after-pool with pool: queries");
    TRY(mdp_yaml_get(doc, map, "qformer", MDP_YAML_MAP, &qformer, err));
    TRY(mdp_qformer_from_yaml(doc, qformer, c->transformer.width, &vit->qformer, err));
    c->pool_width = vit->qformer.shape.width;
    return MDP_OK;
}

static mdp_status read_pool(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, struct mdp_vit *vit,
                            struct mdp_error *err)
{
    static const char *const pools[MDP_VIT_POOL_COUNT] = {"class", "mean", "mean-all", "attention",
                                                          "queries"},
                             *const norms[MDP_VIT_NORM_COUNT] = {"before-pool", "after-pool", "none"};
    struct mdp_vit_config *c = &vit->config;
    size_t pool = 0, norm = 0;

    TRY(mdp_yaml_get_choice(doc, map, "pool", "pooling of the family vit", pools, MDP_VIT_POOL_COUNT, &pool,
                            err));
    TRY(mdp_yaml_get_choice(doc, map, "final_norm", "place of the final norm", norms, MDP_VIT_NORM_COUNT,
                            &norm, err));
    c->pool = (enum mdp_vit_pool)pool;
    c->norm = (enum mdp_vit_norm)norm;
    c->pool_width = c->transformer.width;
    if (c->pool == MDP_VIT_POOL_CLASS && !c->class_token)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "pool"), err, "pool: class without a class token");
    if (c->pool == MDP_VIT_POOL_ATTENTION)
        TRY(read_attention_pool(doc, map, c, err));
    return read_qformer(doc, map, vit, err);
}

/* What a run needs to know of the parts before their weights are there. */
static void plan(struct mdp_vit *vit)
{
    const struct mdp_vit_config *c = &vit->config;

    vit->prefix_tokens = (c->class_token ? 1 : 0) + c->registers;
    vit->tokens = vit->prefix_tokens + mdp_patches_rows(&c->patches) * mdp_patches_columns(&c->patches);
    vit->transformer.config = c->transformer;
    vit->transformer.kernels = vit->kernels;
    vit->attention_pool = (struct mdp_attention_pool){.kernels = vit->kernels,
                                                      .in = c->transformer.width,
                                                      .width = c->pool_width,
                                                      .heads = c->pool_heads,
                                                      .hidden = c->pool_hidden,
                                                      .activation = c->transformer.activation,
                                                      .eps = (float)c->transformer.eps};
}

static mdp_status check(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                        const struct mdp_vit *vit, struct mdp_error *err)
{
    const struct mdp_vit_config *c = &vit->config;
    const size_t dim = c->transformer.width / c->transformer.heads;

    if (vit->tokens == vit->prefix_tokens || vit->tokens > MAX_TOKENS)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "patch_size"), err, "%zu tokens a picture (1 to %d)",
                             vit->tokens, MAX_TOKENS);
    if (c->rotary_grid && dim % 4 != 0)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "rotary_grid"), err,
                             "rotary positions of heads of %zu values (expected a multiple of 4)", dim);
    return MDP_OK;
}

mdp_status mdp_vit_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                    struct mdp_vit *vit, struct mdp_error *err)
{
    static const char *const keys[] = {"family",
                                       "prefix",
                                       "image_size",
                                       "patch_size",
                                       "channels",
                                       MDP_TRANSFORMER_KEYS,
                                       "class_token",
                                       "registers",
                                       "positions",
                                       "patch_bias",
                                       "pre_norm",
                                       "position_grid",
                                       "pool",
                                       "pool_width",
                                       "position_resize",
                                       "rotary_grid",
                                       "final_norm",
                                       "pool_heads",
                                       MDP_HEAD_KEYS,
                                       "pool_intermediate",
                                       "qformer"};
    struct mdp_vit_config *c = &vit->config;

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    *c = (struct mdp_vit_config){.prefix = "", .patches.whole = true};
    TRY(mdp_yaml_optional_string(doc, node, "prefix", &c->prefix, err));
    TRY(mdp_patches_from_yaml(doc, node, &c->patches, err));
    TRY(mdp_transformer_config_from_yaml(doc, node, &c->transformer, err));
    TRY(find_names(doc, node, c, err));
    TRY(read_tokens(doc, node, c, err));
    TRY(read_pool(doc, node, vit, err));
    TRY(mdp_head_from_yaml(doc, node, c->pool_width, MAX_WIDTH, &vit->head, err));
    TRY(mdp_kernels_choose(&vit->kernels, err));
    plan(vit);
    return check(doc, node, vit, err);
}
