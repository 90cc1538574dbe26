/* SPDX-License-Identifier: BSD-3-Clause */
/* A run folder appears when the run is complete. Until then it is written beside its place, as
   <folder>.partial; what an interrupted run left there is thrown away by the next, which makes the same files
   again.

       TRY(mdp_run_folder_check("results/tb", force, err));            before any work
       TRY(mdp_run_folder_create("results/tb", &config, force, &folder, err));
       ... write into folder.partial ...
       TRY(mdp_run_folder_commit(&folder, err));
       mdp_run_folder_release(&folder);                                removes what was not published  */
#ifndef MDP_CMD_RUN_FOLDER_H
#define MDP_CMD_RUN_FOLDER_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>

/* The first line of config.yaml, by which a run folder is known as ours. */
#define MDP_RUN_FOLDER_MARK "# medprobe probe: the resolved options of this run, valid for --config\n"

struct mdp_run_folder {
    struct mdp_text path, partial;
    int lock; /* of partial/config.yaml; -1: none */
};

/* A complete run is refused unless `force`, and what is no run of ours always (MDP_ERR_USAGE). */
mdp_status mdp_run_folder_check(const char *path, bool force, struct mdp_error *err);

/* Whether a report may be written into `path`: it is not there, or it is `own`, the folder of the one run that is
   reported (NULL: there are several), or it holds nothing but what reports write; another run keeps its own
   (MDP_ERR_USAGE). */
mdp_status mdp_run_folder_check_report(const char *path, const char *own, struct mdp_error *err);

/* Makes <path>.partial with config.yaml. An unfinished run at `path` itself goes on when its config.yaml is
   `config`, else it is refused unless `force`. */
mdp_status mdp_run_folder_create(const char *path, const struct mdp_text *config, bool force,
                                 struct mdp_run_folder *folder, struct mdp_error *err);

/* Moves everything to its place; files of the user's own in an old run folder stay. */
mdp_status mdp_run_folder_commit(struct mdp_run_folder *folder, struct mdp_error *err);
void mdp_run_folder_release(struct mdp_run_folder *folder);

#endif
