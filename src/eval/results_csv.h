/* SPDX-License-Identifier: BSD-3-Clause */
/* The CSV files of a run folder, with all digits: one row a file (docs/FORMATS.md has their columns). */
#ifndef MDP_EVAL_RESULTS_CSV_H
#define MDP_EVAL_RESULTS_CSV_H

#include "base/text.h"
#include "eval/results.h"

struct mdp_results_csv {
    const char *name; /* below the run folder: "tables/results.csv" */
    void (*write)(const struct mdp_results *results, struct mdp_text *out);
};

extern const struct mdp_results_csv mdp_results_csv[];
extern const size_t mdp_results_csv_count;

#endif
