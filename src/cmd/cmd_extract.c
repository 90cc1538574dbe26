/* SPDX-License-Identifier: BSD-3-Clause */
/* extract: pictures and prompts to a store. Read run() first: it is the order of steps. */
#include "base/config_files.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "cmd/commands.h"
#include "cmd/extract_options.h"
#include "cmd/interrupt.h"
#include "cmd/project.h"
#include "extract/job/embed_pictures.h"
#include "extract/job/existing_store.h"
#include "extract/job/manifest_summary.h"
#include "extract/job/prompt_embeddings.h"
#include "extract/job/run_facts.h"
#include "extract/job/same_pictures.h"
#include "extract/job/store_write.h"
#include "extract/job/zero_shot_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Everything a run holds, in the order in which it comes to be. */
struct job {
    struct mdp_extract_options opt;
    struct mdp_common common;
    const volatile sig_atomic_t *stop;
    struct mdp_manifest manifest;
    struct mdp_prompts prompts;
    struct mdp_model *model;
    struct mdp_zero_shot_rules rules; /* with prompts */
    struct mdp_facts attributes;      /* of the store's root */
    struct mdp_facts facts;           /* of the work file: the attributes and what else decides the bytes */
    struct mdp_prompt_embeddings texts;
    struct mdp_workfile *work;
    struct mdp_progress progress;
    size_t failures; /* rows without an embedding */
};

/* --- prompts --- */

/* Classes of labels and prompts are matched by name; a class without prompts would have no zero-shot score. */
static mdp_status match_classes(const struct job *job, struct mdp_error *err)
{
    const struct mdp_manifest *m = &job->manifest;
    const size_t n = job->prompts.n;
    mdp_status st = MDP_OK;
    const char **names = mdp_new_array(n, sizeof *names, err, &st);

    for (size_t p = 0; p < n && st == MDP_OK; p++)
        names[p] = job->prompts.classes[p].name;
    for (size_t c = 0; c < m->n_classes && st == MDP_OK; c++)
        if (mdp_name_index(m->class_names[c], names, n) == n)
            st = mdp_fail(err, MDP_ERR_USAGE, "--prompts %s: no prompts for class '%.100s' of %s (%s)",
                          job->opt.prompts, m->class_names[c], m->file,
                          mdp_name_hint(m->class_names[c], names, n).text);
    free(names);
    return st;
}

static mdp_status read_prompts(struct job *job, struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;

    if (strcmp(job->opt.prompts, "default") == 0)
        st = mdp_model_card_prompts(job->opt.model.model, &path, err);
    else
        st = mdp_config_locate(&mdp_config_prompts, job->opt.prompts, &path, err);
    if (st == MDP_OK)
        st = mdp_prompts_read(path.at, &job->prompts, err);
    if (st == MDP_OK)
        st = match_classes(job, err);
    mdp_text_release(&path);
    return st;
}

/* --- what is said --- */

/* Files of one's own are legitimate; that they are not the published ones should not go unnoticed. */
static void say_other(const struct job *job, const struct mdp_model_source *source, const char *what)
{
    if (source->is_other)
        mdp_log(&job->common.log, MDP_LOG_INFO, "%s: is not the published %s of %s (SHA-256 differs)",
                source->path.at, what, job->model->card.name);
}

static void say_lines(const struct job *job, enum mdp_log_level level, struct mdp_text *lines)
{
    for (char *line = lines->at, *end; line && (end = strchr(line, '\n')); line = end + 1)
        mdp_log(&job->common.log, level, "%.*s", (int)(end - line), line);
}

static void say_positive(const struct job *job)
{
    const struct mdp_manifest *m = &job->manifest;
    const struct mdp_manifest_options *o = &job->opt.table;

    if (m->n_classes != 2)
        return;
    if (!o->positive && !o->classes.n && mdp_manifest_positive_sounds_normal(m))
        mdp_log(
            &job->common.log, MDP_LOG_WARN,
            "positive class: '%s' (the second of '%s', '%s'); --positive '%s' makes the other one positive",
            m->class_names[1], m->class_names[0], m->class_names[1], m->class_names[0]);
    else
        mdp_log(&job->common.log, MDP_LOG_INFO, "positive class: '%s' (the second of '%s', '%s')",
                m->class_names[1], m->class_names[0], m->class_names[1]);
}

static mdp_status say_input(const struct job *job, struct mdp_error *err)
{
    const struct mdp_manifest *m = &job->manifest;
    struct mdp_manifest_summary summary;
    mdp_status st = mdp_manifest_summary_init(&summary, m, err);

    say_other(job, &job->model->weights_file, "weights");
    say_other(job, &job->model->text_weights_file, "text weights");
    say_other(job, &job->model->vocab_file, "vocabulary");
    say_lines(job, MDP_LOG_INFO, &summary.facts);
    say_lines(job, MDP_LOG_WARN, &summary.warnings);
    say_positive(job);
    if (job->opt.prompts)
        mdp_log(&job->common.log, MDP_LOG_INFO, "%s: %zu prompts of %zu classes (%s, %s)", job->prompts.name,
                job->texts.part.n, job->prompts.n, mdp_ensemble_names[job->rules.ensemble],
                mdp_similarity_names[job->rules.similarity]);
    mdp_manifest_summary_release(&summary);
    return st;
}

static mdp_status say_same_pictures(const struct job *job, struct mdp_error *err)
{
    struct mdp_text line = {0};
    mdp_status st = mdp_same_pictures_add(job->work, &job->manifest, &line, err);

    if (st == MDP_OK)
        say_lines(job, MDP_LOG_WARN, &line);
    mdp_text_release(&line);
    return st;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void say_store(const struct job *job, const char *how)
{
    size_t n = job->manifest.n - job->failures;

    mdp_log(&job->common.log, MDP_LOG_INFO, "%s: %s%zu picture%s of %zu values", job->opt.out, how, n,
            plural(n), mdp_model_width(job->model));
}

static void say_result(const struct job *job, int *exit_code)
{
    say_store(job, "");
    if (!job->failures)
        return;
    mdp_log(&job->common.log, MDP_LOG_WARN, "%zu of %zu picture%s could not be used: see /failures in %s",
            job->failures, job->manifest.n, plural(job->manifest.n), job->opt.out);
    *exit_code = MDP_EXIT_SOME_FAILED;
}

/* A finished store is not looked through again for pictures that were missing: that must be said. */
static void say_there(const struct job *job, int *exit_code)
{
    say_store(job, "is there already, made of the same inputs: ");
    if (!job->failures)
        return;
    mdp_log(&job->common.log, MDP_LOG_WARN,
            "%zu of %zu picture%s could not be used then: see /failures in %s; --force reads all again",
            job->failures, job->manifest.n, plural(job->manifest.n), job->opt.out);
    *exit_code = MDP_EXIT_SOME_FAILED;
}

static void begin_rows(void *context, size_t done, size_t failures)
{
    struct job *job = context;

    job->failures = failures;
    if (done)
        mdp_log(&job->common.log, MDP_LOG_INFO, "%s.work: %zu of %zu pictures are done already", job->opt.out,
                done, job->manifest.n);
    mdp_progress_begin(&job->progress, &job->common.log, "pictures", job->manifest.n, done);
}

static void take_row(void *context, const struct mdp_record *record, size_t failures)
{
    struct job *job = context;

    if (record->failed)
        mdp_log(&job->common.log, MDP_LOG_WARN, "%s: %s", job->manifest.paths[record->row], record->reason);
    mdp_progress_show(&job->progress, record->row + 1, failures);
}

/* Tensors that no tower took: a folder may have any, a card says which. */
static void say_unused(const struct job *job, const struct mdp_weights *weights)
{
    struct mdp_text name = {0};

    for (size_t i = 0; weights && i < mdp_weights_count(weights); i++) {
        if (mdp_weights_is_used(weights, i))
            continue;
        mdp_text_clear(&name);
        mdp_text_add_printable(&name, mdp_weights_at(weights, i)->name);
        if (name.at)
            mdp_log(&job->common.log, MDP_LOG_DEBUG, "%s: tensor '%s' is not used", mdp_weights_path(weights),
                    name.at);
    }
    mdp_text_release(&name);
}

/* --- steps --- */

static mdp_status open_model(struct job *job, struct mdp_error *err)
{
    const struct mdp_extract_options *o = &job->opt;
    struct mdp_run run = {.manifest = &job->manifest,
                          .prompts = o->prompts ? &job->prompts : NULL,
                          .precision = o->precision,
                          .max_pixels = o->max_pixels};

    TRY(mdp_model_open(&o->model, &job->model, err));
    say_unused(job, job->model->weights);
    say_unused(job, job->model->text_weights);
    run.model = job->model;
    if (o->prompts)
        TRY(mdp_zero_shot_choose(&o->zero_shot, &job->prompts, job->model, job->manifest.n_classes,
                                 &job->rules, err));
    run.rules = job->rules;
    return mdp_run_facts(&run, &job->attributes, &job->facts, err);
}

static mdp_status embed_prompts(struct job *job, struct mdp_error *err)
{
    TRY(mdp_prompt_embeddings_init(&job->texts, &job->prompts, err));
    job->texts.part.ensemble = job->rules.ensemble;
    TRY(mdp_prompt_embeddings_run(&job->texts, &job->prompts, job->model, job->common.threads, err));
    mdp_model_forget_texts(job->model);
    return MDP_OK;
}

static mdp_status embed_pictures(struct job *job, struct mdp_error *err)
{
    struct mdp_embed_pictures pictures = {.encoder = {.manifest = &job->manifest,
                                                      .model = job->model,
                                                      .limits = {job->opt.max_pixels, MDP_DEFAULT_MAX_BYTES},
                                                      .skip_errors = job->opt.skip_errors},
                                          .work = job->work,
                                          .threads = job->common.threads,
                                          .batch_size = job->opt.batch_size,
                                          .stop = job->stop,
                                          .begin = begin_rows,
                                          .take = take_row,
                                          .context = job};
    mdp_status st = mdp_embed_pictures(&pictures, &job->failures, err);

    if (job->progress.log)
        mdp_progress_end(&job->progress, mdp_workfile_count(job->work), job->failures);
    return st;
}

static mdp_status work_path(const struct job *job, struct mdp_text *path, struct mdp_error *err)
{
    mdp_text_add(path, "%s.work", job->opt.out);
    return mdp_text_status(path, err);
}

static mdp_status open_work(struct job *job, struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = work_path(job, &path, err);

    if (st == MDP_OK)
        st = mdp_workfile_open(path.at, &job->facts, &job->manifest, mdp_model_picture_size(job->model),
                               job->opt.force, &job->work, err);
    mdp_text_release(&path);
    return st;
}

/* Whether a run that was interrupted has left a work file of the same inputs, to the last row: it is open then. */
static bool find_work(struct job *job)
{
    struct mdp_text path = {0};
    bool exists = work_path(job, &path, NULL) == MDP_OK && mdp_path_exists(path.at);

    mdp_text_release(&path);
    if (!exists || open_work(job, NULL) != MDP_OK)
        return false;
    if (mdp_workfile_same_manifest(job->work))
        return true;
    mdp_workfile_close(job->work);
    job->work = NULL;
    return false;
}

static mdp_status remove_work(struct job *job, struct mdp_error *err)
{
    struct mdp_workfile *work = job->work;

    job->work = NULL;
    return work ? mdp_workfile_remove(work, err) : MDP_OK;
}

static mdp_status write_store(struct job *job, struct mdp_error *err)
{
    const struct mdp_store_content content = {.manifest = &job->manifest,
                                              .work = job->work,
                                              .width = mdp_model_width(job->model),
                                              .attributes = &job->attributes,
                                              .text = job->opt.prompts ? &job->texts.part : NULL,
                                              .vectors = mdp_model_vectors(job->model),
                                              .has_logits = !isnan(job->model->logits.scale),
                                              .logits = job->model->logits,
                                              .similarity = job->rules.similarity};

    TRY(mdp_store_write(job->opt.out, &content, job->stop, err));
    return remove_work(job, err);
}

/* A store of the same inputs: said, and nothing is done; what a killed run left beside it goes. Of other inputs:
   refused, unless a run with --force was replacing it and can be gone on with. */
static mdp_status already_there(struct job *job, bool *done, int *exit_code, struct mdp_error *err)
{
    mdp_status st = mdp_existing_store_compare(job->opt.out, &job->facts, &job->manifest, job->common.threads,
                                               &job->failures, err);
    bool begun = find_work(job);

    *done = st == MDP_OK;
    if (*done) {
        TRY(remove_work(job, err));
        say_there(job, exit_code);
        return MDP_OK;
    }
    job->failures = 0;
    return begun ? MDP_OK : st;
}

/* What is left of the work file, and how to go on, when it ends early. */
static void end_early(struct job *job, mdp_status st, struct mdp_error *err)
{
    if (!job->work)
        return;
    if (st == MDP_ERR_INTERRUPTED)
        mdp_fail(err, st, "interrupted after %zu of %zu pictures (run again to go on)",
                 mdp_workfile_count(job->work), job->manifest.n);
    if (mdp_workfile_count(job->work) == 0)
        remove_work(job, NULL); /* nothing to go on with */
}

static mdp_status run(struct job *job, int *exit_code, struct mdp_error *err)
{
    bool exists = false, done = false;

    TRY(mdp_extract_options_check(&job->opt, err));
    TRY(mdp_existing_store_may_replace(job->opt.out, &exists, err));
    TRY(mdp_manifest_read(job->opt.manifest, &job->opt.table, &job->manifest, err));
    if (job->opt.prompts)
        TRY(read_prompts(job, err));
    TRY(open_model(job, err));
    if (exists && !job->opt.force)
        TRY(already_there(job, &done, exit_code, err));
    if (done)
        return MDP_OK;
    if (job->opt.prompts)
        TRY(embed_prompts(job, err));
    TRY(say_input(job, err)); /* nothing is wrong use from here on */
    if (!job->work)
        TRY(open_work(job, err));
    TRY(embed_pictures(job, err));
    TRY(say_same_pictures(job, err));
    TRY(write_store(job, err));
    say_result(job, exit_code);
    return MDP_OK;
}

static void release(struct job *job)
{
    mdp_workfile_close(job->work);
    mdp_prompt_embeddings_release(&job->texts);
    mdp_facts_release(&job->attributes);
    mdp_facts_release(&job->facts);
    mdp_model_close(job->model);
    mdp_prompts_release(&job->prompts);
    mdp_manifest_release(&job->manifest);
    mdp_list_release(&job->opt.table.labels);
    mdp_list_release(&job->opt.table.classes);
}

/* --- the command --- */

static const struct mdp_usage usage = {
    .command = "extract",
    .synopsis = "--model MODEL --manifest FILE -o STORE [options]",
    .summary = "Reads pictures and prompts through a model's frozen towers and writes their embeddings to a "
               "store. An interrupted run goes on where it was when it is started again.",
    .example = "  medprobe extract --model medclip-vit --weights pytorch_model.bin --manifest data.csv \\\n"
               "      --root images/ --prompts tb -o data.h5",
    .most_operands = 0,
    .project_out = "store",
    .project_keys = mdp_project_keys,
};

mdp_status mdp_cmd_extract(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct job job = {.opt = {.precision = "fp32", .batch_size = 32, .max_pixels = MDP_DEFAULT_MAX_PIXELS}};
    struct mdp_arguments args = {0};
    struct mdp_option options[MDP_MOST_OPTIONS];
    const size_t n = mdp_extract_options_fill(&job.opt, options);

    mdp_status st = mdp_options_parse(&usage, options, n, argc, argv, &job.common, &args, err);
    if (st == MDP_OK && !args.help) {
        job.opt.model.texts = job.opt.prompts;
        job.stop = mdp_interrupt_catch();
        st = run(&job, exit_code, err);
        if (st != MDP_OK)
            end_early(&job, st, err);
    }
    release(&job);
    mdp_arguments_release(&args);
    return st;
}
