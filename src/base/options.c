/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/options.h"

#include "base/file.h"
#include "base/formats/yaml.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/parallel.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The options that every command has stand behind its own in one array. */
enum { COMMON_COUNT = 5, MAX_THREADS = 1024 };

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

struct common_targets {
    bool help, quiet;
    const char *level;
};

struct parser {
    struct mdp_option *options; /* [n] the command's own without headings, then the common ones */
    bool *given;                /* [n] */
    size_t n;
    struct mdp_arguments *args;
    struct mdp_error *err;
};

static void add_common(struct mdp_option at[COMMON_COUNT], struct mdp_common *common,
                       struct common_targets *t)
{
    const struct mdp_option rows[COMMON_COUNT] = {
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
        {.name = "quiet", .letter = 'q', .flag = &t->quiet, .help = "print errors only"},
        {.name = "log-level",
         .argument = "LEVEL",
         .string = &t->level,
         .choices = log_levels,
         .help = "how much is told on stderr"},
        {.name = "help", .letter = 'h', .flag = &t->help, .help = "show this page"},
    };

    memcpy(at, rows, sizeof rows);
}

/* "batch_size" is "batch-size". */
static bool same_name(const char *name, size_t n, const char *option)
{
    if (strlen(option) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] != option[i] && !(name[i] == '_' && option[i] == '-'))
            return false;
    return true;
}

static struct mdp_option *find_option(const struct parser *p, const char *name, size_t n)
{
    for (size_t i = 0; i < p->n; i++)
        if (same_name(name, n, p->options[i].name))
            return &p->options[i];
    return NULL;
}

static mdp_status no_option(const struct parser *p, const char *dashes, const char *name)
{
    const char *names[MDP_MOST_OPTIONS + COMMON_COUNT];
    const char *nearest = mdp_nearest_name(name, names, mdp_option_names(p->options, p->n, names));

    if (nearest)
        return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%s%s' (did you mean '--%s'?)", dashes, name,
                        nearest);
    return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%s%s' (see --help)", dashes, name);
}

static char *own_copy(struct parser *p, const char *text, size_t n, mdp_status *st)
{
    struct mdp_arguments *args = p->args;

    *st = mdp_grow(&args->owned, &args->owned_capacity, args->n_owned + 1, sizeof *args->owned, p->err);
    if (*st != MDP_OK)
        return NULL;
    char *copy = mdp_new_array(n + 1, 1, p->err, st);
    if (!copy)
        return NULL;
    memcpy(copy, text, n);
    args->owned[args->n_owned++] = copy;
    return copy;
}

static mdp_status list_add(struct parser *p, struct mdp_list *list, const char *text, size_t n)
{
    mdp_status st = MDP_OK;
    size_t capacity = list->n;
    char *copy = own_copy(p, text, n, &st);

    if (!copy)
        return st;
    st = mdp_grow(&list->at, &capacity, list->n + 1, sizeof *list->at, p->err);
    if (st == MDP_OK)
        list->at[list->n++] = copy;
    return st;
}

static void list_clear(struct mdp_list *list)
{
    free(list->at);
    *list = (struct mdp_list){0};
}

static mdp_status bad_value(const struct parser *p, const struct mdp_option *o, const char *text,
                            const char *allowed)
{
    return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: '%s' is not %s", o->name, text, allowed);
}

static mdp_status set_size(const struct parser *p, const struct mdp_option *o, const char *text)
{
    char *end = NULL;
    char allowed[96];
    size_t most = o->most ? o->most : SIZE_MAX;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && value >= o->least && value <= most) {
        *o->size = (size_t)value;
        return MDP_OK;
    }
    if (o->most)
        snprintf(allowed, sizeof allowed, "a whole number from %zu to %zu", o->least, o->most);
    else
        snprintf(allowed, sizeof allowed, "a whole number of at least %zu", o->least);
    return bad_value(p, o, text, allowed);
}

static mdp_status set_number(const struct parser *p, const struct mdp_option *o, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value))
        return bad_value(p, o, text, "a finite number");
    *o->number = value;
    return MDP_OK;
}

/* MDP_OK when `text` is one of the row's choices, or the row has none. */
static mdp_status check_choice(const struct parser *p, const struct mdp_option *o, const char *text)
{
    struct mdp_text allowed = {0};
    mdp_status st = MDP_OK;

    for (size_t i = 0; o->choices && o->choices[i]; i++) {
        if (strcmp(o->choices[i], text) == 0)
            goto out;
        mdp_text_add(&allowed, "%s%s", i ? ", " : "one of ", o->choices[i]);
    }
    if (o->choices)
        st = bad_value(p, o, text, allowed.failed ? "allowed" : allowed.at);
out:
    mdp_text_release(&allowed);
    return st;
}

static mdp_status set_string(struct parser *p, const struct mdp_option *o, const char *text)
{
    mdp_status st = MDP_OK;

    if (!*text) /* "--weights $W" without a W: never meant, and found out late if taken */
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: is empty, expected %s", o->name, o->argument);
    st = check_choice(p, o, text);
    char *copy = st == MDP_OK ? own_copy(p, text, strlen(text), &st) : NULL;
    if (copy)
        *o->string = copy;
    return st;
}

static mdp_status set_list(struct parser *p, const struct mdp_option *o, const char *text)
{
    mdp_status st = MDP_OK;
    struct mdp_list *list = o->list;

    list_clear(list);
    for (const char *from = text; st == MDP_OK; from += 1) {
        size_t n = strcspn(from, ",");
        if (n == 0)
            return bad_value(p, o, text, "a list like A,B,C");
        st = list_add(p, list, from, n);
        if (st == MDP_OK)
            st = check_choice(p, o, list->at[list->n - 1]);
        from += n;
        if (!*from)
            break;
    }
    return st;
}

static mdp_status set_each(struct parser *p, const struct mdp_option *o, const char *text)
{
    if (!*text)
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: is empty, expected %s", o->name, o->argument);
    return list_add(p, o->each, text, strlen(text));
}

static mdp_status set_option(struct parser *p, const struct mdp_option *o, const char *text)
{
    if (o->string)
        return set_string(p, o, text);
    if (o->size)
        return set_size(p, o, text);
    if (o->number)
        return set_number(p, o, text);
    if (o->list)
        return set_list(p, o, text);
    if (o->each)
        return set_each(p, o, text);
    *o->flag = true;
    return MDP_OK;
}

static mdp_status add_operand(struct parser *p, const struct mdp_usage *usage, const char *text)
{
    struct mdp_arguments *args = p->args;
    size_t capacity = args->n;

    if (args->n >= usage->most_operands)
        return mdp_fail(p->err, MDP_ERR_USAGE, "'%s' is one argument too many (usage: medprobe %s %s)", text,
                        usage->command, usage->synopsis);
    if (!*text)
        return mdp_fail(p->err, MDP_ERR_USAGE, "argument %zu is empty, expected %s", args->n + 1,
                        usage->operand);
    mdp_status st = mdp_grow(&args->operands, &capacity, args->n + 1, sizeof *args->operands, p->err);
    if (st != MDP_OK)
        return st;
    char *copy = own_copy(p, text, strlen(text), &st);
    if (copy)
        args->operands[args->n++] = copy;
    return st;
}

/* An option at argv[*at], "--name", "--name=value" or "-x"; takes the next word as its value when it needs
 * one. */
static mdp_status parse_option(struct parser *p, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    const char *equals = is_long ? strchr(name, '=') : NULL;
    const char *value = equals ? equals + 1 : NULL;
    struct mdp_option *o = NULL;

    if (is_long) {
        o = find_option(p, name, equals ? (size_t)(equals - name) : strlen(name));
    } else if (name[1] == '\0') {
        for (size_t i = 0; i < p->n && !o; i++)
            if (p->options[i].letter == name[0])
                o = &p->options[i];
    }
    if (!o)
        return no_option(p, is_long ? "--" : "-", name);
    if (o->flag && value)
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s takes no value, found '%s'", o->name, value);
    if (!o->flag && !value) {
        if (*at + 1 >= argc)
            return mdp_fail(p->err, MDP_ERR_USAGE, "--%s needs a value: %s", o->name, o->argument);
        value = argv[++*at];
    }
    p->given[o - p->options] = true;
    return set_option(p, o, value);
}

static mdp_status parse_words(struct parser *p, const struct mdp_usage *usage, int argc, char **argv)
{
    mdp_status st = MDP_OK;
    bool options_ended = false;

    for (int i = 1; i < argc && st == MDP_OK; i++) {
        if (!options_ended && strcmp(argv[i], "--") == 0)
            options_ended = true;
        else if (!options_ended && argv[i][0] == '-' && argv[i][1] != '\0')
            st = parse_option(p, argc, argv, &i);
        else
            st = add_operand(p, usage, argv[i]);
    }
    return st;
}

/* --- config files --- */
static mdp_status set_from_node(struct parser *p, const struct mdp_yaml *doc, const struct mdp_option *o,
                                const struct mdp_yaml_node *node)
{
    struct mdp_list *several = o->list ? o->list : o->each;
    mdp_status st = MDP_OK;

    if (o->flag)
        return mdp_yaml_to_bool(doc, node, o->flag, p->err);
    if (node->kind == MDP_YAML_LIST && several) {
        list_clear(several);
        for (size_t i = 0; i < node->n && st == MDP_OK; i++) {
            if (node->values[i]->kind != MDP_YAML_SCALAR)
                return mdp_yaml_fail(doc, node->values[i], p->err, "an entry of '%s' must be one value",
                                     o->name);
            st = check_choice(p, o, node->values[i]->scalar);
            if (st == MDP_OK)
                st = list_add(p, several, node->values[i]->scalar, strlen(node->values[i]->scalar));
        }
        return st;
    }
    if (node->kind != MDP_YAML_SCALAR)
        return mdp_yaml_fail(doc, node, p->err, "'%s' must be one value%s", o->name,
                             several ? " or a list" : "");
    st = set_option(p, o, node->scalar);
    if (st == MDP_OK)
        return MDP_OK;
    struct mdp_error inner = *p->err;
    return mdp_yaml_fail(doc, node, p->err, "%s", inner.message);
}

/* A key that is no option of this command: MDP_OK when it speaks to another one, by the project file. */
static mdp_status other_key(const struct parser *p, const struct mdp_usage *usage, const struct mdp_yaml *doc,
                            bool project, const struct mdp_yaml_node *key)
{
    const char *keys[MDP_MOST_PROJECT_KEYS + COMMON_COUNT + MDP_MOST_OPTIONS];
    size_t n = project ? usage->project_keys(keys) : 0;

    for (size_t i = 0; i < n; i++)
        if (same_name(key->scalar, strlen(key->scalar), keys[i]))
            return MDP_OK;
    n += mdp_option_names(p->options, p->n, keys + n);
    const char *nearest = mdp_nearest_name(key->scalar, keys, n);
    if (nearest)
        return mdp_yaml_fail(doc, key, p->err, "no option '%s' (did you mean '%s'?)", key->scalar, nearest);
    return mdp_yaml_fail(doc, key, p->err, "no option '%s' (see --help)", key->scalar);
}

/* One key of a configuration. `project`: the file speaks to several commands. */
static mdp_status apply_key(struct parser *p, const struct mdp_usage *usage, const struct mdp_yaml *doc,
                            bool project, const struct mdp_yaml_node *key, const struct mdp_yaml_node *value)
{
    const char *name = key->scalar;

    if (project && usage->project_out && strcmp(name, usage->project_out) == 0)
        name = "out";
    const struct mdp_option *o = find_option(p, name, strlen(name));
    if (!o)
        return other_key(p, usage, doc, project, key);
    if (strcmp(o->name, "config") == 0 || strcmp(o->name, "help") == 0)
        return mdp_yaml_fail(doc, key, p->err, "'%s' is for the command line only", name);
    bool *given = &p->given[o - p->options];
    if (*given)
        return MDP_OK;
    *given = true;
    return set_from_node(p, doc, o, value);
}

static mdp_status apply_config(struct parser *p, const struct mdp_usage *usage, const char *path,
                               const char *config_operand)
{
    struct mdp_yaml *doc = NULL;
    bool project = usage->project_out && strcmp(mdp_path_base(path), MDP_PROJECT_FILE) == 0;
    bool has_operands = p->args->n > 0;
    mdp_status st = mdp_yaml_read(path, &doc, p->err);

    if (st != MDP_OK)
        return st;
    const struct mdp_yaml_node *root = mdp_yaml_root(doc);
    if (root->kind != MDP_YAML_MAP)
        st = mdp_yaml_fail(doc, root, p->err, "expected option names and values");
    for (size_t i = 0; st == MDP_OK && i < root->n; i++) {
        const struct mdp_yaml_node *key = root->keys[i], *value = root->values[i];
        if (!config_operand || strcmp(key->scalar, config_operand) != 0)
            st = apply_key(p, usage, doc, project, key, value);
        else if (value->kind != MDP_YAML_SCALAR)
            st = mdp_yaml_fail(doc, value, p->err, "'%s' must be one value", config_operand);
        else if (!has_operands)
            st = add_operand(p, usage, value->scalar);
    }
    mdp_yaml_free(doc);
    return st;
}

/* --- the door --- */
static mdp_status check_operands(const struct parser *p, const struct mdp_usage *usage)
{
    if (p->args->n >= usage->least_operands)
        return MDP_OK;
    return mdp_fail(p->err, MDP_ERR_USAGE, "%s is missing (usage: medprobe %s %s)", usage->operand,
                    usage->command, usage->synopsis);
}

/* The command's own rows that are options, and the common ones. */
static mdp_status gather_options(struct parser *p, const struct mdp_option options[], size_t n,
                                 struct mdp_common *common, struct common_targets *targets)
{
    mdp_status st = MDP_OK;

    p->options = mdp_new_array(n + COMMON_COUNT, sizeof *p->options, p->err, &st);
    p->given = st == MDP_OK ? mdp_new_array(n + COMMON_COUNT, sizeof *p->given, p->err, &st) : NULL;
    if (st != MDP_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        if (options[i].name)
            p->options[p->n++] = options[i];
    add_common(p->options + p->n, common, targets);
    p->n += COMMON_COUNT;
    return MDP_OK;
}

static mdp_status note_given(struct parser *p)
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

static void set_log(struct mdp_common *common, const struct common_targets *t)
{
    common->log.level = MDP_LOG_INFO;
    for (unsigned i = 0; t->level && log_levels[i]; i++)
        if (strcmp(log_levels[i], t->level) == 0)
            common->log.level = (enum mdp_log_level)i;
    if (t->quiet)
        common->log.level = MDP_LOG_ERROR;
}

mdp_status mdp_options_parse(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                             int argc, char **argv, struct mdp_common *common, struct mdp_arguments *args,
                             const char *config_operand, struct mdp_error *err)
{
    struct common_targets targets = {0};
    struct parser p = {.args = args, .err = err};

    assert(n <= MDP_MOST_OPTIONS && mdp_options_check(options, n, err) == MDP_OK);
    *args = (struct mdp_arguments){0};
    *common = (struct mdp_common){.threads = mdp_usable_cores(), .log = {.command = usage->command}};
    mdp_status st = gather_options(&p, options, n, common, &targets);
    if (st == MDP_OK)
        st = parse_words(&p, usage, argc, argv);
    if (st == MDP_OK && targets.help) {
        args->help = true;
        print_help(usage, options, n, common);
        goto out;
    }
    if (st == MDP_OK && !common->config && usage->project_out && mdp_path_exists(MDP_PROJECT_FILE))
        common->config = MDP_PROJECT_FILE;
    if (st == MDP_OK && common->config)
        st = apply_config(&p, usage, common->config, config_operand);
    if (st == MDP_OK)
        st = check_operands(&p, usage);
    if (st == MDP_OK)
        st = note_given(&p);
    set_log(common, &targets);
out:
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

void mdp_list_release(struct mdp_list *list)
{
    list_clear(list);
}

/* --- a table against itself --- */

static size_t count_targets(const struct mdp_option *o)
{
    return (size_t)(o->flag != NULL) + (o->string != NULL) + (o->size != NULL) + (o->number != NULL) +
           (o->list != NULL) + (o->each != NULL);
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

mdp_status mdp_options_check(const struct mdp_option options[], size_t n, struct mdp_error *err)
{
    struct mdp_option rows[COMMON_COUNT];
    struct mdp_common common;
    struct common_targets targets;

    add_common(rows, &common, &targets);
    for (size_t i = 0; i < n; i++) {
        const struct mdp_option *o = &options[i];
        const char *fault = row_fault(o);
        for (size_t j = 0; j < i + COMMON_COUNT && !fault && o->name; j++) {
            const struct mdp_option *other = j < i ? &options[j] : &rows[j - i];
            if (other->name && strcmp(o->name, other->name) == 0)
                fault = "another row has its name";
            else if (o->letter && o->letter == other->letter)
                fault = "another row has its letter";
        }
        if (fault)
            return mdp_fail(err, MDP_ERR_FORMAT, "row %zu (%s): %s", i,
                            o->name      ? o->name
                            : o->heading ? o->heading
                                         : "?",
                            fault);
    }
    return MDP_OK;
}

/* --- printing: help and YAML --- */

static const struct mdp_list *entries_of(const struct mdp_option *o)
{
    return o->list ? o->list : o->each;
}

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
        for (size_t i = 0; i < entries_of(o)->n; i++)
            mdp_text_add(out, "%s%s", i ? "," : "", entries_of(o)->at[i]);
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
    return entries_of(o)->n > 0;
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
    struct mdp_option rows[COMMON_COUNT];
    struct mdp_common shown = *common;
    struct common_targets targets = {.level = "info"};

    add_common(rows, &shown, &targets);
    mdp_text_add(out, "usage: medprobe %s %s\n\n%s\n%s", usage->command, usage->synopsis, usage->summary,
                 n && !options[0].heading ? "\noptions:\n" : "");
    for (size_t i = 0; i < n; i++)
        help_row(&options[i], out);
    mdp_text_add(out, "\ncommon options:\n");
    for (size_t i = 0; i < COMMON_COUNT; i++)
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
        } else if (entries_of(o)) {
            mdp_text_add(out, "[");
            for (size_t k = 0; k < entries_of(o)->n; k++) {
                mdp_text_add(out, "%s", k ? ", " : "");
                mdp_text_add_quoted(out, entries_of(o)->at[k]);
            }
            mdp_text_add(out, "]");
        } else {
            add_value(o, out);
        }
        mdp_text_add(out, "\n");
    }
    return mdp_text_status(out, err);
}
