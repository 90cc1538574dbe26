/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON: written piece by piece in the order of the calls, read as a tree. json.c is the one file that knows jansson,
   which reads. */
#ifndef MDP_BASE_JSON_H
#define MDP_BASE_JSON_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* `text` in quotes, with what JSON wants escaped; null for NULL. A byte that is no UTF-8 (a path may have some) is U+FFFD. */
void mdp_text_add_json(struct mdp_text *out, const char *text);
/* 17 significant digits, a point or exponent in every number; null for NaN and infinities. */
void mdp_text_add_json_number(struct mdp_text *out, double x);

/* --- writing --- */

/* Puts keys, commas and line breaks where they belong:

       struct mdp_json_writer w = {.out = &text};
       mdp_json_begin(&w, NULL, '{', NULL);
       mdp_json_put_text(&w, "model", "m");
       mdp_json_begin(&w, "rows", '[', "\n  ");
       mdp_json_put_size(&w, NULL, 1);
       mdp_json_put_size(&w, NULL, 2);
       mdp_json_end(&w, "\n");
       mdp_json_end(&w, NULL);

   writes   {"model": "m", "rows": [
              1,
              2
            ]}

   `key` is NULL in a list and at the top. A failed allocation is remembered by the text. */
enum { MDP_JSON_DEPTH = 8 };

struct mdp_json_writer {
    struct mdp_text *out;
    size_t depth; /* objects and lists that are open */
    struct {
        const char *line; /* written before every entry; NULL: entries stand in one line */
        char bracket;     /* '{' or '[' */
        bool any;         /* something is in it */
    } open[MDP_JSON_DEPTH];
};

/* Opens an object ('{') or list ('['); `line` is written before every entry, NULL: they stand in one line. */
void mdp_json_begin(struct mdp_json_writer *w, const char *key, char bracket, const char *line);
void mdp_json_end(struct mdp_json_writer *w, const char *line); /* line: before the bracket, or NULL */
/* One entry; text and numbers as mdp_text_add_json and mdp_text_add_json_number write them. */
void mdp_json_put_text(struct mdp_json_writer *w, const char *key, const char *text);
void mdp_json_put_number(struct mdp_json_writer *w, const char *key, double x);
void mdp_json_put_size(struct mdp_json_writer *w, const char *key, size_t n);
void mdp_json_put_bool(struct mdp_json_writer *w, const char *key, bool yes);
void mdp_json_put_null(struct mdp_json_writer *w, const char *key);

/* --- reading --- */

struct mdp_json;       /* a document; owns its values */
struct mdp_json_value; /* a value; NULL stands for one that is not there */

/* A regular file of at most 1 GiB. A key that stands twice in an object is an error; a whole number of more than 19 digits is read as
   a real. `name` is for messages:
   "<name>: line 2, byte 31: ...". */
mdp_status mdp_json_read(const char *path, struct mdp_json **doc, struct mdp_error *err);
mdp_status mdp_json_parse(const char *bytes, size_t n, const char *name, struct mdp_json **doc,
                          struct mdp_error *err);
void mdp_json_free(struct mdp_json *doc); /* NULL is fine */
const struct mdp_json_value *mdp_json_root(const struct mdp_json *doc);

enum mdp_json_kind {
    MDP_JSON_NULL,
    MDP_JSON_BOOL,
    MDP_JSON_NUMBER,
    MDP_JSON_STRING,
    MDP_JSON_LIST,
    MDP_JSON_MAP
};

enum mdp_json_kind mdp_json_kind(const struct mdp_json_value *value); /* MDP_JSON_NULL for NULL */
/* Entry of a map, or NULL. */
const struct mdp_json_value *mdp_json_find(const struct mdp_json_value *map, const char *key);
/* Lists and maps: entries; 0 for other kinds. */
size_t mdp_json_count(const struct mdp_json_value *value);
const struct mdp_json_value *mdp_json_at(const struct mdp_json_value *list, size_t i);
/* The entries of a map in file order: calls visit until it fails. */
mdp_status mdp_json_each(const struct mdp_json_value *map,
                         mdp_status (*visit)(void *context, const char *key,
                                             const struct mdp_json_value *value, struct mdp_error *err),
                         void *context, struct mdp_error *err);
const char *mdp_json_text(const struct mdp_json_value *value); /* NULL unless a string */
bool mdp_json_true(const struct mdp_json_value *value);        /* false unless true */
double mdp_json_number(const struct mdp_json_value *value);    /* NaN unless a number */

/* A number written without point and exponent and not negative, exactly; false, and nothing written, for any other value.
 */
bool mdp_json_to_size(const struct mdp_json_value *value, size_t *out);

/* The value of a key that must be there and of the kind asked for. */
mdp_status mdp_json_get(const struct mdp_json *doc, const struct mdp_json_value *map, const char *key,
                        enum mdp_json_kind kind, const struct mdp_json_value **value, struct mdp_error *err);

#endif
