/* SPDX-License-Identifier: BSD-3-Clause */
/* From results to something to show: one self-contained HTML page, Markdown, LaTeX tables, figures.
   Everything comes from results.json and the figure data of a run folder; neither store nor predictions are
   needed.

       struct mdp_report_run run = {.name = "tb", .folder = "results/tb", .results = &results};
       TRY(mdp_report_write("results/tb", &run, 1, MDP_REPORT_ALL, note, context, err));
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

struct mdp_report_content;
struct mdp_table;

/* A format that a report can be written in. */
struct mdp_report_format {
    const char *name;   /* in --format */
    const char *page;   /* the file in the folder, which shows figures; NULL: */
    const char *ending; /* files tables/<name>.<ending> */
    mdp_status (*write)(const struct mdp_report_content *content, const char *folder, struct mdp_text *out,
                        struct mdp_error *err); /* a page */
    void (*write_table)(const struct mdp_table *table, struct mdp_text *out);
};

extern const struct mdp_report_format mdp_report_formats[];
extern const size_t mdp_report_format_count;

/* Formats to write: bit i stands for mdp_report_formats[i]. */
#define MDP_REPORT_ALL (~0U)

/* Told once for everything a user should know, as one line without a line break. */
typedef void mdp_report_note(void *context, const char *line);

/* Writes the formats asked for into `folder`, which is made when it is not there, and the figures they show
   into folder/figures (SVG, PDF, the gnuplot script and its data). A figure that cannot be drawn is missing from the
   report, and a note says why: the tables do not depend on it. */
mdp_status mdp_report_write(const char *folder, const struct mdp_report_run runs[], size_t n,
                            unsigned formats, mdp_report_note *note, void *context, struct mdp_error *err);

/* The headline table as plain text: at most 16 lines of at most 100 columns. */
mdp_status mdp_report_to_summary(const struct mdp_report_run *run, struct mdp_text *out,
                                 struct mdp_error *err);

#endif
