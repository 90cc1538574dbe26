/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/existing_store.h"

#include "base/file.h"
#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "medprobe/store.h"

#include <stdlib.h>
#include <string.h>

static const char advice[] = "(--force makes it anew, another -o leaves it alone)";

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

/* --- the facts --- */

static mdp_status differs(const char *path, const char *key, const char *found, const char *expected,
                          struct mdp_error *err)
{
    struct mdp_text text = {0};

    mdp_fact_difference(key, found, expected, &text);
    mdp_status st = mdp_text_status(&text, err);
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: is a finished store of other inputs: %s %s", path, text.at,
                      advice);
    mdp_text_release(&text);
    return st;
}

/* One string attribute, "" when absent. */
static mdp_status compare_attribute(const char *path, const struct mdp_h5 *file, const char *object,
                                    const char *key, const char *expected, struct mdp_error *err)
{
    char *found = NULL;
    mdp_status st = MDP_OK;

    if (mdp_h5_has(file, object) && mdp_h5_attr_has(file, object, key))
        st = mdp_h5_attr_read_string(file, object, key, &found, err);
    if (st == MDP_OK && strcmp(found ? found : "", expected) != 0)
        st = differs(path, key, found ? found : "", expected, err);
    free(found);
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

/* The first row whose value in the column differs; the column may be absent in the manifest. */
static mdp_status compare_column(const char *path, const struct mdp_h5 *file, const char *name,
                                 const struct places *p, const struct mdp_manifest *m, const char **expected,
                                 struct mdp_error *err)
{
    char **found = NULL, key[128];
    size_t n = 0, row = 0, failure = 0;
    mdp_status st = mdp_h5_read_strings(file, name, &found, &n, err);

    for (size_t i = 0; i < n && st == MDP_OK; i++, row++) {
        row = skip_failures(p, row, &failure);
        const char *value = row < m->n && expected ? expected[row] : "";
        if (row >= m->n || strcmp(found[i], value) != 0) {
            snprintf(key, sizeof key, "row %zu of the manifest, %s", row, name + 1);
            st = differs(path, key, found[i], row < m->n ? value : "no such row", err);
        }
    }
    mdp_h5_strings_free(found, n);
    return st;
}

static mdp_status compare_manifest(const char *path, const struct mdp_h5 *file, const struct mdp_manifest *m,
                                   const struct places *p, struct mdp_error *err)
{
    char hex[MDP_SHA256_HEX], found[32], expected[32];
    mdp_status st = mdp_manifest_sha256(m, hex, err);

    if (st == MDP_OK && compare_attribute(path, file, "/", "manifest_sha256", hex, NULL) == MDP_OK)
        return MDP_OK;
    /* It differs: where? */
    if (st == MDP_OK)
        st = compare_column(path, file, "/ids", p, m, m->ids, err);
    if (st == MDP_OK)
        st = compare_column(path, file, "/paths", p, m, m->paths, err);
    if (st == MDP_OK)
        st = compare_column(path, file, "/patient_ids", p, m, m->patient_ids, err);
    if (st == MDP_OK)
        st = compare_column(path, file, "/splits", p, m, m->splits, err);
    if (st == MDP_OK && p->n + p->n_failed != m->n) {
        snprintf(found, sizeof found, "%zu", p->n + p->n_failed);
        snprintf(expected, sizeof expected, "%zu", m->n);
        st = differs(path, "rows of the manifest", found, expected, err);
    }
    if (st == MDP_OK)
        st = compare_attribute(path, file, "/", "manifest_sha256", hex, err);
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
        st =
            mdp_fail(err, MDP_ERR_VALUE, "%s: is a finished store of other inputs: picture %s has changed %s",
                     p->store, path.at, advice);
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

static bool is_compared(const char *key)
{
    return strcmp(key, "medprobe_version") != 0 && strcmp(key, "kernel") != 0 &&
           strcmp(key, "manifest_sha256") != 0; /* the last by compare_manifest, which names the row */
}

mdp_status mdp_existing_store_compare(const char *path, const struct mdp_facts *attributes,
                                      const char *prompt_set_sha256, const struct mdp_manifest *manifest,
                                      size_t threads, size_t *failures, struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    struct places places = {0};
    mdp_status st = mdp_h5_open(path, &file, err);

    for (size_t i = 0; i < attributes->n && st == MDP_OK; i++)
        if (is_compared(attributes->at[i].key))
            st = compare_attribute(path, file, "/", attributes->at[i].key, attributes->at[i].value, err);
    if (st == MDP_OK)
        st = compare_attribute(path, file, "/text", "prompt_set_sha256", prompt_set_sha256, err);
    if (st == MDP_OK)
        st = read_places(file, &places, err);
    if (st == MDP_OK)
        st = compare_manifest(path, file, manifest, &places, err);
    if (st == MDP_OK)
        st = compare_pictures(path, file, manifest, &places, threads, err);
    *failures = places.n_failed;
    free(places.failed);
    mdp_h5_close(file);
    return st;
}
