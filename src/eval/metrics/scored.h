/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of struct mdp_scored, shared by scored.c, which fills it, and metrics.c, which reads it. */
#ifndef MDP_EVAL_SCORED_H
#define MDP_EVAL_SCORED_H

#include "eval/metrics/metrics.h"

enum { MDP_ECE_BINS = 15 };

/* The rows by ascending score of one class. */
struct mdp_sorted {
    uint32_t *patient; /* [n] */
    uint32_t *mark;    /* [n]: label * 2 + (1 when the next score is larger or there is none) */
};

struct mdp_scored {
    struct mdp_rows rows;
    int32_t *predicted;       /* [n] */
    bool probabilities;       /* every row in [0, 1] and of sum 1 within 1e-6 */
    size_t bad_row;           /* otherwise: the first row that is not */
    double *confidence;       /* [n]: the largest score */
    double *log_loss, *brier; /* [n]; filled when probabilities */
    uint8_t *bin;             /* [n]: equal-width bin of the confidence */
    double *gap;              /* [n]: 1 when the prediction is right, else 0, minus the confidence */
    /* rows by (confidence, row number): */
    uint32_t *patient_by_confidence; /* [n] */
    double *gap_by_confidence;       /* [n] */
    struct mdp_sorted *by_class;     /* [K]; of two classes only the second is filled */
    size_t *class_rows;              /* [K] rows of each class */
};

#endif
