/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/bert.h"

#include <stdlib.h>

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

    for (size_t i = 0; i < MDP_COUNT(tables); i++) {
        const size_t shape[] = {tables[i].rows, c->width};
        if (tables[i].rows)
            TRY(mdp_tensor_load(source, tables[i].values, 2, shape, err, "embeddings.%s.weight",
                                tables[i].name));
    }
    return mdp_norm_load(source, c->names->norm, c->width, &bert->norm, err);
}

mdp_status mdp_bert_load(struct mdp_bert *bert, const struct mdp_weights *weights, struct mdp_error *err)
{
    struct mdp_bert_config *c = &bert->config;
    const struct mdp_layer_source source = {weights, c->prefix};
    const char *const pooler[] = {"pooler.dense"};
    mdp_status st = MDP_OK;

    TRY(load_embeddings(bert, &source, err));
    bert->blocks = mdp_new_array(c->layers, sizeof *bert->blocks, err, &st);
    TRY(st);
    for (size_t i = 0; i < c->layers; i++) {
        const struct mdp_bert_place place = {.names = c->names, .index = i, .mlp = ""};
        TRY(mdp_bert_block_load(&source, &bert->shape, &place, &bert->blocks[i], err));
    }
    if (c->pooling->dense)
        TRY(mdp_linear_load(&source, pooler, 1, c->width, c->width, true, &bert->pooler, err));
    TRY(mdp_head_load(&bert->head, weights, err));
    c->prefix = NULL; /* the YAML may be gone when the tower runs */
    return MDP_OK;
}

void mdp_bert_release(struct mdp_bert *bert)
{
    for (size_t i = 0; bert->blocks && i < bert->config.layers; i++)
        mdp_bert_block_release(&bert->blocks[i]);
    free(bert->blocks);
    free(bert->words);
    free(bert->positions);
    free(bert->types);
    mdp_norm_release(&bert->norm);
    mdp_linear_release(&bert->pooler);
    mdp_head_release(&bert->head);
    *bert = (struct mdp_bert){0};
}
