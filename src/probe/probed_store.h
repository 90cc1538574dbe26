/* SPDX-License-Identifier: BSD-3-Clause */
/* What probing asks of a store: labels, two classes, patients, and splits by name. */
#ifndef MDP_PROBE_PROBED_STORE_H
#define MDP_PROBE_PROBED_STORE_H

#include "medprobe/store.h"

#include <stdbool.h>

/* Whether the store can be probed: labels, two classes, and patients unless by_patient is false. */
mdp_status mdp_check_probed_store(const struct mdp_store_info *info, bool by_patient, struct mdp_error *err);

/* MDP_ERR_MISSING for row `row`, which has no patient, with what may be done. */
mdp_status mdp_fail_no_patient(const struct mdp_store_info *info, size_t row, struct mdp_error *err);

/* The split exists, or an error that lists (up to eight of) those that do and names --option. */
mdp_status mdp_split_check(const struct mdp_store_info *info, const char *split, const char *option,
                           struct mdp_error *err);

/* *rows = rows[*n], for free(): the labelled rows of a split. An unknown split is wrong use, answered with those that exist
   and `option`. */
mdp_status mdp_split_rows(const struct mdp_store_info *info, const char *split, const char *option,
                          int64_t **rows, size_t *n, struct mdp_error *err);

#endif
