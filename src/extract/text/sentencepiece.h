/* SPDX-License-Identifier: BSD-3-Clause */
/* The library SentencePiece (https://github.com/google/sentencepiece; Kudo and Richardson 2018); sentencepiece.cpp is the one
   file that knows it. */
#ifndef MDP_EXTRACT_SENTENCEPIECE_H
#define MDP_EXTRACT_SENTENCEPIECE_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mdp_sentencepiece;

/* bytes[n] is a model (a serialised ModelProto) whose tables of characters were checked (spiece_proto.h).
   without_prefix: no blank is put before a text, whatever the model says. A model that the library refuses is MDP_ERR_FORMAT. */
mdp_status mdp_sentencepiece_new(const char *bytes, size_t n, bool without_prefix,
                                 struct mdp_sentencepiece **model, struct mdp_error *err);
void mdp_sentencepiece_free(struct mdp_sentencepiece *model); /* NULL is fine */

size_t mdp_sentencepiece_count(const struct mdp_sentencepiece *model);    /* pieces; ids are below it */
int32_t mdp_sentencepiece_unknown(const struct mdp_sentencepiece *model); /* id of what has no piece */

/* The id of the piece that is exactly `piece`, or -1. */
int32_t mdp_sentencepiece_find(const struct mdp_sentencepiece *model, const char *piece);

/* Ids of text[n], UTF-8, in a block for free(). */
mdp_status mdp_sentencepiece_encode(const struct mdp_sentencepiece *model, const char *text, size_t n,
                                    int32_t **ids, size_t *n_ids, struct mdp_error *err);

const char *mdp_sentencepiece_library(void); /* what `version` says of it */

#ifdef __cplusplus
}
#endif
#endif
