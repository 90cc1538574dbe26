/* SPDX-License-Identifier: BSD-3-Clause */
/* The `image` map of a model's YAML, family swin. */
#include "base/try.h"
#include "extract/towers/swin.h"

enum { MAX_DIM = 16384 };

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
                                     struct mdp_swin *swin, struct mdp_error *err)
{
    static const char *const keys[] = {"family",         "prefix",   "image_size", "patch_size", "channels",
                                       "embed_dim",      "depths",   "heads",      "window",     "mlp_ratio",
                                       "layer_norm_eps", "qkv_bias", MDP_HEAD_KEYS};
    struct mdp_swin_config *config = &swin->config;

    TRY(mdp_yaml_known_keys(doc, node, keys, sizeof keys / sizeof *keys, err));
    *config = (struct mdp_swin_config){.prefix = "", .qkv_bias = true};
    TRY(mdp_yaml_optional_string(doc, node, "prefix", &config->prefix, err));
    TRY(mdp_patches_from_yaml(doc, node, &config->patches, err));
    TRY(mdp_yaml_get_size(doc, node, "embed_dim", 1, MAX_DIM, &config->embed_dim, err));
    TRY(mdp_stages_from_yaml(doc, node, "depths", 256, &config->stages, config->depths, err));
    TRY(mdp_stages_from_yaml(doc, node, "heads", 1024, &config->stages, config->heads, err));
    TRY(mdp_yaml_get_size(doc, node, "window", 1, 32, &config->window, err));
    TRY(mdp_yaml_get_double(doc, node, "mlp_ratio", 0.01, 64, &config->mlp_ratio, err));
    TRY(mdp_yaml_get_double(doc, node, "layer_norm_eps", 0, 1, &config->layer_norm_eps, err));
    TRY(mdp_yaml_optional_bool(doc, node, "qkv_bias", &config->qkv_bias, err));
    TRY(mdp_head_from_yaml(doc, node, config->embed_dim << (config->stages - 1), MAX_DIM, &swin->head, err));
    return check_heads(doc, node, config, err);
}
