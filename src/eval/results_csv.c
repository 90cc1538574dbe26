/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/results_csv.h"

#include "base/formats/csv.h"

#include <math.h>

/* --- fields --- */

static void next_text(struct mdp_text *t, const char *text)
{
    mdp_text_add(t, ",");
    mdp_text_add_csv(t, text);
}

static void next_number(struct mdp_text *t, double x)
{
    if (isfinite(x))
        mdp_text_add(t, ",%.17g", x);
    else
        mdp_text_add(t, ",");
}

static void next_count(struct mdp_text *t, uint64_t n)
{
    mdp_text_add(t, ",%llu", (unsigned long long)n);
}

/* --- tables --- */

static void results_table(const struct mdp_results *r, struct mdp_text *t)
{
    mdp_text_add(t, "method,shots,metric,mean,std,ci_low,ci_high,n_episodes,n_test,n_patients,reason\n");
    for (size_t i = 0; i < r->n_results; i++) {
        const struct mdp_result *x = &r->results[i];
        mdp_text_add_csv(t, x->method);
        next_count(t, x->shots);
        next_text(t, x->metric);
        next_number(t, x->mean);
        next_number(t, x->std);
        next_number(t, x->ci_low);
        next_number(t, x->ci_high);
        next_count(t, x->n_episodes);
        next_count(t, x->n_test);
        next_count(t, x->n_patients);
        next_text(t, x->reason ? x->reason : "");
        mdp_text_add(t, "\n");
    }
}

static void comparisons_table(const struct mdp_results *r, struct mdp_text *t)
{
    mdp_text_add(t, "a,b,shots,metric,difference,ci_low,ci_high,p,p_adjusted,test\n");
    for (size_t i = 0; i < r->n_comparisons; i++) {
        const struct mdp_comparison *x = &r->comparisons[i];
        mdp_text_add_csv(t, x->a);
        next_text(t, x->b);
        next_count(t, x->shots);
        next_text(t, x->metric);
        next_number(t, x->difference);
        next_number(t, x->ci_low);
        next_number(t, x->ci_high);
        next_number(t, x->p);
        next_number(t, x->p_adjusted);
        next_text(t, x->test);
        mdp_text_add(t, "\n");
    }
}

static void episodes_table(const struct mdp_results *r, struct mdp_text *t)
{
    mdp_text_add(t, "method,group,shots,seed,c,n_test,n_patients");
    for (size_t m = 0; m < r->n_metrics; m++)
        next_text(t, r->metrics[m]);
    mdp_text_add(t, "\n");
    for (size_t i = 0; i < r->n_episodes; i++) {
        const struct mdp_episode *e = &r->episodes[i];
        mdp_text_add_csv(t, e->method);
        next_text(t, e->group);
        next_count(t, e->shots);
        next_count(t, e->seed);
        next_number(t, e->c);
        next_count(t, e->n_test);
        next_count(t, e->n_patients);
        for (size_t m = 0; m < r->n_metrics; m++)
            next_number(t, e->values[m]);
        mdp_text_add(t, "\n");
    }
}

/* --- data of the ROC figure, which results.json does not hold --- */

static void roc_data(const struct mdp_results *r, struct mdp_text *t)
{
    mdp_text_add(t, "method,shots,class,fpr,tpr,tpr_low,tpr_high,curve\n");
    for (size_t i = 0; i < r->n_curves; i++) {
        const struct mdp_roc_curve *c = &r->curves[i];
        for (size_t p = 0; p < MDP_ROC_POINTS; p++) {
            mdp_text_add_csv(t, c->method);
            next_count(t, c->shots);
            next_text(t, c->class_name);
            next_number(t, (double)p / (MDP_ROC_POINTS - 1));
            next_number(t, c->tpr[p]);
            next_number(t, c->low[p]);
            next_number(t, c->high[p]);
            next_count(t, i);
            mdp_text_add(t, "\n");
        }
    }
}

const struct mdp_results_csv mdp_results_csv[] = {{"tables/results.csv", results_table},
                                                  {"tables/comparisons.csv", comparisons_table},
                                                  {"tables/episodes.csv", episodes_table},
                                                  {"figures/roc.csv", roc_data}};
const size_t mdp_results_csv_count = sizeof mdp_results_csv / sizeof mdp_results_csv[0];
