/* SPDX-License-Identifier: BSD-3-Clause */
/* A transformer's keys and weights. */
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/towers/transformer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WIDTH = 16384, MAX_LAYERS = 256, NAME_SIZE = 96 };

/* --- keys --- */

static mdp_status read_layout(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                              const struct mdp_block_names **row, struct mdp_error *err)
{
    const char *names[32];
    size_t n = 0, at = 0;

    for (; mdp_block_names[n].layout && n < MDP_COUNT(names); n++)
        names[n] = mdp_block_names[n].layout;
    TRY(mdp_yaml_get_choice(doc, map, "layout", "layout of a transformer", names, n, &at, err));
    *row = &mdp_block_names[at];
    return MDP_OK;
}

static mdp_status read_sizes(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_transformer_config *c, struct mdp_error *err)
{
    TRY(mdp_yaml_get_size(doc, map, "layers", 1, MAX_LAYERS, &c->layers, err));
    TRY(mdp_yaml_get_size(doc, map, "width", 1, MAX_WIDTH, &c->width, err));
    TRY(mdp_yaml_get_size(doc, map, "heads", 1, MAX_WIDTH, &c->heads, err));
    TRY(mdp_yaml_get_size(doc, map, "intermediate", 1, 4 * MAX_WIDTH, &c->hidden, err));
    TRY(mdp_yaml_get_double(doc, map, "layer_norm_eps", 0, 1, &c->eps, err));
    if (c->width % c->heads != 0)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "heads"), err, "width %zu is no multiple of %zu heads",
                             c->width, c->heads);
    return MDP_OK;
}

/* What the layout has no tensors for. */
static mdp_status check_layout(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               const struct mdp_transformer_config *c, struct mdp_error *err)
{
    const char *missing = c->layer_scale && !c->names->scale1     ? "layer_scale"
                          : c->inner_norms && !c->names->mlp_norm ? "inner_norms"
                                                                  : NULL;

    return missing ? mdp_yaml_fail(doc, mdp_yaml_find(map, missing), err, "layout '%s' has no names for %s",
                                   c->names->layout, missing)
                   : MDP_OK;
}

mdp_status mdp_transformer_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                            struct mdp_transformer_config *config, struct mdp_error *err)
{
    static const char *const mlps[MDP_MLP_COUNT] = {"plain", "gated"}, *const norms[MDP_NORMS_COUNT] = {
                                                                           "before", "behind"};
    size_t activation = 0, mlp = MDP_MLP_PLAIN, where = MDP_NORMS_BEFORE;

    *config = (struct mdp_transformer_config){.qkv_bias = true, .mlp_bias = true};
    TRY(read_layout(doc, map, &config->names, err));
    TRY(read_sizes(doc, map, config, err));
    TRY(mdp_yaml_get_choice(doc, map, "activation", "activation", mdp_activation_names, MDP_ACTIVATION_COUNT,
                            &activation, err));
    TRY(mdp_yaml_optional_choice(doc, map, "mlp", "MLP", mlps, MDP_MLP_COUNT, &mlp, err));
    TRY(mdp_yaml_optional_choice(doc, map, "block_norms", "place of the norms", norms, MDP_NORMS_COUNT,
                                 &where, err));
    TRY(mdp_yaml_optional_bool(doc, map, "qkv_bias", &config->qkv_bias, err));
    TRY(mdp_yaml_optional_bool(doc, map, "mlp_bias", &config->mlp_bias, err));
    TRY(mdp_yaml_optional_bool(doc, map, "inner_norms", &config->inner_norms, err));
    TRY(mdp_yaml_optional_bool(doc, map, "layer_scale", &config->layer_scale, err));
    config->activation = (enum mdp_activation)activation;
    config->mlp = (enum mdp_mlp)mlp;
    config->norms = (enum mdp_block_norms)where;
    return check_layout(doc, map, config, err);
}

/* --- weights of one block --- */

/* Where a block is read from. */
struct reading {
    const struct mdp_transformer_config *config;
    const struct mdp_layer_source *source;
    char block[NAME_SIZE];
};

static mdp_status load_norm(const struct reading *r, const char *part, size_t columns, struct mdp_norm *norm,
                            struct mdp_error *err)
{
    char name[2 * NAME_SIZE];

    snprintf(name, sizeof name, "%s%s", r->block, part);
    return mdp_norm_load(r->source, name, columns, norm, err);
}

/* One of query, key, value: weight[C, C] and bias[C] into their thirds of the whole. */
static mdp_status load_third(const struct reading *r, const char *weight_name, const char *bias_name,
                             float *weight, float *bias, struct mdp_error *err)
{
    const size_t width = r->config->width, shape[] = {width, width};
    float *values = NULL;
    mdp_status st = MDP_OK;

    if (weight_name) {
        st = mdp_tensor_load(r->source, &values, 2, shape, err, "%s%s", r->block, weight_name);
        if (st == MDP_OK)
            memcpy(weight, values, width * width * sizeof *weight);
        free(values);
        values = NULL;
    }
    if (st == MDP_OK && bias_name && r->config->qkv_bias) {
        st = mdp_tensor_load(r->source, &values, 1, shape, err, "%s%s", r->block, bias_name);
        if (st == MDP_OK)
            memcpy(bias, values, width * sizeof *bias);
        free(values);
    }
    return st;
}

static mdp_status load_whole(const struct reading *r, const char *name, size_t rank, float *to,
                             struct mdp_error *err)
{
    const size_t width = r->config->width, shape[] = {3 * width, width};
    float *values = NULL;
    mdp_status st = mdp_tensor_load(r->source, &values, rank, shape, err, "%s%s", r->block, name);

    if (st == MDP_OK)
        memcpy(to, values, 3 * width * (rank == 2 ? width : 1) * sizeof *to);
    free(values);
    return st;
}

static mdp_status load_qkv_parts(const struct reading *r, float *weight, float *bias, struct mdp_error *err)
{
    const struct mdp_block_names *n = r->config->names;
    const char *const weights[] = {n->q_weight, n->k_weight, n->v_weight}, *const biases[] = {n->q_bias,
                                                                                              n->k_bias,
                                                                                              n->v_bias};
    const size_t width = r->config->width;

    if (n->qkv_weight)
        TRY(load_whole(r, n->qkv_weight, 2, weight, err));
    if (n->qkv_bias && r->config->qkv_bias)
        TRY(load_whole(r, n->qkv_bias, 1, bias, err));
    for (size_t i = 0; i < 3; i++)
        TRY(load_third(r, weights[i], biases[i], weight + i * width * width, bias + i * width, err));
    return MDP_OK;
}

/* A card may ask for any width: the first tensor is looked at before memory is taken. */
static mdp_status load_qkv(const struct reading *r, struct mdp_linear *qkv, struct mdp_error *err)
{
    const struct mdp_block_names *n = r->config->names;
    const size_t width = r->config->width, shape[] = {n->qkv_weight ? 3 * width : width, width};
    const struct mdp_tensor *first = NULL;
    mdp_status st = mdp_tensor_find(r->source, &first, 2, shape, err, "%s%s", r->block,
                                    n->qkv_weight ? n->qkv_weight : n->q_weight);

    TRY(st);
    float *weight = mdp_new_array(3 * width * width, sizeof *weight, err, &st);
    float *bias = weight ? mdp_new_array(3 * width, sizeof *bias, err, &st) : NULL;

    if (bias)
        st = load_qkv_parts(r, weight, bias, err);
    if (st == MDP_OK)
        st = mdp_linear_init(qkv, weight, r->config->qkv_bias ? bias : NULL, 3 * width, width, err);
    free(weight);
    free(bias);
    return st;
}

/* A projection back to the stream, its outputs multiplied by the layer scale where there is one. */
static mdp_status load_back(const struct reading *r, const char *part, const char *scale_name, size_t in,
                            bool with_bias, struct mdp_linear *linear, struct mdp_error *err)
{
    const size_t width = r->config->width, shape[] = {width, in};
    float *weight = NULL, *bias = NULL, *scale = NULL;
    mdp_status st = mdp_tensor_load(r->source, &weight, 2, shape, err, "%s%s.weight", r->block, part);

    if (st == MDP_OK && with_bias)
        st = mdp_tensor_load(r->source, &bias, 1, shape, err, "%s%s.bias", r->block, part);
    if (st == MDP_OK && r->config->layer_scale)
        st = mdp_tensor_load(r->source, &scale, 1, shape, err, "%s%s", r->block, scale_name);
    for (size_t o = 0; st == MDP_OK && scale && o < width; o++) {
        for (size_t i = 0; i < in; i++)
            weight[o * in + i] *= scale[o];
        if (bias)
            bias[o] *= scale[o];
    }
    if (st == MDP_OK)
        st = mdp_linear_init(linear, weight, bias, width, in, err);
    free(weight);
    free(bias);
    free(scale);
    return st;
}

static mdp_status load_wide(const struct reading *r, const char *part, struct mdp_linear *linear,
                            struct mdp_error *err)
{
    const struct mdp_transformer_config *c = r->config;
    char name[2 * NAME_SIZE];
    const char *const names[] = {name};

    snprintf(name, sizeof name, "%s%s", r->block, part);
    return mdp_linear_load(r->source, names, 1, c->hidden, c->width, c->mlp_bias, linear, err);
}

/* mlp_in holds gate and values, [2F, C], one behind the other. */
static mdp_status load_halves(const struct reading *r, struct mdp_transformer_block *b, struct mdp_error *err)
{
    const struct mdp_transformer_config *c = r->config;
    const size_t shape[] = {2 * c->hidden, c->width}, half = c->hidden * c->width;
    float *weight = NULL, *bias = NULL;
    mdp_status st =
        mdp_tensor_load(r->source, &weight, 2, shape, err, "%s%s.weight", r->block, c->names->mlp_in);

    if (st == MDP_OK && c->mlp_bias)
        st = mdp_tensor_load(r->source, &bias, 1, shape, err, "%s%s.bias", r->block, c->names->mlp_in);
    if (st == MDP_OK)
        st = mdp_linear_init(&b->gate, weight, bias, c->hidden, c->width, err);
    if (st == MDP_OK)
        st = mdp_linear_init(&b->mlp_in, weight + half, bias ? bias + c->hidden : NULL, c->hidden, c->width,
                             err);
    free(weight);
    free(bias);
    return st;
}

static mdp_status load_mlp(const struct reading *r, struct mdp_transformer_block *b, struct mdp_error *err)
{
    const struct mdp_transformer_config *c = r->config;

    if (c->mlp == MDP_MLP_GATED && !c->names->mlp_gate)
        TRY(load_halves(r, b, err));
    else {
        if (c->mlp == MDP_MLP_GATED)
            TRY(load_wide(r, c->names->mlp_gate, &b->gate, err));
        TRY(load_wide(r, c->names->mlp_in, &b->mlp_in, err));
    }
    if (c->inner_norms)
        TRY(load_norm(r, c->names->mlp_norm, c->hidden, &b->mlp_norm, err));
    return load_back(r, c->names->mlp_out, c->names->scale2, c->hidden, c->mlp_bias, &b->mlp_out, err);
}

static mdp_status load_block(const struct reading *r, struct mdp_transformer_block *b, struct mdp_error *err)
{
    const struct mdp_transformer_config *c = r->config;

    TRY(load_norm(r, c->names->norm1, c->width, &b->norm1, err));
    TRY(load_norm(r, c->names->norm2, c->width, &b->norm2, err));
    TRY(load_qkv(r, &b->qkv, err));
    if (c->inner_norms)
        TRY(load_norm(r, c->names->inner_norm, c->width, &b->inner_norm, err));
    TRY(load_back(r, c->names->output, c->names->scale1, c->width, true, &b->output, err));
    return load_mlp(r, b, err);
}

/* --- all blocks --- */

/* names->block with the block's number in place of its %zu. */
static void name_block(char name[NAME_SIZE], const char *pattern, size_t i)
{
    const char *at = strstr(pattern, "%zu");

    snprintf(name, NAME_SIZE, "%.*s%zu%s", (int)(at - pattern), pattern, i, at + strlen("%zu"));
}

mdp_status mdp_transformer_load(struct mdp_transformer *transformer, const struct mdp_layer_source *source,
                                struct mdp_error *err)
{
    struct reading r = {.config = &transformer->config, .source = source};
    mdp_status st = mdp_kernels_choose(&transformer->kernels, err);

    if (st == MDP_OK)
        transformer->blocks =
            mdp_new_array(transformer->config.layers, sizeof *transformer->blocks, err, &st);
    for (size_t i = 0; st == MDP_OK && i < transformer->config.layers; i++) {
        name_block(r.block, transformer->config.names->block, i);
        st = load_block(&r, &transformer->blocks[i], err);
        mdp_weights_forget(
            source->weights); /* else the file's pages stand beside what was made of them: gigabytes */
    }
    return st;
}

void mdp_transformer_release(struct mdp_transformer *transformer)
{
    for (size_t i = 0; transformer->blocks && i < transformer->config.layers; i++) {
        struct mdp_transformer_block *b = &transformer->blocks[i];
        struct mdp_linear *const linears[] = {&b->qkv, &b->output, &b->gate, &b->mlp_in, &b->mlp_out};
        struct mdp_norm *const norms[] = {&b->norm1, &b->norm2, &b->inner_norm, &b->mlp_norm};
        for (size_t k = 0; k < MDP_COUNT(linears); k++)
            mdp_linear_release(linears[k]);
        for (size_t k = 0; k < MDP_COUNT(norms); k++)
            mdp_norm_release(norms[k]);
    }
    free(transformer->blocks);
    *transformer = (struct mdp_transformer){0};
}
