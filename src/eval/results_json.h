/* SPDX-License-Identifier: BSD-3-Clause */
/* results.json of a run folder: fixed order of keys, numbers with 17 significant digits, null for what is not
   defined. Only `environment`, the last key, depends on when, where and with how many threads the run was
   made. */
#ifndef MDP_EVAL_RESULTS_JSON_H
#define MDP_EVAL_RESULTS_JSON_H

#include "base/text.h"
#include "eval/results.h"

/* The document as text. */
mdp_status mdp_results_to_json(const struct mdp_results *results, struct mdp_text *out,
                               struct mdp_error *err);

#endif
