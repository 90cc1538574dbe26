/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/metric_table.h"

#include "eval/metrics/metric_work.h"

#include <math.h>

const struct mdp_metric_kind mdp_metric_kinds[] = {
    {.name = "accuracy",
     .in_run = true,
     .most = 1,
     .inference = MDP_INFERENCE_RATE,
     .headline = "accuracy",
     .summary_key = "acc1",
     .summary_place = 1,
     .compute = mdp_metric_accuracy,
     .definition = "share of rows whose predicted class is their label"},
    {.name = "balanced_accuracy",
     .needs = MDP_NEEDS_EVERY_CLASS,
     .in_run = true,
     .most = 1,
     .summary_key = "mean_per_class_recall",
     .summary_place = 2,
     .compute = mdp_metric_balanced_accuracy,
     .definition = "mean over classes of the share of a class's rows that are predicted as it"},
    {.name = "macro_f1",
     .needs = MDP_NEEDS_EVERY_CLASS,
     .in_run = true,
     .most = 1,
     .summary_key = "macro_f1",
     .summary_place = 4,
     .compute = mdp_metric_macro_f1,
     .definition = "mean over classes of F1; a class without predictions counts 0"},
    {.name = "mcc",
     .needs = MDP_NEEDS_TRUE_AND_PREDICTED_SPREAD,
     .in_run = true,
     .least = -1,
     .most = 1,
     .compute = mdp_metric_mcc,
     .definition = "Matthews correlation of labels and predicted classes"},
    {.name = "kappa",
     .needs = MDP_NEEDS_DISAGREEMENT_BY_CHANCE,
     .in_run = true,
     .least = -1,
     .most = 1,
     .compute = mdp_metric_kappa,
     .definition = "Cohen's kappa of labels and predicted classes"},
    {.name = "auc_ovr_macro",
     .needs = MDP_NEEDS_EVERY_CLASS,
     .in_run = true,
     .most = 1,
     .headline = "AUC",
     .leads = true,
     .summary_key = "auc_ovr_macro",
     .summary_place = 3,
     .compute = mdp_metric_auc_ovr_macro,
     .definition = "mean over classes of the area under the ROC curve of a class against the rest; two "
                   "classes: of the second"},
    {.name = "auc_ovo_macro",
     .needs = MDP_NEEDS_EVERY_CLASS,
     .in_run = true,
     .most = 1,
     .compute = mdp_metric_auc_ovo_macro,
     .definition = "mean over pairs of classes of the area under the ROC curve, Hand and Till; two classes: "
                   "of the second"},
    {.name = "auc",
     .of_class = true,
     .needs = MDP_NEEDS_BOTH_SIDES,
     .in_run = true,
     .most = 1,
     .inference = MDP_INFERENCE_AUC,
     .compute = mdp_metric_auc,
     .definition = "area under the ROC curve of the class against the rest, ties count half"},
    {.name = "auprc",
     .of_class = true,
     .needs = MDP_NEEDS_POSITIVES,
     .in_run = true,
     .most = 1,
     .compute = mdp_metric_auprc,
     .definition = "average precision of the class against the rest, step sum"},
    {.name = "log_loss",
     .needs = MDP_NEEDS_PROBABILITIES,
     .in_run = true,
     .most = INFINITY,
     .compute = mdp_metric_log_loss,
     .definition = "mean of minus the logarithm of the label's probability, clipped to [2^-52, 1 - 2^-52]"},
    {.name = "brier",
     .needs = MDP_NEEDS_PROBABILITIES,
     .in_run = true,
     .most = 2,
     .compute = mdp_metric_brier,
     .definition = "mean squared error of the probabilities; two classes: of the second alone, more: summed "
                   "over classes"},
    {.name = "ece_15",
     .needs = MDP_NEEDS_PROBABILITIES,
     .in_run = true,
     .most = 1,
     .compute = mdp_metric_ece,
     .definition = "expected calibration error of the largest probability, 15 bins of equal width"},
    {.name = "ece_15_mass",
     .needs = MDP_NEEDS_PROBABILITIES,
     .in_run = true,
     .most = 1,
     .compute = mdp_metric_ece_mass,
     .definition = "expected calibration error of the largest probability, 15 bins of equal numbers of rows"},
    {.name = "sensitivity@specificity=",
     .of_class = true,
     .needs = MDP_NEEDS_BOTH_SIDES,
     .in_run = true,
     .parameter = 0.90,
     .most = 1,
     .compute = mdp_metric_sensitivity_at,
     .definition = "largest sensitivity of the class on the ROC curve of the scored rows at this specificity "
                   "or a higher one"},
    {.name = "pauc@fpr=",
     .of_class = true,
     .needs = MDP_NEEDS_BOTH_SIDES,
     .parameter = 0.10,
     .most_is_parameter = true,
     .compute = mdp_metric_pauc,
     .definition = "area under the ROC curve of the class up to this false-positive rate"},
    {.name = "pauc_std@fpr=",
     .of_class = true,
     .needs = MDP_NEEDS_BOTH_SIDES,
     .parameter = 0.10,
     .most = 1,
     .compute = mdp_metric_pauc_std,
     .definition =
         "area under the ROC curve of the class up to this false-positive rate, standardised after McClish"},
};

const size_t mdp_metric_kind_count = sizeof mdp_metric_kinds / sizeof mdp_metric_kinds[0];

const struct mdp_metric_kind *mdp_metric_leading(void)
{
    size_t i = 0;

    while (!mdp_metric_kinds[i].leads)
        i++;
    return &mdp_metric_kinds[i];
}

void mdp_metric_range(const struct mdp_metric *metric, double *least, double *most)
{
    *least = metric->kind->least;
    *most = metric->kind->most_is_parameter ? metric->parameter : metric->kind->most;
}
