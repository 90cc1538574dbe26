/* SPDX-License-Identifier: BSD-3-Clause */
/* What a report says, before it is said in a format: sentences, tables, figures, warnings. */
#ifndef MDP_EVAL_REPORT_CONTENT_H
#define MDP_EVAL_REPORT_CONTENT_H

#include "eval/report/figures.h"
#include "eval/report/report_tables.h"

/* One run's part. */
struct mdp_report_section {
    const char *name;
    size_t n_done; /* sentences on what was done */
    const char **done;
    size_t n_warnings;
    const char **warnings;
    size_t n_confusions;
    struct mdp_table *confusions; /* every method at its largest number of shots */
    struct mdp_table metrics, provenance;
};

struct mdp_report_content {
    const char *title;
    const char *result; /* one sentence, "" without one or with several runs */
    struct mdp_table headline, definitions;
    size_t n_sections;
    struct mdp_report_section *sections;
    struct mdp_figure figures[MDP_FIGURES];
    struct mdp_pool *pool; /* owns everything */
};

/* Everything but the figures, which the caller draws. */
mdp_status mdp_report_content_init(const struct mdp_report_run runs[], size_t n,
                                   struct mdp_report_content *content, struct mdp_error *err);
void mdp_report_content_release(struct mdp_report_content *content);

#endif
