/* SPDX-License-Identifier: BSD-3-Clause */
/* Methods: ways to score the query rows of an episode. A new method is one file in methods/ and its row in
   the table.

   Letters: N rows of the store, D features, K classes, n query rows, m rows of a linear model (1 for two
   classes). */
#ifndef MDP_PROBE_METHOD_H
#define MDP_PROBE_METHOD_H

#include "base/exchange/draws.h"
#include "medprobe/store.h"
#include "probe/c_rule.h"

#include <stdbool.h>

/* What every episode of a run shares. */
struct mdp_probe_data {
    const struct mdp_store_info *info;
    size_t n_used;     /* rows in memory */
    float *x;          /* [n_used, D] */
    size_t *slot;      /* [N]: where a row stands in x */
    uint32_t *patient; /* [N], as mdp_patients_number gives them */
    size_t not_unit;   /* rows whose length is not 1 (within 1e-3): another program made the store */
};

/* Keeps the embeddings of the rows that are marked in used[N]. A value that is not finite is an error in any row. */
mdp_status mdp_probe_data_init(const struct mdp_store *store, const bool used[], struct mdp_probe_data *data,
                               struct mdp_error *err);
void mdp_probe_data_release(struct mdp_probe_data *data);

struct mdp_method_options {
    enum mdp_c_rule c_rule;
    double c;            /* MDP_C_FIXED */
    const int64_t *held; /* [n_held], MDP_C_ORACLE: the labelled rows of the val split */
    size_t n_held;
};

/* What a method found in an episode. */
struct mdp_outcome {
    double *scores;           /* [n, K]: probabilities */
    double c;                 /* NaN: the method has none */
    bool c_by_default;        /* the rule had nothing to choose by */
    size_t m;                 /* 0: no linear model */
    double *coef, *intercept; /* [m, D], [m] */
};

void mdp_outcome_release(struct mdp_outcome *outcome);

struct mdp_method {
    const char *name, *summary;
    bool fitted;     /* learns from the support; else one prediction serves every episode */
    bool needs_text; /* of the store */
    /* Whether the store has what the method needs, once before the first episode. */
    mdp_status (*check)(const struct mdp_store_info *info, struct mdp_error *err);
    mdp_status (*run)(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                      const struct mdp_method_options *options, struct mdp_outcome *outcome,
                      struct mdp_error *err);
};

extern const struct mdp_method *const mdp_methods[]; /* NULL-terminated */

/* The method of a name; unknown names are wrong use, answered with the nearest or the list. */
mdp_status mdp_method_get(const char *name, const struct mdp_method **method, struct mdp_error *err);

extern const struct mdp_method mdp_zero_shot, mdp_logreg;

#endif
