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
    struct mdp_option *options; /* the command's own, then the common ones */
    size_t n;
    struct mdp_arguments *args;
    struct mdp_error *err;
};

static void add_common(struct mdp_option at[COMMON_COUNT], struct mdp_common *common,
                       struct common_targets *t)
{
    const struct mdp_option rows[COMMON_COUNT] = {
        {.name = "config",
         .kind = MDP_OPTION_STRING,
         .target = &common->config,
         .argument = "FILE",
         .help = "read options from a YAML file; flags win over it"},
        {.name = "threads",
         .kind = MDP_OPTION_SIZE,
         .target = &common->threads,
         .argument = "N",
         .least = 1,
         .most = MAX_THREADS,
         .help = "threads; results do not depend on it"},
        {.name = "quiet",
         .letter = 'q',
         .kind = MDP_OPTION_FLAG,
         .target = &t->quiet,
         .help = "print errors only"},
        {.name = "log-level",
         .kind = MDP_OPTION_STRING,
         .target = &t->level,
         .argument = "LEVEL",
         .choices = log_levels,
         .help = "how much is told on stderr"},
        {.name = "help",
         .letter = 'h',
         .kind = MDP_OPTION_FLAG,
         .target = &t->help,
         .help = "show this page"},
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
    const char *names[256];

    assert(p->n <= 256);
    for (size_t i = 0; i < p->n; i++)
        names[i] = p->options[i].name;
    const char *nearest = mdp_nearest_name(name, names, p->n);
    if (nearest)
        return mdp_fail(p->err, MDP_ERR_USAGE, "no option '%s%s' (did you mean '%s%s'?)", dashes, name,
                        dashes, nearest);
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
        *(size_t *)o->target = (size_t)value;
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
    *(double *)o->target = value;
    return MDP_OK;
}

static mdp_status set_string(struct parser *p, const struct mdp_option *o, const char *text)
{
    mdp_status st = MDP_OK;

    if (!*text) /* "--weights $W" without a W: never meant, and found out late if taken */
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: is empty, expected %s", o->name, o->argument);
    if (o->choices) {
        struct mdp_text allowed = {0};
        size_t i = 0;
        while (o->choices[i] && strcmp(o->choices[i], text) != 0)
            i++;
        if (!o->choices[i]) {
            mdp_text_add(&allowed, "one of ");
            for (i = 0; o->choices[i]; i++)
                mdp_text_add(&allowed, "%s%s", i ? ", " : "", o->choices[i]);
            st = bad_value(p, o, text, allowed.failed ? "allowed" : allowed.at);
            mdp_text_release(&allowed);
            return st;
        }
    }
    char *copy = own_copy(p, text, strlen(text), &st);
    if (copy)
        *(const char **)o->target = copy;
    return st;
}

static mdp_status set_list(struct parser *p, const struct mdp_option *o, const char *text)
{
    mdp_status st = MDP_OK;
    struct mdp_list *list = o->target;

    list_clear(list);
    for (const char *from = text; st == MDP_OK; from += 1) {
        size_t n = strcspn(from, ",");
        if (n == 0)
            return bad_value(p, o, text, "a list like A,B,C");
        st = list_add(p, list, from, n);
        from += n;
        if (!*from)
            break;
    }
    return st;
}

static mdp_status set_option(struct parser *p, struct mdp_option *o, const char *text)
{
    switch (o->kind) {
    case MDP_OPTION_FLAG:
        break;
    case MDP_OPTION_STRING:
        return set_string(p, o, text);
    case MDP_OPTION_SIZE:
        return set_size(p, o, text);
    case MDP_OPTION_NUMBER:
        return set_number(p, o, text);
    case MDP_OPTION_LIST:
        return set_list(p, o, text);
    case MDP_OPTION_REPEAT:
        if (!*text)
            return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: is empty, expected %s", o->name, o->argument);
        return list_add(p, o->target, text, strlen(text));
    }
    *(bool *)o->target = true;
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
    if (o->kind == MDP_OPTION_FLAG && value)
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s takes no value, found '%s'", o->name, value);
    if (o->kind != MDP_OPTION_FLAG && !value) {
        if (*at + 1 >= argc)
            return mdp_fail(p->err, MDP_ERR_USAGE, "--%s needs a value: %s", o->name, o->argument);
        value = argv[++*at];
    }
    o->given = true;
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
static mdp_status set_from_node(struct parser *p, const struct mdp_yaml *doc, struct mdp_option *o,
                                const struct mdp_yaml_node *node)
{
    bool several = o->kind == MDP_OPTION_LIST || o->kind == MDP_OPTION_REPEAT;
    mdp_status st = MDP_OK;

    if (o->kind == MDP_OPTION_FLAG)
        return mdp_yaml_to_bool(doc, node, o->target, p->err);
    if (node->kind == MDP_YAML_LIST && several) {
        list_clear(o->target);
        for (size_t i = 0; i < node->n && st == MDP_OK; i++) {
            if (node->values[i]->kind != MDP_YAML_SCALAR)
                return mdp_yaml_fail(doc, node->values[i], p->err, "an entry of '%s' must be one value",
                                     o->name);
            st = list_add(p, o->target, node->values[i]->scalar, strlen(node->values[i]->scalar));
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

static mdp_status unknown_key(const struct parser *p, const struct mdp_yaml *doc,
                              const struct mdp_yaml_node *key)
{
    struct mdp_error inner = MDP_ERROR_INIT;
    struct parser quiet = *p;

    quiet.err = &inner;
    no_option(&quiet, "", key->scalar);
    return mdp_yaml_fail(doc, key, p->err, "%s", inner.message);
}

const char *const mdp_project_keys[] = {
    /* extract */
    "model", "weights", "text-weights", "vocab", "text-pooling", "manifest", "root", "labels", "classes",
    "positive", "limit", "prompts", "pipeline", "grey16", "orientation", "resize-order", "precision",
    "batch-size", "max-pixels", "skip-errors", "store",
    /* probe */
    "results", "shots", "seeds", "seed", "method", "protocol", "c-rule", "c", "group", "train-split",
    "test-split", "val-split", "draws", "allow-short", "save-probes", "resamples",
    /* report */
    "format", "report",
    /* all */
    "threads", "quiet", "log-level", NULL};

static bool is_project_key(const char *key)
{
    for (size_t i = 0; mdp_project_keys[i]; i++)
        if (same_name(key, strlen(key), mdp_project_keys[i]))
            return true;
    return false;
}

/* One key of a configuration. `project`: the file speaks to several commands. */
static mdp_status apply_key(struct parser *p, const struct mdp_usage *usage, const struct mdp_yaml *doc,
                            bool project, const struct mdp_yaml_node *key, const struct mdp_yaml_node *value)
{
    const char *name = key->scalar;

    if (project && usage->project_out && strcmp(name, usage->project_out) == 0)
        name = "out";
    struct mdp_option *o = find_option(p, name, strlen(name));
    if (!o && project && is_project_key(name))
        return MDP_OK;
    if (!o)
        return unknown_key(p, doc, key);
    if (strcmp(o->name, "config") == 0 || strcmp(o->name, "help") == 0)
        return mdp_yaml_fail(doc, key, p->err, "'%s' is for the command line only", name);
    if (o->given)
        return MDP_OK;
    o->given = true;
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

mdp_status mdp_options_parse(const struct mdp_usage *usage, struct mdp_option options[], size_t n, int argc,
                             char **argv, struct mdp_common *common, struct mdp_arguments *args,
                             const char *config_operand, struct mdp_error *err)
{
    struct common_targets targets = {0};
    mdp_status st = MDP_OK;
    struct parser p = {.n = n + COMMON_COUNT, .args = args, .err = err};

    *args = (struct mdp_arguments){0};
    *common = (struct mdp_common){.threads = mdp_usable_cores(), .log = {.command = usage->command}};
    p.options = mdp_new_array(p.n, sizeof *p.options, err, &st);
    if (!p.options)
        return st;
    if (n)
        memcpy(p.options, options, n * sizeof *options);
    add_common(p.options + n, common, &targets);
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
    for (size_t i = 0; i < n; i++)
        options[i].given = p.options[i].given;
    set_log(common, &targets);
out:
    free(p.options);
    return st;
}

void mdp_arguments_release(struct mdp_arguments *args)
{
    for (size_t i = 0; i < args->n_owned; i++)
        free(args->owned[i]);
    free(args->owned);
    free(args->operands);
    *args = (struct mdp_arguments){0};
}

void mdp_list_release(struct mdp_list *list)
{
    list_clear(list);
}

static void add_value(const struct mdp_option *o, struct mdp_text *out)
{
    const struct mdp_list *list = o->target;
    const char *text = NULL;

    switch (o->kind) {
    case MDP_OPTION_FLAG:
        mdp_text_add(out, "%s", *(const bool *)o->target ? "true" : "false");
        break;
    case MDP_OPTION_STRING:
        memcpy(&text, o->target, sizeof text);
        mdp_text_add(out, "%s", text ? text : "");
        break;
    case MDP_OPTION_SIZE:
        mdp_text_add(out, "%zu", *(const size_t *)o->target);
        break;
    case MDP_OPTION_NUMBER:
        mdp_text_add(out, "%.17g", *(const double *)o->target);
        break;
    case MDP_OPTION_LIST:
    case MDP_OPTION_REPEAT:
        for (size_t i = 0; i < list->n; i++)
            mdp_text_add(out, "%s%s", i ? "," : "", list->at[i]);
    }
}

static bool has_default(const struct mdp_option *o)
{
    const char *text = NULL;

    switch (o->kind) {
    case MDP_OPTION_FLAG:
        return false;
    case MDP_OPTION_STRING:
        memcpy(&text, o->target, sizeof text);
        return text != NULL;
    case MDP_OPTION_SIZE:
        return *(const size_t *)o->target != 0;
    case MDP_OPTION_NUMBER:
        return !isnan(*(const double *)o->target);
    default:
        return ((const struct mdp_list *)o->target)->n > 0;
    }
}

static void help_row(const struct mdp_option *o, struct mdp_text *out)
{
    char left[64];

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
                 n ? "\noptions:\n" : "");
    for (size_t i = 0; i < n; i++)
        help_row(&options[i], out);
    mdp_text_add(out, "\ncommon options:\n");
    for (size_t i = 0; i < COMMON_COUNT; i++)
        help_row(&rows[i], out);
    mdp_text_add(out, "\nexample:\n%s\n", usage->example);
}

mdp_status mdp_options_to_yaml(const struct mdp_option options[], size_t n, struct mdp_text *out,
                               struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct mdp_option *o = &options[i];
        const struct mdp_list *list = o->target;

        if (o->kind != MDP_OPTION_FLAG && !has_default(o) && !o->given)
            continue;
        mdp_text_add(out, "%s: ", o->name);
        if (o->kind == MDP_OPTION_STRING) {
            const char *text = NULL;
            memcpy(&text, o->target, sizeof text);
            mdp_text_add_quoted(out, text ? text : "");
        } else if (o->kind == MDP_OPTION_LIST || o->kind == MDP_OPTION_REPEAT) {
            mdp_text_add(out, "[");
            for (size_t k = 0; k < list->n; k++) {
                mdp_text_add(out, "%s", k ? ", " : "");
                mdp_text_add_quoted(out, list->at[k]);
            }
            mdp_text_add(out, "]");
        } else {
            add_value(o, out);
        }
        mdp_text_add(out, "\n");
    }
    return mdp_text_status(out, err);
}

bool mdp_option_given(const struct mdp_option options[], size_t n, const char *name)
{
    size_t i = 0;

    while (i < n && strcmp(options[i].name, name) != 0)
        i++;
    assert(i < n); /* the command has such an option */
    return i < n && options[i].given;
}
