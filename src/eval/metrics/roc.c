/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/roc.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

struct scored {
    double score;
    size_t row;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;

    return (x->score > y->score) - (x->score < y->score);
}

static size_t tie_end(const struct scored at[], size_t n, size_t begin)
{
    size_t end = begin + 1;

    while (end < n && at[end].score == at[begin].score)
        end++;
    return end;
}

/* Rows by ascending score, for free(); NULL with the status in *st. */
static struct scored *sorted_rows(const double scores[], size_t n, struct mdp_error *err, mdp_status *st)
{
    struct scored *at = mdp_new_array(n, sizeof *at, err, st);

    if (!at)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        at[i] = (struct scored){scores[i], i};
        if (isnan(scores[i])) {
            *st = mdp_fail(err, MDP_ERR_VALUE, "score %zu of %zu is not a number", i, n);
            free(at);
            return NULL;
        }
    }
    qsort(at, n, sizeof *at, by_score);
    return at;
}

mdp_status mdp_auc_placements(const double scores[], const uint8_t labels[], size_t n, struct mdp_auc *auc,
                              double placements[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double pairs = 0; /* twice the pairs in the right order, ties counted once: a whole number */
    double below[2] = {0, 0};

    *auc = (struct mdp_auc){.value = NAN};
    struct scored *at = sorted_rows(scores, n, err, &st);
    if (!at)
        return st;
    for (size_t i = 0; i < n; i++)
        auc->n1 += labels[i];
    auc->n0 = n - auc->n1;
    if (auc->n1 == 0 || auc->n0 == 0)
        goto out; /* undefined, by contract */

    const double n1 = (double)auc->n1, n0 = (double)auc->n0;
    for (size_t begin = 0, end; begin < n; begin = end) {
        double tied[2] = {0, 0};
        end = tie_end(at, n, begin);
        for (size_t i = begin; i < end; i++)
            tied[labels[at[i].row]]++;
        for (size_t i = begin; i < end; i++) {
            size_t row = at[i].row;
            placements[row] = labels[row] ? (2 * below[0] + tied[0]) / (2 * n0)
                                          : (2 * (n1 - below[1]) - tied[1]) / (2 * n1);
        }
        pairs += tied[1] * (2 * below[0] + tied[0]);
        below[0] += tied[0];
        below[1] += tied[1];
    }
    auc->value = pairs / (2 * n1 * n0);
out:
    free(at);
    return st;
}

double mdp_delong_variance(const struct mdp_auc *auc, const double placements[], const uint8_t labels[],
                           size_t n)
{
    double squares[2] = {0, 0};
    const double n1 = (double)auc->n1, n0 = (double)auc->n0;

    if (auc->n1 < 2 || auc->n0 < 2)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        double d = placements[i] - auc->value;
        squares[labels[i]] += d * d;
    }
    return squares[1] / (n1 - 1) / n1 + squares[0] / (n0 - 1) / n0;
}

/* Sums of deviations of one cluster, by side. */
struct cluster {
    double sum[2];
    size_t rows[2];
};

mdp_status mdp_delong_clustered_variance(const struct mdp_auc *auc, const double placements[],
                                         const uint8_t labels[], const uint32_t clusters[], size_t n,
                                         size_t n_clusters, double *variance, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double squares[2] = {0, 0}, cross = 0, with[2] = {0, 0}, all = 0;
    struct cluster *at = mdp_new_array(n_clusters, sizeof *at, err, &st);

    *variance = NAN;
    if (!at)
        return st;
    for (size_t i = 0; i < n; i++) {
        struct cluster *c = &at[clusters[i]];
        c->sum[labels[i]] += placements[i] - auc->value;
        c->rows[labels[i]]++;
    }
    for (size_t c = 0; c < n_clusters; c++) {
        for (int side = 0; side < 2; side++) {
            squares[side] += at[c].sum[side] * at[c].sum[side];
            with[side] += at[c].rows[side] > 0;
        }
        cross += at[c].sum[0] * at[c].sum[1];
        all += at[c].rows[0] + at[c].rows[1] > 0;
    }
    free(at);
    if (with[0] < 2 || with[1] < 2)
        return MDP_OK;
    const double n1 = (double)auc->n1, n0 = (double)auc->n0;
    *variance = with[1] / (with[1] - 1) * squares[1] / (n1 * n1) +
                with[0] / (with[0] - 1) * squares[0] / (n0 * n0) + 2 * all / (all - 1) * cross / (n1 * n0);
    /* The exact value is never negative, because fewer clusters have a side than there are; rounding can be.
     */
    if (*variance < 0)
        *variance = 0;
    return MDP_OK;
}

mdp_status mdp_roc_at(const double scores[], const uint8_t labels[], size_t n, const double fpr[], size_t m,
                      double tpr[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double total[2] = {0, 0}, before[2] = {0, 0};
    size_t next = 0; /* of fpr, not yet reached */
    struct scored *at = sorted_rows(scores, n, err, &st);

    if (!at)
        return st;
    for (size_t i = 0; i < n; i++)
        total[labels[i]]++;
    for (size_t i = 0; i < m; i++)
        tpr[i] = 1;
    for (size_t end = n, begin; end > 0; end = begin) {
        double after[2] = {before[0], before[1]};
        for (begin = end; begin > 0 && at[begin - 1].score == at[end - 1].score; begin--)
            after[labels[at[begin - 1].row]]++;
        /* A rate that the step only reaches is left to the next one: its top may be higher. */
        for (; next < m && fpr[next] * total[0] < after[0]; next++) {
            double share = (fpr[next] * total[0] - before[0]) / (after[0] - before[0]);
            tpr[next] = (before[1] + share * (after[1] - before[1])) / total[1];
        }
        before[0] = after[0];
        before[1] = after[1];
    }
    free(at);
    return MDP_OK;
}
