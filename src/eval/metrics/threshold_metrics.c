/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics read off while the threshold on one class's score goes down: average precision, operating points, partial
   areas. */
#include "eval/metrics/metric_work.h"

#include <math.h>
#include <string.h>

/* Rows of one score, from the highest score down: how many of them are of the class and how many are not. */
typedef void each_step(const lanes positives, const lanes negatives, void *context);

/* With `at_positives` a step ends only where there are positives: negatives since the last one come with it.
   For sums and points that change at positives alone, that is the same and saves most of the steps. */
static void walk_down(const struct mdp_metric_work *w, size_t c, bool at_positives, each_step *step,
                      void *context)
{
    const struct mdp_sorted_class *s = &w->scores->by_class[c];
    lanes sides[2] = {{0}};

    for (size_t i = w->scores->rows.n; i > 0;) {
        bool any = false;
        do {
            i--;
            const bool positive = s->mark[i] >> 1 == c;
            add_lanes(sides[positive], w->weights[s->patient[i]]);
            any |= positive;
        } while (i > 0 && !(s->mark[i - 1] & 1));
        if (at_positives && !any)
            continue;
        step((const double *)sides[1], (const double *)sides[0], context);
        memset(sides, 0, sizeof sides);
    }
}

struct precision_steps {
    lanes sum, true_positives, predicted;
};

static void add_precision(const lanes positives, const lanes negatives, void *context)
{
    struct precision_steps *s = context;

    MDP_EACH_LANE
    {
        s->true_positives[l] += positives[l];
        s->predicted[l] += positives[l] + negatives[l];
        /* Weights are whole numbers: the larger of predicted and 1 changes only 0/0, where nothing is added.
         */
        s->sum[l] += positives[l] * (s->true_positives[l] / (s->predicted[l] > 1 ? s->predicted[l] : 1));
    }
}

void mdp_metric_auprc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct precision_steps s = {0};

    walk_down(w, m->class_index, true, add_precision, &s);
    MDP_EACH_LANE out[l] = s.sum[l] / w->true_rows[m->class_index][l];
}

struct operating_point {
    lanes most_false, true_positives, false_positives, best;
};

static void try_threshold(const lanes positives, const lanes negatives, void *context)
{
    struct operating_point *o = context;

    MDP_EACH_LANE
    {
        o->true_positives[l] += positives[l];
        o->false_positives[l] += negatives[l];
        o->best[l] = o->false_positives[l] <= o->most_false[l] ? o->true_positives[l] : o->best[l];
    }
}

/* The largest whole number f with (n - f) / n >= specificity, the quotient taken in double. */
static double most_false_positives(double n, double specificity)
{
    double f = floor(n * (1 - specificity)) + 2;

    f = f < n ? f : n;
    while (f > 0 && !((n - f) / n >= specificity))
        f--;
    return f;
}

void mdp_metric_sensitivity_at(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct operating_point o = {0};
    const double *positives = w->true_rows[m->class_index];

    MDP_EACH_LANE o.most_false[l] = most_false_positives(w->total[l] - positives[l], m->parameter);
    walk_down(w, m->class_index, true, try_threshold, &o);
    MDP_EACH_LANE out[l] = o.best[l] / positives[l];
}

struct partial_area {
    lanes limit, area, true_positives, false_positives;
};

static void add_area(const lanes positives, const lanes negatives, void *context)
{
    struct partial_area *s = context;

    MDP_EACH_LANE
    {
        const double room = s->limit[l] - s->false_positives[l], before = s->true_positives[l];
        if (room > 0 && negatives[l] > 0) {
            const double width = negatives[l] < room ? negatives[l] : room;
            s->area[l] += width * (before + positives[l] * (width / negatives[l]) / 2);
        }
        s->true_positives[l] += positives[l];
        s->false_positives[l] += negatives[l];
    }
}

void mdp_metric_pauc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct partial_area s = {0};
    const double *positives = w->true_rows[m->class_index];

    MDP_EACH_LANE s.limit[l] = m->parameter * (w->total[l] - positives[l]);
    walk_down(w, m->class_index, false, add_area, &s);
    MDP_EACH_LANE out[l] = s.area[l] / (positives[l] * (w->total[l] - positives[l]));
}

/* McClish 1989: 0.5 for the diagonal, 1 for the whole of the strip. */
void mdp_metric_pauc_std(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    const double most = m->parameter, least = 0.5 * most * most;

    mdp_metric_pauc(w, m, out);
    MDP_EACH_LANE out[l] = 0.5 * (1 + (out[l] - least) / (most - least));
}
