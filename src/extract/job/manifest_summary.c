/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/manifest_summary.h"

#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 12, MOST_PAIRS = 3 }; /* listed; of more, their number is said */

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void add_name(struct mdp_text *out, const char *name)
{
    mdp_text_add(out, "'");
    mdp_text_add_printable(out, name);
    mdp_text_add(out, "'");
}

/* "'a' 3, 'b' 4" of names in order of appearance with `counts`. */
static void add_counted(struct mdp_text *out, const char *const names[], const size_t counts[], size_t n)
{
    for (size_t i = 0; i < n && i < MOST_NAMES; i++) {
        mdp_text_add(out, i ? ", " : "");
        add_name(out, names[i]);
        mdp_text_add(out, " %zu", counts[i]);
    }
    if (n > MOST_NAMES)
        mdp_text_add(out, ", and %zu more", n - MOST_NAMES);
}

static void add_attributes(struct mdp_text *out, const struct mdp_manifest *m)
{
    for (size_t a = 0; a < m->n_attributes && a < MOST_NAMES; a++) {
        mdp_text_add(out, a ? ", " : "");
        add_name(out, m->attributes[a].name);
    }
    if (m->n_attributes > MOST_NAMES)
        mdp_text_add(out, ", and %zu more", m->n_attributes - MOST_NAMES);
}

/* --- facts --- */

static size_t count_empty(const char *const names[], size_t n)
{
    size_t empty = 0;

    for (size_t row = 0; row < n; row++)
        empty += !*names[row];
    return empty;
}

static size_t count_unlabelled(const struct mdp_manifest *m)
{
    size_t n = 0;

    for (size_t row = 0; m->labels && row < m->n; row++)
        n += m->labels[row] < 0;
    return n;
}

static mdp_status add_classes(struct mdp_text *out, const struct mdp_manifest *m, struct mdp_error *err)
{
    size_t unlabelled = count_unlabelled(m);
    mdp_status st = MDP_OK;
    size_t *counts = mdp_new_array(m->n_classes, sizeof *counts, err, &st);

    if (!counts)
        return st;
    for (size_t row = 0; m->labels && row < m->n; row++)
        if (m->labels[row] >= 0)
            counts[m->labels[row]]++;
    mdp_text_add(out, "%s", m->n_classes ? ": " : "; no labels");
    add_counted(out, m->class_names, counts, m->n_classes);
    if (m->n_classes && unlabelled)
        mdp_text_add(out, ", %zu without a label", unlabelled);
    if (m->n_targets)
        mdp_text_add(out, "; %zu columns of --labels", m->n_targets);
    free(counts);
    return MDP_OK;
}

/* Numbers of equal names and how often each of them stands there: *n of them; names that are empty are left out. */
static mdp_status count_names(const char *const names[], size_t rows, const char *found[], size_t counts[],
                              size_t *n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_placed_name *sorted = mdp_names_sort(names, rows, err, &st);

    *n = 0;
    for (size_t i = 0; sorted && i < rows; i++) {
        if (!*sorted[i].name)
            continue;
        if (*n == 0 || strcmp(found[*n - 1], sorted[i].name) != 0) {
            found[*n] = sorted[i].name;
            counts[(*n)++] = 0;
        }
        counts[*n - 1]++;
    }
    free(sorted);
    return st;
}

static mdp_status add_groups(struct mdp_text *out, const struct mdp_manifest *m, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char **found = mdp_new_array(m->n, sizeof *found, err, &st);
    size_t *counts = mdp_new_array(m->n, sizeof *counts, err, &st), n = 0;

    if (st == MDP_OK && m->patient_ids)
        st = count_names(m->patient_ids, m->n, found, counts, &n, err);
    if (n)
        mdp_text_add(out, "; %zu patient%s", n, plural(n));
    else
        mdp_text_add(out, "; patients not known (%s column 'patient_id')", m->patient_ids ? "empty" : "no");
    if (n && count_empty(m->patient_ids, m->n))
        mdp_text_add(out, ", %zu row%s without one", count_empty(m->patient_ids, m->n),
                     plural(count_empty(m->patient_ids, m->n)));
    n = 0;
    if (st == MDP_OK && m->splits)
        st = count_names(m->splits, m->n, found, counts, &n, err);
    mdp_text_add(out, "; %s", n ? "splits " : "no splits");
    if (st == MDP_OK)
        add_counted(out, found, counts, n);
    if (n && count_empty(m->splits, m->n))
        mdp_text_add(out, ", %zu row%s in none", count_empty(m->splits, m->n),
                     plural(count_empty(m->splits, m->n)));
    free(found);
    free(counts);
    return st;
}

static mdp_status add_facts(struct mdp_text *out, const struct mdp_manifest *m, struct mdp_error *err)
{
    mdp_text_add_printable(out, m->file);
    mdp_text_add(out, ": %zu row%s", m->n, plural(m->n));
    TRY(add_classes(out, m, err));
    TRY(add_groups(out, m, err));
    mdp_text_add(out, "\n");
    if (m->n_attributes) {
        mdp_text_add(out, "columns carried along: ");
        add_attributes(out, m);
        mdp_text_add(out, "\n");
    }
    return MDP_OK;
}

/* --- warnings --- */

/* `name` without what people vary: case, blanks, '_' and '-'. */
static char *fold(const char *name, struct mdp_error *err, mdp_status *st)
{
    char *folded = mdp_copy_string(name, err, st), *to = folded;

    for (const char *c = name; folded && *c; c++)
        if (!strchr(" \t_-", *c))
            *to++ = (char)tolower((unsigned char)*c);
    if (folded)
        *to = '\0';
    return folded;
}

/* Columns that are nearly called as one that medprobe reads and the table lacks. */
static mdp_status warn_of_columns(struct mdp_text *out, const struct mdp_manifest *m, struct mdp_error *err)
{
    const struct {
        const char *folded, *name;
        bool there;
    } known[] = {{"label", "label", m->labels},
                 {"labels", "label", m->labels},
                 {"patientid", "patient_id", m->patient_ids},
                 {"patient", "patient_id", m->patient_ids},
                 {"split", "split", m->splits},
                 {"splits", "split", m->splits},
                 {"id", "id", m->n && m->ids[0] != m->paths[0]}};
    mdp_status st = MDP_OK;

    for (size_t a = 0; a < m->n_attributes && st == MDP_OK; a++) {
        char *folded = fold(m->attributes[a].name, err, &st);
        for (size_t k = 0; folded && k < sizeof known / sizeof *known; k++) {
            if (known[k].there || strcmp(folded, known[k].folded) != 0)
                continue;
            mdp_text_add(out, "column ");
            add_name(out, m->attributes[a].name);
            mdp_text_add(out, " is not read: call it '%s' if that is meant\n", known[k].name);
        }
        free(folded);
    }
    return st;
}

static void warn_of_labels(struct mdp_text *out, const struct mdp_manifest *m)
{
    size_t unlabelled = count_unlabelled(m);

    if (!m->labels && m->n_targets == 0 && m->n_attributes) {
        mdp_text_add(out, "no column 'label', so there are no classes to probe; other columns are ");
        add_attributes(out, m);
        mdp_text_add(out, "\n");
    } else if (m->labels && unlabelled == m->n && m->n) {
        mdp_text_add(out, "column 'label' is empty, so there are no classes to probe\n");
    } else if (unlabelled) {
        mdp_text_add(out, "%zu of %zu rows have no label: they get an embedding, but probe leaves them out\n",
                     unlabelled, m->n);
    }
}

/* Without blanks around it and in lower case. */
static char *trim(const char *name, struct mdp_error *err, mdp_status *st)
{
    const char *start = name + strspn(name, " \t");
    size_t n = strlen(start);

    while (n && strchr(" \t", start[n - 1]))
        n--;
    char *copy = mdp_new_array(n + 1, 1, err, st);
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = (char)tolower((unsigned char)start[i]);
    return copy;
}

/* Classes that are one but for case or blanks around the name. */
static mdp_status warn_of_classes(struct mdp_text *out, const struct mdp_manifest *m, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t pairs = 0, made = 0;
    char **trimmed = mdp_new_array(m->n_classes, sizeof *trimmed, err, &st);

    for (; st == MDP_OK && made < m->n_classes; made++)
        trimmed[made] = trim(m->class_names[made], err, &st);
    struct mdp_placed_name *sorted =
        st == MDP_OK ? mdp_names_sort((const char *const *)trimmed, m->n_classes, err, &st) : NULL;
    for (size_t i = 1; sorted && i < m->n_classes; i++) {
        if (strcmp(sorted[i - 1].name, sorted[i].name) != 0 || pairs++ >= MOST_PAIRS)
            continue;
        mdp_text_add(out, "classes ");
        add_name(out, m->class_names[sorted[i - 1].at]);
        mdp_text_add(out, " and ");
        add_name(out, m->class_names[sorted[i].at]);
        mdp_text_add(out, " differ in nothing but case or blanks\n");
    }
    if (pairs > MOST_PAIRS)
        mdp_text_add(out, "and so do %zu more pairs of classes\n", pairs - MOST_PAIRS);
    free(sorted);
    for (size_t c = 0; c < made; c++)
        free(trimmed[c]);
    free(trimmed);
    return st;
}

/* Splits that are called nearly, or by another word, as those that probe looks for. */
static mdp_status warn_of_splits(struct mdp_text *out, const struct mdp_manifest *m, struct mdp_error *err)
{
    static const char *const words[] = {"train", "val", "test", "training", "valid", "validation", "testing"};
    static const char *const meant[] = {"train", "val", "test", "train", "val", "val", "test"};
    const size_t n_words = sizeof words / sizeof *words;
    mdp_status st = MDP_OK;
    const char **found = mdp_new_array(m->n, sizeof *found, err, &st);
    size_t *counts = mdp_new_array(m->n, sizeof *counts, err, &st), n = 0;

    if (st == MDP_OK && m->splits)
        st = count_names(m->splits, m->n, found, counts, &n, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        char *trimmed = trim(found[i], err, &st);
        size_t k = trimmed ? mdp_name_index(trimmed, words, n_words) : n_words;
        free(trimmed);
        if (k == n_words || strcmp(found[i], meant[k]) == 0)
            continue;
        mdp_text_add(out, "split ");
        add_name(out, found[i]);
        mdp_text_add(out, " is not '%s', which probe looks for: call it that, or tell probe by --%s-split\n",
                     meant[k], meant[k]);
    }
    free(found);
    free(counts);
    return st;
}

static mdp_status warn_of_patients(struct mdp_text *out, const struct mdp_manifest *m, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t torn = 0;
    struct mdp_placed_name *sorted =
        m->patient_ids && m->splits ? mdp_names_sort(m->patient_ids, m->n, err, &st) : NULL;
    const char *split = "", *patient = "", *one = "", *other = ""; /* of the first torn patient */
    bool counted = false;                                          /* the patient at hand */

    for (size_t i = 0; sorted && i < m->n; i++) {
        const char *here = m->splits[sorted[i].at];
        if (i == 0 || strcmp(sorted[i - 1].name, sorted[i].name) != 0) {
            split = "";
            counted = false;
        }
        if (*sorted[i].name && *split && *here && strcmp(split, here) != 0 && !counted) {
            counted = true;
            if (torn++ == 0) {
                patient = sorted[i].name;
                one = split;
                other = here;
            }
        }
        split = *here ? here : split;
    }
    free(sorted);
    if (torn == 0)
        return st;
    mdp_text_add(out, "patient ");
    add_name(out, patient);
    mdp_text_add(out, " is in splits ");
    add_name(out, one);
    mdp_text_add(out, " and ");
    add_name(out, other);
    if (torn > 1)
        mdp_text_add(out, ", and %zu more patient%s in several", torn - 1, torn == 2 ? " is" : "s are");
    mdp_text_add(out, ": probe will refuse that\n");
    return st;
}

mdp_status mdp_manifest_summary_init(struct mdp_manifest_summary *s, const struct mdp_manifest *m,
                                     struct mdp_error *err)
{
    *s = (struct mdp_manifest_summary){0};
    TRY(add_facts(&s->facts, m, err));
    TRY(warn_of_columns(&s->warnings, m, err));
    warn_of_labels(&s->warnings, m);
    TRY(warn_of_classes(&s->warnings, m, err));
    TRY(warn_of_splits(&s->warnings, m, err));
    TRY(warn_of_patients(&s->warnings, m, err));
    TRY(mdp_text_status(&s->facts, err));
    return mdp_text_status(&s->warnings, err);
}

/* Case, blanks, '_', '-' and the s of a plural do not count. */
static bool sounds_normal(const char *name)
{
    static const char *const words[] = {"normal",  "healthy",   "negative",    "nofinding",
                                        "control", "nodisease", "unremarkable"};
    char folded[16];
    size_t n = 0;

    for (const char *c = name; *c; c++) {
        if (strchr(" \t_-", *c))
            continue;
        if (n + 1 == sizeof folded)
            return false;
        folded[n++] = (char)tolower((unsigned char)*c);
    }
    n -= n && folded[n - 1] == 's';
    folded[n] = '\0';
    return mdp_name_index(folded, words, sizeof words / sizeof *words) < sizeof words / sizeof *words;
}

bool mdp_manifest_positive_sounds_normal(const struct mdp_manifest *m)
{
    return m->n_classes == 2 && sounds_normal(m->class_names[1]) && !sounds_normal(m->class_names[0]);
}

void mdp_manifest_summary_release(struct mdp_manifest_summary *s)
{
    mdp_text_release(&s->facts);
    mdp_text_release(&s->warnings);
}
