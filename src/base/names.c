/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/names.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Levenshtein distance of two names of at most NAME_MAX_LENGTH bytes; longer ones are as far apart as can be.
 */
enum { NAME_MAX_LENGTH = 64 };

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LENGTH + 1];
    size_t n = strlen(a), m = strlen(b);

    if (n > NAME_MAX_LENGTH || m > NAME_MAX_LENGTH)
        return NAME_MAX_LENGTH;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *mdp_nearest_name(const char *name, const char *const names[], size_t n)
{
    const char *nearest = NULL;
    size_t limit = (strlen(name) + 1) / 3;
    size_t best = (limit ? limit : 1) + 1;

    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(name, names[i]);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

size_t mdp_name_index(const char *name, const char *const names[], size_t n)
{
    size_t i = 0;

    while (i < n && strcmp(name, names[i]) != 0)
        i++;
    return i;
}

struct mdp_name_hint mdp_name_hint(const char *name, const char *const names[], size_t n)
{
    struct mdp_name_hint hint;
    const char *nearest = mdp_nearest_name(name, names, n);
    size_t used = 0;

    if (nearest) {
        snprintf(hint.text, sizeof hint.text, "did you mean '%s'?", nearest);
        return hint;
    }
    used = (size_t)snprintf(hint.text, sizeof hint.text, "there %s ", n == 1 ? "is" : "are");
    for (size_t i = 0; i < n && used < sizeof hint.text; i++)
        used += (size_t)snprintf(hint.text + used, sizeof hint.text - used, "%s%s", i ? ", " : "", names[i]);
    if (used >= sizeof hint.text)
        memcpy(hint.text + sizeof hint.text - 4, "...", 4);
    if (n == 0)
        snprintf(hint.text, sizeof hint.text, "there is none");
    return hint;
}

static int by_name(const void *a, const void *b)
{
    const struct mdp_placed_name *x = a, *y = b;
    const int c = strcmp(x->name, y->name);

    return c ? c : (x->at > y->at) - (x->at < y->at);
}

struct mdp_placed_name *mdp_names_sort(const char *const names[], size_t n, struct mdp_error *err,
                                       mdp_status *st)
{
    struct mdp_placed_name *sorted = mdp_new_array(n, sizeof *sorted, err, st);

    for (size_t i = 0; sorted && i < n; i++)
        sorted[i] = (struct mdp_placed_name){names[i], i};
    if (sorted)
        qsort(sorted, n, sizeof *sorted, by_name);
    return sorted;
}

mdp_status mdp_number_names(const char *const names[], size_t n, uint32_t numbers[], size_t *n_numbers,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_placed_name *sorted = mdp_names_sort(names, n, err, &st);

    *n_numbers = 0;
    if (!sorted)
        return st;
    /* First the place of a name's first row, then numbers in the order of rows. */
    for (size_t i = 0, first = 0; i < n; i++) {
        if (i && (!*sorted[i].name || strcmp(sorted[i].name, sorted[first].name) != 0))
            first = i;
        numbers[sorted[i].at] = (uint32_t)sorted[first].at;
    }
    for (size_t i = 0; i < n; i++)
        numbers[i] = numbers[i] == i ? (uint32_t)(*n_numbers)++ : numbers[numbers[i]];
    free(sorted);
    return MDP_OK;
}
