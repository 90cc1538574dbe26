/* SPDX-License-Identifier: BSD-3-Clause */
/* transformers' picture-only transformers (4.57): ViTModel, whose embedding is that of its pooler layer, and DINOv2 with or without
   registers, whose embedding is the class token after the final norm. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

struct sizes {
    struct mdp_card_blocks blocks;
    size_t image_size, patch_size, channels;
    bool qkv_bias;
};

static mdp_status read_sizes(struct mdp_fields *c, size_t image_size, size_t patch_size, struct sizes *s,
                             struct mdp_error *err)
{
    TRY(mdp_card_read_blocks(c, &s->blocks, err));
    TRY(mdp_fields_side(c, "image_size", image_size, &s->image_size, err));
    TRY(mdp_fields_side(c, "patch_size", patch_size, &s->patch_size, err));
    TRY(mdp_fields_size(c, "num_channels", 3, &s->channels, err));
    return mdp_fields_bool(c, "qkv_bias", true, &s->qkv_bias, err);
}

/* All but the size of a picture, which is the configuration's or the processor's. */
static void put_sizes(struct mdp_text *card, const struct sizes *s, const char *prefix)
{
    mdp_card_put_tower(card, "image", "vit", prefix);
    mdp_card_put_blocks(card, &s->blocks);
    mdp_text_add(card, "  patch_size: %zu\n  channels: %zu\n", s->patch_size, s->channels);
    mdp_text_add(card, "  qkv_bias: %s\n  patch_bias: true\n  pool: class\n  final_norm: after-pool\n",
                 s->qkv_bias ? "true" : "false");
}

/* --- ViT --- */

mdp_status mdp_card_from_vit(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const harmless[] = {"encoder_stride"};
    struct mdp_fields *c = &folder->config.fields;
    struct mdp_text *card = folder->card;
    struct sizes s = {.blocks = {.layout = "hf-vit",
                                 .activation = "gelu",
                                 .layers = 12,
                                 .width = 768,
                                 .heads = 12,
                                 .hidden = 3072,
                                 .eps = 1e-12}};
    const char *prefix = NULL, *pooler = NULL;
    size_t width = 0;

    TRY(read_sizes(c, 224, 16, &s, err));
    TRY(mdp_fields_size(c, "pooler_output_size", s.blocks.width, &width, err));
    TRY(mdp_fields_same(c, "pooler_act", "\"tanh\"", err));
    TRY(mdp_fields_done(c, harmless, MDP_COUNT(harmless), err));
    TRY(mdp_folder_prefix(folder, "vit.", &prefix, err));
    TRY(mdp_folder_prefix(folder, *prefix ? "vit.pooler." : "pooler.", &pooler, err));
    if (folder->weights && !*pooler)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                        "%s/%s: has no pooler, whose values ViTModel gives as its embedding (transformers "
                        "would draw random ones)",
                        folder->path.at, folder->weights);
    mdp_card_put_head(folder, "vit", width, NULL);
    put_sizes(card, &s, prefix);
    mdp_text_add(card, "  image_size: %zu\n", s.image_size);
    mdp_text_add(card,
                 "  head: [{linear: %spooler.dense, width: %zu, activation: tanh}]\n  output_width: %zu\n",
                 prefix, width, width);
    TRY(mdp_card_put_processor(folder, "ViTImageProcessor", NULL, err));
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}

/* --- DINOv2 --- */

/* The MLP's hidden values: mlp_ratio times the width; of SwiGLU two thirds of that, rounded up to a multiple of 8. */
static mdp_status read_mlp(struct mdp_fields *c, struct sizes *s, bool *gated, struct mdp_error *err)
{
    size_t ratio = 0;

    TRY(mdp_fields_size(c, "mlp_ratio", 4, &ratio, err));
    TRY(mdp_fields_bool(c, "use_swiglu_ffn", false, gated, err));
    s->blocks.hidden = s->blocks.width * ratio;
    if (!*gated)
        return MDP_OK;
    s->blocks.hidden = (s->blocks.hidden * 2 / 3 + 7) / 8 * 8;
    s->blocks.layout = "hf-dinov2-swiglu";
    s->blocks.activation = "silu"; /* whatever hidden_act is */
    return MDP_OK;
}

/* Pictures may be of any size, those of the processor: positions are resized to their grid. */
mdp_status mdp_card_from_dinov2(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const harmless[] = {"apply_layernorm", "layerscale_value",      "out_features",
                                           "out_indices",     "reshape_hidden_states", "stage_names",
                                           "use_mask_token"};
    struct mdp_fields *c = &folder->config.fields;
    struct sizes s = {.blocks = {.layout = "hf-dinov2",
                                 .activation = "gelu",
                                 .layers = 12,
                                 .width = 768,
                                 .heads = 12,
                                 .eps = 1e-6}};
    const char *prefix = NULL, *type = NULL;
    size_t registers = 0, size[2];
    bool gated = false, with_registers = false;

    TRY(mdp_fields_text(c, "model_type", "dinov2", &type, err));
    with_registers = mdp_folder_is(type, "dinov2_with_registers");
    TRY(read_sizes(c, 224, with_registers ? 16 : 14, &s, err));
    TRY(read_mlp(c, &s, &gated, err));
    if (with_registers)
        TRY(mdp_fields_count(c, "num_register_tokens", 4, &registers, err));
    TRY(mdp_fields_done(c, harmless, MDP_COUNT(harmless), err));
    TRY(mdp_folder_prefix(folder, with_registers ? "dinov2_with_registers." : "dinov2.", &prefix, err));
    mdp_card_put_head(folder, "dinov2", s.blocks.width, NULL);
    TRY(mdp_card_put_processor(folder, "BitImageProcessor", size, err));
    put_sizes(folder->card, &s, prefix);
    mdp_text_add(folder->card,
                 "  image_size: [%zu, %zu]\n  position_grid: [%zu, %zu]\n  position_resize: %s\n", size[0],
                 size[1], s.image_size / s.patch_size, s.image_size / s.patch_size,
                 with_registers ? "bicubic-antialias" : "bicubic");
    mdp_text_add(folder->card, "  registers: %zu\n  layer_scale: true\n%s", registers,
                 gated ? "  mlp: gated\n" : "");
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}
