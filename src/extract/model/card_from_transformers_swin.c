/* SPDX-License-Identifier: BSD-3-Clause */
/* transformers' SwinModel (4.57: models/swin/configuration_swin.py): pictures only; its embedding is pooler_output, the mean of the last
   stage's rows after the final norm. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

struct swin {
    const char *prefix;
    size_t image_size, patch_size, channels, embed_dim, window;
    size_t depths[MDP_FIELDS_LIST_MOST], heads[MDP_FIELDS_LIST_MOST], stages;
    double mlp_ratio, eps;
    bool qkv_bias;
};

static mdp_status read_stages(struct mdp_fields *c, struct swin *s, struct mdp_error *err)
{
    static const size_t depths[] = {2, 2, 6, 2}, heads[] = {3, 6, 12, 24};
    size_t n = 0;

    TRY(mdp_fields_sizes(c, "depths", s->depths, &s->stages, err));
    TRY(mdp_fields_sizes(c, "num_heads", s->heads, &n, err));
    for (size_t i = 0; s->stages == 0 && i < MDP_COUNT(depths); i++)
        s->depths[i] = depths[i];
    for (size_t i = 0; n == 0 && i < MDP_COUNT(heads); i++)
        s->heads[i] = heads[i];
    s->stages = s->stages ? s->stages : MDP_COUNT(depths);
    n = n ? n : MDP_COUNT(heads);
    return n == s->stages ? MDP_OK : mdp_fields_refuse(c, "num_heads", " (expected as many as depths)", err);
}

static mdp_status read_config(struct mdp_fields *c, struct swin *s, struct mdp_error *err)
{
    static const char *const harmless[] = {"encoder_stride", "out_features", "out_indices",
                                           "stage_names",    "num_layers",   "hidden_size"};
    const char *activation = NULL;

    TRY(mdp_fields_side(c, "image_size", 224, &s->image_size, err));
    TRY(mdp_fields_side(c, "patch_size", 4, &s->patch_size, err));
    TRY(mdp_fields_size(c, "num_channels", 3, &s->channels, err));
    TRY(mdp_fields_size(c, "embed_dim", 96, &s->embed_dim, err));
    TRY(read_stages(c, s, err));
    TRY(mdp_fields_side(c, "window_size", 7, &s->window, err));
    TRY(mdp_fields_number(c, "mlp_ratio", 4, &s->mlp_ratio, err));
    TRY(mdp_fields_bool(c, "qkv_bias", true, &s->qkv_bias, err));
    TRY(mdp_fields_number(c, "layer_norm_eps", 1e-5, &s->eps, err));
    TRY(mdp_card_activation(c, "hidden_act", "gelu", &activation, err));
    TRY(mdp_fields_same(c, "hidden_act", "\"gelu\"", err));
    TRY(mdp_fields_same(c, "use_absolute_embeddings", "false", err));
    return mdp_fields_done(c, harmless, MDP_COUNT(harmless), err);
}

static void put_list(struct mdp_text *card, const char *key, const size_t values[], size_t n)
{
    mdp_text_add(card, "  %s: [", key);
    for (size_t i = 0; i < n; i++)
        mdp_text_add(card, "%s%zu", i ? ", " : "", values[i]);
    mdp_text_add(card, "]\n");
}

mdp_status mdp_card_from_swin(struct mdp_folder *folder, struct mdp_error *err)
{
    struct mdp_text *card = folder->card;
    struct swin s = {0};

    TRY(read_config(&folder->config.fields, &s, err));
    TRY(mdp_folder_prefix(folder, "swin.", &s.prefix, err));
    mdp_card_put_head(folder, "swin", s.embed_dim << (s.stages - 1), NULL);
    mdp_text_add(card, "image:\n  family: swin\n");
    mdp_card_put_text(card, "  prefix", s.prefix);
    mdp_text_add(card, "  image_size: %zu\n  patch_size: %zu\n  channels: %zu\n  embed_dim: %zu\n",
                 s.image_size, s.patch_size, s.channels, s.embed_dim);
    put_list(card, "depths", s.depths, s.stages);
    put_list(card, "heads", s.heads, s.stages);
    mdp_text_add(card, "  window: %zu\n  qkv_bias: %s\n", s.window, s.qkv_bias ? "true" : "false");
    mdp_card_put_number(card, "  mlp_ratio", s.mlp_ratio);
    mdp_card_put_number(card, "  layer_norm_eps", s.eps);
    TRY(mdp_card_put_processor(folder, "ViTImageProcessor", NULL, err));
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}
