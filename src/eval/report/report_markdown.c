/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report_markdown.h"

#include "eval/report/markup.h"

/* --- Markdown --- */
static void markdown_list(const char *const lines[], size_t n, struct mdp_text *out)
{
    for (size_t i = 0; i < n; i++) {
        mdp_text_add(out, "- ");
        mdp_text_add_markdown(out, lines[i]);
        mdp_text_add(out, "\n");
    }
    mdp_text_add(out, "\n");
}

static void markdown_table(const struct mdp_table *table, struct mdp_text *out)
{
    mdp_text_add(out, "\n## ");
    mdp_text_add_markdown(out, table->title);
    mdp_text_add(out, "\n\n");
    mdp_table_to_markdown(table, out);
}

mdp_status mdp_report_to_markdown(const struct mdp_report_content *content, const char *folder,
                                  struct mdp_text *out, struct mdp_error *err)
{
    (void)folder;
    mdp_text_add(out, "# ");
    mdp_text_add_markdown(out, content->title);
    mdp_text_add(out, "\n\nResearch use only: not for diagnosis or treatment.\n\n");
    mdp_text_add_markdown(out, content->result);
    mdp_text_add(out, "\n");
    markdown_table(&content->headline, out);
    for (size_t i = 0; i < MDP_FIGURES; i++)
        if (content->figures[i].drawn)
            mdp_text_add(out, "\n![%s](figures/%s.svg)\n", content->figures[i].title,
                         content->figures[i].stem);
    for (size_t i = 0; i < content->n_sections; i++) {
        const struct mdp_report_section *s = &content->sections[i];
        if (content->n_sections > 1) {
            mdp_text_add(out, "\n# ");
            mdp_text_add_markdown(out, s->name);
            mdp_text_add(out, "\n");
        }
        mdp_text_add(out, "\n## What was done\n\n");
        markdown_list(s->done, s->n_done, out);
        if (s->n_warnings) {
            mdp_text_add(out, "## Read with care\n\n");
            markdown_list(s->warnings, s->n_warnings, out);
        }
        for (size_t k = 0; k < s->n_confusions; k++)
            markdown_table(&s->confusions[k], out);
        markdown_table(&s->metrics, out);
        markdown_table(&s->provenance, out);
    }
    markdown_table(&content->definitions, out);
    return mdp_text_status(out, err);
}
