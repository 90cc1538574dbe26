/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/prompts.h"

#include "base/file.h"
#include "base/formats/yaml.h"
#include "base/memory.h"
#include "base/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILE = 16 << 20,
    MAX_PHRASES = 1000000,
    MAX_FILLED = 64 << 20 /* bytes of filled templates */
};

struct pattern {
    const char *text;
    size_t n;     /* bytes */
    size_t holes; /* {} */
};

/* What the phrases point to. */
struct owned {
    struct mdp_yaml *doc;
    const char **phrases; /* of all classes, one after the other */
    char *filled;         /* templates with class names in them, each with its NUL */
};

struct reader {
    const struct mdp_yaml *doc;
    const struct mdp_yaml_node *classes;
    struct pattern *templates; /* [n_templates] */
    size_t n_templates;
    struct mdp_error *err;
};

static bool is_nothing(const struct mdp_yaml_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    for (size_t i = 0; node->kind == MDP_YAML_SCALAR && node->plain && i < sizeof words / sizeof *words; i++)
        if (strcmp(node->scalar, words[i]) == 0)
            return true;
    return false;
}

/* A list of texts, `what` for messages. */
static mdp_status check_texts(const struct reader *r, const struct mdp_yaml_node *list, const char *what)
{
    if (list->kind != MDP_YAML_LIST)
        return mdp_yaml_fail(r->doc, list, r->err, "%s: expected a list of texts", what);
    for (size_t i = 0; i < list->n; i++)
        if (list->values[i]->kind != MDP_YAML_SCALAR)
            return mdp_yaml_fail(r->doc, list->values[i], r->err, "%s: entry %zu is no text", what, i + 1);
    return MDP_OK;
}

static size_t count_holes(const char *text)
{
    size_t n = 0;

    for (const char *at = strstr(text, "{}"); at; at = strstr(at + 2, "{}"))
        n++;
    return n;
}

static mdp_status read_templates(struct reader *r, const struct mdp_yaml_node *list)
{
    mdp_status st = MDP_OK;

    if (!list || is_nothing(list))
        return MDP_OK;
    st = check_texts(r, list, "templates");
    if (st != MDP_OK)
        return st;
    r->templates = mdp_new_array(list->n, sizeof *r->templates, r->err, &st);
    for (size_t i = 0; i < list->n && st == MDP_OK; i++) {
        const char *text = list->values[i]->scalar;
        r->templates[i] = (struct pattern){text, strlen(text), count_holes(text)};
        if (r->templates[i].holes == 0)
            st = mdp_yaml_fail(r->doc, list->values[i], r->err,
                               "template '%.100s' has no {} for the name of the class", text);
    }
    r->n_templates = list->n;
    return st;
}

/* Bytes of all templates with `name` in them, their NULs included; above MAX_FILLED: MAX_FILLED + 1. */
static size_t filled_size(const struct reader *r, const char *name)
{
    size_t n_name = strlen(name), total = 0;

    for (size_t i = 0; i < r->n_templates && total <= MAX_FILLED; i++) {
        const struct pattern *t = &r->templates[i];
        size_t names = 0;
        if (!mdp_mul_size(t->holes, n_name, &names) || names > MAX_FILLED)
            return MAX_FILLED + 1;
        total += t->n - 2 * t->holes + names + 1;
    }
    return total <= MAX_FILLED ? total : MAX_FILLED + 1;
}

/* Checks every class and counts what has to be kept. */
static mdp_status measure_classes(const struct reader *r, size_t *phrases, size_t *filled)
{
    mdp_status st = MDP_OK;

    for (size_t c = 0; c < r->classes->n && st == MDP_OK; c++) {
        const struct mdp_yaml_node *key = r->classes->keys[c], *list = r->classes->values[c];
        bool own = !is_nothing(list);
        if (own)
            st = check_texts(r, list, key->scalar);
        if (st != MDP_OK)
            break;
        own = own && list->n > 0;
        if (!own && r->n_templates == 0)
            return mdp_yaml_fail(r->doc, key, r->err,
                                 "class '%s' has no phrases (give it some, or the file templates)",
                                 key->scalar);
        *phrases += own ? list->n : r->n_templates;
        *filled += own ? 0 : filled_size(r, key->scalar);
        if (*phrases > MAX_PHRASES || *filled > MAX_FILLED)
            return mdp_yaml_fail(r->doc, key, r->err,
                                 "more than %d phrases or %d MiB of filled templates up to class '%s'",
                                 MAX_PHRASES, MAX_FILLED >> 20, key->scalar);
    }
    return st;
}

/* The template with `name` in its holes at `to`; the byte after its NUL. */
static char *fill(const struct pattern *t, const char *name, char *to)
{
    size_t n_name = strlen(name);
    const char *from = t->text;

    for (const char *hole = strstr(from, "{}"); hole; hole = strstr(from, "{}")) {
        memcpy(to, from, (size_t)(hole - from));
        to += hole - from;
        memcpy(to, name, n_name);
        to += n_name;
        from = hole + 2;
    }
    const size_t n_rest = strlen(from) + 1;
    memcpy(to, from, n_rest);
    return to + n_rest;
}

static void fill_classes(const struct reader *r, struct owned *owned, struct mdp_prompts *prompts)
{
    const char **phrase = owned->phrases;
    char *filled = owned->filled;

    for (size_t c = 0; c < prompts->n; c++) {
        const struct mdp_yaml_node *list = r->classes->values[c];
        struct mdp_prompt_class *class = &prompts->classes[c];
        class->name = r->classes->keys[c]->scalar;
        class->phrases = phrase;
        if (list->kind == MDP_YAML_LIST && list->n > 0) {
            for (size_t i = 0; i < list->n; i++)
                *phrase++ = list->values[i]->scalar;
        } else {
            for (size_t i = 0; i < r->n_templates; i++) {
                *phrase++ = filled;
                filled = fill(&r->templates[i], class->name, filled);
            }
        }
        class->n = (size_t)(phrase - class->phrases);
    }
}

static mdp_status read_classes(struct reader *r, struct owned *owned, struct mdp_prompts *prompts)
{
    const struct mdp_yaml_node *root = mdp_yaml_root(r->doc);
    size_t phrases = 0, filled = 0;
    mdp_status st = mdp_yaml_get(r->doc, root, "classes", MDP_YAML_MAP, &r->classes, r->err);

    if (st == MDP_OK && r->classes->n == 0)
        st = mdp_yaml_fail(r->doc, r->classes, r->err, "'classes' is empty");
    if (st == MDP_OK)
        st = read_templates(r, mdp_yaml_find(root, "templates"));
    if (st == MDP_OK)
        st = measure_classes(r, &phrases, &filled);
    if (st == MDP_OK)
        prompts->classes = mdp_new_array(r->classes->n, sizeof *prompts->classes, r->err, &st);
    if (st == MDP_OK)
        owned->phrases = mdp_new_array(phrases, sizeof *owned->phrases, r->err, &st);
    if (st == MDP_OK)
        owned->filled = mdp_new_array(filled, 1, r->err, &st);
    if (st != MDP_OK)
        return st;
    prompts->n = r->classes->n;
    fill_classes(r, owned, prompts);
    return MDP_OK;
}

static mdp_status read_ensemble(const struct reader *r, struct mdp_prompts *prompts)
{
    const struct mdp_yaml_node *root = mdp_yaml_root(r->doc);
    const char *rule = mdp_ensemble_names[0];
    mdp_status st = MDP_OK;

    if (mdp_yaml_find(root, "ensemble"))
        st = mdp_yaml_get_string(r->doc, root, "ensemble", &rule, r->err);
    if (st != MDP_OK)
        return st;
    size_t found = mdp_name_index(rule, mdp_ensemble_names, MDP_ENSEMBLE_COUNT);
    if (found == MDP_ENSEMBLE_COUNT)
        return mdp_yaml_fail(r->doc, mdp_yaml_find(root, "ensemble"), r->err, "unknown ensemble '%s' (%s)",
                             rule, mdp_name_hint(rule, mdp_ensemble_names, MDP_ENSEMBLE_COUNT).text);
    prompts->ensemble = (enum mdp_ensemble)found;
    return MDP_OK;
}

/* The key `name`, else the file's name without its ending. */
static mdp_status read_name(const struct reader *r, const char *path, struct mdp_prompts *prompts)
{
    const struct mdp_yaml_node *root = mdp_yaml_root(r->doc);
    const char *name = mdp_path_base(path);
    bool given = mdp_yaml_find(root, "name");
    mdp_status st = given ? mdp_yaml_get_string(r->doc, root, "name", &name, r->err) : MDP_OK;

    if (st == MDP_OK)
        prompts->name = mdp_copy_string(name, r->err, &st);
    if (st != MDP_OK || given)
        return st;
    size_t n = strlen(name);
    if (n > 5 && strcmp(name + n - 5, ".yaml") == 0)
        prompts->name[n - 5] = '\0';
    return MDP_OK;
}

static mdp_status read_prompts(const char *path, struct mdp_prompts *prompts, struct owned *owned,
                               struct mdp_error *err)
{
    static const char *const keys[] = {"name", "ensemble", "templates", "classes", "source", "licence"};
    struct reader r = {.doc = owned->doc, .err = err};
    mdp_status st = mdp_yaml_known_keys(r.doc, mdp_yaml_root(r.doc), keys, sizeof keys / sizeof *keys, err);

    if (st == MDP_OK)
        st = read_name(&r, path, prompts);
    if (st == MDP_OK)
        st = read_ensemble(&r, prompts);
    if (st == MDP_OK)
        st = read_classes(&r, owned, prompts);
    free(r.templates);
    return st;
}

mdp_status mdp_prompts_read(const char *path, struct mdp_prompts *prompts, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    char *bytes = NULL;
    size_t n = 0;
    uint8_t digest[MDP_SHA256_SIZE];

    *prompts = (struct mdp_prompts){0};
    struct owned *owned = prompts->owned = mdp_new_array(1, sizeof *owned, err, &st);
    if (!owned)
        return st;
    st = mdp_file_read(path, MAX_FILE, &bytes, &n, err);
    if (st == MDP_OK) {
        mdp_sha256_of(bytes, n, digest);
        mdp_sha256_hex(digest, prompts->sha256);
        st = mdp_yaml_parse(bytes, n, path, &owned->doc, err);
    }
    free(bytes);
    if (st == MDP_OK)
        st = read_prompts(path, prompts, owned, err);
    if (st != MDP_OK)
        mdp_prompts_release(prompts);
    return st;
}

void mdp_prompts_release(struct mdp_prompts *prompts)
{
    struct owned *owned = prompts->owned;

    if (owned) {
        mdp_yaml_free(owned->doc);
        free(owned->phrases);
        free(owned->filled);
        free(owned);
    }
    free(prompts->name);
    free(prompts->classes);
    *prompts = (struct mdp_prompts){0};
}
