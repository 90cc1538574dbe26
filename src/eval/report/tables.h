/* SPDX-License-Identifier: BSD-3-Clause */
/* The results as CSV: tables for readers, and the curves. Numbers have 17 significant digits; a value that
   is not defined is an empty field. docs/FORMATS.md lists the columns. */
#ifndef MDP_EVAL_TABLES_H
#define MDP_EVAL_TABLES_H

#include "eval/results.h"

/* Into `folder`: tables/{results,comparisons,episodes}.csv and figures/roc.csv, which results.json does not hold. */
mdp_status mdp_tables_write(const char *folder, const struct mdp_results *results, struct mdp_error *err);

#endif
