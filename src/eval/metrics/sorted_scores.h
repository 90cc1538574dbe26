/* SPDX-License-Identifier: BSD-3-Clause */
/* Scored rows with everything sorted and looked up that no resample changes: what metrics read.

   Letters: n rows, K classes, G patients. */
#ifndef MDP_EVAL_SORTED_SCORES_H
#define MDP_EVAL_SORTED_SCORES_H

#include "eval/metrics/rows.h"
#include "medprobe/status.h"

#include <stdbool.h>

enum { MDP_ECE_BINS = 15 };

/* The rows by ascending score of one class. */
struct mdp_sorted_class {
    uint32_t *patient; /* [n] */
    uint32_t *mark;    /* [n]: label * 2 + (1 when the next score is larger or there is none) */
};

struct mdp_sorted_scores {
    struct mdp_rows rows;
    int32_t *predicted;       /* [n]: the first of equal largest scores */
    bool probabilities;       /* every row in [0, 1] and of sum 1 within 1e-6 */
    size_t bad_row;           /* otherwise: the first row that is not */
    double *confidence;       /* [n]: the largest score */
    double *log_loss, *brier; /* [n]; filled when probabilities */
    uint8_t *bin;             /* [n]: equal-width bin of the confidence */
    double *gap;              /* [n]: 1 when the prediction is right, else 0, minus the confidence */
    /* rows by (confidence, row number): */
    uint32_t *patient_by_confidence;   /* [n] */
    double *gap_by_confidence;         /* [n] */
    struct mdp_sorted_class *by_class; /* [K]; filled from mdp_first_scored_class on */
    size_t *class_rows;                /* [K] rows of each class */
};

/* A score that is not finite is an error (MDP_ERR_VALUE, names row number and class number). */
mdp_status mdp_sorted_scores_new(const struct mdp_rows *rows, struct mdp_sorted_scores **scores,
                                 struct mdp_error *err);
void mdp_sorted_scores_free(struct mdp_sorted_scores *scores);

/* counts[K, K]: rows true, columns predicted. */
void mdp_sorted_scores_confusion(const struct mdp_sorted_scores *scores, uint64_t counts[]);

#endif
