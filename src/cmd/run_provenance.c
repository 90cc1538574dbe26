/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/run_provenance.h"

#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/numbers/blas.h"
#include "probe/solvers/liblinear.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void add(struct mdp_fact facts[], size_t *n, struct mdp_fact fact)
{
    assert(*n < MDP_MOST_FACTS);
    facts[(*n)++] = fact;
}

static struct mdp_fact text(const char *key, const char *value)
{
    return (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = key, .text = value && *value ? value : NULL};
}

static struct mdp_fact counts(const char *key, const size_t values[], size_t n)
{
    return (struct mdp_fact){.kind = MDP_FACT_COUNTS, .key = key, .counts = values, .n = n};
}

/* Where `value` stands in values[n]; n when it does not. */
static size_t position(const size_t values[], size_t n, size_t value)
{
    size_t i = 0;

    while (i < n && values[i] != value)
        i++;
    return i;
}

static void add_once(size_t values[], size_t *n, size_t value)
{
    if (position(values, *n, value) == *n)
        values[(*n)++] = value;
}

static int by_size(const void *left, const void *right)
{
    size_t a, b;

    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

/* Shots and seeds that were used; for each number of shots the pictures and patients of its first episode's support, and
   the fewest pictures of any episode's. Without patients there are none to count. */
static mdp_status count_support(const struct mdp_draws *draws, const struct mdp_audit *audit,
                                struct mdp_probe_facts *f, size_t *n_shots, size_t *n_seeds,
                                struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *n_shots = *n_seeds = 0;
    f->shots = mdp_new_array(draws->n, sizeof *f->shots, err, &st);
    f->seeds = mdp_new_array(draws->n, sizeof *f->seeds, err, &st);
    f->pictures = mdp_new_array(draws->n, sizeof *f->pictures, err, &st);
    f->patients = mdp_new_array(draws->n, sizeof *f->patients, err, &st);
    f->fewest = mdp_new_array(draws->n, sizeof *f->fewest, err, &st);
    for (size_t i = 0; i < draws->n && st == MDP_OK; i++) {
        const struct mdp_draw *draw = &draws->at[i];
        size_t before = *n_shots;
        add_once(f->seeds, n_seeds, draw->key.seed);
        add_once(f->shots, n_shots, draw->key.shots);
        const size_t place = position(f->shots, *n_shots, draw->key.shots);
        if (*n_shots > before || draw->n_support < f->fewest[place])
            f->fewest[place] = draw->n_support;
        if (*n_shots == before)
            continue;
        f->pictures[before] = draw->n_support;
        st = mdp_audit_count_patients(audit, draw->support, draw->n_support, &f->patients[before], err);
    }
    if (st == MDP_OK)
        qsort(f->seeds, *n_seeds, sizeof *f->seeds, by_size);
    return st;
}

/* Where some class had fewer pictures to give than the shots (--allow-short): the fewest of any episode. */
static void note_short_support(const struct mdp_store_info *info, size_t n_shots, struct mdp_probe_facts *f)
{
    bool any = false;

    for (size_t i = 0; i < n_shots; i++)
        any = any || f->fewest[i] < f->shots[i] * info->n_classes;
    if (any)
        add(f->provenance, &f->n_provenance, counts("support_pictures_fewest", f->fewest, n_shots));
}

static void note_left_out(const struct mdp_store_info *info, struct mdp_probe_facts *f)
{
    size_t unlabelled = 0;

    for (size_t i = 0; i < info->n; i++)
        unlabelled += info->labels[i] < 0;
    if (unlabelled)
        add(f->provenance, &f->n_provenance,
            (struct mdp_fact){.kind = MDP_FACT_COUNT, .key = "left_out.unlabelled", .count = unlabelled});
}

static void note_versions(struct mdp_probe_facts *f)
{
    mdp_h5_version(f->hdf5);
    mdp_blas_version(f->openblas);
    mdp_liblinear_version(f->liblinear);
    add(f->provenance, &f->n_provenance, text("version", MDP_VERSION));
    add(f->provenance, &f->n_provenance, text("libraries.hdf5", f->hdf5));
    add(f->provenance, &f->n_provenance, text("libraries.openblas", f->openblas));
    add(f->provenance, &f->n_provenance, text("libraries.liblinear", f->liblinear));
}

static void note_environment(const struct mdp_probe_plan *plan, double seconds, struct mdp_probe_facts *f)
{
    time_t now = time(NULL);
    struct tm utc;

    if (gethostname(f->host, sizeof f->host - 1) != 0)
        f->host[0] = '\0';
    if (gmtime_r(&now, &utc))
        strftime(f->time, sizeof f->time, "%Y-%m-%dT%H:%M:%SZ", &utc);
    add(f->environment, &f->n_environment, text("host", f->host));
    add(f->environment, &f->n_environment, text("time", f->time));
    add(f->environment, &f->n_environment,
        (struct mdp_fact){.kind = MDP_FACT_NUMBER, .key = "duration_s", .number = seconds});
    add(f->environment, &f->n_environment,
        (struct mdp_fact){.kind = MDP_FACT_COUNT, .key = "threads", .count = plan->common.threads});
}

static void note_rule(const struct mdp_probe_plan *plan, size_t c_by_default, struct mdp_probe_facts *f)
{
    add(f->provenance, &f->n_provenance, text("c_rule", plan->c_rule_name));
    if (plan->c_rule == MDP_C_FIXED)
        add(f->provenance, &f->n_provenance,
            (struct mdp_fact){.kind = MDP_FACT_NUMBER, .key = "c", .number = plan->c});
    if (c_by_default) {
        mdp_text_add(&f->c_note,
                     "C = %g in %zu episodes with one picture or patient a class: nothing to choose C by",
                     MDP_C_DEFAULT, c_by_default);
        add(f->provenance, &f->n_provenance, text("c_note", f->c_note.at));
    }
}

static void note_rows(const struct mdp_probe_plan *plan, const struct mdp_store_info *info,
                      struct mdp_probe_facts *f)
{
    if (plan->draws_file)
        mdp_text_add(&f->rows_note, "given draws");
    else if (info->splits)
        mdp_text_add(&f->rows_note, "support from split '%s', query is split '%s'%s", plan->train_split,
                     plan->test_split, plan->allow_short ? ", short classes allowed" : "");
    else
        mdp_text_add(&f->rows_note,
                     "no split: at most half of the patients of a class are drawn, the rest is query%s",
                     plan->allow_short ? ", short classes allowed" : "");
    add(f->provenance, &f->n_provenance, text("rows", f->rows_note.at));
    if (plan->c_rule == MDP_C_ORACLE)
        add(f->provenance, &f->n_provenance, text("val_split", plan->val_split));
}

mdp_status mdp_probe_facts_init(const struct mdp_probe_plan *plan, const struct mdp_store_info *info,
                                const struct mdp_draws *draws, const struct mdp_audit *audit,
                                size_t c_by_default, double seconds, struct mdp_probe_facts *f,
                                struct mdp_error *err)
{
    size_t n_shots = 0, n_seeds = 0;

    *f = (struct mdp_probe_facts){0};
    mdp_status st = count_support(draws, audit, f, &n_shots, &n_seeds, err);
    if (st != MDP_OK)
        return st;
    add(f->provenance, &f->n_provenance, text("store_sha256", info->content_hash));
    add(f->provenance, &f->n_provenance, text("model", info->model));
    add(f->provenance, &f->n_provenance, text("weights_sha256", info->weights_sha256));
    add(f->provenance, &f->n_provenance, text("pipeline", info->pipeline));
    add(f->provenance, &f->n_provenance, text("prompt_set", info->prompt_set));
    add(f->provenance, &f->n_provenance, text("prompt_set_sha256", info->prompt_set_sha256));
    add(f->provenance, &f->n_provenance, text("protocol", plan->protocol));
    add(f->provenance, &f->n_provenance, text("group", plan->group));
    note_rows(plan, info, f);
    add(f->provenance, &f->n_provenance, counts("shots", f->shots, n_shots));
    add(f->provenance, &f->n_provenance, counts("support_pictures", f->pictures, n_shots));
    add(f->provenance, &f->n_provenance,
        counts("support_patients", f->patients, plan->by_patient ? n_shots : 0));
    note_short_support(info, n_shots, f);
    note_left_out(info, f);
    add(f->provenance, &f->n_provenance, counts("seeds", f->seeds, n_seeds));
    note_rule(plan, c_by_default, f);
    note_versions(f);
    note_environment(plan, seconds, f);
    st = mdp_text_status(&f->c_note, err);
    return st == MDP_OK ? mdp_text_status(&f->rows_note, err) : st;
}

void mdp_probe_facts_release(struct mdp_probe_facts *f)
{
    free(f->shots);
    free(f->seeds);
    free(f->pictures);
    free(f->patients);
    free(f->fewest);
    mdp_text_release(&f->c_note);
    mdp_text_release(&f->rows_note);
    *f = (struct mdp_probe_facts){0};
}
