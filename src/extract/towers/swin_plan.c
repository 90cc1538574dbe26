/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from a Swin's sizes alone: maps, the order of tokens in windows, shift masks, scratch. */
#include "base/memory.h"
#include "extract/towers/swin.h"

#include <stdlib.h>

/* Rows that pass through a block together: few enough that a block's work stays in the second-level cache,
   enough that weights are not read again too often. */
enum { GROUP_ROWS = 196 };

static size_t divide_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Windows in row order, their tokens in row order. A shifted block's windows begin `shift` rows and columns
   further, and wrap around. */
static mdp_status order_tokens(const struct mdp_swin_stage *stage, size_t window, size_t shift,
                               uint32_t **order, struct mdp_error *err)
{
    const size_t rows = stage->window_rows * window, columns = stage->window_columns * window;
    mdp_status st = MDP_OK;
    uint32_t *next = *order = mdp_new_array(rows * columns, sizeof **order, err, &st);

    if (!next)
        return st;
    for (size_t i = 0; i < stage->window_rows; i++)
        for (size_t j = 0; j < stage->window_columns; j++)
            for (size_t a = 0; a < window; a++)
                for (size_t b = 0; b < window; b++) {
                    const size_t y = (i * window + a + shift) % rows, x = (j * window + b + shift) % columns;
                    const bool inside = y < stage->height && x < stage->width;
                    *next++ = inside ? (uint32_t)(y * stage->width + x) : MDP_SWIN_PADDING;
                }
    return MDP_OK;
}

/* Of a shifted map only the last row and column of windows hold tokens that were not neighbours: what wrapped
   around is its last `shift` rows (columns). -100 between different regions, as the original adds it. */
static mdp_status make_mask(struct mdp_swin *swin, size_t edges, struct mdp_error *err)
{
    const size_t window = swin->config.window, shift = window / 2;
    mdp_status st = MDP_OK;
    float *mask = swin->mask[edges] =
        mdp_new_array(swin->window_size * swin->ld_bias, sizeof *mask, err, &st);

    if (!mask)
        return st;
    for (size_t q = 0; q < swin->window_size; q++)
        for (size_t k = 0; k < swin->window_size; k++) {
            const bool across_x =
                (edges & 1) && (q % window < window - shift) != (k % window < window - shift);
            const bool across_y =
                (edges & 2) && (q / window < window - shift) != (k / window < window - shift);
            mask[q * swin->ld_bias + k] = across_x || across_y ? -100 : 0;
        }
    return MDP_OK;
}

static mdp_status plan_stage(struct mdp_swin *swin, size_t s, size_t height, size_t width,
                             struct mdp_error *err)
{
    struct mdp_swin_stage *stage = &swin->stage[s];
    const size_t window = swin->config.window;
    mdp_status st = MDP_OK;

    stage->height = height;
    stage->width = width;
    stage->dim = swin->config.embed_dim << s;
    stage->heads = swin->config.heads[s];
    stage->hidden = (size_t)(swin->config.mlp_ratio * (double)stage->dim);
    stage->depth = swin->config.depths[s];
    stage->window_rows = divide_up(height, window);
    stage->window_columns = divide_up(width, window);
    stage->group = most(1, GROUP_ROWS / swin->window_size);
    stage->merge_rows = most(1, GROUP_ROWS / divide_up(width, 2));
    /* With one row or column of windows there is nothing to shift to: the original's rule. */
    stage->shifts = height > window && width > window && window / 2 > 0;
    if (height < window || width < window)
        return mdp_fail(
            err, MDP_ERR_VALUE,
            "stage %zu of the image tower has a map of %zu x %zu tokens, smaller than its window of "
            "%zu (the model takes larger pictures)",
            s, height, width, window);
    st = order_tokens(stage, window, 0, &stage->order[0], err);
    return st != MDP_OK ? st : order_tokens(stage, window, window / 2, &stage->order[1], err);
}

/* Floats that one group of windows of a stage needs; see struct group in swin.c. */
static size_t group_size(const struct mdp_swin *swin, const struct mdp_swin_stage *stage)
{
    const size_t rows = stage->group * swin->window_size;

    return rows * (3 * stage->dim + most(3 * stage->dim, stage->hidden)) +
           swin->kernels->attention_scratch(swin->window_size, stage->dim / stage->heads);
}

static mdp_status plan_masks(struct mdp_swin *swin, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    for (size_t edges = 1; edges < 4 && st == MDP_OK; edges++)
        st = make_mask(swin, edges, err);
    return st;
}

mdp_status mdp_swin_plan(struct mdp_swin *swin, struct mdp_error *err)
{
    const struct mdp_swin_config *c = &swin->config;
    size_t height = mdp_patches_rows(&c->patches), width = mdp_patches_columns(&c->patches);
    mdp_status st = mdp_kernels_choose(&swin->kernels, err);

    swin->eps = (float)c->layer_norm_eps;
    swin->window_size = c->window * c->window;
    swin->ld_bias = divide_up(swin->window_size, MDP_SCORE_STEP) * MDP_SCORE_STEP;
    swin->stages = c->stages;
    swin->work_size = width * mdp_patches_values(&c->patches);
    for (size_t s = 0; s < c->stages && st == MDP_OK; s++) {
        st = plan_stage(swin, s, height, width, err);
        if (st != MDP_OK)
            return st;
        const struct mdp_swin_stage *stage = &swin->stage[s];
        swin->tokens_size = most(swin->tokens_size, height * width * stage->dim);
        swin->work_size = most(swin->work_size, group_size(swin, stage));
        height = divide_up(height, 2);
        width = divide_up(width, 2);
        swin->work_size = most(swin->work_size, stage->merge_rows * width * 4 * stage->dim);
        swin->work_size = most(swin->work_size, stage->height * stage->width * stage->dim); /* final norm */
    }
    return st != MDP_OK ? st : plan_masks(swin, err);
}
