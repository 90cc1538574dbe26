/* SPDX-License-Identifier: BSD-3-Clause */
/* transformers' CLIPModel and its towers alone, ChineseCLIPModel (4.57: models/clip, models/chinese_clip). */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

/* --- the image tower --- */

struct vision {
    struct mdp_card_blocks blocks;
    size_t image_size, patch_size, channels, projection;
};

static mdp_status read_vision(struct mdp_fields *f, struct vision *v, struct mdp_error *err)
{
    *v = (struct vision){.blocks = {.layout = "hf-clip",
                                    .activation = "quick_gelu",
                                    .layers = 12,
                                    .width = 768,
                                    .heads = 12,
                                    .hidden = 3072,
                                    .eps = 1e-5}};
    TRY(mdp_card_read_blocks(f, &v->blocks, err));
    TRY(mdp_fields_side(f, "image_size", 224, &v->image_size, err));
    TRY(mdp_fields_side(f, "patch_size", 32, &v->patch_size, err));
    TRY(mdp_fields_size(f, "num_channels", 3, &v->channels, err));
    TRY(mdp_fields_size(f, "projection_dim", 512, &v->projection, err));
    return mdp_fields_done(f, NULL, 0, err);
}

static void put_vision(struct mdp_text *card, const struct vision *v)
{
    mdp_card_put_tower(card, "image", "vit", "vision_model.");
    mdp_card_put_blocks(card, &v->blocks);
    mdp_text_add(card, "  image_size: %zu\n  patch_size: %zu\n  channels: %zu\n", v->image_size,
                 v->patch_size, v->channels);
    mdp_text_add(card, "  pre_norm: true\n  pool: class\n  final_norm: after-pool\n");
}

/* --- the text tower --- */

struct text {
    struct mdp_card_blocks blocks;
    size_t vocab_size, positions, end_id, projection;
};

static mdp_status read_text(struct mdp_fields *f, struct text *t, struct mdp_error *err)
{
    *t = (struct text){.blocks = {.layout = "hf-clip",
                                  .activation = "quick_gelu",
                                  .layers = 12,
                                  .width = 512,
                                  .heads = 8,
                                  .hidden = 2048,
                                  .eps = 1e-5}};
    TRY(mdp_card_read_blocks(f, &t->blocks, err));
    TRY(mdp_fields_size(f, "vocab_size", 49408, &t->vocab_size, err));
    TRY(mdp_fields_size(f, "max_position_embeddings", 77, &t->positions, err));
    TRY(mdp_fields_count(f, "eos_token_id", 49407, &t->end_id, err));
    TRY(mdp_fields_size(f, "projection_dim", 512, &t->projection, err));
    return mdp_fields_done(f, NULL, 0, err);
}

/* Configurations from before transformers 4.31 say that a text ends with 2, which it never did: for these the row of the largest id is
   taken, as there. */
static void put_text(struct mdp_text *card, const struct text *t)
{
    mdp_card_put_tower(card, "text", "clip-text", "text_model.");
    mdp_card_put_blocks(card, &t->blocks);
    mdp_text_add(card, "  vocab_size: %zu\n  positions: %zu\n", t->vocab_size, t->positions);
    if (t->end_id == 2)
        mdp_text_add(card, "  pool: largest\n");
    else
        mdp_text_add(card, "  pool: end\n  end_id: %zu\n", t->end_id);
}

/* CLIPTokenizerFast. */
static mdp_status put_tokenizer(struct mdp_folder *folder, size_t positions, struct mdp_error *err)
{
    struct mdp_fields *f = &folder->tokenizer.fields;
    const char *class = NULL;
    size_t length = 0;

    TRY(mdp_fields_text(f, "tokenizer_class", "CLIPTokenizer", &class, err));
    TRY(mdp_fields_same(
        f, "tokenizer_class",
        mdp_folder_is(class, "CLIPTokenizerFast") ? "\"CLIPTokenizerFast\"" : "\"CLIPTokenizer\"", err));
    TRY(mdp_fields_same(f, "do_lower_case", "true", err));
    TRY(mdp_card_text_length(folder, positions, &length, err));
    mdp_text_add(folder->card, "tokenizer:\n  kind: clip-bpe\n  variant: transformers\n  max_length: %zu\n",
                 length);
    return MDP_OK;
}

static const char *merges(const struct mdp_folder *folder)
{
    return mdp_folder_has(folder, "merges.txt") ? "merges.txt" : NULL;
}

/* --- both --- */

/* A section, or what older versions call <key>_dict and take in its place. */
static mdp_status open_section(struct mdp_fields *c, const char *key, const char *dict,
                               struct mdp_fields *section, struct mdp_error *err)
{
    TRY(mdp_fields_section(c, key, section, err));
    return mdp_fields_has(c, dict) ? mdp_fields_section(c, dict, section, err) : MDP_OK;
}

static mdp_status open_sections(struct mdp_folder *folder, struct mdp_fields *text, struct mdp_fields *vision,
                                size_t *width, struct mdp_error *err)
{
    struct mdp_fields *c = &folder->config.fields;

    TRY(open_section(c, "text_config", "text_config_dict", text, err));
    TRY(open_section(c, "vision_config", "vision_config_dict", vision, err));
    TRY(mdp_fields_size(c, "projection_dim", 512, width, err));
    return mdp_fields_done(c, NULL, 0, err);
}

mdp_status mdp_card_from_clip(struct mdp_folder *folder, struct mdp_error *err)
{
    struct mdp_fields text_config, vision_config;
    struct mdp_text *card = folder->card;
    struct vision vision;
    struct text text;
    size_t width = 0;

    TRY(open_sections(folder, &text_config, &vision_config, &width, err));
    TRY(read_vision(&vision_config, &vision, err));
    TRY(read_text(&text_config, &text, err));
    mdp_card_put_head(folder, "clip", width, merges(folder));
    put_vision(card, &vision);
    mdp_card_put_projection(card, "visual_projection.weight", false, width);
    TRY(mdp_card_put_processor(folder, "CLIPImageProcessor", NULL, err));
    TRY(put_tokenizer(folder, text.positions, err));
    put_text(card, &text);
    mdp_card_put_projection(card, "text_projection.weight", false, width);
    mdp_card_put_similarity(folder, false);
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}

mdp_status mdp_card_from_clip_vision(struct mdp_folder *folder, struct mdp_error *err)
{
    struct vision vision;
    const char *projection = NULL;

    TRY(read_vision(&folder->config.fields, &vision, err));
    TRY(mdp_folder_prefix(folder, "visual_projection.", &projection, err));
    mdp_card_put_head(folder, "clip", *projection ? vision.projection : vision.blocks.width, NULL);
    put_vision(folder->card, &vision);
    if (*projection)
        mdp_card_put_projection(folder->card, "visual_projection.weight", false, vision.projection);
    TRY(mdp_card_put_processor(folder, "CLIPImageProcessor", NULL, err));
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}

mdp_status mdp_card_from_clip_text(struct mdp_folder *folder, struct mdp_error *err)
{
    struct text text;
    const char *projection = NULL;

    TRY(read_text(&folder->config.fields, &text, err));
    TRY(mdp_folder_prefix(folder, "text_projection.", &projection, err));
    mdp_card_put_head(folder, "clip", *projection ? text.projection : text.blocks.width, merges(folder));
    TRY(put_tokenizer(folder, text.positions, err));
    put_text(folder->card, &text);
    if (*projection)
        mdp_card_put_projection(folder->card, "text_projection.weight", false, text.projection);
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}

/* The image tower is CLIP's, the text tower BERT, its embedding the first row without a pooler, both projections without bias. */
mdp_status mdp_card_from_chinese_clip(struct mdp_folder *folder, struct mdp_error *err)
{
    struct mdp_fields text_config, vision_config;
    struct mdp_text *card = folder->card;
    struct mdp_card_bert bert;
    struct vision vision;
    size_t width = 0, length = 0;

    TRY(open_sections(folder, &text_config, &vision_config, &width, err));
    TRY(read_vision(&vision_config, &vision, err));
    TRY(mdp_card_read_bert(&text_config, &bert, err));
    TRY(mdp_card_text_length(folder, bert.positions, &length, err));
    mdp_card_put_head(folder, "chinese-clip", width, mdp_folder_vocab(folder));
    put_vision(card, &vision);
    mdp_card_put_projection(card, "visual_projection.weight", false, width);
    TRY(mdp_card_put_processor(folder, "ChineseCLIPImageProcessor", NULL, err));
    TRY(mdp_card_put_wordpiece(folder, length, NULL, err));
    mdp_card_put_bert(card, &bert, "text_model.", "class");
    mdp_card_put_projection(card, "text_projection.weight", false, width);
    mdp_card_put_similarity(folder, false);
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}
