/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of phantoms: which patients with which findings, in which split, and the table that says so. */
#ifndef PHANTOM_SET_H
#define PHANTOM_SET_H

#include "base/text.h"
#include "medprobe/status.h"
#include "subject.h"

enum task {
    TASK_TB,       /* label: normal or tuberculosis */
    TASK_FINDINGS, /* label: normal or one of the five findings */
    TASK_MULTI,    /* no label: any findings together, one column each */
    TASKS
};

/* One row of the manifest. */
struct row {
    size_t patient, picture; /* picture: counts the patient's own, from 0 */
};

struct set {
    struct cohort cohort;
    enum task task;
    size_t n, patients;
    double prevalence; /* share of patients that are not normal */
    struct row *rows;  /* [n], patient after patient */
};

/* Deals the pictures out to the patients. set->cohort, task, n, patients and prevalence are filled in. */
mdp_status set_init(struct set *set, struct mdp_error *err);
void set_release(struct set *set);

/* Patient `index` with the findings that the task gives him. */
struct patient set_patient(const struct set *set, size_t index);
struct shot set_shot(const struct set *set, const struct patient *p, size_t row);

/* "images/p00012_1.jpg" */
void set_path(const struct set *set, size_t row, enum picture_format format, struct mdp_text *out);

void set_manifest(const struct set *set, struct mdp_text *out);

#endif
