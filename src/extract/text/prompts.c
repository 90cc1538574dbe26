/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/prompts.h"

#include "base/file.h"
#include "base/formats/yaml.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILE = 16 << 20,
    MAX_PHRASES = 1000000,
    MAX_FILLED = 64 << 20, /* bytes of filled templates */
    MAX_PAIRED = 4096      /* classes beside `negatives`, which are looked up by name */
};

struct pattern {
    const char *text;
    size_t n;     /* bytes */
    size_t holes; /* {} */
};

/* What the phrases point to. */
struct owned {
    struct mdp_yaml *doc;
    const char **phrases; /* of all classes of both sides, one after the other */
    char *filled;         /* templates with class names in them, each with its NUL */
};

/* Phrases for the classes, or against them. */
struct side {
    const char *key, *templates_key, *word;
    const struct mdp_yaml_node *lists; /* class to phrases; NULL: templates alone */
    struct pattern *templates;         /* [n_templates] */
    size_t n_templates;
};

struct reader {
    const struct mdp_yaml *doc;
    const struct mdp_yaml_node *classes;
    struct side positive, negative;
    size_t phrases, filled; /* of both sides; bytes */
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

static mdp_status read_templates(const struct reader *r, struct side *side)
{
    const struct mdp_yaml_node *list = mdp_yaml_find(mdp_yaml_root(r->doc), side->templates_key);
    mdp_status st = MDP_OK;

    if (!list || is_nothing(list))
        return MDP_OK;
    st = check_texts(r, list, side->templates_key);
    if (st != MDP_OK)
        return st;
    side->templates = mdp_new_array(list->n, sizeof *side->templates, r->err, &st);
    for (size_t i = 0; i < list->n && st == MDP_OK; i++) {
        const char *text = list->values[i]->scalar;
        side->templates[i] = (struct pattern){text, strlen(text), count_holes(text)};
        if (side->templates[i].holes == 0)
            st = mdp_yaml_fail(r->doc, list->values[i], r->err,
                               "template '%.100s' has no {} for the name of the class", text);
    }
    side->n_templates = list->n;
    return st;
}

/* Bytes of all templates with `name` in them, their NULs included; above MAX_FILLED: MAX_FILLED + 1. */
static size_t filled_size(const struct side *side, const char *name)
{
    size_t n_name = strlen(name), total = 0;

    for (size_t i = 0; i < side->n_templates && total <= MAX_FILLED; i++) {
        const struct pattern *t = &side->templates[i];
        size_t names = 0;
        if (!mdp_mul_size(t->holes, n_name, &names) || names > MAX_FILLED)
            return MAX_FILLED + 1;
        total += t->n - 2 * t->holes + names + 1;
    }
    return total <= MAX_FILLED ? total : MAX_FILLED + 1;
}

/* What the file has of class c on a side: a list, something else that is wrong, or NULL. */
static const struct mdp_yaml_node *own_phrases(const struct reader *r, const struct side *side, size_t c)
{
    const struct mdp_yaml_node *list = side->lists == r->classes ? r->classes->values[c]
                                       : side->lists ? mdp_yaml_find(side->lists, r->classes->keys[c]->scalar)
                                                     : NULL;

    return list && !is_nothing(list) && !(list->kind == MDP_YAML_LIST && list->n == 0) ? list : NULL;
}

/* Checks every class and counts what has to be kept. */
static mdp_status measure_side(struct reader *r, const struct side *side)
{
    mdp_status st = MDP_OK;

    for (size_t c = 0; c < r->classes->n && st == MDP_OK; c++) {
        const struct mdp_yaml_node *key = r->classes->keys[c], *own = own_phrases(r, side, c);
        if (own)
            st = check_texts(r, own, key->scalar);
        if (st != MDP_OK)
            break;
        if (!own && side->n_templates == 0)
            return mdp_yaml_fail(r->doc, key, r->err, "class '%s' has no %s (give it some, or the file %s)",
                                 key->scalar, side->word, side->templates_key);
        r->phrases += own ? own->n : side->n_templates;
        r->filled += own ? 0 : filled_size(side, key->scalar);
        if (r->phrases > MAX_PHRASES || r->filled > MAX_FILLED)
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

/* The classes of a side; *phrase and *filled are where the next ones go. */
static void fill_side(const struct reader *r, const struct side *side, struct mdp_prompt_class classes[],
                      const char ***phrase, char **filled)
{
    for (size_t c = 0; c < r->classes->n; c++) {
        struct mdp_prompt_class *class = &classes[c];
        class->name = r->classes->keys[c]->scalar;
        class->phrases = *phrase;
        const struct mdp_yaml_node *own = own_phrases(r, side, c);
        for (size_t i = 0; own && i < own->n; i++)
            *(*phrase)++ = own->values[i]->scalar;
        for (size_t i = 0; !own && i < side->n_templates; i++) {
            *(*phrase)++ = *filled;
            *filled = fill(&side->templates[i], class->name, *filled);
        }
        class->n = (size_t)(*phrase - class->phrases);
    }
}

/* `negatives` may name classes of `classes` only. */
static mdp_status check_negatives(const struct reader *r)
{
    const struct mdp_yaml_node *lists = r->negative.lists;

    if (lists && r->classes->n > MAX_PAIRED)
        return mdp_yaml_fail(r->doc, lists, r->err, "negatives: beside more than %d classes", MAX_PAIRED);
    for (size_t i = 0; lists && i < lists->n; i++)
        if (!mdp_yaml_find(r->classes, lists->keys[i]->scalar))
            return mdp_yaml_fail(r->doc, lists->keys[i], r->err,
                                 "negatives: '%.100s' is no class of the file", lists->keys[i]->scalar);
    return MDP_OK;
}

/* The lists and templates of both sides, and how much they are; *pairs: there is a negative side. */
static mdp_status read_sides(struct reader *r, bool *pairs)
{
    const struct mdp_yaml_node *root = mdp_yaml_root(r->doc);

    r->positive = (struct side){.key = "classes", .templates_key = "templates", .word = "phrases"};
    r->negative =
        (struct side){.key = "negatives", .templates_key = "negative_templates", .word = "negative phrases"};
    TRY(mdp_yaml_get(r->doc, root, r->positive.key, MDP_YAML_MAP, &r->classes, r->err));
    if (r->classes->n == 0)
        return mdp_yaml_fail(r->doc, r->classes, r->err, "'classes' is empty");
    r->positive.lists = r->classes;
    if (mdp_yaml_find(root, r->negative.key))
        TRY(mdp_yaml_get(r->doc, root, r->negative.key, MDP_YAML_MAP, &r->negative.lists, r->err));
    TRY(check_negatives(r));
    TRY(read_templates(r, &r->positive));
    TRY(read_templates(r, &r->negative));
    TRY(measure_side(r, &r->positive));
    *pairs = r->negative.lists || r->negative.n_templates;
    return *pairs ? measure_side(r, &r->negative) : MDP_OK;
}

static mdp_status read_classes(struct reader *r, struct owned *owned, struct mdp_prompts *prompts)
{
    bool pairs = false;
    mdp_status st = read_sides(r, &pairs);

    if (st != MDP_OK)
        return st;
    prompts->classes = mdp_new_array(r->classes->n, sizeof *prompts->classes, r->err, &st);
    if (pairs)
        prompts->negatives = mdp_new_array(r->classes->n, sizeof *prompts->negatives, r->err, &st);
    owned->phrases = mdp_new_array(r->phrases, sizeof *owned->phrases, r->err, &st);
    owned->filled = mdp_new_array(r->filled, 1, r->err, &st);
    if (st != MDP_OK)
        return st;
    const char **phrase = owned->phrases;
    char *filled = owned->filled;
    prompts->n = r->classes->n;
    fill_side(r, &r->positive, prompts->classes, &phrase, &filled);
    if (pairs)
        fill_side(r, &r->negative, prompts->negatives, &phrase, &filled);
    return MDP_OK;
}

static mdp_status read_ensemble(const struct reader *r, struct mdp_prompts *prompts)
{
    const struct mdp_yaml_node *root = mdp_yaml_root(r->doc);
    const char *rule = mdp_ensemble_names[0];
    mdp_status st = MDP_OK;

    prompts->has_ensemble = mdp_yaml_find(root, "ensemble");
    if (prompts->has_ensemble)
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
    static const char *const keys[] = {"name",      "ensemble", "templates", "classes", "negative_templates",
                                       "negatives", "source",   "licence"};
    struct reader r = {.doc = owned->doc, .err = err};
    mdp_status st = mdp_yaml_known_keys(r.doc, mdp_yaml_root(r.doc), keys, sizeof keys / sizeof *keys, err);

    if (st == MDP_OK)
        st = read_name(&r, path, prompts);
    if (st == MDP_OK)
        st = read_ensemble(&r, prompts);
    if (st == MDP_OK)
        st = read_classes(&r, owned, prompts);
    free(r.positive.templates);
    free(r.negative.templates);
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
    free(prompts->negatives);
    *prompts = (struct mdp_prompts){0};
}
