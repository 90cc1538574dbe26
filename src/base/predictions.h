/* SPDX-License-Identifier: BSD-3-Clause */
/* draws.h5 and predictions.h5 of a run folder (docs/FORMATS.md): what the probe stage hands to the eval
 * stage. */
#ifndef MDP_BASE_PREDICTIONS_H
#define MDP_BASE_PREDICTIONS_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

/* The rows of one episode. Row numbers of the store; support and val in the order drawn. */
struct mdp_draw {
    char group[128];    /* "k16/s1", or the name of a group in a file given with --draws */
    size_t shots, seed; /* 0 where the group has another name */
    size_t n_support, n_val, n_query;
    int64_t *support, *val, *query; /* [n_*] */
};

struct mdp_draws {
    size_t n;
    struct mdp_draw *at; /* [n], by shots then seed */
};

mdp_status mdp_draws_write(const char *path, const struct mdp_draws *draws, struct mdp_error *err);
/* Every group with `support` and `query` is an episode; rows outside [0, n_rows) are an error that names
 * group and row. */
mdp_status mdp_draws_read(const char *path, size_t n_rows, struct mdp_draws *draws, struct mdp_error *err);
void mdp_draws_release(struct mdp_draws *draws);

/* Scores of one method in one episode. */
struct mdp_prediction {
    char method[64]; /* "zero-shot", "logreg" */
    char group[128]; /* "k0/s0" for zero-shot */
    size_t shots, seed;
    double c;       /* regularisation, NaN where the method has none */
    size_t n, k;    /* query rows, classes */
    int64_t *rows;  /* [n] */
    double *scores; /* [n, k]: probabilities */
};

struct mdp_predictions {
    size_t n;
    struct mdp_prediction *at; /* [n] */
};

mdp_status mdp_predictions_write(const char *path, const struct mdp_predictions *predictions,
                                 struct mdp_error *err);
mdp_status mdp_predictions_read(const char *path, size_t n_rows, struct mdp_predictions *predictions,
                                struct mdp_error *err);
void mdp_predictions_release(struct mdp_predictions *predictions);

#endif
