/* SPDX-License-Identifier: BSD-3-Clause */
/* How the prompts of a class become one score of a picture, by the words that prompt sets, model cards and stores have for
   it. Files say it by name (mdp_name_index in the tables below turns a name into its number, mdp_name_hint answers an unknown
   one), the program by number. */
#ifndef MDP_BASE_ZERO_SHOT_RULES_H
#define MDP_BASE_ZERO_SHOT_RULES_H

/* What becomes of several prompts of a class: `ensemble` of a prompt set, of a card's zero_shot and of /text. The formulas
   stand in probe/methods/zero_shot.c. */
enum mdp_ensemble {
    MDP_ENSEMBLE_MEAN_LOGITS, /* the default */
    MDP_ENSEMBLE_MAX_LOGITS,
    MDP_ENSEMBLE_MEAN_EMBEDDING, /* of unit vectors */
    MDP_ENSEMBLE_MEAN_RAW,       /* of vectors as the tower gives them */
    MDP_ENSEMBLE_COUNT
};
extern const char *const mdp_ensemble_names[MDP_ENSEMBLE_COUNT];

/* What turns logits into scores: `kind` of a card's similarity, `similarity` of a store. */
enum mdp_similarity {
    MDP_SIMILARITY_SOFTMAX,   /* over the classes; the default */
    MDP_SIMILARITY_SIGMOID,   /* of each class alone */
    MDP_SIMILARITY_PAIRS,     /* softmax over the class and its absence */
    MDP_SIMILARITY_MAX_QUERY, /* softmax over the classes of the largest cosine of a picture's vectors */
    MDP_SIMILARITY_COUNT
};
extern const char *const mdp_similarity_names[MDP_SIMILARITY_COUNT];

#endif
