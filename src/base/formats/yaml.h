/* SPDX-License-Identifier: BSD-3-Clause */
/* YAML files as a tree whose nodes know their line. Reads one document of UTF-8 text; refuses duplicate keys,
   files above 16 MiB and more than MDP_YAML_MAX_NODES values, counting what an alias stands for every time,
   so that nothing multiplies without bound.

   Readers check what they read:

       TRY(mdp_yaml_read(path, &doc, err));
       const struct mdp_yaml_node *root = mdp_yaml_root(doc);
       TRY(mdp_yaml_known_keys(doc, root, keys, n_keys, err));   unknown key: error with line and nearest key
       TRY(mdp_yaml_get_string(doc, root, "name", &name, err));  missing or of another kind: error with line */
#ifndef MDP_BASE_YAML_H
#define MDP_BASE_YAML_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDP_YAML_MAX_NODES = 1000000 };

struct mdp_yaml; /* a document; owns its nodes */

enum mdp_yaml_kind { MDP_YAML_SCALAR, MDP_YAML_LIST, MDP_YAML_MAP };

struct mdp_yaml_node {
    enum mdp_yaml_kind kind;
    size_t line;        /* 1-based */
    const char *scalar; /* MDP_YAML_SCALAR: its text, NUL-terminated (a NUL inside is refused) */
    bool plain;         /* MDP_YAML_SCALAR: written without quotes */
    size_t n;           /* MDP_YAML_LIST, MDP_YAML_MAP: entries */
    const struct mdp_yaml_node **keys;   /* MDP_YAML_MAP: [n] scalars, in file order */
    const struct mdp_yaml_node **values; /* MDP_YAML_LIST, MDP_YAML_MAP: [n] */
};

/* `name` stands for the file in messages. An empty document is an empty map. */
mdp_status mdp_yaml_read(const char *path, struct mdp_yaml **doc, struct mdp_error *err);
mdp_status mdp_yaml_parse(const char *bytes, size_t n, const char *name, struct mdp_yaml **doc,
                          struct mdp_error *err);
void mdp_yaml_free(struct mdp_yaml *doc);
const struct mdp_yaml_node *mdp_yaml_root(const struct mdp_yaml *doc);

/* Fails with "<file>: line <n>: <message>". */
mdp_status mdp_yaml_fail(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, struct mdp_error *err,
                         const char *format, ...) MDP_PRINTF(4, 5);

/* The value of `key`, or NULL. `map` must be a map. */
const struct mdp_yaml_node *mdp_yaml_find(const struct mdp_yaml_node *map, const char *key);

/* Error when `map` is no map or has a key outside `keys[n]`. */
mdp_status mdp_yaml_known_keys(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               const char *const keys[], size_t n, struct mdp_error *err);

/* The value of a key that must be there, of the kind asked for. Strings stay owned by the document. */
mdp_status mdp_yaml_get(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                        enum mdp_yaml_kind kind, const struct mdp_yaml_node **value, struct mdp_error *err);
mdp_status mdp_yaml_get_string(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                               const char **value, struct mdp_error *err);
/* Numbers from `least` to `most`, both included. */
mdp_status mdp_yaml_get_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                             size_t least, size_t most, size_t *value, struct mdp_error *err);
mdp_status mdp_yaml_get_double(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                               double least, double most, double *value, struct mdp_error *err);
/* One of names[n]: its place. Else "... no <what> '<value>' (did you mean ...)", as base/names.h says it. */
mdp_status mdp_yaml_get_choice(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                               const char *what, const char *const names[], size_t n, size_t *place,
                               struct mdp_error *err);

/* Values of keys that may be missing: then *value is left as it is. */
mdp_status mdp_yaml_optional_string(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                    const char *key, const char **value, struct mdp_error *err);
mdp_status mdp_yaml_optional_map(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                                 const struct mdp_yaml_node **value, struct mdp_error *err);
mdp_status mdp_yaml_optional_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  const char *key, size_t least, size_t most, size_t *value,
                                  struct mdp_error *err);
mdp_status mdp_yaml_optional_bool(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  const char *key, bool *value, struct mdp_error *err);
mdp_status mdp_yaml_optional_choice(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                    const char *key, const char *what, const char *const names[], size_t n,
                                    size_t *place, struct mdp_error *err);

/* Scalars as numbers; the whole text must be the number, inside the range. Booleans are true and false. */
mdp_status mdp_yaml_to_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, size_t least,
                            size_t most, size_t *value, struct mdp_error *err);
mdp_status mdp_yaml_to_double(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, double *value,
                              struct mdp_error *err);
mdp_status mdp_yaml_to_bool(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, bool *value,
                            struct mdp_error *err);

#endif
