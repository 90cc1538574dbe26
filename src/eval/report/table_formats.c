/* SPDX-License-Identifier: BSD-3-Clause */
/* How a table is written in each format. */
#include "base/formats/csv.h"
#include "eval/report/markup.h"
#include "eval/report/table.h"

#include <string.h>

void mdp_table_to_html(const struct mdp_table *t, struct mdp_text *out)
{
    mdp_text_add(out, "<div class=\"wide\"><table>\n<caption>");
    mdp_text_add_html(out, t->title);
    mdp_text_add(out, "</caption>\n<thead><tr>");
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "<th scope=\"col\"%s>", j < t->text_columns ? "" : " class=\"n\"");
        mdp_text_add_html(out, t->header[j]);
        mdp_text_add(out, "</th>");
    }
    mdp_text_add(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < t->rows; i++) {
        mdp_text_add(out, "<tr>");
        for (size_t j = 0; j < t->columns; j++) {
            mdp_text_add(out, j == 0                ? "<th scope=\"row\">"
                              : j < t->text_columns ? "<td>"
                                                    : "<td class=\"n\">");
            mdp_text_add_html(out, t->cells[i * t->columns + j]);
            mdp_text_add(out, j == 0 ? "</th>" : "</td>");
        }
        mdp_text_add(out, "</tr>\n");
    }
    mdp_text_add(out, "</tbody></table></div>\n");
    if (t->caption) {
        mdp_text_add(out, "<p class=\"note\">");
        mdp_text_add_html(out, t->caption);
        mdp_text_add(out, "</p>\n");
    }
}

void mdp_table_to_markdown(const struct mdp_table *t, struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "| ");
        mdp_text_add_markdown(out, t->header[j]);
        mdp_text_add(out, " ");
    }
    mdp_text_add(out, "|\n");
    for (size_t j = 0; j < t->columns; j++)
        mdp_text_add(out, j < t->text_columns ? "|---" : "|---:");
    mdp_text_add(out, "|\n");
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t j = 0; j < t->columns; j++) {
            mdp_text_add(out, "| ");
            mdp_text_add_markdown(out, t->cells[i * t->columns + j]);
            mdp_text_add(out, " ");
        }
        mdp_text_add(out, "|\n");
    }
    if (t->caption) {
        mdp_text_add(out, "\n");
        mdp_text_add_markdown(out, t->caption);
        mdp_text_add(out, "\n");
    }
}

static void latex_row(const struct mdp_table *t, const char **row, struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "%s", j ? " & " : "");
        mdp_text_add_latex(out, row[j]);
    }
    mdp_text_add(out, " \\\\\n");
}

void mdp_table_to_latex(const struct mdp_table *t, struct mdp_text *out)
{
    mdp_text_add(out, "%% ");
    mdp_text_add_latex(out, t->title);
    mdp_text_add(out, "; needs \\usepackage{booktabs}\n\\begin{tabular}{");
    for (size_t j = 0; j < t->columns; j++)
        mdp_text_add(out, j < t->text_columns ? "l" : "r");
    mdp_text_add(out, "}\n\\toprule\n");
    latex_row(t, t->header, out);
    mdp_text_add(out, "\\midrule\n");
    for (size_t i = 0; i < t->rows; i++)
        latex_row(t, t->cells + i * t->columns, out);
    mdp_text_add(out, "\\bottomrule\n\\end{tabular}\n");
}

static void csv_row(const struct mdp_table *t, const char **row, struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "%s", j ? "," : "");
        mdp_text_add_csv(out, row[j]);
    }
    mdp_text_add(out, "\n");
}

void mdp_table_to_csv(const struct mdp_table *t, struct mdp_text *out)
{
    csv_row(t, t->header, out);
    for (size_t i = 0; i < t->rows; i++)
        csv_row(t, t->cells + i * t->columns, out);
}

/* Columns a terminal needs: bytes that do not continue a UTF-8 character. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (const char *c = text; *c; c++)
        n += ((unsigned char)*c & 0xC0) != 0x80;
    return n;
}

static void text_row(const struct mdp_table *t, const char **row, const size_t width[], struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        size_t pad = width[j] - width_of(row[j]);
        bool last_text = j < t->text_columns && j + 1 == t->columns;
        mdp_text_add(out, "%s", j ? "  " : "");
        if (j >= t->text_columns)
            mdp_text_add(out, "%*s", (int)pad, "");
        mdp_text_add_printable(out, row[j]);
        if (j < t->text_columns && !last_text)
            mdp_text_add(out, "%*s", (int)pad, "");
    }
    mdp_text_add(out, "\n");
}

void mdp_table_to_text(const struct mdp_table *t, size_t most_rows, struct mdp_text *out)
{
    enum { MOST_COLUMNS = 16 };
    size_t width[MOST_COLUMNS] = {0};
    /* Too many rows: the first (zero-shot) and the last ones (most shots) are the ones to see. */
    size_t skip = t->rows > most_rows ? t->rows - most_rows : 0;

    if (t->columns > MOST_COLUMNS)
        return;
    for (size_t j = 0; j < t->columns; j++) {
        width[j] = width_of(t->header[j]);
        for (size_t i = 0; i < t->rows; i++)
            if (width_of(t->cells[i * t->columns + j]) > width[j])
                width[j] = width_of(t->cells[i * t->columns + j]);
    }
    text_row(t, t->header, width, out);
    for (size_t i = 0; i < t->rows; i++)
        if (i == 0 || i > skip)
            text_row(t, t->cells + i * t->columns, width, out);
    if (skip)
        mdp_text_add(out, "(%zu more rows in the report)\n", skip);
}
