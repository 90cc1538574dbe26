/* SPDX-License-Identifier: BSD-3-Clause */
/* eval: scores predictions that are there (a table, or predictions.h5 of a run), or those of a saved probe on another
   store. */
#include "base/exchange/store_mark.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/options/options.h"
#include "cmd/commands.h"
#include "cmd/eval_input.h"
#include "cmd/eval_probe.h"
#include "cmd/print.h"
#include "eval/provenance_keys.h"
#include "eval/results_json.h"
#include "eval/score_table.h"
#include "medprobe/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct eval_options {
    const char *predictions, *probes, *probe, *split, *out, *store;
    struct mdp_list against, metrics;
    size_t resamples; /* when resamples_given */
    bool json, resamples_given;
    struct mdp_common common;
};

static const struct mdp_usage usage = {
    .command = "eval",
    .synopsis = "[STORE] [options]",
    .summary = "Scores predictions: a CSV with the columns id, label, score_<class>... and, where there are "
               "patients, "
               "patient_id; or predictions.h5 of a run with its STORE; or a saved probe on another STORE.",
    .example =
        "  medprobe eval --predictions mine.csv --against theirs.csv --metrics accuracy,auc --json\n"
        "  medprobe eval --probes results/tb/probes.h5 --probe logreg/k16/s1 other.h5 -o predictions.csv",
    .most_operands = 1,
    .operands = {"a store"},
};

/* --- one table of scores, alone and against others --- */

static mdp_status print_scores(const struct mdp_score_table *scores, bool json, struct mdp_error *err)
{
    struct mdp_text text = {0};

    if (json)
        mdp_score_table_to_json(scores, &text);
    else
        mdp_score_table_to_text(scores, &text);
    mdp_status st = mdp_print_text(&text, err);
    mdp_text_release(&text);
    return st;
}

static mdp_status score_table(const struct eval_options *opt, const struct mdp_prediction_table *table,
                              const struct mdp_scored_what *what, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const size_t n = opt->against.n;
    const struct mdp_rows rows = mdp_prediction_table_rows(table);
    struct mdp_score_table scores = {0};
    struct mdp_prediction_table *others = mdp_new_array(n, sizeof *others, err, &st);
    struct mdp_rival *rivals = NULL;

    if (st == MDP_OK)
        rivals = mdp_new_array(n, sizeof *rivals, err, &st);
    for (size_t i = 0; st == MDP_OK && i < n; i++) {
        st = mdp_prediction_table_read(opt->against.at[i], &others[i], err);
        if (st == MDP_OK)
            st = mdp_prediction_table_align(table, &others[i], err);
        if (st == MDP_OK)
            rivals[i] = (struct mdp_rival){opt->against.at[i], mdp_prediction_table_rows(&others[i])};
    }
    if (st == MDP_OK)
        st = mdp_score_table_init(what, &rows, table->class_names, rivals, n, opt->metrics.at, opt->metrics.n,
                                  &scores, err);
    if (st == MDP_OK)
        st = print_scores(&scores, opt->json, err);
    mdp_score_table_release(&scores);
    for (size_t i = 0; others && i < n; i++)
        mdp_prediction_table_release(&others[i]);
    free(rivals);
    free(others);
    return st;
}

static mdp_status eval_table(const struct eval_options *opt, struct mdp_error *err)
{
    struct mdp_prediction_table table;
    mdp_status st = mdp_prediction_table_read(opt->predictions, &table, err);
    const struct mdp_scored_what what = {.predictions = opt->predictions,
                                         .has_patients = st == MDP_OK && table.patient_ids};

    if (st == MDP_OK)
        st = score_table(opt, &table, &what, err);
    mdp_prediction_table_release(&table);
    return st;
}

/* --- predictions.h5 of a run --- */

static mdp_status print_results(const struct mdp_results *results, bool json, struct mdp_error *err)
{
    struct mdp_text text = {0};
    mdp_status st = MDP_OK;

    if (json)
        st = mdp_results_to_json(results, &text, err);
    else
        mdp_results_to_text(results, &text);
    if (st == MDP_OK)
        st = mdp_print_text(&text, err);
    mdp_text_release(&text);
    return st;
}

/* What the numbers are of. */
static void say_run(const struct eval_options *opt, const struct mdp_store_info *info,
                    const struct mdp_eval_files *files)
{
    const struct mdp_log *log = &opt->common.log;

    mdp_log(log, MDP_LOG_INFO, "rule for C: %s",
            files->facts->c_rule ? files->facts->c_rule : "not known (the file does not say)");
    if (info->n_classes == 2)
        mdp_log(log, MDP_LOG_INFO, "positive class: '%s'", info->class_names[1]);
    if (!files->patients)
        mdp_log(log, MDP_LOG_INFO, "patients are not looked at: intervals take every picture for itself");
}

static mdp_status eval_run(const struct eval_options *opt, const struct mdp_store_info *info,
                           struct mdp_error *err)
{
    struct mdp_eval_files files = {0};
    struct mdp_results results = {0};
    struct mdp_eval_options options = mdp_eval_defaults;
    mdp_status st = mdp_eval_files_open(opt->predictions, info, &files, err);
    if (st != MDP_OK)
        return st;
    const struct mdp_fact facts[] = {
        {.kind = MDP_FACT_TEXT, .key = "predictions", .text = opt->predictions},
        {.kind = MDP_FACT_TEXT, .key = "store", .text = info->path},
        {.kind = MDP_FACT_TEXT, .key = "store_sha256", .text = info->content_hash},
        {.kind = MDP_FACT_TEXT,
         .key = "positive_class",
         .text = info->n_classes == 2 ? info->class_names[1] : NULL},
        {.kind = MDP_FACT_TEXT, .key = MDP_FACT_KEY_C_RULE, .text = files.facts->c_rule},
    };
    if (!files.facts->names_store)
        mdp_log(&opt->common.log, MDP_LOG_WARN, MDP_STORE_MARK_ABSENT, opt->predictions, info->path);
    if (files.facts->resamples != MDP_RESAMPLES_NOT_SAID)
        options.resamples = files.facts->resamples;
    if (opt->resamples_given)
        options.resamples = opt->resamples;
    options.threads = opt->common.threads;
    files.input.provenance = facts;
    files.input.n_provenance = sizeof facts / sizeof facts[0];
    st = mdp_evaluate(&files.input, &options, &results, err);
    if (st != MDP_OK)
        st = mdp_fail_at(err, st, "%s", opt->predictions);
    if (st == MDP_OK && !opt->json)
        say_run(opt, info, &files);
    if (st == MDP_OK)
        st = print_results(&results, opt->json, err);
    mdp_results_release(&results);
    mdp_eval_files_close(&files);
    return st;
}

/* --- a saved probe on a store --- */

/* What is there may be replaced when it is such a table, and nothing else. */
static mdp_status may_write(const char *path, struct mdp_error *err)
{
    static const char begin[] = "id,label";
    struct mdp_map map = {0};

    if (!mdp_path_exists(path))
        return MDP_OK;
    mdp_status st = mdp_map_open(path, &map, err);
    if (st == MDP_OK && (map.n < sizeof begin - 1 || memcmp(map.bytes, begin, sizeof begin - 1) != 0))
        st = mdp_fail(err, MDP_ERR_USAGE,
                      "%s: is there and no table of predictions (choose another name for -o)", path);
    mdp_map_close(&map);
    return st;
}

static mdp_status eval_probe(const struct eval_options *opt, const struct mdp_store *store,
                             struct mdp_error *err)
{
    struct mdp_probe_predictions p = {0};
    mdp_status st = opt->out ? may_write(opt->out, err) : MDP_OK;

    if (st == MDP_OK)
        st = mdp_probe_predictions_init(&p, store, opt->probes, opt->probe, opt->split, err);
    if (st == MDP_OK && p.labelled == 0 && !opt->out)
        st = mdp_fail(err, MDP_ERR_VALUE,
                      "%s: no labelled rows to score (-o FILE.csv writes the predictions alone)", opt->store);
    if (st == MDP_OK && opt->out)
        st = mdp_prediction_table_write(opt->out, &p.table, err);
    const struct mdp_scored_what what = {.predictions = opt->probes,
                                         .probe = p.name.at,
                                         .store = opt->store,
                                         .has_patients = p.table.patient_ids != NULL,
                                         .left_out = p.own + p.of_their_patients};
    if (st == MDP_OK && what.left_out)
        mdp_log(&opt->common.log, MDP_LOG_WARN,
                "%s: %s has learnt from pictures of it: left out are the %zu rows that it learnt from and "
                "%zu others of "
                "their patients",
                opt->store, p.name.at, p.own, p.of_their_patients);
    if (st == MDP_OK && p.untold)
        mdp_log(&opt->common.log, MDP_LOG_WARN,
                "%s: pictures that %s has learnt from may be among them (%s): numbers on those flatter",
                opt->store, p.name.at, p.untold);
    p.table.n = p.labelled;
    if (st == MDP_OK && p.labelled)
        st = score_table(opt, &p.table, &what, err);
    mdp_probe_predictions_release(&p);
    return st;
}

/* --- the order of steps --- */

static mdp_status is_hdf5(const char *path, bool *yes, struct mdp_error *err)
{
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
    struct mdp_map map = {0};
    mdp_status st = mdp_map_open(path, &map, err);

    *yes = st == MDP_OK && map.n >= sizeof signature && memcmp(map.bytes, signature, sizeof signature) == 0;
    mdp_map_close(&map);
    return st;
}

static mdp_status check_use(const struct eval_options *opt, bool h5, struct mdp_error *err)
{
    if (!opt->predictions == !opt->probes)
        return mdp_fail(err, MDP_ERR_USAGE, "expected --predictions FILE or --probes FILE, one of them");
    if ((opt->probes || h5) && !opt->store)
        return mdp_fail(err, MDP_ERR_USAGE,
                        "%s: expected the store that it is to be used with (medprobe eval %s %s STORE)",
                        opt->probes ? opt->probes : opt->predictions,
                        opt->probes ? "--probes" : "--predictions",
                        opt->probes ? opt->probes : opt->predictions);
    if (opt->predictions && !h5 && opt->store)
        return mdp_fail(err, MDP_ERR_USAGE, "'%s': a table of predictions needs no store", opt->store);
    if (h5 && (opt->against.n || opt->metrics.n))
        return mdp_fail(err, MDP_ERR_USAGE, "--%s is for tables and probes, not for predictions of a run",
                        opt->against.n ? "against" : "metrics");
    if (!opt->probes && (opt->probe || opt->split || opt->out))
        return mdp_fail(err, MDP_ERR_USAGE, "--%s is used with --probes only",
                        opt->probe   ? "probe"
                        : opt->split ? "split"
                                     : "out");
    if (!h5 && opt->resamples_given)
        return mdp_fail(err, MDP_ERR_USAGE, "--resamples is for predictions of a run (predictions.h5) only");
    return MDP_OK;
}

static mdp_status eval(const struct eval_options *opt, struct mdp_error *err)
{
    struct mdp_store *store = NULL;
    bool h5 = false;
    mdp_status st = MDP_OK;

    if (opt->predictions)
        st = is_hdf5(opt->predictions, &h5, err);
    if (st == MDP_OK)
        st = check_use(opt, h5, err);
    if (st == MDP_OK && opt->predictions && !h5)
        return eval_table(opt, err);
    if (st == MDP_OK)
        st = mdp_store_open(opt->store, &store, err);
    if (st == MDP_OK && opt->probes)
        st = eval_probe(opt, store, err);
    else if (st == MDP_OK && (!mdp_store_info(store)->labels || mdp_store_info(store)->n_classes < 2))
        st = mdp_fail(err, MDP_ERR_MISSING, "%s: no labels of two or more classes", opt->store);
    else if (st == MDP_OK)
        st = eval_run(opt, mdp_store_info(store), err);
    mdp_store_close(store);
    return st;
}

mdp_status mdp_cmd_eval(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct eval_options opt = {0};
    struct mdp_arguments args = {0};
    const struct mdp_option rows[] = {
        {.name = "predictions",
         .string = &opt.predictions,
         .argument = "FILE",
         .help = "CSV: id,label[,patient_id],score_<class>...; or predictions.h5 of a run, with its STORE"},
        {.name = "against",
         .each = &opt.against,
         .argument = "FILE",
         .help = "CSV of the same ids by another method, to compare with; may be repeated"},
        {.name = "metrics",
         .list = &opt.metrics,
         .argument = "LIST",
         .help = "accuracy, auc, auc:<class>, sensitivity@specificity=0.90, ...; all when not given"},
        {.name = "probes",
         .string = &opt.probes,
         .argument = "FILE",
         .help = "probes.h5 of a run made with --save-probes, to apply to STORE"},
        {.name = "probe",
         .string = &opt.probe,
         .argument = "NAME",
         .help = "which of them, as logreg/k16/s1; not needed when there is one"},
        {.name = "split",
         .string = &opt.split,
         .argument = "NAME",
         .help = "rows of this split of STORE; all rows when not given"},
        {.name = "out",
         .letter = 'o',
         .string = &opt.out,
         .argument = "FILE",
         .help = "writes the probe's predictions as CSV"},
        {.name = "resamples",
         .size = &opt.resamples,
         .argument = "N",
         .most = MDP_MOST_RESAMPLES,
         .help =
             "bootstrap resamples of patients, of predictions.h5; as many as the run took when not given"},
        {.name = "json", .flag = &opt.json, .help = "one JSON document on stdout"},
    };

    (void)exit_code;
    mdp_status st =
        mdp_options_parse(&usage, rows, sizeof rows / sizeof rows[0], argc, argv, &opt.common, &args, err);
    if (st == MDP_OK && !args.help) {
        opt.resamples_given = mdp_option_given(&args, "resamples");
        opt.store = args.n ? args.operands[0] : NULL;
        st = eval(&opt, err);
    }
    mdp_list_release(&opt.against);
    mdp_list_release(&opt.metrics);
    mdp_arguments_release(&args);
    return st;
}
