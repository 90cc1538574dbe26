/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/piece_trie.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdlib.h>

enum { MAX_PROBES = 1024, LEAST_SLOTS = 1 << 10, MOST_NODES = 1 << 24 };

void mdp_piece_trie_release(struct mdp_piece_trie *trie)
{
    free(trie->keys);
    free(trie->targets);
    free(trie->ids);
    *trie = (struct mdp_piece_trie){0};
}

static uint64_t key_of(uint32_t node, unsigned char byte)
{
    return ((uint64_t)node << 8 | byte) + 1;
}

/* The slot of the key, or the empty one where it would be; *probes says how many were looked at. */
static size_t slot_of(const struct mdp_piece_trie *trie, uint64_t key, size_t *probes)
{
    uint64_t hash = key * 0x9e3779b97f4a7c15u;

    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    size_t slot = (size_t)(hash >> 32) & (trie->slots - 1);
    for (*probes = 1; trie->keys[slot] && trie->keys[slot] != key; ++*probes)
        slot = (slot + 1) & (trie->slots - 1);
    return slot;
}

uint32_t mdp_piece_trie_step(const struct mdp_piece_trie *trie, uint32_t node, unsigned char byte)
{
    size_t probes = 0;

    return trie->slots ? trie->targets[slot_of(trie, key_of(node, byte), &probes)] : 0;
}

/* At most half of the slots are taken. */
static mdp_status make_room(struct mdp_piece_trie *trie, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_piece_trie larger = *trie;

    if (2 * trie->nodes < trie->slots)
        return MDP_OK;
    larger.slots = trie->slots ? 2 * trie->slots : LEAST_SLOTS;
    larger.keys = mdp_new_array(larger.slots, sizeof *larger.keys, err, &st);
    larger.targets = mdp_new_array(larger.slots, sizeof *larger.targets, err, &st);
    if (st != MDP_OK) {
        free(larger.keys);
        free(larger.targets);
        return st;
    }
    for (size_t i = 0; i < trie->slots; i++) {
        size_t probes = 0;
        if (!trie->keys[i])
            continue;
        size_t slot = slot_of(&larger, trie->keys[i], &probes);
        larger.keys[slot] = trie->keys[i];
        larger.targets[slot] = trie->targets[i];
    }
    free(trie->keys);
    free(trie->targets);
    *trie = larger;
    return MDP_OK;
}

static mdp_status add_node(struct mdp_piece_trie *trie, uint32_t *node, struct mdp_error *err)
{
    if (trie->nodes == MOST_NODES)
        return mdp_fail(err, MDP_ERR_LIMIT, "pieces of more than %d bytes that differ", MOST_NODES);
    TRY(mdp_grow(&trie->ids, &trie->room, trie->nodes + 1, sizeof *trie->ids, err));
    *node = (uint32_t)trie->nodes;
    trie->ids[trie->nodes++] = -1;
    return MDP_OK;
}

mdp_status mdp_piece_trie_add(struct mdp_piece_trie *trie, const char *piece, size_t n, int32_t id,
                              struct mdp_error *err)
{
    uint32_t node = 0, next = 0;

    if (trie->nodes == 0)
        TRY(add_node(trie, &node, err));
    for (size_t i = 0; i < n; i++, node = next) {
        size_t probes = 0;
        next = mdp_piece_trie_step(trie, node, (unsigned char)piece[i]);
        if (next)
            continue;
        TRY(make_room(trie, err));
        TRY(add_node(trie, &next, err));
        const uint64_t key = key_of(node, (unsigned char)piece[i]);
        const size_t slot = slot_of(trie, key, &probes);
        if (probes > MAX_PROBES)
            return mdp_fail(err, MDP_ERR_LIMIT, "more than %d pieces with the same hash", MAX_PROBES);
        trie->keys[slot] = key;
        trie->targets[slot] = next;
    }
    if (n > 0)
        trie->ids[node] = id;
    return MDP_OK;
}

int32_t mdp_piece_trie_find(const struct mdp_piece_trie *trie, const char *piece, size_t n)
{
    uint32_t node = 0;

    for (size_t i = 0; i < n; i++) {
        node = mdp_piece_trie_step(trie, node, (unsigned char)piece[i]);
        if (!node)
            return -1;
    }
    return n > 0 ? trie->ids[node] : -1;
}
