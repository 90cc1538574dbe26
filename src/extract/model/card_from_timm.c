/* SPDX-License-Identifier: BSD-3-Clause */
/* Trunks of timm by their names, behind open_clip's TimmModel (3.3: timm_model.py). The numbers of a name are rows that
   scripts/timm-names reads off timm's own modules. */
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/model/card_from.h"

#include <stdlib.h>

enum {
    CLASS_TOKEN = 1 << 0,
    POSITIONS_NONE = 1 << 1,
    POSITIONS_OF_PATCHES = 1 << 2,
    PATCH_BIAS = 1 << 3,
    PRE_NORM = 1 << 4,
    QKV_BIAS = 1 << 5,
    LAYER_SCALE = 1 << 6,
    GATED = 1 << 7,
    INNER_NORMS = 1 << 8,
    NORMS_BEHIND = 1 << 9,
    POOL_TOKEN = 1 << 10,
    POOL_MEAN = 1 << 11,
    POOL_ATTENTION = 1 << 12,
    NORM_BEFORE = 1 << 13, /* the pool */
    NORM_AFTER = 1 << 14,
    RESPONSE_NORM = 1 << 15,
};

struct timm_vit {
    const char *name, *layout, *activation;
    size_t image_size, patch_size, layers, width, heads, hidden, pool_hidden, registers;
    double eps;
    size_t rotary_grid; /* 0: no rotary positions */
    unsigned flags;
};

struct timm_convnext {
    const char *name, *activation;
    size_t image_size, patch_size, depths[4], widths[4];
    size_t head_hidden; /* of a linear layer with GELU behind the head's norm; 0: there is none */
    double eps;
    unsigned flags;
};

#include "extract/model/timm_names.inc"

/* What stands behind the trunk: vision_cfg's timm_pool, timm_proj, timm_proj_bias. */
struct behind {
    const char *pool, *projection;
    bool bias;
    size_t width; /* embed_dim */
};

static mdp_status read_behind(struct mdp_fields *f, size_t width, struct behind *b, struct mdp_error *err)
{
    static const char *const harmless[] = {
        "head_width", "layers",    "mlp_ratio",      "output_tokens",         "patch_dropout",
        "patch_size", "timm_drop", "timm_drop_path", "timm_model_pretrained", "width"};

    b->width = width;
    /* null stands for "", as its absence does not */
    b->pool = mdp_json_find(f->map, "timm_pool") ? "" : "avg";
    b->projection = mdp_json_find(f->map, "timm_proj") ? "" : "linear";
    TRY(mdp_fields_text(f, "timm_pool", b->pool, &b->pool, err));
    TRY(mdp_fields_text(f, "timm_proj", b->projection, &b->projection, err));
    TRY(mdp_fields_bool(f, "timm_proj_bias", false, &b->bias, err));
    return mdp_fields_done(f, harmless, MDP_COUNT(harmless), err);
}

/* The steps of the head behind those of the trunk, `own` (which may be empty): timm's classifier, open_clip's layers, or nothing. */
static mdp_status put_head(struct mdp_fields *f, struct mdp_text *card, const struct behind *b,
                           const char *own, const char *classifier, struct mdp_error *err)
{
    const char *bias = b->bias ? "true" : "false";

    if (*own || !mdp_folder_is(b->projection, "none"))
        mdp_text_add(card, "  head:\n%s", own);
    if (mdp_folder_is(b->projection, "linear"))
        mdp_text_add(card, "    - {linear: visual.head.proj, width: %zu, bias: %s}\n", b->width, bias);
    else if (mdp_folder_is(b->projection, "mlp"))
        mdp_text_add(card,
                     "    - {linear: visual.head.mlp.fc1, width: %zu, activation: gelu}\n"
                     "    - {linear: visual.head.mlp.fc2, width: %zu, bias: %s}\n",
                     2 * b->width, b->width, bias);
    else if (mdp_folder_is(b->projection, ""))
        mdp_text_add(card, "    - {linear: visual.trunk.%s, width: %zu}\n", classifier, b->width);
    else if (!mdp_folder_is(b->projection, "none"))
        return mdp_fields_refuse(f, "timm_proj", " (linear, mlp, none or empty)", err);
    if (*own || !mdp_folder_is(b->projection, "none"))
        mdp_text_add(card, "  output_width: %zu\n", b->width);
    return MDP_OK;
}

/* --- vision transformers --- */

static const char *yes(unsigned flags, unsigned flag)
{
    return flags & flag ? "true" : "false";
}

/* Where the norm is. A trunk that is made for a pool (no layers of open_clip's behind it) has its norm where that pool wants it, unless
   its name says otherwise; one whose pool is set later keeps its norm. */
static unsigned norm_of(const struct timm_vit *v, unsigned pool, bool made_for)
{
    const unsigned own = v->flags & (NORM_BEFORE | NORM_AFTER);
    const unsigned usual = v->flags & POOL_MEAN ? NORM_AFTER : NORM_BEFORE;

    if (!made_for || own != usual)
        return own;
    return pool == POOL_MEAN ? NORM_AFTER : NORM_BEFORE;
}

/* timm's own pool where open_clip names none. */
static mdp_status put_pool(struct mdp_fields *f, struct mdp_text *card, const struct timm_vit *v,
                           const struct behind *b, struct mdp_error *err)
{
    unsigned pool = v->flags & (POOL_TOKEN | POOL_MEAN | POOL_ATTENTION);
    bool made_for = mdp_folder_is(b->projection, "") || mdp_folder_is(b->projection, "none");

    if (mdp_folder_is(b->pool, "avg"))
        pool = POOL_MEAN;
    else if (mdp_folder_is(b->pool, "token"))
        pool = POOL_TOKEN;
    else if (mdp_folder_is(b->pool, "map"))
        pool = POOL_ATTENTION;
    else if (!mdp_folder_is(b->pool, "") || made_for)
        return mdp_fields_refuse(f, "timm_pool", " (avg, token, map, or none with a projection)", err);
    if (pool == POOL_ATTENTION && !v->pool_hidden)
        return mdp_fields_refuse(f, "timm_pool", " for this trunk, which has no such layers", err);
    const unsigned norm = norm_of(v, pool, made_for);
    mdp_text_add(card, "  pool: %s\n",
                 pool == POOL_MEAN    ? "mean"
                 : pool == POOL_TOKEN ? "class"
                                      : "attention");
    if (pool == POOL_ATTENTION)
        mdp_text_add(card, "  pool_intermediate: %zu\n", v->pool_hidden);
    mdp_text_add(card, "  final_norm: %s\n",
                 norm == NORM_AFTER ? "after-pool"
                 : norm             ? "before-pool"
                                    : "none");
    return MDP_OK;
}

static mdp_status put_vit(struct mdp_fields *f, struct mdp_text *card, const struct timm_vit *v,
                          const struct behind *b, size_t image_size, struct mdp_error *err)
{
    const struct mdp_card_blocks blocks = {.layout = v->layout,
                                           .activation = v->activation,
                                           .layers = v->layers,
                                           .width = v->width,
                                           .heads = v->heads,
                                           .hidden = v->hidden,
                                           .eps = v->eps};

    mdp_card_put_tower(card, "image", "vit", "visual.trunk.");
    mdp_card_put_blocks(card, &blocks);
    mdp_text_add(card, "  image_size: %zu\n  patch_size: %zu\n  channels: 3\n", image_size, v->patch_size);
    mdp_text_add(card, "  class_token: %s\n  registers: %zu\n  positions: %s\n", yes(v->flags, CLASS_TOKEN),
                 v->registers,
                 v->flags & POSITIONS_NONE         ? "none"
                 : v->flags & POSITIONS_OF_PATCHES ? "patches"
                                                   : "all");
    if (v->rotary_grid)
        mdp_text_add(card, "  rotary_grid: %zu\n", v->rotary_grid);
    mdp_text_add(card, "  patch_bias: %s\n  pre_norm: %s\n  qkv_bias: %s\n  layer_scale: %s\n",
                 yes(v->flags, PATCH_BIAS), yes(v->flags, PRE_NORM), yes(v->flags, QKV_BIAS),
                 yes(v->flags, LAYER_SCALE));
    mdp_text_add(card, "  mlp: %s\n  inner_norms: %s\n  block_norms: %s\n",
                 v->flags & GATED ? "gated" : "plain", yes(v->flags, INNER_NORMS),
                 v->flags & NORMS_BEHIND ? "behind" : "before");
    TRY(put_pool(f, card, v, b, err));
    return put_head(f, card, b, "", "head", err);
}

/* --- ConvNeXt --- */

static mdp_status put_convnext(struct mdp_fields *f, struct mdp_text *card, const struct timm_convnext *c,
                               const struct behind *b, size_t image_size, struct mdp_error *err)
{
    struct mdp_text own = {0};

    if (!mdp_folder_is(b->pool, "avg") && (!mdp_folder_is(b->pool, "") || mdp_folder_is(b->projection, "")))
        return mdp_fields_refuse(f, "timm_pool", " (avg, or none with a projection)", err);
    mdp_card_put_tower(card, "image", "convnext", "visual.trunk.");
    mdp_text_add(card, "  layout: timm\n  image_size: %zu\n  channels: 3\n  patch_size: %zu\n", image_size,
                 c->patch_size);
    mdp_text_add(card, "  depths: [%zu, %zu, %zu, %zu]\n  widths: [%zu, %zu, %zu, %zu]\n", c->depths[0],
                 c->depths[1], c->depths[2], c->depths[3], c->widths[0], c->widths[1], c->widths[2],
                 c->widths[3]);
    mdp_text_add(card, "  activation: %s\n  layer_scale: %s\n  response_norm: %s\n", c->activation,
                 yes(c->flags, LAYER_SCALE), yes(c->flags, RESPONSE_NORM));
    mdp_card_put_number(card, "  layer_norm_eps", c->eps);
    mdp_text_add(&own, "    - {norm: visual.trunk.head.norm, eps: %g}\n", c->eps);
    if (c->head_hidden)
        mdp_text_add(&own, "    - {linear: visual.trunk.head.pre_logits.fc, width: %zu, activation: gelu}\n",
                     c->head_hidden);
    mdp_status st = mdp_text_status(&own, err);
    if (st == MDP_OK)
        st = put_head(f, card, b, own.at, "head.fc", err);
    mdp_text_release(&own);
    return st;
}

/* --- by name --- */

static mdp_status no_name(struct mdp_fields *f, const char *name, struct mdp_error *err)
{
    const size_t n = MDP_COUNT(vits) + MDP_COUNT(convnexts);
    struct mdp_text reason = {0};
    mdp_status st = MDP_OK;
    const char **names = mdp_new_array(n, sizeof *names, err, &st);

    if (!names)
        return st;
    for (size_t i = 0; i < n; i++)
        names[i] = i < MDP_COUNT(vits) ? vits[i].name : convnexts[i - MDP_COUNT(vits)].name;
    mdp_text_add(&reason, " (%s)", mdp_name_hint(name, names, n).text);
    st = mdp_text_status(&reason, err);
    if (st == MDP_OK)
        st = mdp_fields_refuse(f, "timm_model_name", reason.at, err);
    mdp_text_release(&reason);
    free(names);
    return st;
}

mdp_status mdp_card_put_timm(struct mdp_folder *folder, struct mdp_fields *f, size_t image_size, size_t width,
                             struct mdp_error *err)
{
    struct behind behind;
    const char *name = NULL;

    TRY(mdp_fields_text(f, "timm_model_name", "", &name, err));
    TRY(read_behind(f, width, &behind, err));
    for (size_t i = 0; i < MDP_COUNT(vits); i++)
        if (mdp_folder_is(vits[i].name, name))
            return put_vit(f, folder->card, &vits[i], &behind, image_size, err);
    for (size_t i = 0; i < MDP_COUNT(convnexts); i++)
        if (mdp_folder_is(convnexts[i].name, name))
            return put_convnext(f, folder->card, &convnexts[i], &behind, image_size, err);
    return no_name(f, name, err);
}
