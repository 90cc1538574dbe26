/* SPDX-License-Identifier: BSD-3-Clause */
/* What models are called: the name of a card, which is its file's, and the publisher's names that it lists as `aliases`
   ("ViT-B/32", "openai/clip-vit-base-patch32"). */
#ifndef MDP_EXTRACT_MODEL_NAMES_H
#define MDP_EXTRACT_MODEL_NAMES_H

#include "base/text.h"
#include "medprobe/status.h"

/* The card's file that `model` means, into *path (replaced): a path that exists where there is a '/' or the ending of YAML in
   it, else a card's name, else an alias. Wrong use: a name that nobody has, answered with the nearest of all; an alias that
   two cards claim. */
mdp_status mdp_model_locate(const char *model, struct mdp_text *path, struct mdp_error *err);

#endif
