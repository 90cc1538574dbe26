/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures by gnuplot: for every figure <stem>.csv (data), <stem>.gp (script), <stem>.svg and <stem>.pdf in
   one folder, so that a reader can redraw it: `cd figures && gnuplot roc.gp`. */
#ifndef MDP_EVAL_FIGURES_H
#define MDP_EVAL_FIGURES_H

#include "base/text.h"
#include "eval/report/report.h"

struct mdp_figure {
    const char *stem;  /* "shots" */
    const char *title; /* what it shows, for captions and readers that do not see it */
    bool drawn;        /* the SVG and PDF are there */
};

enum { MDP_FIGURES = 3 };

/* Draws shots.*, roc.* and confusion.* of one run, or shots.* of several, into folder/figures. A figure that
   cannot be drawn (no gnuplot, nothing to show) has drawn = false, and `notes` a line that says why. */
mdp_status mdp_figures_draw(const char *folder, const struct mdp_report_run runs[], size_t n,
                            struct mdp_figure figures[MDP_FIGURES], struct mdp_text *notes,
                            struct mdp_error *err);

#endif
