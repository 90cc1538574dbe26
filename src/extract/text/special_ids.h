/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys `bos`, `eos` and `pad` of a tokenizer's map: the ids before and behind a text and behind those of a batch. */
#ifndef MDP_EXTRACT_SPECIAL_IDS_H
#define MDP_EXTRACT_SPECIAL_IDS_H

#include "extract/text/tokenizer_kinds.h"

enum { MDP_UNSAID_ID = -2 }; /* the card does not say; MDP_NO_ID: it says `none` */

struct mdp_special_ids {
    int32_t bos, eos, pad;
};

/* Ids or `none` (not for pad); a key that is not there is MDP_UNSAID_ID. */
mdp_status mdp_special_ids_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                     struct mdp_special_ids *ids, struct mdp_error *err);

/* To the tokenizer whose vocab_size is known: what the card says, else `usual`. An id that is not below vocab_size is
   MDP_ERR_VALUE; a pad that neither says is MDP_ERR_MISSING. `vocab` names the file in messages. */
mdp_status mdp_special_ids_take(const struct mdp_special_ids *said, const struct mdp_special_ids *usual,
                                const char *vocab, struct mdp_tokenizer *tokenizer, struct mdp_error *err);

#endif
