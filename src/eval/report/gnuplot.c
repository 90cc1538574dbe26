/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/gnuplot.h"

#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* --- scripts --- */

void mdp_gnuplot_add_string(struct mdp_text *out, const char *text)
{
    mdp_text_add(out, "'");
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            mdp_text_add(out, "''");
        else
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
    }
    mdp_text_add(out, "'");
}

void mdp_gnuplot_begin(struct mdp_text *out, const struct mdp_figure *figure, double width, double height)
{
    const char *stem = figure->stem;

    mdp_text_add(out,
                 "# gnuplot %s.gp draws %s.svg and %s.pdf from %s.csv\n"
                 "set datafile separator comma\nset datafile columnheaders\nset encoding utf8\n"
                 "set termoption noenhanced\nset grid lc rgb '#d0d0d0'\nset border lc rgb '#606060'\n"
                 "set style fill transparent solid 0.15 noborder\n",
                 stem, stem, stem, stem);
    mdp_text_add(
        out,
        "do for [format in 'svg pdf'] {\n"
        "if (format eq 'svg') { set terminal svg size %d,%d font 'Helvetica,Arial,sans-serif' fontscale 1.0 "
        "background '#ffffff' noenhanced name '%s' } else "
        "{ set terminal pdfcairo size %.1f,%.1f font 'Helvetica,11' noenhanced }\n"
        "set output '%s.'.format\n",
        (int)(width * 100), (int)(height * 100), stem, width, height, stem);
}

void mdp_gnuplot_end(struct mdp_text *out)
{
    mdp_text_add(out, "unset output\n}\n");
}

/* --- running --- */

extern char **environ;

/* The exit status of gnuplot in folder/figures; 127: it is not there. */
static int run_gnuplot(const char *folder, const char *stem)
{
    struct mdp_text place = {0}, script = {0};
    pid_t pid = 0;
    int status = 0, code = -1;

    mdp_text_add(&place, "%s/figures", folder);
    mdp_text_add(&script, "%s.gp", stem);
    /* The folder and the script are arguments, not part of the shell's text. */
    char *const words[] = {"sh",       "-c",     "cd -- \"$1\" && exec gnuplot -d \"$2\" >/dev/null 2>&1",
                           "medprobe", place.at, script.at,
                           NULL};
    if (!place.failed && !script.failed && posix_spawnp(&pid, "sh", NULL, NULL, words, environ) == 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
        code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    mdp_text_release(&place);
    mdp_text_release(&script);
    return code;
}

/* cairo writes when the PDF was made, in its clear last part, and nothing tells it not to: the day is set to the first of
   1970, digit by digit, so that no length and no offset changes. */
static mdp_status set_date(const char *folder, const char *stem, struct mdp_error *err)
{
    static const char key[] = "/CreationDate (D:", day[] = "19700101000000";
    struct mdp_text path = {0};
    char *bytes = NULL;
    size_t n = 0;

    mdp_text_add(&path, "%s/figures/%s.pdf", folder, stem);
    mdp_status st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_file_read(path.at, (size_t)64 << 20, &bytes, &n, err);
    bool changed = false;
    for (size_t i = 0; st == MDP_OK && i + sizeof key - 1 < n; i++) {
        if (memcmp(bytes + i, key, sizeof key - 1) != 0)
            continue;
        char *c = bytes + i + sizeof key - 1;
        for (size_t k = 0; c + k < bytes + n && c[k] != ')'; k++)
            if (isdigit((unsigned char)c[k]))
                c[k] = k < sizeof day - 1 ? day[k] : '0';
        changed = true;
    }
    if (st == MDP_OK && changed)
        st = mdp_file_write(path.at, bytes, n, err);
    free(bytes);
    mdp_text_release(&path);
    return st;
}

static mdp_status write_in(const char *folder, const char *stem, const char *ending,
                           const struct mdp_text *text, struct mdp_error *err)
{
    struct mdp_text name = {0};

    mdp_text_add(&name, "figures/%s.%s", stem, ending);
    mdp_status st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_file_write_text(folder, name.at, text, err);
    mdp_text_release(&name);
    return st;
}

mdp_status mdp_gnuplot_draw(const char *folder, struct mdp_figure *figure, const struct mdp_text *data,
                            const struct mdp_text *script, struct mdp_error *err)
{
    mdp_status st = data ? write_in(folder, figure->stem, "csv", data, err) : MDP_OK;

    if (st == MDP_OK)
        st = write_in(folder, figure->stem, "gp", script, err);
    if (st != MDP_OK)
        return st;
    const int code = run_gnuplot(folder, figure->stem);
    if (code == 0)
        st = set_date(folder, figure->stem, err);
    figure->drawn = code == 0 && st == MDP_OK;
    if (code != 0)
        snprintf(figure->why_not, sizeof figure->why_not, "gnuplot %s (data and script: figures/%s.*)",
                 code == 127 ? "is missing" : "failed", figure->stem);
    return st;
}
