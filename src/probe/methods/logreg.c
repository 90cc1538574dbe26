/* SPDX-License-Identifier: BSD-3-Clause */
/* Logistic regression with an L2 penalty on the support's unit embeddings, C by the rule. */
#include "probe/linear_probe.h"
#include "probe/solvers/logistic.h"

static mdp_status fit(const struct mdp_fit_problem *problem, double c, double w[], struct mdp_error *err)
{
    struct mdp_logistic_report report;

    return mdp_logistic_fit(problem, c, w, &report, err);
}

static const struct mdp_objective objective = {.fit = fit, .loss = mdp_logistic_loss};

const struct mdp_method mdp_logreg = {
    .name = "logreg",
    .in_default = true,
    .summary = "logistic regression on the labelled pictures",
    .sentence = "A logistic regression (L2) is fitted on the embeddings of the labelled pictures",
    .fitted = true,
    .link = MDP_LINK_LOGISTIC,
    .strength = "in scikit-learn's meaning",
    .objective = &objective,
    .run = mdp_linear_probe_run,
};
