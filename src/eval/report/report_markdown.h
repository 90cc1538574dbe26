/* SPDX-License-Identifier: BSD-3-Clause */
/* The report as Markdown; its figures are files of the run folder. */
#ifndef MDP_EVAL_REPORT_MARKDOWN_H
#define MDP_EVAL_REPORT_MARKDOWN_H

#include "eval/report/report_content.h"

void mdp_report_to_markdown(const struct mdp_report_content *content, struct mdp_text *out);

#endif
