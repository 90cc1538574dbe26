/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/store_write.h"

#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/text.h"
#include "medprobe/store.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512 }; /* rows appended at once */

/* One block of rows, column by column. */
struct block {
    size_t n; /* rows with an embedding */
    float *embeddings, *norms;
    const char **ids, **paths, **patient_ids, **splits;
    uint8_t *sha256, *orientation;
    uint64_t *phash;
    int32_t *labels;
    int8_t *targets;
    double *numbers;      /* of one attribute */
    const char **strings; /* of one attribute */
    size_t *rows;         /* of the manifest */
    size_t n_failed;
    int64_t *failed_rows;
    const char **failed_paths, **failed_reasons;
    char (*reasons)[MDP_REASON_SIZE];
};

static mdp_status new_block(const struct mdp_store_content *c, struct block *b, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *b = (struct block){0};
    b->embeddings = mdp_new_array(BLOCK * c->width, sizeof *b->embeddings, err, &st);
    b->norms = mdp_new_array(BLOCK, sizeof *b->norms, err, &st);
    b->ids = mdp_new_array(BLOCK, sizeof *b->ids, err, &st);
    b->paths = mdp_new_array(BLOCK, sizeof *b->paths, err, &st);
    b->patient_ids = mdp_new_array(BLOCK, sizeof *b->patient_ids, err, &st);
    b->splits = mdp_new_array(BLOCK, sizeof *b->splits, err, &st);
    b->sha256 = mdp_new_array(BLOCK, MDP_SHA256_SIZE, err, &st);
    b->orientation = mdp_new_array(BLOCK, sizeof *b->orientation, err, &st);
    b->phash = mdp_new_array(BLOCK, sizeof *b->phash, err, &st);
    b->labels = mdp_new_array(BLOCK, sizeof *b->labels, err, &st);
    b->targets = mdp_new_array(BLOCK, c->manifest->n_targets, err, &st);
    b->numbers = mdp_new_array(BLOCK, sizeof *b->numbers, err, &st);
    b->strings = mdp_new_array(BLOCK, sizeof *b->strings, err, &st);
    b->rows = mdp_new_array(BLOCK, sizeof *b->rows, err, &st);
    b->failed_rows = mdp_new_array(BLOCK, sizeof *b->failed_rows, err, &st);
    b->failed_paths = mdp_new_array(BLOCK, sizeof *b->failed_paths, err, &st);
    b->failed_reasons = mdp_new_array(BLOCK, sizeof *b->failed_reasons, err, &st);
    b->reasons = mdp_new_array(BLOCK, sizeof *b->reasons, err, &st);
    return st;
}

static void release_block(struct block *b)
{
    free(b->embeddings);
    free(b->norms);
    free(b->ids);
    free(b->paths);
    free(b->patient_ids);
    free(b->splits);
    free(b->sha256);
    free(b->orientation);
    free(b->phash);
    free(b->labels);
    free(b->targets);
    free(b->numbers);
    free(b->strings);
    free(b->rows);
    free(b->failed_rows);
    free(b->failed_paths);
    free(b->failed_reasons);
    free(b->reasons);
}

/* --- the datasets --- */

/* Name of /attributes/<column>. */
static mdp_status attribute_path(const struct mdp_attribute *attribute, struct mdp_text *path,
                                 struct mdp_error *err)
{
    mdp_text_clear(path);
    mdp_text_add(path, "/attributes/%s", attribute->name);
    return mdp_text_status(path, err);
}

static mdp_status make_columns(struct mdp_h5 *file, const struct mdp_store_content *c, struct mdp_error *err)
{
    static const struct {
        const char *name;
        enum mdp_h5_type type;
        size_t columns;
    } columns[] = {
        {"/norms", MDP_H5_F32, 0},        {"/ids", MDP_H5_STRING, 0},
        {"/paths", MDP_H5_STRING, 0},     {"/patient_ids", MDP_H5_STRING, 0},
        {"/splits", MDP_H5_STRING, 0},    {"/sha256", MDP_H5_U8, MDP_SHA256_SIZE},
        {"/phash", MDP_H5_U64, 0},        {"/orientation", MDP_H5_U8, 0},
        {"/labels", MDP_H5_I32, 0},       {"/failures/path", MDP_H5_STRING, 0},
        {"/failures/row", MDP_H5_I64, 0}, {"/failures/reason", MDP_H5_STRING, 0},
    };
    const struct mdp_manifest *m = c->manifest;
    mdp_status st = mdp_h5_create_growing(file, "/embeddings", MDP_H5_F32, c->width, err);

    if (st == MDP_OK)
        st = mdp_h5_hard_link(file, "/embeddings", "/features", err);
    for (size_t i = 0; i < sizeof columns / sizeof *columns && st == MDP_OK; i++)
        st = mdp_h5_create_growing(file, columns[i].name, columns[i].type, columns[i].columns, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write(file, "/labels", "class_names", MDP_H5_STRING, m->n_classes, m->class_names,
                               err);
    if (st == MDP_OK && m->n_targets) {
        st = mdp_h5_create_growing(file, "/targets", MDP_H5_I8, m->n_targets, err);
        if (st == MDP_OK)
            st = mdp_h5_attr_write(file, "/targets", "target_names", MDP_H5_STRING, m->n_targets,
                                   m->target_names, err);
    }
    return st;
}

static mdp_status make_attributes(struct mdp_h5 *file, const struct mdp_manifest *m, struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;

    for (size_t a = 0; a < m->n_attributes && st == MDP_OK; a++) {
        st = attribute_path(&m->attributes[a], &path, err);
        if (st == MDP_OK)
            st = mdp_h5_create_growing(file, path.at, m->attributes[a].numbers ? MDP_H5_F64 : MDP_H5_STRING,
                                       0, err);
    }
    mdp_text_release(&path);
    return st;
}

/* --- rows --- */

static void put_row(const struct mdp_store_content *c, const struct mdp_record *r, struct block *b)
{
    const struct mdp_manifest *m = c->manifest;
    size_t i = b->n++, row = r->row;

    b->rows[i] = row;
    b->norms[i] = r->norm;
    b->ids[i] = m->ids[row];
    b->paths[i] = m->paths[row];
    b->patient_ids[i] = m->patient_ids ? m->patient_ids[row] : "";
    b->splits[i] = m->splits ? m->splits[row] : "";
    memcpy(b->sha256 + i * MDP_SHA256_SIZE, r->sha256, MDP_SHA256_SIZE);
    b->orientation[i] = r->orientation;
    b->phash[i] = r->phash;
    b->labels[i] = m->labels ? m->labels[row] : -1;
    if (m->n_targets)
        memcpy(b->targets + i * m->n_targets, m->targets + row * m->n_targets, m->n_targets);
}

static void put_failure(const struct mdp_store_content *c, const struct mdp_record *r, struct block *b)
{
    size_t i = b->n_failed++;

    memcpy(b->reasons[i], r->reason, MDP_REASON_SIZE);
    b->failed_rows[i] = (int64_t)r->row;
    b->failed_paths[i] = c->manifest->paths[r->row];
    b->failed_reasons[i] = b->reasons[i];
}

/* Rows [first, first + BLOCK) as far as there are. */
static mdp_status read_block(const struct mdp_store_content *c, size_t first, struct block *b,
                             struct mdp_record *record, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    b->n = b->n_failed = 0;
    for (size_t row = first; row < first + BLOCK && row < c->manifest->n && st == MDP_OK; row++) {
        record->embedding = b->embeddings + b->n * c->width;
        st = mdp_workfile_read(c->work, row, record, err);
        if (st == MDP_OK && record->failed)
            put_failure(c, record, b);
        else if (st == MDP_OK)
            put_row(c, record, b);
    }
    return st;
}

static mdp_status append_attributes(struct mdp_h5 *file, const struct mdp_manifest *m, struct block *b,
                                    struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;

    for (size_t a = 0; a < m->n_attributes && st == MDP_OK; a++) {
        const struct mdp_attribute *attribute = &m->attributes[a];
        st = attribute_path(attribute, &path, err);
        for (size_t i = 0; i < b->n; i++)
            if (attribute->numbers)
                b->numbers[i] = attribute->numbers[b->rows[i]];
            else
                b->strings[i] = attribute->strings[b->rows[i]];
        if (st == MDP_OK)
            st = mdp_h5_append(file, path.at, b->n,
                               attribute->numbers ? (const void *)b->numbers : (const void *)b->strings, err);
    }
    mdp_text_release(&path);
    return st;
}

static mdp_status append_block(struct mdp_h5 *file, const struct mdp_store_content *c, struct block *b,
                               struct mdp_error *err)
{
    const struct {
        const char *name;
        size_t n;
        const void *data;
    } columns[] = {
        {"/embeddings", b->n, b->embeddings},
        {"/norms", b->n, b->norms},
        {"/ids", b->n, b->ids},
        {"/paths", b->n, b->paths},
        {"/patient_ids", b->n, b->patient_ids},
        {"/splits", b->n, b->splits},
        {"/sha256", b->n, b->sha256},
        {"/phash", b->n, b->phash},
        {"/orientation", b->n, b->orientation},
        {"/labels", b->n, b->labels},
        {"/failures/path", b->n_failed, b->failed_paths},
        {"/failures/row", b->n_failed, b->failed_rows},
        {"/failures/reason", b->n_failed, b->failed_reasons},
    };
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < sizeof columns / sizeof *columns && st == MDP_OK; i++)
        st = mdp_h5_append(file, columns[i].name, columns[i].n, columns[i].data, err);
    if (st == MDP_OK && c->manifest->n_targets)
        st = mdp_h5_append(file, "/targets", b->n, b->targets, err);
    return st == MDP_OK ? append_attributes(file, c->manifest, b, err) : st;
}

static mdp_status write_rows(struct mdp_h5 *file, const struct mdp_store_content *c,
                             const volatile sig_atomic_t *stop, size_t *failures, struct mdp_error *err)
{
    struct block block;
    mdp_status st = MDP_OK;
    struct mdp_record *record = mdp_new_array(1, sizeof *record, err, &st);

    if (!record)
        return st;
    st = new_block(c, &block, err);
    for (size_t first = 0; first < c->manifest->n && st == MDP_OK; first += BLOCK) {
        if (stop && *stop)
            st = mdp_fail(err, MDP_ERR_INTERRUPTED, "interrupted");
        if (st == MDP_OK)
            st = read_block(c, first, &block, record, err);
        if (st == MDP_OK)
            st = append_block(file, c, &block, err);
        *failures += block.n_failed;
    }
    release_block(&block);
    free(record);
    return st;
}

/* --- the rest --- */

static mdp_status write_text(struct mdp_h5 *file, const struct mdp_text_part *t, size_t width,
                             struct mdp_error *err)
{
    const size_t table[] = {t->n, width};
    const struct {
        const char *name, *value;
    } strings[] = {{"ensemble", mdp_ensemble_names[t->ensemble]},
                   {"prompt_set", t->prompt_set},
                   {"prompt_set_sha256", t->prompt_set_sha256}};
    mdp_status st = mdp_h5_write(file, "/text/embeddings", MDP_H5_F32, 2, table, t->embeddings, err);

    if (st == MDP_OK)
        st = mdp_h5_write(file, "/text/norms", MDP_H5_F32, 1, table, t->norms, err);
    if (st == MDP_OK)
        st = mdp_h5_write(file, "/text/prompts", MDP_H5_STRING, 1, table, t->prompts, err);
    if (st == MDP_OK)
        st = mdp_h5_write(file, "/text/class_index", MDP_H5_I32, 1, table, t->class_index, err);
    if (st == MDP_OK)
        st =
            mdp_h5_attr_write(file, "/text", "class_names", MDP_H5_STRING, t->n_classes, t->class_names, err);
    for (size_t i = 0; i < sizeof strings / sizeof *strings && st == MDP_OK; i++)
        st = mdp_h5_attr_write_string(file, "/text", strings[i].name, strings[i].value, err);
    return st;
}

static mdp_status write_root(struct mdp_h5 *file, const struct mdp_store_content *c, struct mdp_error *err)
{
    mdp_status st = mdp_h5_attr_write_string(file, "/", "schema", MDP_STORE_SCHEMA, err);

    for (size_t i = 0; i < c->attributes->n && st == MDP_OK; i++)
        st = mdp_h5_attr_write_string(file, "/", c->attributes->at[i].key, c->attributes->at[i].value, err);
    if (st != MDP_OK || !c->has_scale)
        return st;
    st = mdp_h5_attr_write_scalar(file, "/", "logit_scale", MDP_H5_F64, &c->logit_scale, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_scalar(file, "/", "logit_bias", MDP_H5_F64, &c->logit_bias, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(file, "/", "similarity", mdp_similarity_names[c->similarity], err);
    return st;
}

mdp_status mdp_store_write(const char *path, const struct mdp_store_content *content,
                           const volatile sig_atomic_t *stop, size_t *failures, struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;

    *failures = 0;
    mdp_status st = mdp_h5_create(path, &file, err);
    if (st == MDP_OK)
        st = write_root(file, content, err);
    if (st == MDP_OK)
        st = make_columns(file, content, err);
    if (st == MDP_OK)
        st = make_attributes(file, content->manifest, err);
    if (st == MDP_OK)
        st = write_rows(file, content, stop, failures, err);
    if (st == MDP_OK && content->text)
        st = write_text(file, content->text, content->width, err);
    if (st == MDP_OK)
        return mdp_h5_commit(file, err);
    mdp_h5_close(file);
    return st;
}
