/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/weights/pickle_values.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 16 }; /* bytes that are asked for at once */

/* Values live in chunks that are freed together. */
struct mdp_chunk {
    struct mdp_chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

static void *arena(struct mdp_pickle *p, size_t bytes, struct mdp_error *err)
{
    bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!p->chunks || p->chunks->size - p->chunks->used < bytes) {
        size_t size = bytes > CHUNK ? bytes : CHUNK;
        if (size > MDP_PICKLE_MAX_MEMORY - p->memory) {
            mdp_fail(err, MDP_ERR_LIMIT, "its values need more than %d MiB", MDP_PICKLE_MAX_MEMORY >> 20);
            return NULL;
        }
        struct mdp_chunk *chunk = malloc(sizeof *chunk + size);
        if (!chunk) {
            mdp_fail(err, MDP_ERR_MEMORY, "out of memory: %zu bytes of pickle values", size);
            return NULL;
        }
        *chunk = (struct mdp_chunk){.next = p->chunks, .size = size};
        p->chunks = chunk;
        p->memory += size;
    }
    void *block = (char *)p->chunks->bytes + p->chunks->used;
    p->chunks->used += bytes;
    memset(block, 0, bytes);
    return block;
}

struct mdp_value *mdp_value_new(struct mdp_pickle *pickle, enum mdp_value_kind kind, struct mdp_error *err)
{
    struct mdp_value *v = arena(pickle, sizeof *v, err);

    if (v)
        v->kind = kind;
    return v;
}

/* Doubling leaves the old arrays behind: at most as much again. */
mdp_status mdp_value_make_room(struct mdp_pickle *pickle, struct mdp_value *v, size_t more,
                               struct mdp_error *err)
{
    size_t need = v->items.n + more; /* both are bounded by the stack, and memory is */

    if (need <= v->items.capacity)
        return MDP_OK;
    size_t capacity = v->items.capacity * 2 > need ? v->items.capacity * 2 : need;
    struct mdp_value **grown = arena(pickle, capacity * sizeof(struct mdp_value *), err);
    if (!grown)
        return err->status;
    if (v->items.n)
        memcpy(grown, v->items.at, v->items.n * sizeof(struct mdp_value *));
    v->items.at = grown;
    v->items.capacity = capacity;
    return MDP_OK;
}

void mdp_pickle_free(struct mdp_pickle *pickle)
{
    if (!pickle)
        return;
    for (struct mdp_chunk *c = pickle->chunks, *next = NULL; c; c = next) {
        next = c->next;
        free(c);
    }
    free(pickle->persistent.at);
    free(pickle);
}

struct mdp_value *mdp_pickle_root(const struct mdp_pickle *pickle)
{
    return pickle->root;
}

size_t mdp_pickle_persistent(const struct mdp_pickle *pickle, struct mdp_value *const **values)
{
    *values = pickle->persistent.at;
    return pickle->persistent.n;
}

bool mdp_piece_is(struct mdp_piece piece, const char *text)
{
    return piece.n == strlen(text) && memcmp(piece.at, text, piece.n) == 0;
}

bool mdp_value_is_global(const struct mdp_value *value, const char *module, const char *name)
{
    return value->kind == MDP_VALUE_GLOBAL && mdp_piece_is(value->global.module, module) &&
           mdp_piece_is(value->global.name, name);
}

const char *mdp_value_kind_name(enum mdp_value_kind kind)
{
    static const char *const names[] = {
        [MDP_VALUE_NONE] = "None",
        [MDP_VALUE_BOOL] = "a bool",
        [MDP_VALUE_INT] = "an int",
        [MDP_VALUE_LONG] = "a long int",
        [MDP_VALUE_FLOAT] = "a float",
        [MDP_VALUE_STRING] = "text",
        [MDP_VALUE_BYTES] = "bytes",
        [MDP_VALUE_TUPLE] = "a tuple",
        [MDP_VALUE_LIST] = "a list",
        [MDP_VALUE_DICT] = "a dictionary",
        [MDP_VALUE_GLOBAL] = "a global",
        [MDP_VALUE_OBJECT] = "an object",
        [MDP_VALUE_PERSISTENT] = "a storage",
    };

    return names[kind];
}
