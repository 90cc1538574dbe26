/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/statistics/bootstrap.h"

#include "base/memory.h"
#include "base/numbers/rng.h"
#include "base/parallel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* More than this is not kept. */
#define KEPT_BYTES ((size_t)256 << 20)

static void draw_block(const struct mdp_resamples *r, size_t block, double (*weights)[MDP_RESAMPLES_AT_ONCE])
{
    memset(weights, 0, r->g * sizeof *weights);
    for (size_t l = 0; l < MDP_RESAMPLES_AT_ONCE; l++) {
        struct mdp_rng rng;
        mdp_rng_init(&rng, r->seed, (uint32_t)(block * MDP_RESAMPLES_AT_ONCE + l), MDP_RNG_RESAMPLE);
        for (size_t i = 0; i < r->g; i++)
            weights[mdp_rng_below(&rng, r->g)][l]++;
    }
}

struct keeping {
    const struct mdp_resamples *resamples;
    double (**scratch)[MDP_RESAMPLES_AT_ONCE]; /* [threads], each [G][L] */
};

static mdp_status keep_block(void *context, size_t block, size_t worker, struct mdp_error *err)
{
    const struct keeping *k = context;
    const size_t n = k->resamples->g * MDP_RESAMPLES_AT_ONCE;
    uint8_t *kept = k->resamples->kept + block * n;
    const double *drawn = (const double *)k->scratch[worker];

    (void)err;
    draw_block(k->resamples, block, k->scratch[worker]);
    for (size_t i = 0; i < n; i++) {
        assert(drawn[i] <= UINT8_MAX); /* of probability below 1e-500 */
        kept[i] = (uint8_t)drawn[i];
    }
    return MDP_OK;
}

static void free_scratch(double (**scratch)[MDP_RESAMPLES_AT_ONCE], size_t threads)
{
    for (size_t t = 0; scratch && t < threads; t++)
        free(scratch[t]);
    free(scratch);
}

/* [threads] arrays [G][L]. */
static double (**new_scratch(size_t g, size_t threads, struct mdp_error *err,
                             mdp_status *st))[MDP_RESAMPLES_AT_ONCE]
{
    double(**scratch)[MDP_RESAMPLES_AT_ONCE] = mdp_new_array(threads, sizeof *scratch, err, st);

    for (size_t t = 0; scratch && *st == MDP_OK && t < threads; t++)
        scratch[t] = mdp_new_array(g, sizeof *scratch[t], err, st);
    if (*st == MDP_OK)
        return scratch;
    free_scratch(scratch, threads);
    return NULL;
}

mdp_status mdp_resamples_init(struct mdp_resamples *r, size_t n, size_t g, uint64_t seed, size_t threads,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t bytes = 0;
    struct keeping keeping = {.resamples = r};

    *r = (struct mdp_resamples){
        .n = n, .blocks = n / MDP_RESAMPLES_AT_ONCE + (n % MDP_RESAMPLES_AT_ONCE != 0), .g = g, .seed = seed};
    if (n > UINT32_MAX)
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu resamples are too many", n);
    if (!mdp_mul_size(g, MDP_RESAMPLES_AT_ONCE, &bytes) || !mdp_mul_size(bytes, r->blocks, &bytes) ||
        bytes > KEPT_BYTES)
        return MDP_OK;
    keeping.scratch = new_scratch(g, threads, err, &st);
    if (st == MDP_OK)
        r->kept = mdp_new_array(bytes, 1, err, &st);
    if (st == MDP_OK)
        st = mdp_parallel(r->blocks, threads, keep_block, &keeping, err);
    free_scratch(keeping.scratch, threads);
    if (st != MDP_OK)
        mdp_resamples_release(r);
    return st;
}

void mdp_resamples_release(struct mdp_resamples *r)
{
    free(r->kept);
    *r = (struct mdp_resamples){0};
}

/* The counts of resamples block * L + l into weights[G][L]. */
static void give_block(const struct mdp_resamples *r, size_t block, double (*weights)[MDP_RESAMPLES_AT_ONCE])
{
    const size_t n = r->g * MDP_RESAMPLES_AT_ONCE;
    double *out = (double *)weights;

    if (!r->kept) {
        draw_block(r, block, weights);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = r->kept[block * n + i];
}

struct job {
    const struct mdp_resamples *resamples;
    const struct mdp_metric_list *list;
    struct mdp_bootstrap_set *sets;
    size_t n_sets;
    double (**weights)[MDP_RESAMPLES_AT_ONCE]; /* [threads], each [G][L] */
    double (**values)[MDP_RESAMPLES_AT_ONCE];  /* [threads], each [M][L] */
    struct mdp_metric_work **work;             /* [threads] */
};

static mdp_status evaluate_block(void *context, size_t block, size_t worker, struct mdp_error *err)
{
    const struct job *job = context;
    const size_t m = job->list->n;

    if (job->resamples->stop && *job->resamples->stop)
        return mdp_fail(err, MDP_ERR_INTERRUPTED, "interrupted (nothing is kept: run again to start anew)");
    give_block(job->resamples, block, job->weights[worker]);
    for (size_t s = 0; s < job->n_sets; s++) {
        double *out = job->sets[s].values + block * MDP_RESAMPLES_AT_ONCE * m;
        mdp_metrics_weighted(job->sets[s].scores, job->list,
                             (const double(*)[MDP_RESAMPLES_AT_ONCE])job->weights[worker], job->work[worker],
                             job->values[worker]);
        for (size_t l = 0; l < MDP_RESAMPLES_AT_ONCE; l++)
            for (size_t i = 0; i < m; i++)
                out[l * m + i] = job->values[worker][i][l];
    }
    return MDP_OK;
}

mdp_status mdp_bootstrap(const struct mdp_resamples *resamples, const struct mdp_metric_list *list,
                         struct mdp_bootstrap_set sets[], size_t n, size_t threads, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct job job = {.resamples = resamples, .list = list, .sets = sets, .n_sets = n};

    job.weights = new_scratch(resamples->g, threads, err, &st);
    if (st == MDP_OK)
        job.values = new_scratch(list->n, threads, err, &st);
    if (st == MDP_OK)
        job.work = mdp_new_array(threads, sizeof *job.work, err, &st);
    for (size_t t = 0; st == MDP_OK && t < threads; t++)
        st = mdp_metric_work_new(sets[0].scores->rows.k, &job.work[t], err);
    if (st == MDP_OK)
        st = mdp_parallel(resamples->blocks, threads, evaluate_block, &job, err);
    for (size_t t = 0; job.work && t < threads; t++)
        mdp_metric_work_free(job.work[t]);
    free(job.work);
    free_scratch(job.values, threads);
    free_scratch(job.weights, threads);
    return st;
}
