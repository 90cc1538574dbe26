/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/pool.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A chain of blocks; the newest first. */
struct mdp_pool {
    struct block {
        struct block *next;
        void *memory;
    } * first;
};

struct mdp_pool *mdp_pool_new(struct mdp_error *err, mdp_status *st)
{
    return mdp_new_array(1, sizeof(struct mdp_pool), err, st);
}

void *mdp_pool_array(struct mdp_pool *pool, size_t n, size_t size, struct mdp_error *err, mdp_status *st)
{
    struct block *block = mdp_new_array(1, sizeof *block, err, st);

    if (!block)
        return NULL;
    block->memory = mdp_new_array(n, size, err, st);
    if (!block->memory) {
        free(block);
        return NULL;
    }
    block->next = pool->first;
    pool->first = block;
    return block->memory;
}

const char *mdp_pool_string(struct mdp_pool *pool, const char *text, struct mdp_error *err, mdp_status *st)
{
    if (!text)
        return NULL;
    size_t n = strlen(text) + 1;
    char *copy = mdp_pool_array(pool, n, 1, err, st);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

void mdp_pool_free(struct mdp_pool *pool)
{
    if (!pool)
        return;
    for (struct block *block = pool->first, *next; block; block = next) {
        next = block->next;
        free(block->memory);
        free(block);
    }
    free(pool);
}
