/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/attention_pool.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- weights --- */

/* Weights and biases of query, and of key and value together, as the layout has them. */
struct projections {
    float *q, *kv;           /* [E, E], [2E, W] */
    float *q_bias, *kv_bias; /* [E], [2E] */
};

static void release(struct projections *p)
{
    free(p->q);
    free(p->kv);
    free(p->q_bias);
    free(p->kv_bias);
}

/* values[first..first + n] as a new array. */
static mdp_status part_of(const float *values, size_t first, size_t n, float **part, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *part = mdp_new_array(n, sizeof **part, err, &st);
    if (*part)
        memcpy(*part, values + first, n * sizeof **part);
    return st;
}

static mdp_status load_packed(const struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                              const struct mdp_pool_names *n, struct projections *p, struct mdp_error *err)
{
    const size_t e = pool->width, shape[] = {3 * e, e};
    float *all = NULL;
    mdp_status st = mdp_tensor_load(source, &all, 2, shape, err, "%s", n->in_weight);

    if (st == MDP_OK)
        st = part_of(all, 0, e * e, &p->q, err);
    if (st == MDP_OK)
        st = part_of(all, e * e, 2 * e * e, &p->kv, err);
    free(all);
    return st;
}

static mdp_status load_apart(const struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                             const struct mdp_pool_names *n, struct projections *p, struct mdp_error *err)
{
    const size_t e = pool->width, w = pool->in, q_shape[] = {e, e}, kv_shape[] = {e, w};
    float *k = NULL, *v = NULL;
    mdp_status st = mdp_tensor_load(source, &p->q, 2, q_shape, err, "%s", n->q_weight);

    if (st == MDP_OK)
        st = mdp_tensor_load(source, &k, 2, kv_shape, err, "%s", n->k_weight);
    if (st == MDP_OK)
        st = mdp_tensor_load(source, &v, 2, kv_shape, err, "%s", n->v_weight);
    if (st == MDP_OK)
        p->kv = mdp_new_array(2 * e * w, sizeof *p->kv, err, &st);
    if (st == MDP_OK) {
        memcpy(p->kv, k, e * w * sizeof *k);
        memcpy(p->kv + e * w, v, e * w * sizeof *v);
    }
    free(k);
    free(v);
    return st;
}

static mdp_status load_in_bias(const struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                               const struct mdp_pool_names *n, struct projections *p, struct mdp_error *err)
{
    const size_t e = pool->width, shape[] = {3 * e};
    float *all = NULL;
    mdp_status st = mdp_tensor_load(source, &all, 1, shape, err, "%s", n->in_bias);

    if (st == MDP_OK)
        st = part_of(all, 0, e, &p->q_bias, err);
    if (st == MDP_OK)
        st = part_of(all, e, 2 * e, &p->kv_bias, err);
    free(all);
    return st;
}

static mdp_status load_layers(const struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                              const struct mdp_pool_names *n, struct projections *p, struct mdp_error *err)
{
    const size_t e = pool->width, q_shape[] = {e, e}, kv_shape[] = {2 * e, pool->in};

    TRY(mdp_tensor_load(source, &p->q, 2, q_shape, err, "%s.weight", n->q));
    TRY(mdp_tensor_load(source, &p->q_bias, 1, q_shape, err, "%s.bias", n->q));
    TRY(mdp_tensor_load(source, &p->kv, 2, kv_shape, err, "%s.weight", n->kv));
    return mdp_tensor_load(source, &p->kv_bias, 1, kv_shape, err, "%s.bias", n->kv);
}

static mdp_status load_projections(const struct mdp_attention_pool *pool,
                                   const struct mdp_layer_source *source, const struct mdp_pool_names *n,
                                   struct projections *p, struct mdp_error *err)
{
    if (n->q)
        return load_layers(pool, source, n, p, err);
    TRY(n->in_weight && (pool->in == pool->width || !n->q_weight) ? load_packed(pool, source, n, p, err)
                                                                  : load_apart(pool, source, n, p, err));
    return load_in_bias(pool, source, n, p, err);
}

/* The first query, normed where the layout does that, and projected. */
static mdp_status load_query(struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                             const struct mdp_pool_names *n, const struct projections *p,
                             struct mdp_error *err)
{
    struct mdp_linear q = {0};
    struct mdp_norm norm = {0};
    float *queries = NULL;
    size_t rows = 0;
    mdp_status st = mdp_table_load(source, n->query, pool->width, &queries, &rows, err);

    if (st == MDP_OK && n->query_norm)
        st = mdp_norm_load(source, n->query_norm, pool->width, &norm, err);
    if (st == MDP_OK)
        st = mdp_linear_init(&q, p->q, p->q_bias, pool->width, pool->width, err);
    if (st == MDP_OK)
        pool->query = mdp_new_array(pool->width, sizeof *pool->query, err, &st);
    if (st == MDP_OK) {
        if (n->query_norm)
            pool->kernels->layer_norm(queries, 1, pool->width, pool->width, norm.gain, norm.bias, pool->eps,
                                      queries, pool->width);
        mdp_linear_run(&q, queries, 1, pool->width, MDP_ACTIVATION_NONE, NULL, pool->query, pool->width);
    }
    mdp_linear_release(&q);
    mdp_norm_release(&norm);
    free(queries);
    return st;
}

static mdp_status load_mlp(struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                           const struct mdp_pool_names *n, struct mdp_error *err)
{
    const char *const in[] = {n->mlp_in}, *const out[] = {n->mlp_out};

    TRY(mdp_norm_load(source, n->norm, pool->width, &pool->norm, err));
    TRY(mdp_linear_load(source, in, 1, pool->hidden, pool->width, true, &pool->mlp_in, err));
    return mdp_linear_load(source, out, 1, pool->width, pool->hidden, true, &pool->mlp_out, err);
}

mdp_status mdp_attention_pool_load(struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                                   const struct mdp_pool_names *names, struct mdp_error *err)
{
    const char *const output[] = {names->output};
    struct projections p = {0};
    mdp_status st = mdp_kernels_choose(&pool->kernels, err);

    if (st == MDP_OK)
        st = load_projections(pool, source, names, &p, err);
    if (st == MDP_OK)
        st = load_query(pool, source, names, &p, err);
    if (st == MDP_OK)
        st = mdp_linear_init(&pool->kv, p.kv, p.kv_bias, 2 * pool->width, pool->in, err);
    release(&p);
    if (st == MDP_OK && names->token_norm)
        st = mdp_norm_load(source, names->token_norm, pool->in, &pool->token_norm, err);
    if (st == MDP_OK)
        st = mdp_linear_load(source, output, 1, pool->width, pool->width, true, &pool->output, err);
    return st == MDP_OK && pool->hidden ? load_mlp(pool, source, names, err) : st;
}

void mdp_attention_pool_release(struct mdp_attention_pool *pool)
{
    free(pool->query);
    mdp_norm_release(&pool->token_norm);
    mdp_linear_release(&pool->kv);
    mdp_linear_release(&pool->output);
    mdp_norm_release(&pool->norm);
    mdp_linear_release(&pool->mlp_in);
    mdp_linear_release(&pool->mlp_out);
    *pool = (struct mdp_attention_pool){0};
}

/* --- run --- */

struct work {
    float *normed;    /* [T, W] */
    float *kv;        /* [T, 2E] */
    float *context;   /* [E] */
    float *sum;       /* [E] */
    float *hidden;    /* [hidden] */
    float *attention; /* the kernel's own */
};

static void divide(const struct mdp_attention_pool *pool, size_t tokens, struct mdp_scratch *s,
                   struct work *w)
{
    w->normed = mdp_scratch_take(s, pool->token_norm.gain ? tokens * pool->in : 0);
    w->kv = mdp_scratch_take(s, 2 * tokens * pool->width);
    w->context = mdp_scratch_take(s, pool->width);
    w->sum = mdp_scratch_take(s, pool->width);
    w->hidden = mdp_scratch_take(s, pool->hidden);
    w->attention = mdp_scratch_take(s, pool->kernels->attention_scratch(tokens, pool->width / pool->heads));
}

size_t mdp_attention_pool_scratch_size(const struct mdp_attention_pool *pool, size_t tokens)
{
    struct mdp_scratch s = {0};
    struct work unused;

    divide(pool, tokens, &s, &unused);
    return s.used;
}

void mdp_attention_pool_run(const struct mdp_attention_pool *pool, const float *x, size_t tokens,
                            float *scratch, float *pooled)
{
    const size_t e = pool->width, dim = e / pool->heads;
    struct mdp_scratch s = {.block = scratch};
    struct work w;

    divide(pool, tokens, &s, &w);
    if (pool->token_norm.gain) {
        pool->kernels->layer_norm(x, tokens, pool->in, pool->in, pool->token_norm.gain, pool->token_norm.bias,
                                  pool->eps, w.normed, pool->in);
        x = w.normed;
    }
    mdp_linear_run(&pool->kv, x, tokens, pool->in, MDP_ACTIVATION_NONE, NULL, w.kv, 2 * e);
    const struct mdp_attention attention = {.q = pool->query,
                                            .k = w.kv,
                                            .v = w.kv + e,
                                            .queries = 1,
                                            .keys = tokens,
                                            .ld = 2 * e,
                                            .heads = pool->heads,
                                            .dim = dim,
                                            .scale = 1 / sqrtf((float)dim),
                                            .out = w.context,
                                            .ld_out = e};
    pool->kernels->attention(&attention, w.attention);
    if (!pool->hidden) {
        mdp_linear_run(&pool->output, w.context, 1, e, MDP_ACTIVATION_NONE, NULL, pooled, e);
        return;
    }
    mdp_linear_run(&pool->output, w.context, 1, e, MDP_ACTIVATION_NONE, NULL, w.sum, e);
    pool->kernels->layer_norm(w.sum, 1, e, e, pool->norm.gain, pool->norm.bias, pool->eps, w.context, e);
    mdp_linear_run(&pool->mlp_in, w.context, 1, e, pool->activation, NULL, w.hidden, pool->hidden);
    mdp_linear_run(&pool->mlp_out, w.hidden, 1, pool->hidden, MDP_ACTIVATION_NONE, w.sum, pooled, e);
}
