/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/run.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_A_THREAD = 4 }; /* of a batch */

/* A method in an episode. */
struct item {
    const struct mdp_method *method;
    const struct mdp_draw *draw;
    struct mdp_outcome outcome;
};

struct batch {
    const struct mdp_probe_run *run;
    struct item *items; /* [n] */
    size_t n;
};

static mdp_status run_item(void *context, size_t i, size_t worker, struct mdp_error *err)
{
    struct batch *batch = context;
    struct item *item = &batch->items[i];

    (void)worker;
    return item->method->run(item->method, batch->run->data, item->draw, &batch->run->options, &item->outcome,
                             err);
}

static mdp_status write_item(struct mdp_probe_run *run, const struct item *item, struct mdp_error *err)
{
    const struct mdp_outcome *outcome = &item->outcome;
    const struct mdp_draw *draw = item->draw;
    struct mdp_prediction prediction = {.key = draw->key,
                                        .c = outcome->c.c,
                                        .n = draw->n_query,
                                        .k = run->data->info->n_classes,
                                        .rows = draw->query,
                                        .scores = outcome->scores};

    snprintf(prediction.method, sizeof prediction.method, "%s", item->method->name);
    mdp_status st = mdp_predictions_writer_add(run->predictions, &prediction, err);
    if (st == MDP_OK && run->probes && outcome->m)
        st = mdp_probes_writer_add(run->probes, item->method->name, draw, item->method->link, outcome->coef,
                                   outcome->intercept, outcome->c.c, err);
    return st;
}

static void count_c(struct mdp_c_count *count, bool it_is, double c)
{
    if (it_is)
        *count = (struct mdp_c_count){.n = count->n + 1, .c = c};
}

static void note_c(struct mdp_c_tally *tally, const struct mdp_method_options *options,
                   const struct mdp_c_choice *c)
{
    if (isnan(c->c) || options->c_rule->rows == MDP_C_ROWS_NONE)
        return;
    tally->chosen += !c->by_default;
    count_c(&tally->by_default, c->by_default, c->c);
    count_c(&tally->smallest, c->at_smallest, c->c);
    count_c(&tally->largest, c->at_largest, c->c);
}

static mdp_status run_batch(struct mdp_probe_run *run, struct mdp_c_tally *tally, struct batch *batch,
                            struct mdp_error *err)
{
    mdp_status st = mdp_parallel(batch->n, run->threads, run_item, batch, err);

    for (size_t i = 0; i < batch->n; i++) {
        if (st == MDP_OK)
            st = write_item(run, &batch->items[i], err);
        if (st == MDP_OK)
            note_c(tally, &run->options, &batch->items[i].outcome.c);
        mdp_outcome_release(&batch->items[i].outcome);
    }
    return st;
}

size_t mdp_probe_run_count(const struct mdp_probe_run *run)
{
    size_t n = 0;

    for (size_t i = 0; i < run->n_methods; i++)
        n += run->methods[i]->fitted ? run->draws->n : 1;
    return n;
}

/* The query rows of all episodes, each once, ascending: what a method that is not fitted scores. */
static mdp_status union_of_queries(const struct mdp_draws *draws, size_t n_rows, int64_t **rows, size_t *n,
                                   struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    bool *scored = mdp_new_array(n_rows, sizeof *scored, err, &st);

    *n = 0;
    *rows = mdp_new_array(n_rows, sizeof **rows, err, &st);
    for (size_t e = 0; e < draws->n && st == MDP_OK; e++) {
        if (e > 0 && draws->at[e].query == draws->at[e - 1].query)
            continue;
        for (size_t i = 0; i < draws->at[e].n_query; i++)
            scored[draws->at[e].query[i]] = true;
    }
    for (size_t i = 0; i < n_rows && st == MDP_OK; i++)
        if (scored[i])
            (*rows)[(*n)++] = (int64_t)i;
    free(scored);
    return st;
}

mdp_status mdp_probe_run(struct mdp_probe_run *run, struct mdp_error *err)
{
    struct mdp_draw all = {.key = mdp_episode_key_of(0, 0)}; /* what methods without a fit score */
    size_t most = ITEMS_A_THREAD * run->threads;
    mdp_status st = union_of_queries(run->draws, run->data->info->n, &all.query, &all.n_query, err);
    struct batch batch = {.run = run};

    batch.items = mdp_new_array(most, sizeof *batch.items, err, &st);
    for (size_t m = 0; m < run->n_methods && st == MDP_OK; m++) {
        const struct mdp_method *method = run->methods[m];
        size_t n = method->fitted ? run->draws->n : 1;
        for (size_t at = 0; at < n && st == MDP_OK; at += batch.n) {
            batch.n = n - at < most ? n - at : most;
            for (size_t i = 0; i < batch.n; i++)
                batch.items[i] =
                    (struct item){.method = method, .draw = method->fitted ? &run->draws->at[at + i] : &all};
            st = run_batch(run, &run->tally[m], &batch, err);
            if (st == MDP_OK)
                run->done += batch.n;
            if (st == MDP_OK && run->show)
                run->show(run->show_context, run->done);
            if (st == MDP_OK && run->stop && *run->stop)
                st = mdp_fail(
                    err, MDP_ERR_INTERRUPTED,
                    "interrupted after %zu of %zu predictions (nothing is kept: run again to start anew)",
                    run->done, mdp_probe_run_count(run));
        }
    }
    free(batch.items);
    free(all.query);
    return st;
}
