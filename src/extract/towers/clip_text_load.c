/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys and weights of a text tower of CLIP's kind. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/clip_text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WIDTH = 16384, MAX_POSITIONS = 65536, MAX_VOCAB = 4000000 };

const struct mdp_clip_text_names mdp_clip_text_names[] = {
    {.layout = "openai",
     .tokens = "token_embedding.weight",
     .positions = "positional_embedding",
     .class_token = "cls_emb",
     .norm = "ln_final"},
    {.layout = "hf-clip",
     .tokens = "embeddings.token_embedding.weight",
     .positions = "embeddings.position_embedding.weight",
     .norm = "final_layer_norm"},
    {.layout = NULL},
};

/* --- keys --- */

static mdp_status find_names(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_clip_text_config *c, struct mdp_error *err)
{
    for (c->names = mdp_clip_text_names; c->names->layout; c->names++)
        if (strcmp(c->names->layout, c->transformer.names->layout) == 0)
            return MDP_OK;
    return mdp_yaml_fail(doc, mdp_yaml_find(map, "layout"), err,
                         "layout '%s' has no names for a text tower of CLIP's kind",
                         c->transformer.names->layout);
}

static mdp_status read_pool(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                            struct mdp_clip_text_config *c, struct mdp_error *err)
{
    static const char *const pools[MDP_CLIP_TEXT_POOL_COUNT] = {"largest", "end", "first", "last", "class"};
    size_t pool = 0, end = 0, pad = 0;

    TRY(mdp_yaml_get_choice(doc, map, "pool", "pooling of the family clip-text", pools,
                            MDP_CLIP_TEXT_POOL_COUNT, &pool, err));
    c->pool = (enum mdp_clip_text_pool)pool;
    if (c->pool == MDP_CLIP_TEXT_POOL_END)
        TRY(mdp_yaml_get_size(doc, map, "end_id", 0, c->vocab_size - 1, &end, err));
    TRY(mdp_yaml_optional_size(doc, map, "pad_id", 0, c->vocab_size - 1, &pad, err));
    c->end_id = (int32_t)end;
    c->pad_id = (int32_t)pad;
    if (c->pool == MDP_CLIP_TEXT_POOL_CLASS && (!c->causal || !c->names->class_token || c->positions < 2))
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "pool"), err,
                             "pool: class is of a causal tower of layout openai with two positions or more");
    return MDP_OK;
}

mdp_status mdp_clip_text_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                          struct mdp_clip_text *text, struct mdp_error *err)
{
    static const char *const keys[] = {
        "family", "prefix", MDP_TRANSFORMER_KEYS, "vocab_size", "positions", "causal", "pool",
        "end_id", "pad_id", MDP_HEAD_KEYS};
    struct mdp_clip_text_config *c = &text->config;

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    *c = (struct mdp_clip_text_config){.prefix = "", .causal = true};
    TRY(mdp_yaml_optional_string(doc, node, "prefix", &c->prefix, err));
    TRY(mdp_transformer_config_from_yaml(doc, node, &c->transformer, err));
    TRY(find_names(doc, node, c, err));
    TRY(mdp_yaml_get_size(doc, node, "vocab_size", 1, MAX_VOCAB, &c->vocab_size, err));
    TRY(mdp_yaml_get_size(doc, node, "positions", 1, MAX_POSITIONS, &c->positions, err));
    TRY(mdp_yaml_optional_bool(doc, node, "causal", &c->causal, err));
    TRY(read_pool(doc, node, c, err));
    TRY(mdp_head_from_yaml(doc, node, c->transformer.width, MAX_WIDTH, &text->head, err));
    TRY(mdp_kernels_choose(&text->kernels, err));
    text->transformer.config = c->transformer;
    text->transformer.kernels = text->kernels;
    return MDP_OK;
}

/* --- weights --- */

static mdp_status load_tables(struct mdp_clip_text *text, const struct mdp_layer_source *source,
                              struct mdp_error *err)
{
    const struct mdp_clip_text_config *c = &text->config;
    const size_t tokens[] = {c->vocab_size, c->transformer.width},
                 positions[] = {c->positions, c->transformer.width};
    size_t rows = 0;

    TRY(mdp_tensor_load(source, &text->tokens, 2, tokens, err, "%s", c->names->tokens));
    TRY(mdp_tensor_load(source, &text->positions, 2, positions, err, "%s", c->names->positions));
    if (c->pool != MDP_CLIP_TEXT_POOL_CLASS)
        return MDP_OK;
    return mdp_table_load(source, c->names->class_token, c->transformer.width, &text->class_token, &rows,
                          err);
}

mdp_status mdp_clip_text_load(struct mdp_clip_text *text, const struct mdp_weights *weights,
                              struct mdp_error *err)
{
    struct mdp_clip_text_config *c = &text->config;
    const struct mdp_layer_source source = {weights, c->prefix};

    TRY(load_tables(text, &source, err));
    TRY(mdp_transformer_load(&text->transformer, &source, err));
    TRY(mdp_norm_load(&source, c->names->norm, c->transformer.width, &text->norm, err));
    c->prefix = NULL; /* the YAML may be gone when the tower runs */
    return mdp_head_load(&text->head, weights, err);
}

void mdp_clip_text_release(struct mdp_clip_text *text)
{
    free(text->tokens);
    free(text->positions);
    free(text->class_token);
    mdp_norm_release(&text->norm);
    mdp_transformer_release(&text->transformer);
    mdp_head_release(&text->head);
    *text = (struct mdp_clip_text){0};
}
