/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/clip_pool.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/kernels/map_pool.h"
#include "extract/towers/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

mdp_status mdp_clip_pool_load(const struct mdp_layer_source *source, struct mdp_clip_pool *pool,
                              struct mdp_error *err)
{
    static const char *const query[] = {"q_proj"}, *key_value[] = {"k_proj", "v_proj"};
    const size_t c = pool->channels, shape[] = {1 + pool->pixels, c};

    TRY(mdp_kernels_choose(&pool->kernels, err));
    TRY(mdp_tensor_load(source, &pool->positions, 2, shape, err, "positional_embedding"));
    TRY(mdp_linear_load(source, query, 1, c, c, true, &pool->query, err));
    return mdp_linear_load(source, key_value, 2, c, c, true, &pool->key_value, err);
}

void mdp_clip_pool_release(struct mdp_clip_pool *pool)
{
    free(pool->positions);
    mdp_linear_release(&pool->query);
    mdp_linear_release(&pool->key_value);
    *pool = (struct mdp_clip_pool){0};
}

struct work {
    float *tokens;    /* [1 + P, C] */
    float *query;     /* [C] */
    float *key_value; /* [1 + P, 2C] */
    float *attention;
};

static size_t divide(const struct mdp_clip_pool *pool, const struct mdp_kernels *kernels, float *block,
                     struct work *w)
{
    const size_t tokens = 1 + pool->pixels, c = pool->channels;
    struct mdp_scratch s = {.block = block};

    w->tokens = mdp_scratch_take(&s, tokens * c);
    w->query = mdp_scratch_take(&s, c);
    w->key_value = mdp_scratch_take(&s, tokens * 2 * c);
    w->attention = mdp_scratch_take(&s, kernels->attention_scratch(tokens, c / pool->heads));
    return s.used;
}

mdp_status mdp_clip_pool_scratch_size(const struct mdp_clip_pool *pool, size_t *size, struct mdp_error *err)
{
    const struct mdp_kernels *kernels = NULL;
    struct work w;

    TRY(mdp_kernels_choose(&kernels, err));
    *size = divide(pool, kernels, NULL, &w);
    return MDP_OK;
}

void mdp_clip_pool_run(const struct mdp_clip_pool *pool, const float *map, float *scratch, float *pooled)
{
    const size_t tokens = 1 + pool->pixels, c = pool->channels, dim = c / pool->heads;
    struct work w;

    divide(pool, pool->kernels, scratch, &w);
    mdp_map_mean(map, pool->pixels, c, c, w.tokens);
    memcpy(w.tokens + c, map, pool->pixels * c * sizeof *map);
    for (size_t i = 0; i < tokens * c; i++)
        w.tokens[i] += pool->positions[i];
    mdp_linear_run(&pool->query, w.tokens, 1, c, MDP_ACTIVATION_NONE, NULL, w.query, c);
    mdp_linear_run(&pool->key_value, w.tokens, tokens, c, MDP_ACTIVATION_NONE, NULL, w.key_value, 2 * c);
    const struct mdp_attention attention = {.q = w.query,
                                            .k = w.key_value,
                                            .v = w.key_value + c,
                                            .queries = 1,
                                            .keys = tokens,
                                            .ld = 2 * c,
                                            .heads = pool->heads,
                                            .dim = dim,
                                            .scale = 1 / sqrtf((float)dim),
                                            .out = pooled,
                                            .ld_out = c};
    pool->kernels->attention(&attention, w.attention);
}
