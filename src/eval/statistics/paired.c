/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/statistics/paired.h"

#include "base/memory.h"
#include "eval/metrics/roc.h"
#include "eval/statistics/hypothesis.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* One class of scored rows as two sides, with the placements of one or two methods. */
struct sides {
    size_t n;
    uint8_t *labels;    /* [n] */
    double *scores;     /* [n] */
    double *placements; /* [n]: of a, or of a minus b */
    double *other;      /* [n]: of b */
    struct mdp_auc auc; /* of a, or a - b */
};

static void release_sides(struct sides *s)
{
    free(s->labels);
    free(s->scores);
    free(s->placements);
    free(s->other);
    *s = (struct sides){0};
}

static mdp_status init_sides(struct sides *s, size_t n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *s = (struct sides){.n = n};
    s->labels = mdp_new_array(n, sizeof *s->labels, err, &st);
    s->scores = mdp_new_array(n, sizeof *s->scores, err, &st);
    s->placements = mdp_new_array(n, sizeof *s->placements, err, &st);
    s->other = mdp_new_array(n, sizeof *s->other, err, &st);
    if (st != MDP_OK)
        release_sides(s);
    return st;
}

static mdp_status place(struct sides *s, const struct mdp_rows *rows, size_t c, double placements[],
                        struct mdp_auc *auc, struct mdp_error *err)
{
    mdp_rows_one_vs_rest(rows, c, s->scores, s->labels);
    return mdp_auc_placements(s->scores, s->labels, s->n, auc, placements, err);
}

/* AUC of class c in a, or in a minus in b, into s. */
static mdp_status place_class(struct sides *s, const struct mdp_rows *a, const struct mdp_rows *b, size_t c,
                              struct mdp_error *err)
{
    struct mdp_auc of_b;
    mdp_status st = place(s, a, c, s->placements, &s->auc, err);

    if (st != MDP_OK || !b)
        return st;
    st = place(s, b, c, s->other, &of_b, err);
    s->auc.value -= of_b.value;
    for (size_t i = 0; i < s->n; i++)
        s->placements[i] -= s->other[i];
    return st;
}

static mdp_status variances(const struct sides *s, const struct mdp_rows *rows, double *independent,
                            double *clustered, struct mdp_error *err)
{
    *independent = *clustered = NAN;
    if (isnan(s->auc.value))
        return MDP_OK;
    *independent = mdp_delong_variance(&s->auc, s->placements, s->labels, s->n);
    return mdp_delong_clustered_variance(&s->auc, s->placements, s->labels, rows->patients, s->n,
                                         rows->n_patients, clustered, err);
}

static size_t count_right(const struct mdp_sorted_scores *scores)
{
    const struct mdp_rows *rows = &scores->rows;
    size_t right = 0;

    for (size_t i = 0; i < rows->n; i++)
        right += scores->predicted[i] == rows->labels[i];
    return right;
}

/* An interval of no width is remarked: DeLong's variance is that of the placements, which are all the same where,
   say, every row of the class is above every other row. */
static void put_area(struct mdp_named_interval out[], size_t *n, const char *metric, const char *method,
                     struct mdp_interval interval)
{
    static const char no_width[] =
        "every picture of the class stands alike to all others, so that the estimated variance is 0 and the "
        "interval has no width: it says nothing of other patients";

    out[(*n)++] =
        (struct mdp_named_interval){metric, method, interval, interval.variance == 0 ? no_width : NULL};
}

mdp_status mdp_intervals_of(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                            struct mdp_named_interval out[], size_t *n, struct mdp_error *err)
{
    const struct mdp_rows *rows = &scores->rows;
    struct sides s;
    mdp_status st = init_sides(&s, rows->n, err);

    *n = 0;
    for (size_t m = 0; st == MDP_OK && m < list->n; m++) {
        const struct mdp_metric *metric = &list->at[m];
        double independent, clustered;
        if (metric->kind->inference == MDP_INFERENCE_RATE) {
            const size_t right = count_right(scores);
            out[(*n)++] = (struct mdp_named_interval){metric->name, "wilson",
                                                      mdp_interval_wilson(right, rows->n, MDP_LEVEL), NULL};
            out[(*n)++] =
                (struct mdp_named_interval){metric->name, "clopper-pearson",
                                            mdp_interval_clopper_pearson(right, rows->n, MDP_LEVEL), NULL};
        }
        if (metric->kind->inference != MDP_INFERENCE_AUC)
            continue;
        st = place_class(&s, rows, NULL, metric->class_index, err);
        if (st == MDP_OK)
            st = variances(&s, rows, &independent, &clustered, err);
        if (st != MDP_OK)
            break;
        put_area(out, n, metric->name, "delong",
                 mdp_interval_normal(s.auc.value, independent, MDP_LEVEL, 0, 1));
        put_area(out, n, metric->name, "delong-clustered",
                 mdp_interval_normal(s.auc.value, clustered, MDP_LEVEL, 0, 1));
    }
    release_sides(&s);
    return st;
}

static struct mdp_comparison_test compare_accuracy(const struct mdp_sorted_scores *a,
                                                   const struct mdp_sorted_scores *b)
{
    const struct mdp_rows *rows = &a->rows;
    const int32_t *by_a = a->predicted, *by_b = b->predicted;
    size_t only_a = 0, only_b = 0;

    for (size_t i = 0; i < rows->n; i++) {
        const bool right_a = by_a[i] == rows->labels[i], right_b = by_b[i] == rows->labels[i];
        only_a += right_a && !right_b;
        only_b += right_b && !right_a;
    }
    return mdp_mcnemar_exact(only_a, only_b, rows->n, MDP_LEVEL);
}

static void put_test(struct mdp_episode_test out[], size_t *n, const char *against, const char *metric,
                     const char *test, struct mdp_comparison_test t)
{
    out[(*n)++] = (struct mdp_episode_test){against, metric, test, t.difference, t.low, t.high, t.p, NAN};
}

mdp_status mdp_paired_tests(const struct mdp_sorted_scores *a, const struct mdp_sorted_scores *b,
                            const struct mdp_metric_list *list, const char *against,
                            struct mdp_episode_test out[], size_t *n, struct mdp_error *err)
{
    const struct mdp_rows *rows = &a->rows, *other = &b->rows;
    struct sides s;
    mdp_status st = init_sides(&s, rows->n, err);

    assert(rows->n == other->n && rows->k == other->k);
    *n = 0;
    for (size_t m = 0; st == MDP_OK && m < list->n; m++) {
        const struct mdp_metric *metric = &list->at[m];
        double independent, clustered;
        if (metric->kind->inference == MDP_INFERENCE_RATE)
            put_test(out, n, against, metric->name, "mcnemar-exact", compare_accuracy(a, b));
        if (metric->kind->inference != MDP_INFERENCE_AUC)
            continue;
        st = place_class(&s, rows, other, metric->class_index, err);
        if (st == MDP_OK)
            st = variances(&s, rows, &independent, &clustered, err);
        if (st != MDP_OK)
            break;
        put_test(out, n, against, metric->name, "delong", mdp_z_test(s.auc.value, independent, MDP_LEVEL));
        put_test(out, n, against, metric->name, "delong-clustered",
                 mdp_z_test(s.auc.value, clustered, MDP_LEVEL));
    }
    release_sides(&s);
    return st;
}
