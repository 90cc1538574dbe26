/* SPDX-License-Identifier: BSD-3-Clause */
#include "set.h"

#include "base/memory.h"

#include <stdlib.h>

enum { STREAM_COUNT = 5, STREAM_CLASS = 6, STREAM_SPLIT = 7 };

mdp_status set_init(struct set *set, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct chance c = chance_stream(set->cohort.seed, STREAM_COUNT, 0, 0);
    size_t *count = mdp_new_array(set->patients, sizeof *count, err, &st);

    set->rows = NULL;
    if (!count || !(set->rows = mdp_new_array(set->n, sizeof *set->rows, err, &st)))
        goto out;
    for (size_t i = 0; i < set->n; i++) /* one each, the rest by chance */
        count[i < set->patients ? i : chance_below(&c, set->patients)]++;
    size_t row = 0;
    for (size_t p = 0; p < set->patients; p++)
        for (size_t k = 0; k < count[p]; k++)
            set->rows[row++] = (struct row){.patient = p, .picture = k};
out:
    free(count);
    return st;
}

void set_release(struct set *set)
{
    free(set->rows);
    set->rows = NULL;
}

/* Classes are dealt out evenly along the patients: the k-th patient that is not normal is where the share
   passes k. */
static bool is_ill(const struct set *set, size_t index)
{
    return (size_t)((double)(index + 1) * set->prevalence) > (size_t)((double)index * set->prevalence);
}

/* The class of patient `index` under TASK_FINDINGS; FINDINGS means normal. */
static enum finding finding_of(const struct set *set, size_t index)
{
    return is_ill(set, index) ? (enum finding)((size_t)((double)index * set->prevalence) % FINDINGS)
                              : FINDINGS;
}

struct patient set_patient(const struct set *set, size_t index)
{
    const struct cohort *cohort = &set->cohort;
    struct patient p = patient_draw(cohort, index);
    struct chance c = chance_stream(p.key, STREAM_CLASS, 0, 0);

    if (set->task == TASK_FINDINGS && finding_of(set, index) != FINDINGS)
        patient_add_finding(&p, cohort, finding_of(set, index));
    if (set->task == TASK_TB && is_ill(set, index)) {
        patient_add_finding(&p, cohort, CAVITY);
        if (chance_yes(&c, 0.12))
            patient_add_finding(&p, cohort, EFFUSION);
        if (chance_yes(&c, 0.12))
            patient_add_finding(&p, cohort, NODULES);
    }
    if (set->task == TASK_MULTI && is_ill(set, index))
        for (int f = 0; f < FINDINGS; f++)
            if (chance_yes(&c, 0.36))
                patient_add_finding(&p, cohort, (enum finding)f);
    return p;
}

struct shot set_shot(const struct set *set, const struct patient *p, size_t row)
{
    return shot_draw(&set->cohort, p, set->rows[row].picture, is_ill(set, set->rows[row].patient));
}

static const char *label_of(const struct set *set, size_t patient)
{
    if (!is_ill(set, patient))
        return "normal";
    return set->task == TASK_TB ? "tuberculosis" : finding_names[finding_of(set, patient)];
}

/* Six of ten patients train, one validates, three test; the same shares inside every class, up to rounding.
 */
static const char *split_of(const struct set *set, size_t patient)
{
    static const char deck[] = "aaaaaavttt";
    size_t classes = set->task == TASK_FINDINGS ? FINDINGS : 1;
    size_t before = (size_t)((double)patient * set->prevalence); /* ill patients so far */
    bool ill = is_ill(set, patient);
    size_t rank = ill ? before / classes : patient - before; /* of this patient inside his class */
    size_t class_index = ill ? 1 + before % classes : 0;
    struct chance c = chance_stream(set->cohort.seed, STREAM_SPLIT, class_index, rank / 10);
    char cards[10];

    for (size_t i = 0; i < 10; i++) {
        size_t j = chance_below(&c, i + 1);
        cards[i] = cards[j];
        cards[j] = deck[i];
    }
    char card = cards[rank % 10];
    return card == 'a' ? "train" : card == 'v' ? "val" : "test";
}

void set_path(const struct set *set, size_t row, enum picture_format format, struct mdp_text *out)
{
    mdp_text_add(out, "images/p%05zu_%zu.%s", set->rows[row].patient, set->rows[row].picture,
                 format == JPEG ? "jpg" : "png");
}

/* "upper_lobe_cavity:right:upper:0.73|nodules:0.40", or "none"; nodules and a large heart have no one place.
 */
static void add_findings(const struct patient *p, struct mdp_text *out)
{
    const char *separator = "";

    for (int f = 0; f < FINDINGS; f++) {
        const struct lesion *l = &p->lesion[f];

        if (l->severity <= 0)
            continue;
        mdp_text_add(out, "%s%s:", separator, finding_names[f]);
        if (f != NODULES && f != CARDIOMEGALY)
            mdp_text_add(out, "%s:%s:", side_names[l->side], zone_names[l->zone]);
        mdp_text_add(out, "%.2f", l->severity);
        separator = "|";
    }
    if (!*separator)
        mdp_text_add(out, "none");
}

static void add_row(const struct set *set, size_t row, struct mdp_text *out)
{
    size_t index = set->rows[row].patient;
    struct patient p = set_patient(set, index);
    struct shot s = set_shot(set, &p, row);
    double worst = 0;

    set_path(set, row, s.format, out);
    mdp_text_add(out, ",p%05zu_%zu", index, set->rows[row].picture);
    if (set->task != TASK_MULTI)
        mdp_text_add(out, ",%s", label_of(set, index));
    for (int f = 0; f < FINDINGS; f++)
        worst = p.lesion[f].severity > worst ? p.lesion[f].severity : worst;
    mdp_text_add(out, ",p%05zu,%s,%s,%d,%s,site-%c,%.2f,%.2f,", index, split_of(set, index),
                 p.female ? "F" : "M", p.age, s.ap ? "AP" : "PA", (char)('a' + (char)s.site), s.exposure,
                 worst);
    add_findings(&p, out);
    for (int f = 0; f < FINDINGS; f++)
        mdp_text_add(out, ",%d", p.lesion[f].severity > 0);
    mdp_text_add(out, "\n");
}

void set_manifest(const struct set *set, struct mdp_text *out)
{
    mdp_text_add(out, "path,id%s,patient_id,split,sex,age,view,site,exposure,severity,findings",
                 set->task == TASK_MULTI ? "" : ",label");
    for (int f = 0; f < FINDINGS; f++)
        mdp_text_add(out, ",%s", finding_names[f]);
    mdp_text_add(out, "\n");
    for (size_t row = 0; row < set->n; row++)
        add_row(set, row, out);
}
