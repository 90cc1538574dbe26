/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder as transformers or open_clip saves a model, turned into the text of a card (docs/MODELS.md, "Folders"): its
   configuration files are read, nothing of it is executed. What comes out is read by the reader of cards like any other, so a folder has
   no path of its own through the program, and `medprobe models show DIR` shows what was understood.

   One card_from_*.c per source of configurations; card_from.h has what they share. */
#ifndef MDP_EXTRACT_MODEL_FOLDER_H
#define MDP_EXTRACT_MODEL_FOLDER_H

#include "base/text.h"
#include "medprobe/status.h"

/* Appends the card of the model in the folder `path` to *card. The card's name is `name`, or that of the folder where it is NULL.
   Errors: a file that is missing or broken (MDP_ERR_MISSING, MDP_ERR_FORMAT), an architecture, field or value that medprobe does not
   run (MDP_ERR_UNSUPPORTED); each names file, field and value. */
mdp_status mdp_model_folder_to_card(const char *path, const char *name, struct mdp_text *card,
                                    struct mdp_error *err);

#endif
