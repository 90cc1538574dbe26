/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of the confusion matrix: each asks nothing but how many rows of class t are predicted as p. */
#include "eval/metrics/metric_work.h"

#include <math.h>
#include <string.h>

void mdp_metric_count_confusion(struct mdp_metric_work *w)
{
    const struct mdp_rows *r = &w->scores->rows;
    const size_t k = r->k;

    memset(w->confusion, 0, k * k * sizeof(lanes));
    memset(w->true_rows, 0, k * sizeof(lanes));
    memset(w->predicted_rows, 0, k * sizeof(lanes));
    memset(w->total, 0, sizeof(lanes));
    for (size_t i = 0; i < r->n; i++)
        add_lanes(w->confusion[(size_t)r->labels[i] * k + (size_t)w->scores->predicted[i]],
                  w->weights[r->patients[i]]);
    for (size_t t = 0; t < k; t++)
        for (size_t p = 0; p < k; p++) {
            add_lanes(w->true_rows[t], w->confusion[t * k + p]);
            add_lanes(w->predicted_rows[p], w->confusion[t * k + p]);
            add_lanes(w->total, w->confusion[t * k + p]);
        }
}

void mdp_metric_accuracy(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes right = {0};
    const size_t k = w->scores->rows.k;

    (void)m;
    for (size_t c = 0; c < k; c++)
        add_lanes(right, (const double *)w->confusion[c * k + c]);
    MDP_EACH_LANE out[l] = right[l] / w->total[l];
}

void mdp_metric_balanced_accuracy(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scores->rows.k;

    (void)m;
    for (size_t c = 0; c < k; c++)
        MDP_EACH_LANE sum[l] += w->confusion[c * k + c][l] / w->true_rows[c][l];
    MDP_EACH_LANE out[l] = sum[l] / (double)k;
}

void mdp_metric_macro_f1(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scores->rows.k;

    (void)m;
    for (size_t c = 0; c < k; c++)
        MDP_EACH_LANE
    sum[l] += 2 * w->confusion[c * k + c][l] / (w->true_rows[c][l] + w->predicted_rows[c][l]);
    MDP_EACH_LANE out[l] = sum[l] / (double)k;
}

/* Sums over classes that mcc and kappa are made of. */
struct agreement {
    lanes right, both, true_squares, predicted_squares;
};

static void count_agreement(const struct mdp_metric_work *w, struct agreement *a)
{
    const size_t k = w->scores->rows.k;

    *a = (struct agreement){0};
    for (size_t c = 0; c < k; c++)
        MDP_EACH_LANE
        {
            const double t = w->true_rows[c][l], p = w->predicted_rows[c][l];
            a->right[l] += w->confusion[c * k + c][l];
            a->both[l] += t * p;
            a->true_squares[l] += t * t;
            a->predicted_squares[l] += p * p;
        }
}

/* Gorodkin 2004, as counts. */
void mdp_metric_mcc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct agreement a;

    (void)m;
    count_agreement(w, &a);
    MDP_EACH_LANE
    {
        const double n = w->total[l];
        const double down = sqrt(n * n - a.true_squares[l]) * sqrt(n * n - a.predicted_squares[l]);
        out[l] = (a.right[l] * n - a.both[l]) / down;
    }
}

/* Cohen 1960. */
void mdp_metric_kappa(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct agreement a;

    (void)m;
    count_agreement(w, &a);
    MDP_EACH_LANE
    {
        const double n = w->total[l], by_chance = n * n - a.both[l];
        out[l] = 1 - (n - a.right[l]) * n / by_chance;
    }
}
