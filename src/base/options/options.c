/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of the command line, and the order of all: words, file, operands. */
#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/options/options_internal.h"
#include "base/parallel.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mdp_option *find_letter(const struct mdp_option_parser *p, char letter)
{
    for (size_t i = 0; i < p->n; i++)
        if (letter && p->options[i].letter == letter)
            return &p->options[i];
    return NULL;
}

/* "--name", "--name=value" or "-x": not "-", not a negative number. */
static bool looks_like_option(const struct mdp_option_parser *p, const char *word)
{
    if (word[0] != '-')
        return false;
    return word[1] == '-' || (find_letter(p, word[1]) && word[2] == '\0');
}

/* The answer to "-model", "-o=FILE", "-oFILE", "--o" and to names with a wrong letter. */
static mdp_status no_option(const struct mdp_option_parser *p, const char *word)
{
    const char *names[MDP_MOST_OPTIONS + MDP_COMMON_OPTIONS], *nearest = NULL;
    const int dashes = word[1] == '-' ? 2 : 1;
    const int length = (int)strcspn(word, "="); /* dashes and name */
    const struct mdp_option *by_letter = find_letter(p, word[dashes]);
    char name[64];

    snprintf(name, sizeof name, "%.*s", length - dashes, word + dashes);
    if (dashes == 2 && by_letter && length == 3)
        return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%.*s' (did you mean '-%s'?)", length, word, name);
    if (dashes == 1 && length == 2 && by_letter && !by_letter->flag)
        return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%s' (did you mean '-%s %s'?)", word, name,
                        word + length + 1);
    nearest = mdp_nearest_name(name, names, mdp_option_names(p->options, p->n, names));
    if (nearest)
        return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%.*s' (did you mean '--%s'?)", length, word,
                        nearest);
    if (dashes == 1 && by_letter && !by_letter->flag)
        return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%s' (did you mean '-%c %s'?)", word, word[1],
                        word + 2);
    return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%.*s' (see --help)", length, word);
}

/* An option at argv[*at], "--name", "--name=value" or "-x"; takes the next word as its value when it needs one. */
static mdp_status parse_option(struct mdp_option_parser *p, char **argv, int *at)
{
    const char *word = argv[*at];
    const size_t length = strcspn(word, "=");
    const char *value = word[1] == '-' && word[length] ? word + length + 1 : NULL;
    const struct mdp_option *o = NULL;

    if (word[1] == '-')
        o = mdp_option_find(p, word + 2, length - 2);
    else if (!word[2])
        o = find_letter(p, word[1]);
    if (!o)
        return no_option(p, word);
    if (o->flag && value)
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s takes no value, found '%s'", o->name, value);
    if (!o->flag && !value) {
        value = argv[++*at]; /* argv[argc] is NULL */
        if (!value)
            return mdp_fail(p->err, MDP_ERR_USAGE, "--%s needs a value: %s", o->name, o->argument);
        if (looks_like_option(p, value))
            return mdp_fail(p->err, MDP_ERR_USAGE, "--%s needs a value (found the option %.*s)", o->name,
                            (int)strcspn(value, "="), value);
    }
    p->given[o - p->options] = true;
    p->last = o;
    return mdp_option_set(p, o, value);
}

static mdp_status parse_words(struct mdp_option_parser *p, int argc, char **argv)
{
    mdp_status st = MDP_OK;
    bool options_ended = false;

    for (int i = 1; i < argc && st == MDP_OK; i++) {
        if (!options_ended && strcmp(argv[i], "--") == 0)
            options_ended = true;
        else if (!options_ended && argv[i][0] == '-' && argv[i][1] != '\0')
            st = parse_option(p, argv, &i);
        else
            st = mdp_option_add_operand(p, argv[i]);
    }
    p->last = NULL;
    return st;
}

/* Help is printed before any other word is looked at: its page shows defaults. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static mdp_status check_operands(const struct mdp_option_parser *p, bool file_was_read)
{
    const struct mdp_usage *usage = p->usage;
    const bool could_be_in_file = usage->project_out && usage->file_operand && !file_was_read;

    if (p->args->n >= usage->least_operands)
        return MDP_OK;
    return mdp_fail(p->err, MDP_ERR_USAGE, "%s is missing (usage: medprobe %s %s%s)",
                    mdp_operand_name(usage, p->args->n), usage->command, usage->synopsis,
                    could_be_in_file ? "; there is no " MDP_PROJECT_FILE " here" : "");
}

/* The command's own rows that are options, and the common ones. */
static mdp_status gather_options(struct mdp_option_parser *p, const struct mdp_option options[], size_t n,
                                 struct mdp_common *common, struct mdp_common_targets *targets)
{
    mdp_status st = MDP_OK;

    p->options = mdp_new_array(n + MDP_COMMON_OPTIONS, sizeof *p->options, p->err, &st);
    p->given = st == MDP_OK ? mdp_new_array(n + MDP_COMMON_OPTIONS, sizeof *p->given, p->err, &st) : NULL;
    if (st != MDP_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        if (options[i].name)
            p->options[p->n++] = options[i];
    mdp_options_common(p->options + p->n, common, targets);
    p->n += MDP_COMMON_OPTIONS;
    return MDP_OK;
}

static mdp_status note_given(struct mdp_option_parser *p)
{
    struct mdp_arguments *args = p->args;
    mdp_status st = MDP_OK;

    args->given = mdp_new_array(p->n, sizeof *args->given, p->err, &st);
    for (size_t i = 0; i < p->n && st == MDP_OK; i++)
        if (p->given[i])
            args->given[args->n_given++] = p->options[i].name;
    return st;
}

static void print_help(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                       const struct mdp_common *common)
{
    struct mdp_text page = {0};

    mdp_options_to_help(usage, options, n, common, &page);
    if (!page.failed)
        fputs(page.at, stdout);
    mdp_text_release(&page);
}

static void set_log(struct mdp_common *common, const struct mdp_common_targets *t)
{
    common->log.level = MDP_LOG_INFO;
    for (unsigned i = 0; t->level && mdp_log_level_names[i]; i++)
        if (strcmp(mdp_log_level_names[i], t->level) == 0)
            common->log.level = (enum mdp_log_level)i;
    if (t->quiet)
        common->log.level = MDP_LOG_ERROR;
}

mdp_status mdp_options_parse(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                             int argc, char **argv, struct mdp_common *common, struct mdp_arguments *args,
                             struct mdp_error *err)
{
    struct mdp_common_targets targets = {0};
    struct mdp_option_parser p = {.usage = usage, .args = args, .err = err};

    assert(n <= MDP_MOST_OPTIONS && mdp_options_check(options, n, err) == MDP_OK);
    *args = (struct mdp_arguments){.help = asks_for_help(argc, argv)};
    *common = (struct mdp_common){.threads = mdp_usable_cores(), .log = {.command = usage->command}};
    if (args->help) {
        print_help(usage, options, n, common);
        return MDP_OK;
    }
    mdp_status st = gather_options(&p, options, n, common, &targets);
    if (st == MDP_OK)
        st = parse_words(&p, argc, argv);
    if (st == MDP_OK && !common->config && usage->project_out && mdp_path_exists(MDP_PROJECT_FILE))
        common->config = MDP_PROJECT_FILE;
    if (st == MDP_OK && common->config)
        st = mdp_options_read_file(&p, common->config);
    if (st == MDP_OK)
        st = check_operands(&p, common->config != NULL);
    if (st == MDP_OK)
        st = note_given(&p);
    set_log(common, &targets);
    free(p.options);
    free(p.given);
    return st;
}

void mdp_arguments_release(struct mdp_arguments *args)
{
    for (size_t i = 0; i < args->n_owned; i++)
        free(args->owned[i]);
    free(args->owned);
    free(args->given);
    free(args->operands);
    *args = (struct mdp_arguments){0};
}

bool mdp_option_given(const struct mdp_arguments *args, const char *name)
{
    return mdp_name_index(name, args->given, args->n_given) < args->n_given;
}
