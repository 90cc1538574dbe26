/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands beside the numbers of a run: provenance (part of the result) and environment (not compared). */
#ifndef MDP_CMD_RUN_PROVENANCE_H
#define MDP_CMD_RUN_PROVENANCE_H

#include "cmd/run_notes.h"
#include "eval/results.h"

#include <time.h>

enum { MDP_MOST_FACTS = 64 };

struct mdp_run_provenance {
    struct mdp_fact provenance[MDP_MOST_FACTS], environment[MDP_MOST_FACTS];
    size_t n_provenance, n_environment;
    /* what the facts point to */
    struct mdp_text rows;
    char (*method_keys)[80]; /* [n_methods] */
    char hdf5[32], openblas[32], liblinear[16], host[256], time[32];
};

/* begun: when the run did, on CLOCK_MONOTONIC. Everything that is given must outlive the facts. */
mdp_status mdp_run_provenance_init(struct mdp_run_provenance *p, const struct mdp_probe_plan *plan,
                                   const struct mdp_store_info *info, const struct mdp_run_support *support,
                                   const struct mdp_run_notes *notes, struct timespec begun,
                                   struct mdp_error *err);
void mdp_run_provenance_release(struct mdp_run_provenance *p);

#endif
