/* SPDX-License-Identifier: BSD-3-Clause */
/* transformers' SiglipModel and its image tower alone (4.57: models/siglip). Its texts are always padded to full length and the padding
   is attended to. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

static const struct mdp_card_blocks blocks = {.layout = "hf-clip",
                                              .activation = "gelu_pytorch_tanh",
                                              .layers = 12,
                                              .width = 768,
                                              .heads = 12,
                                              .hidden = 3072,
                                              .eps = 1e-6};

/* `image`; its embedding is as wide as the tower. */
static mdp_status put_vision(struct mdp_text *card, struct mdp_fields *f, const struct mdp_card_blocks *b,
                             struct mdp_error *err)
{
    size_t image_size = 0, patch_size = 0, channels = 0;

    TRY(mdp_fields_side(f, "image_size", 224, &image_size, err));
    TRY(mdp_fields_side(f, "patch_size", 16, &patch_size, err));
    TRY(mdp_fields_size(f, "num_channels", 3, &channels, err));
    TRY(mdp_fields_same(f, "vision_use_head", "true", err));
    TRY(mdp_fields_done(f, NULL, 0, err));
    mdp_card_put_tower(card, "image", "vit", "vision_model.");
    mdp_card_put_blocks(card, b);
    mdp_text_add(
        card,
        "  image_size: %zu\n  patch_size: %zu\n  channels: %zu\n  class_token: false\n  patch_bias: true\n",
        image_size, patch_size, channels);
    mdp_text_add(card, "  pool: attention\n  pool_intermediate: %zu\n  final_norm: before-pool\n", b->hidden);
    return MDP_OK;
}

static mdp_status put_text(struct mdp_folder *folder, struct mdp_fields *f, size_t width,
                           struct mdp_error *err)
{
    struct mdp_card_blocks b = blocks;
    struct mdp_text *card = folder->card;
    size_t vocab_size = 0, positions = 0, length = 0, projection = 0;
    const char *class = NULL;

    TRY(mdp_card_read_blocks(f, &b, err));
    TRY(mdp_fields_size(f, "vocab_size", 32000, &vocab_size, err));
    TRY(mdp_fields_size(f, "max_position_embeddings", 64, &positions, err));
    TRY(mdp_fields_size(f, "projection_size", b.width, &projection, err));
    if (projection != width)
        return mdp_fields_refuse(f, mdp_fields_has(f, "projection_size") ? "projection_size" : "hidden_size",
                                 " (expected the width of the image tower)", err);
    TRY(mdp_fields_done(f, NULL, 0, err));
    TRY(mdp_fields_text(&folder->tokenizer.fields, "tokenizer_class", "SiglipTokenizer", &class, err));
    TRY(mdp_fields_same(&folder->tokenizer.fields, "tokenizer_class", "\"SiglipTokenizer\"", err));
    TRY(mdp_fields_same(&folder->tokenizer.fields, "do_lower_case", "true", err));
    TRY(mdp_card_text_length(folder, positions, &length, err));
    mdp_text_add(
        card,
        "tokenizer:\n  kind: sentencepiece\n  variant: siglip\n  max_length: %zu\n  padding: max-length\n",
        length);
    mdp_card_put_tower(card, "text", "clip-text", "text_model.");
    mdp_card_put_blocks(card, &b);
    mdp_text_add(card, "  vocab_size: %zu\n  positions: %zu\n  causal: false\n  pool: last\n", vocab_size,
                 positions);
    mdp_text_add(card, "  head: [{linear: text_model.head, width: %zu}]\n  output_width: %zu\n", width,
                 width);
    return MDP_OK;
}

mdp_status mdp_card_from_siglip(struct mdp_folder *folder, struct mdp_error *err)
{
    struct mdp_fields *c = &folder->config.fields, text, vision;
    struct mdp_card_blocks b = blocks;

    TRY(mdp_fields_section(c, "text_config", &text, err));
    TRY(mdp_fields_section(c, "vision_config", &vision, err));
    TRY(mdp_fields_done(c, NULL, 0, err));
    TRY(mdp_card_read_blocks(&vision, &b, err));
    mdp_card_put_head(folder, "siglip", b.width, mdp_folder_vocab(folder));
    TRY(put_vision(folder->card, &vision, &b, err));
    TRY(mdp_card_put_processor(folder, "SiglipImageProcessor", NULL, err));
    TRY(put_text(folder, &text, b.width, err));
    mdp_card_put_similarity(folder, true);
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}

mdp_status mdp_card_from_siglip_vision(struct mdp_folder *folder, struct mdp_error *err)
{
    struct mdp_card_blocks b = blocks;

    TRY(mdp_card_read_blocks(&folder->config.fields, &b, err));
    mdp_card_put_head(folder, "siglip", b.width, NULL);
    TRY(put_vision(folder->card, &folder->config.fields, &b, err));
    TRY(mdp_card_put_processor(folder, "SiglipImageProcessor", NULL, err));
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}
