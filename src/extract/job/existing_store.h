/* SPDX-License-Identifier: BSD-3-Clause */
/* What already stands under the name of the output: nothing, a store of the same inputs, another store, or a
   file that is none of ours. */
#ifndef MDP_EXTRACT_EXISTING_STORE_H
#define MDP_EXTRACT_EXISTING_STORE_H

#include "extract/job/facts.h"
#include "extract/job/manifest.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* An error when `path` exists and is no store of medprobe: it is never overwritten. */
mdp_status mdp_existing_store_may_replace(const char *path, bool *exists, struct mdp_error *err);

/* Whether the store at `path` was made of these facts (extract/job/run_facts.h), this manifest and the pictures as they are
   now (their bytes are read and compared). A difference is an error that names the first one in the words of the options, of
   a row by its line. *failures: inputs that it has no row for. */
mdp_status mdp_existing_store_compare(const char *path, const struct mdp_facts *facts,
                                      const struct mdp_manifest *manifest, size_t threads, size_t *failures,
                                      struct mdp_error *err);

#endif
