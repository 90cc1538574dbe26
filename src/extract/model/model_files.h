/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a model card on this machine: whether they are there and are the right ones, and fetching
 * them. */
#ifndef MDP_EXTRACT_MODEL_FILES_H
#define MDP_EXTRACT_MODEL_FILES_H

#include "extract/model/fetch.h"
#include "extract/model/model_card.h"

enum mdp_file_state {
    MDP_FILE_ABSENT,
    MDP_FILE_UNCHECKED, /* there; the card has no digest for it */
    MDP_FILE_FITS,      /* there, with the card's SHA-256 */
    MDP_FILE_DIFFERS,   /* there, with another one */
};

const char *mdp_file_state_name(enum mdp_file_state state); /* "absent", "not checked", "fits", "differs" */

/* Where the file lies or would lie, and its state; with `by_name` presence alone is looked at (UNCHECKED).
   sha256 is the file's own, "" when it was not computed. */
mdp_status mdp_model_file_state(const struct mdp_model_card *card, const struct mdp_model_file *file,
                                bool by_name, struct mdp_text *path, enum mdp_file_state *state,
                                char sha256[65], struct mdp_error *err);

/* Fetches the file into the model's folder, unpacks it where it comes in a ZIP, checks every digest of the
   card. `how` gives retries, progress, retry and context. The ZIP is removed after the file has its name;
   when unpacking fails it stays, so that the next run need not fetch it again. */
mdp_status mdp_model_file_pull(const struct mdp_model_card *card, const struct mdp_model_file *file,
                               const struct mdp_fetch *how, struct mdp_error *err);

#endif
