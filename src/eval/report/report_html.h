/* SPDX-License-Identifier: BSD-3-Clause */
/* The report as one HTML page that fetches nothing: style and figures stand inside it. */
#ifndef MDP_EVAL_REPORT_HTML_H
#define MDP_EVAL_REPORT_HTML_H

#include "eval/report/figures.h"
#include "eval/report/report_content.h"

/* The SVG files of the figures are read from folder/figures. */
mdp_status mdp_report_to_html(const struct mdp_report_content *content, const char *folder,
                              struct mdp_text *out, struct mdp_error *err);

#endif
