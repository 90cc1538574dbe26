/* SPDX-License-Identifier: BSD-3-Clause */
/* An object of a configuration file (config.json and its like), asked field by field. What was asked is remembered, so that in the
   end every other field is known never to change numbers or is refused by its name and value:

       struct mdp_fields f = {.path = "m/config.json", .map = mdp_json_root(doc)};
       TRY(mdp_fields_size(&f, "hidden_size", 768, &width, err));
       TRY(mdp_fields_same(&f, "position_embedding_type", "\"absolute\"", err));
       TRY(mdp_fields_done(&f, NULL, 0, err));

   A field that is null is one that is not there. Messages: "m/config.json: vision_config.hidden_act: ...". */
#ifndef MDP_EXTRACT_MODEL_FOLDER_FIELDS_H
#define MDP_EXTRACT_MODEL_FOLDER_FIELDS_H

#include "base/formats/json.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { MDP_FIELDS_MOST = 96, MDP_FIELDS_LIST_MOST = 16 };

struct mdp_fields {
    const char *path;                   /* of the file, for messages */
    const char *section;                /* "vision_config"; NULL at the top */
    const struct mdp_json_value *map;   /* NULL: a section that is not there */
    const char *asked[MDP_FIELDS_MOST]; /* [n_asked] names that were asked for, known or not */
    size_t n_asked;
};

/* Fails with MDP_ERR_UNSUPPORTED, "<path>: <section>.<key>: <value> is not supported<reason>"; `reason` begins with a blank or
   is empty. For a reader that knows why. */
mdp_status mdp_fields_refuse(const struct mdp_fields *f, const char *key, const char *reason,
                             struct mdp_error *err);

bool mdp_fields_has(struct mdp_fields *f, const char *key); /* there and not null; counts as asked */
/* The value, or NULL when it is not there. */
const struct mdp_json_value *mdp_fields_find(struct mdp_fields *f, const char *key);

/* An object inside: *section has .map NULL when it is not there. Errors: it is no object. */
mdp_status mdp_fields_section(struct mdp_fields *f, const char *key, struct mdp_fields *section,
                              struct mdp_error *err);

/* Values with what the reference takes where the field is not there. Errors: another kind of value, or outside the range. A
   size is from 1 to 2^24. */
mdp_status mdp_fields_size(struct mdp_fields *f, const char *key, size_t fallback, size_t *value,
                           struct mdp_error *err);
/* A size or 0: ids, counts that may be none. */
mdp_status mdp_fields_count(struct mdp_fields *f, const char *key, size_t fallback, size_t *value,
                            struct mdp_error *err);
mdp_status mdp_fields_number(struct mdp_fields *f, const char *key, double fallback, double *value,
                             struct mdp_error *err);
mdp_status mdp_fields_bool(struct mdp_fields *f, const char *key, bool fallback, bool *value,
                           struct mdp_error *err);
/* The string stays the document's; the fallback may be NULL. */
mdp_status mdp_fields_text(struct mdp_fields *f, const char *key, const char *fallback, const char **value,
                           struct mdp_error *err);
/* A size, or a list of the same size n times: [14, 14]. */
mdp_status mdp_fields_side(struct mdp_fields *f, const char *key, size_t fallback, size_t *value,
                           struct mdp_error *err);
/* A list of at most MDP_FIELDS_LIST_MOST sizes; *n is 0 when it is not there. */
mdp_status mdp_fields_sizes(struct mdp_fields *f, const char *key, size_t values[MDP_FIELDS_LIST_MOST],
                            size_t *n, struct mdp_error *err);

/* The field may be missing; when it is there, it has to be what `json` says ("true", "\"absolute\"", "{}", "0"), else it is
   refused. */
mdp_status mdp_fields_same(struct mdp_fields *f, const char *key, const char *json, struct mdp_error *err);

/* Every field that was not asked for has to be null, one of harmless[n], or one that never changes what a model computes. */
mdp_status mdp_fields_done(const struct mdp_fields *f, const char *const harmless[], size_t n,
                           struct mdp_error *err);

#endif
