/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/metrics.h"

#include "base/memory.h"
#include "eval/metrics/metric_work.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

mdp_status mdp_metric_work_new(size_t k, struct mdp_metric_work **work, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t cells = 0;
    struct mdp_metric_work *w = mdp_new_array(1, sizeof *w, err, &st);

    *work = NULL;
    if (!w)
        return st;
    if (!mdp_mul_size(k, k, &cells))
        st = mdp_fail(err, MDP_ERR_LIMIT, "%zu classes are too many", k);
    w->k_most = k;
    if (st == MDP_OK)
        w->confusion = mdp_new_array(cells, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->pairs = mdp_new_array(cells, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->true_rows = mdp_new_array(k, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->predicted_rows = mdp_new_array(k, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->below = mdp_new_array(k, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->pairs_counted = mdp_new_array(k, sizeof(bool), err, &st);
    if (st != MDP_OK)
        mdp_metric_work_free(w);
    else
        *work = w;
    return st;
}

void mdp_metric_work_free(struct mdp_metric_work *w)
{
    if (!w)
        return;
    free(w->confusion);
    free(w->pairs);
    free(w->true_rows);
    free(w->predicted_rows);
    free(w->below);
    free(w->pairs_counted);
    free(w);
}

static size_t classes_with_rows(const lanes rows[], size_t k, size_t l)
{
    size_t n = 0;

    for (size_t c = 0; c < k; c++)
        n += rows[c][l] > 0;
    return n;
}

/* Every row is of one class and predicted as it. */
static bool is_one_cell(const struct mdp_metric_work *w, size_t l)
{
    const size_t k = w->scores->rows.k;

    for (size_t c = 0; c < k; c++)
        if (w->confusion[c * k + c][l] == w->total[l])
            return true;
    return false;
}

/* Whether what the metric needs holds in resample l. */
static bool holds(const struct mdp_metric_work *w, const struct mdp_metric *m, size_t l)
{
    const size_t k = w->scores->rows.k;
    const lanes *true_rows = (const lanes *)w->true_rows, *predicted = (const lanes *)w->predicted_rows;
    const double positives = true_rows[m->class_index][l];

    switch (m->kind->needs) {
    case MDP_NEEDS_NOTHING:
        return true;
    case MDP_NEEDS_EVERY_CLASS:
        return classes_with_rows(true_rows, k, l) == k;
    case MDP_NEEDS_POSITIVES:
        return positives > 0;
    case MDP_NEEDS_BOTH_SIDES:
        return positives > 0 && positives < w->total[l];
    case MDP_NEEDS_PROBABILITIES:
        return w->scores->probabilities;
    case MDP_NEEDS_TRUE_AND_PREDICTED_SPREAD:
        return classes_with_rows(true_rows, k, l) > 1 && classes_with_rows(predicted, k, l) > 1;
    case MDP_NEEDS_DISAGREEMENT_BY_CHANCE:
        return !is_one_cell(w, l);
    }
    return false;
}

static void evaluate_metric(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    bool defined[MDP_RESAMPLES_AT_ONCE], any = false;

    MDP_EACH_LANE any |= defined[l] = holds(w, m, l);
    if (any)
        m->kind->compute(w, m, out);
    MDP_EACH_LANE out[l] = defined[l] ? out[l] : NAN;
}

void mdp_metrics_weighted(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                          const double (*weights)[MDP_RESAMPLES_AT_ONCE], struct mdp_metric_work *w,
                          double (*values)[MDP_RESAMPLES_AT_ONCE])
{
    assert(scores->rows.k <= w->k_most);
    w->scores = scores;
    w->weights = weights;
    memset(w->pairs_counted, 0, w->k_most * sizeof(bool));
    mdp_metric_count_confusion(w);
    for (size_t m = 0; m < list->n; m++)
        evaluate_metric(w, &list->at[m], values[m]);
}

mdp_status mdp_metrics_of(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                          double values[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_metric_work *work = NULL;
    const size_t g = scores->rows.n_patients;
    lanes *weights = mdp_new_array(g, sizeof *weights, err, &st);
    lanes *all = NULL;

    if (weights)
        all = mdp_new_array(list->n, sizeof *all, err, &st);
    if (all)
        st = mdp_metric_work_new(scores->rows.k, &work, err);
    if (st != MDP_OK)
        goto out;
    for (size_t i = 0; i < g; i++)
        MDP_EACH_LANE weights[i][l] = 1;
    mdp_metrics_weighted(scores, list, (const lanes *)weights, work, all);
    for (size_t m = 0; m < list->n; m++)
        values[m] = all[m][0];
out:
    mdp_metric_work_free(work);
    free(all);
    free(weights);
    return st;
}

static void reason_of_sides(const struct mdp_metric *metric, const struct mdp_sorted_scores *s,
                            const char *class_name, struct mdp_text *reason)
{
    if (s->class_rows[metric->class_index] == 0)
        mdp_text_add(reason, "none of the %zu rows is of class '%s'", s->rows.n, class_name);
    else
        mdp_text_add(reason, "all of the %zu rows are of class '%s'", s->rows.n, class_name);
}

void mdp_metric_reason(const struct mdp_metric *metric, const struct mdp_sorted_scores *s,
                       const char *const class_names[], struct mdp_text *reason)
{
    switch (metric->kind->needs) {
    case MDP_NEEDS_EVERY_CLASS:
        for (size_t c = 0; c < s->rows.k; c++)
            if (s->class_rows[c] == 0) {
                mdp_text_add(reason, "class '%s' has no rows among the %zu scored ones", class_names[c],
                             s->rows.n);
                return;
            }
        break;
    case MDP_NEEDS_POSITIVES:
    case MDP_NEEDS_BOTH_SIDES:
        reason_of_sides(metric, s, class_names[metric->class_index], reason);
        return;
    case MDP_NEEDS_PROBABILITIES:
        mdp_text_add(reason,
                     "the scores are not probabilities: those of row %lld are not in [0, 1] with sum 1",
                     (long long)s->rows.numbers[s->bad_row]);
        return;
    case MDP_NEEDS_TRUE_AND_PREDICTED_SPREAD:
        mdp_text_add(reason, "the denominator is zero: all labels or all predictions are of one class");
        return;
    case MDP_NEEDS_DISAGREEMENT_BY_CHANCE:
        mdp_text_add(reason, "the denominator is zero: all labels and all predictions are of one class");
        return;
    case MDP_NEEDS_NOTHING:
        break;
    }
    mdp_text_add(reason, "not defined for these %zu rows", s->rows.n);
}

mdp_status mdp_metrics_explained(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                                 const char *const class_names[], struct mdp_pool *pool, double values[],
                                 const char *reasons[], struct mdp_error *err)
{
    struct mdp_text text = {0};
    mdp_status st = mdp_metrics_of(scores, list, values, err);

    for (size_t m = 0; st == MDP_OK && m < list->n; m++) {
        reasons[m] = NULL;
        if (!isnan(values[m]))
            continue;
        mdp_text_clear(&text);
        mdp_metric_reason(&list->at[m], scores, class_names, &text);
        st = mdp_text_status(&text, err);
        if (st == MDP_OK)
            reasons[m] = mdp_pool_string(pool, text.at, err, &st);
    }
    mdp_text_release(&text);
    return st;
}
