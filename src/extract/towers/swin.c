/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture's way through a Swin. The map of tokens x[H * W, C] stays in one place; a block changes it a
   group of windows at a time, so that everything a block does to a token happens while it is in the cache.
   Windows share no token, so the order of groups does not matter. */
#include "extract/towers/swin.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/kernels/map_pool.h"
#include "extract/towers/families.h"
#include "extract/towers/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Scratch of a group of windows: [rows, ...] each, rows = windows * N. */
struct group {
    size_t rows;
    const uint32_t *order; /* [rows] token of every row */
    float *x, *y;          /* [rows, C] tokens before and after attention */
    float *normed;         /* [rows, C] the input of a product; also what attention gives */
    float *wide;           /* [rows, max(3C, F)] query, key, value; then the MLP's hidden values */
    float *attention;      /* scratch of one window */
};

/* transformers gives the norms of patches and of merged patches their own, fixed eps. */
static const float patch_eps = 1e-5f;

/* --- patch embedding --- */

static void embed(const struct mdp_swin *swin, const float *input, float *x, float *work)
{
    const struct mdp_swin_stage *first = &swin->stage[0];

    for (size_t row = 0; row < first->height; row++, x += first->width * first->dim) {
        mdp_patches_cut(&swin->config.patches, input, row, work);
        mdp_linear_run(&swin->patch, work, first->width, swin->patch.in, MDP_ACTIVATION_NONE, NULL, x,
                       first->dim);
        swin->kernels->layer_norm(x, first->width, first->dim, first->dim, swin->patch_norm.gain,
                                  swin->patch_norm.bias, patch_eps, x, first->dim);
    }
}

/* --- blocks --- */

static void gather(const struct group *g, const float *x, size_t dim)
{
    for (size_t r = 0; r < g->rows; r++)
        if (g->order[r] == MDP_SWIN_PADDING)
            memset(g->x + r * dim, 0, dim * sizeof *x);
        else
            memcpy(g->x + r * dim, x + g->order[r] * dim, dim * sizeof *x);
}

static void scatter(const struct group *g, float *x, size_t dim)
{
    for (size_t r = 0; r < g->rows; r++)
        if (g->order[r] != MDP_SWIN_PADDING)
            memcpy(x + g->order[r] * dim, g->x + r * dim, dim * sizeof *x);
}

/* Padding is zero after the norm, not before it. */
static void clear_padding(const struct group *g, float *normed, size_t dim)
{
    for (size_t r = 0; r < g->rows; r++)
        if (g->order[r] == MDP_SWIN_PADDING)
            memset(normed + r * dim, 0, dim * sizeof *normed);
}

/* The shift mask of window w, or NULL. */
static const float *mask_of(const struct mdp_swin *swin, const struct mdp_swin_stage *stage, size_t w)
{
    const size_t right = (w % stage->window_columns == stage->window_columns - 1) ? 1 : 0;
    const size_t below = (w / stage->window_columns == stage->window_rows - 1) ? 2 : 0;

    return swin->mask[right | below];
}

/* wide holds query, key and value of every row; the result goes to normed. */
static void attend(const struct mdp_swin *swin, const struct mdp_swin_stage *stage,
                   const struct mdp_swin_block *block, const struct group *g, size_t first_window,
                   bool shifted)
{
    const size_t n = swin->window_size, dim = stage->dim;

    for (size_t w = 0; w * n < g->rows; w++) {
        const float *qkv = g->wide + w * n * 3 * dim;
        const struct mdp_attention attention = {.q = qkv,
                                                .k = qkv + dim,
                                                .v = qkv + 2 * dim,
                                                .queries = n,
                                                .keys = n,
                                                .ld = 3 * dim,
                                                .heads = stage->heads,
                                                .dim = dim / stage->heads,
                                                .scale = 1 / sqrtf((float)(dim / stage->heads)),
                                                .bias = block->bias,
                                                .mask =
                                                    shifted ? mask_of(swin, stage, first_window + w) : NULL,
                                                .ld_bias = swin->ld_bias,
                                                .out = g->normed + w * n * dim,
                                                .ld_out = dim};
        swin->kernels->attention(&attention, g->attention);
    }
}

/* x + Attention(Norm(x)), then y + MLP(Norm(y)), for the rows of a group. */
static void run_group(const struct mdp_swin *swin, const struct mdp_swin_stage *stage,
                      const struct mdp_swin_block *block, const struct group *g, float *x,
                      size_t first_window, bool shifted)
{
    const size_t dim = stage->dim;

    gather(g, x, dim);
    swin->kernels->layer_norm(g->x, g->rows, dim, dim, block->before.gain, block->before.bias, swin->eps,
                              g->normed, dim);
    clear_padding(g, g->normed, dim);
    mdp_linear_run(&block->qkv, g->normed, g->rows, dim, MDP_ACTIVATION_NONE, NULL, g->wide, 3 * dim);
    attend(swin, stage, block, g, first_window, shifted);
    mdp_linear_run(&block->output, g->normed, g->rows, dim, MDP_ACTIVATION_NONE, g->x, g->y, dim);
    swin->kernels->layer_norm(g->y, g->rows, dim, dim, block->after.gain, block->after.bias, swin->eps,
                              g->normed, dim);
    mdp_linear_run(&block->mlp_in, g->normed, g->rows, dim, MDP_ACTIVATION_GELU, NULL, g->wide,
                   stage->hidden);
    mdp_linear_run(&block->mlp_out, g->wide, g->rows, stage->hidden, MDP_ACTIVATION_NONE, g->y, g->x, dim);
    scatter(g, x, dim);
}

static void run_block(const struct mdp_swin *swin, const struct mdp_swin_stage *stage,
                      const struct mdp_swin_block *block, bool shifted, float *x, float *work)
{
    const size_t windows = stage->window_rows * stage->window_columns, n = swin->window_size;
    const size_t most_rows = stage->group * n;
    const size_t wide = 3 * stage->dim > stage->hidden ? 3 * stage->dim : stage->hidden;
    struct group g = {.x = work};

    g.y = g.x + most_rows * stage->dim;
    g.normed = g.y + most_rows * stage->dim;
    g.wide = g.normed + most_rows * stage->dim;
    g.attention = g.wide + most_rows * wide;
    for (size_t w = 0; w < windows; w += stage->group) {
        g.rows = (windows - w < stage->group ? windows - w : stage->group) * n;
        g.order = stage->order[shifted] + w * n;
        run_group(swin, stage, block, &g, x, w, shifted);
    }
}

/* --- patch merging --- */

/* The four neighbours of every token of the smaller map's row: [W / 2, 4C]; beyond the map they are 0. */
static void gather_neighbours(const struct mdp_swin_stage *stage, const float *x, size_t row, float *out)
{
    const size_t dim = stage->dim;

    for (size_t column = 0; 2 * column < stage->width; column++)
        for (size_t part = 0; part < 4; part++, out += dim) {
            const size_t top = 2 * row + part % 2, left = 2 * column + part / 2;
            if (top < stage->height && left < stage->width)
                memcpy(out, x + (top * stage->width + left) * dim, dim * sizeof *x);
            else
                memset(out, 0, dim * sizeof *x);
        }
}

/* In place: row r of the smaller map ends before rows 2r + 2 of the larger one, which are still needed, begin. */
static void merge(const struct mdp_swin *swin, const struct mdp_swin_stage *stage, float *x, float *work)
{
    const size_t height = (stage->height + 1) / 2, width = (stage->width + 1) / 2, dim = 4 * stage->dim;

    for (size_t row = 0; row < height; row += stage->merge_rows) {
        const size_t rows = height - row < stage->merge_rows ? height - row : stage->merge_rows;
        for (size_t r = 0; r < rows; r++)
            gather_neighbours(stage, x, row + r, work + r * width * dim);
        swin->kernels->layer_norm(work, rows * width, dim, dim, stage->merge_norm.gain,
                                  stage->merge_norm.bias, patch_eps, work, dim);
        mdp_linear_run(&stage->merge, work, rows * width, dim, MDP_ACTIVATION_NONE, NULL,
                       x + row * width * dim / 2, dim / 2);
    }
}

/* --- the whole --- */

/* Final norm, mean, head. */
static void pool(const struct mdp_swin *swin, const float *x, float *work, float *features,
                 const struct mdp_tapped *tapped)
{
    const struct mdp_swin_stage *last = &swin->stage[swin->stages - 1];
    const size_t tokens = last->height * last->width, dim = last->dim;
    struct mdp_scratch s = {.block = work + swin->work_size};
    float *pooled = mdp_scratch_take(&s, dim);

    swin->kernels->layer_norm(x, tokens, dim, dim, swin->final_norm.gain, swin->final_norm.bias, swin->eps,
                              work, dim);
    mdp_tap_show(tapped, work, tokens, dim, "layernorm");
    mdp_map_mean(work, tokens, dim, dim, pooled);
    mdp_tap_show(tapped, pooled, 1, dim, "pooler");
    mdp_head_run(&swin->head, pooled, 1, dim, s.block + s.used, features);
    if (swin->head.n)
        mdp_tap_show(tapped, features, 1, swin->head.out, "projection");
}

/* Floats that pool() takes behind the work of a group. */
static size_t pool_size(const struct mdp_swin *swin)
{
    struct mdp_scratch s = {0};

    mdp_scratch_take(&s, swin->head.in);
    return s.used + mdp_head_scratch_size(&swin->head, 1);
}

/* Taps: "embeddings", "layers.<s>.blocks.<b>", "layers.<s>.downsample", "layernorm", "pooler", "projection". */
static void run(const void *model, const float *input, float *scratch, float *features,
                const struct mdp_tapped *tapped)
{
    const struct mdp_swin *swin = model;
    float *x = scratch, *work = scratch + swin->tokens_size;

    embed(swin, input, x, work);
    mdp_tap_show(tapped, x, swin->stage[0].height * swin->stage[0].width, swin->stage[0].dim, "embeddings");
    for (size_t s = 0; s < swin->stages; s++) {
        const struct mdp_swin_stage *stage = &swin->stage[s];
        for (size_t b = 0; b < stage->depth; b++) {
            run_block(swin, stage, &stage->blocks[b], stage->shifts && b % 2 == 1, x, work);
            mdp_tap_show(tapped, x, stage->height * stage->width, stage->dim, "layers.%zu.blocks.%zu", s, b);
        }
        if (s + 1 < swin->stages) {
            merge(swin, stage, x, work);
            mdp_tap_show(tapped, x, swin->stage[s + 1].height * swin->stage[s + 1].width, 2 * stage->dim,
                         "layers.%zu.downsample", s);
        }
    }
    pool(swin, x, work, features, tapped);
}

/* --- the family --- */

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_image_tower *tower, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_swin *swin = tower->model = mdp_new_array(1, sizeof *swin, err, &st);

    TRY(st);
    TRY(mdp_swin_config_from_yaml(doc, node, swin, err));
    TRY(mdp_swin_plan(swin, err));
    const struct mdp_patches *p = &swin->config.patches;
    tower->sizes = (struct mdp_image_sizes){swin->head.out, p->channels, p->height, p->width};
    tower->scratch_size = swin->tokens_size + swin->work_size + pool_size(swin);
    return MDP_OK;
}

static mdp_status load(void *model, const struct mdp_weights *weights, struct mdp_error *err)
{
    return mdp_swin_load(model, weights, err);
}

static void free_model(void *model)
{
    if (model)
        mdp_swin_release(model);
    free(model);
}

const struct mdp_image_family mdp_swin_family = {
    .name = "swin", .from_yaml = from_yaml, .load = load, .run = run, .free = free_model};
