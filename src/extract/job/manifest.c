/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/manifest.h"

#include "base/file.h"
#include "base/formats/csv.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns that medprobe uses itself. */
struct columns {
    size_t path, id, patient, split, label;
    bool has_id, has_patient, has_split, has_label;
    size_t *targets; /* [T] */
};

/* What the manifest's strings point into. */
struct owned {
    struct mdp_csv *csv;
    char *file;
    char **names; /* of attributes, classes, targets: copies */
    size_t n_names, names_capacity;
};

static mdp_status keep_name(struct mdp_manifest *m, const char *name, const char **kept,
                            struct mdp_error *err)
{
    struct owned *owned = m->owned;
    mdp_status st =
        mdp_grow(&owned->names, &owned->names_capacity, owned->n_names + 1, sizeof *owned->names, err);

    if (st != MDP_OK)
        return st;
    char *copy = mdp_copy_string(name, err, &st);
    if (copy)
        owned->names[owned->n_names++] = copy;
    *kept = copy;
    return st;
}

/* --- columns --- */

static mdp_status find_targets(const struct mdp_csv *csv, const struct mdp_list *labels,
                               struct columns *columns, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    columns->targets = mdp_new_array(labels->n, sizeof *columns->targets, err, &st);
    for (size_t t = 0; t < labels->n && st == MDP_OK; t++) {
        st = mdp_csv_get(csv, labels->at[t], &columns->targets[t], err);
        for (size_t u = 0; u < t && st == MDP_OK; u++)
            if (columns->targets[u] == columns->targets[t])
                st = mdp_fail(err, MDP_ERR_USAGE, "--labels: '%s' is named twice", labels->at[t]);
    }
    return st;
}

static mdp_status find_columns(const struct mdp_csv *csv, const struct mdp_list *labels,
                               struct columns *columns, struct mdp_error *err)
{
    *columns = (struct columns){0};
    mdp_status st = mdp_csv_get(csv, "path", &columns->path, err);
    columns->has_id = mdp_csv_find(csv, "id", &columns->id);
    columns->has_patient = mdp_csv_find(csv, "patient_id", &columns->patient);
    columns->has_split = mdp_csv_find(csv, "split", &columns->split);
    columns->has_label = mdp_csv_find(csv, "label", &columns->label);
    return st == MDP_OK ? find_targets(csv, labels, columns, err) : st;
}

/* Fields of a column, [N]. */
static mdp_status take_strings(const struct mdp_csv *csv, size_t column, size_t n, const char ***out,
                               struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *out = mdp_new_array(n, sizeof **out, err, &st);
    for (size_t row = 0; *out && row < n; row++)
        (*out)[row] = mdp_csv_field(csv, row, column);
    return st;
}

/* --- paths and ids --- */

struct named_row {
    const char *id;
    size_t row;
};

static int by_id_then_row(const void *a, const void *b)
{
    const struct named_row *x = a, *y = b;
    int order = strcmp(x->id, y->id);

    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Every id once; of several repeats the one that stands first in the file is named. */
static mdp_status check_ids(const struct mdp_csv *csv, const struct columns *columns, struct mdp_error *err)
{
    size_t n = mdp_csv_row_count(csv), first = SIZE_MAX, before = 0;
    size_t column = columns->has_id ? columns->id : columns->path;
    mdp_status st = MDP_OK;
    struct named_row *rows = mdp_new_array(n, sizeof *rows, err, &st);

    if (!rows)
        return st;
    for (size_t row = 0; row < n; row++)
        rows[row] = (struct named_row){mdp_csv_field(csv, row, column), row};
    qsort(rows, n, sizeof *rows, by_id_then_row);
    for (size_t i = 1; i < n; i++)
        if (strcmp(rows[i - 1].id, rows[i].id) == 0 && rows[i].row < first) {
            first = rows[i].row;
            before = rows[i - 1].row;
        }
    if (first != SIZE_MAX)
        st =
            mdp_csv_fail(csv, first, column, err, "'%.200s' stands in line %zu already%s",
                         mdp_csv_field(csv, first, column), mdp_csv_line(csv, before),
                         columns->has_id ? "" : " (give the rows a column 'id' to use a file several times)");
    free(rows);
    return st;
}

static mdp_status check_rows(const struct mdp_csv *csv, const struct columns *columns, struct mdp_error *err)
{
    size_t n = mdp_csv_row_count(csv);

    for (size_t row = 0; row < n; row++) {
        if (!*mdp_csv_field(csv, row, columns->path))
            return mdp_csv_fail(csv, row, columns->path, err, "is empty, expected the path of a picture");
        if (columns->has_id && !*mdp_csv_field(csv, row, columns->id))
            return mdp_csv_fail(csv, row, columns->id, err, "is empty, expected an id");
    }
    return check_ids(csv, columns, err);
}

/* --- classes --- */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The labels of the whole file, each once, sorted by bytes (rows beyond --limit count, so that a trial run
   has the classes of the full one). */
static mdp_status collect_classes(struct mdp_manifest *m, const struct mdp_csv *csv, size_t column,
                                  struct mdp_error *err)
{
    size_t rows = mdp_csv_row_count(csv), n = 0;
    mdp_status st = take_strings(csv, column, rows, &m->class_names, err);

    if (st != MDP_OK)
        return st;
    qsort(m->class_names, rows, sizeof *m->class_names, by_bytes);
    for (size_t i = 0; i < rows; i++)
        if (*m->class_names[i] && (n == 0 || strcmp(m->class_names[n - 1], m->class_names[i]) != 0))
            m->class_names[n++] = m->class_names[i];
    m->n_classes = n;
    return MDP_OK;
}

static mdp_status given_classes(struct mdp_manifest *m, const struct mdp_list *classes, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    m->class_names = mdp_new_array(classes->n, sizeof *m->class_names, err, &st);
    for (size_t c = 0; c < classes->n && st == MDP_OK; c++) {
        for (size_t before = 0; before < c; before++)
            if (strcmp(classes->at[before], classes->at[c]) == 0)
                return mdp_fail(err, MDP_ERR_USAGE, "--classes: '%s' is named twice", classes->at[c]);
        st = keep_name(m, classes->at[c], &m->class_names[c], err);
    }
    m->n_classes = classes->n;
    return st;
}

static mdp_status set_positive(struct mdp_manifest *m, const char *positive, struct mdp_error *err)
{
    if (m->n_classes != 2)
        return mdp_fail(err, MDP_ERR_USAGE, "--positive %s: there are %zu classes, expected two", positive,
                        m->n_classes);
    const char *first = m->class_names[0], *second = m->class_names[1];
    if (strcmp(first, positive) == 0) {
        m->class_names[0] = second;
        m->class_names[1] = first;
    } else if (strcmp(second, positive) != 0) {
        return mdp_fail(err, MDP_ERR_USAGE, "--positive %s: no such class (classes: %s, %s)", positive, first,
                        second);
    }
    return MDP_OK;
}

/* A name and its place in the order of classes. */
struct ranked {
    const char *name;
    int32_t rank;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ranked *)a)->name, ((const struct ranked *)b)->name);
}

static mdp_status number_labels(struct mdp_manifest *m, const struct mdp_csv *csv, size_t column,
                                struct mdp_error *err)
{
    size_t rows = mdp_csv_row_count(csv);
    mdp_status st = MDP_OK;
    struct ranked *classes = mdp_new_array(m->n_classes, sizeof *classes, err, &st);

    m->labels = mdp_new_array(m->n, sizeof *m->labels, err, &st);
    if (st != MDP_OK) {
        free(classes);
        return st;
    }
    for (size_t c = 0; c < m->n_classes; c++)
        classes[c] = (struct ranked){m->class_names[c], (int32_t)c};
    qsort(classes, m->n_classes, sizeof *classes, by_name);
    for (size_t row = 0; row < rows && st == MDP_OK; row++) {
        const struct ranked wanted = {.name = mdp_csv_field(csv, row, column)};
        const struct ranked *found =
            *wanted.name ? bsearch(&wanted, classes, m->n_classes, sizeof *classes, by_name) : NULL;
        if (*wanted.name && !found)
            st = mdp_csv_fail(csv, row, column, err, "'%.200s' is not among the classes of --classes",
                              wanted.name);
        if (row < m->n)
            m->labels[row] = found ? found->rank : -1;
    }
    free(classes);
    return st;
}

static mdp_status read_labels(struct mdp_manifest *m, const struct mdp_csv *csv,
                              const struct columns *columns, const struct mdp_manifest_options *options,
                              struct mdp_error *err)
{
    mdp_status st;

    if (!columns->has_label) {
        if (options->classes.n || options->positive)
            return mdp_fail(err, MDP_ERR_USAGE, "--%s: %s has no column 'label'",
                            options->classes.n ? "classes" : "positive", m->file);
        return MDP_OK;
    }
    if (options->classes.n)
        st = given_classes(m, &options->classes, err);
    else
        st = collect_classes(m, csv, columns->label, err);
    if (st == MDP_OK && m->n_classes > INT32_MAX)
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: more classes than can be numbered", m->file);
    if (st == MDP_OK && options->positive)
        st = set_positive(m, options->positive, err);
    return st == MDP_OK ? number_labels(m, csv, columns->label, err) : st;
}

/* --- targets --- */

static mdp_status read_target(const struct mdp_csv *csv, size_t row, size_t column, int8_t *out,
                              struct mdp_error *err)
{
    const char *text = mdp_csv_field(csv, row, column);
    double value = 0;

    if (!*text) {
        *out = MDP_TARGET_BLANK;
        return MDP_OK;
    }
    if (!mdp_csv_number(text, &value) || (value != 1 && value != 0 && value != -1))
        return mdp_csv_fail(csv, row, column, err, "found '%.200s', expected 1, 0, -1 or blank", text);
    *out = (int8_t)value;
    return MDP_OK;
}

static mdp_status read_targets(struct mdp_manifest *m, const struct mdp_csv *csv,
                               const struct columns *columns, const struct mdp_list *labels,
                               struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t cells = 0;

    if (labels->n == 0)
        return MDP_OK;
    if (!mdp_mul_size(m->n, labels->n, &cells))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: more targets than can be read", m->file);
    m->n_targets = labels->n;
    m->targets = mdp_new_array(cells, sizeof *m->targets, err, &st);
    m->target_names = mdp_new_array(labels->n, sizeof *m->target_names, err, &st);
    for (size_t t = 0; t < labels->n && st == MDP_OK; t++)
        st = keep_name(m, labels->at[t], &m->target_names[t], err);
    for (size_t row = 0; row < m->n; row++)
        for (size_t t = 0; t < labels->n && st == MDP_OK; t++)
            st = read_target(csv, row, columns->targets[t], &m->targets[row * labels->n + t], err);
    return st;
}

/* --- attributes --- */

static bool is_used(const struct columns *columns, size_t n_targets, size_t column)
{
    if (column == columns->path || (columns->has_id && column == columns->id) ||
        (columns->has_patient && column == columns->patient) ||
        (columns->has_split && column == columns->split) || (columns->has_label && column == columns->label))
        return true;
    for (size_t t = 0; t < n_targets; t++)
        if (columns->targets[t] == column)
            return true;
    return false;
}

/* A column's name as the name of a dataset: HDF5 keeps '/' and a lone '.' for itself. */
static mdp_status name_attribute(struct mdp_manifest *m, const char *column, struct mdp_attribute *attribute,
                                 struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    char *name = mdp_copy_string(strcmp(column, ".") == 0 ? "_" : column, err, &st);

    for (char *c = name; c && *c; c++)
        if (*c == '/')
            *c = '_';
    if (name)
        st = keep_name(m, name, &attribute->name, err);
    free(name);
    for (size_t a = 0; a < m->n_attributes && st == MDP_OK; a++)
        if (strcmp(m->attributes[a].name, attribute->name) == 0)
            st =
                mdp_fail(err, MDP_ERR_FORMAT, "%s: line 1: column '%s' would be stored as '%s', which exists",
                         m->file, column, attribute->name);
    return st;
}

static mdp_status read_attribute(struct mdp_manifest *m, const struct mdp_csv *csv, size_t column,
                                 struct mdp_attribute *attribute, struct mdp_error *err)
{
    size_t rows = mdp_csv_row_count(csv), blank = 0;
    bool numeric = true;
    double value = 0;
    mdp_status st = name_attribute(m, mdp_csv_header(csv, column), attribute, err);

    for (size_t row = 0; row < rows && numeric; row++) {
        const char *text = mdp_csv_field(csv, row, column);
        blank += !*text;
        numeric = !*text || mdp_csv_number(text, &value);
    }
    if (st != MDP_OK || !numeric || blank == rows)
        return st == MDP_OK ? take_strings(csv, column, m->n, &attribute->strings, err) : st;
    attribute->numbers = mdp_new_array(m->n, sizeof *attribute->numbers, err, &st);
    for (size_t row = 0; attribute->numbers && row < m->n; row++) {
        const char *text = mdp_csv_field(csv, row, column);
        attribute->numbers[row] = NAN;
        if (*text)
            mdp_csv_number(text, &attribute->numbers[row]);
    }
    return st;
}

/* Columns without a name (the row numbers that some programs write) are left out. */
static mdp_status read_attributes(struct mdp_manifest *m, const struct mdp_csv *csv,
                                  const struct columns *columns, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    m->attributes = mdp_new_array(mdp_csv_column_count(csv), sizeof *m->attributes, err, &st);
    for (size_t column = 0; column < mdp_csv_column_count(csv) && st == MDP_OK; column++) {
        if (is_used(columns, m->n_targets, column) || !*mdp_csv_header(csv, column))
            continue;
        struct mdp_attribute *attribute = &m->attributes[m->n_attributes];
        st = read_attribute(m, csv, column, attribute, err);
        m->n_attributes++; /* also on failure: what it holds is released */
    }
    return st;
}

/* --- the whole --- */

static mdp_status find_folder(struct mdp_manifest *m, const char *path, const char *root,
                              struct mdp_error *err)
{
    struct mdp_text folder = {0};
    mdp_status st = MDP_OK;

    if (root)
        mdp_text_add(&folder, "%s", root);
    else
        st = mdp_path_folder(&folder, path, err);
    if (st == MDP_OK)
        st = mdp_text_status(&folder, err);
    if (st == MDP_OK)
        m->folder = mdp_copy_string(folder.at ? folder.at : "", err, &st);
    mdp_text_release(&folder);
    return st;
}

static mdp_status read_columns(struct mdp_manifest *m, const struct mdp_csv *csv,
                               const struct columns *columns, const struct mdp_manifest_options *options,
                               struct mdp_error *err)
{
    mdp_status st = check_rows(csv, columns, err);

    if (st == MDP_OK)
        st = take_strings(csv, columns->path, m->n, &m->paths, err);
    if (st == MDP_OK)
        st = take_strings(csv, columns->has_id ? columns->id : columns->path, m->n, &m->ids, err);
    if (st == MDP_OK && columns->has_patient)
        st = take_strings(csv, columns->patient, m->n, &m->patient_ids, err);
    if (st == MDP_OK && columns->has_split)
        st = take_strings(csv, columns->split, m->n, &m->splits, err);
    if (st == MDP_OK)
        st = read_labels(m, csv, columns, options, err);
    if (st == MDP_OK)
        st = read_targets(m, csv, columns, &options->labels, err);
    if (st == MDP_OK)
        st = read_attributes(m, csv, columns, err);
    return st;
}

mdp_status mdp_manifest_read(const char *path, const struct mdp_manifest_options *options,
                             struct mdp_manifest *m, struct mdp_error *err)
{
    struct columns columns = {0};
    mdp_status st = MDP_OK;

    *m = (struct mdp_manifest){0};
    struct owned *owned = mdp_new_array(1, sizeof *owned, err, &st);
    m->owned = owned;
    if (!owned)
        return st;
    owned->file = mdp_copy_string(path, err, &st);
    m->file = owned->file;
    if (st == MDP_OK)
        st = mdp_csv_read(path, &owned->csv, err);
    if (st == MDP_OK)
        st = find_folder(m, path, options->root, err);
    if (st == MDP_OK)
        st = find_columns(owned->csv, &options->labels, &columns, err);
    if (st == MDP_OK && mdp_csv_row_count(owned->csv) == 0)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: has column names but no rows", path);
    if (st == MDP_OK) {
        m->n = mdp_csv_row_count(owned->csv);
        if (options->limit && options->limit < m->n)
            m->n = options->limit;
        st = read_columns(m, owned->csv, &columns, options, err);
    }
    free(columns.targets);
    if (st != MDP_OK)
        mdp_manifest_release(m);
    return st;
}

void mdp_manifest_release(struct mdp_manifest *m)
{
    struct owned *owned = m->owned;

    for (size_t a = 0; a < m->n_attributes; a++) {
        free(m->attributes[a].numbers);
        free(m->attributes[a].strings);
    }
    for (size_t i = 0; owned && i < owned->n_names; i++)
        free(owned->names[i]);
    if (owned) {
        free(owned->names);
        free(owned->file);
        mdp_csv_free(owned->csv);
        free(owned);
    }
    free(m->folder);
    free(m->paths);
    free(m->ids);
    free(m->patient_ids);
    free(m->splits);
    free(m->labels);
    free(m->class_names);
    free(m->targets);
    free(m->target_names);
    free(m->attributes);
    *m = (struct mdp_manifest){0};
}

mdp_status mdp_manifest_locate(const struct mdp_manifest *m, size_t row, struct mdp_text *path,
                               struct mdp_error *err)
{
    return mdp_path_join(path, m->folder, m->paths[row], err);
}

size_t mdp_manifest_line(const struct mdp_manifest *m, size_t row)
{
    const struct owned *owned = m->owned;

    return mdp_csv_line(owned->csv, row);
}

/* --- digests --- */

/* Every string with its NUL, every number with its eight bytes: nothing runs into its neighbour. */
static void add_string(struct mdp_text *t, const char *text)
{
    mdp_text_add_bytes(t, text, strlen(text) + 1);
}

static void add_row(const struct mdp_manifest *m, size_t row, struct mdp_text *t)
{
    add_string(t, m->ids[row]);
    add_string(t, m->paths[row]);
    add_string(t, m->patient_ids ? m->patient_ids[row] : "");
    add_string(t, m->splits ? m->splits[row] : "");
    add_string(t, m->labels && m->labels[row] >= 0 ? m->class_names[m->labels[row]] : "");
    if (m->n_targets)
        mdp_text_add_bytes(t, m->targets + row * m->n_targets, m->n_targets);
    for (size_t a = 0; a < m->n_attributes; a++)
        if (m->attributes[a].numbers)
            mdp_text_add_bytes(t, &m->attributes[a].numbers[row], sizeof(double));
        else
            add_string(t, m->attributes[a].strings[row]);
}

/* The columns, and the order of classes. */
static void add_columns(const struct mdp_manifest *m, struct mdp_text *t)
{
    mdp_text_add(t, "%d%d%d", m->patient_ids != NULL, m->splits != NULL, m->labels != NULL);
    for (size_t c = 0; c < m->n_classes; c++)
        add_string(t, m->class_names[c]);
    mdp_text_add_bytes(t, "\n", 1);
    for (size_t target = 0; target < m->n_targets; target++)
        add_string(t, m->target_names[target]);
    mdp_text_add_bytes(t, "\n", 1);
    for (size_t a = 0; a < m->n_attributes; a++) {
        add_string(t, m->attributes[a].name);
        mdp_text_add_bytes(t, m->attributes[a].numbers ? "f" : "s", 1);
    }
}

mdp_status mdp_manifest_row_sha256(const struct mdp_manifest *m, size_t row, uint8_t digest[MDP_SHA256_SIZE],
                                   struct mdp_error *err)
{
    struct mdp_text t = {0};

    add_row(m, row, &t);
    mdp_status st = mdp_text_status(&t, err); /* half a row has another digest */
    if (st == MDP_OK)
        mdp_sha256_of(t.at, t.n, digest);
    mdp_text_release(&t);
    return st;
}

mdp_status mdp_manifest_sha256(const struct mdp_manifest *m, char hex[MDP_SHA256_HEX], struct mdp_error *err)
{
    struct mdp_sha256 *hash = NULL;
    struct mdp_text t = {0};
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_sha256_new(&hash, err);

    if (st != MDP_OK)
        return st;
    add_columns(m, &t);
    for (size_t row = 0; row < m->n; row++) {
        if (t.n > 1 << 16 && !t.failed) {
            mdp_sha256_add(hash, t.at, t.n);
            mdp_text_clear(&t);
        }
        add_row(m, row, &t);
    }
    mdp_sha256_add(hash, t.at, t.n);
    st = mdp_text_status(&t, err);
    mdp_sha256_final(hash, digest);
    mdp_sha256_hex(digest, hex);
    mdp_text_release(&t);
    return st;
}
