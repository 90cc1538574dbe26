/* SPDX-License-Identifier: BSD-3-Clause */
/* A vision transformer's weights. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- positions --- */

/* The grid of the file's positions: as the card says, else a square. */
static mdp_status find_grid(const struct mdp_vit *vit, const struct mdp_layer_source *source, size_t rows,
                            size_t *height, size_t *width, struct mdp_error *err)
{
    const struct mdp_vit_config *c = &vit->config;
    const size_t own_height = mdp_patches_rows(&c->patches), own_width = mdp_patches_columns(&c->patches);
    const size_t side = (size_t)lround(sqrt((double)rows));

    *height = c->grid_height ? c->grid_height : rows == own_height * own_width ? own_height : side;
    *width = c->grid_width ? c->grid_width : rows == own_height * own_width ? own_width : side;
    if (*height * *width != rows)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "%s: tensor %s%s has positions of %zu patches, which is no square",
                        mdp_weights_path(source->weights), source->prefix, c->names->positions, rows);
    if ((*height != own_height || *width != own_width) && c->resize == MDP_POSITIONS_FIXED)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "%s: tensor %s%s has positions of %zu x %zu patches (expected %zu x %zu)",
                        mdp_weights_path(source->weights), source->prefix, c->names->positions, *height,
                        *width, own_height, own_width);
    return MDP_OK;
}

/* table[h w, C] -> vit->positions[P, C] */
static mdp_status fit_positions(struct mdp_vit *vit, const struct mdp_layer_source *source,
                                const float *table, size_t rows, struct mdp_error *err)
{
    const struct mdp_vit_config *c = &vit->config;
    const size_t own_height = mdp_patches_rows(&c->patches), own_width = mdp_patches_columns(&c->patches),
                 columns = c->transformer.width;
    size_t height = 0, width = 0;
    mdp_status st = MDP_OK;

    TRY(find_grid(vit, source, rows, &height, &width, err));
    vit->positions = mdp_new_array(own_height * own_width * columns, sizeof *vit->positions, err, &st);
    TRY(st);
    if (height != own_height || width != own_width)
        return mdp_positions_resize(c->resize, table, height, width, columns, vit->positions, own_height,
                                    own_width, err);
    memcpy(vit->positions, table, rows * columns * sizeof *table);
    return MDP_OK;
}

/* Adds the class token's position where it has one; gives the patches theirs. */
static mdp_status load_positions(struct mdp_vit *vit, const struct mdp_layer_source *source,
                                 struct mdp_error *err)
{
    const struct mdp_vit_config *c = &vit->config;
    const size_t columns = c->transformer.width;
    const size_t own = c->class_token && c->positions == MDP_VIT_POSITIONS_ALL ? 1 : 0;
    float *table = NULL;
    size_t rows = 0;

    if (c->positions == MDP_VIT_POSITIONS_NONE)
        return MDP_OK;
    mdp_status st = mdp_table_load(source, c->names->positions, columns, &table, &rows, err);
    if (st == MDP_OK && rows <= own)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: tensor %s%s has %zu rows: none for a patch",
                      mdp_weights_path(source->weights), source->prefix, c->names->positions, rows);
    for (size_t i = 0; st == MDP_OK && own && i < columns; i++)
        vit->first[i] += table[i];
    if (st == MDP_OK)
        st = fit_positions(vit, source, table + own * columns, rows - own, err);
    free(table);
    return st;
}

/* --- what stands before the patches --- */

static mdp_status load_rows(const struct mdp_layer_source *source, const char *name, size_t expected,
                            size_t columns, float *to, struct mdp_error *err)
{
    float *values = NULL;
    size_t rows = 0;
    mdp_status st = mdp_table_load(source, name, columns, &values, &rows, err);

    if (st == MDP_OK && rows != expected)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: tensor %s%s has %zu rows (expected %zu)",
                      mdp_weights_path(source->weights), source->prefix, name, rows, expected);
    if (st == MDP_OK)
        memcpy(to, values, rows * columns * sizeof *to);
    free(values);
    return st;
}

static mdp_status load_first(struct mdp_vit *vit, const struct mdp_layer_source *source,
                             struct mdp_error *err)
{
    const struct mdp_vit_config *c = &vit->config;
    const size_t width = c->transformer.width, class_tokens = c->class_token ? 1 : 0;
    mdp_status st = MDP_OK;

    vit->first = mdp_new_array(vit->prefix_tokens * width, sizeof *vit->first, err, &st);
    if (st == MDP_OK && c->class_token)
        st = load_rows(source, c->names->class_token, 1, width, vit->first, err);
    if (st == MDP_OK && c->registers)
        st = load_rows(source, c->names->registers, c->registers, width, vit->first + class_tokens * width,
                       err);
    return st;
}

/* Rotary positions of EVA-02 (Fang et al. 2023), after RoFormer (Su et al. 2021): the first half of a head's values turns by
   the patch's row, the second by its column, neighbours by one angle; the map counts as rotary_grid patches wide and high. */
static mdp_status make_rotary(struct mdp_vit *vit, struct mdp_error *err)
{
    const struct mdp_vit_config *c = &vit->config;
    const size_t height = mdp_patches_rows(&c->patches), width = mdp_patches_columns(&c->patches),
                 dim = c->transformer.width / c->transformer.heads, quarter = dim / 4;
    mdp_status st = MDP_OK;

    if (!c->rotary_grid)
        return MDP_OK;
    vit->rotary = mdp_new_array(height * width * 2 * dim, sizeof *vit->rotary, err, &st);
    for (size_t p = 0; vit->rotary && p < height * width; p++)
        for (size_t i = 0; i < dim; i++) {
            const size_t axis = i / (dim / 2), pair = i % (dim / 2) / 2;
            const double at =
                axis == 0 ? (double)(p / width) / (double)height : (double)(p % width) / (double)width;
            const double angle = at * (double)c->rotary_grid * pow(10000, -(double)pair / (double)quarter);
            vit->rotary[p * 2 * dim + i] = (float)cos(angle);
            vit->rotary[p * 2 * dim + dim + i] = (float)sin(angle);
        }
    return st;
}

/* --- all --- */

static mdp_status load_final_norm(struct mdp_vit *vit, const struct mdp_layer_source *source,
                                  struct mdp_error *err)
{
    const struct mdp_vit_config *c = &vit->config;

    if (c->norm == MDP_VIT_NORM_NONE)
        return MDP_OK;
    return c->norm == MDP_VIT_NORM_BEFORE_POOL
               ? mdp_norm_load(source, c->names->norm, c->transformer.width, &vit->norm, err)
               : mdp_norm_load(source, c->names->norm_after, c->pool_width, &vit->norm, err);
}

mdp_status mdp_vit_load(struct mdp_vit *vit, const struct mdp_weights *weights, struct mdp_error *err)
{
    struct mdp_vit_config *c = &vit->config;
    const struct mdp_layer_source source = {weights, c->prefix};
    const size_t width = c->transformer.width;

    TRY(mdp_patches_load(&c->patches, &source, c->names->patch, width, c->patch_bias, &vit->patch, err));
    TRY(load_first(vit, &source, err));
    TRY(load_positions(vit, &source, err));
    TRY(make_rotary(vit, err));
    if (c->pre_norm)
        TRY(mdp_norm_load(&source, c->names->pre_norm, width, &vit->pre_norm, err));
    TRY(mdp_transformer_load(&vit->transformer, &source, err));
    TRY(load_final_norm(vit, &source, err));
    if (c->pool == MDP_VIT_POOL_ATTENTION)
        TRY(mdp_attention_pool_load(&vit->attention_pool, &source, &c->names->pool, err));
    if (c->pool == MDP_VIT_POOL_QUERIES)
        TRY(mdp_qformer_load(&vit->qformer, weights, err));
    c->prefix = NULL; /* the YAML may be gone when the tower runs */
    return mdp_head_load(&vit->head, weights, err);
}

void mdp_vit_release(struct mdp_vit *vit)
{
    mdp_linear_release(&vit->patch);
    free(vit->first);
    free(vit->positions);
    free(vit->rotary);
    mdp_norm_release(&vit->pre_norm);
    mdp_norm_release(&vit->norm);
    mdp_transformer_release(&vit->transformer);
    mdp_attention_pool_release(&vit->attention_pool);
    mdp_qformer_release(&vit->qformer);
    mdp_head_release(&vit->head);
    *vit = (struct mdp_vit){0};
}
