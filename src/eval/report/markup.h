/* SPDX-License-Identifier: BSD-3-Clause */
/* Text escaped for the formats of a report; line breaks and other control characters become spaces. */
#ifndef MDP_EVAL_MARKUP_H
#define MDP_EVAL_MARKUP_H

#include "base/text.h"

/* In an element or an attribute in quotes. */
void mdp_text_add_html(struct mdp_text *out, const char *text);
/* In a paragraph or a table's cell. */
void mdp_text_add_markdown(struct mdp_text *out, const char *text);
/* In text mode. */
void mdp_text_add_latex(struct mdp_text *out, const char *text);

#endif
