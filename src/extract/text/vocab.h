/* SPDX-License-Identifier: BSD-3-Clause */
/* A vocabulary file: UTF-8, one piece a line, its id the line number from 0. Lines end as Python's text files
   do: LF, CR LF or CR. A hash table from piece to id. */
#ifndef MDP_EXTRACT_VOCAB_H
#define MDP_EXTRACT_VOCAB_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

enum { MDP_VOCAB_MOST = 16 << 20 }; /* bytes of a vocabulary file */

struct mdp_vocab;

/* Errors name the line: invalid UTF-8, a piece that stands twice. Empty lines have an id and are never
   found. */
mdp_status mdp_vocab_read(const char *path, struct mdp_vocab **vocab, struct mdp_error *err);
/* The same of bytes[n], a block for free() that is taken over (also on failure); `name` stands for the file in
   messages. At most MDP_VOCAB_MOST bytes. */
mdp_status mdp_vocab_parse(char *bytes, size_t n, const char *name, struct mdp_vocab **vocab,
                           struct mdp_error *err);
void mdp_vocab_free(struct mdp_vocab *vocab);

size_t mdp_vocab_count(const struct mdp_vocab *vocab); /* lines */

/* The id of the piece piece[n], or -1. */
int32_t mdp_vocab_find(const struct mdp_vocab *vocab, const char *piece, size_t n);

/* The same for pieces that grow character by character: the hash of a prefix is continued, and head[n_head]
   and tail[n_tail] together are the piece. */
uint64_t mdp_vocab_hash_begin(void);
uint64_t mdp_vocab_hash_add(uint64_t hash, const char *bytes, size_t n);
int32_t mdp_vocab_find_hashed(const struct mdp_vocab *vocab, uint64_t hash, const char *head, size_t n_head,
                              const char *tail, size_t n_tail);

#endif
