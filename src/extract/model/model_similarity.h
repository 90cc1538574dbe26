/* SPDX-License-Identifier: BSD-3-Clause */
/* A card's sections on scores: `similarity`, from the cosine of a picture and a text to a score, and `zero_shot`, the
   authors' own way with prompts. Keys: docs/MODELS.md; formulas: probe/methods/zero_shot.c. */
#ifndef MDP_EXTRACT_MODEL_SIMILARITY_H
#define MDP_EXTRACT_MODEL_SIMILARITY_H

#include "base/exchange/zero_shot_rules.h"
#include "base/formats/yaml.h"
#include "extract/weights/weights.h"
#include "medprobe/status.h"

#include <stdbool.h>

/* What becomes of the tensor's value, after the clamp; by the words of `transform`. */
enum mdp_scale_transform {
    MDP_SCALE_EXP,
    MDP_SCALE_RECIPROCAL,
    MDP_SCALE_IDENTITY,
    MDP_SCALE_COUNT, /* how many there are */
};

/* The section `similarity`: from the cosine to a logit, from logits to scores. */
struct mdp_model_similarity {
    bool given;               /* the card has the section */
    enum mdp_similarity kind; /* softmax where the card says nothing */
    const char *logit_scale;  /* name of the tensor; NULL: the cosine as it is */
    const char *logit_bias;   /* name of the tensor; NULL: none */
    bool clamps;
    double least, most; /* of the tensor's value, where `clamps` */
    enum mdp_scale_transform transform;
};

/* The section `zero_shot`: what a prompt set that says nothing else is taken with. */
struct mdp_model_zero_shot {
    bool has_ensemble;
    enum mdp_ensemble ensemble;
    const char *prompts; /* name of a prompt set: `--prompts default`; NULL: none */
};

/* scale * cosine + bias */
struct mdp_logits {
    double scale, bias;
};

/* Reads the section of that name from the card's root; one that is not there leaves *out as {0}. */
mdp_status mdp_model_similarity_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *root,
                                          struct mdp_model_similarity *out, struct mdp_error *err);
mdp_status mdp_model_zero_shot_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *root,
                                         struct mdp_model_zero_shot *out, struct mdp_error *err);

/* What makes a logit of a cosine: the tensors that the section names, the scale clamped and transformed; 1 and 0 where it
   names none. Without the section: scale NaN. */
mdp_status mdp_model_logits(const struct mdp_model_similarity *similarity, const struct mdp_weights *weights,
                            struct mdp_logits *logits, struct mdp_error *err);

#endif
