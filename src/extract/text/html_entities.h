/* SPDX-License-Identifier: BSD-3-Clause */
/* Entities of HTML 5 as characters. Names and numbers are in a table that scripts/fix-text-tables makes. */
#ifndef MDP_EXTRACT_HTML_ENTITIES_H
#define MDP_EXTRACT_HTML_ENTITIES_H

#include "extract/text/unicode.h"
#include "medprobe/status.h"

/* As a browser reads them, without semicolon and as the longest name that fits, too; into `out`, which is emptied first.
   Program matched: html.unescape of Python 3.11. A decimal number of more digits than Python converts is U+FFFD. */
mdp_status mdp_html_unescape(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err);

/* Only those with their semicolon, and names in capitals where HTML has none such (&NTILDE;). Program matched:
   ftfy.fixes.unescape_html 6.3.1. */
mdp_status mdp_html_unescape_strict(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err);

#endif
