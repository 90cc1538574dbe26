/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/zero_shot_choice.h"

#include "base/names.h"
#include "base/try.h"

/* The number of a word that the user gave for --`option`. */
static mdp_status find_word(const char *option, const char *word, const char *const names[], size_t n,
                            size_t *found, struct mdp_error *err)
{
    *found = mdp_name_index(word, names, n);
    return *found < n ? MDP_OK
                      : mdp_fail(err, MDP_ERR_USAGE, "--%s %s: no such rule (%s)", option, word,
                                 mdp_name_hint(word, names, n).text);
}

static mdp_status choose_ensemble(const char *word, const struct mdp_prompts *prompts,
                                  const struct mdp_model_zero_shot *card, enum mdp_ensemble *ensemble,
                                  struct mdp_error *err)
{
    size_t found = prompts->has_ensemble ? prompts->ensemble
                   : card->has_ensemble  ? card->ensemble
                                         : MDP_ENSEMBLE_MEAN_LOGITS;

    if (word)
        TRY(find_word("ensemble", word, mdp_ensemble_names, MDP_ENSEMBLE_COUNT, &found, err));
    *ensemble = (enum mdp_ensemble)found;
    return MDP_OK;
}

/* Negatives and pairs belong together; without negatives two classes are each other's. */
static mdp_status check_pairs(bool pairs, bool asked, const struct mdp_prompts *prompts,
                              const struct mdp_model *model, size_t n_classes, struct mdp_error *err)
{
    if (prompts->negatives && !pairs)
        return mdp_fail(
            err, MDP_ERR_USAGE,
            "--prompts %s: has phrases that say a class is absent, which belong to --similarity pairs",
            prompts->name);
    if (pairs && !prompts->negatives && n_classes != 2)
        return mdp_fail(
            err, MDP_ERR_USAGE,
            "--prompts %s: %s%s scores pairs, and the set has no negatives: only two classes are each "
            "other's, here are %zu (give it negatives, or --similarity softmax)",
            prompts->name, asked ? "--similarity pairs with " : "", model->card.name, n_classes);
    return MDP_OK;
}

mdp_status mdp_zero_shot_choose(const struct mdp_zero_shot_choice *choice, const struct mdp_prompts *prompts,
                                const struct mdp_model *model, size_t n_classes,
                                struct mdp_zero_shot_rules *rules, struct mdp_error *err)
{
    size_t similarity = prompts->negatives ? MDP_SIMILARITY_PAIRS : model->card.similarity.kind;

    TRY(choose_ensemble(choice->ensemble, prompts, &model->card.zero_shot, &rules->ensemble, err));
    if (choice->similarity)
        TRY(find_word("similarity", choice->similarity, mdp_similarity_names, MDP_SIMILARITY_COUNT,
                      &similarity, err));
    rules->similarity = (enum mdp_similarity)similarity;
    if (similarity == MDP_SIMILARITY_MAX_QUERY && mdp_model_vectors(model) == 0)
        return mdp_fail(err, MDP_ERR_USAGE, "--similarity %s: %s has one vector a picture",
                        mdp_similarity_names[similarity], model->card.name);
    return check_pairs(similarity == MDP_SIMILARITY_PAIRS, choice->similarity, prompts, model,
                       n_classes ? n_classes : prompts->n, err);
}
