/* SPDX-License-Identifier: BSD-3-Clause */
/* Options as text: the help page and config.yaml. */
#include "base/options/options_internal.h"

#include <math.h>
#include <stdio.h>

static void add_value(const struct mdp_option *o, struct mdp_text *out)
{
    if (o->flag)
        mdp_text_add(out, "%s", *o->flag ? "true" : "false");
    else if (o->string)
        mdp_text_add(out, "%s", *o->string ? *o->string : "");
    else if (o->size)
        mdp_text_add(out, "%zu", *o->size);
    else if (o->number)
        mdp_text_add(out, "%.17g", *o->number);
    else
        for (size_t i = 0; i < mdp_option_entries(o)->n; i++)
            mdp_text_add(out, "%s%s", i ? "," : "", mdp_option_entries(o)->at[i]);
}

/* A flag's default is always "not"; a size of 0 stands for "none". */
static bool has_default(const struct mdp_option *o)
{
    if (o->flag)
        return false;
    if (o->string)
        return *o->string != NULL;
    if (o->size)
        return *o->size != 0;
    if (o->number)
        return !isnan(*o->number);
    return mdp_option_entries(o)->n > 0;
}

static void help_row(const struct mdp_option *o, struct mdp_text *out)
{
    char left[64];

    if (o->heading) {
        mdp_text_add(out, "\n%s:\n", o->heading);
        return;
    }
    snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
             o->letter ? "," : " ", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    mdp_text_add(out, "  %-31s %s", left, o->help);
    if (o->choices) {
        mdp_text_add(out, ": ");
        for (size_t i = 0; o->choices[i]; i++)
            mdp_text_add(out, "%s%s", i ? ", " : "", o->choices[i]);
    }
    if (has_default(o)) {
        mdp_text_add(out, " [");
        add_value(o, out);
        mdp_text_add(out, "]");
    }
    mdp_text_add(out, "\n");
}

void mdp_options_to_help(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                         const struct mdp_common *common, struct mdp_text *out)
{
    struct mdp_option rows[MDP_COMMON_OPTIONS];
    struct mdp_common shown = *common;
    struct mdp_common_targets targets = {.level = "info"};

    mdp_options_common(rows, &shown, &targets);
    mdp_text_add(out, "usage: medprobe %s %s\n\n%s\n%s", usage->command, usage->synopsis, usage->summary,
                 n && !options[0].heading ? "\noptions:\n" : "");
    for (size_t i = 0; i < n; i++)
        help_row(&options[i], out);
    mdp_text_add(out, "\ncommon options:\n");
    for (size_t i = 0; i < MDP_COMMON_OPTIONS; i++)
        help_row(&rows[i], out);
    mdp_text_add(out, "\nexample:\n%s\n", usage->example);
}

/* Whether there is something to write: an empty file has every default. */
static bool has_value(const struct mdp_option *o)
{
    return o->flag || (o->size ? *o->size >= o->least : has_default(o));
}

mdp_status mdp_options_to_yaml(const struct mdp_option options[], size_t n, struct mdp_text *out,
                               struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct mdp_option *o = &options[i];

        if (!o->name || !has_value(o))
            continue;
        mdp_text_add(out, "%s: ", o->name);
        if (o->string) {
            mdp_text_add_quoted(out, *o->string);
        } else if (mdp_option_entries(o)) {
            mdp_text_add(out, "[");
            for (size_t k = 0; k < mdp_option_entries(o)->n; k++) {
                mdp_text_add(out, "%s", k ? ", " : "");
                mdp_text_add_quoted(out, mdp_option_entries(o)->at[k]);
            }
            mdp_text_add(out, "]");
        } else {
            add_value(o, out);
        }
        mdp_text_add(out, "\n");
    }
    return mdp_text_status(out, err);
}
