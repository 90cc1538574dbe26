/* SPDX-License-Identifier: BSD-3-Clause */
/* What every fitted linear probe does in an episode: gather the support, choose C by the rule, fit, score the query. A
   method of this kind is a row with an objective (methods/logreg.c). */
#ifndef MDP_PROBE_LINEAR_PROBE_H
#define MDP_PROBE_LINEAR_PROBE_H

#include "probe/method.h"

/* mdp_method.run of a method with an objective. MDP_ERR_VALUE when the support lacks a class. */
mdp_status mdp_linear_probe_run(const struct mdp_method *method, const struct mdp_probe_data *data,
                                const struct mdp_draw *draw, const struct mdp_method_options *options,
                                struct mdp_outcome *outcome, struct mdp_error *err);

#endif
