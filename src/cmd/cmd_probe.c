/* SPDX-License-Identifier: BSD-3-Clause */
/* probe: store -> run folder. Draws episodes, checks them for leaks, fits and scores every method in each,
   evaluates, reports. */
#include "base/exchange/patients.h"
#include "base/file.h"
#include "base/memory.h"
#include "cmd/commands.h"
#include "cmd/eval_input.h"
#include "cmd/interrupt.h"
#include "cmd/probe_plan.h"
#include "cmd/run_folder.h"
#include "cmd/run_provenance.h"
#include "eval/report/report.h"
#include "eval/results_file.h"
#include "probe/episode.h"
#include "probe/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Everything between the first step and the last. */
struct probing {
    struct mdp_probe_plan plan;
    const volatile sig_atomic_t *stop;
    struct timespec begun;
    struct mdp_store *store;
    const struct mdp_store_info *info;
    struct mdp_draws draws;
    int64_t *held; /* [n_held]: the val split of --c-rule oracle */
    size_t n_held;
    struct mdp_audit *audit;
    struct mdp_probe_data data;
    size_t c_by_default;
    struct mdp_run_folder folder;
    struct mdp_results results;
    struct mdp_progress progress;
};

static const struct mdp_log *log_of(const struct probing *p)
{
    return &p->plan.common.log;
}

static mdp_status open_store(struct probing *p, struct mdp_error *err)
{
    mdp_status st = mdp_store_open(p->plan.store, &p->store, err);

    if (st != MDP_OK)
        return st;
    p->info = mdp_store_info(p->store);
    st = mdp_check_probed_store(p->info, p->plan.by_patient, err);
    if (st == MDP_OK)
        st = mdp_probe_plan_fit_store(&p->plan, p->info, err);
    if (st == MDP_OK && p->plan.c_rule == MDP_C_ORACLE)
        st = mdp_split_rows(p->info, p->plan.val_split, "val-split", &p->held, &p->n_held, err);
    return st;
}

/* The episodes of --draws that --shots and --seeds, when given, select. */
static mdp_status read_draws(struct probing *p, struct mdp_error *err)
{
    const struct mdp_probe_plan *plan = &p->plan;
    mdp_status st = mdp_draws_read(plan->draws_file, p->info->n, &p->draws, err);
    const size_t n = p->draws.n;

    if (st != MDP_OK)
        return st;
    mdp_draws_select(&p->draws, plan->selects_shots ? plan->shots : NULL, plan->n_shots,
                     plan->selects_seeds ? plan->seeds : NULL, plan->n_seed_values);
    return p->draws.n ? MDP_OK
                      : mdp_fail(err, MDP_ERR_USAGE, "%s: none of its %zu episodes has these shots and seeds",
                                 plan->draws_file, n);
}

static mdp_status draw(struct probing *p, struct mdp_error *err)
{
    const struct mdp_probe_plan *plan = &p->plan;
    const struct mdp_draw_rule rule = {.by_patient = plan->by_patient,
                                       .train_split = plan->train_split,
                                       .test_split = plan->test_split,
                                       .draws_val = plan->c_rule == MDP_C_VAL_SHOTS,
                                       .allow_short = plan->allow_short};
    struct mdp_draw_source source;

    if (plan->draws_file)
        return read_draws(p, err);
    mdp_status st = mdp_draw_source_init(p->info, &rule, &source, err);
    if (st != MDP_OK)
        return st;
    st = mdp_draw_episodes(&source, plan->shots, plan->n_shots, plan->seeds, plan->n_seed_values, &p->draws,
                           err);
    mdp_draw_source_release(&source);
    return st;
}

/* Leaks end the run: exit 4. */
static mdp_status audit(struct probing *p, struct mdp_error *err)
{
    const char *const splits[] = {p->plan.train_split, p->plan.test_split, p->plan.val_split};
    size_t n_splits = p->plan.c_rule == MDP_C_ORACLE ? 3 : 2;
    mdp_status st = mdp_audit_new(p->info, p->plan.by_patient, &p->audit, err);

    if (st == MDP_OK && !p->plan.draws_file)
        st = mdp_audit_splits(p->audit, splits, n_splits, err);
    return st;
}

static void mark_rows(bool used[], const int64_t rows[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        used[rows[i]] = true;
}

static mdp_status load(struct probing *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t patients = 0;
    bool *used = mdp_new_array(p->info->n, sizeof *used, err, &st);

    if (st != MDP_OK)
        return st;
    for (size_t e = 0; e < p->draws.n; e++) {
        const struct mdp_draw *d = &p->draws.at[e];
        mark_rows(used, d->support, d->n_support);
        mark_rows(used, d->val, d->n_val);
        if (e == 0 || d->query != p->draws.at[e - 1].query)
            mark_rows(used, d->query, d->n_query);
    }
    mark_rows(used, p->held, p->n_held);
    st = mdp_probe_data_init(p->store, used, &p->data, err);
    if (st == MDP_OK)
        st = mdp_patients_number(p->info, p->plan.by_patient, &p->data.patient, &patients, err);
    free(used);
    return st;
}

static mdp_status begin_folder(struct probing *p, struct mdp_error *err)
{
    struct mdp_text config = {0};
    mdp_status st = mdp_probe_plan_to_yaml(&p->plan, &config, err);

    if (st == MDP_OK)
        st = mdp_run_folder_create(p->plan.out, &config, p->plan.force, &p->folder, err);
    mdp_text_release(&config);
    return st;
}

/* folder.partial/name into *path. */
static mdp_status path_in(const struct probing *p, const char *name, struct mdp_text *path,
                          struct mdp_error *err)
{
    mdp_text_clear(path);
    mdp_text_add(path, "%s/%s", p->folder.partial.at, name);
    return mdp_text_status(path, err);
}

static void show_progress(void *context, size_t done)
{
    mdp_progress_show(context, done, 0);
}

static mdp_status fit_and_score(struct probing *p, struct mdp_error *err)
{
    struct mdp_text path = {0};
    struct mdp_probe_run run = {
        .data = &p->data,
        .draws = &p->draws,
        .methods = p->plan.methods,
        .n_methods = p->plan.n_methods,
        .options = {.c_rule = p->plan.c_rule, .c = p->plan.c, .held = p->held, .n_held = p->n_held},
        .threads = p->plan.common.threads,
        .stop = p->stop,
        .show = show_progress,
        .show_context = &p->progress,
    };
    mdp_status st = path_in(p, "draws.h5", &path, err);

    if (st == MDP_OK)
        st = mdp_draws_write(path.at, &p->draws, err);
    if (st == MDP_OK)
        st = path_in(p, "predictions.h5", &path, err);
    if (st == MDP_OK)
        st = mdp_predictions_writer_create(path.at, p->info->class_names, p->info->n_classes,
                                           p->plan.by_patient, &run.predictions, err);
    if (st == MDP_OK && p->plan.save_probes)
        st = path_in(p, "probes.h5", &path, err);
    if (st == MDP_OK && p->plan.save_probes)
        st = mdp_probes_writer_create(path.at, p->info->model, p->info->class_names, p->info->n_classes,
                                      p->info->d, &run.probes, err);
    if (st == MDP_OK) {
        mdp_progress_begin(&p->progress, log_of(p), "fits", mdp_probe_run_count(&run), 0);
        st = mdp_probe_run(&run, err);
        mdp_progress_end(&p->progress, mdp_probe_run_count(&run), 0);
    }
    p->c_by_default = run.c_by_default;
    if (st == MDP_OK && run.probes) {
        st = mdp_probes_writer_commit(run.probes, err);
        run.probes = NULL;
    }
    if (st == MDP_OK) {
        st = mdp_predictions_writer_commit(run.predictions, err);
        run.predictions = NULL;
    }
    mdp_predictions_writer_free(run.predictions);
    mdp_probes_writer_free(run.probes);
    mdp_text_release(&path);
    return st;
}

static double seconds_since(struct timespec then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then.tv_sec) + 1e-9 * (double)(now.tv_nsec - then.tv_nsec);
}

static mdp_status evaluate(struct probing *p, struct mdp_error *err)
{
    struct mdp_text path = {0};
    struct mdp_eval_files files = {0};
    struct mdp_probe_facts facts;
    struct mdp_eval_options options = mdp_eval_defaults;
    mdp_status st = mdp_probe_facts_init(&p->plan, p->info, &p->draws, p->audit, p->c_by_default,
                                         seconds_since(p->begun), &facts, err);

    options.stop = p->stop;
    options.resamples = p->plan.resamples;
    options.threads = p->plan.common.threads;
    if (st == MDP_OK)
        st = path_in(p, "predictions.h5", &path, err);
    if (st == MDP_OK)
        st = mdp_eval_files_open(path.at, p->info, &files, err);
    files.input.n_provenance = facts.n_provenance;
    files.input.provenance = facts.provenance;
    files.input.n_environment = facts.n_environment;
    files.input.environment = facts.environment;
    if (st == MDP_OK)
        st = mdp_evaluate(&files.input, &options, &p->results, err);
    if (st == MDP_OK)
        st = mdp_results_write(p->folder.partial.at, &p->results, err);
    mdp_eval_files_close(&files);
    mdp_probe_facts_release(&facts);
    mdp_text_release(&path);
    return st;
}

static struct mdp_report_run report_run(const struct probing *p, const char *folder)
{
    return (struct mdp_report_run){
        .name = mdp_path_base(p->folder.path.at), .folder = folder, .results = &p->results};
}

static void note(void *log, const char *line)
{
    mdp_log(log, MDP_LOG_WARN, "%s", line);
}

static mdp_status report(struct probing *p, struct mdp_error *err)
{
    const struct mdp_report_run run = report_run(p, p->folder.partial.at);

    return mdp_report_write(p->folder.partial.at, &run, 1, MDP_REPORT_ALL, note, &p->plan.common.log, err);
}

/* The table, or results.json with --json, and where the report is. */
static mdp_status print_results(struct probing *p, struct mdp_error *err)
{
    const char *folder = p->folder.path.at;
    struct mdp_text out = {0};
    const struct mdp_report_run run = report_run(p, folder);
    mdp_status st = MDP_OK;

    if (p->plan.json) {
        char *json = NULL;
        size_t n = 0;
        mdp_text_add(&out, "%s/results.json", folder);
        st = mdp_text_status(&out, err);
        if (st == MDP_OK)
            st = mdp_file_read(out.at, SIZE_MAX / 2, &json, &n, err);
        if (st == MDP_OK)
            fwrite(json, 1, n, stdout);
        free(json);
    } else {
        st = mdp_report_to_summary(&run, &out, err);
        if (st == MDP_OK)
            fwrite(out.at, 1, out.n, stdout);
    }
    if (st == MDP_OK)
        mdp_log(log_of(p), MDP_LOG_INFO, "report: %s/report.html", folder);
    mdp_text_release(&out);
    return st;
}

/* What a user should know of the draws, once. */
static void say_draws(const struct probing *p)
{
    const struct mdp_draw *first = &p->draws.at[0];
    size_t patients = 0;

    if (p->data.not_unit)
        mdp_log(
            log_of(p), MDP_LOG_WARN,
            "%s: %zu of %zu embeddings are not of unit length; they are used as they are (zero-shot means "
            "cosines of unit vectors)",
            p->info->path, p->data.not_unit, p->info->n);
    if (p->info->n_prompts && p->info->logit_scale == 1.0)
        mdp_log(log_of(p), MDP_LOG_INFO,
                "%s: logit_scale is 1, as where a store has none: zero-shot probabilities are nearly even",
                p->info->path);
    if (p->info->n_classes == 2)
        mdp_log(log_of(p), MDP_LOG_INFO, "positive class: '%s' (the second of '%s', '%s')",
                p->info->class_names[1], p->info->class_names[0], p->info->class_names[1]);
    if (mdp_audit_count_patients(p->audit, first->query, first->n_query, &patients, NULL) != MDP_OK)
        return;
    if (p->plan.by_patient)
        mdp_log(log_of(p), MDP_LOG_INFO, "%zu episode%s; %s is scored on %zu pictures of %zu patients",
                p->draws.n, p->draws.n == 1 ? "" : "s", first->key.name, first->n_query, patients);
    else
        mdp_log(log_of(p), MDP_LOG_INFO,
                "%zu episode%s; %s is scored on %zu pictures; patients are not looked at", p->draws.n,
                p->draws.n == 1 ? "" : "s", first->key.name, first->n_query);
    for (size_t i = 0; i < p->info->n_text_classes; i++) {
        bool known = false;
        for (size_t k = 0; k < p->info->n_classes; k++)
            known = known || strcmp(p->info->text_class_names[i], p->info->class_names[k]) == 0;
        if (!known)
            mdp_log(log_of(p), MDP_LOG_INFO, "prompts of '%s' are not used: no label has this class",
                    p->info->text_class_names[i]);
    }
}

static void say_rule(const struct probing *p)
{
    if (p->c_by_default)
        mdp_log(log_of(p), MDP_LOG_INFO,
                "C = %g in %zu episodes with one picture or patient a class: nothing to choose C by",
                MDP_C_DEFAULT, p->c_by_default);
    if (p->plan.c_rule == MDP_C_ORACLE)
        mdp_log(log_of(p), MDP_LOG_WARN,
                "oracle: C is chosen on all %zu labelled rows of split '%s', more labels than the shots say",
                p->n_held, p->plan.val_split);
}

static mdp_status check_stop(const struct probing *p, struct mdp_error *err)
{
    return *p->stop ? mdp_fail(err, MDP_ERR_INTERRUPTED, "interrupted (run again to go on)") : MDP_OK;
}

static mdp_status probe(struct probing *p, struct mdp_error *err)
{
    const size_t threads = p->plan.common.threads;
    mdp_status st = mdp_run_folder_check(p->plan.out, p->plan.force, err);

    if (st == MDP_OK)
        st = open_store(p, err);
    if (st == MDP_OK)
        st = audit(p, err);
    if (st == MDP_OK)
        st = draw(p, err);
    if (st == MDP_OK)
        st = mdp_audit_draws(p->audit, &p->draws, p->held, p->n_held, threads, err);
    if (st == MDP_OK)
        st = load(p, err);
    if (st != MDP_OK)
        return st;
    say_draws(p);
    st = begin_folder(p, err);
    if (st == MDP_OK)
        st = fit_and_score(p, err);
    if (st == MDP_OK)
        say_rule(p);
    if (st == MDP_OK)
        st = evaluate(p, err);
    if (st == MDP_OK)
        st = check_stop(p, err);
    if (st == MDP_OK)
        st = report(p, err);
    if (st == MDP_OK)
        st = check_stop(p, err);
    if (st == MDP_OK)
        st = mdp_run_folder_commit(&p->folder, err);
    return st == MDP_OK ? print_results(p, err) : st;
}

static void probing_release(struct probing *p)
{
    mdp_results_release(&p->results);
    mdp_run_folder_release(&p->folder);
    mdp_probe_data_release(&p->data);
    mdp_audit_free(p->audit);
    mdp_draws_release(&p->draws);
    free(p->held);
    mdp_store_close(p->store);
    mdp_probe_plan_release(&p->plan);
}

mdp_status mdp_cmd_probe(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct probing p = {.folder = {.lock = -1}};

    (void)exit_code;
    clock_gettime(CLOCK_MONOTONIC, &p.begun);
    mdp_status st = mdp_probe_plan_init(argc, argv, &p.plan, err);
    if (st != MDP_OK || p.plan.arguments.help)
        goto out;
    p.stop = mdp_interrupt_catch();
    st = probe(&p, err);
out:
    probing_release(&p);
    return st;
}
