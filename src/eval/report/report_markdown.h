/* SPDX-License-Identifier: BSD-3-Clause */
/* The report as Markdown; its figures are files of the run folder. */
#ifndef MDP_EVAL_REPORT_MARKDOWN_H
#define MDP_EVAL_REPORT_MARKDOWN_H

#include "eval/report/report_content.h"

/* `folder` is where the report goes; the figures are named relative to it. */
mdp_status mdp_report_to_markdown(const struct mdp_report_content *content, const char *folder,
                                  struct mdp_text *out, struct mdp_error *err);

#endif
