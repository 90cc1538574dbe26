/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reader of a run's numbers must know, a sentence each: said on the screen when it is known, kept in
   provenance.notes of results.json, shown by the report as it stands. */
#ifndef MDP_CMD_RUN_NOTES_H
#define MDP_CMD_RUN_NOTES_H

#include "cmd/probe_plan.h"
#include "cmd/run_support.h"
#include "probe/run.h"

enum { MDP_MOST_NOTES = 32 }; /* more are left out */

struct mdp_run_notes {
    size_t n;
    char *at[MDP_MOST_NOTES];
};

/* Of the rows that are used, and not used: known before the fits. */
mdp_status mdp_run_notes_add_rows(struct mdp_run_notes *notes, const struct mdp_probe_plan *plan,
                                  const struct mdp_store_info *info, const struct mdp_run_support *support,
                                  struct mdp_error *err);

/* Of C, after them. tally: [plan->n_methods]. */
mdp_status mdp_run_notes_add_c(struct mdp_run_notes *notes, const struct mdp_probe_plan *plan,
                               const struct mdp_c_tally tally[], struct mdp_error *err);

/* Leaves it empty; an empty one is fine. */
void mdp_run_notes_release(struct mdp_run_notes *notes);

#endif
