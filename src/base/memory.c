/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool mdp_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool mdp_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static void *no_memory(size_t n, size_t size, struct mdp_error *err, mdp_status *st)
{
    *st = mdp_fail(err, MDP_ERR_MEMORY, "out of memory: %zu elements of %zu bytes", n, size);
    return NULL;
}

void *mdp_new_array(size_t n, size_t size, struct mdp_error *err, mdp_status *st)
{
    size_t bytes = 0;
    void *block = NULL;

    if (!mdp_mul_size(n, size, &bytes) || bytes > PTRDIFF_MAX)
        return no_memory(n, size, err, st);
    if (posix_memalign(&block, MDP_ALIGNMENT, bytes ? bytes : 1) != 0)
        return no_memory(n, size, err, st);
    memset(block, 0, bytes);
    return block;
}

mdp_status mdp_grow(void *array_pointer, size_t *capacity, size_t need, size_t size, struct mdp_error *err)
{
    void *block = NULL;
    size_t bytes = 0;
    size_t wanted = *capacity ? *capacity : 16;
    mdp_status st = MDP_OK;

    if (need <= *capacity)
        return MDP_OK;
    while (wanted < need && wanted <= SIZE_MAX / 2)
        wanted *= 2;
    if (wanted < need)
        wanted = need;
    memcpy(&block, array_pointer, sizeof block);
    if (!mdp_mul_size(wanted, size, &bytes) || !(block = realloc(block, bytes ? bytes : 1))) {
        no_memory(wanted, size, err, &st);
        return st;
    }
    memcpy(array_pointer, &block, sizeof block);
    *capacity = wanted;
    return MDP_OK;
}

char *mdp_copy_string(const char *text, struct mdp_error *err, mdp_status *st)
{
    size_t n = strlen(text) + 1;
    char *copy = mdp_new_array(n, 1, err, st);

    if (copy)
        memcpy(copy, text, n);
    return copy;
}
