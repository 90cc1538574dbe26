/* SPDX-License-Identifier: BSD-3-Clause */
/* The `text` map of a model's YAML, family bert. */
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/towers/bert.h"

#include <string.h>

enum { MAX_WIDTH = 8192, MAX_LAYERS = 256, MAX_POSITIONS = 65536, MAX_VOCAB = 4000000 };

static mdp_status read_sizes(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_bert_config *c, struct mdp_error *err)
{
    const struct {
        const char *key;
        size_t least, most, *value;
    } sizes[] = {
        {"layers", 1, MAX_LAYERS, &c->layers},
        {"width", 1, MAX_WIDTH, &c->width},
        {"heads", 1, MAX_WIDTH, &c->heads},
        {"intermediate", 1, 4 * MAX_WIDTH, &c->intermediate},
        {"vocab_size", 1, MAX_VOCAB, &c->vocab_size},
        {"positions", 1, MAX_POSITIONS, &c->positions},
        {"token_types", 0, MAX_WIDTH, &c->token_types},
    };

    for (size_t i = 0; i < MDP_COUNT(sizes); i++)
        TRY(mdp_yaml_get_size(doc, map, sizes[i].key, sizes[i].least, sizes[i].most, sizes[i].value, err));
    if (c->width % c->heads != 0)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "heads"), err, "width %zu is no multiple of %zu heads",
                             c->width, c->heads);
    return MDP_OK;
}

static mdp_status read_options(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               struct mdp_bert_config *c, struct mdp_error *err)
{
    TRY(mdp_bert_names_from_yaml(doc, map, &c->names, &c->activation, err));
    TRY(mdp_yaml_optional_bool(doc, map, "attend_padding", &c->attend_padding, err));
    TRY(mdp_yaml_optional_size(doc, map, "pad_id", 0, c->vocab_size - 1, &c->pad_id, err));
    c->counts_positions = mdp_yaml_find(map, "pad_id");
    if (c->counts_positions && c->positions <= c->pad_id + 1)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "positions"), err,
                             "%zu positions, but they begin at pad_id + 1 = %zu", c->positions,
                             c->pad_id + 1);
    return MDP_OK;
}

static void list_poolings(const char *names[MDP_BERT_POOLINGS])
{
    for (size_t i = 0; i < MDP_BERT_POOLINGS; i++)
        names[i] = mdp_bert_poolings[i].name;
}

/* The YAML's list `poolings` says which ones the model is known to work with; without it, all are. */
static mdp_status check_override(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                 const char *pooling, struct mdp_error *err)
{
    const struct mdp_yaml_node *list = mdp_yaml_find(map, "poolings");
    struct mdp_text known = {0};
    bool found = false;

    if (list && list->kind != MDP_YAML_LIST)
        return mdp_yaml_fail(doc, list, err, "'poolings' is no list");
    for (size_t i = 0; i < (list ? list->n : MDP_BERT_POOLINGS); i++) {
        const char *name = list ? list->values[i]->scalar : mdp_bert_poolings[i].name;
        if (!name)
            continue;
        found = found || strcmp(name, pooling) == 0;
        mdp_text_add(&known, "%s%s", i ? ", " : "", name);
    }
    mdp_status st = mdp_text_status(&known, err);
    if (st == MDP_OK && !found)
        st = mdp_fail(err, MDP_ERR_USAGE, "no text pooling '%s' for this model (there is %s)", pooling,
                      known.n ? known.at : "none");
    mdp_text_release(&known);
    return st;
}

static mdp_status read_pooling(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               const char *override, struct mdp_bert_config *c, struct mdp_error *err)
{
    const char *names[MDP_BERT_POOLINGS];
    size_t at = 0;

    list_poolings(names);
    TRY(mdp_yaml_get_choice(doc, map, "pooling", "pooling of the family bert", names, MDP_BERT_POOLINGS, &at,
                            err));
    if (override) {
        TRY(check_override(doc, map, override, err));
        at = mdp_name_index(override, names, MDP_BERT_POOLINGS);
    }
    if (at == MDP_BERT_POOLINGS)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "poolings"), err,
                             "no pooling of the family bert '%s' (%s)", override,
                             mdp_name_hint(override, names, MDP_BERT_POOLINGS).text);
    c->pooling = &mdp_bert_poolings[at];
    if (c->layers < mdp_bert_pooling_least_layers(c->pooling))
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "layers"), err,
                             "layers is %zu (pooling %s needs %zu at least)", c->layers, c->pooling->name,
                             mdp_bert_pooling_least_layers(c->pooling));
    return MDP_OK;
}

mdp_status mdp_bert_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                              const char *pooling, struct mdp_bert *bert, struct mdp_error *err)
{
    static const char *const keys[] = {
        "family",       "layout",     "prefix",    "layers",         "width",          "heads",
        "intermediate", "vocab_size", "positions", "token_types",    "layer_norm_eps", "pooling",
        "poolings",     "activation", "pad_id",    "attend_padding", MDP_HEAD_KEYS};
    struct mdp_bert_config *c = &bert->config;

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    c->prefix = "";
    TRY(mdp_yaml_optional_string(doc, node, "prefix", &c->prefix, err));
    TRY(read_sizes(doc, node, c, err));
    TRY(mdp_yaml_get_double(doc, node, "layer_norm_eps", 0, 1, &c->layer_norm_eps, err));
    TRY(read_options(doc, node, c, err));
    TRY(read_pooling(doc, node, pooling, c, err));
    TRY(mdp_head_from_yaml(doc, node, c->width, MAX_WIDTH, &bert->head, err));
    TRY(mdp_kernels_choose(&bert->shape.kernels, err));
    bert->shape.width = c->width;
    bert->shape.heads = c->heads;
    bert->shape.intermediate = c->intermediate;
    bert->shape.eps = (float)c->layer_norm_eps;
    bert->shape.activation = c->activation;
    return MDP_OK;
}
