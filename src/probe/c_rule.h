/* SPDX-License-Identifier: BSD-3-Clause */
/* The rule for C: where a probe's strength of regularisation comes from (docs/METHODS.md, "The rule for C"). A new rule is
   a row of the table in c_rule.c; what is said of it to users, which rows it looks at and how it chooses stand there.

   Letters: n rows of the support, D features, K classes, h rows held out. */
#ifndef MDP_PROBE_C_RULE_H
#define MDP_PROBE_C_RULE_H

#include "probe/solvers/objective.h"
#include "probe/solvers/span.h"

#include <stdbool.h>

/* Labelled rows that a rule chooses by. */
enum mdp_c_rows {
    MDP_C_ROWS_NONE,      /* the user says C (--c) */
    MDP_C_ROWS_SUPPORT,   /* no others than the fit */
    MDP_C_ROWS_VAL_DRAWN, /* a val set, drawn with every episode */
    MDP_C_ROWS_VAL_SPLIT, /* the whole val split (--val-split), the same for every episode */
};

/* What C is chosen by. */
struct mdp_c_question {
    double given; /* --c */
    const struct mdp_objective *objective;
    const struct mdp_span *support; /* of n rows */
    const int32_t *labels;          /* [n] */
    const uint32_t *patients;       /* [n] */
    size_t k;                       /* K; every class has a row in the support */
    const float *held;              /* [h, D]: the val rows, for rules that look at some */
    const int32_t *held_labels;     /* [h] */
    size_t n_held;                  /* h */
};

struct mdp_c_choice {
    double c;
    bool by_default;              /* it was not chosen: there was nothing to choose by */
    bool at_smallest, at_largest; /* the rule's grid ends here: the best C may lie beyond it */
};

struct mdp_c_rule {
    const char *name;
    const char *summary; /* ends the sentence "its strength C follows the rule NAME, which ..." */
    const char *warning; /* what a reader of the numbers must know; NULL: nothing */
    enum mdp_c_rows rows;
    /* C of an episode. MDP_ERR_MISSING when the rule looks at val rows and there are none. */
    mdp_status (*choose)(const struct mdp_c_rule *rule, const struct mdp_c_question *question,
                         struct mdp_c_choice *choice, struct mdp_error *err);
};

/* Ended by a row without a name; the first is the default. */
extern const struct mdp_c_rule mdp_c_rules[];

/* The rule of a name, or NULL. */
const struct mdp_c_rule *mdp_c_rule_find(const char *name);

enum { MDP_C_COUNT = 13 };
/* Candidate i of [0, MDP_C_COUNT): 10^(-3 + i / 2). */
double mdp_c_candidate(size_t i);

/* The candidate with the smallest loss. Losses that differ by at most one part in 10^9 are equal; of equal
   ones the smallest C. A loss that is not finite is never chosen unless all are. */
size_t mdp_c_smallest(const double loss[MDP_C_COUNT]);

#endif
