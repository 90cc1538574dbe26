/* SPDX-License-Identifier: BSD-3-Clause */
/* transformers' convolutional image models (4.57: models/resnet, models/convnext, models/convnextv2): the embedding is pooler_output,
   the mean over the map, of ConvNeXts behind a norm. They take pictures of any size: those of the processor. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

struct stages {
    size_t depths[MDP_FIELDS_LIST_MOST], widths[MDP_FIELDS_LIST_MOST], n;
};

/* Depths and widths of as many stages; four of the class's own where neither is there. */
static mdp_status read_stages(struct mdp_fields *c, const size_t depths[4], const size_t widths[4],
                              struct stages *s, struct mdp_error *err)
{
    size_t n = 0;

    TRY(mdp_fields_sizes(c, "depths", s->depths, &s->n, err));
    TRY(mdp_fields_sizes(c, "hidden_sizes", s->widths, &n, err));
    for (size_t i = 0; i < 4; i++) {
        if (s->n == 0)
            s->depths[i] = depths[i];
        if (n == 0)
            s->widths[i] = widths[i];
    }
    s->n = s->n ? s->n : 4;
    n = n ? n : 4;
    return n == s->n ? MDP_OK : mdp_fields_refuse(c, "hidden_sizes", " (expected as many as depths)", err);
}

static void put_list(struct mdp_text *card, const char *key, const size_t values[], size_t n)
{
    mdp_text_add(card, "  %s: [", key);
    for (size_t i = 0; i < n; i++)
        mdp_text_add(card, "%s%zu", i ? ", " : "", values[i]);
    mdp_text_add(card, "]\n");
}

/* Head of the card, pipelines, and what `image` begins with; the rest of `image` is the caller's. */
static mdp_status begin(struct mdp_folder *folder, const char *family, const char *prefix,
                        const struct stages *s, struct mdp_error *err)
{
    size_t size[2];

    mdp_card_put_head(folder, family, s->widths[s->n - 1], NULL);
    TRY(mdp_card_put_processor(folder, "ConvNextImageProcessor", size, err));
    mdp_card_put_weights(folder, NULL);
    mdp_card_put_tower(folder->card, "image", family, prefix);
    mdp_text_add(folder->card, "  layout: hf\n  image_size: [%zu, %zu]\n", size[0], size[1]);
    put_list(folder->card, "depths", s->depths, s->n);
    put_list(folder->card, "widths", s->widths, s->n);
    return MDP_OK;
}

mdp_status mdp_card_from_resnet(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const harmless[] = {"out_features", "out_indices", "stage_names"};
    static const size_t depths[] = {3, 4, 6, 3}, widths[] = {256, 512, 1024, 2048};
    struct mdp_fields *c = &folder->config.fields;
    struct stages s = {0};
    const char *block = NULL, *prefix = NULL;
    size_t channels = 0, stem = 0;
    bool first = false, narrow = false;

    TRY(read_stages(c, depths, widths, &s, err));
    TRY(mdp_fields_size(c, "num_channels", 3, &channels, err));
    TRY(mdp_fields_size(c, "embedding_size", 64, &stem, err));
    TRY(mdp_fields_text(c, "layer_type", "bottleneck", &block, err));
    if (!mdp_folder_is(block, "bottleneck") && !mdp_folder_is(block, "basic"))
        return mdp_fields_refuse(c, "layer_type", " (bottleneck, basic)", err);
    TRY(mdp_fields_same(c, "hidden_act", "\"relu\"", err));
    TRY(mdp_fields_bool(c, "downsample_in_first_stage", false, &first, err));
    TRY(mdp_fields_bool(c, "downsample_in_bottleneck", false, &narrow, err));
    TRY(mdp_fields_done(c, harmless, MDP_COUNT(harmless), err));
    TRY(mdp_folder_prefix(folder, "resnet.", &prefix, err));
    TRY(begin(folder, "resnet", prefix, &s, err));
    mdp_text_add(folder->card,
                 "  channels: %zu\n  block: %s\n  stem_width: %zu\n  stride_by: %s\n  first_stride: %d\n",
                 channels, block, stem, narrow && mdp_folder_is(block, "bottleneck") ? "1x1" : "3x3",
                 first ? 2 : 1);
    return MDP_OK;
}

mdp_status mdp_card_from_convnext(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const harmless[] = {"out_features", "out_indices", "stage_names", "num_stages",
                                           "image_size"};
    static const size_t depths[] = {3, 3, 9, 3}, widths[] = {96, 192, 384, 768};
    struct mdp_fields *c = &folder->config.fields;
    struct mdp_text *card = folder->card;
    struct stages s = {0};
    const char *type = NULL, *activation = NULL, *prefix = NULL;
    size_t channels = 0, patch_size = 0;
    double eps = 0, scale = 0;

    TRY(mdp_fields_text(c, "model_type", "convnext", &type, err));
    const bool second = mdp_folder_is(type, "convnextv2");
    TRY(read_stages(c, depths, widths, &s, err));
    TRY(mdp_fields_size(c, "num_channels", 3, &channels, err));
    TRY(mdp_fields_side(c, "patch_size", 4, &patch_size, err));
    TRY(mdp_card_activation(c, "hidden_act", "gelu", &activation, err));
    TRY(mdp_fields_number(c, "layer_norm_eps", 1e-12, &eps, err));
    if (!second)
        TRY(mdp_fields_number(c, "layer_scale_init_value", 1e-6, &scale, err));
    TRY(mdp_fields_done(c, harmless, MDP_COUNT(harmless), err));
    TRY(mdp_folder_prefix(folder, second ? "convnextv2." : "convnext.", &prefix, err));
    TRY(begin(folder, "convnext", prefix, &s, err));
    mdp_text_add(
        card,
        "  channels: %zu\n  patch_size: %zu\n  activation: %s\n  layer_scale: %s\n  response_norm: %s\n",
        channels, patch_size, activation, scale > 0 ? "true" : "false", second ? "true" : "false");
    mdp_text_add(card, "  head:\n    - norm: %slayernorm\n", prefix);
    mdp_card_put_number(card, "      eps", eps);
    mdp_text_add(card, "  output_width: %zu\n", s.widths[s.n - 1]);
    return MDP_OK;
}
