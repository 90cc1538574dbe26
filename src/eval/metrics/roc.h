/* SPDX-License-Identifier: BSD-3-Clause */
/* Area under the ROC curve with DeLong's variance, for independent and for clustered rows, and the curve.

   Notation: n scores s[i] with labels y[i] in {0, 1}; n1 positives, n0 negatives.
   AUC = P(s+ > s-) + P(s+ = s-) / 2 over all n1 * n0 pairs (Mann-Whitney; ties count half).

   The placement of a positive is the share of negatives below it, of a negative the share of positives above
   it, ties half. The mean placement of either side is the AUC; their spread gives its variance. Placements of
   two scores of the same rows may be subtracted: the same formulas then give the variance of the difference
   of the two AUCs, covariance included, because they are quadratic in the placements. */
#ifndef MDP_EVAL_ROC_H
#define MDP_EVAL_ROC_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

/* An AUC, or a difference of two of the same rows. */
struct mdp_auc {
    double value;  /* NaN when a side has no rows */
    size_t n1, n0; /* positives, negatives */
};

/* AUC of scores[n] for labels[n] and the placement of every row.
   An absent side gives NaN and no placements; that is not an error. A score that is NaN is an error
   (MDP_ERR_VALUE, names the index). Cost: one sort (Sun and Xu 2014); memory n * 16 bytes. */
mdp_status mdp_auc_placements(const double scores[], const uint8_t labels[], size_t n, struct mdp_auc *auc,
                              double placements[], struct mdp_error *err);

/* Variance of an AUC, or of a difference, from placements[n].
   DeLong, DeLong and Clarke-Pearson 1988, eq. 3 to 6, sums of squares over n1 - 1 and n0 - 1. NaN when n1 < 2
   or n0 < 2. */
double mdp_delong_variance(const struct mdp_auc *auc, const double placements[], const uint8_t labels[],
                           size_t n);

/* The same when rows come in clusters (patients), clusters[n] in [0, n_clusters): Obuchowski 1997, eq. 3
   to 6. Equal to mdp_delong_variance when every row is its own cluster. NaN when fewer than two clusters have
   a positive or fewer than two a negative. */
mdp_status mdp_delong_clustered_variance(const struct mdp_auc *auc, const double placements[],
                                         const uint8_t labels[], const uint32_t clusters[], size_t n,
                                         size_t n_clusters, double *variance, struct mdp_error *err);

/* True-positive rate of the ROC curve at fpr[m] (ascending, in [0, 1]), by straight lines between the points
   of the curve (tied scores are one step, a diagonal); at a vertical step, its top. Both sides must have
   rows. */
mdp_status mdp_roc_at(const double scores[], const uint8_t labels[], size_t n, const double fpr[], size_t m,
                      double tpr[], struct mdp_error *err);

#endif
