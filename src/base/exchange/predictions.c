/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/exchange/predictions.h"

#include "base/exchange/store_mark.h"
#include "base/formats/h5_groups.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"
#include "base/try.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64 + 128 + 16 };

void mdp_prediction_release(struct mdp_prediction *prediction)
{
    free(prediction->rows);
    free(prediction->scores);
    *prediction = (struct mdp_prediction){0};
}

/* --- writing --- */

struct mdp_predictions_writer {
    struct mdp_h5 *file;
    struct mdp_text path; /* for messages */
    size_t k;
    char before[NAME_SIZE]; /* the dataset of the rows written last */
    int64_t *rows;          /* [n_rows], what is in it */
    size_t n_rows, capacity;
};

static mdp_status write_facts(struct mdp_h5 *file, const struct mdp_store_info *info,
                              const struct mdp_predictions_facts *facts, struct mdp_error *err)
{
    const int64_t resamples = (int64_t)facts->resamples;

    TRY(mdp_h5_attr_write(file, "/", "class_names", MDP_H5_STRING, info->n_classes, info->class_names, err));
    TRY(mdp_store_mark_write(file, info, err));
    if (!facts->by_patient)
        TRY(mdp_h5_attr_write_string(file, "/", "group", "none", err));
    if (facts->c_rule)
        TRY(mdp_h5_attr_write_string(file, "/", "c_rule", facts->c_rule, err));
    if (facts->resamples != MDP_RESAMPLES_NOT_SAID)
        TRY(mdp_h5_attr_write_scalar(file, "/", "resamples", MDP_H5_I64, &resamples, err));
    return MDP_OK;
}

mdp_status mdp_predictions_writer_create(const char *path, const struct mdp_store_info *info,
                                         const struct mdp_predictions_facts *facts,
                                         struct mdp_predictions_writer **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_predictions_writer *writer = mdp_new_array(1, sizeof *writer, err, &st);

    *out = NULL;
    if (!writer)
        return st;
    writer->k = info->n_classes;
    mdp_text_add(&writer->path, "%s", path);
    st = mdp_text_status(&writer->path, err);
    if (st == MDP_OK)
        st = mdp_h5_create(path, &writer->file, err);
    if (st == MDP_OK)
        st = write_facts(writer->file, info, facts, err);
    if (st != MDP_OK) {
        mdp_predictions_writer_free(writer);
        return st;
    }
    *out = writer;
    return MDP_OK;
}

/* The row list, stored once while it stays the same. */
static mdp_status write_rows(struct mdp_predictions_writer *writer, const char *name, const int64_t rows[],
                             size_t n, struct mdp_error *err)
{
    if (writer->before[0] && n == writer->n_rows && memcmp(rows, writer->rows, n * sizeof *rows) == 0)
        return mdp_h5_hard_link(writer->file, writer->before, name, err);
    mdp_status st = mdp_grow(&writer->rows, &writer->capacity, n, sizeof *rows, err);
    if (st == MDP_OK)
        st = mdp_h5_write(writer->file, name, MDP_H5_I64, 1, &n, rows, err);
    if (st != MDP_OK)
        return st;
    if (n)
        memcpy(writer->rows, rows, n * sizeof *rows);
    writer->n_rows = n;
    snprintf(writer->before, sizeof writer->before, "%s", name);
    return MDP_OK;
}

mdp_status mdp_predictions_writer_add(struct mdp_predictions_writer *writer, const struct mdp_prediction *p,
                                      struct mdp_error *err)
{
    char name[NAME_SIZE];
    const size_t shape[2] = {p->n, p->k};

    if (p->k != writer->k)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: %s/%s has %zu classes, expected %zu", writer->path.at,
                        p->method, p->key.name, p->k, writer->k);
    snprintf(name, sizeof name, "/%s/%s/rows", p->method, p->key.name);
    mdp_status st = write_rows(writer, name, p->rows, p->n, err);
    snprintf(name, sizeof name, "/%s/%s/scores", p->method, p->key.name);
    if (st == MDP_OK)
        st = mdp_h5_write(writer->file, name, MDP_H5_F64, 2, shape, p->scores, err);
    snprintf(name, sizeof name, "/%s/%s", p->method, p->key.name);
    if (st == MDP_OK && !isnan(p->c))
        st = mdp_h5_attr_write_scalar(writer->file, name, "C", MDP_H5_F64, &p->c, err);
    return st;
}

mdp_status mdp_predictions_writer_commit(struct mdp_predictions_writer *writer, struct mdp_error *err)
{
    mdp_status st = mdp_h5_commit(writer->file, err);

    writer->file = NULL;
    mdp_predictions_writer_free(writer);
    return st;
}

void mdp_predictions_writer_free(struct mdp_predictions_writer *writer)
{
    if (!writer)
        return;
    mdp_h5_close(writer->file);
    mdp_text_release(&writer->path);
    free(writer->rows);
    free(writer);
}

/* --- reading --- */

struct mdp_predictions_reader {
    struct mdp_h5 *file;
    struct mdp_text path;
    size_t n_rows, k, n, capacity;
    struct mdp_predictions_facts facts;
    char *c_rule;              /* what facts points to */
    struct mdp_prediction *at; /* [n]: names and sizes, without rows and scores */
    struct mdp_prediction now; /* what was given last */
    size_t *column;            /* [k]: the file's column of a class; NULL: the same order */
    double *row;               /* [k] scratch */
};

/* Those without labelled pictures first, then by method and key. */
static int by_method_then_key(const void *left, const void *right)
{
    const struct mdp_prediction *a = left, *b = right;
    bool a_first = a->key.named && a->key.shots == 0, b_first = b->key.named && b->key.shots == 0;

    if (a_first != b_first)
        return a_first ? -1 : 1;
    int order = strcmp(a->method, b->method);
    return order ? order : mdp_episode_key_compare(&a->key, &b->key);
}

/* Where the file has each of class_names[k]. */
static mdp_status match_classes(struct mdp_predictions_reader *r, const char *const class_names[],
                                struct mdp_error *err)
{
    char **names = NULL;
    size_t n = 0;
    bool moved = false;

    if (!mdp_h5_attr_has(r->file, "/", "class_names"))
        return MDP_OK;
    mdp_status st = mdp_h5_attr_read_strings(r->file, "/", "class_names", &names, &n, err);
    if (st == MDP_OK)
        r->column = mdp_new_array(r->k, sizeof *r->column, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        if (mdp_name_index(names[i], class_names, r->k) == r->k)
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: scores of class '%s', which the store has not (%s)",
                          r->path.at, names[i], mdp_name_hint(names[i], class_names, r->k).text);
    for (size_t c = 0; c < r->k && st == MDP_OK; c++) {
        r->column[c] = mdp_name_index(class_names[c], (const char *const *)names, n);
        moved = moved || r->column[c] != c;
        if (r->column[c] == n)
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: no scores of the store's class '%s'", r->path.at,
                          class_names[c]);
    }
    if (!moved) {
        free(r->column);
        r->column = NULL;
    }
    mdp_h5_strings_free(names, n);
    return st;
}

static mdp_status read_facts(struct mdp_predictions_reader *r, struct mdp_error *err)
{
    char *group = NULL;
    int64_t resamples = 0;

    r->facts.by_patient = true;
    r->facts.resamples = MDP_RESAMPLES_NOT_SAID;
    if (mdp_h5_attr_has(r->file, "/", "group")) {
        TRY(mdp_h5_attr_read_string(r->file, "/", "group", &group, err));
        r->facts.by_patient = strcmp(group, "none") != 0;
        free(group);
    }
    if (mdp_h5_attr_has(r->file, "/", "c_rule"))
        TRY(mdp_h5_attr_read_string(r->file, "/", "c_rule", &r->c_rule, err));
    r->facts.c_rule = r->c_rule;
    if (mdp_h5_attr_has(r->file, "/", "resamples")) {
        TRY(mdp_h5_attr_read(r->file, "/", "resamples", MDP_H5_I64, 1, &resamples, err));
        if (resamples < 0 || resamples > MDP_MOST_RESAMPLES)
            return mdp_fail(err, MDP_ERR_VALUE, "%s: resamples is %lld, expected 0 to %d", r->path.at,
                            (long long)resamples, MDP_MOST_RESAMPLES);
        r->facts.resamples = (size_t)resamples;
    }
    return MDP_OK;
}

static mdp_status check_shapes(struct mdp_predictions_reader *r, const char *group, struct mdp_prediction *p,
                               struct mdp_error *err)
{
    struct mdp_h5_shape rows, scores;
    struct mdp_text name = {0};

    mdp_text_add(&name, "%s/rows", group);
    mdp_status st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_h5_shape_of(r->file, name.at, &rows, err);
    mdp_text_clear(&name);
    mdp_text_add(&name, "%s/scores", group);
    if (st == MDP_OK)
        st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_h5_shape_of(r->file, name.at, &scores, err);
    if (st == MDP_OK &&
        (rows.rank != 1 || scores.rank != 2 || rows.dims[0] != scores.dims[0] || scores.dims[1] < 2))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected rows [n] and scores [n, classes]", r->path.at,
                      group);
    if (st == MDP_OK && rows.dims[0] > r->n_rows)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: %s: %zu rows, but the store has %zu", r->path.at, group,
                      rows.dims[0], r->n_rows);
    if (st == MDP_OK) {
        p->n = rows.dims[0];
        p->k = scores.dims[1];
    }
    if (st == MDP_OK && p->k != r->k)
        st = mdp_fail(err, MDP_ERR_VALUE,
                      "%s: %s: scores in %zu columns, expected one for each of %zu classes", r->path.at,
                      group, p->k, r->k);
    mdp_text_release(&name);
    return st;
}

/* `group` is "/method/name". */
static mdp_status note_prediction(struct mdp_predictions_reader *r, const char *group, struct mdp_error *err)
{
    mdp_status st = mdp_grow(&r->at, &r->capacity, r->n + 1, sizeof *r->at, err);

    if (st != MDP_OK)
        return st;
    struct mdp_prediction *p = &r->at[r->n++];
    *p = (struct mdp_prediction){.c = NAN};
    const char *slash = *group ? strchr(group + 1, '/') : NULL;
    size_t method = slash ? (size_t)(slash - group - 1) : 0;
    if (!slash || method >= sizeof p->method || !mdp_episode_key_parse(slash + 1, &p->key))
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected a group /<method>/<episode> of shorter names",
                        r->path.at, *group ? group : "/");
    memcpy(p->method, group + 1, method);
    st = check_shapes(r, group, p, err);
    if (st == MDP_OK && mdp_h5_attr_has(r->file, group, "C"))
        st = mdp_h5_attr_read(r->file, group, "C", MDP_H5_F64, 1, &p->c, err);
    return st;
}

static mdp_status note_group(void *reader, const struct mdp_h5_group *group, struct mdp_error *err)
{
    return mdp_h5_group_has(group, "rows") && mdp_h5_group_has(group, "scores")
               ? note_prediction(reader, group->path, err)
               : MDP_OK;
}

mdp_status mdp_predictions_reader_open(const char *path, const struct mdp_store_info *info,
                                       struct mdp_predictions_reader **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_predictions_reader *r = mdp_new_array(1, sizeof *r, err, &st);

    *out = NULL;
    if (!r)
        return st;
    r->n_rows = info->n;
    r->k = info->n_classes;
    r->row = mdp_new_array(r->k, sizeof *r->row, err, &st);
    mdp_text_add(&r->path, "%s", path);
    if (st == MDP_OK)
        st = mdp_text_status(&r->path, err);
    if (st == MDP_OK)
        st = mdp_h5_open(path, &r->file, err);
    if (st == MDP_OK)
        st = mdp_store_mark_check(r->file, path, info, &r->facts.names_store, err);
    if (st == MDP_OK)
        st = match_classes(r, info->class_names, err);
    if (st == MDP_OK)
        st = read_facts(r, err);
    if (st == MDP_OK)
        st = mdp_h5_visit_groups(r->file, path, note_group, r, err);
    if (st == MDP_OK && r->n == 0)
        st = mdp_fail(err, MDP_ERR_MISSING, "%s: no group with rows and scores", path);
    if (st != MDP_OK) {
        mdp_predictions_reader_close(r);
        return st;
    }
    qsort(r->at, r->n, sizeof *r->at, by_method_then_key);
    *out = r;
    return MDP_OK;
}

const struct mdp_predictions_facts *mdp_predictions_reader_facts(const struct mdp_predictions_reader *reader)
{
    return &reader->facts;
}

size_t mdp_predictions_reader_count(const struct mdp_predictions_reader *reader)
{
    return reader->n;
}

static mdp_status check_values(const struct mdp_predictions_reader *r, const struct mdp_prediction *p,
                               struct mdp_error *err)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->rows[i] < 0 || (uint64_t)p->rows[i] >= r->n_rows)
            return mdp_fail(err, MDP_ERR_VALUE,
                            "%s: %s/%s: row %" PRId64 ", expected one of the store's %zu rows", r->path.at,
                            p->method, p->key.name, p->rows[i], r->n_rows);
        for (size_t k = 0; k < p->k; k++)
            if (!isfinite(p->scores[i * p->k + k]))
                return mdp_fail(err, MDP_ERR_VALUE, "%s: %s/%s: a score of row %" PRId64 " is not finite",
                                r->path.at, p->method, p->key.name, p->rows[i]);
    }
    return MDP_OK;
}

/* Columns from the file's order into the store's. */
static void order_columns(struct mdp_predictions_reader *r, struct mdp_prediction *p)
{
    for (size_t i = 0; i < p->n; i++) {
        double *row = p->scores + i * p->k;
        memcpy(r->row, row, p->k * sizeof *row);
        for (size_t c = 0; c < p->k; c++)
            row[c] = r->row[r->column[c]];
    }
}

mdp_status mdp_predictions_reader_at(void *reader, size_t i, const struct mdp_prediction **prediction,
                                     struct mdp_error *err)
{
    struct mdp_predictions_reader *r = reader;
    struct mdp_prediction *p = &r->now;
    char name[NAME_SIZE];
    mdp_status st = MDP_OK;
    size_t count = 0;

    *prediction = NULL;
    mdp_prediction_release(p);
    *p = r->at[i];
    if (!mdp_mul_size(p->n, p->k, &count))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: %s/%s: too many scores", r->path.at, p->method, p->key.name);
    p->rows = mdp_new_array(p->n, sizeof *p->rows, err, &st);
    p->scores = mdp_new_array(count, sizeof *p->scores, err, &st);
    snprintf(name, sizeof name, "/%s/%s/rows", p->method, p->key.name);
    if (st == MDP_OK && p->n)
        st = mdp_h5_read_rows(r->file, name, MDP_H5_I64, 0, p->n, p->rows, err);
    snprintf(name, sizeof name, "/%s/%s/scores", p->method, p->key.name);
    if (st == MDP_OK && p->n)
        st = mdp_h5_read_rows(r->file, name, MDP_H5_F64, 0, p->n, p->scores, err);
    if (st == MDP_OK)
        st = check_values(r, p, err);
    if (st == MDP_OK && r->column)
        order_columns(r, p);
    if (st == MDP_OK)
        *prediction = p;
    return st;
}

void mdp_predictions_reader_close(struct mdp_predictions_reader *reader)
{
    if (!reader)
        return;
    mdp_prediction_release(&reader->now);
    mdp_h5_close(reader->file);
    mdp_text_release(&reader->path);
    free(reader->c_rule);
    free(reader->at);
    free(reader->column);
    free(reader->row);
    free(reader);
}
