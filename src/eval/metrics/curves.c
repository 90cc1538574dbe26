/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/curves.h"

#include "base/memory.h"
#include "eval/metrics/roc.h"
#include "eval/statistics/intervals.h"

#include <stdlib.h>
#include <string.h>

struct mdp_curve_episodes {
    const char *method, *class_name;
    size_t shots, class_index, order; /* order: of the method's first appearance */
    size_t n, capacity;
    double *tpr; /* [n, MDP_ROC_POINTS] */
};

static mdp_status find_curve(struct mdp_curve_set *set, const char *method, size_t shots, size_t class_index,
                             struct mdp_curve_episodes **curve, struct mdp_error *err)
{
    size_t order = set->n;

    for (size_t i = set->n; i-- > 0;) {
        struct mdp_curve_episodes *c = &set->at[i];
        if (strcmp(c->method, method) != 0)
            continue;
        order = c->order;
        if (c->shots == shots && c->class_index == class_index) {
            *curve = c;
            return MDP_OK;
        }
    }
    mdp_status st = mdp_grow(&set->at, &set->capacity, set->n + 1, sizeof *set->at, err);
    if (st != MDP_OK)
        return st;
    *curve = &set->at[set->n++];
    **curve = (struct mdp_curve_episodes){
        .method = method, .shots = shots, .class_index = class_index, .order = order};
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
        st = find_curve(set, method, shots, c, &curve, err);
        if (st == MDP_OK)
            curve->class_name = class_names[c];
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
    *to = (struct mdp_roc_curve){
        .method = from->method, .shots = from->shots, .class_name = from->class_name, .n_episodes = from->n};
    for (size_t i = 0; i < MDP_ROC_POINTS; i++) {
        double variance;
        size_t used;
        for (size_t e = 0; e < from->n; e++)
            values[e] = from->tpr[e * MDP_ROC_POINTS + i];
        mdp_mean_variance(values, from->n, &to->tpr[i], &variance, &used);
        qsort(values, from->n, sizeof *values, by_value);
        to->low[i] = mdp_quantile_sorted(values, from->n, 0.025);
        to->high[i] = mdp_quantile_sorted(values, from->n, 0.975);
    }
    free(values);
    return MDP_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct mdp_curve_episodes *const *x = a, *const *y = b;

    if ((*x)->order != (*y)->order)
        return (*x)->order < (*y)->order ? -1 : 1;
    if ((*x)->shots != (*y)->shots)
        return (*x)->shots < (*y)->shots ? -1 : 1;
    return ((*x)->class_index > (*y)->class_index) - ((*x)->class_index < (*y)->class_index);
}

mdp_status mdp_curves_results(const struct mdp_curve_set *set, struct mdp_results *results,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const struct mdp_curve_episodes **sorted = mdp_new_array(set->n, sizeof *sorted, err, &st);

    if (!sorted)
        return st;
    for (size_t i = 0; i < set->n; i++)
        sorted[i] = &set->at[i];
    qsort(sorted, set->n, sizeof *sorted, by_place);
    results->curves = mdp_pool_array(results->pool, set->n, sizeof *results->curves, err, &st);
    for (size_t i = 0; st == MDP_OK && i < set->n; i++)
        st = average(sorted[i], &results->curves[i], err);
    results->n_curves = st == MDP_OK ? set->n : 0;
    free(sorted);
    return st;
}

void mdp_curves_release(struct mdp_curve_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        free(set->at[i].tpr);
    free(set->at);
    *set = (struct mdp_curve_set){0};
}
