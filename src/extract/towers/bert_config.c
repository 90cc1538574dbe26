/* SPDX-License-Identifier: BSD-3-Clause */
/* The `text` map of a model's YAML, family bert. */
#include "extract/towers/bert.h"

#include <string.h>

enum { MAX_WIDTH = 8192, MAX_LAYERS = 256, MAX_POSITIONS = 65536, MAX_VOCAB = 4000000 };

static const char *const pooling_names[MDP_BERT_POOLINGS] = {"layers-1-2-last", "pooler"};

const char *mdp_bert_pooling_name(enum mdp_bert_pooling pooling)
{
    return pooling_names[pooling];
}

static mdp_status read_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                            size_t most, size_t *value, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;
    mdp_status st = mdp_yaml_get(doc, map, key, MDP_YAML_SCALAR, &node, err);

    return st != MDP_OK ? st : mdp_yaml_to_size(doc, node, 1, most, value, err);
}

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
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && st == MDP_OK; i++)
        st = read_size(doc, map, sizes[i].key, sizes[i].most, sizes[i].value, err);
    if (st == MDP_OK && c->width % c->heads != 0)
        st = mdp_yaml_fail(doc, mdp_yaml_find(map, "heads"), err, "width %zu is no multiple of %zu heads",
                           c->width, c->heads);
    return st;
}

static mdp_status read_eps(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                           struct mdp_bert_config *c, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;
    mdp_status st = mdp_yaml_get(doc, map, "layer_norm_eps", MDP_YAML_SCALAR, &node, err);

    if (st == MDP_OK)
        st = mdp_yaml_to_double(doc, node, &c->layer_norm_eps, err);
    if (st == MDP_OK && !(c->layer_norm_eps >= 0 && c->layer_norm_eps <= 1))
        st = mdp_yaml_fail(doc, node, err, "layer_norm_eps is %g (expected 0 to 1)", c->layer_norm_eps);
    return st;
}

static mdp_status read_projection(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  struct mdp_bert_config *c, struct mdp_error *err)
{
    const struct mdp_yaml_node *output = mdp_yaml_find(map, "output_width");
    mdp_status st = MDP_OK;

    c->prefix = "";
    c->output_width = c->width;
    if (mdp_yaml_find(map, "prefix"))
        st = mdp_yaml_get_string(doc, map, "prefix", &c->prefix, err);
    if (st == MDP_OK && mdp_yaml_find(map, "projection"))
        st = mdp_yaml_get_string(doc, map, "projection", &c->projection, err);
    if (st == MDP_OK && (c->projection || output))
        st = read_size(doc, map, "output_width", MAX_WIDTH, &c->output_width, err);
    if (st == MDP_OK && !c->projection && c->output_width != c->width)
        st = mdp_yaml_fail(doc, output, err, "output_width is %zu (expected %zu: there is no projection)",
                           c->output_width, c->width);
    return st;
}

static bool find_pooling(const char *name, enum mdp_bert_pooling *pooling)
{
    for (size_t i = 0; i < MDP_BERT_POOLINGS; i++) {
        if (strcmp(name, pooling_names[i]) == 0) {
            *pooling = (enum mdp_bert_pooling)i;
            return true;
        }
    }
    return false;
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
        const char *name = list ? list->values[i]->scalar : pooling_names[i];
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
    const char *name = NULL;
    mdp_status st = mdp_yaml_get_string(doc, map, "pooling", &name, err);

    if (st == MDP_OK && override) {
        st = check_override(doc, map, override, err);
        name = override;
    }
    if (st == MDP_OK && !find_pooling(name, &c->pooling))
        st = mdp_yaml_fail(doc, mdp_yaml_find(map, "pooling"), err,
                           "no pooling '%s' of the family bert (there is %s, %s)", name, pooling_names[0],
                           pooling_names[1]);
    if (st == MDP_OK && c->pooling == MDP_BERT_LAYERS_1_2_LAST && c->layers < 2)
        st = mdp_yaml_fail(doc, mdp_yaml_find(map, "layers"), err, "pooling %s of one layer (expected two)",
                           name);
    return st;
}

mdp_status mdp_bert_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                     const char *pooling, struct mdp_bert_config *config,
                                     struct mdp_error *err)
{
    static const char *const keys[] = {
        "family",    "prefix",      "layers",         "width",   "heads",    "intermediate", "vocab_size",
        "positions", "token_types", "layer_norm_eps", "pooling", "poolings", "projection",   "output_width"};
    mdp_status st = mdp_yaml_known_keys(doc, node, keys, sizeof keys / sizeof *keys, err);

    *config = (struct mdp_bert_config){0};
    if (st == MDP_OK)
        st = read_sizes(doc, node, config, err);
    if (st == MDP_OK)
        st = read_eps(doc, node, config, err);
    if (st == MDP_OK)
        st = read_projection(doc, node, config, err);
    return st != MDP_OK ? st : read_pooling(doc, node, pooling, config, err);
}
