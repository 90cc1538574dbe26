/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenAI's CLIP files, which say all of themselves: the text of a card from the shapes of their tensors, as the authors' own loader
   infers them (clip/model.py: build_model), and from the three numbers that only their archives hold. */
#ifndef MDP_EXTRACT_CARD_FROM_OPENAI_H
#define MDP_EXTRACT_CARD_FROM_OPENAI_H

#include "base/text.h"
#include "extract/weights/weights.h"
#include "medprobe/status.h"

/* Appends the card of the weight file `path` to *card, under `name`, or that of the file where it is NULL. Errors: a file that
   cannot be opened; MDP_ERR_UNSUPPORTED for one that does not describe itself: other tensors than CLIP's, or CLIP's without
   input_resolution, context_length and vocab_size, as its many descendants are saved, which differ in pipeline or activation. */
mdp_status mdp_openai_to_card(const char *path, const char *name, struct mdp_text *card,
                              struct mdp_error *err);

/* The same of opened weights; the card names `folder` and `file` as their place. */
mdp_status mdp_openai_weights_to_card(const struct mdp_weights *weights, const char *name, const char *folder,
                                      const char *file, struct mdp_text *card, struct mdp_error *err);

#endif
