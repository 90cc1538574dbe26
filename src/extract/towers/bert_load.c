/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "extract/towers/bert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 128 };

/* <block><part> into name; a block is "encoder.layer.<n>.". */
static const char *name_of(char name[NAME_SIZE], size_t block, const char *part)
{
    snprintf(name, NAME_SIZE, "encoder.layer.%zu.%s", block, part);
    return name;
}

static mdp_status load_linear(const struct mdp_layer_source *source, size_t block, const char *part,
                              size_t out, size_t in, struct mdp_linear *linear, struct mdp_error *err)
{
    char name[NAME_SIZE];
    const char *const names[] = {name_of(name, block, part)};

    return mdp_linear_load(source, names, 1, out, in, true, linear, err);
}

static mdp_status load_block(const struct mdp_layer_source *source, const struct mdp_bert_config *c,
                             size_t index, struct mdp_bert_block *block, struct mdp_error *err)
{
    char query[NAME_SIZE], key[NAME_SIZE], value[NAME_SIZE];
    const char *const qkv[] = {name_of(query, index, "attention.self.query"),
                               name_of(key, index, "attention.self.key"),
                               name_of(value, index, "attention.self.value")};
    char name[NAME_SIZE];
    mdp_status st = mdp_linear_load(source, qkv, 3, c->width, c->width, true, &block->qkv, err);

    if (st == MDP_OK)
        st = load_linear(source, index, "attention.output.dense", c->width, c->width, &block->output, err);
    if (st == MDP_OK)
        st = mdp_norm_load(source, name_of(name, index, "attention.output.LayerNorm"), c->width,
                           &block->attention_norm, err);
    if (st == MDP_OK)
        st = load_linear(source, index, "intermediate.dense", c->intermediate, c->width, &block->mlp_in, err);
    if (st == MDP_OK)
        st = load_linear(source, index, "output.dense", c->width, c->intermediate, &block->mlp_out, err);
    if (st == MDP_OK)
        st = mdp_norm_load(source, name_of(name, index, "output.LayerNorm"), c->width, &block->output_norm,
                           err);
    return st;
}

static mdp_status load_embeddings(struct mdp_bert *bert, const struct mdp_layer_source *source,
                                  struct mdp_error *err)
{
    const struct mdp_bert_config *c = &bert->config;
    const struct {
        const char *name;
        size_t rows;
        float **values;
    } tables[] = {
        {"word_embeddings", c->vocab_size, &bert->words},
        {"position_embeddings", c->positions, &bert->positions},
        {"token_type_embeddings", c->token_types, &bert->types},
    };
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < sizeof tables / sizeof *tables && st == MDP_OK; i++) {
        const size_t shape[] = {tables[i].rows, c->width};
        st = mdp_tensor_load(source, tables[i].values, 2, shape, err, "embeddings.%s.weight", tables[i].name);
    }
    return st != MDP_OK ? st : mdp_norm_load(source, "embeddings.LayerNorm", c->width, &bert->norm, err);
}

mdp_status mdp_bert_load(struct mdp_bert *bert, const struct mdp_weights *weights, struct mdp_error *err)
{
    struct mdp_bert_config *c = &bert->config;
    const struct mdp_layer_source source = {weights, c->common.prefix};
    const char *const pooler[] = {"pooler.dense"};
    mdp_status st = load_embeddings(bert, &source, err);

    if (st == MDP_OK)
        bert->blocks = mdp_new_array(c->layers, sizeof *bert->blocks, err, &st);
    for (size_t i = 0; i < c->layers && st == MDP_OK; i++)
        st = load_block(&source, c, i, &bert->blocks[i], err);
    if (st == MDP_OK && c->pooling == MDP_BERT_POOLER)
        st = mdp_linear_load(&source, pooler, 1, c->width, c->width, true, &bert->pooler, err);
    if (st == MDP_OK)
        st = mdp_projection_load(&c->common, weights, c->width, &bert->projection, err);
    c->common.prefix = c->common.projection = NULL; /* the YAML may be gone when the tower runs */
    return st;
}

void mdp_bert_release(struct mdp_bert *bert)
{
    for (size_t i = 0; bert->blocks && i < bert->config.layers; i++) {
        struct mdp_bert_block *block = &bert->blocks[i];
        mdp_linear_release(&block->qkv);
        mdp_linear_release(&block->output);
        mdp_linear_release(&block->mlp_in);
        mdp_linear_release(&block->mlp_out);
        mdp_norm_release(&block->attention_norm);
        mdp_norm_release(&block->output_norm);
    }
    free(bert->blocks);
    free(bert->words);
    free(bert->positions);
    free(bert->types);
    mdp_norm_release(&bert->norm);
    mdp_linear_release(&bert->pooler);
    mdp_linear_release(&bert->projection);
    *bert = (struct mdp_bert){0};
}
