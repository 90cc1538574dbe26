/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/formats/yaml.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"
#include "base/try.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_FILE = 16 << 20, MAX_DEPTH = 64 };

/* Blocks of a document form a list, so that one walk frees them all. */
struct block {
    struct block *next;
};

/* A value that an alias may stand for. */
struct anchor {
    char *name;
    struct mdp_yaml_node *node;
    size_t weight; /* nodes of the value, itself included */
};

struct mdp_yaml {
    char *name;
    struct block *blocks;
    size_t n_nodes; /* values; what an alias stands for counts every time */
    struct mdp_yaml_node *root;
};

struct reader {
    yaml_parser_t parser;
    struct mdp_yaml *doc;
    struct anchor *anchors; /* [n_anchors], in file order; names are owned by the document */
    size_t n_anchors, anchor_capacity;
    struct mdp_error *err;
};

static void *doc_new(struct mdp_yaml *doc, size_t size, struct mdp_error *err, mdp_status *st)
{
    struct block *block = mdp_new_array(1, sizeof(max_align_t) + size, err, st);

    if (!block)
        return NULL;
    block->next = doc->blocks;
    doc->blocks = block;
    return (char *)block + sizeof(max_align_t);
}

static mdp_status count_nodes(struct reader *r, size_t n, size_t line)
{
    r->doc->n_nodes += n;
    if (r->doc->n_nodes > MDP_YAML_MAX_NODES)
        return mdp_fail(r->err, MDP_ERR_LIMIT, "%s: line %zu: more than %d values", r->doc->name, line,
                        MDP_YAML_MAX_NODES);
    return MDP_OK;
}

static struct mdp_yaml_node *node_new(struct reader *r, enum mdp_yaml_kind kind, const yaml_event_t *event,
                                      mdp_status *st)
{
    *st = count_nodes(r, 1, event->start_mark.line + 1);
    if (*st != MDP_OK)
        return NULL;
    struct mdp_yaml_node *node = doc_new(r->doc, sizeof *node, r->err, st);
    if (node) {
        node->kind = kind;
        node->line = event->start_mark.line + 1;
    }
    return node;
}

static mdp_status next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return MDP_OK;
    if (r->parser.error == YAML_MEMORY_ERROR)
        return mdp_fail(r->err, MDP_ERR_MEMORY, "%s: out of memory", r->doc->name);
    return mdp_fail(r->err, MDP_ERR_FORMAT, "%s: line %zu: not YAML: %s", r->doc->name,
                    r->parser.problem_mark.line + 1, r->parser.problem ? r->parser.problem : "unreadable");
}

static mdp_status read_scalar(struct reader *r, const yaml_event_t *event, struct mdp_yaml_node **out)
{
    mdp_status st = MDP_OK;
    size_t n = event->data.scalar.length;

    *out = node_new(r, MDP_YAML_SCALAR, event, &st);
    if (!*out)
        return st;
    if (memchr(event->data.scalar.value, '\0', n))
        return mdp_yaml_fail(r->doc, *out, r->err, "text has a NUL character");
    char *text = doc_new(r->doc, n + 1, r->err, &st);
    if (!text)
        return st;
    memcpy(text, event->data.scalar.value, n);
    (*out)->scalar = text;
    (*out)->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return MDP_OK;
}

static mdp_status read_node(struct reader *r, const yaml_event_t *event, size_t depth,
                            struct mdp_yaml_node **out);

/* Entries are gathered in growing arrays and then kept by the document. */
struct entries {
    const struct mdp_yaml_node **keys, **values;
    size_t n, key_capacity, value_capacity;
};

static mdp_status add_entry(struct entries *e, const struct mdp_yaml_node *key,
                            const struct mdp_yaml_node *value, struct mdp_error *err)
{
    mdp_status st = mdp_grow(&e->keys, &e->key_capacity, e->n + 1, sizeof *e->keys, err);

    if (st == MDP_OK)
        st = mdp_grow(&e->values, &e->value_capacity, e->n + 1, sizeof *e->values, err);
    if (st != MDP_OK)
        return st;
    e->keys[e->n] = key;
    e->values[e->n++] = value;
    return MDP_OK;
}

static mdp_status keep_entries(struct reader *r, const struct entries *e, struct mdp_yaml_node *node)
{
    mdp_status st = MDP_OK;
    size_t bytes = 0;

    if (!mdp_mul_size(e->n, sizeof *e->values, &bytes))
        return mdp_fail(r->err, MDP_ERR_MEMORY, "%s: out of memory", r->doc->name);
    node->n = e->n;
    node->values = doc_new(r->doc, bytes, r->err, &st);
    if (node->values && e->n)
        memcpy(node->values, e->values, bytes);
    if (st != MDP_OK || node->kind != MDP_YAML_MAP)
        return st;
    node->keys = doc_new(r->doc, bytes, r->err, &st);
    if (node->keys && e->n)
        memcpy(node->keys, e->keys, bytes);
    return st;
}

static int compare_keys(const void *a, const void *b)
{
    const struct mdp_yaml_node *const *x = a, *const *y = b;
    int order = strcmp((*x)->scalar, (*y)->scalar);

    return order ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static mdp_status refuse_repeated_keys(struct reader *r, const struct entries *e)
{
    mdp_status st = MDP_OK;

    if (e->n < 2)
        return MDP_OK;
    const struct mdp_yaml_node **sorted = mdp_new_array(e->n, sizeof *sorted, r->err, &st);
    if (!sorted)
        return st;
    memcpy(sorted, e->keys, e->n * sizeof *sorted);
    qsort(sorted, e->n, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < e->n && st == MDP_OK; i++)
        if (strcmp(sorted[i - 1]->scalar, sorted[i]->scalar) == 0)
            st = mdp_yaml_fail(r->doc, sorted[i], r->err, "key '%s' stands twice, first on line %zu",
                               sorted[i]->scalar, sorted[i - 1]->line);
    free(sorted);
    return st;
}

static mdp_status read_entries(struct reader *r, struct mdp_yaml_node *node, size_t depth)
{
    struct entries e = {0};
    mdp_status st = MDP_OK;
    bool map = node->kind == MDP_YAML_MAP;

    for (;;) {
        yaml_event_t event;
        struct mdp_yaml_node *key = NULL, *value = NULL;

        st = next_event(r, &event);
        if (st != MDP_OK)
            break;
        bool end = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            st = read_node(r, &event, depth + 1, map ? &key : &value);
        yaml_event_delete(&event);
        if (end || st != MDP_OK)
            break;
        if (map) {
            if (key->kind != MDP_YAML_SCALAR) {
                st = mdp_yaml_fail(r->doc, key, r->err, "a key must be text");
                break;
            }
            st = next_event(r, &event);
            if (st != MDP_OK)
                break;
            st = read_node(r, &event, depth + 1, &value);
            yaml_event_delete(&event);
            if (st != MDP_OK)
                break;
        }
        st = add_entry(&e, key, value, r->err);
        if (st != MDP_OK)
            break;
    }
    if (st == MDP_OK && map)
        st = refuse_repeated_keys(r, &e);
    if (st == MDP_OK)
        st = keep_entries(r, &e, node);
    free(e.keys);
    free(e.values);
    return st;
}

/* The value is shared, not copied, and counted as if it stood there: what aliases multiply stays below
   MDP_YAML_MAX_NODES. The anchor of a value is known only after its end, so a value cannot hold itself. */
static mdp_status read_alias(struct reader *r, const yaml_event_t *event, struct mdp_yaml_node **out)
{
    const char *name = (const char *)event->data.alias.anchor;
    size_t line = event->start_mark.line + 1;

    for (size_t i = r->n_anchors; i-- > 0;) {
        if (strcmp(r->anchors[i].name, name) == 0) {
            *out = r->anchors[i].node;
            return count_nodes(r, r->anchors[i].weight, line);
        }
    }
    return mdp_fail(r->err, MDP_ERR_FORMAT, "%s: line %zu: alias '*%s' without its anchor above",
                    r->doc->name, line, name);
}

static mdp_status keep_anchor(struct reader *r, const char *name, struct mdp_yaml_node *node, size_t weight)
{
    mdp_status st = mdp_grow(&r->anchors, &r->anchor_capacity, r->n_anchors + 1, sizeof *r->anchors, r->err);

    if (st != MDP_OK)
        return st;
    const size_t size = strlen(name) + 1;
    char *copy = doc_new(r->doc, size, r->err, &st);
    if (!copy)
        return st;
    memcpy(copy, name, size);
    r->anchors[r->n_anchors++] = (struct anchor){.name = copy, .node = node, .weight = weight};
    return MDP_OK;
}

static mdp_status read_node(struct reader *r, const yaml_event_t *event, size_t depth,
                            struct mdp_yaml_node **out)
{
    mdp_status st = MDP_OK;
    const yaml_char_t *anchor = NULL;
    size_t before = r->doc->n_nodes;

    if (depth > MAX_DEPTH)
        return mdp_fail(r->err, MDP_ERR_LIMIT, "%s: line %zu: nested deeper than %d", r->doc->name,
                        event->start_mark.line + 1, MAX_DEPTH);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        st = read_scalar(r, event, out);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: {
        bool map = event->type == YAML_MAPPING_START_EVENT;
        anchor = map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
        *out = node_new(r, map ? MDP_YAML_MAP : MDP_YAML_LIST, event, &st);
        if (*out)
            st = read_entries(r, *out, depth);
        break;
    }
    case YAML_ALIAS_EVENT:
        return read_alias(r, event, out);
    default:
        return mdp_fail(r->err, MDP_ERR_FORMAT, "%s: line %zu: not YAML: value expected", r->doc->name,
                        event->start_mark.line + 1);
    }
    if (st == MDP_OK && anchor)
        st = keep_anchor(r, (const char *)anchor, *out, r->doc->n_nodes - before);
    return st;
}

/* Reads the events around the one document: stream start, document start, its value, document end, stream
 * end. */
static mdp_status read_document(struct reader *r)
{
    yaml_event_t event;
    mdp_status st = MDP_OK;
    bool ended = false;

    while (st == MDP_OK && !ended) {
        st = next_event(r, &event);
        if (st != MDP_OK)
            break;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            ended = true;
            break;
        default:
            if (r->doc->root)
                st = mdp_fail(r->err, MDP_ERR_FORMAT, "%s: line %zu: a second document", r->doc->name,
                              event.start_mark.line + 1);
            else
                st = read_node(r, &event, 0, &r->doc->root);
        }
        yaml_event_delete(&event);
    }
    if (st != MDP_OK || (r->doc->root && !(r->doc->root->kind == MDP_YAML_SCALAR && r->doc->root->plain &&
                                           r->doc->root->scalar[0] == '\0')))
        return st;
    r->doc->root = doc_new(r->doc, sizeof *r->doc->root, r->err, &st);
    if (r->doc->root)
        *r->doc->root = (struct mdp_yaml_node){.kind = MDP_YAML_MAP, .line = 1};
    return st;
}

mdp_status mdp_yaml_parse(const char *bytes, size_t n, const char *name, struct mdp_yaml **doc,
                          struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct reader r = {.err = err};

    *doc = NULL;
    r.doc = mdp_new_array(1, sizeof *r.doc, err, &st);
    if (!r.doc)
        return st;
    r.doc->name = mdp_copy_string(name, err, &st);
    if (st == MDP_OK && !yaml_parser_initialize(&r.parser))
        st = mdp_fail(err, MDP_ERR_MEMORY, "%s: out of memory", name);
    if (st != MDP_OK) {
        mdp_yaml_free(r.doc);
        return st;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, n);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    st = read_document(&r);
    yaml_parser_delete(&r.parser);
    free(r.anchors);
    if (st == MDP_OK)
        *doc = r.doc;
    else
        mdp_yaml_free(r.doc);
    return st;
}

mdp_status mdp_yaml_read(const char *path, struct mdp_yaml **doc, struct mdp_error *err)
{
    char *bytes = NULL;
    size_t n = 0;

    *doc = NULL;
    mdp_status st = mdp_file_read(path, MAX_FILE, &bytes, &n, err);
    if (st == MDP_OK)
        st = mdp_yaml_parse(bytes, n, path, doc, err);
    free(bytes);
    return st;
}

void mdp_yaml_free(struct mdp_yaml *doc)
{
    if (!doc)
        return;
    for (struct block *block = doc->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(doc->name);
    free(doc);
}

const struct mdp_yaml_node *mdp_yaml_root(const struct mdp_yaml *doc)
{
    return doc->root;
}

mdp_status mdp_yaml_fail(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, struct mdp_error *err,
                         const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return mdp_fail(err, MDP_ERR_FORMAT, "%s: line %zu: %s", doc->name, node->line, text);
}

const struct mdp_yaml_node *mdp_yaml_find(const struct mdp_yaml_node *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i]->scalar, key) == 0)
            return map->values[i];
    return NULL;
}

static const char *kind_text(enum mdp_yaml_kind kind)
{
    return kind == MDP_YAML_SCALAR ? "text" : kind == MDP_YAML_LIST ? "a list" : "a map";
}

mdp_status mdp_yaml_known_keys(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               const char *const keys[], size_t n, struct mdp_error *err)
{
    if (map->kind != MDP_YAML_MAP)
        return mdp_yaml_fail(doc, map, err, "is %s, expected a map", kind_text(map->kind));
    for (size_t i = 0; i < map->n; i++) {
        const char *key = map->keys[i]->scalar;
        size_t k = 0;
        while (k < n && strcmp(keys[k], key) != 0)
            k++;
        if (k < n)
            continue;
        const char *nearest = mdp_nearest_name(key, keys, n);
        if (nearest)
            return mdp_yaml_fail(doc, map->keys[i], err, "unknown key '%s' (did you mean '%s'?)", key,
                                 nearest);
        struct mdp_text known = {0};
        for (k = 0; k < n; k++)
            mdp_text_add(&known, "%s%s", k ? ", " : "", keys[k]);
        mdp_status st = mdp_yaml_fail(doc, map->keys[i], err, "unknown key '%s' (known: %s)", key,
                                      known.failed || !n ? "none" : known.at);
        mdp_text_release(&known);
        return st;
    }
    return MDP_OK;
}

mdp_status mdp_yaml_get(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                        enum mdp_yaml_kind kind, const struct mdp_yaml_node **value, struct mdp_error *err)
{
    if (map->kind != MDP_YAML_MAP)
        return mdp_yaml_fail(doc, map, err, "is %s, expected a map", kind_text(map->kind));
    *value = mdp_yaml_find(map, key);
    if (!*value)
        return mdp_yaml_fail(doc, map, err, "key '%s' is missing", key);
    if ((*value)->kind != kind)
        return mdp_yaml_fail(doc, *value, err, "'%s' is %s, expected %s", key, kind_text((*value)->kind),
                             kind_text(kind));
    return MDP_OK;
}

mdp_status mdp_yaml_get_string(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                               const char **value, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;
    mdp_status st = mdp_yaml_get(doc, map, key, MDP_YAML_SCALAR, &node, err);

    if (st == MDP_OK)
        *value = node->scalar;
    return st;
}

static mdp_status expect_scalar(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                struct mdp_error *err)
{
    return node->kind == MDP_YAML_SCALAR
               ? MDP_OK
               : mdp_yaml_fail(doc, node, err, "is %s, expected one value", kind_text(node->kind));
}

mdp_status mdp_yaml_optional_string(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                    const char *key, const char **value, struct mdp_error *err)
{
    return mdp_yaml_find(map, key) ? mdp_yaml_get_string(doc, map, key, value, err) : MDP_OK;
}

mdp_status mdp_yaml_optional_map(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                                 const struct mdp_yaml_node **value, struct mdp_error *err)
{
    return mdp_yaml_find(map, key) ? mdp_yaml_get(doc, map, key, MDP_YAML_MAP, value, err) : MDP_OK;
}

mdp_status mdp_yaml_optional_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  const char *key, size_t least, size_t most, size_t *value,
                                  struct mdp_error *err)
{
    return mdp_yaml_find(map, key) ? mdp_yaml_get_size(doc, map, key, least, most, value, err) : MDP_OK;
}

mdp_status mdp_yaml_optional_bool(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  const char *key, bool *value, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = mdp_yaml_find(map, key);

    return node ? mdp_yaml_to_bool(doc, node, value, err) : MDP_OK;
}

mdp_status mdp_yaml_optional_choice(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                    const char *key, const char *what, const char *const names[], size_t n,
                                    size_t *place, struct mdp_error *err)
{
    return mdp_yaml_find(map, key) ? mdp_yaml_get_choice(doc, map, key, what, names, n, place, err) : MDP_OK;
}

mdp_status mdp_yaml_to_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, size_t least,
                            size_t most, size_t *value, struct mdp_error *err)
{
    char *end = NULL;
    mdp_status st = expect_scalar(doc, node, err);

    if (st != MDP_OK)
        return st;
    errno = 0;
    unsigned long long number = strtoull(node->scalar, &end, 10);
    if (node->scalar[0] < '0' || node->scalar[0] > '9' || *end || errno || number < least || number > most)
        return mdp_yaml_fail(doc, node, err, "'%s' is not a whole number from %zu to %zu", node->scalar,
                             least, most);
    *value = (size_t)number;
    return MDP_OK;
}

mdp_status mdp_yaml_to_double(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, double *value,
                              struct mdp_error *err)
{
    char *end = NULL;
    mdp_status st = expect_scalar(doc, node, err);

    if (st != MDP_OK)
        return st;
    *value = strtod(node->scalar, &end);
    if (end == node->scalar || *end || !isfinite(*value))
        return mdp_yaml_fail(doc, node, err, "'%s' is not a finite number", node->scalar);
    return MDP_OK;
}

mdp_status mdp_yaml_to_bool(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, bool *value,
                            struct mdp_error *err)
{
    mdp_status st = expect_scalar(doc, node, err);

    if (st != MDP_OK)
        return st;
    *value = strcmp(node->scalar, "true") == 0;
    if (!*value && strcmp(node->scalar, "false") != 0)
        return mdp_yaml_fail(doc, node, err, "'%s' is not true or false", node->scalar);
    return MDP_OK;
}

mdp_status mdp_yaml_get_size(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                             size_t least, size_t most, size_t *value, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;

    TRY(mdp_yaml_get(doc, map, key, MDP_YAML_SCALAR, &node, err));
    return mdp_yaml_to_size(doc, node, least, most, value, err);
}

mdp_status mdp_yaml_get_double(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                               double least, double most, double *value, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;

    TRY(mdp_yaml_get(doc, map, key, MDP_YAML_SCALAR, &node, err));
    TRY(mdp_yaml_to_double(doc, node, value, err));
    if (!(*value >= least && *value <= most))
        return mdp_yaml_fail(doc, node, err, "%s is %g (expected %g to %g)", key, *value, least, most);
    return MDP_OK;
}

mdp_status mdp_yaml_get_choice(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                               const char *what, const char *const names[], size_t n, size_t *place,
                               struct mdp_error *err)
{
    const struct mdp_yaml_node *node = NULL;

    TRY(mdp_yaml_get(doc, map, key, MDP_YAML_SCALAR, &node, err));
    *place = mdp_name_index(node->scalar, names, n);
    if (*place == n)
        return mdp_yaml_fail(doc, node, err, "no %s '%s' (%s)", what, node->scalar,
                             mdp_name_hint(node->scalar, names, n).text);
    return MDP_OK;
}
