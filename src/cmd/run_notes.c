/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/run_notes.h"

#include <stdlib.h>

/* Takes the text over as a note, and logs it. */
static mdp_status keep(struct mdp_run_notes *notes, const struct mdp_probe_plan *plan,
                       enum mdp_log_level level, struct mdp_text *text, struct mdp_error *err)
{
    mdp_status st = mdp_text_status(text, err);

    if (st != MDP_OK || text->n == 0 || notes->n == MDP_MOST_NOTES) {
        mdp_text_release(text);
        return st;
    }
    mdp_log(&plan->common.log, level, "%s", text->at);
    notes->at[notes->n++] = text->at;
    *text = (struct mdp_text){0};
    return MDP_OK;
}

mdp_status mdp_run_notes_add_rows(struct mdp_run_notes *notes, const struct mdp_probe_plan *plan,
                                  const struct mdp_store_info *info, const struct mdp_run_support *support,
                                  struct mdp_error *err)
{
    struct mdp_text t = {0};

    /* The report finds words of its own for these, with their counts from provenance. */
    if (support->failures)
        mdp_log(&plan->common.log, MDP_LOG_WARN,
                "%zu pictures could not be used by extract and are not in the store (/failures lists them)",
                support->failures);
    if (support->unlabelled)
        mdp_log(&plan->common.log, MDP_LOG_INFO, "%zu of %zu pictures have no label and are not used",
                support->unlabelled, info->n);
    for (size_t i = 0; i < support->n_shots; i++)
        if (support->least[i] < support->shots[i])
            mdp_log(&plan->common.log, MDP_LOG_WARN,
                    "%zu labelled pictures a class were asked for; a class has only %zu in an episode",
                    support->shots[i], support->least[i]);
    if (!plan->draw.by_patient && support->n_patients)
        mdp_text_add(
            &t,
            "The store knows %zu patients and --group none does not look at them: pictures of one person may "
            "stand on both sides",
            support->n_patients);
    return keep(notes, plan, MDP_LOG_WARN, &t, err);
}

/* A C at the edge says that the best one may lie outside the candidates. */
static mdp_status add_edge(struct mdp_run_notes *notes, const struct mdp_probe_plan *plan, const char *method,
                           const char *which, struct mdp_c_count at, size_t chosen, struct mdp_error *err)
{
    struct mdp_text t = {0};

    if (at.n == 0)
        return MDP_OK;
    mdp_text_add(&t, "%s: C is the %s candidate, %g, in %zu of the %zu episodes in which it was chosen",
                 method, which, at.c, at.n, chosen);
    return keep(notes, plan, MDP_LOG_INFO, &t, err);
}

mdp_status mdp_run_notes_add_c(struct mdp_run_notes *notes, const struct mdp_probe_plan *plan,
                               const struct mdp_c_tally tally[], struct mdp_error *err)
{
    struct mdp_text t = {0};
    struct mdp_c_count by_default = {0};
    bool any_chosen = false;
    mdp_status st = MDP_OK;

    for (size_t m = 0; m < plan->n_methods; m++) { /* the episode decides, not the method */
        by_default = tally[m].by_default.n > by_default.n ? tally[m].by_default : by_default;
        any_chosen = any_chosen || tally[m].chosen;
    }
    if (by_default.n)
        mdp_text_add(&t, "C = %g in %zu episodes with one picture or patient a class: C is not chosen there",
                     by_default.c, by_default.n);
    st = keep(notes, plan, MDP_LOG_INFO, &t, err);
    for (size_t m = 0; m < plan->n_methods && st == MDP_OK; m++) {
        const char *method = plan->methods[m]->name;
        const struct mdp_c_tally *c = &tally[m];
        st = add_edge(notes, plan, method, "smallest", c->smallest, c->chosen, err);
        if (st == MDP_OK)
            st = add_edge(notes, plan, method, "largest", c->largest, c->chosen, err);
    }
    if (st == MDP_OK && any_chosen && plan->c_rule->warning) {
        mdp_text_add(&t, "%s", plan->c_rule->warning);
        st = keep(notes, plan, MDP_LOG_WARN, &t, err);
    }
    return st;
}

void mdp_run_notes_release(struct mdp_run_notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        free(notes->at[i]);
    *notes = (struct mdp_run_notes){0};
}
