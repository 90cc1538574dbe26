/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands beside the numbers of a run: provenance (part of the result) and environment (not compared). */
#ifndef MDP_CMD_PROBE_FACTS_H
#define MDP_CMD_PROBE_FACTS_H

#include "cmd/probe_plan.h"
#include "eval/results.h"
#include "probe/audit.h"

enum { MDP_MOST_FACTS = 32 };

struct mdp_probe_facts {
    struct mdp_fact provenance[MDP_MOST_FACTS], environment[MDP_MOST_FACTS];
    size_t n_provenance, n_environment;
    /* what the facts point to */
    size_t *shots, *seeds, *pictures, *patients, *fewest;
    struct mdp_text c_note, rows_note;
    char hdf5[32], openblas[32], liblinear[16], host[256], time[32];
};

/* c_by_default: episodes whose rule for C had nothing to choose by. The plan must outlive the facts. */
mdp_status mdp_probe_facts_init(const struct mdp_probe_plan *plan, const struct mdp_store_info *info,
                                const struct mdp_draws *draws, const struct mdp_audit *audit,
                                size_t c_by_default, double seconds, struct mdp_probe_facts *facts,
                                struct mdp_error *err);
void mdp_probe_facts_release(struct mdp_probe_facts *facts);

#endif
