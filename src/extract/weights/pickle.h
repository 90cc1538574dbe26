/* SPDX-License-Identifier: BSD-3-Clause */
/* Pickle bytes to a tree of values: a closed interpreter of the opcodes that protocols 2 to 5 use for
   containers, numbers, text and objects. Nothing is imported, called or executed: a global is its two names,
   an object is the callable and arguments that would have made it. Two callables are understood, because
   state dicts are made of them: collections.OrderedDict and collections.defaultdict give dictionaries.

   Cost: time and memory linear in the bytes read; a tree of more than MDP_PICKLE_MAX_MEMORY bytes is refused.
   Values may be reached on several ways (memo) and may hold themselves; who walks the tree bounds his walk.
   Private to src/extract/weights. */
#ifndef MDP_EXTRACT_PICKLE_H
#define MDP_EXTRACT_PICKLE_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDP_PICKLE_MAX_MEMORY = 384 << 20 };

enum mdp_value_kind {
    MDP_VALUE_NONE,
    MDP_VALUE_BOOL,
    MDP_VALUE_INT,
    MDP_VALUE_LONG, /* an integer that int64 does not hold */
    MDP_VALUE_FLOAT,
    MDP_VALUE_STRING,
    MDP_VALUE_BYTES,
    MDP_VALUE_TUPLE,
    MDP_VALUE_LIST, /* sets too */
    MDP_VALUE_DICT,
    MDP_VALUE_GLOBAL,
    MDP_VALUE_OBJECT,
    MDP_VALUE_PERSISTENT,
};

/* A piece of the pickle's bytes; not NUL-terminated. */
struct mdp_piece {
    const char *at;
    size_t n;
};

struct mdp_value {
    enum mdp_value_kind kind;
    union {
        bool truth;
        int64_t integer;
        double number;
        struct mdp_piece text; /* STRING (UTF-8, unchecked), BYTES, LONG (little-endian, two's complement) */
        struct {
            struct mdp_value **at; /* TUPLE, LIST: [n]; DICT: [n], key, value, key, value ... */
            size_t n, capacity;
        } items;
        struct {
            struct mdp_piece module, name;
        } global;
        struct {
            struct mdp_value *callable, *arguments; /* neither is NULL */
            struct mdp_value *state;                /* what BUILD gave; NULL without */
        } object;
        struct mdp_value *id; /* PERSISTENT: what the pickle refers to outside of itself */
    };
};

struct mdp_pickle; /* owns the values of one pickle; they point into its bytes */

/* Reads the pickle at bytes[0]; it ends at its STOP, *used bytes on. */
mdp_status mdp_pickle_parse(const unsigned char *bytes, size_t n, struct mdp_pickle **pickle, size_t *used,
                            struct mdp_error *err);
void mdp_pickle_free(struct mdp_pickle *pickle);

/* The value that STOP left. */
struct mdp_value *mdp_pickle_root(const struct mdp_pickle *pickle);

/* The persistent values, in the order they were made. */
size_t mdp_pickle_persistent(const struct mdp_pickle *pickle, struct mdp_value *const **values);

/* Whether the bytes are those of `text`, without its NUL. */
bool mdp_piece_is(struct mdp_piece piece, const char *text);
/* Whether the value is the global module.name. */
bool mdp_value_is_global(const struct mdp_value *value, const char *module, const char *name);
const char *mdp_value_kind_name(enum mdp_value_kind kind); /* "a tuple", ... */

#endif
