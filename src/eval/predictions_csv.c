/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/predictions_csv.h"

#include "base/file.h"
#include "base/formats/csv.h"
#include "base/memory.h"
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

#define SCORE_PREFIX "score_"

static int by_name_alone(const void *a, const void *b)
{
    return strcmp(((const struct mdp_placed_name *)a)->name, ((const struct mdp_placed_name *)b)->name);
}

/* --- reading --- */

/* Where things stand in the file. */
struct columns {
    size_t id, label, patient;
    bool has_patient;
    size_t *scores; /* [K] */
};

static mdp_status find_columns(const struct mdp_csv *csv, struct mdp_prediction_table *t, struct columns *c,
                               struct mdp_error *err)
{
    const size_t n = mdp_csv_column_count(csv), prefix = strlen(SCORE_PREFIX);
    mdp_status st = mdp_csv_get(csv, "id", &c->id, err);
    const char **names = NULL;

    if (st == MDP_OK)
        st = mdp_csv_get(csv, "label", &c->label, err);
    if (st != MDP_OK)
        return st;
    c->has_patient = mdp_csv_find(csv, "patient_id", &c->patient);
    names = mdp_pool_array(t->pool, n, sizeof *names, err, &st);
    if (st == MDP_OK)
        c->scores = mdp_pool_array(t->pool, n, sizeof *c->scores, err, &st);
    for (size_t i = 0; st == MDP_OK && i < n; i++) {
        const char *header = mdp_csv_header(csv, i);
        if (strncmp(header, SCORE_PREFIX, prefix) != 0)
            continue;
        if (!header[prefix])
            return mdp_fail(err, MDP_ERR_FORMAT, "%s: column '%s' names no class (expected score_<class>)",
                            t->path, header);
        names[t->k] = mdp_pool_string(t->pool, header + prefix, err, &st);
        c->scores[t->k++] = i;
    }
    t->class_names = names;
    if (st == MDP_OK && t->k < 2)
        st = mdp_fail(err, MDP_ERR_FORMAT,
                      "%s: has %zu score columns, expected score_<class> for each of two or more classes",
                      t->path, t->k);
    return st;
}

static mdp_status find_label(const struct mdp_csv *csv, const struct mdp_prediction_table *t,
                             const struct columns *c, size_t row, int32_t *label, struct mdp_error *err)
{
    const char *text = mdp_csv_field(csv, row, c->label);
    const size_t k = mdp_name_index(text, t->class_names, t->k);

    *label = (int32_t)k;
    if (k < t->k)
        return MDP_OK;
    if (!*text)
        return mdp_csv_fail(csv, row, c->label, err, "no label");
    return mdp_csv_fail(csv, row, c->label, err, "no column " SCORE_PREFIX "%s for label '%s' (%s)", text,
                        text, mdp_name_hint(text, t->class_names, t->k).text);
}

static mdp_status read_row(const struct mdp_csv *csv, struct mdp_prediction_table *t, const struct columns *c,
                           size_t row, struct mdp_error *err)
{
    mdp_status st = find_label(csv, t, c, row, &t->labels[row], err);

    for (size_t k = 0; st == MDP_OK && k < t->k; k++) {
        const char *text = mdp_csv_field(csv, row, c->scores[k]);
        if (!*text)
            st = mdp_csv_fail(csv, row, c->scores[k], err, "no score");
        else if (!mdp_csv_number(text, &t->scores[row * t->k + k]))
            st =
                mdp_csv_fail(csv, row, c->scores[k], err, "'%s' is no number (expected one like 0.25)", text);
    }
    t->numbers[row] = (int64_t)row;
    return st;
}

/* Strings of a column, in the pool. */
static const char *const *read_texts(const struct mdp_csv *csv, struct mdp_pool *pool, size_t column,
                                     struct mdp_error *err, mdp_status *st)
{
    const size_t n = mdp_csv_row_count(csv);
    const char **texts = mdp_pool_array(pool, n, sizeof *texts, err, st);

    for (size_t i = 0; *st == MDP_OK && i < n; i++)
        texts[i] = mdp_pool_string(pool, mdp_csv_field(csv, i, column), err, st);
    return texts;
}

static mdp_status check_ids(const struct mdp_csv *csv, const struct mdp_prediction_table *t, size_t column,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_placed_name *sorted = mdp_names_sort(t->ids, t->n, err, &st);

    if (!sorted)
        return st;
    for (size_t i = 0; st == MDP_OK && i < t->n; i++) {
        if (!*sorted[i].name)
            st = mdp_csv_fail(csv, sorted[i].at, column, err, "no id");
        else if (i && strcmp(sorted[i].name, sorted[i - 1].name) == 0)
            st = mdp_csv_fail(csv, sorted[i].at, column, err, "id '%s' was in line %zu already",
                              sorted[i].name, mdp_csv_line(csv, sorted[i - 1].at));
    }
    free(sorted);
    return st;
}

static mdp_status make_arrays(struct mdp_prediction_table *t, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    t->labels = mdp_pool_array(t->pool, t->n, sizeof *t->labels, err, &st);
    if (st == MDP_OK)
        t->scores = mdp_pool_array(t->pool, t->n, t->k * sizeof *t->scores, err, &st);
    if (st == MDP_OK)
        t->numbers = mdp_pool_array(t->pool, t->n, sizeof *t->numbers, err, &st);
    return st;
}

mdp_status mdp_prediction_table_number_patients(struct mdp_prediction_table *t, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    t->patients = mdp_pool_array(t->pool, t->n, sizeof *t->patients, err, &st);
    if (st == MDP_OK && t->patient_ids)
        return mdp_number_names(t->patient_ids, t->n, t->patients, &t->n_patients, err);
    for (size_t i = 0; st == MDP_OK && i < t->n; i++)
        t->patients[i] = (uint32_t)i;
    t->n_patients = t->n;
    return st;
}

static mdp_status read_table(const struct mdp_csv *csv, struct mdp_prediction_table *t, struct mdp_error *err)
{
    struct columns c = {0};
    mdp_status st = find_columns(csv, t, &c, err);

    if (st != MDP_OK)
        return st;
    t->n = mdp_csv_row_count(csv);
    if (t->n == 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: no rows", t->path);
    st = make_arrays(t, err);
    if (st == MDP_OK)
        t->ids = read_texts(csv, t->pool, c.id, err, &st);
    if (st == MDP_OK && c.has_patient)
        t->patient_ids = read_texts(csv, t->pool, c.patient, err, &st);
    for (size_t i = 0; st == MDP_OK && i < t->n; i++)
        st = read_row(csv, t, &c, i, err);
    if (st == MDP_OK)
        st = check_ids(csv, t, c.id, err);
    return st == MDP_OK ? mdp_prediction_table_number_patients(t, err) : st;
}

mdp_status mdp_prediction_table_read(const char *path, struct mdp_prediction_table *t, struct mdp_error *err)
{
    struct mdp_csv *csv = NULL;
    mdp_status st = MDP_OK;

    *t = (struct mdp_prediction_table){0};
    st = mdp_csv_read(path, &csv, err);
    if (st == MDP_OK)
        t->pool = mdp_pool_new(err, &st);
    if (st == MDP_OK)
        t->path = mdp_pool_string(t->pool, path, err, &st);
    if (st == MDP_OK)
        st = read_table(csv, t, err);
    mdp_csv_free(csv);
    if (st != MDP_OK)
        mdp_prediction_table_release(t);
    return st;
}

void mdp_prediction_table_release(struct mdp_prediction_table *t)
{
    mdp_pool_free(t->pool);
    *t = (struct mdp_prediction_table){0};
}

struct mdp_rows mdp_prediction_table_rows(const struct mdp_prediction_table *t)
{
    return (struct mdp_rows){.n = t->n,
                             .k = t->k,
                             .n_patients = t->n_patients,
                             .scores = t->scores,
                             .labels = t->labels,
                             .patients = t->patients,
                             .numbers = t->numbers};
}

/* --- two tables of the same rows --- */

/* class_of[k]: the class of `other` that class k of `table` is. */
static mdp_status match_classes(const struct mdp_prediction_table *t,
                                const struct mdp_prediction_table *other, size_t class_of[],
                                struct mdp_error *err)
{
    for (size_t k = 0; k < t->k; k++) {
        const size_t o = mdp_name_index(t->class_names[k], other->class_names, other->k);
        if (o == other->k)
            return mdp_fail(err, MDP_ERR_VALUE, "%s: no column " SCORE_PREFIX "%s, which %s has", other->path,
                            t->class_names[k], t->path);
        class_of[k] = o;
    }
    if (other->k != t->k)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: %zu classes, expected the %zu of %s", other->path, other->k,
                        t->k, t->path);
    return MDP_OK;
}

/* row_of[i]: the row of `other` with the id of row i of `table`. */
static mdp_status match_rows(const struct mdp_prediction_table *t, const struct mdp_prediction_table *other,
                             size_t row_of[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_placed_name *sorted = mdp_names_sort(other->ids, other->n, err, &st);
    struct mdp_placed_name *own = NULL;

    if (st == MDP_OK)
        own = mdp_names_sort(t->ids, t->n, err, &st);
    for (size_t i = 0; st == MDP_OK && i < t->n; i++) {
        const struct mdp_placed_name key = {t->ids[i], 0};
        const struct mdp_placed_name *found = bsearch(&key, sorted, other->n, sizeof *sorted, by_name_alone);
        if (found)
            row_of[i] = found->at;
        else
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: no row with id '%s', which %s has", other->path, t->ids[i],
                          t->path);
    }
    for (size_t i = 0; st == MDP_OK && i < other->n; i++) {
        const struct mdp_placed_name key = {other->ids[i], 0};
        if (!bsearch(&key, own, t->n, sizeof *own, by_name_alone))
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: no row with id '%s', which %s has", t->path, other->ids[i],
                          other->path);
    }
    free(own);
    free(sorted);
    return st;
}

static mdp_status same_row(const struct mdp_prediction_table *t, size_t i,
                           const struct mdp_prediction_table *other, size_t o, const size_t class_of[],
                           struct mdp_error *err)
{
    const char *label = t->class_names[t->labels[i]], *other_label = other->class_names[other->labels[o]];

    if ((size_t)other->labels[o] != class_of[t->labels[i]])
        return mdp_fail(err, MDP_ERR_VALUE, "%s: id '%s' has label '%s', in %s '%s'", other->path, t->ids[i],
                        other_label, t->path, label);
    if (t->patient_ids && other->patient_ids && strcmp(t->patient_ids[i], other->patient_ids[o]) != 0)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: id '%s' is of patient '%s', in %s of '%s'", other->path,
                        t->ids[i], other->patient_ids[o], t->path, t->patient_ids[i]);
    return MDP_OK;
}

mdp_status mdp_prediction_table_align(const struct mdp_prediction_table *t,
                                      struct mdp_prediction_table *other, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *scores = NULL;
    size_t *row_of = NULL, *class_of = mdp_new_array(t->k, sizeof *class_of, err, &st);

    if (st == MDP_OK)
        row_of = mdp_new_array(t->n, sizeof *row_of, err, &st);
    if (st == MDP_OK)
        st = match_classes(t, other, class_of, err);
    if (st == MDP_OK)
        st = match_rows(t, other, row_of, err);
    for (size_t i = 0; st == MDP_OK && i < t->n; i++)
        st = same_row(t, i, other, row_of[i], class_of, err);
    if (st == MDP_OK)
        scores = mdp_pool_array(other->pool, t->n, t->k * sizeof *scores, err, &st);
    for (size_t i = 0; st == MDP_OK && i < t->n; i++)
        for (size_t k = 0; k < t->k; k++)
            scores[i * t->k + k] = other->scores[row_of[i] * t->k + class_of[k]];
    if (st == MDP_OK) {
        other->class_names = t->class_names;
        other->ids = t->ids;
        other->patient_ids = t->patient_ids;
        other->n_patients = t->n_patients;
        other->scores = scores;
        memcpy(other->labels, t->labels, t->n * sizeof *t->labels);
        memcpy(other->patients, t->patients, t->n * sizeof *t->patients);
    }
    free(class_of);
    free(row_of);
    return st;
}

/* --- writing --- */

mdp_status mdp_prediction_table_write(const char *path, const struct mdp_prediction_table *t,
                                      struct mdp_error *err)
{
    struct mdp_text out = {0}, header = {0};

    mdp_text_add(&out, t->patient_ids ? "id,label,patient_id" : "id,label");
    for (size_t k = 0; k < t->k; k++) {
        mdp_text_clear(&header);
        mdp_text_add(&header, SCORE_PREFIX "%s", t->class_names[k]);
        mdp_text_add(&out, ",");
        mdp_text_add_csv(&out, header.at ? header.at : "");
    }
    for (size_t i = 0; i < t->n; i++) {
        mdp_text_add(&out, "\n");
        mdp_text_add_csv(&out, t->ids[i]);
        mdp_text_add(&out, ",");
        mdp_text_add_csv(&out, t->labels[i] < 0 ? "" : t->class_names[t->labels[i]]);
        if (t->patient_ids)
            mdp_text_add(&out, ",");
        if (t->patient_ids)
            mdp_text_add_csv(&out, t->patient_ids[i]);
        for (size_t k = 0; k < t->k; k++)
            mdp_text_add(&out, ",%.17g", t->scores[i * t->k + k]);
    }
    mdp_text_add(&out, "\n");
    mdp_status st = mdp_text_status(&header, err);
    if (st == MDP_OK)
        st = mdp_text_status(&out, err);
    if (st == MDP_OK)
        st = mdp_file_write(path, out.at, out.n, err);
    mdp_text_release(&header);
    mdp_text_release(&out);
    return st;
}
