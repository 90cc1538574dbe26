/* SPDX-License-Identifier: BSD-3-Clause */
/* Prompts to unit vectors: the phrases of a class are one batch of the text tower, in their order, and those that say it is
   absent another. */
#ifndef MDP_EXTRACT_PROMPT_EMBEDDINGS_H
#define MDP_EXTRACT_PROMPT_EMBEDDINGS_H

#include "extract/job/store_write.h"
#include "extract/model/model.h"
#include "extract/text/prompts.h"
#include "medprobe/status.h"

/* The text part of a store; strings point into the prompts. */
struct mdp_prompt_embeddings {
    struct mdp_text_part part;
    float *embeddings, *norms; /* [P, D], [P] */
    const char **prompts;      /* [P] */
    int32_t *class_index;      /* [P] */
    uint8_t *negative;         /* [P] */
    const char **class_names;  /* [K] */
};

/* The lists alone, without vectors; `prompts` must outlive it. */
mdp_status mdp_prompt_embeddings_init(struct mdp_prompt_embeddings *out, const struct mdp_prompts *prompts,
                                      struct mdp_error *err);
/* Fills the vectors; `model` was opened with texts. A vector that is zero or not finite is an error that names the class
   and the prompt's place in it. */
mdp_status mdp_prompt_embeddings_run(struct mdp_prompt_embeddings *out, const struct mdp_prompts *prompts,
                                     const struct mdp_model *model, size_t threads, struct mdp_error *err);
void mdp_prompt_embeddings_release(struct mdp_prompt_embeddings *out);

#endif
