/* SPDX-License-Identifier: BSD-3-Clause */
/* The `image` map of a model's YAML, family swin. */
#include "extract/towers/swin.h"

enum { MAX_PIXELS = 4096, MAX_DIM = 16384 };

static mdp_status read_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                            size_t most, size_t *value, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;
    mdp_status st = mdp_yaml_get(doc, map, key, MDP_YAML_SCALAR, &node, err);

    return st != MDP_OK ? st : mdp_yaml_to_size(doc, node, 1, most, value, err);
}

static mdp_status read_double(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                              double least, double most, double *value, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;
    mdp_status st = mdp_yaml_get(doc, map, key, MDP_YAML_SCALAR, &node, err);

    if (st == MDP_OK)
        st = mdp_yaml_to_double(doc, node, value, err);
    if (st == MDP_OK && !(*value >= least && *value <= most))
        st = mdp_yaml_fail(doc, node, err, "%s is %g (expected %g to %g)", key, *value, least, most);
    return st;
}

/* A list of one number a stage; *n is 0 before the first list and the number of stages after it. */
static mdp_status read_stages(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                              size_t most, size_t *n, size_t values[], struct mdp_error *err)
{
    const struct mdp_yaml_node *list = NULL;
    mdp_status st = mdp_yaml_get(doc, map, key, MDP_YAML_LIST, &list, err);

    if (st != MDP_OK)
        return st;
    if (list->n == 0 || list->n > MDP_SWIN_MAX_STAGES)
        return mdp_yaml_fail(doc, list, err, "%s has %zu entries (expected 1 to %d, one a stage)", key,
                             list->n, MDP_SWIN_MAX_STAGES);
    if (*n != 0 && list->n != *n)
        return mdp_yaml_fail(doc, list, err, "%s has %zu entries (expected %zu, as many as depths)", key,
                             list->n, *n);
    *n = list->n;
    for (size_t i = 0; i < list->n && st == MDP_OK; i++)
        st = mdp_yaml_to_size(doc, list->values[i], 1, most, &values[i], err);
    return st;
}

/* One number for a square, or [height, width]. */
static mdp_status read_image_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  struct mdp_swin_config *config, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = mdp_yaml_find(map, "image_size");

    if (!node || node->kind == MDP_YAML_SCALAR) {
        mdp_status st = read_size(doc, map, "image_size", MAX_PIXELS, &config->height, err);
        config->width = config->height;
        return st;
    }
    if (node->kind != MDP_YAML_LIST || node->n != 2)
        return mdp_yaml_fail(doc, node, err, "image_size is no number and no [height, width]");
    mdp_status st = mdp_yaml_to_size(doc, node->values[0], 1, MAX_PIXELS, &config->height, err);
    return st != MDP_OK ? st : mdp_yaml_to_size(doc, node->values[1], 1, MAX_PIXELS, &config->width, err);
}

/* Keys that may be left out. */
static mdp_status read_optional(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                struct mdp_swin_config *config, struct mdp_error *err)
{
    const size_t hidden = config->embed_dim << (config->stages - 1);
    const struct mdp_yaml_node *bias = mdp_yaml_find(map, "qkv_bias");
    const struct mdp_yaml_node *output = mdp_yaml_find(map, "output_width");
    mdp_status st = MDP_OK;

    config->prefix = "";
    config->qkv_bias = true;
    config->output_width = hidden;
    if (mdp_yaml_find(map, "prefix"))
        st = mdp_yaml_get_string(doc, map, "prefix", &config->prefix, err);
    if (st == MDP_OK && mdp_yaml_find(map, "projection"))
        st = mdp_yaml_get_string(doc, map, "projection", &config->projection, err);
    if (st == MDP_OK && bias)
        st = mdp_yaml_to_bool(doc, bias, &config->qkv_bias, err);
    if (st == MDP_OK && (config->projection || output))
        st = read_size(doc, map, "output_width", MAX_DIM, &config->output_width, err);
    if (st == MDP_OK && !config->projection && config->output_width != hidden)
        st = mdp_yaml_fail(doc, output, err, "output_width is %zu (expected %zu: there is no projection)",
                           config->output_width, hidden);
    return st;
}

static mdp_status check_heads(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                              const struct mdp_swin_config *config, struct mdp_error *err)
{
    const struct mdp_yaml_node *heads = mdp_yaml_find(map, "heads");

    if (config->embed_dim << (config->stages - 1) > MAX_DIM)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "embed_dim"), err,
                             "the last stage has %zu channels (expected at most %d)",
                             config->embed_dim << (config->stages - 1), MAX_DIM);
    for (size_t s = 0; s < config->stages; s++)
        if ((config->embed_dim << s) % config->heads[s] != 0)
            return mdp_yaml_fail(doc, heads, err, "heads of stage %zu: %zu channels are no multiple of %zu",
                                 s, config->embed_dim << s, config->heads[s]);
    return MDP_OK;
}

mdp_status mdp_swin_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                     struct mdp_swin_config *config, struct mdp_error *err)
{
    static const char *const keys[] = {
        "family", "prefix", "image_size", "patch_size",     "channels", "embed_dim",    "depths",
        "heads",  "window", "mlp_ratio",  "layer_norm_eps", "qkv_bias", "output_width", "projection"};
    mdp_status st = mdp_yaml_known_keys(doc, node, keys, sizeof keys / sizeof keys[0], err);

    *config = (struct mdp_swin_config){0};
    if (st == MDP_OK)
        st = read_image_size(doc, node, config, err);
    if (st == MDP_OK)
        st = read_size(doc, node, "patch_size", 256, &config->patch, err);
    if (st == MDP_OK)
        st = read_size(doc, node, "channels", 16, &config->channels, err);
    if (st == MDP_OK)
        st = read_size(doc, node, "embed_dim", MAX_DIM, &config->embed_dim, err);
    if (st == MDP_OK)
        st = read_stages(doc, node, "depths", 256, &config->stages, config->depths, err);
    if (st == MDP_OK)
        st = read_stages(doc, node, "heads", 1024, &config->stages, config->heads, err);
    if (st == MDP_OK)
        st = read_size(doc, node, "window", 32, &config->window, err);
    if (st == MDP_OK)
        st = read_double(doc, node, "mlp_ratio", 0.01, 64, &config->mlp_ratio, err);
    if (st == MDP_OK)
        st = read_double(doc, node, "layer_norm_eps", 0, 1, &config->layer_norm_eps, err);
    if (st == MDP_OK)
        st = read_optional(doc, node, config, err);
    return st != MDP_OK ? st : check_heads(doc, node, config, err);
}
