/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/qformer.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 256, MAX_WIDTH = 8192, MAX_QUERIES = 4096 };

/* --- keys --- */

static mdp_status read_sizes(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_qformer *q, struct mdp_error *err)
{
    const struct {
        const char *key;
        size_t most, *value;
    } sizes[] = {
        {"layers", MAX_LAYERS, &q->config.layers},    {"width", MAX_WIDTH, &q->shape.width},
        {"heads", MAX_WIDTH, &q->shape.heads},        {"intermediate", 4 * MAX_WIDTH, &q->shape.intermediate},
        {"queries", MAX_QUERIES, &q->config.queries}, {"cross_every", MAX_LAYERS, &q->config.cross_every},
    };
    double eps = 0;

    for (size_t i = 0; i < MDP_COUNT(sizes); i++)
        TRY(mdp_yaml_get_size(doc, map, sizes[i].key, 1, sizes[i].most, sizes[i].value, err));
    if (q->shape.width % q->shape.heads != 0)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "heads"), err, "width %zu is no multiple of %zu heads",
                             q->shape.width, q->shape.heads);
    TRY(mdp_yaml_get_double(doc, map, "layer_norm_eps", 0, 1, &eps, err));
    q->shape.eps = (float)eps;
    return MDP_OK;
}

static mdp_status read_token_norm(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  struct mdp_qformer_config *c, struct mdp_error *err)
{
    double eps = 0;

    TRY(mdp_yaml_optional_string(doc, map, "token_norm", &c->token_norm, err));
    if (!c->token_norm && mdp_yaml_find(map, "token_norm_eps"))
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "token_norm_eps"), err,
                             "'token_norm_eps' without 'token_norm'");
    if (c->token_norm)
        TRY(mdp_yaml_get_double(doc, map, "token_norm_eps", 0, 1, &eps, err));
    c->token_eps = (float)eps;
    return MDP_OK;
}

mdp_status mdp_qformer_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                 size_t token_width, struct mdp_qformer *q, struct mdp_error *err)
{
    static const char *const keys[] = {"layout",  "prefix",       "layers",     "width",
                                       "heads",   "intermediate", "activation", "layer_norm_eps",
                                       "queries", "cross_every",  "token_norm", "token_norm_eps"};

    *q = (struct mdp_qformer){.config = {.prefix = "", .token_width = token_width}};
    TRY(mdp_yaml_known_keys(doc, map, keys, MDP_COUNT(keys), err));
    TRY(mdp_yaml_optional_string(doc, map, "prefix", &q->config.prefix, err));
    TRY(mdp_bert_names_from_yaml(doc, map, &q->config.names, &q->shape.activation, err));
    TRY(read_sizes(doc, map, q, err));
    TRY(read_token_norm(doc, map, &q->config, err));
    return mdp_kernels_choose(&q->shape.kernels, err);
}

/* --- load --- */

/* query_tokens[1, Q, C], through the norm that all inputs of the blocks go through. */
static mdp_status load_queries(struct mdp_qformer *q, const struct mdp_layer_source *blocks,
                               struct mdp_error *err)
{
    const struct mdp_layer_source whole_name = {blocks->weights, ""};
    const size_t width = q->shape.width, shape[] = {1, q->config.queries, width};
    struct mdp_norm norm = {0};
    mdp_status st = mdp_tensor_load(&whole_name, &q->queries, 3, shape, err, "query_tokens");

    if (st == MDP_OK)
        st = mdp_norm_load(blocks, q->config.names->norm, width, &norm, err);
    if (st == MDP_OK)
        q->shape.kernels->layer_norm(q->queries, q->config.queries, width, width, norm.gain, norm.bias,
                                     q->shape.eps, q->queries, width);
    mdp_norm_release(&norm);
    return st;
}

mdp_status mdp_qformer_load(struct mdp_qformer *q, const struct mdp_weights *weights, struct mdp_error *err)
{
    struct mdp_qformer_config *c = &q->config;
    const struct mdp_layer_source source = {weights, c->prefix}, whole_name = {weights, ""};
    mdp_status st = MDP_OK;

    TRY(load_queries(q, &source, err));
    if (c->token_norm)
        TRY(mdp_norm_load(&whole_name, c->token_norm, c->token_width, &q->token_norm, err));
    q->blocks = mdp_new_array(c->layers, sizeof *q->blocks, err, &st);
    TRY(st);
    for (size_t i = 0; i < c->layers; i++) {
        const struct mdp_bert_place place = {.names = c->names,
                                             .index = i,
                                             .cross_width = i % c->cross_every ? 0 : c->token_width,
                                             .mlp = "_query"};
        TRY(mdp_bert_block_load(&source, &q->shape, &place, &q->blocks[i], err));
    }
    c->prefix = c->token_norm = NULL; /* the YAML may be gone when the tower runs */
    return MDP_OK;
}

void mdp_qformer_release(struct mdp_qformer *q)
{
    for (size_t i = 0; q->blocks && i < q->config.layers; i++)
        mdp_bert_block_release(&q->blocks[i]);
    free(q->blocks);
    free(q->queries);
    mdp_norm_release(&q->token_norm);
    *q = (struct mdp_qformer){0};
}

/* --- run --- */

/* Working memory of one picture. */
struct work {
    struct mdp_bert_room room;
    float *tokens; /* [N, W] behind the norm, where there is one */
};

static size_t divide(const struct mdp_qformer *q, size_t tokens, float *block, struct work *w)
{
    struct mdp_scratch s = {.block = block};

    mdp_bert_room_take(&s, &q->shape, q->config.queries, tokens, &w->room);
    w->tokens = mdp_scratch_take(&s, tokens * q->config.token_width);
    return s.used;
}

size_t mdp_qformer_scratch_size(const struct mdp_qformer *q, size_t tokens)
{
    struct work unused;

    return divide(q, tokens, NULL, &unused);
}

void mdp_qformer_run(const struct mdp_qformer *q, const float *x, size_t tokens, float *scratch, float *out,
                     const struct mdp_tapped *tapped)
{
    const struct mdp_qformer_config *c = &q->config;
    const size_t queries = c->queries, width = q->shape.width, ld = c->token_width;
    struct work w;

    divide(q, tokens, scratch, &w);
    if (q->token_norm.gain) {
        q->shape.kernels->layer_norm(x, tokens, ld, ld, q->token_norm.gain, q->token_norm.bias, c->token_eps,
                                     w.tokens, ld);
        x = w.tokens;
    }
    memcpy(w.room.x, q->queries, queries * width * sizeof *out);
    mdp_tap_show(tapped, w.room.x, queries, width, "queries");
    for (size_t i = 0; i < c->layers; i++) {
        mdp_bert_block_run(&q->shape, &q->blocks[i], queries, queries, x, tokens, ld, &w.room);
        mdp_tap_show(tapped, w.room.x, queries, width, "queries.%zu", i);
    }
    memcpy(out, w.room.x, queries * width * sizeof *out);
}
