/* SPDX-License-Identifier: BSD-3-Clause */
/* transformers' BlipForImageTextRetrieval (4.57: models/blip): its contrastive side, the class token and the first row of the text, each
   behind a linear layer. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

static mdp_status put_vision(struct mdp_text *card, struct mdp_fields *f, size_t width, struct mdp_error *err)
{
    static const char *const harmless[] = {"projection_dim"};
    struct mdp_card_blocks b = {.layout = "hf-blip",
                                .activation = "gelu",
                                .layers = 12,
                                .width = 768,
                                .heads = 12,
                                .hidden = 3072,
                                .eps = 1e-5};
    size_t image_size = 0, patch_size = 0;

    TRY(mdp_card_read_blocks(f, &b, err));
    TRY(mdp_fields_side(f, "image_size", 384, &image_size, err));
    TRY(mdp_fields_side(f, "patch_size", 16, &patch_size, err));
    TRY(mdp_fields_same(f, "num_channels", "3", err));
    TRY(mdp_fields_done(f, harmless, MDP_COUNT(harmless), err));
    mdp_card_put_tower(card, "image", "vit", "vision_model.");
    mdp_card_put_blocks(card, &b);
    mdp_text_add(card,
                 "  image_size: %zu\n  patch_size: %zu\n  channels: 3\n  patch_bias: true\n  pool: class\n",
                 image_size, patch_size);
    mdp_text_add(
        card, "  final_norm: before-pool\n  head: [{linear: vision_proj, width: %zu}]\n  output_width: %zu\n",
        width, width);
    return MDP_OK;
}

static mdp_status read_text(struct mdp_fields *f, struct mdp_card_bert *bert, struct mdp_error *err)
{
    static const char *const harmless[] = {"encoder_hidden_size", "is_decoder", "label_smoothing",
                                           "projection_dim"};

    *bert = (struct mdp_card_bert){.blocks = {.layout = "bert",
                                              .activation = "gelu",
                                              .layers = 12,
                                              .width = 768,
                                              .heads = 8,
                                              .hidden = 3072,
                                              .eps = 1e-12}};
    TRY(mdp_card_read_blocks(f, &bert->blocks, err));
    TRY(mdp_fields_size(f, "vocab_size", 30524, &bert->vocab_size, err));
    TRY(mdp_fields_size(f, "max_position_embeddings", 512, &bert->positions, err));
    return mdp_fields_done(f, harmless, MDP_COUNT(harmless), err);
}

mdp_status mdp_card_from_blip(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const harmless[] = {"image_text_hidden_size", "label_smoothing", "projection_dim"};
    struct mdp_fields *c = &folder->config.fields, text, vision;
    struct mdp_card_bert bert;
    size_t width = 0, length = 0;

    TRY(mdp_fields_same(c, "architectures", "[\"BlipForImageTextRetrieval\"]", err));
    TRY(mdp_fields_section(c, "text_config", &text, err));
    TRY(mdp_fields_section(c, "vision_config", &vision, err));
    TRY(mdp_fields_size(c, "image_text_hidden_size", 256, &width, err));
    TRY(mdp_fields_done(c, harmless, MDP_COUNT(harmless), err));
    TRY(read_text(&text, &bert, err));
    TRY(mdp_card_text_length(folder, bert.positions, &length, err));
    mdp_card_put_head(folder, "blip", width, mdp_folder_vocab(folder));
    TRY(put_vision(folder->card, &vision, width, err));
    TRY(mdp_card_put_processor(folder, "BlipImageProcessor", NULL, err));
    TRY(mdp_card_put_wordpiece(folder, length, NULL, err));
    mdp_card_put_bert(folder->card, &bert, "text_encoder.", "class");
    mdp_text_add(folder->card, "  head: [{linear: text_proj, width: %zu}]\n  output_width: %zu\n", width,
                 width);
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}
