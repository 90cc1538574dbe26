/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows to be scored.

   Letters: n rows, K classes, G patients. */
#ifndef MDP_EVAL_ROWS_H
#define MDP_EVAL_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* All arrays stay the caller's and must outlive what is made of them. */
struct mdp_rows {
    size_t n, k, n_patients;
    const double *scores;     /* [n, K] */
    const int32_t *labels;    /* [n], in [0, K) */
    const uint32_t *patients; /* [n], in [0, G) */
    const int64_t *numbers; /* [n] row numbers, which messages name; and the order among equal confidences in
                                 ece_15_mass */
};

/* The first class with numbers of its own (auc:, auprc:, curves): 1 of two classes, whose second is the positive one, else
   0. Nothing of a class below it is sorted or shown. */
static inline size_t mdp_first_scored_class(size_t k)
{
    return k == 2;
}

/* Class c against the rest: its column into scores[n], 1 for its rows into labels[n]; gives the number of those. */
size_t mdp_rows_one_vs_rest(const struct mdp_rows *rows, size_t c, double scores[], uint8_t labels[]);

#endif
