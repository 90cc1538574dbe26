/* SPDX-License-Identifier: BSD-3-Clause */
/* The figures of a report by gnuplot: for every one <stem>.csv (data), <stem>.gp (script), <stem>.svg and <stem>.pdf in
   one folder, so that a reader can redraw it: `cd figures && gnuplot roc.gp`. */
#ifndef MDP_EVAL_FIGURES_H
#define MDP_EVAL_FIGURES_H

#include "eval/report/gnuplot.h"
#include "eval/report/report.h"

enum { MDP_FIGURES = 3 };

/* Draws shots.*, roc.* and confusion.* of one run, or shots.* of several, into folder/figures. A figure that
   cannot be drawn says why. */
mdp_status mdp_figures_draw(const char *folder, const struct mdp_report_run runs[], size_t n,
                            struct mdp_figure figures[MDP_FIGURES], struct mdp_error *err);

#endif
