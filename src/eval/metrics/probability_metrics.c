/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of scores that are probabilities: losses and calibration. */
#include "eval/metrics/metric_work.h"

#include <math.h>

static void mean_of_rows(const struct mdp_metric_work *w, const double values[], lanes out)
{
    lanes sum = {0};
    const struct mdp_rows *r = &w->scores->rows;

    for (size_t i = 0; i < r->n; i++)
        MDP_EACH_LANE sum[l] += w->weights[r->patients[i]][l] * values[i];
    MDP_EACH_LANE out[l] = sum[l] / w->total[l];
}

void mdp_metric_log_loss(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    (void)m;
    mean_of_rows(w, w->scores->log_loss, out);
}

void mdp_metric_brier(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    (void)m;
    mean_of_rows(w, w->scores->brier, out);
}

/* Guo and others 2017, eq. 3: sum over bins of |rows right - sum of confidences|, over all rows. */
void mdp_metric_ece(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes gap[MDP_ECE_BINS] = {{0}}, sum = {0};
    const struct mdp_sorted_scores *s = w->scores;

    (void)m;
    for (size_t i = 0; i < s->rows.n; i++) {
        const double d = s->gap[i];
        MDP_EACH_LANE gap[s->bin[i]][l] += w->weights[s->rows.patients[i]][l] * d;
    }
    for (size_t b = 0; b < MDP_ECE_BINS; b++)
        MDP_EACH_LANE sum[l] += fabs(gap[b][l]);
    MDP_EACH_LANE out[l] = sum[l] / w->total[l];
}

/* Parts of as even size as can be, the larger ones first: one part of each resample, being filled. */
struct parts {
    lanes whole, larger; /* rows of a part; how many parts have one more */
    lanes part, room, gap, sum;
};

/* `left` rows of gap d into resample l; they may fill the part and go on in the next ones. */
static void fill_parts(struct parts *p, size_t l, double left, double d)
{
    while (left > 0) {
        const double taken = left < p->room[l] ? left : p->room[l];
        p->gap[l] += taken * d;
        left -= taken;
        p->room[l] -= taken;
        if (p->room[l] > 0)
            continue;
        p->sum[l] += fabs(p->gap[l]);
        p->gap[l] = 0;
        p->room[l] = p->whole[l] + (++p->part[l] < p->larger[l]);
    }
}

void mdp_metric_ece_mass(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct parts p = {0};
    const struct mdp_sorted_scores *s = w->scores;

    (void)m;
    MDP_EACH_LANE
    {
        p.whole[l] = floor(w->total[l] / MDP_ECE_BINS);
        p.larger[l] = w->total[l] - p.whole[l] * MDP_ECE_BINS;
        p.room[l] = p.whole[l] + (p.larger[l] > 0);
    }
    for (size_t j = 0; j < s->rows.n; j++) {
        const double d = s->gap_by_confidence[j];
        const double *weight = w->weights[s->patient_by_confidence[j]];
        bool fills = false;
        MDP_EACH_LANE fills |= weight[l] >= p.room[l];
        if (fills)
            MDP_EACH_LANE fill_parts(&p, l, weight[l], d);
        else
            MDP_EACH_LANE
            {
                p.gap[l] += weight[l] * d;
                p.room[l] -= weight[l];
            }
    }
    MDP_EACH_LANE out[l] = p.sum[l] / w->total[l];
}
