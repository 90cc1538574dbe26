/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/probe_plan.h"

#include "base/exchange/predictions.h"
#include "base/file.h"
#include "base/memory.h"
#include "cmd/project.h"
#include "cmd/run_folder.h"
#include "eval/evaluate.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHOTS = 1000000, MOST_SEEDS = 100000, DEFAULT_SEEDS = 10 };

static const size_t most_seed = UINT32_MAX;

static const struct mdp_usage usage = {
    .command = "probe",
    .synopsis = "STORE [options]",
    .summary =
        "Draws few-shot episodes from a store, fits and scores a probe in each, evaluates, and writes a "
        "run folder with the report.",
    .example =
        "  medprobe probe data.h5 --shots 1,2,4,8,16 --seeds 10 --method zero-shot,logreg -o results/tb",
    .least_operands = 1,
    .most_operands = 1,
    .operands = {"a store"},
    .file_operand = "store",
    .project_out = "results",
    .project_keys = mdp_project_keys,
};

static const char group_patient[] = "patient_id", group_none[] = "none";
static const char *const groups[] = {group_patient, group_none, NULL};

/* Adds "NAME (summary)" to what --help says of an option. */
static void describe(char help[], size_t size, const char *name, const char *summary)
{
    const size_t used = strlen(help);

    assert(used + strlen(name) + strlen(summary) + 5 < size);
    snprintf(help + used, size - used, "%s%s (%s)", used ? ", " : "", name, summary);
}

/* Names of the tables' rows, for the options that choose among them, and what --help says of each. */
static void fill_choices(struct mdp_probe_plan *p)
{
    size_t n = 0;

    for (const struct mdp_c_rule *rule = mdp_c_rules; rule->name; rule++) {
        assert(n < MDP_MOST_CHOICES);
        p->c_rule_names[n++] = rule->name;
    }
    for (n = 0; mdp_protocols[n]; n++) {
        assert(n < MDP_MOST_CHOICES);
        p->protocol_names[n] = mdp_protocols[n]->name;
        describe(p->protocol_help, sizeof p->protocol_help, mdp_protocols[n]->name,
                 mdp_protocols[n]->summary);
    }
    snprintf(p->c_help, sizeof p->c_help, "C of --c-rule fixed");
    for (n = 0; mdp_methods[n]; n++) {
        const struct mdp_method *m = mdp_methods[n];
        describe(p->method_help, sizeof p->method_help, m->name, m->summary);
        const size_t used = strlen(p->c_help);
        if (m->strength)
            snprintf(p->c_help + used, sizeof p->c_help - used, "; %s: %s", m->name, m->strength);
    }
}

static void add_fit_options(struct mdp_probe_plan *p)
{
    const struct mdp_option rows[] = {
        {.name = "shots", .list = &p->typed.shots, .argument = "LIST", .help = "labelled pictures a class"},
        {.name = "seeds",
         .size = &p->typed.n_seeds,
         .argument = "N",
         .least = 1,
         .most = MOST_SEEDS,
         .help = "draws of each number of shots: seeds 1 to N"},
        {.name = "seed", .list = &p->typed.seed, .argument = "LIST", .help = "these seeds instead"},
        {.name = "method", .list = &p->typed.methods, .argument = "LIST", .help = p->method_help},
        {.name = "protocol",
         .string = &p->typed.protocol,
         .argument = "NAME",
         .choices = p->protocol_names,
         .help = p->protocol_help},
        {.name = "c-rule",
         .string = &p->typed.c_rule,
         .argument = "RULE",
         .choices = p->c_rule_names,
         .help = "where the C of fitted methods comes from"},
        {.name = "c", .number = &p->c, .argument = "C", .help = p->c_help},
    };

    mdp_options_add(p->options, &p->n_options, rows, sizeof rows / sizeof rows[0]);
}

static void add_row_options(struct mdp_probe_plan *p)
{
    const struct mdp_option rows[] = {
        {.name = "group",
         .string = &p->typed.group,
         .argument = "WHAT",
         .choices = groups,
         .help = "what never stands on both sides of an episode"},
        {.name = "train-split",
         .string = &p->draw.train_split,
         .argument = "NAME",
         .help = "split to draw from, where the store has splits"},
        {.name = "test-split", .string = &p->draw.test_split, .argument = "NAME", .help = "split to score"},
        {.name = "val-split",
         .string = &p->draw.val_split,
         .argument = "NAME",
         .help = "split of --c-rule oracle"},
        {.name = "draws",
         .string = &p->draws_file,
         .argument = "FILE",
         .help = "use the episodes of this draws.h5; --shots and --seeds, given, select"},
        {.name = "allow-short",
         .flag = &p->draw.allow_short,
         .help = "a class with too few pictures gives all it has"},
    };

    mdp_options_add(p->options, &p->n_options, rows, sizeof rows / sizeof rows[0]);
}

static void add_output_options(struct mdp_probe_plan *p)
{
    const struct mdp_option rows[] = {
        {.name = "save-probes", .flag = &p->save_probes, .help = "write the fitted weights to probes.h5"},
        {.name = "resamples",
         .size = &p->resamples,
         .argument = "N",
         .most = MDP_MOST_RESAMPLES,
         .help = "bootstrap resamples of patients for the intervals; 0: intervals over draws only"},
    };

    mdp_options_add(p->options, &p->n_options, rows, sizeof rows / sizeof rows[0]);
}

/* How this call goes, not what the run is: these stand in no config.yaml. */
static void add_call_options(struct mdp_probe_plan *p)
{
    const struct mdp_option rows[] = {
        {.name = "force", .flag = &p->force, .help = "replace an existing run"},
        {.name = "json", .flag = &p->json, .help = "print results.json, not the table"},
        {.name = "out",
         .letter = 'o',
         .string = &p->out,
         .argument = "FOLDER",
         .help = "the run folder [results/<store>]"},
    };

    mdp_options_add(p->options, &p->n_options, rows, sizeof rows / sizeof rows[0]);
}

static void fill_options(struct mdp_probe_plan *p)
{
    fill_choices(p);
    add_fit_options(p);
    add_row_options(p);
    add_output_options(p);
    p->n_run_options = p->n_options;
    add_call_options(p);
}

size_t mdp_probe_keys(const char *keys[MDP_MOST_OPTIONS])
{
    struct mdp_probe_plan none = {0};

    fill_options(&none);
    return mdp_option_names(none.options, none.n_options, keys);
}

static bool given(const struct mdp_probe_plan *p, const char *name)
{
    return mdp_option_given(&p->arguments, name);
}

/* A list that holds `text` alone, before parsing. */
static mdp_status start_list(struct mdp_list *list, const char *const texts[], size_t n,
                             struct mdp_error *err)
{
    size_t capacity = 0;
    mdp_status st = mdp_grow(&list->at, &capacity, n, sizeof *list->at, err);

    for (size_t i = 0; i < n && st == MDP_OK; i++)
        list->at[list->n++] = texts[i];
    return st;
}

/* Whole numbers of [least, most], each once. */
static mdp_status parse_numbers(const struct mdp_list *list, const char *option, size_t least, size_t most,
                                size_t **numbers, size_t *n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *n = 0;
    *numbers = mdp_new_array(list->n, sizeof **numbers, err, &st);
    if (st == MDP_OK && list->n == 0)
        st = mdp_fail(err, MDP_ERR_USAGE, "--%s: an empty list", option);
    for (size_t i = 0; i < list->n && st == MDP_OK; i++) {
        const char *text = list->at[i];
        char *end = NULL;
        unsigned long long value = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
        if (strpbrk(text, " \t"))
            return mdp_fail(err, MDP_ERR_USAGE, "--%s: '%s' has a blank (no blanks around commas)", option,
                            text);
        if (!end || *end || end - text > 18 || value < least || value > most)
            return mdp_fail(err, MDP_ERR_USAGE, "--%s: '%s' (expected whole numbers from %zu to %zu)", option,
                            text, least, most);
        for (size_t j = 0; j < i; j++)
            if ((*numbers)[j] == value)
                return mdp_fail(err, MDP_ERR_USAGE, "--%s: %llu stands twice", option, value);
        (*numbers)[(*n)++] = (size_t)value;
    }
    return st;
}

static mdp_status resolve_seeds(struct mdp_probe_plan *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (given(p, "seed") && given(p, "seeds"))
        return mdp_fail(err, MDP_ERR_USAGE, "--seed and --seeds together (--seeds N means the seeds 1 to N)");
    if (given(p, "seed"))
        return parse_numbers(&p->typed.seed, "seed", 0, most_seed, &p->seeds, &p->n_seeds, err);
    p->n_seeds = p->typed.n_seeds;
    p->seeds = mdp_new_array(p->n_seeds, sizeof *p->seeds, err, &st);
    for (size_t i = 0; i < p->n_seeds && st == MDP_OK; i++)
        p->seeds[i] = i + 1;
    return st;
}

static bool uses_val_split(const struct mdp_probe_plan *p)
{
    return p->c_rule->rows == MDP_C_ROWS_VAL_SPLIT || (p->protocol->splits & MDP_SPLIT_VAL);
}

static mdp_status resolve_rule(struct mdp_probe_plan *p, struct mdp_error *err)
{
    p->protocol = mdp_protocol_find(p->typed.protocol);
    if (p->protocol && !given(p, "c-rule"))
        p->typed.c_rule = mdp_protocol_default_rule(p->protocol);
    if (p->protocol && p->protocol->by_picture && !given(p, "group"))
        p->typed.group = group_none;
    p->c_rule = mdp_c_rule_find(p->typed.c_rule);
    assert(p->c_rule && p->protocol); /* the option's choices are the tables' */
    const bool is_given = p->c_rule->rows == MDP_C_ROWS_NONE;
    if (given(p, "c") && !is_given)
        return mdp_fail(err, MDP_ERR_USAGE, "--c is used by --c-rule fixed only (the rule is '%s')",
                        p->c_rule->name);
    if (is_given && !given(p, "c"))
        return mdp_fail(err, MDP_ERR_USAGE, "--c-rule %s needs --c", p->c_rule->name);
    if (given(p, "c") && !(p->c > 0))
        return mdp_fail(err, MDP_ERR_USAGE, "--c: %g (expected a number above 0)", p->c);
    if (given(p, "val-split") && !uses_val_split(p))
        return mdp_fail(err, MDP_ERR_USAGE, "--val-split is used by --c-rule oracle only (the rule is '%s')",
                        p->c_rule->name);
    p->draw.by_patient = strcmp(p->typed.group, group_patient) == 0;
    p->draw.draws_val = p->c_rule->rows == MDP_C_ROWS_VAL_DRAWN;
    return mdp_protocol_check(p->protocol, p->c_rule, p->draw.by_patient, err);
}

static mdp_status resolve_methods(struct mdp_probe_plan *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const struct mdp_list *names = &p->typed.methods;

    p->methods_given = given(p, "method");
    if (names->n == 0)
        return mdp_fail(err, MDP_ERR_USAGE, "--method: an empty list");
    p->methods = mdp_new_array(names->n, sizeof *p->methods, err, &st);
    for (size_t i = 0; i < names->n && st == MDP_OK; i++) {
        const struct mdp_method *method = NULL;
        st = mdp_method_get(names->at[i], &method, err);
        for (size_t j = 0; j < p->n_methods && st == MDP_OK; j++)
            if (p->methods[j] == method)
                st = mdp_fail(err, MDP_ERR_USAGE, "--method: %s stands twice", method->name);
        if (st == MDP_OK)
            p->methods[p->n_methods++] = method;
    }
    return st;
}

/* What --draws leaves no room for. */
static mdp_status check_draws_options(const struct mdp_probe_plan *p, struct mdp_error *err)
{
    static const char *const unused[] = {"train-split", "test-split", "allow-short"};

    for (size_t i = 0; i < sizeof unused / sizeof unused[0] && p->draws_file; i++)
        if (given(p, unused[i]))
            return mdp_fail(err, MDP_ERR_USAGE, "--%s with --draws (the file says which rows are used)",
                            unused[i]);
    return MDP_OK;
}

/* results/<file name of the store without its ending> */
static mdp_status default_out(struct mdp_probe_plan *p, struct mdp_error *err)
{
    struct mdp_text t = {0};

    mdp_text_add(&t, "results/");
    mdp_status st = mdp_path_stem(&t, p->store, err);
    if (st != MDP_OK) {
        mdp_text_release(&t);
        return st;
    }
    p->out = t.at;
    return mdp_arguments_keep(&p->arguments, t.at, err);
}

static mdp_status resolve(struct mdp_probe_plan *p, struct mdp_error *err)
{
    p->store = p->arguments.operands[0];
    p->selects_shots = p->draws_file && given(p, "shots");
    p->selects_seeds = p->draws_file && (given(p, "seed") || given(p, "seeds"));
    mdp_status st = parse_numbers(&p->typed.shots, "shots", 1, MOST_SHOTS, &p->shots, &p->n_shots, err);
    if (st == MDP_OK)
        st = resolve_seeds(p, err);
    if (st == MDP_OK)
        st = resolve_rule(p, err);
    if (st == MDP_OK)
        st = resolve_methods(p, err);
    if (st == MDP_OK)
        st = check_draws_options(p, err);
    if (st == MDP_OK && !p->out)
        st = default_out(p, err);
    return st;
}

mdp_status mdp_probe_plan_init(int argc, char **argv, struct mdp_probe_plan *p, struct mdp_error *err)
{
    static const char *const shots[] = {"16"};
    const char *methods[MDP_MOST_CHOICES];
    size_t n_methods = 0;

    for (size_t i = 0; mdp_methods[i]; i++)
        if (mdp_methods[i]->in_default)
            methods[n_methods++] = mdp_methods[i]->name;
    *p = (struct mdp_probe_plan){.typed = {.n_seeds = DEFAULT_SEEDS,
                                           .protocol = mdp_medprobe.name,
                                           .group = group_patient,
                                           .c_rule = mdp_protocol_default_rule(&mdp_medprobe)},
                                 .draw = {.train_split = "train", .test_split = "test", .val_split = "val"},
                                 .c = NAN,
                                 .resamples = mdp_eval_defaults.resamples};
    fill_options(p);
    mdp_status st = start_list(&p->typed.shots, shots, 1, err);
    if (st == MDP_OK)
        st = start_list(&p->typed.methods, methods, n_methods, err);
    if (st == MDP_OK)
        st = mdp_options_parse(&usage, p->options, p->n_options, argc, argv, &p->common, &p->arguments, err);
    if (st == MDP_OK && !p->arguments.help)
        st = resolve(p, err);
    if (st != MDP_OK)
        mdp_probe_plan_release(p);
    return st;
}

void mdp_probe_plan_release(struct mdp_probe_plan *p)
{
    mdp_list_release(&p->typed.shots);
    mdp_list_release(&p->typed.seed);
    mdp_list_release(&p->typed.methods);
    mdp_arguments_release(&p->arguments);
    free(p->methods);
    free(p->shots);
    free(p->seeds);
    *p = (struct mdp_probe_plan){0};
}

mdp_status mdp_probe_plan_fit_store(struct mdp_probe_plan *p, const struct mdp_store_info *info,
                                    struct mdp_error *err)
{
    size_t kept = 0;
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < p->n_methods && st == MDP_OK; i++) {
        const struct mdp_method *method = p->methods[i];
        if (method->needs_text && info->n_prompts == 0) {
            if (p->methods_given)
                return mdp_fail(err, MDP_ERR_USAGE,
                                "%s: no /text in the store, which %s needs (extract --prompts SET writes it)",
                                info->path, method->name);
            mdp_log(&p->common.log, MDP_LOG_INFO,
                    "%s: no /text in the store: %s left out (extract --prompts SET writes it)", info->path,
                    method->name);
            continue;
        }
        if (method->check)
            st = method->check(info, err);
        p->typed.methods.at[kept] = method->name; /* config.yaml names those that run */
        p->methods[kept++] = method;
    }
    p->n_methods = p->typed.methods.n = kept;
    return st;
}

/* Whether an option says what the run is. Of --seed and --seeds the one that counts; of --draws what selects.
 */
static bool belongs_to_run(const struct mdp_probe_plan *p, const char *name)
{
    if (strcmp(name, "seeds") == 0)
        return !given(p, "seed") && (!p->draws_file || p->selects_seeds);
    if (strcmp(name, "shots") == 0)
        return !p->draws_file || p->selects_shots;
    if (strcmp(name, "c") == 0)
        return p->c_rule->rows == MDP_C_ROWS_NONE;
    if (strcmp(name, "val-split") == 0)
        return uses_val_split(p);
    if (strcmp(name, "train-split") == 0 || strcmp(name, "test-split") == 0 ||
        strcmp(name, "allow-short") == 0)
        return !p->draws_file;
    return true;
}

mdp_status mdp_probe_plan_to_yaml(const struct mdp_probe_plan *p, struct mdp_text *out, struct mdp_error *err)
{
    struct mdp_option options[MDP_MOST_OPTIONS];
    size_t n = 0;
    char *absolute = realpath(p->store, NULL);
    const char *store = absolute ? absolute : p->store;
    const struct mdp_option where = {.name = "store", .string = &store};

    mdp_text_add(out, "%s", MDP_RUN_FOLDER_MARK);
    options[n++] = where;
    for (size_t i = 0; i < p->n_run_options; i++)
        if (belongs_to_run(p, p->options[i].name))
            options[n++] = p->options[i];
    mdp_status st = mdp_options_to_yaml(options, n, out, err);
    free(absolute);
    return st;
}
