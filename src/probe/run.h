/* SPDX-License-Identifier: BSD-3-Clause */
/* Every method in every episode. Episodes are shared among threads a batch at a time and written in order, so
   that files have the same bytes for any number of threads and memory does not grow with the number of
   episodes. */
#ifndef MDP_PROBE_RUN_H
#define MDP_PROBE_RUN_H

#include "base/exchange/predictions.h"
#include "probe/method.h"
#include "probe/probes_file.h"

#include <signal.h>

/* Episodes, and the C that they have in common. */
struct mdp_c_count {
    size_t n;
    double c; /* of the last one */
};

/* Where a method's C came to lie. All are 0 for methods without C and when the user said it. */
struct mdp_c_tally {
    size_t chosen;                        /* episodes in which the rule chose */
    struct mdp_c_count by_default;        /* episodes in which it had nothing to choose by */
    struct mdp_c_count smallest, largest; /* of the chosen: those at an end of the rule's grid */
};

struct mdp_probe_run {
    const struct mdp_probe_data *data;
    const struct mdp_draws *draws;
    const struct mdp_method *const *methods; /* [n_methods] */
    size_t n_methods;
    struct mdp_method_options options;
    size_t threads;
    const volatile sig_atomic_t *stop;        /* not 0: end in order with MDP_ERR_INTERRUPTED; may be NULL */
    void (*show)(void *context, size_t done); /* after every batch; may be NULL */
    void *show_context;
    struct mdp_predictions_writer *predictions;
    struct mdp_probes_writer *probes; /* NULL: weights are not kept */
    /* out */
    size_t done;               /* predictions that were written */
    struct mdp_c_tally *tally; /* [n_methods], the caller's, zeros before */
};

/* How many predictions there will be. */
size_t mdp_probe_run_count(const struct mdp_probe_run *run);
mdp_status mdp_probe_run(struct mdp_probe_run *run, struct mdp_error *err);

#endif
