/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/existing_store.h"

#include "base/exchange/store_names.h"
#include "base/file.h"
#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "extract/job/run_facts.h"
#include "extract/job/table_difference.h"
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
        st = mdp_h5_attr_read_string(file, "/", MDP_STORE_ATTR_SCHEMA, &schema, err);
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
    return mdp_fail(err, MDP_ERR_VALUE,
                    "%s: is a finished store, made %s (--force makes it anew, another -o leaves it alone)",
                    path, difference->at);
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
    TRY(add_attribute(file, MDP_STORE_TEXT, MDP_STORE_ATTR_PROMPT_SET, made, err));
    TRY(add_attribute(file, MDP_STORE_TEXT, MDP_STORE_ATTR_PROMPT_SET_SHA256, made, err));
    TRY(add_attribute(file, MDP_STORE_TEXT, MDP_STORE_ATTR_ENSEMBLE, made, err));
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

static mdp_status compare_tables(const char *path, const struct mdp_h5 *file,
                                 const struct mdp_store_rows *rows, const struct mdp_manifest *m,
                                 struct mdp_error *err)
{
    struct mdp_text difference = {0};
    mdp_status st = mdp_table_difference(file, rows, m, &difference, err);

    if (st == MDP_OK)
        st = other_inputs(path, &difference, err);
    mdp_text_release(&difference);
    return st;
}

/* --- the pictures --- */

struct pictures {
    const char *store;
    const struct mdp_manifest *manifest;
    const size_t *rows; /* [n] of the manifest */
    uint8_t *sha256;    /* [n, 32] */
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
                                   const struct mdp_store_rows *rows, size_t threads, struct mdp_error *err)
{
    struct pictures pictures = {.store = path, .manifest = m, .rows = rows->at};
    struct mdp_h5_shape shape;
    mdp_status st = mdp_h5_shape_of(file, MDP_STORE_SHA256, &shape, err);

    if (st == MDP_OK && (shape.rank != 2 || shape.dims[0] != rows->n || shape.dims[1] != MDP_SHA256_SIZE))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: /sha256 has not the shape [%zu, 32]", path, rows->n);
    if (st != MDP_OK)
        return st;
    pictures.sha256 = mdp_new_array(rows->n, MDP_SHA256_SIZE, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(file, MDP_STORE_SHA256, MDP_H5_U8, 0, rows->n, pictures.sha256, err);
    if (st == MDP_OK)
        st = mdp_parallel(rows->n, threads, compare_picture, &pictures, err);
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
    struct mdp_store_rows rows = {0};
    mdp_status st = MDP_OK;

    OR_OUT(mdp_h5_open(path, &file, err));
    OR_OUT(read_facts(file, facts, &made, err));
    OR_OUT(compare_facts(path, &made, facts, err));
    OR_OUT(mdp_store_rows_init(&rows, file, err));
    const char *digest = mdp_facts_find(&made, "manifest_sha256");
    if (!digest || strcmp(digest, mdp_facts_find(facts, "manifest_sha256")) != 0)
        OR_OUT(compare_tables(path, file, &rows, manifest, err));
    OR_OUT(compare_pictures(path, file, manifest, &rows, threads, err));
out:
    *failures = rows.n_failed;
    mdp_store_rows_release(&rows);
    mdp_facts_release(&made);
    mdp_h5_close(file);
    return st;
}
