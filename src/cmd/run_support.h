/* SPDX-License-Identifier: BSD-3-Clause */
/* What the episodes of a run were truly given: shots and seeds that were used, pictures and patients of the supports, rows of
   the store that no episode may use. */
#ifndef MDP_CMD_RUN_SUPPORT_H
#define MDP_CMD_RUN_SUPPORT_H

#include "base/exchange/draws.h"
#include "probe/audit.h"

struct mdp_run_support {
    size_t n_shots, n_seeds;
    size_t *shots;     /* [n_shots], in the order of the draws */
    size_t *seeds;     /* [n_seeds], ascending */
    size_t *pictures;  /* [n_shots]: of the support of the first episode */
    size_t *patients;  /* [n_shots]: of the same; 0 where patients are out of account */
    size_t *fewest;    /* [n_shots]: pictures of the smallest support of any episode */
    size_t *least;     /* [n_shots]: pictures of the class that has fewest in a support, over all episodes */
    size_t failures;   /* pictures that the store has no row of: extract could not use them */
    size_t unlabelled; /* rows of the store without a label */
    size_t n_patients; /* patients that the store knows, whether they are looked at or not */
};

/* Counts over all draws of a run. Error: memory; *support is then empty. */
mdp_status mdp_run_support_init(struct mdp_run_support *support, const struct mdp_store_info *info,
                                const struct mdp_draws *draws, const struct mdp_audit *audit,
                                struct mdp_error *err);
/* Leaves it empty; an empty one is fine. */
void mdp_run_support_release(struct mdp_run_support *support);

#endif
