/* SPDX-License-Identifier: BSD-3-Clause */
/* Results and the files of a run folder that hold them. */
#ifndef MDP_EVAL_RESULTS_FILE_H
#define MDP_EVAL_RESULTS_FILE_H

#include "eval/results.h"

/* Writes results.json, tables/<name>.csv and the data of the ROC figure, figures/roc.csv, into
   `folder`, which is made when it is not there. Each file appears complete or not at all. */
mdp_status mdp_results_write(const char *folder, const struct mdp_results *results, struct mdp_error *err);

/* Reads `path`, a results.json. Errors name the file and the key. */
mdp_status mdp_results_read(const char *path, struct mdp_results *results, struct mdp_error *err);

#endif
