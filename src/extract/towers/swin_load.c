/* SPDX-License-Identifier: BSD-3-Clause */
/* A Swin's weights, by the names of transformers' state dict. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/swin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 160 };

/* Where the bias of query q and key k stands in the table: by their distance, first rows, then columns. */
static size_t relative_index(size_t window, size_t q, size_t k)
{
    const size_t rows = q / window + window - 1 - k / window, columns = q % window + window - 1 - k % window;

    return rows * (2 * window - 1) + columns;
}

/* The file's own index, where it has one, is the computed one: another would mean another model. */
static mdp_status check_index(const struct mdp_swin *swin, const struct mdp_layer_source *source,
                              const char *name, struct mdp_error *err)
{
    const size_t n = swin->window_size, shape[] = {n, n};
    char index_name[2 * NAME_SIZE];
    float *index = NULL;
    mdp_status st = MDP_OK;

    snprintf(index_name, sizeof index_name, "%s%s.relative_position_index", source->prefix, name);
    if (!mdp_weights_find(source->weights, index_name))
        return MDP_OK;
    st = mdp_tensor_load(source, &index, 2, shape, err, "%s.relative_position_index", name);
    for (size_t i = 0; i < n * n && st == MDP_OK; i++)
        if (index[i] != (float)relative_index(swin->config.window, i / n, i % n))
            st =
                mdp_fail(err, MDP_ERR_VALUE,
                         "%s: %s is %g for query %zu and key %zu (expected %zu, by the distance in a window)",
                         mdp_weights_path(source->weights), index_name, (double)index[i], i / n, i % n,
                         relative_index(swin->config.window, i / n, i % n));
    free(index);
    return st;
}

/* table[(2M - 1)^2, heads] -> bias[heads, N, ld_bias]. */
static mdp_status load_bias(const struct mdp_swin *swin, const struct mdp_layer_source *source,
                            const char *name, size_t heads, float **bias, struct mdp_error *err)
{
    const size_t n = swin->window_size, side = 2 * swin->config.window - 1, shape[] = {side * side, heads};
    float *table = NULL;
    mdp_status st = check_index(swin, source, name, err);

    if (st == MDP_OK)
        st = mdp_tensor_load(source, &table, 2, shape, err, "%s.relative_position_bias_table", name);
    if (st != MDP_OK)
        return st;
    *bias = mdp_new_array(heads * n * swin->ld_bias, sizeof **bias, err, &st);
    for (size_t h = 0; *bias && h < heads; h++)
        for (size_t q = 0; q < n; q++)
            for (size_t k = 0; k < n; k++)
                (*bias)[(h * n + q) * swin->ld_bias + k] =
                    table[relative_index(swin->config.window, q, k) * heads + h];
    free(table);
    return st;
}

static mdp_status load_attention(const struct mdp_swin *swin, const struct mdp_layer_source *source,
                                 const struct mdp_swin_stage *stage, const char *block_name,
                                 struct mdp_swin_block *block, struct mdp_error *err)
{
    char name[4][NAME_SIZE + 40];
    const char *qkv[] = {name[0], name[1], name[2]}, *output[] = {name[3]};

    snprintf(name[0], sizeof name[0], "%s.attention.self.query", block_name);
    snprintf(name[1], sizeof name[1], "%s.attention.self.key", block_name);
    snprintf(name[2], sizeof name[2], "%s.attention.self.value", block_name);
    snprintf(name[3], sizeof name[3], "%s.attention.output.dense", block_name);
    mdp_status st =
        mdp_linear_load(source, qkv, 3, stage->dim, stage->dim, swin->config.qkv_bias, &block->qkv, err);
    if (st == MDP_OK)
        st = mdp_linear_load(source, output, 1, stage->dim, stage->dim, true, &block->output, err);
    snprintf(name[0], sizeof name[0], "%s.attention.self", block_name);
    return st != MDP_OK ? st : load_bias(swin, source, name[0], stage->heads, &block->bias, err);
}

static mdp_status load_mlp(const struct mdp_layer_source *source, const struct mdp_swin_stage *stage,
                           const char *block_name, struct mdp_swin_block *block, struct mdp_error *err)
{
    char name[2][NAME_SIZE + 40];
    const char *in[] = {name[0]}, *out[] = {name[1]};

    snprintf(name[0], sizeof name[0], "%s.intermediate.dense", block_name);
    snprintf(name[1], sizeof name[1], "%s.output.dense", block_name);
    mdp_status st = mdp_linear_load(source, in, 1, stage->hidden, stage->dim, true, &block->mlp_in, err);
    return st != MDP_OK
               ? st
               : mdp_linear_load(source, out, 1, stage->dim, stage->hidden, true, &block->mlp_out, err);
}

static mdp_status load_block(const struct mdp_swin *swin, const struct mdp_layer_source *source, size_t s,
                             size_t b, struct mdp_error *err)
{
    const struct mdp_swin_stage *stage = &swin->stage[s];
    struct mdp_swin_block *block = &stage->blocks[b];
    char name[NAME_SIZE], norm[NAME_SIZE + 40];

    snprintf(name, sizeof name, "encoder.layers.%zu.blocks.%zu", s, b);
    snprintf(norm, sizeof norm, "%s.layernorm_before", name);
    mdp_status st = mdp_norm_load(source, norm, stage->dim, &block->before, err);
    if (st == MDP_OK)
        st = load_attention(swin, source, stage, name, block, err);
    snprintf(norm, sizeof norm, "%s.layernorm_after", name);
    if (st == MDP_OK)
        st = mdp_norm_load(source, norm, stage->dim, &block->after, err);
    return st != MDP_OK ? st : load_mlp(source, stage, name, block, err);
}

static mdp_status load_merge(const struct mdp_layer_source *source, size_t s, struct mdp_swin_stage *stage,
                             struct mdp_error *err)
{
    char norm[NAME_SIZE], reduction[NAME_SIZE];
    const char *names[] = {reduction};

    snprintf(norm, sizeof norm, "encoder.layers.%zu.downsample.norm", s);
    snprintf(reduction, sizeof reduction, "encoder.layers.%zu.downsample.reduction", s);
    mdp_status st = mdp_norm_load(source, norm, 4 * stage->dim, &stage->merge_norm, err);
    return st != MDP_OK
               ? st
               : mdp_linear_load(source, names, 1, 2 * stage->dim, 4 * stage->dim, false, &stage->merge, err);
}

static mdp_status load_patch(struct mdp_swin *swin, const struct mdp_layer_source *source,
                             struct mdp_error *err)
{
    const struct mdp_swin_config *c = &swin->config;

    TRY(mdp_patches_load(&c->patches, source, "embeddings.patch_embeddings.projection", c->embed_dim, true,
                         &swin->patch, err));
    return mdp_norm_load(source, "embeddings.norm", c->embed_dim, &swin->patch_norm, err);
}

mdp_status mdp_swin_load(struct mdp_swin *swin, const struct mdp_weights *weights, struct mdp_error *err)
{
    const struct mdp_layer_source source = {weights, swin->config.prefix};
    const size_t dim = swin->config.embed_dim << (swin->stages - 1);
    mdp_status st = load_patch(swin, &source, err);

    for (size_t s = 0; s < swin->stages && st == MDP_OK; s++) {
        struct mdp_swin_stage *stage = &swin->stage[s];
        stage->blocks = mdp_new_array(stage->depth, sizeof *stage->blocks, err, &st);
        for (size_t b = 0; b < stage->depth && st == MDP_OK; b++)
            st = load_block(swin, &source, s, b, err);
        if (st == MDP_OK && s + 1 < swin->stages)
            st = load_merge(&source, s, stage, err);
    }
    if (st == MDP_OK)
        st = mdp_norm_load(&source, "layernorm", dim, &swin->final_norm, err);
    if (st == MDP_OK)
        st = mdp_head_load(&swin->head, weights, err);
    swin->config.prefix = NULL; /* the YAML may be gone when the tower runs */
    return st;
}

static void release_stage(struct mdp_swin_stage *stage)
{
    for (size_t b = 0; stage->blocks && b < stage->depth; b++) {
        struct mdp_swin_block *block = &stage->blocks[b];
        mdp_norm_release(&block->before);
        mdp_norm_release(&block->after);
        mdp_linear_release(&block->qkv);
        mdp_linear_release(&block->output);
        mdp_linear_release(&block->mlp_in);
        mdp_linear_release(&block->mlp_out);
        free(block->bias);
    }
    free(stage->blocks);
    free(stage->order[0]);
    free(stage->order[1]);
    mdp_norm_release(&stage->merge_norm);
    mdp_linear_release(&stage->merge);
}

void mdp_swin_release(struct mdp_swin *swin)
{
    for (size_t s = 0; s < MDP_MAX_STAGES; s++)
        release_stage(&swin->stage[s]);
    for (size_t i = 0; i < 4; i++)
        free(swin->mask[i]);
    mdp_linear_release(&swin->patch);
    mdp_head_release(&swin->head);
    mdp_norm_release(&swin->patch_norm);
    mdp_norm_release(&swin->final_norm);
    *swin = (struct mdp_swin){0};
}
