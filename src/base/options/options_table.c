/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows: those that every command has, and what is wrong with a table. */
#include "base/options/options_internal.h"

#include <assert.h>
#include <string.h>

enum { MAX_THREADS = 1024 };

const char *const mdp_log_level_names[] = {"error", "warn", "info", "debug", NULL};

void mdp_options_common(struct mdp_option rows[MDP_COMMON_OPTIONS], struct mdp_common *common,
                        struct mdp_common_targets *targets)
{
    const struct mdp_option these[MDP_COMMON_OPTIONS] = {
        {.name = "config",
         .argument = "FILE",
         .string = &common->config,
         .help = "read options from a YAML file; flags win over it"},
        {.name = "threads",
         .argument = "N",
         .size = &common->threads,
         .least = 1,
         .most = MAX_THREADS,
         .help = "threads; results do not depend on it"},
        {.name = "quiet", .letter = 'q', .flag = &targets->quiet, .help = "print errors only"},
        {.name = "log-level",
         .argument = "LEVEL",
         .string = &targets->level,
         .choices = mdp_log_level_names,
         .help = "how much is told on stderr"},
        {.name = "help", .letter = 'h', .flag = &targets->help, .help = "show this page"},
    };

    memcpy(rows, these, sizeof these);
}

bool mdp_option_same_name(const char *option, const char *name, size_t n)
{
    if (strlen(option) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] != option[i] && !(name[i] == '_' && option[i] == '-'))
            return false;
    return true;
}

const struct mdp_option *mdp_option_find(const struct mdp_option_parser *p, const char *name, size_t n)
{
    for (size_t i = 0; i < p->n; i++)
        if (mdp_option_same_name(p->options[i].name, name, n))
            return &p->options[i];
    return NULL;
}

struct mdp_list *mdp_option_entries(const struct mdp_option *option)
{
    return option->list ? option->list : option->each;
}

void mdp_options_add(struct mdp_option options[MDP_MOST_OPTIONS], size_t *n, const struct mdp_option rows[],
                     size_t n_rows)
{
    assert(*n + n_rows <= MDP_MOST_OPTIONS);
    memcpy(options + *n, rows, n_rows * sizeof *rows);
    *n += n_rows;
}

size_t mdp_option_names(const struct mdp_option options[], size_t n, const char *names[])
{
    size_t n_names = 0;

    for (size_t i = 0; i < n; i++)
        if (options[i].name)
            names[n_names++] = options[i].name;
    return n_names;
}

static size_t count_targets(const struct mdp_option *o)
{
    return (size_t)(o->flag != NULL) + (o->string != NULL) + (o->size != NULL) + (o->number != NULL) +
           (o->list != NULL) + (o->each != NULL);
}

static const char *label_of(const struct mdp_option *o)
{
    if (o->name)
        return o->name;
    return o->heading ? o->heading : "?";
}

/* What is wrong with a row by itself; NULL: nothing. */
static const char *row_fault(const struct mdp_option *o)
{
    if (o->heading)
        return o->name || o->help || count_targets(o) ? "a heading has nothing beside it" : NULL;
    if (!o->name || !o->help)
        return "no name or no help";
    if (count_targets(o) != 1)
        return "not exactly one target";
    if (!o->argument != (o->flag != NULL))
        return "a flag has no argument, all others have one";
    if ((o->least || o->most) && !o->size)
        return "least and most are for a size";
    if (o->choices && !o->string && !o->list)
        return "choices are for a string or a list";
    return NULL;
}

mdp_status mdp_options_check(const struct mdp_option options[], size_t n, struct mdp_error *err)
{
    struct mdp_option rows[MDP_COMMON_OPTIONS];
    struct mdp_common common;
    struct mdp_common_targets targets;

    mdp_options_common(rows, &common, &targets);
    for (size_t i = 0; i < n; i++) {
        const struct mdp_option *o = &options[i];
        const char *fault = row_fault(o);
        for (size_t j = 0; j < i + MDP_COMMON_OPTIONS && !fault && o->name; j++) {
            const struct mdp_option *other = j < i ? &options[j] : &rows[j - i];
            if (other->name && strcmp(o->name, other->name) == 0)
                fault = "another row has its name";
            else if (o->letter && o->letter == other->letter)
                fault = "another row has its letter";
        }
        if (fault)
            return mdp_fail(err, MDP_ERR_FORMAT, "row %zu (%s): %s", i, label_of(o), fault);
    }
    return MDP_OK;
}
