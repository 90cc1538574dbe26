/* SPDX-License-Identifier: BSD-3-Clause */
/* The `text` map of a model's YAML, family bert. */
#include "base/names.h"
#include "base/try.h"
#include "extract/towers/bert.h"

#include <string.h>

enum { MAX_WIDTH = 8192, MAX_LAYERS = 256, MAX_POSITIONS = 65536, MAX_VOCAB = 4000000 };

const char *const mdp_bert_pooling_names[MDP_BERT_POOLINGS] = {"layers-1-2-last", "pooler"};

static mdp_status read_sizes(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_bert_config *c, struct mdp_error *err)
{
    const struct {
        const char *key;
        size_t most, *value;
    } sizes[] = {
        {"layers", MAX_LAYERS, &c->layers},
        {"width", MAX_WIDTH, &c->width},
        {"heads", MAX_WIDTH, &c->heads},
        {"intermediate", 4 * MAX_WIDTH, &c->intermediate},
        {"vocab_size", MAX_VOCAB, &c->vocab_size},
        {"positions", MAX_POSITIONS, &c->positions},
        {"token_types", MAX_WIDTH, &c->token_types},
    };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        TRY(mdp_yaml_get_size(doc, map, sizes[i].key, 1, sizes[i].most, sizes[i].value, err));
    if (c->width % c->heads != 0)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "heads"), err, "width %zu is no multiple of %zu heads",
                             c->width, c->heads);
    return MDP_OK;
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
        const char *name = list ? list->values[i]->scalar : mdp_bert_pooling_names[i];
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
    size_t at = 0;

    TRY(mdp_yaml_get_choice(doc, map, "pooling", "pooling of the family bert", mdp_bert_pooling_names,
                            MDP_BERT_POOLINGS, &at, err));
    if (override) {
        TRY(check_override(doc, map, override, err));
        at = mdp_name_index(override, mdp_bert_pooling_names, MDP_BERT_POOLINGS);
    }
    if (at == MDP_BERT_POOLINGS)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "poolings"), err,
                             "no pooling of the family bert '%s' (%s)", override,
                             mdp_name_hint(override, mdp_bert_pooling_names, MDP_BERT_POOLINGS).text);
    c->pooling = (enum mdp_bert_pooling)at;
    if (c->pooling == MDP_BERT_LAYERS_1_2_LAST && c->layers < 2)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "layers"), err, "pooling %s of one layer (expected two)",
                             mdp_bert_pooling_names[at]);
    return MDP_OK;
}

mdp_status mdp_bert_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                     const char *pooling, struct mdp_bert_config *config,
                                     struct mdp_error *err)
{
    static const char *const keys[] = {
        "family",    "prefix",      "layers",         "width",   "heads",    "intermediate", "vocab_size",
        "positions", "token_types", "layer_norm_eps", "pooling", "poolings", "projection",   "output_width"};

    TRY(mdp_yaml_known_keys(doc, node, keys, sizeof keys / sizeof *keys, err));
    *config = (struct mdp_bert_config){0};
    TRY(read_sizes(doc, node, config, err));
    TRY(mdp_yaml_get_double(doc, node, "layer_norm_eps", 0, 1, &config->layer_norm_eps, err));
    TRY(mdp_common_keys_from_yaml(doc, node, config->width, MAX_WIDTH, &config->common, err));
    return read_pooling(doc, node, pooling, config, err);
}
