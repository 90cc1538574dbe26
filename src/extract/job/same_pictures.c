/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/same_pictures.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

/* A picture that could be read, and its row. */
struct picture {
    uint8_t sha256[MDP_SHA256_SIZE];
    size_t row;
};

static int by_bytes_then_row(const void *a, const void *b)
{
    const struct picture *x = a, *y = b;
    int order = memcmp(x->sha256, y->sha256, sizeof x->sha256);

    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static mdp_status read_pictures(struct mdp_workfile *work, struct picture pictures[], size_t *n,
                                struct mdp_error *err)
{
    bool failed;

    *n = 0;
    for (size_t row = 0; row < mdp_workfile_count(work); row++) {
        struct picture *p = &pictures[*n];
        p->row = row;
        TRY(mdp_workfile_sha256(work, row, p->sha256, &failed, err));
        *n += !failed;
    }
    return MDP_OK;
}

/* Whether an episode may have the two on different sides. */
static bool may_part(const struct mdp_manifest *m, size_t a, size_t b)
{
    bool one_patient = m->patient_ids && *m->patient_ids[a] && !strcmp(m->patient_ids[a], m->patient_ids[b]);

    return !one_patient || (m->splits && strcmp(m->splits[a], m->splits[b]) != 0);
}

static bool known_apart(const char *const names[], size_t a, size_t b)
{
    return names && *names[a] && *names[b] && strcmp(names[a], names[b]) != 0;
}

/* The rows of a group of equal pictures, of which the first and another may part. */
struct found {
    size_t rows;         /* of all such groups */
    size_t first, other; /* of the group that begins first */
    bool across;         /* these are known to be of two patients or splits */
};

static void count_group(const struct mdp_manifest *m, const struct picture group[], size_t n, struct found *f)
{
    for (size_t i = 1; i < n; i++) {
        if (!may_part(m, group[0].row, group[i].row))
            continue;
        if (f->rows == 0 || group[0].row < f->first) {
            f->first = group[0].row;
            f->other = group[i].row;
            f->across =
                known_apart(m->patient_ids, f->first, f->other) || known_apart(m->splits, f->first, f->other);
        }
        f->rows += n;
        return;
    }
}

mdp_status mdp_same_pictures_add(struct mdp_workfile *work, const struct mdp_manifest *m,
                                 struct mdp_text *out, struct mdp_error *err)
{
    struct found f = {0};
    size_t n = 0;
    mdp_status st = MDP_OK;
    struct picture *pictures = mdp_new_array(m->n, sizeof *pictures, err, &st);

    if (st == MDP_OK)
        st = read_pictures(work, pictures, &n, err);
    if (st == MDP_OK)
        qsort(pictures, n, sizeof *pictures, by_bytes_then_row);
    for (size_t i = 0, end; i < n && st == MDP_OK; i = end) {
        for (end = i + 1; end < n && !memcmp(pictures[i].sha256, pictures[end].sha256, MDP_SHA256_SIZE);)
            end++;
        count_group(m, pictures + i, end - i, &f);
    }
    free(pictures);
    if (st != MDP_OK || f.rows == 0)
        return st;
    mdp_text_add(out, "%zu rows share a picture, byte for byte%s (first lines %zu and %zu of ", f.rows,
                 f.across ? ", across patients or splits" : "", mdp_manifest_line(m, f.first),
                 mdp_manifest_line(m, f.other));
    mdp_text_add_printable(out, m->file);
    mdp_text_add(out, "): keep one of each, or probe refuses an episode that has one on either side\n");
    return mdp_text_status(out, err);
}
