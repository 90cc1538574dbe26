/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/probe_plan.h"

#include "base/file.h"
#include "base/memory.h"
#include "cmd/project.h"
#include "cmd/run_folder.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHOTS = 1000000, MOST_SEEDS = 100000, DEFAULT_SEEDS = 10, DEFAULT_RESAMPLES = 1000 };

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
    .operand = "a store",
    .file_operand = "store",
    .project_out = "results",
    .project_keys = mdp_project_keys,
};

static const char *const protocols[] = {"medprobe", NULL};
static const char *const groups[] = {"patient_id", "none", NULL};

static void add_fit_options(struct mdp_probe_plan *p)
{
    const struct mdp_option rows[] = {
        {.name = "shots", .list = &p->shots_list, .argument = "LIST", .help = "labelled pictures a class"},
        {.name = "seeds",
         .size = &p->n_seeds,
         .argument = "N",
         .least = 1,
         .most = MOST_SEEDS,
         .help = "draws of each number of shots: seeds 1 to N"},
        {.name = "seed", .list = &p->seed_list, .argument = "LIST", .help = "these seeds instead"},
        {.name = "method", .list = &p->method_list, .argument = "LIST", .help = "zero-shot, logreg"},
        {.name = "protocol",
         .string = &p->protocol,
         .argument = "NAME",
         .choices = protocols,
         .help = "how to draw"},
        {.name = "c-rule",
         .string = &p->c_rule_name,
         .argument = "RULE",
         .choices = mdp_c_rule_names,
         .help = "where logreg's C comes from"},
        {.name = "c",
         .number = &p->c,
         .argument = "C",
         .help = "C of --c-rule fixed, in scikit-learn's meaning"},
    };

    mdp_options_add(p->options, &p->n_options, rows, sizeof rows / sizeof rows[0]);
}

static void add_row_options(struct mdp_probe_plan *p)
{
    const struct mdp_option rows[] = {
        {.name = "group",
         .string = &p->group,
         .argument = "WHAT",
         .choices = groups,
         .help = "what never stands on both sides of an episode"},
        {.name = "train-split",
         .string = &p->train_split,
         .argument = "NAME",
         .help = "split to draw from, where the store has splits"},
        {.name = "test-split", .string = &p->test_split, .argument = "NAME", .help = "split to score"},
        {.name = "val-split",
         .string = &p->val_split,
         .argument = "NAME",
         .help = "split of --c-rule oracle"},
        {.name = "draws",
         .string = &p->draws_file,
         .argument = "FILE",
         .help = "use the episodes of this draws.h5; --shots and --seeds, given, select"},
        {.name = "allow-short",
         .flag = &p->allow_short,
         .help = "a class with too few pictures gives all it has"},
    };

    mdp_options_add(p->options, &p->n_options, rows, sizeof rows / sizeof rows[0]);
}

/* Options from `force` on say how this call goes, not what the run is, and stand in no config.yaml. */
static void add_output_options(struct mdp_probe_plan *p)
{
    const struct mdp_option rows[] = {
        {.name = "save-probes", .flag = &p->save_probes, .help = "write the fitted weights to probes.h5"},
        {.name = "resamples",
         .size = &p->resamples,
         .argument = "N",
         .most = 1000000,
         .help = "bootstrap resamples of patients for the intervals; 0: intervals over draws only"},
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
    add_fit_options(p);
    add_row_options(p);
    add_output_options(p);
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
        return parse_numbers(&p->seed_list, "seed", 0, most_seed, &p->seeds, &p->n_seed_values, err);
    p->n_seed_values = p->n_seeds;
    p->seeds = mdp_new_array(p->n_seeds, sizeof *p->seeds, err, &st);
    for (size_t i = 0; i < p->n_seeds && st == MDP_OK; i++)
        p->seeds[i] = i + 1;
    return st;
}

static mdp_status resolve_rule(struct mdp_probe_plan *p, struct mdp_error *err)
{
    for (size_t i = 0; mdp_c_rule_names[i]; i++)
        if (strcmp(p->c_rule_name, mdp_c_rule_names[i]) == 0)
            p->c_rule = (enum mdp_c_rule)i;
    if (given(p, "c") && p->c_rule != MDP_C_FIXED)
        return mdp_fail(err, MDP_ERR_USAGE, "--c is used by --c-rule fixed only (the rule is '%s')",
                        p->c_rule_name);
    if (p->c_rule == MDP_C_FIXED && !given(p, "c"))
        return mdp_fail(err, MDP_ERR_USAGE, "--c-rule fixed needs --c");
    if (given(p, "c") && !(p->c > 0))
        return mdp_fail(err, MDP_ERR_USAGE, "--c: %g (expected a number above 0)", p->c);
    if (given(p, "val-split") && p->c_rule != MDP_C_ORACLE)
        return mdp_fail(err, MDP_ERR_USAGE, "--val-split is used by --c-rule oracle only (the rule is '%s')",
                        p->c_rule_name);
    return MDP_OK;
}

static mdp_status resolve_methods(struct mdp_probe_plan *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    p->methods_given = given(p, "method");
    if (p->method_list.n == 0)
        return mdp_fail(err, MDP_ERR_USAGE, "--method: an empty list");
    for (size_t i = 0; i < p->method_list.n && st == MDP_OK; i++) {
        const struct mdp_method *method = NULL;
        st = mdp_method_get(p->method_list.at[i], &method, err);
        for (size_t j = 0; j < p->n_methods && st == MDP_OK; j++)
            if (p->methods[j] == method)
                st = mdp_fail(err, MDP_ERR_USAGE, "--method: %s stands twice", method->name);
        if (st == MDP_OK)
            p->methods[p->n_methods++] = method; /* each once: never more than the table has */
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
    p->by_patient = strcmp(p->group, "patient_id") == 0;
    p->selects_shots = p->draws_file && given(p, "shots");
    p->selects_seeds = p->draws_file && (given(p, "seed") || given(p, "seeds"));
    mdp_status st = parse_numbers(&p->shots_list, "shots", 1, MOST_SHOTS, &p->shots, &p->n_shots, err);
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
    static const char *const shots[] = {"16"}, *const methods[] = {"zero-shot", "logreg"};

    *p = (struct mdp_probe_plan){.n_seeds = DEFAULT_SEEDS,
                                 .protocol = "medprobe",
                                 .group = "patient_id",
                                 .c_rule_name = "support-cv",
                                 .train_split = "train",
                                 .test_split = "test",
                                 .val_split = "val",
                                 .c = NAN,
                                 .resamples = DEFAULT_RESAMPLES};
    fill_options(p);
    mdp_status st = start_list(&p->shots_list, shots, 1, err);
    if (st == MDP_OK)
        st = start_list(&p->method_list, methods, 2, err);
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
    mdp_list_release(&p->shots_list);
    mdp_list_release(&p->seed_list);
    mdp_list_release(&p->method_list);
    mdp_arguments_release(&p->arguments);
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
        st = method->check(info, err);
        p->method_list.at[kept] = method->name;
        p->methods[kept++] = method;
    }
    p->n_methods = p->method_list.n = kept;
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
        return p->c_rule == MDP_C_FIXED;
    if (strcmp(name, "val-split") == 0)
        return p->c_rule == MDP_C_ORACLE;
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
    for (size_t i = 0; i < p->n_options && strcmp(p->options[i].name, "force") != 0; i++)
        if (belongs_to_run(p, p->options[i].name))
            options[n++] = p->options[i];
    mdp_status st = mdp_options_to_yaml(options, n, out, err);
    free(absolute);
    return st;
}
