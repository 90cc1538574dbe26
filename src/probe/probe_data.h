/* SPDX-License-Identifier: BSD-3-Clause */
/* What every episode of a run shares: the rows of the store that some episode uses, in memory.

   Letters: N rows of the store, D features. */
#ifndef MDP_PROBE_PROBE_DATA_H
#define MDP_PROBE_PROBE_DATA_H

#include "base/exchange/draws.h"
#include "medprobe/store.h"

struct mdp_probe_data {
    const struct mdp_store *store;
    const struct mdp_store_info *info;
    size_t n_used;     /* rows in memory */
    float *x;          /* [n_used, D] */
    size_t *slot;      /* [N]: where a row stands in x */
    uint32_t *patient; /* [N], as mdp_patients_number gives them */
    size_t not_unit;   /* rows of the store whose length is not 1 (within 1e-3): another program made it */
};

/* Keeps the embeddings of the rows of draws and of held[n_held] (the val split of a rule that looks at it). A value that is
   not finite is an error in any row. The store must outlive the data. */
mdp_status mdp_probe_data_init(const struct mdp_store *store, const struct mdp_draws *draws,
                               const int64_t held[], size_t n_held, bool by_patient,
                               struct mdp_probe_data *data, struct mdp_error *err);
void mdp_probe_data_release(struct mdp_probe_data *data);

#endif
