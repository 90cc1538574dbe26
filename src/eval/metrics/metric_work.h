/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of metrics share and nobody else sees: one evaluation in progress, and the functions of the table.

   Letters: n scored rows, K classes, G patients, L = MDP_RESAMPLES_AT_ONCE. */
#ifndef MDP_EVAL_METRIC_WORK_H
#define MDP_EVAL_METRIC_WORK_H

#include "eval/metrics/metrics.h"

/* A number in each of L resamples. Sums of weights are whole numbers below 2^53: exact, in any order. */
typedef double lanes[MDP_RESAMPLES_AT_ONCE];

#define MDP_EACH_LANE for (size_t l = 0; l < MDP_RESAMPLES_AT_ONCE; l++)

static inline void add_lanes(lanes to, const lanes x)
{
    MDP_EACH_LANE to[l] += x[l];
}

/* What metrics read, and what several of them share, computed once. */
struct mdp_metric_work {
    const struct mdp_sorted_scores *scores;
    const lanes *weights;                          /* [G] */
    size_t k_most;                                 /* classes there is room for */
    lanes total;                                   /* rows */
    lanes *confusion, *true_rows, *predicted_rows; /* [K, K], [K], [K] */
    lanes *pairs; /* [K, K]: twice the pairs of a row of class a above one of class b by the score of a */
    bool *pairs_counted; /* [K] */
    lanes *below;        /* [K] scratch */
};

/* Fills total, confusion, true_rows and predicted_rows. */
void mdp_metric_count_confusion(struct mdp_metric_work *w);

/* The `compute` of the table's rows: each fills out[l]. What the row `needs` holds in at least one resample; the values
   of resamples in which it does not are not looked at. */
typedef void mdp_metric_function(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out);

mdp_metric_function mdp_metric_accuracy, mdp_metric_balanced_accuracy, mdp_metric_macro_f1, mdp_metric_mcc,
    mdp_metric_kappa; /* confusion_metrics.c */
mdp_metric_function mdp_metric_auc, mdp_metric_auc_ovr_macro,
    mdp_metric_auc_ovo_macro; /* ranking_metrics.c */
mdp_metric_function mdp_metric_auprc, mdp_metric_sensitivity_at, mdp_metric_pauc,
    mdp_metric_pauc_std; /* threshold_metrics.c */
mdp_metric_function mdp_metric_log_loss, mdp_metric_brier, mdp_metric_ece,
    mdp_metric_ece_mass; /* probability_metrics.c */

#endif
