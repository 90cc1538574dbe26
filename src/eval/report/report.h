/* SPDX-License-Identifier: BSD-3-Clause */
/* From results to something to show: one self-contained HTML page, Markdown, LaTeX tables, figures.
   Everything comes from results.json and the figure data of a run folder; neither store nor predictions are
   needed.

       struct mdp_report_run run = {.name = "tb", .folder = "results/tb", .results = &results};
       TRY(mdp_report_write("results/tb", &run, 1, MDP_REPORT_ALL, &notes, err));
       mdp_report_to_summary(&run, &out);                              what the terminal shows  */
#ifndef MDP_EVAL_REPORT_H
#define MDP_EVAL_REPORT_H

#include "base/text.h"
#include "eval/results.h"

struct mdp_report_run {
    const char *name;   /* how the report calls it: the last part of its folder */
    const char *folder; /* its figure data lie in <folder>/figures */
    const struct mdp_results *results;
};

enum mdp_report_format {
    MDP_REPORT_HTML = 1, /* report.html */
    MDP_REPORT_MD = 2,   /* report.md */
    MDP_REPORT_TEX = 4,  /* tables/<name>.tex */
    MDP_REPORT_CSV = 8,  /* tables/<name>.csv of the report's own tables */
    MDP_REPORT_ALL = 15,
};

/* Writes the formats asked for into `folder`, which is made when it is not there, and the figures they show
   into folder/figures (SVG, PDF, the gnuplot script and its data). Where gnuplot is missing or fails, the
   report has no figures and a line of `notes` says so: the tables do not depend on it. */
mdp_status mdp_report_write(const char *folder, const struct mdp_report_run runs[], size_t n,
                            unsigned formats, struct mdp_text *notes, struct mdp_error *err);

/* The headline table as plain text: at most 16 lines of at most 100 columns. */
mdp_status mdp_report_to_summary(const struct mdp_report_run *run, struct mdp_text *out,
                                 struct mdp_error *err);

#endif
