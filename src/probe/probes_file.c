/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/probes_file.h"

#include "base/exchange/store_mark.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/try.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "/method/group/member" into *name; the group itself when member is NULL. */
static mdp_status name_of(const char *method, const char *group, const char *member, struct mdp_text *name,
                          struct mdp_error *err)
{
    mdp_text_clear(name);
    mdp_text_add(name, "/%s/%s%s%s", method, group, member ? "/" : "", member ? member : "");
    return mdp_text_status(name, err);
}

/* --- writing --- */

struct mdp_probes_writer {
    struct mdp_h5 *file;
    const struct mdp_store_info *info;
    const int64_t *held; /* [n_held] */
    size_t n_held, m, d;
    struct mdp_text holder; /* "/method/group" that has the held rows; others link to them */
};

mdp_status mdp_probes_writer_create(const char *path, const struct mdp_store_info *info, const int64_t held[],
                                    size_t n_held, struct mdp_probes_writer **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_probes_writer *writer = mdp_new_array(1, sizeof *writer, err, &st);

    *out = NULL;
    if (!writer)
        return st;
    writer->info = info;
    writer->held = held;
    writer->n_held = n_held;
    writer->m = mdp_linear_rows(info->n_classes);
    writer->d = info->d;
    st = mdp_h5_create(path, &writer->file, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write(writer->file, "/", "class_names", MDP_H5_STRING, info->n_classes,
                               info->class_names, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(writer->file, "/", "model", info->model, err);
    if (st == MDP_OK)
        st = mdp_store_mark_write(writer->file, info, err);
    if (st != MDP_OK) {
        mdp_probes_writer_free(writer);
        return st;
    }
    *out = writer;
    return MDP_OK;
}

static const char *const seen_suffixes[] = {"", "_sha256"};

/* Rows that a probe has learnt from into "/method/group/member" and, where the store knows them, the SHA-256 of their
   pictures beside it: another store may hold the same pictures. */
static mdp_status write_seen(const struct mdp_probes_writer *writer, const char *method, const char *group,
                             const char *member, const int64_t rows[], size_t n, struct mdp_error *err)
{
    const size_t shape[2] = {n, 32};
    const uint8_t *all = writer->info->sha256;
    struct mdp_text name = {0};
    uint8_t *digests = NULL;
    mdp_status st = MDP_OK;

    OR_OUT(name_of(method, group, member, &name, err));
    OR_OUT(mdp_h5_write(writer->file, name.at, MDP_H5_I64, 1, &n, rows, err));
    if (!all)
        goto out;
    digests = mdp_new_array(n, 32, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        memcpy(digests + 32 * i, all + 32 * rows[i], 32);
    OR_OUT(st);
    mdp_text_add(&name, "%s", seen_suffixes[1]);
    OR_OUT(mdp_text_status(&name, err));
    OR_OUT(mdp_h5_write(writer->file, name.at, MDP_H5_U8, 2, shape, digests, err));
out:
    free(digests);
    mdp_text_release(&name);
    return st;
}

/* The rows that every probe's C was chosen by, stored once. */
static mdp_status write_held(struct mdp_probes_writer *writer, const char *method, const char *group,
                             struct mdp_error *err)
{
    struct mdp_text name = {0}, existing = {0};
    mdp_status st = MDP_OK;

    if (!writer->holder.n) {
        TRY(name_of(method, group, NULL, &writer->holder, err));
        return write_seen(writer, method, group, "val", writer->held, writer->n_held, err);
    }
    for (size_t i = 0; i < (writer->info->sha256 ? 2U : 1U) && st == MDP_OK; i++) {
        mdp_text_clear(&name);
        mdp_text_clear(&existing);
        mdp_text_add(&name, "/%s/%s/val%s", method, group, seen_suffixes[i]);
        mdp_text_add(&existing, "%s/val%s", writer->holder.at, seen_suffixes[i]);
        OR_OUT(mdp_text_status(&name, err));
        OR_OUT(mdp_text_status(&existing, err));
        OR_OUT(mdp_h5_hard_link(writer->file, existing.at, name.at, err));
    }
out:
    mdp_text_release(&name);
    mdp_text_release(&existing);
    return st;
}

mdp_status mdp_probes_writer_add(struct mdp_probes_writer *writer, const char *method,
                                 const struct mdp_draw *draw, enum mdp_link link, const double coef[],
                                 const double intercept[], double c, struct mdp_error *err)
{
    const struct {
        const char *name;
        enum mdp_h5_type type;
        size_t rank, shape[2];
        const void *data;
    } members[] = {
        {"coef", MDP_H5_F64, 2, {writer->m, writer->d}, coef},
        {"intercept", MDP_H5_F64, 1, {writer->m}, intercept},
    };
    const char *group = draw->key.name;
    struct mdp_text name = {0};
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < sizeof members / sizeof members[0] && st == MDP_OK; i++) {
        st = name_of(method, group, members[i].name, &name, err);
        if (st == MDP_OK)
            st = mdp_h5_write(writer->file, name.at, members[i].type, members[i].rank, members[i].shape,
                              members[i].data, err);
    }
    if (st == MDP_OK)
        st = write_seen(writer, method, group, "support", draw->support, draw->n_support, err);
    if (st == MDP_OK && draw->has_val)
        st = write_seen(writer, method, group, "val", draw->val, draw->n_val, err);
    else if (st == MDP_OK && writer->n_held)
        st = write_held(writer, method, group, err);
    if (st == MDP_OK)
        st = name_of(method, group, NULL, &name, err);
    if (st == MDP_OK && !isnan(c))
        st = mdp_h5_attr_write_scalar(writer->file, name.at, "C", MDP_H5_F64, &c, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(writer->file, name.at, "link", mdp_link_name(link), err);
    mdp_text_release(&name);
    return st;
}

mdp_status mdp_probes_writer_commit(struct mdp_probes_writer *writer, struct mdp_error *err)
{
    mdp_status st = mdp_h5_commit(writer->file, err);

    writer->file = NULL;
    mdp_probes_writer_free(writer);
    return st;
}

void mdp_probes_writer_free(struct mdp_probes_writer *writer)
{
    if (!writer)
        return;
    mdp_h5_close(writer->file);
    mdp_text_release(&writer->holder);
    free(writer);
}

/* --- reading --- */

/* What is read, and from where. */
struct reading {
    const struct mdp_h5 *file;
    const char *path, *method, *group;
    struct mdp_text name; /* of what is looked at */
};

static mdp_status look_at(struct reading *r, const char *member, struct mdp_error *err)
{
    return name_of(r->method, r->group, member, &r->name, err);
}

static mdp_status read_weights(struct reading *r, struct mdp_probe_weights *w, struct mdp_error *err)
{
    struct mdp_h5_shape shape, intercepts;
    size_t count = 0;
    mdp_status st = look_at(r, "intercept", err);

    if (st == MDP_OK)
        st = mdp_h5_shape_of(r->file, r->name.at, &intercepts, err);
    if (st == MDP_OK)
        st = look_at(r, "coef", err);
    if (st == MDP_OK)
        st = mdp_h5_shape_of(r->file, r->name.at, &shape, err);
    if (st != MDP_OK)
        return st;
    w->m = mdp_linear_rows(w->k);
    if (w->k < 2 || shape.rank != 2 || shape.dims[0] != w->m || shape.dims[1] == 0 || intercepts.rank != 1 ||
        intercepts.dims[0] != w->m || !mdp_mul_size(w->m, shape.dims[1], &count))
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected weights [%zu, features] for %zu classes",
                        r->path, r->name.at, w->m, w->k);
    w->d = shape.dims[1];
    w->coef = mdp_new_array(count, sizeof *w->coef, err, &st);
    w->intercept = mdp_new_array(w->m, sizeof *w->intercept, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(r->file, r->name.at, MDP_H5_F64, 0, w->m, w->coef, err);
    if (st == MDP_OK)
        st = look_at(r, "intercept", err);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(r->file, r->name.at, MDP_H5_F64, 0, w->m, w->intercept, err);
    for (size_t i = 0; i < count && st == MDP_OK; i++)
        if (!isfinite(w->coef[i]) || !isfinite(w->intercept[i % w->m]))
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: /%s/%s: a weight is not finite", r->path, r->method,
                          r->group);
    return st;
}

/* C and link of the group; files of before there were links hold logistic regressions. */
static mdp_status read_attributes(struct reading *r, struct mdp_probe_weights *w, struct mdp_error *err)
{
    char *link = NULL;
    mdp_status st = look_at(r, NULL, err);

    if (st == MDP_OK && mdp_h5_attr_has(r->file, r->name.at, "C"))
        st = mdp_h5_attr_read(r->file, r->name.at, "C", MDP_H5_F64, 1, &w->c, err);
    if (st == MDP_OK && mdp_h5_attr_has(r->file, r->name.at, "link"))
        st = mdp_h5_attr_read_string(r->file, r->name.at, "link", &link, err);
    if (st == MDP_OK && link) {
        st = mdp_link_find(link, &w->link, err);
        if (st != MDP_OK)
            mdp_fail_at(err, st, "%s: %s", r->path, r->name.at);
    }
    free(link);
    return st;
}

/* Appends the digests of n rows of `member`, which follow the seen ones; *all: they are there. */
static mdp_status read_digests(struct reading *r, const char *member, size_t n, struct mdp_probe_weights *w,
                               size_t *capacity, bool *all, struct mdp_error *err)
{
    struct mdp_h5_shape shape;

    TRY(look_at(r, member, err));
    mdp_text_add(&r->name, "%s", seen_suffixes[1]);
    TRY(mdp_text_status(&r->name, err));
    if (!mdp_h5_has(r->file, r->name.at)) {
        *all = false;
        return MDP_OK;
    }
    TRY(mdp_h5_shape_of(r->file, r->name.at, &shape, err));
    if (shape.rank != 2 || shape.dims[0] != n || shape.dims[1] != 32)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected SHA-256 digests [%zu, 32]", r->path,
                        r->name.at, n);
    TRY(mdp_grow(&w->seen_sha256, capacity, w->n_seen + n, 32, err));
    return n ? mdp_h5_read_rows(r->file, r->name.at, MDP_H5_U8, 0, n, w->seen_sha256 + 32 * w->n_seen, err)
             : MDP_OK;
}

/* What was read of rows that a probe has learnt from. */
struct seen_so_far {
    size_t row_capacity, digest_capacity;
    bool all_digests;
};

/* Appends the rows of `member`, where there are some. */
static mdp_status read_seen(struct reading *r, const char *member, struct mdp_probe_weights *w,
                            struct seen_so_far *so_far, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    size_t n = 0;
    mdp_status st = look_at(r, member, err);

    if (st != MDP_OK || !mdp_h5_has(r->file, r->name.at))
        return st;
    st = mdp_h5_shape_of(r->file, r->name.at, &shape, err);
    if (st == MDP_OK && (shape.rank != 1 || !mdp_add_size(w->n_seen, shape.dims[0], &n)))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected a list of rows", r->path, r->name.at);
    if (st == MDP_OK)
        st = mdp_grow(&w->seen, &so_far->row_capacity, n, sizeof *w->seen, err);
    if (st == MDP_OK && shape.dims[0])
        st = mdp_h5_read_rows(r->file, r->name.at, MDP_H5_I64, 0, shape.dims[0], w->seen + w->n_seen, err);
    if (st == MDP_OK)
        st = read_digests(r, member, shape.dims[0], w, &so_far->digest_capacity, &so_far->all_digests, err);
    if (st == MDP_OK)
        w->n_seen = n;
    return st;
}

static mdp_status read_store(struct reading *r, struct mdp_probe_weights *w, struct mdp_error *err)
{
    struct seen_so_far so_far = {.all_digests = true};
    mdp_status st = mdp_store_mark_read(r->file, &w->store_sha256, err);

    if (st == MDP_OK)
        st = read_seen(r, "support", w, &so_far, err);
    if (st == MDP_OK)
        st = read_seen(r, "val", w, &so_far, err);
    if (!so_far.all_digests) {
        free(w->seen_sha256);
        w->seen_sha256 = NULL;
    }
    return st;
}

mdp_status mdp_probe_weights_read(const char *path, const char *method, const char *group,
                                  struct mdp_probe_weights *w, struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    struct reading r = {.path = path, .method = method, .group = group};
    mdp_status st = mdp_h5_open(path, &file, err);

    *w = (struct mdp_probe_weights){.c = NAN};
    r.file = file;
    if (st == MDP_OK)
        st = look_at(&r, "coef", err);
    bool found = st == MDP_OK && mdp_h5_has(file, r.name.at);
    if (st == MDP_OK)
        st = look_at(&r, "intercept", err);
    if (st == MDP_OK && (!found || !mdp_h5_has(file, r.name.at)))
        st = mdp_fail(err, MDP_ERR_MISSING, "%s: no probe /%s/%s", path, method, group);
    if (st == MDP_OK)
        st = mdp_h5_attr_read_strings(file, "/", "class_names", &w->class_names, &w->k, err);
    if (st == MDP_OK)
        st = read_weights(&r, w, err);
    if (st == MDP_OK)
        st = read_attributes(&r, w, err);
    if (st == MDP_OK)
        st = read_store(&r, w, err);
    if (st != MDP_OK)
        mdp_probe_weights_release(w);
    mdp_h5_close(file);
    mdp_text_release(&r.name);
    return st;
}

void mdp_probe_weights_release(struct mdp_probe_weights *w)
{
    free(w->coef);
    free(w->intercept);
    free(w->store_sha256);
    free(w->seen);
    free(w->seen_sha256);
    mdp_h5_strings_free(w->class_names, w->class_names ? w->k : 0);
    *w = (struct mdp_probe_weights){0};
}

mdp_status mdp_probe_weights_apply(const struct mdp_probe_weights *w, const float x[], size_t n,
                                   double scores[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *z = mdp_new_array(n * w->m, sizeof *z, err, &st);

    if (st == MDP_OK)
        st = mdp_linear_logits(x, NULL, n, w->d, w->coef, w->intercept, w->m, z, err);
    if (st == MDP_OK)
        mdp_link_scores(w->link, z, n, w->k, scores);
    free(z);
    return st;
}
