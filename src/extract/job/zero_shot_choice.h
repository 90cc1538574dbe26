/* SPDX-License-Identifier: BSD-3-Clause */
/* By which rules a store's zero-shot scores are made: what the user says, else the prompt set, else the model's card. */
#ifndef MDP_EXTRACT_ZERO_SHOT_CHOICE_H
#define MDP_EXTRACT_ZERO_SHOT_CHOICE_H

#include "base/exchange/zero_shot_rules.h"
#include "extract/model/model.h"
#include "extract/text/prompts.h"

struct mdp_zero_shot_choice {
    const char *ensemble, *similarity; /* words of the user, or NULL */
};

struct mdp_zero_shot_rules {
    enum mdp_ensemble ensemble;
    enum mdp_similarity similarity;
};

/* `prompts` of this model for `n_classes` classes of labels (0: none are known). ensemble: the choice's, else the prompt
   set's, else the card's, else mean-logits. similarity: the choice's, else pairs where the set has negatives, else the card's.
   What does not go together is wrong use, in the words of the options. */
mdp_status mdp_zero_shot_choose(const struct mdp_zero_shot_choice *choice, const struct mdp_prompts *prompts,
                                const struct mdp_model *model, size_t n_classes,
                                struct mdp_zero_shot_rules *rules, struct mdp_error *err);

#endif
