/* SPDX-License-Identifier: BSD-3-Clause */
/* Predictions as a table: columns id, label, score_<class> of every class, and patient_id where there are patients.
   The order of classes is the order of columns; other columns are not read.

   Letters: n rows, K classes. */
#ifndef MDP_EVAL_PREDICTIONS_CSV_H
#define MDP_EVAL_PREDICTIONS_CSV_H

#include "eval/metrics/metrics.h"

struct mdp_prediction_table {
    const char *path;
    size_t n, k, n_patients;
    const char *const *class_names; /* [K] */
    const char *const *ids;         /* [n] */
    const char *const *patient_ids; /* [n], "" for a row without; NULL when the table has no such column */
    int32_t *labels;                /* [n] */
    double *scores;                 /* [n, K] */
    uint32_t *patients;    /* [n], in [0, n_patients); a row without patient_id is a patient of its own */
    int64_t *numbers;      /* [n]: 0 ... n-1 */
    struct mdp_pool *pool; /* owns all of it */
};

/* Errors name file, line and column: no rows, fewer than two score columns, an id that is empty or stands twice, a
   label without a score column, a score that is no finite number. */
mdp_status mdp_prediction_table_read(const char *path, struct mdp_prediction_table *table,
                                     struct mdp_error *err);
void mdp_prediction_table_release(struct mdp_prediction_table *table);

/* Brings the rows and classes of `other` into the order of `table`. The ids must be the same, and so must classes,
   labels and, where both have them, patients; what differs is an error that names it. */
mdp_status mdp_prediction_table_align(const struct mdp_prediction_table *table,
                                      struct mdp_prediction_table *other, struct mdp_error *err);

/* Fills `patients` and `n_patients` from patient_ids; without them every row is a patient of its own. */
mdp_status mdp_prediction_table_number_patients(struct mdp_prediction_table *table, struct mdp_error *err);

/* The rows for scoring; they point into the table. */
struct mdp_rows mdp_prediction_table_rows(const struct mdp_prediction_table *table);

/* Writes such a table, complete or not at all; patient_ids may be NULL. */
mdp_status mdp_prediction_table_write(const char *path, const struct mdp_prediction_table *table,
                                      struct mdp_error *err);

#endif
