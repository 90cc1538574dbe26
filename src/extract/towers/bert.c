/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/bert.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/families.h"

#include <stdlib.h>
#include <string.h>

/* Working memory of one text. */
struct work {
    struct mdp_bert_room room;
    double *sum;   /* [C] what is pooled so far */
    float *pooled; /* [2, C] before the pooler's own layer and after it */
    float *head;   /* the head's own */
};

/* Divides a block; with NULL, the floats that it needs. */
static size_t divide(const struct mdp_bert *bert, size_t positions, float *block, struct work *w)
{
    const size_t width = bert->config.width;
    struct mdp_scratch s = {.block = block};

    mdp_bert_room_take(&s, &bert->shape, positions, 0, &w->room);
    w->sum = (double *)(void *)mdp_scratch_take(&s, width * sizeof(double) / sizeof(float));
    w->pooled = mdp_scratch_take(&s, 2 * width);
    w->head = mdp_scratch_take(&s, mdp_head_scratch_size(&bert->head, 1));
    return s.used;
}

static size_t scratch_size(const void *model, size_t longest)
{
    struct work unused;

    return divide(model, longest, NULL, &unused);
}

static void embed(const struct mdp_bert *bert, const int32_t *ids, size_t rows,
                  const struct mdp_bert_room *room)
{
    const struct mdp_bert_config *c = &bert->config;
    const size_t width = c->width;
    size_t next = c->counts_positions ? c->pad_id + 1 : 0;

    for (size_t i = 0; i < rows; i++) {
        const bool skipped = c->counts_positions && (size_t)ids[i] == c->pad_id;
        const float *word = bert->words + (size_t)ids[i] * width;
        const float *position = bert->positions + (skipped ? c->pad_id : next++) * width;
        float *sum = room->sum + i * width;
        for (size_t k = 0; k < width; k++)
            sum[k] = (bert->types ? word[k] + bert->types[k] : word[k]) + position[k];
    }
    mdp_bert_norm_run(&bert->shape, &bert->norm, rows, room);
}

static void run_blocks(const struct mdp_bert *bert, size_t attended, size_t rows, size_t longest,
                       const struct work *w, const struct mdp_tapped *tapped)
{
    const struct mdp_bert_config *c = &bert->config;

    memset(w->sum, 0, c->width * sizeof *w->sum);
    for (size_t i = 0; i < c->layers; i++) {
        mdp_bert_block_run(&bert->shape, &bert->blocks[i], attended, rows, NULL, 0, 0, &w->room);
        mdp_bert_pooling_add(c->pooling, i, c->layers, w->room.x, attended, longest, c->width, w->sum);
        mdp_tap_show(tapped, w->room.x, rows, c->width, "layers.%zu", i);
    }
}

/* Taps: "embeddings", "layers.<i>" (rows of padding where it is computed), "pooled", "features". */
static void run(const void *model, const int32_t *ids, size_t length, size_t longest, float *scratch,
                float *features, const struct mdp_tapped *tapped)
{
    const struct mdp_bert *bert = model;
    const struct mdp_bert_config *c = &bert->config;
    const size_t attended = c->attend_padding ? longest : length;
    const size_t rows = mdp_bert_pooling_needs_padding(c->pooling) ? longest : attended;
    struct work w;

    divide(bert, longest, scratch, &w);
    embed(bert, ids, rows, &w.room);
    mdp_tap_show(tapped, w.room.x, rows, c->width, "embeddings");
    run_blocks(bert, attended, rows, longest, &w, tapped);
    const float *pooled = w.pooled;
    mdp_bert_pooling_end(c->pooling, w.sum, c->width, w.pooled);
    if (c->pooling->dense) {
        pooled = w.pooled + c->width;
        mdp_linear_run(&bert->pooler, w.pooled, 1, c->width, MDP_ACTIVATION_TANH, NULL, w.pooled + c->width,
                       c->width);
    }
    mdp_tap_show(tapped, pooled, 1, c->width, "pooled");
    mdp_head_run(&bert->head, pooled, 1, c->width, w.head, features);
    mdp_tap_show(tapped, features, 1, bert->head.out, "features");
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_text_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_bert *bert = tower->model = mdp_new_array(1, sizeof *bert, err, &st);

    TRY(st);
    TRY(mdp_bert_from_yaml(doc, node, tower->pooling, bert, err));
    const struct mdp_bert_config *c = &bert->config;
    tower->pooling = c->pooling->name;
    tower->sizes = (struct mdp_text_sizes){
        bert->head.out, c->positions - (c->counts_positions ? c->pad_id + 1 : 0), c->vocab_size};
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_bert_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_bert_release(model);
    free(model);
}

const struct mdp_text_family mdp_bert_family = {.name = "bert",
                                                .from_yaml = from_yaml,
                                                .load = load,
                                                .scratch_size = scratch_size,
                                                .run = run,
                                                .free = free_model};
