/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/existing_store.h"

#include "base/file.h"
#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "extract/job/run_facts.h"
#include "medprobe/store.h"

#include <stdlib.h>
#include <string.h>

mdp_status mdp_existing_store_may_replace(const char *path, bool *exists, struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    char *schema = NULL;

    *exists = mdp_path_exists(path);
    if (!*exists)
        return MDP_OK;
    mdp_status st = mdp_h5_open(path, &file, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_read_string(file, "/", "schema", &schema, err);
    bool ours = st == MDP_OK && strcmp(schema, MDP_STORE_SCHEMA) == 0;
    if (!ours)
        st = mdp_fail(err, MDP_ERR_VALUE,
                      "%s: exists and is no store of medprobe, so it is not overwritten (give another -o)",
                      path);
    free(schema);
    mdp_h5_close(file);
    return st;
}

static mdp_status other_inputs(const char *path, const struct mdp_text *difference, struct mdp_error *err)
{
    TRY(mdp_text_status(difference, err));
    return mdp_fail(
        err, MDP_ERR_VALUE,
        "%s: is a finished store, made with %s (--force makes it anew, another -o leaves it alone)", path,
        difference->at);
}

/* --- the facts --- */

/* Adds a string attribute, as far as it is there. */
static mdp_status add_attribute(const struct mdp_h5 *file, const char *object, const char *key,
                                struct mdp_facts *made, struct mdp_error *err)
{
    char *value = NULL;

    if (!mdp_h5_has(file, object) || !mdp_h5_attr_has(file, object, key) || mdp_facts_find(made, key))
        return MDP_OK;
    mdp_status st = mdp_h5_attr_read_string(file, object, key, &value, err);
    if (st == MDP_OK)
        st = mdp_facts_add(made, key, value, err);
    free(value);
    return st;
}

static mdp_status read_facts(const struct mdp_h5 *file, const struct mdp_facts *now, struct mdp_facts *made,
                             struct mdp_error *err)
{
    TRY(add_attribute(file, "/text", "prompt_set", made, err));
    TRY(add_attribute(file, "/text", "prompt_set_sha256", made, err));
    for (size_t i = 0; i < now->n; i++)
        TRY(add_attribute(file, "/", now->at[i].key, made, err));
    return MDP_OK;
}

static mdp_status compare_facts(const char *path, const struct mdp_facts *made, const struct mdp_facts *now,
                                struct mdp_error *err)
{
    struct mdp_text difference = {0};
    mdp_status st = MDP_OK;

    if (mdp_run_facts_differ(made, now, true, &difference))
        st = other_inputs(path, &difference, err);
    mdp_text_release(&difference);
    return st;
}

/* --- the manifest --- */

/* Where the manifest's rows stand in the store: rows of failures have no place there. */
struct places {
    size_t n_failed;
    int64_t *failed; /* [n_failed], ascending */
    size_t n;        /* rows of the store */
};

static mdp_status read_places(const struct mdp_h5 *file, struct places *p, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    mdp_status st = mdp_h5_shape_of(file, "/ids", &shape, err);

    p->n = shape.dims[0];
    if (st != MDP_OK || !mdp_h5_has(file, "/failures/row"))
        return st;
    st = mdp_h5_shape_of(file, "/failures/row", &shape, err);
    if (st == MDP_OK) {
        p->n_failed = shape.dims[0];
        p->failed = mdp_new_array(p->n_failed, sizeof *p->failed, err, &st);
    }
    if (st == MDP_OK)
        st = mdp_h5_read_rows(file, "/failures/row", MDP_H5_I64, 0, p->n_failed, p->failed, err);
    return st;
}

/* The next row of the manifest that is no failure. */
static size_t skip_failures(const struct places *p, size_t row, size_t *failure)
{
    while (*failure < p->n_failed && p->failed[*failure] == (int64_t)row) {
        row++;
        ++*failure;
    }
    return row;
}

static mdp_status other_row(const char *path, const struct mdp_manifest *m, size_t row, const char *column,
                            const char *made, const char *now, struct mdp_error *err)
{
    struct mdp_text text = {0};

    mdp_text_add(&text, "another table: line %zu of %s: %s was '%.100s', is '%.100s'",
                 mdp_manifest_line(m, row), m->file, column, made, now);
    mdp_status st = other_inputs(path, &text, err);
    mdp_text_release(&text);
    return st;
}

/* The first row whose value in the column differs; the manifest may lack the column (NULL). */
static mdp_status compare_strings(const char *path, const struct mdp_h5 *file, const char *name,
                                  const char *column, const struct places *p, const struct mdp_manifest *m,
                                  const char *const *values, struct mdp_error *err)
{
    char **made = NULL;
    size_t n = 0, row = 0, failure = 0;
    mdp_status st = mdp_h5_read_strings(file, name, &made, &n, err);

    for (size_t i = 0; i < n && st == MDP_OK; i++, row++) {
        row = skip_failures(p, row, &failure);
        if (row >= m->n)
            break;
        const char *now = values ? values[row] : "";
        if (strcmp(made[i], now) != 0)
            st = other_row(path, m, row, column, made[i], now, err);
    }
    mdp_h5_strings_free(made, n);
    return st;
}

static const char *class_name(const char *const *names, size_t n, int64_t label)
{
    return label >= 0 && (uint64_t)label < n ? names[label] : "";
}

/* Labels by the names of their classes. */
static mdp_status compare_labels(const char *path, const struct mdp_h5 *file, const struct places *p,
                                 const struct mdp_manifest *m, struct mdp_error *err)
{
    char **names = NULL;
    size_t n_names = 0, row = 0, failure = 0;
    mdp_status st = MDP_OK;
    int64_t *labels = mdp_new_array(p->n, sizeof *labels, err, &st);

    if (st == MDP_OK)
        st = mdp_h5_attr_read_strings(file, "/labels", "class_names", &names, &n_names, err);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(file, "/labels", MDP_H5_I64, 0, p->n, labels, err);
    for (size_t i = 0; i < p->n && st == MDP_OK; i++, row++) {
        row = skip_failures(p, row, &failure);
        if (row >= m->n)
            break;
        const char *made = class_name((const char *const *)names, n_names, labels[i]);
        const char *now = class_name(m->class_names, m->n_classes, m->labels ? m->labels[row] : -1);
        if (strcmp(made, now) != 0)
            st = other_row(path, m, row, "label", made, now, err);
    }
    mdp_h5_strings_free(names, n_names);
    free(labels);
    return st;
}

/* The manifests differ: where? */
static mdp_status find_difference(const char *path, const struct mdp_h5 *file, const struct mdp_manifest *m,
                                  const struct places *p, struct mdp_error *err)
{
    struct mdp_text text = {0};

    TRY(compare_strings(path, file, "/ids", "id", p, m, m->ids, err));
    TRY(compare_strings(path, file, "/paths", "path", p, m, m->paths, err));
    TRY(compare_strings(path, file, "/patient_ids", "patient_id", p, m, m->patient_ids, err));
    TRY(compare_strings(path, file, "/splits", "split", p, m, m->splits, err));
    TRY(compare_labels(path, file, p, m, err));
    if (p->n + p->n_failed != m->n)
        mdp_text_add(&text, "%zu rows, this command has %zu (--manifest, --limit)", p->n + p->n_failed, m->n);
    else
        mdp_text_add(
            &text,
            "another table: classes in another order (--classes, --positive), or other values in columns "
            "that are carried along (--manifest, --labels)");
    mdp_status st = other_inputs(path, &text, err);
    mdp_text_release(&text);
    return st;
}

/* --- the pictures --- */

struct pictures {
    const char *store;
    const struct mdp_manifest *manifest;
    size_t *rows;    /* [n] of the manifest */
    uint8_t *sha256; /* [n, 32] */
};

static mdp_status compare_picture(void *context, size_t item, size_t worker, struct mdp_error *err)
{
    const struct pictures *p = context;
    struct mdp_text path = {0};
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_manifest_locate(p->manifest, p->rows[item], &path, err);

    (void)worker;
    if (st == MDP_OK)
        st = mdp_sha256_of_file(path.at, digest, err);
    if (st == MDP_OK && memcmp(digest, p->sha256 + item * MDP_SHA256_SIZE, MDP_SHA256_SIZE) != 0)
        st = mdp_fail(err, MDP_ERR_VALUE,
                      "%s: is a finished store, but picture %s has changed since (--force makes it anew, "
                      "another -o leaves "
                      "it alone)",
                      p->store, path.at);
    mdp_text_release(&path);
    return st;
}

static mdp_status compare_pictures(const char *path, const struct mdp_h5 *file, const struct mdp_manifest *m,
                                   const struct places *p, size_t threads, struct mdp_error *err)
{
    struct pictures pictures = {.store = path, .manifest = m};
    struct mdp_h5_shape shape;
    size_t row = 0, failure = 0;
    mdp_status st = mdp_h5_shape_of(file, "/sha256", &shape, err);

    if (st == MDP_OK && (shape.rank != 2 || shape.dims[0] != p->n || shape.dims[1] != MDP_SHA256_SIZE))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: /sha256 has not the shape [%zu, 32]", path, p->n);
    if (st != MDP_OK)
        return st;
    pictures.rows = mdp_new_array(p->n, sizeof *pictures.rows, err, &st);
    pictures.sha256 = mdp_new_array(p->n, MDP_SHA256_SIZE, err, &st);
    for (size_t i = 0; i < p->n && st == MDP_OK; i++, row++)
        pictures.rows[i] = row = skip_failures(p, row, &failure);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(file, "/sha256", MDP_H5_U8, 0, p->n, pictures.sha256, err);
    if (st == MDP_OK)
        st = mdp_parallel(p->n, threads, compare_picture, &pictures, err);
    free(pictures.rows);
    free(pictures.sha256);
    return st;
}

/* --- the whole --- */

mdp_status mdp_existing_store_compare(const char *path, const struct mdp_facts *facts,
                                      const struct mdp_manifest *manifest, size_t threads, size_t *failures,
                                      struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    struct mdp_facts made = {0};
    struct places places = {0};
    mdp_status st = MDP_OK;

    OR_OUT(mdp_h5_open(path, &file, err));
    OR_OUT(read_facts(file, facts, &made, err));
    OR_OUT(compare_facts(path, &made, facts, err));
    OR_OUT(read_places(file, &places, err));
    const char *digest = mdp_facts_find(&made, "manifest_sha256");
    if (!digest || strcmp(digest, mdp_facts_find(facts, "manifest_sha256")) != 0)
        OR_OUT(find_difference(path, file, manifest, &places, err));
    OR_OUT(compare_pictures(path, file, manifest, &places, threads, err));
out:
    *failures = places.n_failed;
    free(places.failed);
    mdp_facts_release(&made);
    mdp_h5_close(file);
    return st;
}
