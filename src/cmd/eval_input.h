/* SPDX-License-Identifier: BSD-3-Clause */
/* What mdp_evaluate is given of a run: its predictions.h5 and the store that they are for. `probe` and `eval` score the
   same run from here; with as many resamples, which the file says, they give the same numbers. */
#ifndef MDP_CMD_EVAL_INPUT_H
#define MDP_CMD_EVAL_INPUT_H

#include "base/text.h"
#include "eval/evaluate.h"
#include "medprobe/store.h"

struct mdp_eval_files {
    struct mdp_eval_input input; /* the caller adds provenance and environment, where it knows them */
    const struct mdp_predictions_facts *facts; /* how the run was made */
    /* what they point to */
    struct mdp_predictions_reader *reader;
    uint32_t *patients; /* [N] */
    struct mdp_text dataset;
};

/* Columns of scores are matched with the store's classes by name; patients are those of the store, unless the run was made
   without them (--group none). The dataset is called as the store's file, without its ending. The store must outlive the
   files; it has labels. MDP_ERR_CHECK when the predictions are of another store. */
mdp_status mdp_eval_files_open(const char *predictions, const struct mdp_store_info *info,
                               struct mdp_eval_files *files, struct mdp_error *err);
void mdp_eval_files_close(struct mdp_eval_files *files);

#endif
