/* SPDX-License-Identifier: BSD-3-Clause */
/* eval --probes: the rows of a store that a saved probe may be judged on, and its scores of them. */
#ifndef MDP_CMD_EVAL_PROBE_H
#define MDP_CMD_EVAL_PROBE_H

#include "eval/predictions_csv.h"
#include "medprobe/store.h"
#include "probe/saved_probe.h"

struct mdp_probe_predictions {
    struct mdp_prediction_table table; /* rows without a label at its end */
    size_t labelled;                   /* the first rows of the table */
    size_t own, of_their_patients;     /* rows left out: those it learnt from, and others of their patients */
    const char *untold;                /* why rows that it learnt from cannot be told; NULL: they can */
    struct mdp_text name;              /* of the probe: "logreg/k16/s1" */
    struct mdp_probe_weights weights;
};

/* probe: its name, NULL for the only one of the file; split: NULL for all rows. Rows that the probe learnt from (by number on the
   store that it was fitted on, by the SHA-256 of their files on any) and all others of their patients are left out and counted;
   MDP_ERR_CHECK when nothing is left. */
mdp_status mdp_probe_predictions_init(struct mdp_probe_predictions *predictions,
                                      const struct mdp_store *store, const char *probes, const char *probe,
                                      const char *split, struct mdp_error *err);
void mdp_probe_predictions_release(struct mdp_probe_predictions *predictions);

#endif
