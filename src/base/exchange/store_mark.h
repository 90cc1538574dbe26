/* SPDX-License-Identifier: BSD-3-Clause */
/* Which store the row numbers of a file mean: the root attribute store_sha256 of draws.h5, predictions.h5 and probes.h5. */
#ifndef MDP_BASE_STORE_MARK_H
#define MDP_BASE_STORE_MARK_H

#include "base/formats/h5.h"
#include "medprobe/store.h"

#include <stdbool.h>

/* Into a file that is being written: the store's content hash. */
mdp_status mdp_store_mark_write(struct mdp_h5 *file, const struct mdp_store_info *info,
                                struct mdp_error *err);

/* The content hash that the file says; "" when it says none. For free(). */
mdp_status mdp_store_mark_read(const struct mdp_h5 *file, char **hash, struct mdp_error *err);

/* MDP_ERR_CHECK when the file, called `path`, is of a store with another content; a repacked store has the same. *found: false
   when the file says nothing, as files of other programs and of before. */
mdp_status mdp_store_mark_check(const struct mdp_h5 *file, const char *path,
                                const struct mdp_store_info *info, bool *found, struct mdp_error *err);

/* What a user is told of a file that says nothing; the file's and the store's path. */
#define MDP_STORE_MARK_ABSENT                                                                                \
    "%s: does not say which store its row numbers are of; they are taken as those of %s"

#endif
