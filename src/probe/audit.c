/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/audit.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "probe/probed_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST = 32 };

struct mdp_audit {
    const struct mdp_store_info *info;
    size_t *patient; /* [N]: the smallest row of the same patient; NULL: out of account */
    size_t *file;    /* [N]: the smallest row of the same bytes; NULL: not known */
};

struct keyed_row {
    const void *key;
    size_t row;
};

static int by_text(const void *left, const void *right)
{
    const struct keyed_row *a = left, *b = right;
    int order = strcmp(a->key, b->key);

    return order ? order : (a->row > b->row) - (a->row < b->row);
}

static int by_digest(const void *left, const void *right)
{
    const struct keyed_row *a = left, *b = right;
    int order = memcmp(a->key, b->key, DIGEST);

    return order ? order : (a->row > b->row) - (a->row < b->row);
}

/* The smallest row with the same key, for every row; a row whose key is `unknown` stands for itself. */
static mdp_status group_rows(struct keyed_row rows[], size_t n, int (*compare)(const void *, const void *),
                             const void *unknown, size_t unknown_size, size_t **smallest,
                             struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *smallest = mdp_new_array(n, sizeof **smallest, err, &st);
    if (st != MDP_OK)
        return st;
    qsort(rows, n, sizeof *rows, compare);
    for (size_t i = 0; i < n; i++) {
        struct keyed_row before = i ? rows[i - 1] : rows[i];
        before.row = rows[i].row; /* equal keys compare as equal */
        bool same =
            i > 0 && compare(&before, &rows[i]) == 0 && memcmp(rows[i].key, unknown, unknown_size) != 0;
        (*smallest)[rows[i].row] = same ? (*smallest)[rows[i - 1].row] : rows[i].row;
    }
    return MDP_OK;
}

mdp_status mdp_audit_new(const struct mdp_store_info *info, bool by_patient, struct mdp_audit **out,
                         struct mdp_error *err)
{
    static const uint8_t no_digest[DIGEST];
    mdp_status st = MDP_OK;
    struct mdp_audit *audit = mdp_new_array(1, sizeof *audit, err, &st);
    struct keyed_row *rows = mdp_new_array(info->n, sizeof *rows, err, &st);

    *out = NULL;
    if (st != MDP_OK)
        goto out;
    audit->info = info;
    if (by_patient && info->patient_ids) {
        for (size_t i = 0; i < info->n; i++)
            rows[i] = (struct keyed_row){info->patient_ids[i], i};
        st = group_rows(rows, info->n, by_text, "", 1, &audit->patient, err);
    }
    if (st == MDP_OK && info->sha256) {
        for (size_t i = 0; i < info->n; i++)
            rows[i] = (struct keyed_row){info->sha256 + i * DIGEST, i};
        st = group_rows(rows, info->n, by_digest, no_digest, DIGEST, &audit->file, err);
    }
out:
    free(rows);
    if (st != MDP_OK)
        mdp_audit_free(audit);
    else
        *out = audit;
    return st;
}

void mdp_audit_free(struct mdp_audit *audit)
{
    if (!audit)
        return;
    free(audit->patient);
    free(audit->file);
    free(audit);
}

mdp_status mdp_audit_splits(const struct mdp_audit *audit, const char *const splits[], size_t n,
                            struct mdp_error *err)
{
    const struct mdp_store_info *info = audit->info;
    mdp_status st = MDP_OK;

    if (!audit->patient || !info->splits || !info->labels)
        return MDP_OK;
    size_t *first =
        mdp_new_array(info->n, sizeof *first, err, &st); /* 1 + a row of the patient that is used */
    for (size_t i = 0; i < info->n && st == MDP_OK; i++) {
        bool used = false;
        for (size_t j = 0; j < n; j++)
            used = used || strcmp(info->splits[i], splits[j]) == 0;
        if (!used || info->labels[i] < 0)
            continue;
        size_t *other = &first[audit->patient[i]];
        if (*other && strcmp(info->splits[*other - 1], info->splits[i]) != 0)
            st = mdp_fail(
                err, MDP_ERR_CHECK,
                "%s: patient '%s' is in two splits: id '%s' (row %zu) in '%s', id '%s' (row %zu) in '%s' "
                "(mend the manifest: a patient belongs to one split)",
                info->path, info->patient_ids[i], info->ids[*other - 1], *other - 1, info->splits[*other - 1],
                info->ids[i], i, info->splits[i]);
        else if (!*other)
            *other = i + 1;
    }
    free(first);
    return st;
}

/* The lists of an episode. */
enum { SUPPORT, VAL, HELD, QUERY, SIDES };

struct side {
    const char *name;
    const int64_t *rows;
    size_t n;
};

static mdp_status fail_leak(const struct mdp_audit *audit, const struct mdp_draw *draw, const char *what,
                            const struct side *a, size_t row_a, const struct side *b, size_t row_b,
                            struct mdp_error *err)
{
    const struct mdp_store_info *info = audit->info;

    return mdp_fail(err, MDP_ERR_CHECK,
                    "%s: %s: %s on both sides: %s id '%s' (row %zu), %s id '%s' (row %zu)", info->path,
                    draw->key.name, what, a->name, info->ids[row_a], row_a, b->name, info->ids[row_b], row_b);
}

/* Every row is one of the store's, has a label and stands once in the episode. */
static mdp_status check_rows(const struct mdp_audit *audit, const struct mdp_draw *draw,
                             const struct side sides[SIDES], size_t mark[], struct mdp_error *err)
{
    const struct mdp_store_info *info = audit->info;

    memset(mark, 0, info->n * sizeof *mark);
    for (size_t s = 0; s < SIDES; s++)
        for (size_t i = 0; i < sides[s].n; i++) {
            int64_t row = sides[s].rows[i];
            if (row < 0 || (uint64_t)row >= info->n)
                return mdp_fail(err, MDP_ERR_VALUE,
                                "%s: %s: %s row %" PRId64 ", expected one of the store's %zu rows",
                                info->path, draw->key.name, sides[s].name, row, info->n);
            if (info->labels[row] < 0)
                return mdp_fail(err, MDP_ERR_VALUE, "%s: %s: %s id '%s' (row %" PRId64 ") has no label",
                                info->path, draw->key.name, sides[s].name, info->ids[row], row);
            if (audit->patient && !info->patient_ids[row][0])
                return mdp_fail_no_patient(info, (size_t)row, err);
            if (mark[row] && !(mark[row] == VAL + 1 && s == HELD)) /* both are looked at for C alone */
                return fail_leak(audit, draw, "a row", &sides[mark[row] - 1], (size_t)row, &sides[s],
                                 (size_t)row, err);
            mark[row] = s + 1;
        }
    return MDP_OK;
}

/* No key (patient or file) of a[] is one of b[]. mark: zeros at the start, left dirty. */
static mdp_status check_keys(const struct mdp_audit *audit, const struct mdp_draw *draw, const size_t key[],
                             const char *what, const struct side *a, const struct side *b, size_t mark[],
                             struct mdp_error *err)
{
    if (!key || a->n == 0 || b->n == 0)
        return MDP_OK;
    memset(mark, 0, audit->info->n * sizeof *mark);
    for (size_t i = 0; i < a->n; i++)
        mark[key[a->rows[i]]] = (size_t)a->rows[i] + 1;
    for (size_t i = 0; i < b->n; i++) {
        size_t found = mark[key[b->rows[i]]];
        if (found)
            return fail_leak(audit, draw, what, a, found - 1, b, (size_t)b->rows[i], err);
    }
    return MDP_OK;
}

mdp_status mdp_audit_draw(const struct mdp_audit *audit, const struct mdp_draw *draw, const int64_t held[],
                          size_t n_held, struct mdp_error *err)
{
    const struct side sides[SIDES] = {[SUPPORT] = {"support", draw->support, draw->n_support},
                                      [VAL] = {"val", draw->val, draw->n_val},
                                      [HELD] = {"val", held, n_held},
                                      [QUERY] = {"query", draw->query, draw->n_query}};
    static const int apart[][2] = {
        {SUPPORT, QUERY}, {VAL, QUERY}, {HELD, QUERY}, {SUPPORT, VAL}, {SUPPORT, HELD}};
    mdp_status st = MDP_OK;
    size_t *mark = mdp_new_array(audit->info->n, sizeof *mark, err, &st);

    if (st == MDP_OK)
        st = check_rows(audit, draw, sides, mark, err);
    for (size_t i = 0; i < sizeof apart / sizeof apart[0] && st == MDP_OK; i++)
        st = check_keys(audit, draw, audit->patient, "a patient", &sides[apart[i][0]], &sides[apart[i][1]],
                        mark, err);
    for (size_t i = 0; i < sizeof apart / sizeof apart[0] && st == MDP_OK; i++)
        if (apart[i][1] == QUERY)
            st = check_keys(audit, draw, audit->file, "the same file", &sides[apart[i][0]], &sides[QUERY],
                            mark, err);
    free(mark);
    return st;
}

struct audit_work {
    const struct mdp_audit *audit;
    const struct mdp_draws *draws;
    const int64_t *held;
    size_t n_held;
};

static mdp_status audit_item(void *context, size_t i, size_t worker, struct mdp_error *err)
{
    const struct audit_work *work = context;

    (void)worker;
    return mdp_audit_draw(work->audit, &work->draws->at[i], work->held, work->n_held, err);
}

mdp_status mdp_audit_draws(const struct mdp_audit *audit, const struct mdp_draws *draws, const int64_t held[],
                           size_t n_held, size_t threads, struct mdp_error *err)
{
    struct audit_work work = {.audit = audit, .draws = draws, .held = held, .n_held = n_held};

    return mdp_parallel(draws->n, threads, audit_item, &work, err);
}

mdp_status mdp_audit_count_patients(const struct mdp_audit *audit, const int64_t rows[], size_t n,
                                    size_t *count, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *count = 0;
    if (!audit->patient)
        return MDP_OK;
    bool *seen = mdp_new_array(audit->info->n, sizeof *seen, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        size_t patient = audit->patient[rows[i]];
        *count += !seen[patient];
        seen[patient] = true;
    }
    free(seen);
    return st;
}
