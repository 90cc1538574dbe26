/* SPDX-License-Identifier: BSD-3-Clause */
/* Which rows of a store are pictures of the same patient. Draws, folds and resamples all take these numbers; the audit
   alone finds patients for itself, on purpose.

   Letters: N rows of the store. */
#ifndef MDP_BASE_PATIENTS_H
#define MDP_BASE_PATIENTS_H

#include "medprobe/store.h"

#include <stdbool.h>

/* *patient = patient[N], for free(): equal numbers are the same patient, numbered from 0 by first row. A row without a
   patient, and every row when by_patient is false or the store has none, is its own. *n: how many there are. */
mdp_status mdp_patients_number(const struct mdp_store_info *info, bool by_patient, uint32_t **patient,
                               size_t *n, struct mdp_error *err);

#endif
