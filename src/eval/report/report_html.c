/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report_html.h"

#include "base/file.h"
#include "eval/report/markup.h"

#include <stdlib.h>
#include <string.h>

/* Light, dark and print; tables scroll inside themselves on narrow screens. Figures are drawn black on white
   and turned over in the dark, hues kept. */
static const char style[] =
    ":root{color-scheme:light "
    "dark;--fg:#1a1a1a;--bg:#fff;--soft:#666;--line:#d8d8d8;--head:#f3f4f6;--warn:#8a4b00;"
    "--warnbg:#fff6e5}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--fg:#e6e6e6;--bg:#16181c;--soft:#a0a4ab;--line:#3a3d44;--head:#"
    "22252b;"
    "--warn:#ffd08a;--warnbg:#33280f}figure svg{filter:invert(.91) hue-rotate(180deg)}}\n"
    "*{box-sizing:border-box}body{margin:0 "
    "auto;max-width:72rem;padding:1.25rem;color:var(--fg);background:var(--bg);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 "
    ".6rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2rem 0 "
    ".5rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}\n"
    ".lead{font-size:1.1rem}.note,.research{color:var(--soft);font-size:.9rem}.wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.88rem;min-width:min(100%,24rem)}caption{text-align:left;font-"
    "weight:600;"
    "padding:.3rem 0}.titled caption{display:none}\n"
    "th,td{padding:.3rem .4rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}thead "
    "th{background:var(--head)}tbody th{font-weight:500}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}thead "
    ".n{white-space:normal}.long "
    "td{overflow-wrap:anywhere}\n"
    "figure{margin:1rem 0;overflow-x:auto}figure svg{max-width:100%;min-width:30rem;height:auto}tbody "
    "th{white-space:nowrap}figcaption{color:var(--soft);"
    "font-size:.9rem}\n"
    ".warn{background:var(--warnbg);color:var(--warn);padding:.6rem 1rem;border-radius:.4rem}.warn "
    "ul{margin:.2rem 0;"
    "padding-left:1.2rem}\n"
    "@media "
    "print{body{max-width:none;padding:0;font-size:11px;color:#000;background:#fff}h2{break-after:avoid}"
    "figure,tr{break-inside:avoid}.wide{overflow:visible}figure svg{filter:none}}\n";

/* The drawing without the XML declaration and document type that may stand only at the start of a file. */
static mdp_status add_svg(const char *folder, const struct mdp_figure *figure, struct mdp_text *out,
                          struct mdp_error *err)
{
    struct mdp_text path = {0};
    char *bytes = NULL;
    size_t n = 0;

    mdp_text_add(&path, "%s/figures/%s.svg", folder, figure->stem);
    mdp_status st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_file_read(path.at, (size_t)64 << 20, &bytes, &n, err);
    const char *svg = st == MDP_OK ? strstr(bytes, "<svg") : NULL;
    if (svg) {
        mdp_text_add(out,
                     "<figure role=\"img\" aria-label=\"%s\">\n%s<figcaption>%s. Data: figures/%s.csv of the "
                     "run folder</figcaption>"
                     "</figure>\n",
                     figure->title, svg, figure->title, figure->stem);
    }
    free(bytes);
    mdp_text_release(&path);
    return st;
}

static void add_list(const char *const lines[], size_t n, struct mdp_text *out)
{
    mdp_text_add(out, "<ul>\n");
    for (size_t i = 0; i < n; i++) {
        mdp_text_add(out, "<li>");
        mdp_text_add_html(out, lines[i]);
        mdp_text_add(out, "</li>\n");
    }
    mdp_text_add(out, "</ul>\n");
}

/* `run` is named where there are several; else NULL. */
static void add_heading(const char *text, const char *run, struct mdp_text *out)
{
    mdp_text_add(out, "<h2>%s", text);
    if (run) {
        mdp_text_add(out, ": ");
        mdp_text_add_html(out, run);
    }
    mdp_text_add(out, "</h2>\n");
}

/* A table under a heading of its own. */
static void add_titled(const struct mdp_table *table, const char *run, const char *class,
                       struct mdp_text *out)
{
    add_heading(table->title, run, out);
    mdp_text_add(out, "<div class=\"%s\">", class);
    mdp_table_to_html(table, out);
    mdp_text_add(out, "</div>\n");
}

static void add_section(const struct mdp_report_section *s, bool several, struct mdp_text *out)
{
    const char *run = several ? s->name : NULL;

    add_heading("What was done", run, out);
    add_list(s->done, s->n_done, out);
    add_heading("Confusion", run, out);
    for (size_t i = 0; i < s->n_confusions; i++)
        mdp_table_to_html(&s->confusions[i], out);
    add_titled(&s->metrics, run, "titled", out);
    add_titled(&s->provenance, run, "titled long", out);
}

mdp_status mdp_report_to_html(const struct mdp_report_content *content, const char *folder,
                              struct mdp_text *out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    bool several = content->n_sections > 1;

    mdp_text_add(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    mdp_text_add_html(out, content->title);
    mdp_text_add(out, "</title>\n<style>\n%s</style></head>\n<body>\n<h1>", style);
    mdp_text_add_html(out, content->title);
    mdp_text_add(out,
                 "</h1>\n<p class=\"research\">Research use only: not for diagnosis or treatment.</p>\n");
    if (content->result[0]) {
        mdp_text_add(out, "<p class=\"lead\">");
        mdp_text_add_html(out, content->result);
        mdp_text_add(out, "</p>\n");
    }
    for (size_t i = 0; i < content->n_sections; i++) {
        const struct mdp_report_section *s = &content->sections[i];
        if (!s->n_warnings)
            continue;
        mdp_text_add(out, "<div class=\"warn\"><strong>Read with care");
        if (several) {
            mdp_text_add(out, ": ");
            mdp_text_add_html(out, s->name);
        }
        mdp_text_add(out, "</strong>\n");
        add_list(s->warnings, s->n_warnings, out);
        mdp_text_add(out, "</div>\n");
    }
    mdp_table_to_html(&content->headline, out);
    for (size_t i = 0; i < MDP_FIGURES && st == MDP_OK; i++)
        if (content->figures[i].drawn)
            st = add_svg(folder, &content->figures[i], out, err);
    for (size_t i = 0; i < content->n_sections; i++)
        add_section(&content->sections[i], several, out);
    add_titled(&content->definitions, NULL, "titled long", out);
    mdp_text_add(
        out,
        "<p class=\"note\">Made by medprobe %s. Every number can be computed again from predictions.h5 "
        "and draws.h5 of the run and the store that it was made of, which holds the labels and "
        "patients.</p>\n</body></html>\n",
        MDP_VERSION);
    return st == MDP_OK ? mdp_text_status(out, err) : st;
}
