/* SPDX-License-Identifier: BSD-3-Clause */
/* Every method in every episode. Episodes are shared among threads a batch at a time and written in order, so
   that files have the same bytes for any number of threads and memory does not grow with the number of
   episodes. */
#ifndef MDP_PROBE_RUN_H
#define MDP_PROBE_RUN_H

#include "base/exchange/predictions.h"
#include "probe/audit.h"
#include "probe/method.h"
#include "probe/probes_file.h"

#include <signal.h>

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
    size_t c_by_default;              /* out: episodes whose rule for C had nothing to choose by */
};

/* How many predictions there will be. */
size_t mdp_probe_run_count(const struct mdp_probe_run *run);
mdp_status mdp_probe_run(struct mdp_probe_run *run, struct mdp_error *err);

/* mdp_audit_draw of every episode; `held` [n_held] are rows that every episode chooses C by (oracle), checked
   like a val set. */
mdp_status mdp_audit_draws(const struct mdp_audit *audit, const struct mdp_draws *draws, const int64_t held[],
                           size_t n_held, size_t threads, struct mdp_error *err);

/* The query rows of all episodes, each once, ascending: what a method that is not fitted scores. */
mdp_status mdp_union_of_queries(const struct mdp_draws *draws, size_t n_rows, int64_t **rows, size_t *n,
                                struct mdp_error *err);

#endif
