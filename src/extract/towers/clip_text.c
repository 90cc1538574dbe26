/* SPDX-License-Identifier: BSD-3-Clause */
/* A text's way through a tower of CLIP's kind. */
#include "extract/towers/clip_text.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/families.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Working memory of one text. */
struct work {
    float *x;      /* [L + 1, C] the stream */
    float *mask;   /* [L + 1, ld]; not with texts that see all */
    float *pooled; /* [C] */
    float *rest;   /* of the transformer, then of the head */
};

static void divide(const struct mdp_clip_text *t, size_t longest, struct mdp_scratch *s, struct work *w)
{
    const size_t rows = longest + 1, through = mdp_transformer_scratch_size(&t->transformer, rows),
                 behind = mdp_head_scratch_size(&t->head, 1);

    w->x = mdp_scratch_take(s, rows * t->config.transformer.width);
    w->mask = mdp_scratch_take(s, t->config.causal ? rows * mdp_mask_stride(rows) : 0);
    w->pooled = mdp_scratch_take(s, t->config.transformer.width);
    w->rest = mdp_scratch_take(s, through > behind ? through : behind);
}

static size_t scratch_size(const void *model, size_t longest)
{
    struct mdp_scratch s = {0};
    struct work unused;

    divide(model, longest, &s, &unused);
    return s.used;
}

/* --- rows --- */

static size_t place_of_largest(const int32_t *ids, size_t n)
{
    size_t at = 0;

    for (size_t i = 1; i < n; i++)
        if (ids[i] > ids[at])
            at = i;
    return at;
}

/* As argmax over a comparison does it: the first row where there is no such id. */
static size_t place_of(int32_t id, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return i;
    return 0;
}

/* Rows that go through the tower, and which of them is pooled. */
struct rows {
    size_t n, pooled;
    bool with_class;     /* the last one is the class token */
    bool class_sees_all; /* itself, too */
};

/* A row of a causal tower depends on those before it alone: none behind the pooled one is computed. */
static struct rows choose_rows(const struct mdp_clip_text_config *c, const int32_t *ids, size_t length,
                               size_t longest)
{
    const size_t at = c->pool == MDP_CLIP_TEXT_POOL_LARGEST ? place_of_largest(ids, longest)
                      : c->pool == MDP_CLIP_TEXT_POOL_END   ? place_of(c->end_id, ids, longest)
                      : c->pool == MDP_CLIP_TEXT_POOL_LAST  ? longest - 1
                                                            : 0;

    if (c->pool == MDP_CLIP_TEXT_POOL_CLASS) {
        const size_t most = c->positions - 1, seen = length + 1 < most ? length + 1 : most;
        return (struct rows){seen + 1, seen, true, length == most};
    }
    return (struct rows){c->causal ? at + 1 : longest, at, false, false};
}

static void embed(const struct mdp_clip_text *t, const struct rows *rows, const int32_t *ids, size_t longest,
                  float *x)
{
    const size_t width = t->config.transformer.width;

    for (size_t r = 0; r < rows->n; r++, x += width) {
        const bool is_class = rows->with_class && r + 1 == rows->n;
        const int32_t id = r < longest ? ids[r] : t->config.pad_id;
        const float *token = is_class ? t->class_token : t->tokens + (size_t)id * width;
        const float *position = t->positions + (is_class ? t->config.positions - 1 : r) * width;
        for (size_t c = 0; c < width; c++)
            x[c] = token[c] + position[c];
    }
}

/* The class row of the released CoCa models sees the text and the first padding behind it, and itself only where there is no
   padding: open_clip prefixes the padding mask where it should append to it (build_cls_mask), and they were trained so. */
static void make_mask(const struct rows *rows, size_t ld, float *mask)
{
    mdp_causal_mask(rows->n, ld, mask);
    if (rows->with_class && !rows->class_sees_all)
        mask[(rows->n - 1) * ld + rows->n - 1] = -INFINITY;
}

/* Taps: "embeddings", "layers.<i>", "pooled" (after the final norm), "features". */
static void run(const void *model, const int32_t *ids, size_t length, size_t longest, float *scratch,
                float *features, const struct mdp_tapped *tapped)
{
    const struct mdp_clip_text *t = model;
    const struct mdp_clip_text_config *c = &t->config;
    const size_t width = c->transformer.width;
    const struct rows rows = choose_rows(c, ids, length, longest);
    const size_t ld = mdp_mask_stride(rows.n);
    struct mdp_scratch s = {.block = scratch};
    struct work w;

    divide(t, longest, &s, &w);
    embed(t, &rows, ids, longest, w.x);
    mdp_tap_show(tapped, w.x, rows.n, width, "embeddings");
    if (c->causal)
        make_mask(&rows, ld, w.mask);
    const struct mdp_transformer_run through = {
        .tokens = rows.n, .mask = c->causal ? w.mask : NULL, .ld_mask = ld, .x = w.x};
    mdp_transformer_run(&t->transformer, &through, w.rest, tapped);
    t->kernels->layer_norm(w.x + rows.pooled * width, 1, width, width, t->norm.gain, t->norm.bias,
                           (float)c->transformer.eps, w.pooled, width);
    mdp_tap_show(tapped, w.pooled, 1, width, "pooled");
    mdp_head_run(&t->head, w.pooled, 1, width, w.rest, features);
    mdp_tap_show(tapped, features, 1, t->head.out, "features");
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_text_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_clip_text *text = tower->model = mdp_new_array(1, sizeof *text, err, &st);

    TRY(st);
    TRY(mdp_clip_text_config_from_yaml(doc, node, text, err));
    tower->pooling = NULL;
    tower->sizes = (struct mdp_text_sizes){
        text->head.out, text->config.positions - (text->config.pool == MDP_CLIP_TEXT_POOL_CLASS ? 1 : 0),
        text->config.vocab_size};
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_clip_text_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_clip_text_release(model);
    free(model);
}

const struct mdp_text_family mdp_clip_text_family = {.name = "clip-text",
                                                     .from_yaml = from_yaml,
                                                     .load = load,
                                                     .scratch_size = scratch_size,
                                                     .run = run,
                                                     .free = free_model};
