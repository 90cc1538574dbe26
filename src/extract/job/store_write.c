/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/store_write.h"

#include "base/exchange/store_names.h"
#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/try.h"
#include "medprobe/store.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512 }; /* rows appended at once */

/* A dataset that grows by a value a row, and where its values come from. */
struct column {
    const char *name; /* of the dataset */
    enum mdp_h5_type type;
    size_t columns;   /* values a row of a table; 0: a list */
    size_t depth;     /* rows of a table a row; 0: the row is none */
    bool of_failures; /* has the rows without an embedding, else those with one */
    bool of_vectors;  /* from the record's vectors, at `offset` */
    size_t size;      /* bytes of a row in memory */
    const void
        *rows;     /* of the manifest, `stride` bytes apart (0: one value for all); NULL: from the record, */
    size_t stride; /*   at `offset`: text itself where the type is a string, else the value */
    size_t offset;
    char *data; /* [BLOCK, size] */
};

#define OF_RECORD(field)                                                                                     \
    .offset = offsetof(struct mdp_record, field), .size = sizeof(((struct mdp_record *)0)->field)
/* A column of the manifest that may be absent: `otherwise` in every row then. */
#define OF_MANIFEST(array, otherwise)                                                                        \
    .size = sizeof *(array), .rows = (array) ? (const void *)(array) : (const void *)(otherwise),            \
    .stride = (array) ? sizeof *(array) : 0

/* All columns in the order in which the file has them, and one block of rows. */
struct table {
    struct column
        *columns; /* [n]: FIXED of every store, queries and targets where there are any, attributes */
    size_t n;
    float *vectors;         /* [1 + Q, D] of one record */
    struct mdp_text *names; /* [n_attributes]: of the last */
    size_t n_attributes;
    size_t n_rows, n_failed; /* in the block */
    const char **strings;    /* [BLOCK]: working memory */
};

_Static_assert(sizeof(((struct mdp_record *)0)->row) == sizeof(int64_t),
               "/failures/row is written as it stands");

/* --- the columns --- */

enum { FIXED = 13 };

/* The one list of what every store has a row of. */
static void list_fixed(const struct mdp_store_content *c, struct column columns[FIXED])
{
    static const char *const none = "";
    static const int32_t unlabelled = -1;
    const struct mdp_manifest *m = c->manifest;
    const struct column fixed[FIXED] = {
        {MDP_STORE_EMBEDDINGS, MDP_H5_F32, .columns = c->width, .size = c->width * sizeof(float),
         .of_vectors = true},
        {MDP_STORE_NORMS, MDP_H5_F32, OF_RECORD(norm)},
        {MDP_STORE_IDS, MDP_H5_STRING, OF_MANIFEST(m->ids, &none)},
        {MDP_STORE_PATHS, MDP_H5_STRING, OF_MANIFEST(m->paths, &none)},
        {MDP_STORE_PATIENT_IDS, MDP_H5_STRING, OF_MANIFEST(m->patient_ids, &none)},
        {MDP_STORE_SPLITS, MDP_H5_STRING, OF_MANIFEST(m->splits, &none)},
        {MDP_STORE_SHA256, MDP_H5_U8, .columns = MDP_SHA256_SIZE, OF_RECORD(sha256)},
        {MDP_STORE_PHASH, MDP_H5_U64, OF_RECORD(phash)},
        {MDP_STORE_ORIENTATION, MDP_H5_U8, OF_RECORD(orientation)},
        {MDP_STORE_LABELS, MDP_H5_I32, OF_MANIFEST(m->labels, &unlabelled)},
        {MDP_STORE_FAILURES_PATH, MDP_H5_STRING, .of_failures = true, OF_MANIFEST(m->paths, &none)},
        {MDP_STORE_FAILURES_ROW, MDP_H5_I64, .of_failures = true, OF_RECORD(row)},
        {MDP_STORE_FAILURES_REASON, MDP_H5_STRING, .of_failures = true, OF_RECORD(reason)},
    };

    memcpy(columns, fixed, sizeof fixed);
}

static void list_queries(const struct mdp_store_content *c, struct table *t)
{
    if (c->vectors)
        t->columns[t->n++] = (struct column){MDP_STORE_QUERIES,
                                             MDP_H5_F32,
                                             .columns = c->width,
                                             .depth = c->vectors,
                                             .of_vectors = true,
                                             .offset = c->width * sizeof(float),
                                             .size = c->vectors * c->width * sizeof(float)};
}

static void list_targets(const struct mdp_manifest *m, struct table *t)
{
    if (m->n_targets)
        t->columns[t->n++] =
            (struct column){MDP_STORE_TARGETS,    MDP_H5_I8,          .columns = m->n_targets,
                            .size = m->n_targets, .rows = m->targets, .stride = m->n_targets};
}

static mdp_status list_attributes(const struct mdp_manifest *m, struct table *t, struct mdp_error *err)
{
    for (size_t a = 0; a < m->n_attributes; a++) {
        const struct mdp_attribute *attribute = &m->attributes[a];
        mdp_text_add(&t->names[a], MDP_STORE_ATTRIBUTES "/%s", attribute->name);
        TRY(mdp_text_status(&t->names[a], err));
        if (attribute->numbers)
            t->columns[t->n++] =
                (struct column){t->names[a].at, MDP_H5_F64, OF_MANIFEST(attribute->numbers, NULL)};
        else
            t->columns[t->n++] =
                (struct column){t->names[a].at, MDP_H5_STRING, OF_MANIFEST(attribute->strings, NULL)};
    }
    return MDP_OK;
}

static mdp_status table_init(struct table *t, const struct mdp_store_content *c, struct mdp_error *err)
{
    const struct mdp_manifest *m = c->manifest;
    mdp_status st = MDP_OK;

    *t = (struct table){0};
    t->columns = mdp_new_array(FIXED + 2 + m->n_attributes, sizeof *t->columns, err, &st);
    t->names = mdp_new_array(m->n_attributes, sizeof *t->names, err, &st);
    t->strings = mdp_new_array(BLOCK, sizeof *t->strings, err, &st);
    t->vectors = mdp_new_array((1 + c->vectors) * c->width, sizeof *t->vectors, err, &st);
    if (st != MDP_OK)
        return st;
    t->n_attributes = m->n_attributes;
    list_fixed(c, t->columns);
    t->n = FIXED;
    list_queries(c, t);
    list_targets(m, t);
    st = list_attributes(m, t, err);
    for (size_t i = 0; i < t->n && st == MDP_OK; i++)
        t->columns[i].data = mdp_new_array(BLOCK, t->columns[i].size, err, &st);
    return st;
}

static void table_release(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->columns[i].data);
    for (size_t a = 0; a < t->n_attributes; a++)
        mdp_text_release(&t->names[a]);
    free(t->columns);
    free(t->names);
    free(t->strings);
    free(t->vectors);
}

static mdp_status create_columns(struct mdp_h5 *file, const struct table *t, size_t first, size_t end,
                                 struct mdp_error *err)
{
    for (size_t i = first; i < end; i++) {
        const struct column *c = &t->columns[i];
        TRY(c->depth ? mdp_h5_create_growing_tables(file, c->name, c->type, c->depth, c->columns, err)
                     : mdp_h5_create_growing(file, c->name, c->type, c->columns, err));
    }
    return MDP_OK;
}

static mdp_status create_datasets(struct mdp_h5 *file, const struct table *t,
                                  const struct mdp_store_content *content, struct mdp_error *err)
{
    const struct mdp_manifest *m = content->manifest;
    size_t with_targets = FIXED + (size_t)(content->vectors > 0) + (size_t)(m->n_targets > 0);

    TRY(create_columns(file, t, 0, 1, err));
    TRY(mdp_h5_hard_link(file, t->columns[0].name, MDP_STORE_FEATURES, err));
    TRY(create_columns(file, t, 1, FIXED, err));
    TRY(mdp_h5_attr_write(file, MDP_STORE_LABELS, MDP_STORE_ATTR_CLASS_NAMES, MDP_H5_STRING, m->n_classes,
                          m->class_names, err));
    TRY(create_columns(file, t, FIXED, with_targets, err));
    if (m->n_targets)
        TRY(mdp_h5_attr_write(file, MDP_STORE_TARGETS, MDP_STORE_ATTR_TARGET_NAMES, MDP_H5_STRING,
                              m->n_targets, m->target_names, err));
    return create_columns(file, t, with_targets, t->n, err);
}

/* --- rows --- */

static void put_record(struct table *t, const struct mdp_record *record)
{
    size_t at = record->failed ? t->n_failed++ : t->n_rows++;

    for (size_t i = 0; i < t->n; i++) {
        const struct column *c = &t->columns[i];
        if (c->of_failures != record->failed)
            continue;
        const char *from = c->rows         ? (const char *)c->rows + record->row * c->stride
                           : c->of_vectors ? (const char *)record->embedding + c->offset
                                           : (const char *)record + c->offset;
        memcpy(c->data + at * c->size, from, c->size);
    }
}

/* Rows [first, first + BLOCK) as far as there are. */
static mdp_status read_block(const struct mdp_store_content *c, size_t first, struct table *t,
                             struct mdp_record *record, struct mdp_error *err)
{
    t->n_rows = t->n_failed = 0;
    record->embedding = t->vectors;
    for (size_t row = first; row < first + BLOCK && row < c->manifest->n; row++) {
        TRY(mdp_workfile_read(c->work, row, record, err));
        put_record(t, record);
    }
    return MDP_OK;
}

static mdp_status append_block(struct mdp_h5 *file, const struct table *t, struct mdp_error *err)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct column *c = &t->columns[i];
        size_t n = c->of_failures ? t->n_failed : t->n_rows;
        const void *data = c->data;
        if (c->type == MDP_H5_STRING && !c->rows) {
            for (size_t row = 0; row < n; row++)
                t->strings[row] = c->data + row * c->size;
            data = t->strings;
        }
        TRY(mdp_h5_append(file, c->name, n, data, err));
    }
    return MDP_OK;
}

static mdp_status write_blocks(struct mdp_h5 *file, const struct mdp_store_content *c, struct table *t,
                               struct mdp_record *record, const volatile sig_atomic_t *stop,
                               struct mdp_error *err)
{
    for (size_t first = 0; first < c->manifest->n; first += BLOCK) {
        if (stop && *stop)
            return mdp_fail(err, MDP_ERR_INTERRUPTED, "interrupted");
        TRY(read_block(c, first, t, record, err));
        TRY(append_block(file, t, err));
    }
    return MDP_OK;
}

static mdp_status write_rows(struct mdp_h5 *file, const struct mdp_store_content *c,
                             const volatile sig_atomic_t *stop, struct mdp_error *err)
{
    struct table table;
    struct mdp_record *record = NULL;
    mdp_status st = table_init(&table, c, err);

    if (st == MDP_OK)
        record = mdp_new_array(1, sizeof *record, err, &st);
    if (st == MDP_OK)
        st = create_datasets(file, &table, c, err);
    if (st == MDP_OK)
        st = write_blocks(file, c, &table, record, stop, err);
    table_release(&table);
    free(record);
    return st;
}

/* --- the rest --- */

static mdp_status write_text(struct mdp_h5 *file, const struct mdp_text_part *t, size_t width,
                             struct mdp_error *err)
{
    const size_t table[] = {t->n, width};

    TRY(mdp_h5_write(file, MDP_STORE_TEXT_EMBEDDINGS, MDP_H5_F32, 2, table, t->embeddings, err));
    TRY(mdp_h5_write(file, MDP_STORE_TEXT_NORMS, MDP_H5_F32, 1, table, t->norms, err));
    TRY(mdp_h5_write(file, MDP_STORE_TEXT_PROMPTS, MDP_H5_STRING, 1, table, t->prompts, err));
    TRY(mdp_h5_write(file, MDP_STORE_TEXT_CLASS_INDEX, MDP_H5_I32, 1, table, t->class_index, err));
    if (t->negative)
        TRY(mdp_h5_write(file, MDP_STORE_TEXT_NEGATIVE, MDP_H5_U8, 1, table, t->negative, err));
    TRY(mdp_h5_attr_write(file, MDP_STORE_TEXT, MDP_STORE_ATTR_CLASS_NAMES, MDP_H5_STRING, t->n_classes,
                          t->class_names, err));
    TRY(mdp_h5_attr_write_string(file, MDP_STORE_TEXT, MDP_STORE_ATTR_ENSEMBLE,
                                 mdp_ensemble_names[t->ensemble], err));
    TRY(mdp_h5_attr_write_string(file, MDP_STORE_TEXT, MDP_STORE_ATTR_PROMPT_SET, t->prompt_set, err));
    return mdp_h5_attr_write_string(file, MDP_STORE_TEXT, MDP_STORE_ATTR_PROMPT_SET_SHA256,
                                    t->prompt_set_sha256, err);
}

static mdp_status write_root(struct mdp_h5 *file, const struct mdp_store_content *c, struct mdp_error *err)
{
    TRY(mdp_h5_attr_write_string(file, "/", MDP_STORE_ATTR_SCHEMA, MDP_STORE_SCHEMA, err));
    for (size_t i = 0; i < c->attributes->n; i++)
        TRY(mdp_h5_attr_write_string(file, "/", c->attributes->at[i].key, c->attributes->at[i].value, err));
    if (!c->has_logits)
        return MDP_OK;
    TRY(mdp_h5_attr_write_scalar(file, "/", MDP_STORE_ATTR_LOGIT_SCALE, MDP_H5_F64, &c->logits.scale, err));
    TRY(mdp_h5_attr_write_scalar(file, "/", MDP_STORE_ATTR_LOGIT_BIAS, MDP_H5_F64, &c->logits.bias, err));
    return mdp_h5_attr_write_string(file, "/", MDP_STORE_ATTR_SIMILARITY, mdp_similarity_names[c->similarity],
                                    err);
}

mdp_status mdp_store_write(const char *path, const struct mdp_store_content *content,
                           const volatile sig_atomic_t *stop, struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    mdp_status st = mdp_h5_create(path, &file, err);

    if (st == MDP_OK)
        st = write_root(file, content, err);
    if (st == MDP_OK)
        st = write_rows(file, content, stop, err);
    if (st == MDP_OK && content->text)
        st = write_text(file, content->text, content->width, err);
    if (st == MDP_OK)
        return mdp_h5_commit(file, err);
    mdp_h5_close(file);
    return st;
}
