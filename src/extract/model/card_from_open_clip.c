/* SPDX-License-Identifier: BSD-3-Clause */
/* open_clip_config.json (open_clip 3.3: model.py, factory.py): model_cfg with its towers, preprocess_cfg. Absent fields are at the
   defaults of its dataclasses CLIPVisionCfg and CLIPTextCfg. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

#include <stdio.h>

struct model {
    struct mdp_fields fields, vision, text;
    size_t width; /* embed_dim */
    bool quick_gelu, bias;
    const char *text_prefix; /* of the native text tower: "text." or "" */
};

/* --- what towers have in common --- */

/* act_kwargs and norm_kwargs: {"approximate": "tanh"}, {"eps": 1e-6}. */
static mdp_status read_kwargs(struct mdp_fields *f, bool quick_gelu, struct mdp_card_blocks *b,
                              struct mdp_error *err)
{
    struct mdp_fields act, norm;
    const char *approximate = NULL;

    TRY(mdp_fields_section(f, "act_kwargs", &act, err));
    TRY(mdp_fields_section(f, "norm_kwargs", &norm, err));
    TRY(mdp_fields_text(&act, "approximate", "none", &approximate, err));
    if (act.map && quick_gelu)
        return mdp_fields_refuse(f, "act_kwargs", " with quick_gelu", err);
    if (!mdp_folder_is(approximate, "none") && !mdp_folder_is(approximate, "tanh"))
        return mdp_fields_refuse(&act, "approximate", " (none, tanh)", err);
    b->activation = quick_gelu ? "quick-gelu" : mdp_folder_is(approximate, "tanh") ? "gelu-tanh" : "gelu";
    TRY(mdp_fields_number(&norm, "eps", 1e-5, &b->eps, err));
    TRY(mdp_fields_done(&act, NULL, 0, err));
    return mdp_fields_done(&norm, NULL, 0, err);
}

/* Blocks of another kind. */
static mdp_status refuse_custom_blocks(struct mdp_fields *f, struct mdp_error *err)
{
    static const char *const custom[] = {"qk_norm",          "scaled_cosine_attn", "scale_heads",
                                         "scale_attn_inner", "scale_attn",         "scale_fc"};

    for (size_t i = 0; i < MDP_COUNT(custom); i++)
        TRY(mdp_fields_same(f, custom[i], "false", err));
    return mdp_fields_same(f, "block_type", "\"default\"", err);
}

static mdp_status read_mlp(struct mdp_fields *f, struct mdp_card_blocks *b, struct mdp_error *err)
{
    double ratio = 0;

    TRY(mdp_fields_number(f, "mlp_ratio", 4, &ratio, err));
    if (ratio <= 0 || ratio > 64)
        return mdp_fields_refuse(f, "mlp_ratio", "", err);
    b->hidden = (size_t)((double)b->width * ratio);
    return MDP_OK;
}

/* --- the image tower: a vision transformer --- */

/* CoCa's pooler, or the class token or the mean of patches. */
static mdp_status put_pool(struct mdp_text *card, struct model *m, struct mdp_error *err)
{
    struct mdp_fields *f = &m->vision;
    const char *pool = NULL;
    bool attention = false, norm_after = false;
    size_t heads = 0;

    TRY(mdp_fields_bool(f, "attentional_pool", false, &attention, err));
    TRY(mdp_fields_bool(f, "final_ln_after_pool", false, &norm_after, err));
    TRY(mdp_fields_text(f, "pool_type", "tok", &pool, err));
    TRY(mdp_fields_size(f, "attn_pooler_heads", 8, &heads, err));
    if (!mdp_folder_is(pool, "tok") && (attention || !mdp_folder_is(pool, "avg")))
        return mdp_fields_refuse(f, "pool_type", attention ? " with attentional_pool (tok)" : " (tok, avg)",
                                 err);
    if (attention)
        mdp_text_add(card,
                     "  pool: attention\n  pool_width: %zu\n  pool_heads: %zu\n  final_norm: after-pool\n",
                     m->width, heads);
    else
        mdp_text_add(card, "  pool: %s\n  final_norm: %s\n", mdp_folder_is(pool, "tok") ? "class" : "mean",
                     norm_after ? "after-pool" : "before-pool");
    return MDP_OK;
}

static mdp_status put_vit(struct mdp_text *card, struct model *m, size_t image_size, struct mdp_error *err)
{
    static const char *const harmless[] = {"attn_pooler_queries", "output_tokens",  "patch_dropout",
                                           "timm_drop",           "timm_drop_path", "timm_model_pretrained",
                                           "timm_pool",           "timm_proj",      "timm_proj_bias"};
    struct mdp_card_blocks b = {.layout = "openai"};
    struct mdp_fields *f = &m->vision;
    size_t head_width = 0, patch_size = 0;
    bool no_pre_norm = false;

    TRY(mdp_fields_size(f, "layers", 12, &b.layers, err));
    TRY(mdp_fields_size(f, "width", 768, &b.width, err));
    TRY(mdp_fields_size(f, "head_width", 64, &head_width, err));
    b.heads = b.width / head_width;
    TRY(read_mlp(f, &b, err));
    TRY(read_kwargs(f, m->quick_gelu, &b, err));
    TRY(refuse_custom_blocks(f, err));
    TRY(mdp_fields_side(f, "patch_size", 16, &patch_size, err));
    TRY(mdp_fields_bool(f, "no_ln_pre", false, &no_pre_norm, err));
    TRY(mdp_fields_same(f, "pos_embed_type", "\"learnable\"", err));
    mdp_card_put_tower(card, "image", "vit", "visual.");
    mdp_card_put_blocks(card, &b);
    mdp_text_add(card,
                 "  image_size: %zu\n  patch_size: %zu\n  channels: 3\n  pre_norm: %s\n  layer_scale: %s\n",
                 image_size, patch_size, no_pre_norm ? "false" : "true",
                 mdp_fields_has(f, "ls_init_value") ? "true" : "false");
    TRY(put_pool(card, m, err));
    mdp_card_put_projection(card, "visual.proj", true, m->width);
    return mdp_fields_done(f, harmless, MDP_COUNT(harmless), err);
}

/* --- the image tower: CLIP's ResNet --- */

static mdp_status put_resnet(struct mdp_text *card, struct model *m, size_t image_size, struct mdp_error *err)
{
    static const char *const harmless[] = {"patch_size", "output_tokens", "timm_model_pretrained"};
    struct mdp_fields *f = &m->vision;
    size_t depths[MDP_FIELDS_LIST_MOST], n = 0, width = 0, head_width = 0;

    TRY(mdp_fields_sizes(f, "layers", depths, &n, err));
    if (n != 4)
        return mdp_fields_refuse(f, "layers", " (four stages)", err);
    TRY(mdp_fields_size(f, "width", 64, &width, err));
    TRY(mdp_fields_size(f, "head_width", 64, &head_width, err));
    mdp_card_put_tower(card, "image", "resnet", "visual.");
    mdp_text_add(card, "  layout: torchvision\n  image_size: %zu\n  channels: 3\n  block: bottleneck\n",
                 image_size);
    mdp_text_add(card, "  depths: [%zu, %zu, %zu, %zu]\n  widths: [%zu, %zu, %zu, %zu]\n  stem_width: %zu\n",
                 depths[0], depths[1], depths[2], depths[3], 4 * width, 8 * width, 16 * width, 32 * width,
                 width);
    mdp_text_add(card, "  stem: deep\n  stride_by: average\n  pool: attention\n  pool_heads: %zu\n",
                 32 * width / head_width);
    mdp_text_add(card, "  head: [{linear: visual.attnpool.c_proj, width: %zu}]\n  output_width: %zu\n",
                 m->width, m->width);
    return mdp_fields_done(f, harmless, MDP_COUNT(harmless), err);
}

static mdp_status put_image(struct mdp_folder *folder, struct model *m, size_t image_size,
                            struct mdp_error *err)
{
    if (mdp_fields_has(&m->vision, "timm_model_name"))
        return mdp_card_put_timm(folder, &m->vision, image_size, m->width, err);
    if (mdp_json_kind(mdp_fields_find(&m->vision, "layers")) == MDP_JSON_LIST)
        return put_resnet(folder->card, m, image_size, err);
    return put_vit(folder->card, m, image_size, err);
}

/* --- texts: open_clip's own tower --- */

static mdp_status put_text_pool(struct mdp_text *card, struct model *m, struct mdp_error *err)
{
    static const struct {
        const char *theirs, *ours;
    } pools[] = {{"argmax", "largest"}, {"eos", "end"}, {"first", "first"}, {"last", "last"}};
    struct mdp_fields *f = &m->text;
    const char *pool = NULL;
    size_t pad = 0, end = 0;
    bool class_token = false;

    TRY(mdp_fields_bool(f, "embed_cls", false, &class_token, err));
    TRY(mdp_fields_text(f, "pool_type", "argmax", &pool, err));
    TRY(mdp_fields_count(f, "pad_id", 0, &pad, err));
    TRY(mdp_fields_count(f, "eos_id", 2, &end, err));
    if (class_token) {
        if (mdp_fields_has(f, "pool_type") && !mdp_folder_is(pool, "last"))
            return mdp_fields_refuse(f, "pool_type", " with embed_cls (last)", err);
        mdp_text_add(card, "  pool: class\n  pad_id: %zu\n", pad);
        return MDP_OK;
    }
    for (size_t i = 0; i < MDP_COUNT(pools); i++)
        if (mdp_folder_is(pool, pools[i].theirs)) {
            mdp_text_add(card, "  pool: %s\n", pools[i].ours);
            if (i == 1)
                mdp_text_add(card, "  end_id: %zu\n", end);
            return MDP_OK;
        }
    return mdp_fields_refuse(f, "pool_type", " (argmax, eos, first, last)", err);
}

static mdp_status put_text_projection(struct mdp_text *card, struct model *m, struct mdp_error *err)
{
    char name[64] = "";
    const char *type = NULL;
    bool bias = false;

    TRY(mdp_fields_text(&m->text, "proj_type", "linear", &type, err));
    TRY(mdp_fields_bool(&m->text, "proj_bias", false, &bias, err));
    if (mdp_folder_is(type, "none"))
        return MDP_OK;
    if (!mdp_folder_is(type, "linear"))
        return mdp_fields_refuse(&m->text, "proj_type", " (linear, none)", err);
    snprintf(name, sizeof name, "%stext_projection", m->text_prefix);
    if (bias)
        mdp_text_add(card, "  head: [{linear: %s, width: %zu}]\n  output_width: %zu\n", name, m->width,
                     m->width);
    else
        mdp_card_put_projection(card, name, true, m->width);
    return MDP_OK;
}

static mdp_status put_native_text(struct mdp_text *card, struct model *m, size_t length,
                                  struct mdp_error *err)
{
    static const char *const harmless[] = {"final_ln_after_pool", "hf_model_pretrained", "hf_pooler_type",
                                           "hf_proj_type", "output_tokens"};
    struct mdp_card_blocks b = {.layout = "openai"};
    struct mdp_fields *f = &m->text;
    size_t vocab_size = 0;
    bool everywhere = false, class_token = false;

    TRY(mdp_fields_size(f, "layers", 12, &b.layers, err));
    TRY(mdp_fields_size(f, "width", 512, &b.width, err));
    TRY(mdp_fields_size(f, "heads", 8, &b.heads, err));
    TRY(read_mlp(f, &b, err));
    TRY(read_kwargs(f, m->quick_gelu, &b, err));
    TRY(refuse_custom_blocks(f, err));
    TRY(mdp_fields_size(f, "vocab_size", 49408, &vocab_size, err));
    TRY(mdp_fields_bool(f, "no_causal_mask", false, &everywhere, err));
    TRY(mdp_fields_bool(f, "embed_cls", false, &class_token, err));
    mdp_card_put_tower(card, "text", "clip-text", m->text_prefix);
    mdp_card_put_blocks(card, &b);
    mdp_text_add(card, "  vocab_size: %zu\n  positions: %zu\n  causal: %s\n  layer_scale: %s\n", vocab_size,
                 length + (class_token ? 1 : 0), everywhere ? "false" : "true",
                 mdp_fields_has(f, "ls_init_value") ? "true" : "false");
    TRY(put_text_pool(card, m, err));
    TRY(put_text_projection(card, m, err));
    return mdp_fields_done(f, harmless, MDP_COUNT(harmless), err);
}

/* --- texts: the tokenizer, and towers of transformers --- */

/* SimpleTokenizer, or the folder's own where hf_tokenizer_name is there. */
static mdp_status put_tokenizer(struct mdp_folder *folder, struct model *m, size_t length,
                                struct mdp_error *err)
{
    struct mdp_fields *f = &m->text, kwargs;
    const char *clean = NULL, *name = NULL;

    TRY(mdp_fields_section(f, "tokenizer_kwargs", &kwargs, err));
    TRY(mdp_fields_text(f, "hf_tokenizer_name", "", &name, err));
    TRY(mdp_fields_same(f, "tokenizer_mode", "\"\"", err));
    TRY(mdp_fields_text(&kwargs, "clean", *name ? "whitespace" : "lower", &clean, err));
    TRY(mdp_fields_same(&kwargs, "strip_sep_token", "false", err));
    TRY(mdp_fields_done(&kwargs, NULL, 0, err));
    if (*name) {
        if (!mdp_folder_is(clean, "whitespace"))
            return mdp_fields_refuse(&kwargs, "clean", " with hf_tokenizer_name (whitespace)", err);
        return mdp_card_put_own_tokenizer(folder, length, err);
    }
    if (!mdp_folder_is(clean, "lower") && !mdp_folder_is(clean, "whitespace") &&
        !mdp_folder_is(clean, "canonicalize"))
        return mdp_fields_refuse(&kwargs, "clean", " (lower, whitespace, canonicalize)", err);
    mdp_text_add(folder->card,
                 "tokenizer:\n  kind: clip-bpe\n  variant: open-clip\n  clean: %s\n  max_length: %zu\n",
                 clean, length);
    mdp_text_add(folder->card, "  padding: max-length\n");
    return MDP_OK;
}

/* Text towers by the names that configurations call them by: BERT's sizes. */
static const struct {
    const char *name;
    size_t layers, width, heads, vocab_size;
} known_texts[] = {
    {"bert-base-cased", 12, 768, 12, 28996},
    {"bert-base-uncased", 12, 768, 12, 30522},
    {"bert-large-uncased", 24, 1024, 16, 30522},
    {"emilyalsentzer/Bio_ClinicalBERT", 12, 768, 12, 28996},
    {"google-bert/bert-base-uncased", 12, 768, 12, 30522},
    {"microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract", 12, 768, 12, 30522},
    {"microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext", 12, 768, 12, 30522},
    {"microsoft/BiomedNLP-BiomedBERT-large-uncased-abstract", 24, 1024, 16, 30522},
    {"microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract", 12, 768, 12, 30522},
    {"microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext", 12, 768, 12, 30522},
    {"microsoft/BiomedNLP-PubMedBERT-large-uncased-abstract", 24, 1024, 16, 30522},
    {"neuml/pubmedbert-base-embeddings", 12, 768, 12, 30522},
};

/* The folder's config.json, else by its name, else refused. */
static mdp_status read_hf_text(struct mdp_folder *folder, struct mdp_fields *f, struct mdp_card_bert *bert,
                               struct mdp_error *err)
{
    struct mdp_folder_file config = {0};
    struct mdp_fields none = {.path = f->path};
    const char *name = NULL;

    TRY(mdp_fields_text(f, "hf_model_name", NULL, &name, err));
    if (mdp_folder_has(folder, "config.json")) {
        mdp_status st = mdp_folder_read(folder, "config.json", &config, err);
        if (st == MDP_OK)
            st = mdp_fields_same(&config.fields, "model_type", "\"bert\"", err);
        if (st == MDP_OK)
            st = mdp_card_read_bert(&config.fields, bert, err);
        mdp_folder_file_release(&config);
        return st;
    }
    for (size_t i = 0; i < MDP_COUNT(known_texts); i++)
        if (mdp_folder_is(name, known_texts[i].name)) {
            TRY(mdp_card_read_bert(&none, bert, err));
            bert->blocks.layers = known_texts[i].layers;
            bert->blocks.width = known_texts[i].width;
            bert->blocks.heads = known_texts[i].heads;
            bert->blocks.hidden = 4 * known_texts[i].width;
            bert->vocab_size = known_texts[i].vocab_size;
            return MDP_OK;
        }
    return mdp_fields_refuse(f, "hf_model_name", " without its config.json in the folder", err);
}

static mdp_status put_hf_text(struct mdp_folder *folder, struct model *m, const struct mdp_card_bert *bert,
                              struct mdp_error *err)
{
    static const char *const harmless[] = {"heads",  "hf_model_pretrained", "layers",    "output_tokens",
                                           "pad_id", "pool_type",           "proj_bias", "vocab_size",
                                           "width"};
    static const struct {
        const char *theirs, *ours;
    } pools[] = {
        {"cls_last_hidden_state_pooler", "class"}, {"cls_pooler", "pooler"}, {"mean_pooler", "mean"}};
    struct mdp_fields *f = &m->text;
    struct mdp_text *card = folder->card;
    const char *projection = NULL, *pool = NULL;
    size_t width = bert->blocks.width, i = 0;

    TRY(mdp_fields_text(f, "hf_pooler_type", "mean_pooler", &pool, err));
    while (i < MDP_COUNT(pools) && !mdp_folder_is(pool, pools[i].theirs))
        i++;
    if (i == MDP_COUNT(pools))
        return mdp_fields_refuse(f, "hf_pooler_type", "", err);
    mdp_card_put_bert(card, bert, "text.transformer.", pools[i].ours);
    TRY(mdp_fields_text(f, "hf_proj_type", "mlp", &projection, err));
    if (mdp_folder_is(projection, "linear"))
        mdp_card_put_projection(card, "text.proj.weight", false, m->width);
    else if (mdp_folder_is(projection, "mlp"))
        mdp_text_add(card,
                     "  head:\n    - {linear: text.proj.0, width: %zu, bias: false, activation: gelu}\n"
                     "    - {linear: text.proj.2, width: %zu, bias: false}\n  output_width: %zu\n",
                     (width + m->width) / 2, m->width, m->width);
    else
        return mdp_fields_refuse(f, "hf_proj_type", " (linear, mlp)", err);
    return mdp_fields_done(f, harmless, MDP_COUNT(harmless), err);
}

static mdp_status put_text(struct mdp_folder *folder, struct model *m, struct mdp_error *err)
{
    struct mdp_card_bert bert;
    size_t length = 0;
    bool transformers = mdp_fields_has(&m->text, "hf_model_name");

    TRY(mdp_fields_size(&m->text, "context_length", 77, &length, err));
    TRY(put_tokenizer(folder, m, length, err));
    if (!transformers)
        return put_native_text(folder->card, m, length, err);
    TRY(read_hf_text(folder, &m->text, &bert, err));
    return put_hf_text(folder, m, &bert, err);
}

/* --- the whole --- */

static mdp_status read_model(struct mdp_folder *folder, struct model *m, struct mdp_error *err)
{
    static const char *const harmless[] = {"init_logit_scale", "multimodal_cfg", "nonscalar_logit_scale",
                                           "output_dict"};
    struct mdp_fields *c = &folder->config.fields;
    bool custom = false;

    TRY(mdp_fields_section(c, "model_cfg", &m->fields, err));
    if (!m->fields.map)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: model_cfg: is not there", c->path);
    TRY(mdp_fields_section(&m->fields, "vision_cfg", &m->vision, err));
    TRY(mdp_fields_section(&m->fields, "text_cfg", &m->text, err));
    if (!m->vision.map || !m->text.map)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: model_cfg.%s: is not there", c->path,
                        m->vision.map ? "text_cfg" : "vision_cfg");
    TRY(mdp_fields_size(&m->fields, "embed_dim", 0, &m->width, err));
    TRY(mdp_fields_bool(&m->fields, "quick_gelu", false, &m->quick_gelu, err));
    m->bias = mdp_fields_has(&m->fields, "init_logit_bias");
    TRY(mdp_folder_prefix(folder, "text.", &m->text_prefix, err));
    TRY(mdp_fields_bool(&m->fields, "custom_text", false, &custom, err));
    if (custom && !folder->weights)
        m->text_prefix = "text.";
    return mdp_fields_done(&m->fields, harmless, MDP_COUNT(harmless), err);
}

mdp_status mdp_card_from_open_clip(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const harmless[] = {"aug_cfg", "version", "hf_hub_id"};
    struct mdp_fields *c = &folder->config.fields, pictures;
    struct model m = {0};
    size_t image_size = 0;
    bool own = false;

    TRY(read_model(folder, &m, err));
    TRY(mdp_fields_section(c, "preprocess_cfg", &pictures, err));
    TRY(mdp_fields_done(c, harmless, MDP_COUNT(harmless), err));
    TRY(mdp_fields_side(&m.vision, "image_size", 224, &image_size, err));
    own = mdp_fields_has(&m.text, "hf_tokenizer_name");
    mdp_card_put_head(folder, "open-clip", m.width, own ? mdp_folder_vocab(folder) : NULL);
    TRY(put_image(folder, &m, image_size, err));
    TRY(mdp_card_put_open_clip_pictures(folder, &pictures, image_size, err));
    TRY(put_text(folder, &m, err));
    mdp_card_put_similarity(folder, m.bias);
    mdp_text_add(folder->card, "zero_shot:\n  ensemble: mean-embedding\n");
    mdp_card_put_weights(folder, "[\"state_dict.module.\", \"state_dict.\", \"module.\", \"\"]");
    return MDP_OK;
}
