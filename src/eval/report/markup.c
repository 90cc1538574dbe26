/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/markup.h"

#include <string.h>

void mdp_text_add_html(struct mdp_text *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '&':
            mdp_text_add(out, "&amp;");
            break;
        case '<':
            mdp_text_add(out, "&lt;");
            break;
        case '>':
            mdp_text_add(out, "&gt;");
            break;
        case '"':
            mdp_text_add(out, "&quot;");
            break;
        case '\'':
            mdp_text_add(out, "&#39;");
            break;
        default:
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
        }
    }
}

void mdp_text_add_markdown(struct mdp_text *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (strchr("\\`*_{}[]<>#|~&!", *c))
            mdp_text_add(out, "\\%c", *c);
        else
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
    }
}

void mdp_text_add_latex(struct mdp_text *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (strchr("&%$#_{}", *c))
            mdp_text_add(out, "\\%c", *c);
        else if (*c == '\\')
            mdp_text_add(out, "\\textbackslash{}");
        else if (*c == '~')
            mdp_text_add(out, "\\textasciitilde{}");
        else if (*c == '^')
            mdp_text_add(out, "\\textasciicircum{}");
        else if (*c == '<' || *c == '>')
            mdp_text_add(out, "\\text%s{}", *c == '<' ? "less" : "greater");
        else if (strncmp(c, "±", 2) == 0) {
            mdp_text_add(out, "$\\pm$");
            c++;
        } else if (strncmp(c, "≤", 3) == 0) {
            mdp_text_add(out, "$\\le$");
            c += 2;
        } else
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
    }
}
