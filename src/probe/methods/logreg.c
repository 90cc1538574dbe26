/* SPDX-License-Identifier: BSD-3-Clause */
/* Logistic regression with an L2 penalty on the support's unit embeddings, C by the rule. */
#include "probe/linear_probe.h"
#include "probe/solvers/logistic.h"

static mdp_status fit(const struct mdp_fit_problem *problem, double c, double w[], struct mdp_error *err)
{
    struct mdp_logistic_report report;

    return mdp_logistic_fit(problem, c, w, &report, err);
}

static mdp_status logreg_run(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                             const struct mdp_method_options *options, struct mdp_outcome *outcome,
                             struct mdp_error *err)
{
    static const struct mdp_objective objective = {.fit = fit, .loss = mdp_logistic_loss};

    return mdp_linear_probe_run(&mdp_logreg, &objective, data, draw, options, outcome, err);
}

const struct mdp_method mdp_logreg = {
    .name = "logreg",
    .summary = "logistic regression on the labelled pictures",
    .sentence = "A logistic regression (L2) is fitted on the embeddings of the labelled pictures",
    .fitted = true,
    .link = MDP_LINK_LOGISTIC,
    .run = logreg_run,
};
