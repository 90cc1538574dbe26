/* SPDX-License-Identifier: BSD-3-Clause */
/* One figure: its data as CSV, its script for gnuplot, and gnuplot run on it. */
#ifndef MDP_EVAL_GNUPLOT_H
#define MDP_EVAL_GNUPLOT_H

#include "base/text.h"

struct mdp_figure {
    const char *stem;  /* of its files: "shots" */
    const char *title; /* what it shows, for captions and readers that do not see it; NULL: no such figure */
    bool drawn;        /* the SVG and PDF are there */
    char why_not[256]; /* otherwise: why, as a clause */
};

/* A gnuplot string: single quotes, in which nothing is substituted. */
void mdp_gnuplot_add_string(struct mdp_text *script, const char *text);

/* What begins every script: the same commands are drawn to <stem>.svg and <stem>.pdf, width and height in inches; rows of
   the data are chosen by the value of a column, never by their place in the file. */
void mdp_gnuplot_begin(struct mdp_text *script, const struct mdp_figure *figure, double width, double height);
void mdp_gnuplot_end(struct mdp_text *script);

/* Writes folder/figures/<stem>.csv (not when `data` is NULL: it is there) and <stem>.gp and draws them. Only a file that
   cannot be written is an error: where gnuplot is missing or fails, figure->why_not says so. The same data give the same
   bytes on the same machine. */
mdp_status mdp_gnuplot_draw(const char *folder, struct mdp_figure *figure, const struct mdp_text *data,
                            const struct mdp_text *script, struct mdp_error *err);

#endif
