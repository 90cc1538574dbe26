/* SPDX-License-Identifier: BSD-3-Clause */
/* Leakage: whether the same patient or the same file stands on both sides of an episode. Written apart from
   the draw and from the store's strings alone, so that a fault of the draw is seen here.

   Letters: N rows of the store. */
#ifndef MDP_PROBE_AUDIT_H
#define MDP_PROBE_AUDIT_H

#include "base/exchange/draws.h"
#include "medprobe/store.h"

#include <stdbool.h>

struct mdp_audit; /* the store's rows with equal patients and equal files under equal numbers */

/* by_patient: false leaves patients out of account (--group none). */
mdp_status mdp_audit_new(const struct mdp_store_info *info, bool by_patient, struct mdp_audit **audit,
                         struct mdp_error *err);
void mdp_audit_free(struct mdp_audit *audit);

/* MDP_ERR_CHECK when a patient has labelled rows in two of splits[n], naming both rows. */
mdp_status mdp_audit_splits(const struct mdp_audit *audit, const char *const splits[], size_t n,
                            struct mdp_error *err);

/* MDP_ERR_CHECK when a row stands twice in the episode, when a patient of support or val is in query, a
   patient of support in val, or a file (SHA-256) of support or val in query. held[n_held]: rows that every episode chooses
   C by (a whole val split), looked at as val rows are. MDP_ERR_VALUE when a row has no label. May be called from several
   threads. */
mdp_status mdp_audit_draw(const struct mdp_audit *audit, const struct mdp_draw *draw, const int64_t held[],
                          size_t n_held, struct mdp_error *err);

/* mdp_audit_draw of every episode, each with held[n_held]. */
mdp_status mdp_audit_draws(const struct mdp_audit *audit, const struct mdp_draws *draws, const int64_t held[],
                           size_t n_held, size_t threads, struct mdp_error *err);

/* Patients among rows[n]; 0 when patients are out of account. */
mdp_status mdp_audit_count_patients(const struct mdp_audit *audit, const int64_t rows[], size_t n,
                                    size_t *count, struct mdp_error *err);

#endif
