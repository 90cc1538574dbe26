/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/bpe_merges.h"

#include "base/memory.h"
#include "base/try.h"

#include <assert.h>
#include <stdlib.h>

enum {
    MOST_MERGES = 1 << 24,
    MOST_SYMBOLS = 1 << 30,
    MAX_PROBES = 1024 /* slots looked at for one pair; only a list made for it needs more */
};

static const uint32_t none = UINT32_MAX;

struct pair {
    int32_t left, right, merged;
};

struct mdp_bpe_merges {
    struct pair *pairs; /* [room], the first n in use; a pair's place is its rank */
    size_t n, room;
    uint32_t *slots; /* [mask + 1] open addressing: rank + 1, 0 where empty */
    size_t mask;
};

mdp_status mdp_bpe_merges_new(size_t n, struct mdp_bpe_merges **merges, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t slots = 16;

    *merges = NULL;
    if (n > MOST_MERGES)
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu merges (at most %d)", n, MOST_MERGES);
    while (slots < 2 * n)
        slots *= 2;
    struct mdp_bpe_merges *m = mdp_new_array(1, sizeof *m, err, &st);
    if (!m)
        return st;
    m->room = n;
    m->mask = slots - 1;
    m->pairs = mdp_new_array(n, sizeof *m->pairs, err, &st);
    m->slots = mdp_new_array(slots, sizeof *m->slots, err, &st);
    if (st == MDP_OK)
        *merges = m;
    else
        mdp_bpe_merges_free(m);
    return st;
}

void mdp_bpe_merges_free(struct mdp_bpe_merges *merges)
{
    if (!merges)
        return;
    free(merges->pairs);
    free(merges->slots);
    free(merges);
}

static size_t first_slot(const struct mdp_bpe_merges *m, int32_t left, int32_t right)
{
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;

    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return (size_t)(hash >> 32) & m->mask;
}

/* The slot of the pair, or the empty one where it would be; *probes says how many were looked at. */
static size_t find_slot(const struct mdp_bpe_merges *m, int32_t left, int32_t right, size_t *probes)
{
    size_t slot = first_slot(m, left, right);

    for (*probes = 1; m->slots[slot]; slot = (slot + 1) & m->mask, ++*probes) {
        const struct pair *p = &m->pairs[m->slots[slot] - 1];
        if (p->left == left && p->right == right)
            break;
    }
    return slot;
}

mdp_status mdp_bpe_merges_add(struct mdp_bpe_merges *m, int32_t left, int32_t right, int32_t merged,
                              struct mdp_error *err)
{
    size_t probes = 0, slot = find_slot(m, left, right, &probes);

    assert(m->n < m->room && left >= 0 && right >= 0 && merged >= 0);
    if (m->slots[slot])
        return mdp_fail(err, MDP_ERR_FORMAT, "it is merge %u already", m->slots[slot]);
    if (probes > MAX_PROBES)
        return mdp_fail(err, MDP_ERR_LIMIT, "more than %d merges with the same hash", MAX_PROBES);
    m->pairs[m->n++] = (struct pair){left, right, merged};
    m->slots[slot] = (uint32_t)m->n;
    return MDP_OK;
}

/* --- one word --- */

void mdp_bpe_work_release(struct mdp_bpe_work *work)
{
    free(work->links);
    free(work->heap);
    *work = (struct mdp_bpe_work){0};
}

/* The smallest candidate of at[n] to the top: from its place upwards, or from the top downwards. */
static void sift_up(uint64_t at[], size_t i)
{
    uint64_t held = at[i];

    for (; i > 0 && at[(i - 1) / 2] > held; i = (i - 1) / 2)
        at[i] = at[(i - 1) / 2];
    at[i] = held;
}

static void sift_down(uint64_t at[], size_t n)
{
    uint64_t held = at[0];
    size_t i = 0;

    for (size_t child = 1; child < n; child = 2 * i + 1) {
        child += child + 1 < n && at[child + 1] < at[child];
        if (at[child] >= held)
            break;
        at[i] = at[child];
        i = child;
    }
    at[i] = held;
}

struct word {
    const struct mdp_bpe_merges *merges;
    int32_t *ids; /* -1: merged into a place before it */
    uint32_t *before, *behind;
    uint64_t *heap;
    size_t n_heap;
};

/* The symbol at `place` and the one behind it become a candidate when they are in the list. */
static void offer(struct word *w, uint32_t place)
{
    size_t probes = 0;

    if (place == none || w->behind[place] == none)
        return;
    size_t slot = find_slot(w->merges, w->ids[place], w->ids[w->behind[place]], &probes);
    if (!w->merges->slots[slot])
        return;
    w->heap[w->n_heap] = (uint64_t)(w->merges->slots[slot] - 1) << 32 | place;
    sift_up(w->heap, w->n_heap++);
}

/* The best candidate; it may be out of date, when one of its symbols was merged with another since. */
static void take_best(struct word *w)
{
    const uint32_t place = (uint32_t)w->heap[0], behind = w->behind[place];
    const struct pair *p = &w->merges->pairs[w->heap[0] >> 32];

    w->heap[0] = w->heap[--w->n_heap];
    sift_down(w->heap, w->n_heap);
    if (w->ids[place] != p->left || behind == none || w->ids[behind] != p->right)
        return;
    w->ids[place] = p->merged;
    w->ids[behind] = -1;
    w->behind[place] = w->behind[behind];
    if (w->behind[place] != none)
        w->before[w->behind[place]] = place;
    offer(w, w->before[place]);
    offer(w, place);
}

mdp_status mdp_bpe_merge(const struct mdp_bpe_merges *merges, int32_t ids[], size_t *n,
                         struct mdp_bpe_work *work, struct mdp_error *err)
{
    size_t kept = 0;

    if (*n >= MOST_SYMBOLS)
        return mdp_fail(err, MDP_ERR_LIMIT, "a word of %zu symbols", *n);
    TRY(mdp_grow(&work->links, &work->n_links, 2 * *n, sizeof *work->links, err));
    TRY(mdp_grow(&work->heap, &work->n_heap, 3 * *n, sizeof *work->heap, err)); /* a merge offers two */
    struct word w = {merges, ids, work->links, work->links + *n, work->heap, 0};
    for (uint32_t i = 0; i < *n; i++) {
        w.before[i] = i > 0 ? i - 1 : none;
        w.behind[i] = i + 1 < *n ? i + 1 : none;
    }
    for (uint32_t i = 0; i < *n; i++)
        offer(&w, i);
    while (w.n_heap > 0)
        take_best(&w);
    for (size_t i = 0; i < *n; i++)
        if (ids[i] >= 0)
            ids[kept++] = ids[i];
    *n = kept;
    return MDP_OK;
}
