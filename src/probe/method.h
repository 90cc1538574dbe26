/* SPDX-License-Identifier: BSD-3-Clause */
/* Methods: ways to score the query rows of an episode. A new method is one file in methods/, its declaration below, and its
   row in the table of method.c; --method, its help and the report's sentence come from there.

   Letters: D features, K classes, n query rows, m rows of a linear model (1 for two classes). */
#ifndef MDP_PROBE_METHOD_H
#define MDP_PROBE_METHOD_H

#include "probe/c_rule.h"
#include "probe/linear_scores.h"
#include "probe/probe_data.h"

struct mdp_method_options {
    const struct mdp_c_rule *c_rule;
    double c;            /* MDP_C_ROWS_NONE */
    const int64_t *held; /* [n_held], MDP_C_ROWS_VAL_SPLIT: the labelled rows of the val split */
    size_t n_held;
};

/* What a method found in an episode. */
struct mdp_outcome {
    double *scores;           /* [n, K] */
    struct mdp_c_choice c;    /* .c is NaN: the method has none */
    size_t m;                 /* 0: no linear model */
    double *coef, *intercept; /* [m, D], [m] */
};

/* Leaves it empty; an empty one is fine. */
void mdp_outcome_release(struct mdp_outcome *outcome);

struct mdp_method {
    const char *name;
    bool in_default;      /* runs when --method is not given, where the store has what it needs */
    const char *summary;  /* for --help */
    const char *sentence; /* what it does, for the report's "what was done" */
    bool fitted;          /* learns from the support; else one prediction serves every episode */
    bool needs_text;      /* of the store */
    enum mdp_link link;   /* of a linear model */
    const char *strength; /* what --c is to it, for --help: "in scikit-learn's meaning"; NULL: it has no C */
    const struct mdp_objective
        *objective; /* what a fitted linear probe minimises (linear_probe.h); else NULL */
    /* Whether the store has what the method needs, once before the first episode. NULL: any store will do. */
    mdp_status (*check)(const struct mdp_store_info *info, struct mdp_error *err);
    mdp_status (*run)(const struct mdp_method *method, const struct mdp_probe_data *data,
                      const struct mdp_draw *draw, const struct mdp_method_options *options,
                      struct mdp_outcome *outcome, struct mdp_error *err);
};

extern const struct mdp_method *const mdp_methods[]; /* NULL-terminated */

/* The method of a name; unknown names are wrong use, answered with the nearest or the list. */
mdp_status mdp_method_get(const char *name, const struct mdp_method **method, struct mdp_error *err);

/* The first method that needs no text, for messages about prompts; NULL when every method does. */
const struct mdp_method *mdp_method_without_text(void);

extern const struct mdp_method mdp_zero_shot, mdp_logreg;

#endif
