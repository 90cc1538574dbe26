/* SPDX-License-Identifier: BSD-3-Clause */
/* probe: store -> run folder. Draws episodes, checks them for leaks, fits and scores every method in each,
   evaluates, reports. The order of steps is probe(), at the end. */
#include "base/exchange/store_mark.h"
#include "base/exchange/zero_shot_rules.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "cmd/commands.h"
#include "cmd/eval_input.h"
#include "cmd/interrupt.h"
#include "cmd/print.h"
#include "cmd/run_folder.h"
#include "cmd/run_provenance.h"
#include "eval/report/report.h"
#include "eval/results_file.h"
#include "eval/results_json.h"
#include "probe/probed_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Everything between the first step and the last. */
struct probing {
    struct mdp_probe_plan plan;
    const volatile sig_atomic_t *stop;
    struct timespec begun;
    struct mdp_store *store;
    const struct mdp_store_info *info;
    int64_t *held; /* [n_held]: the val split of a rule for C that looks at it */
    size_t n_held;
    struct mdp_audit *audit;
    struct mdp_draws draws;
    struct mdp_run_support support;
    struct mdp_probe_data data;
    struct mdp_run_folder folder;
    struct mdp_c_tally *tally; /* [n_methods] */
    struct mdp_run_notes notes;
    struct mdp_progress progress;
    struct mdp_results results;
};

static const struct mdp_log *log_of(const struct probing *p)
{
    return &p->plan.common.log;
}

/* What a beginner gives first. */
static mdp_status refuse_table(const char *path, struct mdp_error *err)
{
    const size_t n = strlen(path);

    if (n < 4 || strcasecmp(path + n - 4, ".csv") != 0)
        return MDP_OK;
    return mdp_fail(
        err, MDP_ERR_USAGE,
        "%s: is no store (extract writes one from a table: medprobe extract --manifest %s -o STORE.h5 "
        "and options for the model)",
        path, path);
}

static mdp_status open_store(struct probing *p, struct mdp_error *err)
{
    TRY(refuse_table(p->plan.store, err));
    TRY(mdp_store_open(p->plan.store, &p->store, err));
    p->info = mdp_store_info(p->store);
    TRY(mdp_check_probed_store(p->info, p->plan.draw.by_patient, err));
    TRY(mdp_probe_plan_fit_store(&p->plan, p->info, err));
    if (p->plan.c_rule->rows == MDP_C_ROWS_VAL_SPLIT)
        TRY(mdp_split_rows(p->info, p->plan.draw.val_split, "val-split", &p->held, &p->n_held, err));
    return MDP_OK;
}

/* Leaks end the run: exit 4. */
static mdp_status audit_splits(struct probing *p, struct mdp_error *err)
{
    const struct mdp_probe_plan *plan = &p->plan;
    const char *splits[MDP_SPLIT_COUNT];

    TRY(mdp_audit_new(p->info, plan->draw.by_patient, &p->audit, err));
    if (plan->draws_file)
        return MDP_OK; /* the file says which rows are used */
    const size_t n = mdp_protocol_splits(plan->protocol, plan->c_rule, &plan->draw, splits);
    return mdp_audit_splits(p->audit, splits, n, err);
}

/* The episodes of --draws that --shots and --seeds, when given, select. */
static mdp_status read_draws(struct probing *p, struct mdp_error *err)
{
    const struct mdp_probe_plan *plan = &p->plan;

    TRY(mdp_draws_read(plan->draws_file, p->info, &p->draws, err));
    if (!p->draws.names_store)
        mdp_log(log_of(p), MDP_LOG_WARN, MDP_STORE_MARK_ABSENT, plan->draws_file, p->info->path);
    const size_t n = p->draws.n;
    mdp_draws_select(&p->draws, plan->selects_shots ? plan->shots : NULL, plan->n_shots,
                     plan->selects_seeds ? plan->seeds : NULL, plan->n_seeds);
    return p->draws.n ? MDP_OK
                      : mdp_fail(err, MDP_ERR_USAGE, "%s: none of its %zu episodes has these shots and seeds",
                                 plan->draws_file, n);
}

static mdp_status draw(struct probing *p, struct mdp_error *err)
{
    const struct mdp_probe_plan *plan = &p->plan;

    if (plan->draws_file)
        TRY(read_draws(p, err));
    else
        TRY(plan->protocol->draw(p->info, &plan->draw, plan->shots, plan->n_shots, plan->seeds, plan->n_seeds,
                                 &p->draws, err));
    TRY(mdp_audit_draws(p->audit, &p->draws, p->held, p->n_held, plan->common.threads, err));
    return mdp_run_support_init(&p->support, p->info, &p->draws, p->audit, err);
}

/* --- what a user should know, once --- */

static void say_store(const struct probing *p)
{
    const struct mdp_store_info *info = p->info;

    if (p->data.not_unit)
        mdp_log(
            log_of(p), MDP_LOG_WARN,
            "%s: %zu of %zu embeddings are not of unit length; they are used as they are (zero-shot means "
            "cosines of unit vectors)",
            info->path, p->data.not_unit, info->n);
    if (info->n_prompts && !info->text_norms &&
        strcmp(info->ensemble, mdp_ensemble_names[MDP_ENSEMBLE_MEAN_RAW]) == 0)
        mdp_log(log_of(p), MDP_LOG_INFO, "%s: has no /text/norms: lengths are taken as 1, so that %s is %s",
                info->path, info->ensemble, mdp_ensemble_names[MDP_ENSEMBLE_MEAN_EMBEDDING]);
    if (info->n_prompts && info->logit_scale == 1.0 &&
        strcmp(info->similarity, mdp_similarity_names[MDP_SIMILARITY_PAIRS]) != 0)
        mdp_log(log_of(p), MDP_LOG_INFO,
                "%s: logit_scale is 1, as where a store has none: zero-shot probabilities are nearly even",
                info->path);
    if (info->n_classes == 2)
        mdp_log(log_of(p), MDP_LOG_INFO, "positive class: '%s' (the second of '%s', '%s')",
                info->class_names[1], info->class_names[0], info->class_names[1]);
}

/* "3 numbers of shots x 10 seeds": a report calls the seeds of a number of shots its episodes. */
static void count_draws(const struct probing *p, struct mdp_text *t)
{
    const struct mdp_run_support *s = &p->support;

    if (s->n_shots * s->n_seeds == p->draws.n)
        mdp_text_add(t, "%zu number%s of shots x %zu seed%s", s->n_shots, s->n_shots == 1 ? "" : "s",
                     s->n_seeds, s->n_seeds == 1 ? "" : "s");
    else
        mdp_text_add(t, "%zu episode%s", p->draws.n, p->draws.n == 1 ? "" : "s");
}

static void say_draws(const struct probing *p)
{
    const struct mdp_store_info *info = p->info;
    const struct mdp_draw *first = &p->draws.at[0];
    struct mdp_text t = {0};
    size_t patients = 0;

    count_draws(p, &t);
    mdp_text_add(&t, "; %s is scored on %zu pictures", first->key.name, first->n_query);
    mdp_status st = mdp_audit_count_patients(p->audit, first->query, first->n_query, &patients, NULL);
    if (p->plan.draw.by_patient)
        mdp_text_add(&t, " of %zu patients", patients);
    else if (!p->support.n_patients) /* else mdp_run_notes_add_rows warns of them */
        mdp_text_add(&t, "; patients are not looked at");
    if (st == MDP_OK && mdp_text_status(&t, NULL) == MDP_OK)
        mdp_log(log_of(p), MDP_LOG_INFO, "%s", t.at);
    mdp_text_release(&t);
    for (size_t i = 0; i < info->n_text_classes; i++)
        if (mdp_name_index(info->text_class_names[i], info->class_names, info->n_classes) == info->n_classes)
            mdp_log(log_of(p), MDP_LOG_INFO, "prompts of '%s' are not used: no label has this class",
                    info->text_class_names[i]);
}

static mdp_status say_what_is_used(struct probing *p, struct mdp_error *err)
{
    say_store(p);
    say_draws(p);
    return mdp_run_notes_add_rows(&p->notes, &p->plan, p->info, &p->support, err);
}

/* --- the run folder --- */

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

static mdp_status run_episodes(struct probing *p, struct mdp_probe_run *run, struct mdp_error *err)
{
    mdp_progress_begin(&p->progress, log_of(p), "predictions", mdp_probe_run_count(run), 0);
    mdp_status st = mdp_probe_run(run, err);
    mdp_progress_end(&p->progress, run->done, 0);
    return st;
}

static mdp_status fit_and_score(struct probing *p, struct mdp_error *err)
{
    const struct mdp_probe_plan *plan = &p->plan;
    const struct mdp_predictions_facts facts = {
        .by_patient = plan->draw.by_patient, .c_rule = plan->c_rule->name, .resamples = plan->resamples};
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;
    struct mdp_probe_run run = {
        .data = &p->data,
        .draws = &p->draws,
        .methods = plan->methods,
        .n_methods = plan->n_methods,
        .options = {.c_rule = plan->c_rule, .c = plan->c, .held = p->held, .n_held = p->n_held},
        .threads = plan->common.threads,
        .stop = p->stop,
        .show = show_progress,
        .show_context = &p->progress,
    };

    run.tally = p->tally = mdp_new_array(plan->n_methods, sizeof *p->tally, err, &st);
    if (st != MDP_OK)
        return st;
    OR_OUT(path_in(p, "draws.h5", &path, err));
    OR_OUT(mdp_draws_write(path.at, p->info, &p->draws, err));
    OR_OUT(path_in(p, "predictions.h5", &path, err));
    OR_OUT(mdp_predictions_writer_create(path.at, p->info, &facts, &run.predictions, err));
    if (plan->save_probes) {
        OR_OUT(path_in(p, "probes.h5", &path, err));
        OR_OUT(mdp_probes_writer_create(path.at, p->info, p->held, p->n_held, &run.probes, err));
    }
    OR_OUT(run_episodes(p, &run, err));
    if (run.probes) {
        st = mdp_probes_writer_commit(run.probes, err);
        run.probes = NULL;
    }
    if (st == MDP_OK) {
        st = mdp_predictions_writer_commit(run.predictions, err);
        run.predictions = NULL;
    }
out:
    mdp_predictions_writer_free(run.predictions);
    mdp_probes_writer_free(run.probes);
    mdp_text_release(&path);
    return st;
}

static mdp_status evaluate(struct probing *p, struct mdp_error *err)
{
    struct mdp_text path = {0};
    struct mdp_eval_files files = {0};
    struct mdp_run_provenance facts = {0};
    struct mdp_eval_options options = mdp_eval_defaults;
    mdp_status st = MDP_OK;

    options.stop = p->stop;
    options.resamples = p->plan.resamples;
    options.threads = p->plan.common.threads;
    OR_OUT(mdp_run_provenance_init(&facts, &p->plan, p->info, &p->support, &p->notes, p->begun, err));
    OR_OUT(path_in(p, "predictions.h5", &path, err));
    OR_OUT(mdp_eval_files_open(path.at, p->info, &files, err));
    files.input.n_provenance = facts.n_provenance;
    files.input.provenance = facts.provenance;
    files.input.n_environment = facts.n_environment;
    files.input.environment = facts.environment;
    OR_OUT(mdp_evaluate(&files.input, &options, &p->results, err));
    OR_OUT(mdp_results_write(p->folder.partial.at, &p->results, err));
out:
    mdp_eval_files_close(&files);
    mdp_run_provenance_release(&facts);
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
    struct mdp_text out = {0};
    const struct mdp_report_run run = report_run(p, p->folder.path.at);
    mdp_status st =
        p->plan.json ? mdp_results_to_json(&p->results, &out, err) : mdp_report_to_summary(&run, &out, err);

    if (st == MDP_OK)
        st = mdp_print_text(&out, err);
    if (st == MDP_OK)
        mdp_log(log_of(p), MDP_LOG_INFO, "report: %s/report.html", p->folder.path.at);
    mdp_text_release(&out);
    return st;
}

static mdp_status check_stop(const struct probing *p, struct mdp_error *err)
{
    return *p->stop
               ? mdp_fail(err, MDP_ERR_INTERRUPTED, "interrupted (nothing is kept: run again to start anew)")
               : MDP_OK;
}

/* --- the order of steps --- */

static mdp_status probe(struct probing *p, struct mdp_error *err)
{
    TRY(mdp_run_folder_check(p->plan.out, p->plan.force, err));
    TRY(open_store(p, err));
    TRY(audit_splits(p, err));
    TRY(draw(p, err));
    TRY(mdp_probe_data_init(p->store, &p->draws, p->held, p->n_held, p->plan.draw.by_patient, &p->data, err));
    TRY(say_what_is_used(p, err));
    TRY(begin_folder(p, err));
    TRY(fit_and_score(p, err));
    TRY(mdp_run_notes_add_c(&p->notes, &p->plan, p->tally, err));
    TRY(evaluate(p, err));
    TRY(check_stop(p, err));
    TRY(report(p, err));
    TRY(check_stop(p, err));
    TRY(mdp_run_folder_commit(&p->folder, err));
    return print_results(p, err);
}

static void probing_release(struct probing *p)
{
    mdp_results_release(&p->results);
    mdp_run_notes_release(&p->notes);
    free(p->tally);
    mdp_run_folder_release(&p->folder);
    mdp_probe_data_release(&p->data);
    mdp_run_support_release(&p->support);
    mdp_draws_release(&p->draws);
    mdp_audit_free(p->audit);
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
    if (st == MDP_OK && !p.plan.arguments.help) {
        p.stop = mdp_interrupt_catch();
        st = probe(&p, err);
    }
    probing_release(&p);
    return st;
}
