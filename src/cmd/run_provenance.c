/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/run_provenance.h"

#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/numbers/blas.h"
#include "eval/provenance_keys.h"
#include "probe/solvers/liblinear.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void add(struct mdp_run_provenance *p, struct mdp_fact fact)
{
    assert(p->n_provenance < MDP_MOST_FACTS);
    p->provenance[p->n_provenance++] = fact;
}

static void add_text(struct mdp_run_provenance *p, const char *key, const char *value)
{
    add(p, (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = key, .text = value && *value ? value : NULL});
}

static void add_count(struct mdp_run_provenance *p, const char *key, size_t count)
{
    add(p, (struct mdp_fact){.kind = MDP_FACT_COUNT, .key = key, .count = count});
}

static void add_counts(struct mdp_run_provenance *p, const char *key, const size_t values[], size_t n)
{
    add(p, (struct mdp_fact){.kind = MDP_FACT_COUNTS, .key = key, .counts = values, .n = n});
}

static void note_store(struct mdp_run_provenance *p, const struct mdp_store_info *info)
{
    add_text(p, "store_sha256", info->content_hash);
    add_text(p, "model", info->model);
    add_text(p, "weights_sha256", info->weights_sha256);
    add_text(p, "pipeline", info->pipeline);
    add_text(p, MDP_FACT_KEY_PROMPT_SET, info->prompt_set);
    add_text(p, "prompt_set_sha256", info->prompt_set_sha256);
}

static mdp_status note_draw(struct mdp_run_provenance *p, const struct mdp_probe_plan *plan,
                            const struct mdp_store_info *info, struct mdp_error *err)
{
    const char *shorter = plan->draw.allow_short ? ", short classes allowed" : "";

    add_text(p, MDP_FACT_KEY_PROTOCOL, plan->draws_file ? "given draws" : plan->protocol->name);
    add_text(p, "group", plan->typed.group);
    if (plan->draws_file)
        mdp_text_add(&p->rows, "given draws");
    else if (info->splits)
        mdp_text_add(&p->rows, "support from split '%s', query is split '%s'%s", plan->draw.train_split,
                     plan->draw.test_split, shorter);
    else
        mdp_text_add(&p->rows,
                     "no split: at most half of the patients of a class are drawn, the rest is query%s",
                     shorter);
    mdp_status st = mdp_text_status(&p->rows, err);
    add_text(p, "rows", p->rows.at);
    if (plan->c_rule->rows == MDP_C_ROWS_VAL_SPLIT)
        add_text(p, "val_split", plan->draw.val_split);
    return st;
}

static void note_support(struct mdp_run_provenance *p, const struct mdp_probe_plan *plan,
                         const struct mdp_run_support *s)
{
    bool is_short = false;

    add_counts(p, MDP_FACT_KEY_SHOTS, s->shots, s->n_shots);
    add_counts(p, "support_pictures", s->pictures, s->n_shots);
    add_counts(p, MDP_FACT_KEY_SUPPORT_PATIENTS, s->patients, plan->draw.by_patient ? s->n_shots : 0);
    add_counts(p, "support_least_a_class", s->least, s->n_shots);
    for (size_t i = 0; i < s->n_shots; i++)
        is_short = is_short || s->least[i] < s->shots[i];
    if (is_short)
        add_counts(p, MDP_FACT_KEY_SUPPORT_FEWEST, s->fewest, s->n_shots);
    if (s->failures)
        add_count(p, MDP_FACT_KEY_FAILURES, s->failures);
    if (s->unlabelled)
        add_count(p, MDP_FACT_KEY_UNLABELLED, s->unlabelled);
    if (!plan->draw.by_patient && s->n_patients)
        add_count(p, "store_patients", s->n_patients);
    add_counts(p, "seeds", s->seeds, s->n_seeds);
}

static mdp_status note_methods(struct mdp_run_provenance *p, const struct mdp_probe_plan *plan,
                               struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    p->method_keys = mdp_new_array(plan->n_methods, sizeof *p->method_keys, err, &st);
    for (size_t m = 0; m < plan->n_methods && st == MDP_OK; m++) {
        snprintf(p->method_keys[m], sizeof p->method_keys[m], MDP_FACT_KEY_METHODS "%s",
                 plan->methods[m]->name);
        add_text(p, p->method_keys[m], plan->methods[m]->sentence);
    }
    return st;
}

static void note_rule(struct mdp_run_provenance *p, const struct mdp_probe_plan *plan,
                      const struct mdp_run_notes *notes)
{
    add_text(p, MDP_FACT_KEY_C_RULE, plan->c_rule->name);
    add_text(p, MDP_FACT_KEY_C_RULE_TEXT, plan->c_rule->summary);
    if (plan->c_rule->rows == MDP_C_ROWS_NONE)
        add(p, (struct mdp_fact){.kind = MDP_FACT_NUMBER, .key = "c", .number = plan->c});
    add(p, (struct mdp_fact){.kind = MDP_FACT_TEXTS,
                             .key = MDP_FACT_KEY_NOTES,
                             .texts = (const char *const *)notes->at,
                             .n = notes->n});
}

static void note_versions(struct mdp_run_provenance *p)
{
    mdp_h5_version(p->hdf5);
    mdp_blas_version(p->openblas);
    mdp_liblinear_version(p->liblinear);
    add_text(p, "version", MDP_VERSION);
    add_text(p, "libraries.hdf5", p->hdf5);
    add_text(p, "libraries.openblas", p->openblas);
    add_text(p, "libraries.openblas_core", mdp_blas_core());
    add_text(p, "libraries.liblinear", p->liblinear);
}

static double seconds_since(struct timespec then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then.tv_sec) + 1e-9 * (double)(now.tv_nsec - then.tv_nsec);
}

static void note_environment(struct mdp_run_provenance *p, const struct mdp_probe_plan *plan, double seconds)
{
    time_t now = time(NULL);
    struct tm utc;

    if (gethostname(p->host, sizeof p->host - 1) != 0)
        p->host[0] = '\0';
    if (gmtime_r(&now, &utc))
        strftime(p->time, sizeof p->time, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const struct mdp_fact facts[] = {
        {.kind = MDP_FACT_TEXT, .key = "host", .text = p->host[0] ? p->host : NULL},
        {.kind = MDP_FACT_TEXT, .key = "time", .text = p->time[0] ? p->time : NULL},
        {.kind = MDP_FACT_NUMBER, .key = "duration_s", .number = seconds},
        {.kind = MDP_FACT_COUNT, .key = "threads", .count = plan->common.threads},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        p->environment[p->n_environment++] = facts[i];
}

mdp_status mdp_run_provenance_init(struct mdp_run_provenance *p, const struct mdp_probe_plan *plan,
                                   const struct mdp_store_info *info, const struct mdp_run_support *support,
                                   const struct mdp_run_notes *notes, struct timespec begun,
                                   struct mdp_error *err)
{
    *p = (struct mdp_run_provenance){0};
    note_store(p, info);
    mdp_status st = note_draw(p, plan, info, err);
    note_support(p, plan, support);
    if (st == MDP_OK)
        st = note_methods(p, plan, err);
    note_rule(p, plan, notes);
    note_versions(p);
    note_environment(p, plan, seconds_since(begun));
    if (st != MDP_OK)
        mdp_run_provenance_release(p);
    return st;
}

void mdp_run_provenance_release(struct mdp_run_provenance *p)
{
    mdp_text_release(&p->rows);
    free(p->method_keys);
    *p = (struct mdp_run_provenance){0};
}
