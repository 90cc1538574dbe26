/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/formats/json.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 30 };

static void add_escaped(struct mdp_text *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            mdp_text_add(out, "\\%c", c);
        else if (c == '\n')
            mdp_text_add(out, "\\n");
        else if (c < 0x20 || c == 0x7F)
            mdp_text_add(out, "\\u%04x", c);
        else
            mdp_text_add_bytes(out, &c, 1);
    }
}

void mdp_text_add_json(struct mdp_text *out, const char *text)
{
    if (!text) {
        mdp_text_add(out, "null");
        return;
    }
    mdp_text_add(out, "\"");
    for (size_t left = strlen(text); left > 0;) {
        size_t valid = mdp_utf8_valid(text, left);
        add_escaped(out, text, valid);
        if (valid < left) {
            mdp_text_add(out, "\\ufffd");
            valid++;
        }
        text += valid;
        left -= valid;
    }
    mdp_text_add(out, "\"");
}

void mdp_text_add_json_number(struct mdp_text *out, double x)
{
    char digits[64];

    if (!isfinite(x)) {
        mdp_text_add(out, "null");
        return;
    }
    snprintf(digits, sizeof digits, "%.17g", x);
    mdp_text_add(out, "%s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
}

/* --- writing --- */

static void begin_entry(struct mdp_json_writer *w, const char *key)
{
    if (w->depth) {
        bool any = w->open[w->depth - 1].any;
        const char *line = w->open[w->depth - 1].line;
        mdp_text_add(w->out, "%s%s", any ? "," : "", line ? line : any ? " " : "");
        w->open[w->depth - 1].any = true;
        assert((key != NULL) == (w->open[w->depth - 1].bracket == '{'));
    }
    if (key) {
        mdp_text_add_json(w->out, key);
        mdp_text_add(w->out, ": ");
    }
}

void mdp_json_begin(struct mdp_json_writer *w, const char *key, char bracket, const char *line)
{
    begin_entry(w, key);
    mdp_text_add(w->out, "%c", bracket);
    assert(w->depth < MDP_JSON_DEPTH);
    w->open[w->depth].line = line;
    w->open[w->depth].bracket = bracket;
    w->open[w->depth].any = false;
    w->depth++;
}

void mdp_json_end(struct mdp_json_writer *w, const char *line)
{
    assert(w->depth > 0);
    w->depth--;
    mdp_text_add(w->out, "%s%c", line ? line : "", w->open[w->depth].bracket == '{' ? '}' : ']');
}

void mdp_json_put_text(struct mdp_json_writer *w, const char *key, const char *text)
{
    begin_entry(w, key);
    mdp_text_add_json(w->out, text);
}

void mdp_json_put_number(struct mdp_json_writer *w, const char *key, double x)
{
    begin_entry(w, key);
    mdp_text_add_json_number(w->out, x);
}

void mdp_json_put_size(struct mdp_json_writer *w, const char *key, size_t n)
{
    begin_entry(w, key);
    mdp_text_add(w->out, "%zu", n);
}

void mdp_json_put_bool(struct mdp_json_writer *w, const char *key, bool yes)
{
    begin_entry(w, key);
    mdp_text_add(w->out, yes ? "true" : "false");
}

void mdp_json_put_null(struct mdp_json_writer *w, const char *key)
{
    begin_entry(w, key);
    mdp_text_add(w->out, "null");
}

/* --- reading --- */

struct mdp_json {
    json_t *root;
    char *name;
};

enum { WHOLE_DIGITS = 19 }; /* a whole number of more digits is no 64-bit one */

/* The next whole number of more than WHOLE_DIGITS digits in bytes[i, n): where it begins, and its digits in *run; n when there is
   none. */
static size_t find_long_number(const char *bytes, size_t i, size_t n, size_t *run)
{
    bool inside = false;

    for (; i < n; i += *run ? *run : 1) {
        *run = 0;
        if (inside && bytes[i] == '\\')
            i++;
        else if (bytes[i] == '"')
            inside = !inside;
        if (inside)
            continue;
        while (i + *run < n && bytes[i + *run] >= '0' && bytes[i + *run] <= '9')
            ++*run;
        bool fraction = (i > 0 && strchr(".eE+", bytes[i - 1]) && bytes[i - 1]) ||
                        (i + *run < n && bytes[i + *run] && strchr(".eE", bytes[i + *run]));
        if (*run > WHOLE_DIGITS && !fraction)
            return i;
    }
    return n;
}

/* bytes[n] with whole numbers that are too long for jansson written as reals (Python's int(1e30), which tokenizer_config.json has), for
   free(); NULL where there are none, or out of memory. */
static char *with_long_numbers_as_reals(const char *bytes, size_t n, struct mdp_error *err, mdp_status *st)
{
    size_t run = 0, i = find_long_number(bytes, 0, n, &run);
    char *copy = NULL;

    if (i == n)
        return NULL;
    copy = mdp_new_array(n, 1, err, st);
    if (!copy)
        return NULL;
    memcpy(copy, bytes, n);
    for (; i < n; i = find_long_number(bytes, i + run, n, &run))
        memcpy(copy + i + run - 3, "e03", 3);
    return copy;
}

mdp_status mdp_json_parse(const char *bytes, size_t n, const char *name, struct mdp_json **doc,
                          struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    json_error_t at;
    char *mended = NULL;

    *doc = mdp_new_array(1, sizeof **doc, err, &st);
    if (!*doc)
        return st;
    (*doc)->name = mdp_copy_string(name, err, &st);
    if (st == MDP_OK)
        mended = with_long_numbers_as_reals(bytes, n, err, &st);
    if (st == MDP_OK) {
        (*doc)->root = json_loadb(mended ? mended : bytes, n, JSON_REJECT_DUPLICATES, &at);
        if (!(*doc)->root)
            st = mdp_fail(err, MDP_ERR_FORMAT, "%s: line %d, byte %d: %s (expected JSON)", name, at.line,
                          at.position, at.text);
    }
    free(mended);
    if (st != MDP_OK) {
        mdp_json_free(*doc);
        *doc = NULL;
    }
    return st;
}

mdp_status mdp_json_read(const char *path, struct mdp_json **doc, struct mdp_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    mdp_status st = mdp_file_read(path, MAX_BYTES, &bytes, &n, err);

    *doc = NULL;
    if (st == MDP_OK)
        st = mdp_json_parse(bytes, n, path, doc, err);
    free(bytes);
    return st;
}

void mdp_json_free(struct mdp_json *doc)
{
    if (!doc)
        return;
    json_decref(doc->root);
    free(doc->name);
    free(doc);
}

/* struct mdp_json_value is jansson's value under a name of ours: headers show no library's. */
static const json_t *theirs(const struct mdp_json_value *value)
{
    return (const json_t *)value;
}

static const struct mdp_json_value *ours(const json_t *value)
{
    return (const struct mdp_json_value *)value;
}

const struct mdp_json_value *mdp_json_root(const struct mdp_json *doc)
{
    return ours(doc->root);
}

enum mdp_json_kind mdp_json_kind(const struct mdp_json_value *value)
{
    if (!value)
        return MDP_JSON_NULL;
    switch (json_typeof(theirs(value))) {
    case JSON_OBJECT:
        return MDP_JSON_MAP;
    case JSON_ARRAY:
        return MDP_JSON_LIST;
    case JSON_STRING:
        return MDP_JSON_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return MDP_JSON_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return MDP_JSON_BOOL;
    default:
        return MDP_JSON_NULL;
    }
}

const struct mdp_json_value *mdp_json_find(const struct mdp_json_value *map, const char *key)
{
    return ours(json_object_get(theirs(map), key));
}

size_t mdp_json_count(const struct mdp_json_value *value)
{
    return json_is_array(theirs(value)) ? json_array_size(theirs(value)) : json_object_size(theirs(value));
}

const struct mdp_json_value *mdp_json_at(const struct mdp_json_value *list, size_t i)
{
    return ours(json_array_get(theirs(list), i));
}

mdp_status mdp_json_each(const struct mdp_json_value *map,
                         mdp_status (*visit)(void *context, const char *key,
                                             const struct mdp_json_value *value, struct mdp_error *err),
                         void *context, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    json_t *object =
        (json_t *)(uintptr_t)theirs(map); /* jansson iterates without changing it, but does not say so */

    for (void *i = json_object_iter(object); i && st == MDP_OK; i = json_object_iter_next(object, i))
        st = visit(context, json_object_iter_key(i), ours(json_object_iter_value(i)), err);
    return st;
}

const char *mdp_json_text(const struct mdp_json_value *value)
{
    return json_string_value(theirs(value));
}

bool mdp_json_true(const struct mdp_json_value *value)
{
    return json_is_true(theirs(value));
}

double mdp_json_number(const struct mdp_json_value *value)
{
    return json_is_number(theirs(value)) ? json_number_value(theirs(value)) : NAN;
}

bool mdp_json_to_size(const struct mdp_json_value *value, size_t *out)
{
    const json_t *whole = theirs(value);

    if (!json_is_integer(whole) || json_integer_value(whole) < 0)
        return false;
    *out = (size_t)json_integer_value(whole);
    return true;
}

mdp_status mdp_json_get(const struct mdp_json *doc, const struct mdp_json_value *map, const char *key,
                        enum mdp_json_kind kind, const struct mdp_json_value **value, struct mdp_error *err)
{
    static const char *const kinds[] = {"null", "a boolean", "a number", "a string", "a list", "an object"};

    *value = mdp_json_find(map, key);
    if (!*value)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: no key '%s' (expected %s)", doc->name, key, kinds[kind]);
    if (mdp_json_kind(*value) != kind)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: key '%s' is %s, expected %s", doc->name, key,
                        kinds[mdp_json_kind(*value)], kinds[kind]);
    return MDP_OK;
}
