/* SPDX-License-Identifier: BSD-3-Clause */
/* What is looked at in a SentencePiece model (a serialised protocol buffer, sentencepiece_model.proto) before the library
   gets it. */
#ifndef MDP_EXTRACT_SPIECE_PROTO_H
#define MDP_EXTRACT_SPIECE_PROTO_H

#include "medprobe/status.h"

#include <stddef.h>

/* The tables of characters in bytes[n] lead nowhere outside themselves (charsmap.h). Fields that are cut short or of an
   unknown sort are MDP_ERR_FORMAT; whether the fields make a model is the library's question. */
mdp_status mdp_spiece_proto_check(const char *bytes, size_t n, struct mdp_error *err);

#endif
