/* SPDX-License-Identifier: BSD-3-Clause */
#include "medprobe/store.h"

#include "base/exchange/store_names.h"
#include "base/exchange/zero_shot_rules.h"
#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"
#include "base/try.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A list of strings as HDF5's border gives it. */
struct list {
    char **at;
    size_t n;
};

struct mdp_store {
    struct mdp_h5 *file;
    struct mdp_store_info info;
    char *path;
    struct list ids, paths, patient_ids, splits, classes, text_classes, prompts;
    uint8_t *sha256;
    int32_t *labels, *prompt_class, *prompt_negative;
    float *text, *text_norms;
    char *attributes[16]; /* root and text attributes, as far as they are there */
    size_t n_attributes;
};

/* --- attributes --- */

/* A string attribute into *value, "" when absent. */
static mdp_status read_attribute(struct mdp_store *s, const char *object, const char *name,
                                 const char **value, struct mdp_error *err)
{
    char *text = NULL;

    *value = "";
    if (!mdp_h5_attr_has(s->file, object, name))
        return MDP_OK;
    mdp_status st = mdp_h5_attr_read_string(s->file, object, name, &text, err);
    if (st == MDP_OK)
        *value = s->attributes[s->n_attributes++] = text;
    return st;
}

/* A number, `otherwise` when absent; any numeric type, as a scalar or as a list of one. */
static mdp_status read_number(const struct mdp_store *s, const char *name, double otherwise, double *value,
                              struct mdp_error *err)
{
    *value = otherwise;
    if (!mdp_h5_attr_has(s->file, "/", name))
        return MDP_OK;
    mdp_status st = mdp_h5_attr_read(s->file, "/", name, MDP_H5_F64, 1, value, err);
    if (st == MDP_OK && !isfinite(*value))
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: attribute %s is not finite", s->path, name);
    return st;
}

static mdp_status check_schema(struct mdp_store *s, struct mdp_error *err)
{
    const char *found = "";
    mdp_status st = read_attribute(s, "/", MDP_STORE_ATTR_SCHEMA, &found, err);

    if (st != MDP_OK)
        return mdp_fail_at(err, MDP_ERR_FORMAT, "%s: no store of medprobe", s->path);
    if (!*found)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "%s: is no store of medprobe: it has no attribute schema (expected '%s')", s->path,
                        MDP_STORE_SCHEMA);
    if (strcmp(found, MDP_STORE_SCHEMA) != 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: schema is '%.60s', expected '%s'", s->path, found,
                        MDP_STORE_SCHEMA);
    return MDP_OK;
}

static mdp_status read_attributes(struct mdp_store *s, struct mdp_error *err)
{
    struct mdp_store_info *info = &s->info;
    const struct {
        const char *name, **value;
    } strings[] = {{MDP_STORE_ATTR_MODEL, &info->model},
                   {MDP_STORE_ATTR_PRETRAINED, &info->pretrained},
                   {MDP_STORE_ATTR_WEIGHTS_SHA256, &info->weights_sha256},
                   {MDP_STORE_ATTR_PIPELINE, &info->pipeline},
                   {MDP_STORE_ATTR_PRECISION, &info->precision},
                   {MDP_STORE_ATTR_KERNEL, &info->kernel},
                   {MDP_STORE_ATTR_SIMILARITY, &info->similarity}};
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < sizeof strings / sizeof *strings && st == MDP_OK; i++)
        st = read_attribute(s, "/", strings[i].name, strings[i].value, err);
    if (st == MDP_OK && !*info->similarity)
        info->similarity = mdp_similarity_names[0];
    if (st == MDP_OK)
        st = read_number(s, MDP_STORE_ATTR_LOGIT_SCALE, 1, &info->logit_scale, err);
    if (st == MDP_OK)
        st = read_number(s, MDP_STORE_ATTR_LOGIT_BIAS, 0, &info->logit_bias, err);
    return st;
}

/* --- datasets --- */

/* A dataset's shape, with rank and length checked; the second dimension is free. */
static mdp_status need_shape(const struct mdp_store *s, const char *name, size_t rank, size_t rows,
                             struct mdp_h5_shape *shape, struct mdp_error *err)
{
    mdp_status st = mdp_h5_shape_of(s->file, name, shape, err);

    if (st != MDP_OK)
        return st;
    if (shape->rank != rank)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s has %zu dimensions, expected %zu", s->path, name,
                        shape->rank, rank);
    if (shape->dims[0] != rows)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s has %zu rows, expected %zu", s->path, name,
                        shape->dims[0], rows);
    return MDP_OK;
}

/* Strings of every row, when the dataset is there. */
static mdp_status read_list(const struct mdp_store *s, const char *name, size_t rows, struct list *list,
                            struct mdp_error *err)
{
    struct mdp_h5_shape shape;

    if (!mdp_h5_has(s->file, name))
        return MDP_OK;
    mdp_status st = need_shape(s, name, 1, rows, &shape, err);
    if (st == MDP_OK)
        st = mdp_h5_read_strings(s->file, name, &list->at, &list->n, err);
    return st;
}

static bool any(const struct list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (*list->at[i])
            return true;
    return false;
}

/* N and D; no embedding is read before it is asked for. */
static mdp_status read_extent(struct mdp_store *s, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    mdp_status st = mdp_h5_shape_of(s->file, MDP_STORE_EMBEDDINGS, &shape, err);

    if (st != MDP_OK)
        return st;
    if (shape.rank != 2 || (shape.type != MDP_H5_F32 && shape.type != MDP_H5_F64))
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: /embeddings is no table of floating-point numbers",
                        s->path);
    if (shape.dims[1] == 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: /embeddings has no columns", s->path);
    s->info.n = shape.dims[0];
    s->info.d = shape.dims[1];
    return MDP_OK;
}

/* Q, where a picture has several vectors. */
static mdp_status read_queries(struct mdp_store *s, struct mdp_error *err)
{
    struct mdp_h5_shape shape;

    if (!mdp_h5_has(s->file, MDP_STORE_QUERIES))
        return MDP_OK;
    TRY(need_shape(s, MDP_STORE_QUERIES, 3, s->info.n, &shape, err));
    if (shape.type != MDP_H5_F32 && shape.type != MDP_H5_F64)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s are no floating-point numbers", s->path,
                        MDP_STORE_QUERIES);
    if (shape.dims[1] == 0 || shape.dims[2] != s->info.d)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "%s: %s has %zu vectors of %zu values a row, expected some of %zu as /embeddings",
                        s->path, MDP_STORE_QUERIES, shape.dims[1], shape.dims[2], s->info.d);
    s->info.n_queries = shape.dims[1];
    return MDP_OK;
}

static mdp_status read_strings(struct mdp_store *s, struct mdp_error *err)
{
    size_t n = s->info.n;

    if (!mdp_h5_has(s->file, MDP_STORE_IDS))
        return mdp_fail(err, MDP_ERR_MISSING, "%s: has no /ids", s->path);
    mdp_status st = read_list(s, MDP_STORE_IDS, n, &s->ids, err);
    if (st == MDP_OK)
        st = read_list(s, MDP_STORE_PATHS, n, &s->paths, err);
    if (st == MDP_OK)
        st = read_list(s, MDP_STORE_PATIENT_IDS, n, &s->patient_ids, err);
    if (st == MDP_OK)
        st = read_list(s, MDP_STORE_SPLITS, n, &s->splits, err);
    s->info.ids = (const char *const *)s->ids.at;
    s->info.paths = (const char *const *)s->paths.at;
    s->info.patient_ids = any(&s->patient_ids) ? (const char *const *)s->patient_ids.at : NULL;
    s->info.splits = any(&s->splits) ? (const char *const *)s->splits.at : NULL;
    return st;
}

static mdp_status read_sha256(struct mdp_store *s, struct mdp_error *err)
{
    struct mdp_h5_shape shape;

    if (!mdp_h5_has(s->file, MDP_STORE_SHA256))
        return MDP_OK;
    mdp_status st = need_shape(s, MDP_STORE_SHA256, 2, s->info.n, &shape, err);
    if (st == MDP_OK && shape.dims[1] != 32)
        st =
            mdp_fail(err, MDP_ERR_FORMAT, "%s: /sha256 has %zu columns, expected 32", s->path, shape.dims[1]);
    if (st == MDP_OK)
        s->sha256 = mdp_new_array(s->info.n, 32, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(s->file, MDP_STORE_SHA256, MDP_H5_U8, 0, s->info.n, s->sha256, err);
    s->info.sha256 = s->sha256;
    return st;
}

/* class_names of /labels or /text. */
static mdp_status read_classes(const struct mdp_store *s, const char *object, struct list *classes,
                               struct mdp_error *err)
{
    if (!mdp_h5_attr_has(s->file, object, MDP_STORE_ATTR_CLASS_NAMES))
        return mdp_fail(err, MDP_ERR_MISSING, "%s: %s has no attribute class_names", s->path, object);
    mdp_status st =
        mdp_h5_attr_read_strings(s->file, object, MDP_STORE_ATTR_CLASS_NAMES, &classes->at, &classes->n, err);
    for (size_t i = 0; st == MDP_OK && i < classes->n; i++)
        for (size_t j = 0; j < i && st == MDP_OK; j++)
            if (strcmp(classes->at[i], classes->at[j]) == 0)
                st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: class '%.100s' is named twice", s->path, object,
                              classes->at[i]);
    return st;
}

/* Whole numbers of [least, below), read wide so that none is bent into the range. */
static mdp_status read_indices(const struct mdp_store *s, const char *name, size_t n, int64_t least,
                               size_t below, const char *what, int32_t **out, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    mdp_status st = need_shape(s, name, 1, n, &shape, err);
    int64_t *wide = st == MDP_OK ? mdp_new_array(n, sizeof *wide, err, &st) : NULL;

    if (st == MDP_OK)
        st = mdp_h5_read_rows(s->file, name, MDP_H5_I64, 0, n, wide, err);
    if (st == MDP_OK)
        *out = mdp_new_array(n, sizeof **out, err, &st);
    for (size_t row = 0; st == MDP_OK && row < n; row++) {
        if (wide[row] < least || wide[row] >= (int64_t)below)
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: row %zu of %s: %s is %lld, expected %lld to %lld", s->path,
                          row, name, what, (long long)wide[row], (long long)least, (long long)below - 1);
        (*out)[row] = (int32_t)wide[row];
    }
    free(wide);
    return st;
}

static mdp_status read_labels(struct mdp_store *s, struct mdp_error *err)
{
    if (!mdp_h5_has(s->file, MDP_STORE_LABELS))
        return MDP_OK;
    mdp_status st = read_classes(s, MDP_STORE_LABELS, &s->classes, err);
    if (st == MDP_OK)
        st = read_indices(s, MDP_STORE_LABELS, s->info.n, -1, s->classes.n, "the label", &s->labels, err);
    s->info.labels = s->labels;
    s->info.n_classes = s->classes.n;
    s->info.class_names = (const char *const *)s->classes.at;
    return st;
}

static mdp_status read_failures(struct mdp_store *s, struct mdp_error *err)
{
    struct mdp_h5_shape shape;

    if (!mdp_h5_has(s->file, MDP_STORE_FAILURES_ROW))
        return MDP_OK;
    mdp_status st = mdp_h5_shape_of(s->file, MDP_STORE_FAILURES_ROW, &shape, err);
    if (st == MDP_OK)
        s->info.n_failures = shape.rank == 1 ? shape.dims[0] : 0;
    return st;
}

/* --- text --- */

static mdp_status read_text_rows(struct mdp_store *s, size_t p, size_t d, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t cells = 0;

    if (!mdp_mul_size(p, d, &cells))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: /text/embeddings is too large", s->path);
    s->text = mdp_new_array(cells, sizeof *s->text, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(s->file, MDP_STORE_TEXT_EMBEDDINGS, MDP_H5_F32, 0, p, s->text, err);
    for (size_t i = 0; st == MDP_OK && i < cells; i++)
        if (!isfinite(s->text[i]))
            st =
                mdp_fail(err, MDP_ERR_VALUE, "%s: row %zu of /text/embeddings is not finite", s->path, i / d);
    s->info.text = s->text;
    return st;
}

/* Lengths of the prompts' vectors, and which of them say that their class is absent: both may be missing. */
static mdp_status read_text_lists(struct mdp_store *s, size_t p, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    mdp_status st = MDP_OK;

    if (mdp_h5_has(s->file, MDP_STORE_TEXT_NEGATIVE))
        TRY(read_indices(s, MDP_STORE_TEXT_NEGATIVE, p, 0, 2, "the mark", &s->prompt_negative, err));
    s->info.prompt_negative = s->prompt_negative;
    if (!mdp_h5_has(s->file, MDP_STORE_TEXT_NORMS))
        return MDP_OK;
    TRY(need_shape(s, MDP_STORE_TEXT_NORMS, 1, p, &shape, err));
    s->text_norms = mdp_new_array(p, sizeof *s->text_norms, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(s->file, MDP_STORE_TEXT_NORMS, MDP_H5_F32, 0, p, s->text_norms, err);
    for (size_t i = 0; st == MDP_OK && i < p; i++)
        if (!isfinite(s->text_norms[i]) || s->text_norms[i] < 0)
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: row %zu of %s is no length", s->path, i,
                          MDP_STORE_TEXT_NORMS);
    s->info.text_norms = s->text_norms;
    return st;
}

static mdp_status read_text_words(struct mdp_store *s, size_t p, struct mdp_error *err)
{
    struct mdp_store_info *info = &s->info;
    mdp_status st = read_attribute(s, MDP_STORE_TEXT, MDP_STORE_ATTR_ENSEMBLE, &info->ensemble, err);

    if (st == MDP_OK && !*info->ensemble)
        info->ensemble = mdp_ensemble_names[0];
    if (st == MDP_OK &&
        mdp_name_index(info->ensemble, mdp_ensemble_names, MDP_ENSEMBLE_COUNT) == MDP_ENSEMBLE_COUNT)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: ensemble is '%.60s' (%s)", s->path, info->ensemble,
                      mdp_name_hint(info->ensemble, mdp_ensemble_names, MDP_ENSEMBLE_COUNT).text);
    if (st == MDP_OK)
        st = read_attribute(s, MDP_STORE_TEXT, MDP_STORE_ATTR_PROMPT_SET, &info->prompt_set, err);
    if (st == MDP_OK)
        st = read_attribute(s, MDP_STORE_TEXT, MDP_STORE_ATTR_PROMPT_SET_SHA256, &info->prompt_set_sha256,
                            err);
    if (st == MDP_OK)
        st = read_list(s, MDP_STORE_TEXT_PROMPTS, p, &s->prompts, err);
    info->prompts = (const char *const *)s->prompts.at;
    return st;
}

/* A store of pictures alone has no /text. */
static mdp_status read_text(struct mdp_store *s, struct mdp_error *err)
{
    struct mdp_store_info *info = &s->info;
    struct mdp_h5_shape shape;

    info->ensemble = info->prompt_set = info->prompt_set_sha256 = "";
    if (!mdp_h5_has(s->file, MDP_STORE_TEXT_EMBEDDINGS))
        return MDP_OK;
    mdp_status st = mdp_h5_shape_of(s->file, MDP_STORE_TEXT_EMBEDDINGS, &shape, err);
    if (st == MDP_OK && (shape.rank != 2 || shape.dims[1] != info->d))
        st =
            mdp_fail(err, MDP_ERR_FORMAT, "%s: /text/embeddings has %zu columns, expected %zu as /embeddings",
                     s->path, shape.rank == 2 ? shape.dims[1] : 0, info->d);
    if (st != MDP_OK)
        return st;
    size_t p = shape.dims[0];
    st = read_text_rows(s, p, info->d, err);
    if (st == MDP_OK)
        st = read_classes(s, MDP_STORE_TEXT, &s->text_classes, err);
    if (st == MDP_OK)
        st = read_indices(s, MDP_STORE_TEXT_CLASS_INDEX, p, 0, s->text_classes.n, "the class",
                          &s->prompt_class, err);
    if (st == MDP_OK)
        st = read_text_lists(s, p, err);
    if (st == MDP_OK)
        st = read_text_words(s, p, err);
    info->n_prompts = p;
    info->prompt_class = s->prompt_class;
    info->n_text_classes = s->text_classes.n;
    info->text_class_names = (const char *const *)s->text_classes.at;
    return st;
}

/* --- the whole --- */

static mdp_status read_all(struct mdp_store *s, struct mdp_error *err)
{
    static const char *const parts[] = {MDP_STORE_EMBEDDINGS, MDP_STORE_QUERIES,     MDP_STORE_IDS,
                                        MDP_STORE_LABELS,     MDP_STORE_PATIENT_IDS, MDP_STORE_SPLITS,
                                        MDP_STORE_TEXT};
    mdp_status st = check_schema(s, err);

    for (size_t i = 0; i < sizeof parts / sizeof *parts && st == MDP_OK; i++)
        st = mdp_h5_refuse_link(s->file, parts[i], err); /* never taken as absent */
    if (st == MDP_OK && !mdp_h5_has(s->file, MDP_STORE_EMBEDDINGS))
        st = mdp_fail(err, MDP_ERR_MISSING, "%s: has no /embeddings%s", s->path,
                      mdp_h5_has(s->file, MDP_STORE_TEXT) ? " (it is a store of texts only)" : "");
    if (st == MDP_OK)
        st = read_attributes(s, err);
    if (st == MDP_OK)
        st = read_extent(s, err);
    if (st == MDP_OK)
        st = read_queries(s, err);
    if (st == MDP_OK)
        st = read_strings(s, err);
    if (st == MDP_OK)
        st = read_sha256(s, err);
    if (st == MDP_OK)
        st = read_labels(s, err);
    if (st == MDP_OK)
        st = read_failures(s, err);
    if (st == MDP_OK)
        st = read_text(s, err);
    if (st == MDP_OK)
        st = mdp_h5_content_sha256(s->file, s->info.content_hash, err);
    return st;
}

mdp_status mdp_store_open(const char *path, struct mdp_store **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_store *s = mdp_new_array(1, sizeof *s, err, &st);

    *out = NULL;
    if (!s)
        return st;
    s->path = mdp_copy_string(path, err, &st);
    s->info.path = s->path;
    if (st == MDP_OK)
        st = mdp_h5_open(path, &s->file, err);
    if (st == MDP_OK)
        st = read_all(s, err);
    if (st == MDP_OK)
        *out = s;
    else
        mdp_store_close(s);
    return st;
}

void mdp_store_close(struct mdp_store *s)
{
    if (!s)
        return;
    struct list *const lists[] = {&s->ids,     &s->paths,        &s->patient_ids, &s->splits,
                                  &s->classes, &s->text_classes, &s->prompts};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        mdp_h5_strings_free(lists[i]->at, lists[i]->n);
    for (size_t i = 0; i < s->n_attributes; i++)
        free(s->attributes[i]);
    free(s->sha256);
    free(s->labels);
    free(s->prompt_class);
    free(s->prompt_negative);
    free(s->text);
    free(s->text_norms);
    mdp_h5_close(s->file);
    free(s->path);
    free(s);
}

const struct mdp_store_info *mdp_store_info(const struct mdp_store *s)
{
    return &s->info;
}

size_t mdp_store_find_id(const struct mdp_store *s, const char *id)
{
    size_t row = 0;

    while (row < s->info.n && strcmp(s->info.ids[row], id) != 0)
        row++;
    return row;
}

/* --- rows --- */

/* Values [d] a row of a dataset of float32; neighbours among rows[n] are read at once. */
static mdp_status read_values(const struct mdp_store *s, const char *name, const int64_t rows[], size_t n,
                              size_t d, float *out, struct mdp_error *err)
{
    for (size_t i = 0; i < n;) {
        if (rows[i] < 0 || (uint64_t)rows[i] >= s->info.n)
            return mdp_fail(err, MDP_ERR_VALUE, "%s: row %lld was asked for, there are %zu", s->path,
                            (long long)rows[i], s->info.n);
        size_t run = 1;
        while (i + run < n && rows[i + run] == rows[i] + (int64_t)run && (uint64_t)rows[i + run] < s->info.n)
            run++;
        TRY(mdp_h5_read_rows(s->file, name, MDP_H5_F32, (size_t)rows[i], run, out + i * d, err));
        i += run;
    }
    return MDP_OK;
}

mdp_status mdp_store_rows(const struct mdp_store *s, const int64_t rows[], size_t n, float *out,
                          struct mdp_error *err)
{
    const size_t d = s->info.d;

    TRY(read_values(s, MDP_STORE_EMBEDDINGS, rows, n, d, out, err));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            if (!isfinite(out[i * d + j]))
                return mdp_fail(err, MDP_ERR_VALUE, "%s: row %lld: value %zu of the embedding is not finite",
                                s->path, (long long)rows[i], j);
    return MDP_OK;
}

mdp_status mdp_store_queries(const struct mdp_store *s, const int64_t rows[], size_t n, float *out,
                             struct mdp_error *err)
{
    const size_t each = s->info.n_queries * s->info.d;

    if (each == 0)
        return mdp_fail(err, MDP_ERR_MISSING, "%s: has no %s", s->path, MDP_STORE_QUERIES);
    TRY(read_values(s, MDP_STORE_QUERIES, rows, n, each, out, err));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < each; j++)
            if (!isfinite(out[i * each + j]))
                return mdp_fail(err, MDP_ERR_VALUE, "%s: row %lld of %s is not finite", s->path,
                                (long long)rows[i], MDP_STORE_QUERIES);
    return MDP_OK;
}

mdp_status mdp_store_norms(const struct mdp_store *s, const int64_t rows[], size_t n, float *out,
                           struct mdp_error *err)
{
    struct mdp_h5_shape shape;

    TRY(need_shape(s, MDP_STORE_NORMS, 1, s->info.n, &shape, err));
    TRY(read_values(s, MDP_STORE_NORMS, rows, n, 1, out, err));
    for (size_t i = 0; i < n; i++)
        if (!isfinite(out[i]) || out[i] < 0)
            return mdp_fail(err, MDP_ERR_VALUE, "%s: row %lld: the norm is no length", s->path,
                            (long long)rows[i]);
    return MDP_OK;
}

mdp_status mdp_store_each_block(const struct mdp_store *s, const int64_t rows[], size_t n,
                                mdp_store_visit *visit, void *context, struct mdp_error *err)
{
    enum { AT_ONCE = 1024 };
    const size_t total = rows ? n : s->info.n;
    mdp_status st = MDP_OK;
    int64_t numbers[AT_ONCE];
    size_t row_bytes = 0;

    if (!mdp_mul_size(s->info.d, sizeof(float), &row_bytes))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: rows of %zu values do not fit into memory", s->path,
                        s->info.d);
    float *x = mdp_new_array(total < AT_ONCE ? total : AT_ONCE, row_bytes, err, &st);
    for (size_t first = 0; st == MDP_OK && first < total; first += AT_ONCE) {
        size_t count = total - first < AT_ONCE ? total - first : AT_ONCE;
        for (size_t i = 0; i < count; i++)
            numbers[i] = rows ? rows[first + i] : (int64_t)(first + i);
        st = mdp_store_rows(s, numbers, count, x, err);
        if (st == MDP_OK)
            st = visit(context, first, count, x, err);
    }
    free(x);
    return st;
}
