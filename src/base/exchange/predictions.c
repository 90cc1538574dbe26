/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/exchange/predictions.h"

#include "base/file.h"
#include "base/formats/h5.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64 + 128 + 16, MAX_DEPTH = 16, MAX_GROUPS = 1000000 };

void mdp_prediction_release(struct mdp_prediction *prediction)
{
    free(prediction->rows);
    free(prediction->scores);
    *prediction = (struct mdp_prediction){0};
}

/* --- writing --- */

struct mdp_predictions_writer {
    struct mdp_h5 *file;
    struct mdp_text path, temporary;
    size_t k;
    char before[NAME_SIZE]; /* the dataset of the rows written last */
    int64_t *rows;          /* [n_rows], what is in it */
    size_t n_rows, capacity;
};

static void writer_free(struct mdp_predictions_writer *writer)
{
    mdp_text_release(&writer->path);
    mdp_text_release(&writer->temporary);
    free(writer->rows);
    free(writer);
}

mdp_status mdp_predictions_writer_create(const char *path, const char *const class_names[], size_t k,
                                         struct mdp_predictions_writer **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_predictions_writer *writer = mdp_new_array(1, sizeof *writer, err, &st);

    *out = NULL;
    if (!writer)
        return st;
    writer->k = k;
    mdp_text_add(&writer->path, "%s", path);
    mdp_text_add(&writer->temporary, "%s.tmp", path);
    st = mdp_text_status(&writer->temporary, err);
    if (st == MDP_OK)
        st = mdp_text_status(&writer->path, err);
    if (st == MDP_OK)
        st = mdp_h5_create(writer->temporary.at, &writer->file, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write(writer->file, "/", "class_names", MDP_H5_STRING, k, class_names, err);
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
                        p->method, p->group, p->k, writer->k);
    snprintf(name, sizeof name, "/%s/%s/rows", p->method, p->group);
    mdp_status st = write_rows(writer, name, p->rows, p->n, err);
    snprintf(name, sizeof name, "/%s/%s/scores", p->method, p->group);
    if (st == MDP_OK)
        st = mdp_h5_write(writer->file, name, MDP_H5_F64, 2, shape, p->scores, err);
    snprintf(name, sizeof name, "/%s/%s", p->method, p->group);
    if (st == MDP_OK && !isnan(p->c))
        st = mdp_h5_attr_write_scalar(writer->file, name, "C", MDP_H5_F64, &p->c, err);
    return st;
}

mdp_status mdp_predictions_writer_commit(struct mdp_predictions_writer *writer, struct mdp_error *err)
{
    mdp_status st = mdp_h5_commit(writer->file, err);

    writer->file = NULL;
    if (st == MDP_OK)
        st = mdp_file_commit(writer->temporary.at, writer->path.at, err);
    if (st != MDP_OK)
        mdp_predictions_writer_free(writer);
    else
        writer_free(writer);
    return st;
}

void mdp_predictions_writer_free(struct mdp_predictions_writer *writer)
{
    if (!writer)
        return;
    mdp_h5_close(writer->file);
    if (writer->temporary.at)
        remove(writer->temporary.at);
    writer_free(writer);
}

/* --- reading --- */

struct mdp_predictions_reader {
    struct mdp_h5 *file;
    struct mdp_text path;
    size_t n_rows, visited, n, capacity;
    struct mdp_prediction *at; /* [n]: names and sizes, without rows and scores */
    struct mdp_prediction now; /* what was given last */
};

/* zero-shot first, then by method; within one by shots and seed, other names last. */
static int by_method_then_group(const void *left, const void *right)
{
    const struct mdp_prediction *a = left, *b = right;
    bool a_first = strcmp(a->method, "zero-shot") == 0, b_first = strcmp(b->method, "zero-shot") == 0;
    size_t shots, seed;

    if (a_first != b_first)
        return a_first ? -1 : 1;
    if (strcmp(a->method, b->method) != 0)
        return strcmp(a->method, b->method);
    bool a_named = mdp_draw_group_parse(a->group, &shots, &seed);
    bool b_named = mdp_draw_group_parse(b->group, &shots, &seed);
    if (a_named != b_named)
        return a_named ? -1 : 1;
    if (a->shots != b->shots)
        return a->shots < b->shots ? -1 : 1;
    if (a->seed != b->seed)
        return a->seed < b->seed ? -1 : 1;
    return strcmp(a->group, b->group);
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
    if (st == MDP_OK && r->n > 1 && p->k != r->at[0].k)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: %s: %zu classes, but %zu in %s/%s", r->path.at, group, p->k,
                      r->at[0].k, r->at[0].method, r->at[0].group);
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
    const char *slash = strchr(group + 1, '/');
    size_t method = slash ? (size_t)(slash - group - 1) : 0;
    if (!slash || method >= sizeof p->method || strlen(slash + 1) >= sizeof p->group)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected a group /<method>/<episode> of shorter names",
                        r->path.at, group);
    memcpy(p->method, group + 1, method);
    memcpy(p->group, slash + 1, strlen(slash + 1) + 1);
    mdp_draw_group_parse(p->group, &p->shots, &p->seed);
    st = check_shapes(r, group, p, err);
    if (st == MDP_OK && mdp_h5_attr_has(r->file, group, "C"))
        st = mdp_h5_attr_read(r->file, group, "C", MDP_H5_F64, 1, &p->c, err);
    return st;
}

static mdp_status visit_group(struct mdp_predictions_reader *r, const char *group, size_t depth,
                              struct mdp_error *err)
{
    char **names = NULL;
    size_t n = 0, wanted = 0;
    struct mdp_text member = {0};
    struct mdp_h5_shape shape;

    if (depth > MAX_DEPTH || ++r->visited > MAX_GROUPS)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: too many groups, or groups too deep", r->path.at);
    mdp_status st = mdp_h5_members(r->file, *group ? group : "/", &names, &n, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        wanted += strcmp(names[i], "rows") == 0 || strcmp(names[i], "scores") == 0;
        mdp_text_clear(&member);
        mdp_text_add(&member, "%s/%s", group, names[i]);
        st = mdp_text_status(&member, err);
        if (st == MDP_OK && mdp_h5_has(r->file, member.at) &&
            mdp_h5_shape_of(r->file, member.at, &shape, NULL) != MDP_OK)
            st = visit_group(r, member.at, depth + 1, err);
    }
    if (st == MDP_OK && wanted == 2)
        st = note_prediction(r, group, err);
    mdp_text_release(&member);
    mdp_h5_strings_free(names, n);
    return st;
}

mdp_status mdp_predictions_reader_open(const char *path, size_t n_rows, struct mdp_predictions_reader **out,
                                       struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_predictions_reader *r = mdp_new_array(1, sizeof *r, err, &st);

    *out = NULL;
    if (!r)
        return st;
    r->n_rows = n_rows;
    mdp_text_add(&r->path, "%s", path);
    st = mdp_text_status(&r->path, err);
    if (st == MDP_OK)
        st = mdp_h5_open(path, &r->file, err);
    if (st == MDP_OK)
        st = visit_group(r, "", 0, err);
    if (st == MDP_OK && r->n == 0)
        st = mdp_fail(err, MDP_ERR_MISSING, "%s: no group with rows and scores", path);
    if (st != MDP_OK) {
        mdp_predictions_reader_close(r);
        return st;
    }
    qsort(r->at, r->n, sizeof *r->at, by_method_then_group);
    *out = r;
    return MDP_OK;
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
                            p->method, p->group, p->rows[i], r->n_rows);
        for (size_t k = 0; k < p->k; k++)
            if (!isfinite(p->scores[i * p->k + k]))
                return mdp_fail(err, MDP_ERR_VALUE, "%s: %s/%s: a score of row %" PRId64 " is not finite",
                                r->path.at, p->method, p->group, p->rows[i]);
    }
    return MDP_OK;
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
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: %s/%s: too many scores", r->path.at, p->method, p->group);
    p->rows = mdp_new_array(p->n, sizeof *p->rows, err, &st);
    p->scores = mdp_new_array(count, sizeof *p->scores, err, &st);
    snprintf(name, sizeof name, "/%s/%s/rows", p->method, p->group);
    if (st == MDP_OK && p->n)
        st = mdp_h5_read_rows(r->file, name, MDP_H5_I64, 0, p->n, p->rows, err);
    snprintf(name, sizeof name, "/%s/%s/scores", p->method, p->group);
    if (st == MDP_OK && p->n)
        st = mdp_h5_read_rows(r->file, name, MDP_H5_F64, 0, p->n, p->scores, err);
    if (st == MDP_OK)
        st = check_values(r, p, err);
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
    free(reader->at);
    free(reader);
}
