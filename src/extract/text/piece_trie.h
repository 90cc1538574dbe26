/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces as a tree of their bytes, to find all that a text begins with: one table of (node, byte) -> node. {0} is empty. */
#ifndef MDP_EXTRACT_PIECE_TRIE_H
#define MDP_EXTRACT_PIECE_TRIE_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

struct mdp_piece_trie {
    uint64_t *keys;    /* [slots] node << 8 | byte, plus 1; 0: an empty slot */
    uint32_t *targets; /* [slots] */
    int32_t *ids;      /* [nodes], -1: no piece ends here; node 0 is the root */
    size_t slots, nodes, room;
};

/* Leaves it empty; an empty one is fine. */
void mdp_piece_trie_release(struct mdp_piece_trie *trie);

/* piece[n], n > 0; its id replaces that of the same piece added before. MDP_ERR_LIMIT: more than 16,777,216 nodes, or
   more of one hash than a file that is not made for it has. */
mdp_status mdp_piece_trie_add(struct mdp_piece_trie *trie, const char *piece, size_t n, int32_t id,
                              struct mdp_error *err);

/* The node behind `node` by `byte`, or 0 when there is none. */
uint32_t mdp_piece_trie_step(const struct mdp_piece_trie *trie, uint32_t node, unsigned char byte);

/* The id of piece[n], or -1. */
int32_t mdp_piece_trie_find(const struct mdp_piece_trie *trie, const char *piece, size_t n);

#endif
