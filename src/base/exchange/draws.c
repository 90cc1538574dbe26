/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/exchange/draws.h"

#include "base/exchange/store_mark.h"
#include "base/formats/h5_groups.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_key(const void *left, const void *right)
{
    const struct mdp_draw *a = left, *b = right;

    return mdp_episode_key_compare(&a->key, &b->key);
}

void mdp_draws_sort(struct mdp_draws *draws)
{
    if (draws->n)
        qsort(draws->at, draws->n, sizeof *draws->at, by_key);
}

static void release_draw(struct mdp_draws *draws, struct mdp_draw *draw)
{
    free(draw->support);
    free(draw->val);
    if (draw->query != draws->shared_query)
        free(draw->query);
}

static bool contains(const size_t values[], size_t n, size_t value)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] == value)
            return true;
    return false;
}

void mdp_draws_select(struct mdp_draws *draws, const size_t shots[], size_t n_shots, const size_t seeds[],
                      size_t n_seeds)
{
    size_t kept = 0;

    for (size_t i = 0; i < draws->n; i++) {
        struct mdp_draw *draw = &draws->at[i];
        if ((!shots || contains(shots, n_shots, draw->key.shots)) &&
            (!seeds || contains(seeds, n_seeds, draw->key.seed)))
            draws->at[kept++] = *draw;
        else
            release_draw(draws, draw);
    }
    draws->n = kept;
}

void mdp_draws_release(struct mdp_draws *draws)
{
    for (size_t i = 0; i < draws->n; i++)
        release_draw(draws, &draws->at[i]);
    free(draws->at);
    free(draws->shared_query);
    *draws = (struct mdp_draws){0};
}

/* --- writing --- */

static mdp_status write_rows(struct mdp_h5 *file, const char *group, const char *side, const int64_t rows[],
                             size_t n, struct mdp_error *err)
{
    char name[sizeof((struct mdp_draw *)0)->key.name + 16];

    snprintf(name, sizeof name, "/%s/%s", group, side);
    return mdp_h5_write(file, name, MDP_H5_I64, 1, &n, rows, err);
}

/* The query rows, stored once where they are those of the episode before. */
static mdp_status write_query(struct mdp_h5 *file, const struct mdp_draw *draw, const struct mdp_draw *before,
                              struct mdp_error *err)
{
    char name[sizeof draw->key.name + 16], existing[sizeof draw->key.name + 16];

    if (!before || before->n_query != draw->n_query || !draw->n_query ||
        memcmp(before->query, draw->query, draw->n_query * sizeof *draw->query) != 0)
        return write_rows(file, draw->key.name, "query", draw->query, draw->n_query, err);
    snprintf(name, sizeof name, "/%s/query", draw->key.name);
    snprintf(existing, sizeof existing, "/%s/query", before->key.name);
    return mdp_h5_hard_link(file, existing, name, err);
}

static mdp_status write_all(struct mdp_h5 *file, const struct mdp_draws *draws, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < draws->n && st == MDP_OK; i++) {
        const struct mdp_draw *draw = &draws->at[i];
        st = write_rows(file, draw->key.name, "support", draw->support, draw->n_support, err);
        if (st == MDP_OK && draw->has_val)
            st = write_rows(file, draw->key.name, "val", draw->val, draw->n_val, err);
        if (st == MDP_OK)
            st = write_query(file, draw, i ? draw - 1 : NULL, err);
    }
    return st;
}

mdp_status mdp_draws_write(const char *path, const struct mdp_store_info *info, const struct mdp_draws *draws,
                           struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    mdp_status st = mdp_h5_create(path, &file, err);

    if (st != MDP_OK)
        return st;
    st = mdp_store_mark_write(file, info, err);
    if (st == MDP_OK)
        st = write_all(file, draws, err);
    if (st == MDP_OK)
        return mdp_h5_commit(file, err);
    mdp_h5_close(file);
    return st;
}

/* --- reading --- */

struct draws_reader {
    const struct mdp_h5 *file;
    const char *path;
    size_t n_rows;
    size_t capacity;
    uint8_t *seen; /* [n_rows] */
    struct mdp_draws *draws;
};

static mdp_status check_rows(struct draws_reader *r, const char *name, const int64_t rows[], size_t n,
                             struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t checked = 0;

    for (; checked < n && st == MDP_OK; checked++) {
        int64_t row = rows[checked];
        if (row < 0 || (uint64_t)row >= r->n_rows) {
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: %s: row %" PRId64 ", expected one of the store's %zu rows",
                          r->path, name, row, r->n_rows);
            break;
        }
        if (r->seen[row])
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: %s: row %" PRId64 " stands twice", r->path, name, row);
        r->seen[row] = 1;
    }
    for (size_t i = 0; i < checked; i++)
        r->seen[rows[i]] = 0;
    return st;
}

static mdp_status read_rows(struct draws_reader *r, const char *group, const char *side, int64_t **rows,
                            size_t *n, struct mdp_error *err)
{
    struct mdp_text name = {0};
    struct mdp_h5_shape shape;

    mdp_text_add(&name, "%s/%s", group, side);
    mdp_status st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_h5_shape_of(r->file, name.at, &shape, err);
    if (st != MDP_OK)
        goto out;
    if (shape.rank != 1 || shape.type == MDP_H5_STRING || shape.type == MDP_H5_F32 ||
        shape.type == MDP_H5_F64)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected a list of whole numbers", r->path, name.at);
    else if (shape.dims[0] > r->n_rows)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: %s: %zu rows, but the store has %zu", r->path, name.at,
                      shape.dims[0], r->n_rows);
    if (st != MDP_OK)
        goto out;
    *n = shape.dims[0];
    *rows = mdp_new_array(*n, sizeof **rows, err, &st);
    if (st == MDP_OK && *n)
        st = mdp_h5_read_rows(r->file, name.at, MDP_H5_I64, 0, *n, *rows, err);
    if (st == MDP_OK)
        st = check_rows(r, name.at, *rows, *n, err);
out:
    mdp_text_release(&name);
    return st;
}

/* One copy of query rows that are those of the first episode. */
static void share_query(struct mdp_draws *draws, struct mdp_draw *draw)
{
    const struct mdp_draw *first = &draws->at[0];

    if (!draws->shared_query) {
        draws->shared_query = draw->query;
        return;
    }
    if (draw->n_query == first->n_query && draw->n_query &&
        memcmp(draw->query, first->query, draw->n_query * sizeof *draw->query) == 0) {
        free(draw->query);
        draw->query = draws->shared_query;
    }
}

static mdp_status read_episode(struct draws_reader *r, const char *group, bool has_val, struct mdp_error *err)
{
    struct mdp_draws *draws = r->draws;
    mdp_status st = mdp_grow(&draws->at, &r->capacity, draws->n + 1, sizeof *draws->at, err);

    if (st != MDP_OK)
        return st;
    struct mdp_draw *draw = &draws->at[draws->n++];
    *draw = (struct mdp_draw){.has_val = has_val};
    if (!mdp_episode_key_parse(group + 1, &draw->key))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: the name of the group %s is longer than %zu bytes", r->path,
                        group, sizeof draw->key.name - 1);
    st = read_rows(r, group, "support", &draw->support, &draw->n_support, err);
    if (st == MDP_OK && has_val)
        st = read_rows(r, group, "val", &draw->val, &draw->n_val, err);
    if (st == MDP_OK)
        st = read_rows(r, group, "query", &draw->query, &draw->n_query, err);
    if (st == MDP_OK && (draw->n_support == 0 || draw->n_query == 0))
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: %s/%s has no rows", r->path, group,
                      draw->n_support ? "query" : "support");
    if (st == MDP_OK)
        share_query(draws, draw);
    return st;
}

static mdp_status read_group(void *reader, const struct mdp_h5_group *group, struct mdp_error *err)
{
    if (!group->path[0] || !mdp_h5_group_has(group, "support") || !mdp_h5_group_has(group, "query"))
        return MDP_OK;
    return read_episode(reader, group->path, mdp_h5_group_has(group, "val"), err);
}

mdp_status mdp_draws_read(const char *path, const struct mdp_store_info *info, struct mdp_draws *draws,
                          struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    mdp_status st = mdp_h5_open(path, &file, err);
    struct draws_reader r = {.file = file, .path = path, .n_rows = info->n, .draws = draws};

    *draws = (struct mdp_draws){0};
    if (st != MDP_OK)
        return st;
    st = mdp_store_mark_check(file, path, info, &draws->names_store, err);
    r.seen = mdp_new_array(info->n, 1, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_visit_groups(file, path, read_group, &r, err);
    if (st == MDP_OK && draws->n == 0)
        st = mdp_fail(err, MDP_ERR_MISSING, "%s: no group with support and query", path);
    mdp_draws_sort(draws);
    if (st != MDP_OK)
        mdp_draws_release(draws);
    free(r.seen);
    mdp_h5_close(file);
    return st;
}
