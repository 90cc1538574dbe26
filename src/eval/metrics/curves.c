/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/curves.h"

#include "base/memory.h"
#include "base/try.h"
#include "eval/metrics/roc.h"
#include "eval/statistics/intervals.h"

#include <stdlib.h>
#include <string.h>

struct mdp_curve_episodes {
    const char *method, *class_name;
    size_t shots, class_index;
    size_t n, capacity;
    double *tpr; /* [n, MDP_ROC_POINTS] */
};

static struct mdp_curve_episodes *find_curve(const struct mdp_curve_set *set, const char *method,
                                             size_t shots, size_t class_index)
{
    for (size_t i = set->n; i-- > 0;) {
        struct mdp_curve_episodes *c = &set->at[i];
        if (c->shots == shots && c->class_index == class_index && strcmp(c->method, method) == 0)
            return c;
    }
    return NULL;
}

static mdp_status new_curve(struct mdp_curve_set *set, struct mdp_curve_episodes what,
                            struct mdp_curve_episodes **curve, struct mdp_error *err)
{
    TRY(mdp_grow(&set->at, &set->capacity, set->n + 1, sizeof *set->at, err));
    *curve = &set->at[set->n++];
    **curve = what;
    return MDP_OK;
}

static mdp_status add_curve(struct mdp_curve_episodes *curve, const double scores[], const uint8_t labels[],
                            size_t n, struct mdp_error *err)
{
    double fpr[MDP_ROC_POINTS];
    mdp_status st =
        mdp_grow(&curve->tpr, &curve->capacity, (curve->n + 1) * MDP_ROC_POINTS, sizeof *curve->tpr, err);

    for (size_t i = 0; i < MDP_ROC_POINTS; i++)
        fpr[i] = (double)i / (MDP_ROC_POINTS - 1);
    if (st == MDP_OK)
        st = mdp_roc_at(scores, labels, n, fpr, MDP_ROC_POINTS, curve->tpr + curve->n * MDP_ROC_POINTS, err);
    curve->n += st == MDP_OK;
    return st;
}

mdp_status mdp_curves_add(struct mdp_curve_set *set, const char *method, size_t shots,
                          const struct mdp_rows *rows, const char *const class_names[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    uint8_t *labels = NULL;
    double *scores = mdp_new_array(rows->n, sizeof *scores, err, &st);

    if (st == MDP_OK)
        labels = mdp_new_array(rows->n, sizeof *labels, err, &st);
    for (size_t c = mdp_first_scored_class(rows->k); st == MDP_OK && c < rows->k; c++) {
        struct mdp_curve_episodes *curve = NULL;
        const size_t positives = mdp_rows_one_vs_rest(rows, c, scores, labels);
        if (positives == 0 || positives == rows->n)
            continue;
        curve = find_curve(set, method, shots, c);
        if (!curve)
            st = new_curve(
                set,
                (struct mdp_curve_episodes){
                    .method = method, .class_name = class_names[c], .shots = shots, .class_index = c},
                &curve, err);
        if (st == MDP_OK)
            st = add_curve(curve, scores, labels, rows->n, err);
    }
    free(labels);
    free(scores);
    return st;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static mdp_status average(const struct mdp_curve_episodes *from, struct mdp_roc_curve *to,
                          struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *values = mdp_new_array(from->n, sizeof *values, err, &st);

    if (!values)
        return st;
    *to =
        (struct mdp_roc_curve){.method = from->method, .shots = from->shots, .class_name = from->class_name};
    for (size_t i = 0; i < MDP_ROC_POINTS; i++) {
        double variance;
        size_t used;
        for (size_t e = 0; e < from->n; e++)
            values[e] = from->tpr[e * MDP_ROC_POINTS + i];
        mdp_mean_variance(values, from->n, &to->tpr[i], &variance, &used);
        qsort(values, from->n, sizeof *values, by_value);
        to->low[i] = mdp_quantile_sorted(values, from->n, MDP_LEVEL_LOW);
        to->high[i] = mdp_quantile_sorted(values, from->n, MDP_LEVEL_HIGH);
    }
    free(values);
    return MDP_OK;
}

mdp_status mdp_curves_results(const struct mdp_curve_set *set, struct mdp_results *results,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    results->curves = mdp_pool_array(results->pool, set->n, sizeof *results->curves, err, &st);
    for (size_t i = 0; i < results->n_series; i++)
        for (size_t c = 0; st == MDP_OK && c < results->n_classes; c++) {
            const struct mdp_series *s = &results->series[i];
            const struct mdp_curve_episodes *curve = find_curve(set, s->method, s->shots, c);
            if (curve)
                st = average(curve, &results->curves[results->n_curves++], err);
        }
    return st;
}

void mdp_curves_release(struct mdp_curve_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        free(set->at[i].tpr);
    free(set->at);
    *set = (struct mdp_curve_set){0};
}
