/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/exchange/zero_shot_rules.h"

const char *const mdp_ensemble_names[MDP_ENSEMBLE_COUNT] = {
    [MDP_ENSEMBLE_MEAN_LOGITS] = "mean-logits",
    [MDP_ENSEMBLE_MAX_LOGITS] = "max-logits",
    [MDP_ENSEMBLE_MEAN_EMBEDDING] = "mean-embedding",
    [MDP_ENSEMBLE_MEAN_RAW] = "mean-raw",
};

const char *const mdp_similarity_names[MDP_SIMILARITY_COUNT] = {
    [MDP_SIMILARITY_SOFTMAX] = "softmax",
    [MDP_SIMILARITY_SIGMOID] = "sigmoid",
    [MDP_SIMILARITY_PAIRS] = "pairs",
    [MDP_SIMILARITY_MAX_QUERY] = "max-query",
};
