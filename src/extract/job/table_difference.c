/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/table_difference.h"

#include "base/exchange/store_names.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- which rows --- */

/* A dataset of one dimension: its length. */
static mdp_status list_length(const struct mdp_h5 *store, const char *name, size_t *n, struct mdp_error *err)
{
    struct mdp_h5_shape shape;

    TRY(mdp_h5_shape_of(store, name, &shape, err));
    if (shape.rank != 1)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s has %zu dimensions, expected one", name, shape.rank);
    *n = shape.dims[0];
    return MDP_OK;
}

static mdp_status read_failed(struct mdp_store_rows *r, const struct mdp_h5 *store, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (!mdp_h5_has(store, MDP_STORE_FAILURES_ROW))
        return MDP_OK;
    TRY(list_length(store, MDP_STORE_FAILURES_ROW, &r->n_failed, err));
    r->failed = mdp_new_array(r->n_failed, sizeof *r->failed, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(store, MDP_STORE_FAILURES_ROW, MDP_H5_I64, 0, r->n_failed, r->failed, err);
    for (size_t f = 0; f < r->n_failed && st == MDP_OK; f++)
        if (r->failed[f] < (f ? r->failed[f - 1] + 1 : 0) || r->failed[f] >= (int64_t)(r->n + r->n_failed))
            st = mdp_fail(err, MDP_ERR_FORMAT, "/failures/row: not rows of a table, ascending");
    return st;
}

mdp_status mdp_store_rows_init(struct mdp_store_rows *r, const struct mdp_h5 *store, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *r = (struct mdp_store_rows){0};
    TRY(list_length(store, MDP_STORE_IDS, &r->n, err));
    TRY(read_failed(r, store, err));
    r->at = mdp_new_array(r->n, sizeof *r->at, err, &st);
    for (size_t i = 0, row = 0, f = 0; i < r->n && st == MDP_OK; i++, row++) {
        for (; f < r->n_failed && r->failed[f] == (int64_t)row; f++)
            row++;
        r->at[i] = row;
    }
    return st;
}

void mdp_store_rows_release(struct mdp_store_rows *r)
{
    free(r->at);
    free(r->failed);
    *r = (struct mdp_store_rows){0};
}

/* --- how it is said --- */

struct comparison {
    const struct mdp_h5 *store;
    const struct mdp_store_rows *rows;
    const struct mdp_manifest *now;
    const char **paths;   /* [n + n_failed]: of the table that the store was made of */
    struct mdp_text *out; /* empty as long as nothing differs */
};

static void say_value(const struct comparison *c, size_t row, const char *column, const char *made,
                      const char *now)
{
    mdp_text_add(c->out, "with another table: line %zu of %s: %s was '%.100s', is '%.100s'",
                 mdp_manifest_line(c->now, row), c->now->file, column, made, now);
}

static const char *or_empty(const char *const strings[], size_t row)
{
    return strings ? strings[row] : "";
}

static void compare_strings(const struct comparison *c, const char *column, const char *const made[],
                            const char *const now[])
{
    for (size_t i = 0; i < c->rows->n && !c->out->n; i++) {
        size_t row = c->rows->at[i];
        if (strcmp(made[i], or_empty(now, row)) != 0)
            say_value(c, row, column, made[i], or_empty(now, row));
    }
}

/* Of a dataset of strings; the manifest may lack the column (NULL). */
static mdp_status compare_dataset(const struct comparison *c, const char *name, const char *column,
                                  const char *const now[], struct mdp_error *err)
{
    char **made = NULL;
    size_t n = 0;
    mdp_status st = mdp_h5_read_strings(c->store, name, &made, &n, err);

    if (st == MDP_OK && n != c->rows->n)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %zu rows, expected %zu", name, n, c->rows->n);
    if (st == MDP_OK)
        compare_strings(c, column, (const char *const *)made, now);
    mdp_h5_strings_free(made, n);
    return st;
}

/* --- paths: the only column that is known of failures, too --- */

static size_t first_other_path(const struct comparison *c)
{
    size_t made = c->rows->n + c->rows->n_failed, row = 0;

    while (row < made && row < c->now->n && strcmp(c->paths[row], c->now->paths[row]) == 0)
        row++;
    return row;
}

static mdp_status compare_count(const struct comparison *c, struct mdp_error *err)
{
    size_t made = c->rows->n + c->rows->n_failed, row = first_other_path(c);

    (void)err;
    if (made == c->now->n)
        return MDP_OK;
    mdp_text_add(c->out, "with %zu rows, this command has %zu (--manifest, --limit)", made, c->now->n);
    if (row < made && row < c->now->n)
        mdp_text_add(c->out, ": they part at line %zu of %s", mdp_manifest_line(c->now, row), c->now->file);
    return MDP_OK;
}

/* The same paths at other places. */
static mdp_status compare_order(const struct comparison *c, struct mdp_error *err)
{
    size_t n = c->now->n, row = first_other_path(c), same = 0;
    mdp_status st = MDP_OK;

    if (row == n)
        return MDP_OK;
    struct mdp_placed_name *made = mdp_names_sort(c->paths, n, err, &st);
    struct mdp_placed_name *now = st == MDP_OK ? mdp_names_sort(c->now->paths, n, err, &st) : NULL;
    while (st == MDP_OK && same < n && strcmp(made[same].name, now[same].name) == 0)
        same++;
    if (st == MDP_OK && same == n)
        mdp_text_add(c->out, "with another table: the rows stand in another order from line %zu of %s on",
                     mdp_manifest_line(c->now, row), c->now->file);
    free(made);
    free(now);
    return st;
}

static mdp_status compare_paths(const struct comparison *c, struct mdp_error *err)
{
    size_t row = first_other_path(c);

    (void)err;
    if (row < c->now->n)
        say_value(c, row, "path", c->paths[row], c->now->paths[row]);
    return MDP_OK;
}

/* --- the other columns --- */

static mdp_status compare_ids(const struct comparison *c, struct mdp_error *err)
{
    return compare_dataset(c, MDP_STORE_IDS, "id", c->now->ids, err);
}

static mdp_status compare_patients(const struct comparison *c, struct mdp_error *err)
{
    return compare_dataset(c, MDP_STORE_PATIENT_IDS, "patient_id", c->now->patient_ids, err);
}

static mdp_status compare_splits(const struct comparison *c, struct mdp_error *err)
{
    return compare_dataset(c, MDP_STORE_SPLITS, "split", c->now->splits, err);
}

static const char *class_name(const char *const *names, size_t n, int64_t label)
{
    return label >= 0 && (uint64_t)label < n ? names[label] : "";
}

static void compare_class_names(const struct comparison *c, const char *const made[], size_t n)
{
    const struct mdp_manifest *now = c->now;
    size_t k = 0;

    if (n != now->n_classes) {
        mdp_text_add(c->out, "with %zu classes, this command has %zu (column 'label', --classes)", n,
                     now->n_classes);
        return;
    }
    while (k < n && strcmp(made[k], now->class_names[k]) == 0)
        k++;
    if (k < n && mdp_name_index(made[k], now->class_names, n) < n)
        mdp_text_add(c->out, "with classes in another order (--classes, --positive)");
    else if (k < n)
        mdp_text_add(c->out, "with other classes (column 'label', --classes)");
    if (k < n)
        mdp_text_add(c->out, ": number %zu was '%.100s', is '%.100s'", k + 1, made[k], now->class_names[k]);
}

/* Labels by the names of their classes, then the classes. */
static mdp_status compare_labels(const struct comparison *c, struct mdp_error *err)
{
    const struct mdp_manifest *now = c->now;
    char **names = NULL;
    size_t n_names = 0, n = c->rows->n;
    mdp_status st = MDP_OK;
    int64_t *labels = mdp_new_array(n, sizeof *labels, err, &st);

    if (st == MDP_OK)
        st = mdp_h5_attr_read_strings(c->store, MDP_STORE_LABELS, MDP_STORE_ATTR_CLASS_NAMES, &names,
                                      &n_names, err);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(c->store, MDP_STORE_LABELS, MDP_H5_I64, 0, n, labels, err);
    for (size_t i = 0; i < n && st == MDP_OK && !c->out->n; i++) {
        size_t row = c->rows->at[i];
        const char *made = class_name((const char *const *)names, n_names, labels[i]);
        const char *is = class_name(now->class_names, now->n_classes, now->labels ? now->labels[row] : -1);
        if (strcmp(made, is) != 0)
            say_value(c, row, "label", made, is);
    }
    if (st == MDP_OK && !c->out->n)
        compare_class_names(c, (const char *const *)names, n_names);
    mdp_h5_strings_free(names, n_names);
    free(labels);
    return st;
}

/* --- targets --- */

static void add_list(struct mdp_text *out, const char *const names[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        mdp_text_add(out, "%s%.100s", i ? "," : "", names[i]);
}

static void compare_target_names(const struct comparison *c, const char *const made[], size_t n)
{
    const struct mdp_manifest *now = c->now;
    size_t t = 0;

    while (t < n && t < now->n_targets && strcmp(made[t], now->target_names[t]) == 0)
        t++;
    if (t == n && t == now->n_targets)
        return;
    mdp_text_add(c->out, n ? "with --labels " : "without --labels");
    add_list(c->out, made, n);
    mdp_text_add(c->out, now->n_targets ? ", this command has %s" : ", this command has none",
                 n ? "" : "--labels ");
    add_list(c->out, now->target_names, now->n_targets);
}

static void target_word(int8_t value, char word[8])
{
    if (value == MDP_TARGET_BLANK)
        *word = '\0';
    else
        snprintf(word, 8, "%d", value);
}

static mdp_status compare_target_values(const struct comparison *c, struct mdp_error *err)
{
    size_t n = c->rows->n, columns = c->now->n_targets;
    mdp_status st = MDP_OK;
    int8_t *made = mdp_new_array(n * columns, sizeof *made, err, &st);

    if (st == MDP_OK)
        st = mdp_h5_read_rows(c->store, MDP_STORE_TARGETS, MDP_H5_I8, 0, n, made, err);
    for (size_t i = 0; i < n * columns && st == MDP_OK && !c->out->n; i++) {
        size_t row = c->rows->at[i / columns];
        char was[8], is[8];
        target_word(made[i], was);
        target_word(c->now->targets[row * columns + i % columns], is);
        if (strcmp(was, is) != 0)
            say_value(c, row, c->now->target_names[i % columns], was, is);
    }
    free(made);
    return st;
}

static mdp_status compare_targets(const struct comparison *c, struct mdp_error *err)
{
    char **names = NULL;
    size_t n = 0;
    mdp_status st = MDP_OK;

    if (mdp_h5_has(c->store, MDP_STORE_TARGETS))
        st = mdp_h5_attr_read_strings(c->store, MDP_STORE_TARGETS, MDP_STORE_ATTR_TARGET_NAMES, &names, &n,
                                      err);
    if (st == MDP_OK)
        compare_target_names(c, (const char *const *)names, n);
    if (st == MDP_OK && !c->out->n && n)
        st = compare_target_values(c, err);
    mdp_h5_strings_free(names, n);
    return st;
}

/* --- columns that are carried along --- */

static bool has_attribute(const struct mdp_manifest *m, const char *name)
{
    for (size_t a = 0; a < m->n_attributes; a++)
        if (strcmp(m->attributes[a].name, name) == 0)
            return true;
    return false;
}

static mdp_status compare_columns(const struct comparison *c, struct mdp_error *err)
{
    const struct mdp_manifest *now = c->now;
    char **made = NULL;
    size_t n = 0;

    if (mdp_h5_has(c->store, MDP_STORE_ATTRIBUTES))
        TRY(mdp_h5_members(c->store, MDP_STORE_ATTRIBUTES, &made, &n, err));
    for (size_t i = 0; i < n && !c->out->n; i++)
        if (!has_attribute(now, made[i]))
            mdp_text_add(c->out, "with a column '%.100s', which %s lacks", made[i], now->file);
    for (size_t a = 0; a < now->n_attributes && !c->out->n; a++)
        if (mdp_name_index(now->attributes[a].name, (const char *const *)made, n) == n)
            mdp_text_add(c->out, "without a column '%.100s', which %s has", now->attributes[a].name,
                         now->file);
    mdp_h5_strings_free(made, n);
    return MDP_OK;
}

/* As few digits as show that two numbers differ; blank is NaN. */
static void number_word(double x, int digits, char word[32])
{
    if (isnan(x))
        *word = '\0';
    else
        snprintf(word, 32, "%.*g", digits, x);
}

static mdp_status compare_numbers(const struct comparison *c, const char *dataset,
                                  const struct mdp_attribute *a, struct mdp_error *err)
{
    size_t n = c->rows->n;
    mdp_status st = MDP_OK;
    double *made = mdp_new_array(n, sizeof *made, err, &st);

    if (st == MDP_OK)
        st = mdp_h5_read_rows(c->store, dataset, MDP_H5_F64, 0, n, made, err);
    for (size_t i = 0; i < n && st == MDP_OK && !c->out->n; i++) {
        double is = a->numbers[c->rows->at[i]];
        if (made[i] == is || (isnan(made[i]) && isnan(is)))
            continue;
        char was_word[32], is_word[32];
        number_word(made[i], 15, was_word);
        number_word(is, 15, is_word);
        if (strcmp(was_word, is_word) == 0) {
            number_word(made[i], 17, was_word);
            number_word(is, 17, is_word);
        }
        say_value(c, c->rows->at[i], a->name, was_word, is_word);
    }
    free(made);
    return st;
}

static mdp_status compare_attribute(const struct comparison *c, const struct mdp_attribute *a,
                                    struct mdp_error *err)
{
    struct mdp_text dataset = {0};
    struct mdp_h5_shape shape;
    mdp_status st = MDP_OK;

    mdp_text_add(&dataset, MDP_STORE_ATTRIBUTES "/%s", a->name);
    OR_OUT(mdp_text_status(&dataset, err));
    OR_OUT(mdp_h5_shape_of(c->store, dataset.at, &shape, err));
    if ((shape.type == MDP_H5_STRING) != (a->numbers == NULL))
        mdp_text_add(c->out, "with another table: column '%.100s' of %s held %s, holds %s", a->name,
                     c->now->file, a->numbers ? "text" : "numbers", a->numbers ? "numbers" : "text");
    else if (a->numbers)
        st = compare_numbers(c, dataset.at, a, err);
    else
        st = compare_dataset(c, dataset.at, a->name, a->strings, err);
out:
    mdp_text_release(&dataset);
    return st;
}

static mdp_status compare_attributes(const struct comparison *c, struct mdp_error *err)
{
    for (size_t a = 0; a < c->now->n_attributes && !c->out->n; a++)
        TRY(compare_attribute(c, &c->now->attributes[a], err));
    return MDP_OK;
}

/* What a store does not tell: where columns stood, which were there but empty, and of failures all but the path. */
static mdp_status say_rest(const struct comparison *c, struct mdp_error *err)
{
    (void)err;
    mdp_text_add(c->out, "with another table: it differs in the order of its columns, in empty columns%s",
                 c->rows->n_failed ? " or in what it says of the pictures that could not be used" : "");
    return MDP_OK;
}

/* --- the whole --- */

/* Everything that a manifest's digest is made of; each says what differs, or nothing. */
static mdp_status (*const comparisons[])(const struct comparison *c, struct mdp_error *err) = {
    compare_count,  compare_order,   compare_paths,   compare_ids,        compare_patients, compare_splits,
    compare_labels, compare_targets, compare_columns, compare_attributes, say_rest,
};

/* paths[n + n_failed] from the two columns that hold them. */
static mdp_status merge_paths(struct comparison *c, char *const used[], char *const failed[],
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    c->paths = mdp_new_array(c->rows->n + c->rows->n_failed, sizeof *c->paths, err, &st);
    for (size_t i = 0; i < c->rows->n && st == MDP_OK; i++)
        c->paths[c->rows->at[i]] = used[i];
    for (size_t f = 0; f < c->rows->n_failed && st == MDP_OK; f++)
        c->paths[c->rows->failed[f]] = failed[f];
    return st;
}

mdp_status mdp_table_difference(const struct mdp_h5 *store, const struct mdp_store_rows *rows,
                                const struct mdp_manifest *now, struct mdp_text *out, struct mdp_error *err)
{
    struct comparison c = {.store = store, .rows = rows, .now = now, .out = out};
    char **used = NULL, **failed = NULL;
    size_t n_used = 0, n_failed = 0;
    mdp_status st = MDP_OK;

    OR_OUT(mdp_h5_read_strings(store, MDP_STORE_PATHS, &used, &n_used, err));
    if (rows->n_failed)
        OR_OUT(mdp_h5_read_strings(store, MDP_STORE_FAILURES_PATH, &failed, &n_failed, err));
    if (n_used != rows->n || n_failed != rows->n_failed)
        OR_OUT(mdp_fail(err, MDP_ERR_FORMAT, "/paths, /ids and /failures have not as many rows"));
    OR_OUT(merge_paths(&c, used, failed, err));
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons && !out->n; i++)
        OR_OUT(comparisons[i](&c, err));
    st = mdp_text_status(out, err);
out:
    free(c.paths);
    mdp_h5_strings_free(used, n_used);
    mdp_h5_strings_free(failed, n_failed);
    return st;
}
