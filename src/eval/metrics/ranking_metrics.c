/* SPDX-License-Identifier: BSD-3-Clause */
/* Areas under the ROC curve, as shares of pairs of rows that the scores put in the right order. */
#include "eval/metrics/metric_work.h"

#include <string.h>

/* pairs += positives * below, for every class */
static void add_pairs(lanes pairs[], const lanes positives, const lanes below[], size_t k)
{
    for (size_t b = 0; b < k; b++)
        MDP_EACH_LANE pairs[b][l] += positives[l] * below[b][l];
}

/* Twice the number of pairs (row of class a, row of class b) that the score of a puts in the right order,
   tied ones once: pairs with rows strictly below, plus pairs with rows below or tied. Hand and Till 2001,
   eq. 3. */
static const lanes *pairs_of(struct mdp_metric_work *w, size_t a)
{
    const struct mdp_sorted_class *s = &w->scores->by_class[a];
    const size_t k = w->scores->rows.k, n = w->scores->rows.n;
    lanes *pairs = w->pairs + a * k, *below = w->below;

    if (w->pairs_counted[a])
        return (const lanes *)pairs;
    w->pairs_counted[a] = true;
    memset(pairs, 0, k * sizeof(lanes));
    memset(below, 0, k * sizeof(lanes));
    for (size_t begin = 0, end; begin < n; begin = end) {
        lanes positives = {0};
        bool any = false;
        for (end = begin; end == begin || !(s->mark[end - 1] & 1); end++)
            if (s->mark[end] >> 1 == a) {
                add_lanes(positives, w->weights[s->patient[end]]);
                any = true;
            }
        if (any)
            add_pairs(pairs, positives, (const lanes *)below, k);
        for (size_t i = begin; i < end; i++)
            if (s->mark[i] >> 1 != a)
                add_lanes(below[s->mark[i] >> 1], w->weights[s->patient[i]]);
        if (any)
            add_pairs(pairs, positives, (const lanes *)below, k);
    }
    return (const lanes *)pairs;
}

void mdp_metric_auc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t c = m->class_index;
    const lanes *pairs = pairs_of(w, c);

    for (size_t b = 0; b < w->scores->rows.k; b++)
        add_lanes(sum, pairs[b]);
    MDP_EACH_LANE out[l] = sum[l] / (2 * w->true_rows[c][l] * (w->total[l] - w->true_rows[c][l]));
}

void mdp_metric_auc_ovr_macro(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scores->rows.k, first = mdp_first_scored_class(k);
    struct mdp_metric of_class = *m;

    for (size_t c = first; c < k; c++) {
        lanes one;
        of_class.class_index = c;
        mdp_metric_auc(w, &of_class, one);
        add_lanes(sum, (const double *)one);
    }
    MDP_EACH_LANE out[l] = sum[l] / (double)(k - first);
}

/* Hand and Till 2001, eq. 7: both directions of every pair of classes, all alike. */
void mdp_metric_auc_ovo_macro(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scores->rows.k;

    if (k == 2) {
        mdp_metric_auc_ovr_macro(w, m, out);
        return;
    }
    for (size_t a = 0; a < k; a++) {
        const lanes *pairs = pairs_of(w, a);
        for (size_t b = 0; b < k; b++)
            if (b != a)
                MDP_EACH_LANE sum[l] += pairs[b][l] / (2 * w->true_rows[a][l] * w->true_rows[b][l]);
    }
    MDP_EACH_LANE out[l] = sum[l] / (double)(k * (k - 1));
}
