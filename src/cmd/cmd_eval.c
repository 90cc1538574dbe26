/* SPDX-License-Identifier: BSD-3-Clause */
/* eval: scores predictions that are there (a table, or predictions.h5 of a run), or those of a saved probe on another
   store. */
#include "base/file.h"
#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/options.h"
#include "cmd/commands.h"
#include "cmd/eval_input.h"
#include "eval/predictions_csv.h"
#include "eval/results_json.h"
#include "eval/score_table.h"
#include "medprobe/store.h"
#include "probe/probed_store.h"
#include "probe/probes_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 8 };

struct eval_options {
    const char *predictions, *probes, *probe, *split, *out, *store;
    struct mdp_list against, metrics;
    bool json;
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
    .operand = "a store",
};

static mdp_status print_text(const struct mdp_text *text, struct mdp_error *err)
{
    mdp_status st = mdp_text_status(text, err);

    if (st == MDP_OK && fwrite(text->at, 1, text->n, stdout) != text->n)
        st = mdp_fail_errno(err, MDP_ERR_IO, "standard output");
    return st;
}

/* --- one table of scores, alone and against others --- */

static mdp_status print_scoring(const struct mdp_score_table *scoring, bool json, struct mdp_error *err)
{
    struct mdp_text text = {0};

    if (json)
        mdp_score_table_to_json(scoring, &text);
    else
        mdp_score_table_to_text(scoring, &text);
    mdp_status st = print_text(&text, err);
    mdp_text_release(&text);
    return st;
}

static mdp_status score_table(const struct eval_options *opt, const struct mdp_prediction_table *table,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const size_t n = opt->against.n;
    const struct mdp_rows rows = mdp_prediction_table_rows(table);
    struct mdp_score_table scoring = {0};
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
        st = mdp_score_table_init(&rows, table->class_names, rivals, n, opt->metrics.at, opt->metrics.n,
                                  &scoring, err);
    if (st == MDP_OK)
        st = print_scoring(&scoring, opt->json, err);
    mdp_score_table_release(&scoring);
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

    if (st == MDP_OK)
        st = score_table(opt, &table, err);
    mdp_prediction_table_release(&table);
    return st;
}

/* --- predictions.h5 of a run --- */

/* " 0.1234"; "-" for what is not defined, as in the table of scores. */
static void put_value(struct mdp_text *t, double x)
{
    if (isnan(x))
        mdp_text_add(t, "        -");
    else
        mdp_text_add(t, " %8.4f", x);
}

static void put_padded(struct mdp_text *t, const char *name, size_t width)
{
    const size_t before = t->n;

    mdp_text_add_printable(t, name);
    mdp_text_add(t, "%*s", t->n - before < width ? (int)(width - (t->n - before)) : 0, "");
}

static mdp_status print_results(const struct mdp_results *results, bool json, struct mdp_error *err)
{
    struct mdp_text text = {0};
    mdp_status st = MDP_OK;

    if (json)
        st = mdp_results_to_json(results, &text, err);
    else
        mdp_text_add(&text, "%-16s %6s %-36s %8s %8s %8s\n", "method", "shots", "metric", "mean", "low",
                     "high");
    for (size_t i = 0; !json && i < results->n_results; i++) {
        const struct mdp_result *r = &results->results[i];
        put_padded(&text, r->method, 16);
        mdp_text_add(&text, " %6zu ", r->shots);
        put_padded(&text, r->metric, 36);
        put_value(&text, r->mean);
        put_value(&text, r->ci_low);
        put_value(&text, r->ci_high);
        mdp_text_add(&text, "\n");
    }
    if (st == MDP_OK)
        st = print_text(&text, err);
    mdp_text_release(&text);
    return st;
}

static mdp_status eval_run(const struct eval_options *opt, const struct mdp_store_info *info,
                           struct mdp_error *err)
{
    struct mdp_eval_files files = {0};
    struct mdp_results results = {0};
    struct mdp_eval_options options = mdp_eval_defaults;
    mdp_status st = mdp_eval_files_open(opt->predictions, info, &files, err);

    options.threads = opt->common.threads;
    if (st == MDP_OK) {
        st = mdp_evaluate(&files.input, &options, &results, err);
        if (st != MDP_OK)
            st = mdp_fail_at(err, st, "%s", opt->predictions);
    }
    if (st == MDP_OK)
        st = print_results(&results, opt->json, err);
    mdp_results_release(&results);
    mdp_eval_files_close(&files);
    return st;
}

/* --- a saved probe on another store --- */

/* "logreg/k16/s1" for every probe of a file. */
struct probe_names {
    size_t n;
    struct mdp_text first, all;
};

static bool is_probe(const struct mdp_h5 *file, const char *name)
{
    struct mdp_text path = {0};

    mdp_text_add(&path, "/%s/coef", name);
    bool is = !path.failed && mdp_h5_has(file, path.at);
    mdp_text_release(&path);
    return is;
}

static mdp_status find_probes(const struct mdp_h5 *file, const char *group, size_t depth,
                              struct probe_names *names, struct mdp_error *err)
{
    char **members = NULL;
    size_t n = 0;
    struct mdp_text path = {0};

    mdp_text_add(&path, "%s/coef", group);
    mdp_status st = mdp_text_status(&path, err);
    if (st == MDP_OK && mdp_h5_has(file, path.at)) {
        if (names->n++ == 0)
            mdp_text_add(&names->first, "%s", group + 1);
        if (names->n <= 8)
            mdp_text_add(&names->all, "%s%s", names->n > 1 ? ", " : "", group + 1);
        goto out;
    }
    if (st == MDP_OK && depth < MAX_DEPTH &&
        mdp_h5_members(file, *group ? group : "/", &members, &n, NULL) != MDP_OK)
        n = 0; /* a dataset: no probe */
    for (size_t i = 0; st == MDP_OK && i < n; i++) {
        mdp_text_clear(&path);
        mdp_text_add(&path, "%s/%s", group, members[i]);
        st = mdp_text_status(&path, err);
        if (st == MDP_OK)
            st = find_probes(file, path.at, depth + 1, names, err);
    }
    mdp_h5_strings_free(members, n);
out:
    mdp_text_release(&path);
    return st;
}

/* `asked`, or the name of the only probe of a file; several, and a name that is none, are answered with the
   names. */
static mdp_status choose_probe(const struct mdp_h5 *file, const char *path, const char *asked,
                               struct mdp_text *name, struct mdp_error *err)
{
    struct probe_names names = {0};
    mdp_status st = find_probes(file, "", 0, &names, err);
    bool known = st == MDP_OK && asked && is_probe(file, asked);

    if (st == MDP_OK && names.n == 0)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: no probes in it (expected /<method>/<group>/coef)", path);
    if (st == MDP_OK && names.n && asked && !known)
        st = mdp_fail(err, MDP_ERR_USAGE, "%s: no probe '%s' (there are %s%s)", path, asked, names.all.at,
                      names.n > 8 ? ", ..." : "");
    if (st == MDP_OK && names.n > 1 && !asked)
        st = mdp_fail(err, MDP_ERR_USAGE, "%s: %zu probes (choose one with --probe: %s%s)", path, names.n,
                      names.all.at, names.n > 8 ? ", ..." : "");
    if (st == MDP_OK)
        mdp_text_add(name, "%s", known ? asked : names.first.at);
    mdp_text_release(&names.first);
    mdp_text_release(&names.all);
    return st == MDP_OK ? mdp_text_status(name, err) : st;
}

/* A probe of another model's embeddings would give numbers that mean nothing. */
static mdp_status same_model(const struct mdp_h5 *file, const char *path, const struct mdp_store_info *info,
                             struct mdp_error *err)
{
    char *model = NULL;
    mdp_status st = MDP_OK;

    if (!mdp_h5_attr_has(file, "/", "model"))
        return MDP_OK;
    st = mdp_h5_attr_read_string(file, "/", "model", &model, err);
    if (st == MDP_OK && *model && *info->model && strcmp(model, info->model) != 0)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: probes for model '%s', but %s has embeddings of '%s'", path,
                      model, info->path, info->model);
    free(model);
    return st;
}

static mdp_status read_probe(const struct eval_options *opt, const struct mdp_store_info *info,
                             struct mdp_probe_weights *weights, struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    struct mdp_text name = {0};
    mdp_status st = mdp_h5_open(opt->probes, &file, err);

    if (st == MDP_OK)
        st = same_model(file, opt->probes, info, err);
    if (st == MDP_OK)
        st = choose_probe(file, opt->probes, opt->probe, &name, err);
    mdp_h5_close(file);
    if (st == MDP_OK)
        st = mdp_text_status(&name, err);
    char *slash = st == MDP_OK ? strchr(name.at, '/') : NULL;
    if (st == MDP_OK && (!slash || slash == name.at || !slash[1]))
        st = mdp_fail(err, MDP_ERR_USAGE,
                      "--probe: '%s' is no name of a probe (expected <method>/<group>, as "
                      "logreg/k16/s1)",
                      name.at);
    if (st == MDP_OK) {
        *slash = '\0';
        st = mdp_probe_weights_read(opt->probes, name.at, slash + 1, weights, err);
    }
    mdp_text_release(&name);
    if (st == MDP_OK && weights->d != info->d)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: weights for %zu features, but %s has %zu", opt->probes,
                      weights->d, info->path, info->d);
    return st;
}

/* The label of a store's row as a class of the probe; -1 without one. */
static mdp_status label_of(const struct mdp_store_info *info, const struct mdp_probe_weights *weights,
                           size_t row, int32_t *label, struct mdp_error *err)
{
    *label = -1;
    if (!info->labels || info->labels[row] < 0)
        return MDP_OK;
    const char *name = info->class_names[info->labels[row]];
    for (size_t k = 0; k < weights->k; k++)
        if (strcmp(weights->class_names[k], name) == 0)
            *label = (int32_t)k;
    if (*label < 0)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: row %zu: the probe has no class '%s'", info->path, row,
                        name);
    return MDP_OK;
}

static bool is_chosen(const struct eval_options *opt, const struct mdp_store_info *info, size_t row)
{
    return !opt->split || (info->splits && strcmp(info->splits[row], opt->split) == 0);
}

/* Rows of the store (of the chosen split) as a table without scores; rows without label are at its end. */
static mdp_status choose_rows(const struct eval_options *opt, const struct mdp_store_info *info,
                              const struct mdp_probe_weights *weights, struct mdp_prediction_table *t,
                              size_t *labelled, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char **ids = mdp_pool_array(t->pool, info->n, sizeof *ids, err, &st), **patients = NULL;

    if (st == MDP_OK && opt->split)
        st = mdp_split_check(info, opt->split, "split", err);
    if (st == MDP_OK && info->patient_ids)
        patients = mdp_pool_array(t->pool, info->n, sizeof *patients, err, &st);
    if (st == MDP_OK)
        t->labels = mdp_pool_array(t->pool, info->n, sizeof *t->labels, err, &st);
    if (st == MDP_OK)
        t->numbers = mdp_pool_array(t->pool, info->n, sizeof *t->numbers, err, &st);
    for (int with_label = 1; with_label >= 0; with_label--) {
        for (size_t i = 0; st == MDP_OK && i < info->n; i++) {
            int32_t label = -1;
            st = label_of(info, weights, i, &label, err);
            if (st != MDP_OK || !is_chosen(opt, info, i) || (label >= 0) != with_label)
                continue;
            ids[t->n] = info->ids[i];
            if (patients)
                patients[t->n] = info->patient_ids[i];
            t->labels[t->n] = label;
            t->numbers[t->n++] = (int64_t)i;
        }
        if (with_label)
            *labelled = t->n;
    }
    t->ids = ids;
    t->patient_ids = patients;
    if (st == MDP_OK && t->n == 0)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: no rows", info->path);
    return st;
}

struct scored_block {
    const struct mdp_probe_weights *weights;
    double *scores; /* [N, K] */
    size_t k;
};

static mdp_status score_block(void *context, size_t first, size_t n, const float *x, struct mdp_error *err)
{
    const struct scored_block *b = context;

    return mdp_probe_weights_apply(b->weights, x, n, b->scores + first * b->k, err);
}

static mdp_status apply(const struct mdp_store *store, const struct mdp_probe_weights *weights,
                        struct mdp_prediction_table *t, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    t->scores = mdp_pool_array(t->pool, t->n, t->k * sizeof *t->scores, err, &st);
    if (st != MDP_OK)
        return st;
    struct scored_block block = {weights, t->scores, t->k};
    return mdp_store_each_block(store, t->numbers, t->n, score_block, &block, err);
}

static mdp_status number_table(struct mdp_prediction_table *t, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    t->patients = mdp_pool_array(t->pool, t->n, sizeof *t->patients, err, &st);
    if (st == MDP_OK && t->patient_ids)
        return mdp_number_names(t->patient_ids, t->n, t->patients, &t->n_patients, err);
    for (size_t i = 0; st == MDP_OK && i < t->n; i++)
        t->patients[i] = (uint32_t)i;
    t->n_patients = t->n;
    return st;
}

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
    const struct mdp_store_info *info = mdp_store_info(store);
    struct mdp_probe_weights weights = {0};
    struct mdp_prediction_table t = {.path = info->path};
    size_t labelled = 0;
    mdp_status st = MDP_OK;

    t.pool = mdp_pool_new(err, &st);
    if (st == MDP_OK && opt->out)
        st = may_write(opt->out, err);
    if (st == MDP_OK)
        st = read_probe(opt, info, &weights, err);
    t.k = weights.k;
    t.class_names = (const char *const *)weights.class_names;
    if (st == MDP_OK)
        st = choose_rows(opt, info, &weights, &t, &labelled, err);
    if (st == MDP_OK && labelled == 0 && !opt->out)
        st = mdp_fail(err, MDP_ERR_VALUE,
                      "%s: no labelled rows to score (-o FILE.csv writes the predictions alone)", info->path);
    if (st == MDP_OK)
        st = apply(store, &weights, &t, err);
    if (st == MDP_OK)
        st = number_table(&t, err);
    if (st == MDP_OK && opt->out)
        st = mdp_prediction_table_write(opt->out, &t, err);
    t.n = labelled;
    if (st == MDP_OK && labelled)
        st = score_table(opt, &t, err);
    mdp_probe_weights_release(&weights);
    mdp_prediction_table_release(&t);
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
        {.name = "json", .flag = &opt.json, .help = "one JSON document on stdout"},
    };

    (void)exit_code;
    mdp_status st =
        mdp_options_parse(&usage, rows, sizeof rows / sizeof rows[0], argc, argv, &opt.common, &args, err);
    if (st == MDP_OK && !args.help) {
        opt.store = args.n ? args.operands[0] : NULL;
        st = eval(&opt, err);
    }
    mdp_list_release(&opt.against);
    mdp_list_release(&opt.metrics);
    mdp_arguments_release(&args);
    return st;
}
