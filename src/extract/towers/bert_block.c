/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/bert_block.h"

#include "base/memory.h"
#include "base/try.h"

#include <math.h>
#include <stdio.h>

enum { NAME_SIZE = 160, ENDING_SIZE = 48 };

const struct mdp_bert_names mdp_bert_layouts[MDP_BERT_LAYOUTS] = {
    {.name = "bert", .norm = "embeddings.LayerNorm", .blocks = "encoder.layer", .inner = "self"},
    {.name = "hf-blip2",
     .norm = "qformer.layernorm",
     .blocks = "qformer.encoder.layer",
     .inner = "attention"},
};

mdp_status mdp_bert_names_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                    const struct mdp_bert_names **names, enum mdp_activation *activation,
                                    struct mdp_error *err)
{
    const char *layouts[MDP_BERT_LAYOUTS];
    size_t layout = 0, which = MDP_ACTIVATION_GELU;

    for (size_t i = 0; i < MDP_BERT_LAYOUTS; i++)
        layouts[i] = mdp_bert_layouts[i].name;
    TRY(mdp_yaml_optional_choice(doc, map, "layout", "layout of the family bert", layouts, MDP_BERT_LAYOUTS,
                                 &layout, err));
    TRY(mdp_yaml_optional_choice(doc, map, "activation", "activation", mdp_activation_names,
                                 MDP_ACTIVATION_COUNT, &which, err));
    *names = &mdp_bert_layouts[layout];
    *activation = (enum mdp_activation)which;
    return MDP_OK;
}

/* --- load --- */

struct reader {
    const struct mdp_layer_source *source;
    const struct mdp_bert_shape *shape;
    const struct mdp_bert_place *place;
    struct mdp_error *err;
};

/* <blocks>.<index>.<part><ending> */
static void name_of(const struct reader *r, char name[NAME_SIZE], const char *part, const char *ending)
{
    snprintf(name, NAME_SIZE, "%s.%zu.%s%s", r->place->names->blocks, r->place->index, part, ending);
}

/* The layers <part>.<inner>.<names[i]> as one. */
static mdp_status load_inner(const struct reader *r, const char *part, const char *const names[], size_t n,
                             size_t in, struct mdp_linear *linear)
{
    char full[MDP_LAYER_STACK][NAME_SIZE], ending[ENDING_SIZE];
    const char *stack[MDP_LAYER_STACK];

    for (size_t i = 0; i < n; i++) {
        snprintf(ending, sizeof ending, ".%s.%s", r->place->names->inner, names[i]);
        name_of(r, full[i], part, ending);
        stack[i] = full[i];
    }
    return mdp_linear_load(r->source, stack, n, r->shape->width, in, true, linear, r->err);
}

static mdp_status load_dense(const struct reader *r, const char *part, const char *ending, size_t out,
                             size_t in, struct mdp_linear *linear)
{
    char name[NAME_SIZE];
    const char *const names[] = {name};

    name_of(r, name, part, ending);
    return mdp_linear_load(r->source, names, 1, out, in, true, linear, r->err);
}

/* <part><ending>.dense[C, in] and <part><ending>.LayerNorm[C] */
static mdp_status load_sum(const struct reader *r, const char *part, const char *ending, size_t in,
                           struct mdp_bert_sum *sum)
{
    char name[NAME_SIZE], more[ENDING_SIZE];

    snprintf(more, sizeof more, "%s.dense", ending);
    TRY(load_dense(r, part, more, r->shape->width, in, &sum->dense));
    snprintf(more, sizeof more, "%s.LayerNorm", ending);
    name_of(r, name, part, more);
    return mdp_norm_load(r->source, name, r->shape->width, &sum->norm, r->err);
}

mdp_status mdp_bert_block_load(const struct mdp_layer_source *source, const struct mdp_bert_shape *shape,
                               const struct mdp_bert_place *place, struct mdp_bert_block *block,
                               struct mdp_error *err)
{
    static const char *const qkv[] = {"query", "key", "value"};
    const struct reader r = {source, shape, place, err};
    const size_t width = shape->width;
    char dense[ENDING_SIZE];

    TRY(load_inner(&r, "attention", qkv, 3, width, &block->qkv));
    TRY(load_sum(&r, "attention.output", "", width, &block->attention));
    if (place->cross_width) {
        TRY(load_inner(&r, "crossattention", qkv, 1, width, &block->cross_query));
        TRY(load_inner(&r, "crossattention", qkv + 1, 2, place->cross_width, &block->cross_kv));
        TRY(load_sum(&r, "crossattention.output", "", width, &block->cross));
    }
    snprintf(dense, sizeof dense, "%s.dense", place->mlp);
    TRY(load_dense(&r, "intermediate", dense, shape->intermediate, width, &block->mlp_in));
    return load_sum(&r, "output", place->mlp, shape->intermediate, &block->mlp);
}

static void release_sum(struct mdp_bert_sum *sum)
{
    mdp_linear_release(&sum->dense);
    mdp_norm_release(&sum->norm);
}

void mdp_bert_block_release(struct mdp_bert_block *block)
{
    mdp_linear_release(&block->qkv);
    release_sum(&block->attention);
    mdp_linear_release(&block->cross_query);
    mdp_linear_release(&block->cross_kv);
    release_sum(&block->cross);
    mdp_linear_release(&block->mlp_in);
    release_sum(&block->mlp);
    *block = (struct mdp_bert_block){0};
}

/* --- run --- */

void mdp_bert_room_take(struct mdp_scratch *scratch, const struct mdp_bert_shape *shape, size_t positions,
                        size_t tokens, struct mdp_bert_room *room)
{
    const size_t rows = positions * shape->width, keys = tokens > positions ? tokens : positions;

    room->x = mdp_scratch_take(scratch, rows);
    room->sum = mdp_scratch_take(scratch, rows);
    room->qkv = mdp_scratch_take(scratch, 3 * rows);
    room->context = mdp_scratch_take(scratch, rows);
    room->hidden = mdp_scratch_take(scratch, positions * shape->intermediate);
    room->memory = tokens ? mdp_scratch_take(scratch, 2 * tokens * shape->width) : NULL;
    room->attention =
        mdp_scratch_take(scratch, shape->kernels->attention_scratch(keys, shape->width / shape->heads));
}

void mdp_bert_norm_run(const struct mdp_bert_shape *shape, const struct mdp_norm *norm, size_t rows,
                       const struct mdp_bert_room *room)
{
    const size_t width = shape->width;

    shape->kernels->layer_norm(room->sum, rows, width, width, norm->gain, norm->bias, shape->eps, room->x,
                               width);
}

/* x = norm(x + W from), from[rows, in]. */
static void run_sum(const struct mdp_bert_shape *shape, const struct mdp_bert_sum *sum, const float *from,
                    size_t rows, const struct mdp_bert_room *room)
{
    mdp_linear_run(&sum->dense, from, rows, sum->dense.in, MDP_ACTIVATION_NONE, room->x, room->sum,
                   shape->width);
    mdp_bert_norm_run(shape, &sum->norm, rows, room);
}

static void attend(const struct mdp_bert_shape *shape, const float *q, size_t queries, const float *kv,
                   size_t keys, size_t ld, const struct mdp_bert_room *room)
{
    const size_t dim = shape->width / shape->heads;
    const struct mdp_attention attention = {.q = q,
                                            .k = kv,
                                            .v = kv + shape->width,
                                            .queries = queries,
                                            .keys = keys,
                                            .ld = ld,
                                            .heads = shape->heads,
                                            .dim = dim,
                                            .scale = 1 / sqrtf((float)dim),
                                            .out = room->context,
                                            .ld_out = shape->width};

    shape->kernels->attention(&attention, room->attention);
}

/* Queries stand in rows as wide as those of keys and values: attention has one row stride. */
static void look_at(const struct mdp_bert_shape *shape, const struct mdp_bert_block *block, size_t rows,
                    const float *tokens, size_t n_tokens, size_t ld, const struct mdp_bert_room *room)
{
    const size_t width = shape->width;

    mdp_linear_run(&block->cross_query, room->x, rows, width, MDP_ACTIVATION_NONE, NULL, room->qkv,
                   2 * width);
    mdp_linear_run(&block->cross_kv, tokens, n_tokens, ld, MDP_ACTIVATION_NONE, NULL, room->memory,
                   2 * width);
    attend(shape, room->qkv, rows, room->memory, n_tokens, 2 * width, room);
    run_sum(shape, &block->cross, room->context, rows, room);
}

void mdp_bert_block_run(const struct mdp_bert_shape *shape, const struct mdp_bert_block *block, size_t keys,
                        size_t rows, const float *tokens, size_t n_tokens, size_t ld,
                        const struct mdp_bert_room *room)
{
    const size_t width = shape->width;

    mdp_linear_run(&block->qkv, room->x, rows, width, MDP_ACTIVATION_NONE, NULL, room->qkv, 3 * width);
    attend(shape, room->qkv, rows, room->qkv + width, keys, 3 * width, room);
    run_sum(shape, &block->attention, room->context, rows, room);
    if (block->cross_kv.packed)
        look_at(shape, block, rows, tokens, n_tokens, ld, room);
    mdp_linear_run(&block->mlp_in, room->x, rows, width, shape->activation, NULL, room->hidden,
                   shape->intermediate);
    run_sum(shape, &block->mlp, room->hidden, rows, room);
}
