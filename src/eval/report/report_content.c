/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report_content.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SENTENCES = 16, FEW_EPISODES = 5, FEW_PATIENTS = 50 };

/* Keeps what `text` holds as the next sentence and empties it. */
static void keep(struct mdp_text *text, const char **list, size_t *n, struct mdp_pool *pool,
                 struct mdp_error *err, mdp_status *st)
{
    if (*st == MDP_OK)
        *st = mdp_text_status(text, err);
    if (*st == MDP_OK && *n < MOST_SENTENCES && text->n)
        list[(*n)++] = mdp_pool_string(pool, text->at, err, st);
    mdp_text_clear(text);
}

static const struct mdp_result *any_result(const struct mdp_results *r, bool fitted)
{
    for (size_t i = r->n_results; i-- > 0;)
        if ((r->results[i].shots > 0) == fitted && strcmp(r->results[i].metric, "accuracy") == 0)
            return &r->results[i];
    return NULL;
}

static mdp_status say_what_was_done(const struct mdp_results *r, struct mdp_pool *pool,
                                    struct mdp_report_section *s, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_text t = {0};
    const struct mdp_result *fitted = any_result(r, true), *zero = any_result(r, false);
    const struct mdp_result *any = fitted ? fitted : zero;
    const char *rule = mdp_report_fact(r, "c_rule", pool), *protocol = mdp_report_fact(r, "protocol", pool);

    s->done = mdp_pool_array(pool, MOST_SENTENCES, sizeof *s->done, err, &st);
    if (!s->done)
        return st;
    mdp_text_add(&t, "Pictures were embedded by the frozen model %s; nothing of it was trained.",
                 r->model && *r->model ? r->model : "(not named in the store)");
    keep(&t, s->done, &s->n_done, pool, err, &st);
    if (any) {
        mdp_text_add(&t, "Every number is over %zu test pictures", any->n_test);
        if (any->n_patients)
            mdp_text_add(&t, " of %zu patients", any->n_patients);
        mdp_text_add(&t, "; classes: ");
        for (size_t i = 0; i < r->n_classes; i++)
            mdp_text_add(&t, "%s%s", i ? ", " : "", r->class_names[i]);
        mdp_text_add(&t, ".");
        keep(&t, s->done, &s->n_done, pool, err, &st);
    }
    if (fitted) {
        mdp_text_add(&t, "Each of %zu episodes (protocol %s) draws its labelled pictures anew",
                     fitted->n_episodes, *protocol ? protocol : "not named");
        mdp_text_add(&t, "%s.",
                     fitted->n_patients
                         ? ", by patient: no patient has pictures both among them and among the test pictures"
                         : "; patients are not known");
        keep(&t, s->done, &s->n_done, pool, err, &st);
        mdp_text_add(
            &t,
            "A logistic regression is fitted on the embeddings of the labelled pictures; its strength C "
            "follows the rule %s%s.",
            *rule ? rule : "not named",
            strcmp(rule, "support-cv") == 0  ? ", which sees the labelled pictures only"
            : strcmp(rule, "val-shots") == 0 ? ", which sees a few further labelled pictures a class"
            : strcmp(rule, "oracle") == 0    ? ", which sees the whole validation split"
                                             : "");
        keep(&t, s->done, &s->n_done, pool, err, &st);
    }
    if (zero) {
        const char *set = mdp_report_fact(r, "prompt_set", pool);
        mdp_text_add(&t, "Zero-shot scores the same test pictures by the %s%s, without any labelled picture.",
                     *set ? "prompt set " : "prompts of the store", set);
        keep(&t, s->done, &s->n_done, pool, err, &st);
    }
    mdp_text_release(&t);
    return st;
}

static mdp_status say_warnings(const struct mdp_results *r, struct mdp_pool *pool,
                               struct mdp_report_section *s, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_text t = {0};
    const struct mdp_result *fitted = any_result(r, true), *zero = any_result(r, false);
    const struct mdp_result *any = fitted ? fitted : zero;
    const char *rule = mdp_report_fact(r, "c_rule", pool);

    s->warnings = mdp_pool_array(pool, MOST_SENTENCES, sizeof *s->warnings, err, &st);
    if (!s->warnings)
        return st;
    if (strcmp(rule, "oracle") == 0)
        mdp_text_add(
            &t,
            "C was chosen on the full validation split (oracle): a user with so few labels would not have "
            "it.");
    keep(&t, s->warnings, &s->n_warnings, pool, err, &st);
    mdp_text_add(&t, "%s", mdp_report_fact(r, "c_note", pool));
    keep(&t, s->warnings, &s->n_warnings, pool, err, &st);
    if (fitted && fitted->n_episodes < FEW_EPISODES)
        mdp_text_add(&t, "Only %zu episode%s: the spread over draws is hardly known (10 are the default).",
                     fitted->n_episodes, fitted->n_episodes == 1 ? "" : "s");
    keep(&t, s->warnings, &s->n_warnings, pool, err, &st);
    if (any && any->n_patients == 0)
        mdp_text_add(&t, "Patients are not known: pictures of one person may stand on both sides, and "
                         "intervals take every "
                         "picture for a person of its own.");
    keep(&t, s->warnings, &s->n_warnings, pool, err, &st);
    if (any && any->n_patients > 0 && any->n_patients < FEW_PATIENTS)
        mdp_text_add(&t, "Only %zu test patients: the intervals are wide and rest on few people.",
                     any->n_patients);
    keep(&t, s->warnings, &s->n_warnings, pool, err, &st);
    if (!zero)
        mdp_text_add(&t, "No zero-shot baseline: the store holds no text embeddings.");
    keep(&t, s->warnings, &s->n_warnings, pool, err, &st);
    for (size_t i = 0; i < r->n_results; i++) {
        if (!isnan(r->results[i].mean) || s->n_warnings + 1 >= MOST_SENTENCES)
            continue;
        mdp_text_add(&t, "%s of %s is not defined: %s.", r->results[i].metric, r->results[i].method,
                     r->results[i].reason ? r->results[i].reason : "no reason given");
        keep(&t, s->warnings, &s->n_warnings, pool, err, &st);
    }
    mdp_text_release(&t);
    return st;
}

static mdp_status make_confusions(const struct mdp_report_run *run, struct mdp_pool *pool,
                                  struct mdp_report_section *s, struct mdp_error *err)
{
    struct mdp_series *series = NULL;
    size_t n = 0;
    mdp_status st = mdp_report_series(run->results, pool, &series, &n, err);

    if (st == MDP_OK)
        s->confusions = mdp_pool_array(pool, n + 1, sizeof *s->confusions, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        if (i + 1 == n || strcmp(series[i + 1].method, series[i].method) != 0)
            st = mdp_table_confusion(run, series[i].method, series[i].shots, pool,
                                     &s->confusions[s->n_confusions++], err);
    return st;
}

/* "16-shot logreg reaches an AUC of 0.93 [..] where zero-shot has 0.81 [..]: ..." for the largest number of
 * shots. */
static mdp_status make_headline(const struct mdp_results *r, struct mdp_pool *pool, const char **headline,
                                struct mdp_error *err)
{
    struct mdp_text t = {0};
    mdp_status st = MDP_OK;
    const struct mdp_result *best = any_result(r, true);
    const struct mdp_result *auc =
        best ? mdp_results_find(r, best->method, best->shots, "auc_ovr_macro") : NULL;
    const struct mdp_result *zero = mdp_results_find(r, "zero-shot", 0, "auc_ovr_macro");

    if (auc && !isnan(auc->mean)) {
        mdp_text_add(&t, "With %zu labelled pictures a class, %s reaches an AUC of %.3f", auc->shots,
                     auc->method, auc->mean);
        if (!isnan(auc->ci_low))
            mdp_text_add(&t, " [%.3f, %.3f]", auc->ci_low, auc->ci_high);
    } else if (zero && !isnan(zero->mean)) {
        mdp_text_add(&t, "Zero-shot reaches an AUC of %.3f", zero->mean);
    }
    for (size_t i = 0; auc && i < r->n_comparisons; i++) {
        const struct mdp_comparison *c = &r->comparisons[i];
        if (c->shots != auc->shots || strcmp(c->a, auc->method) != 0 ||
            strcmp(c->metric, "auc_ovr_macro") != 0 || isnan(c->difference) || !zero)
            continue;
        mdp_text_add(&t, "; zero-shot has %.3f. Difference %+.3f", zero->mean, c->difference);
        if (!isnan(c->ci_low))
            mdp_text_add(&t, " [%+.3f, %+.3f]: %s", c->ci_low, c->ci_high,
                         c->ci_low > 0    ? "the probe is better"
                         : c->ci_high < 0 ? "zero-shot is better"
                                          : "which of the two is better is not shown by these data");
        break;
    }
    if (t.n)
        mdp_text_add(&t, ".");
    st = mdp_text_status(&t, err);
    *headline = st == MDP_OK ? mdp_pool_string(pool, t.at ? t.at : "", err, &st) : "";
    mdp_text_release(&t);
    return st;
}

mdp_status mdp_report_content_init(const struct mdp_report_run runs[], size_t n,
                                   struct mdp_report_content *content, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_text title = {0};

    *content = (struct mdp_report_content){.headline = ""};
    content->pool = mdp_pool_new(err, &st);
    if (!content->pool)
        return st;
    content->sections = mdp_pool_array(content->pool, n, sizeof *content->sections, err, &st);
    if (n == 1)
        mdp_text_add(&title, "Few-shot linear probe: %s", runs[0].results->dataset);
    else
        mdp_text_add(&title, "Few-shot linear probes: %zu runs", n);
    if (st == MDP_OK)
        st = mdp_text_status(&title, err);
    if (st == MDP_OK)
        content->title = mdp_pool_string(content->pool, title.at, err, &st);
    if (st == MDP_OK && n == 1)
        st = make_headline(runs[0].results, content->pool, &content->headline, err);
    if (st == MDP_OK)
        st = mdp_table_headline(runs, n, content->pool, &content->comparison, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        struct mdp_report_section *s = &content->sections[content->n_sections++];
        s->name = runs[i].name;
        st = say_what_was_done(runs[i].results, content->pool, s, err);
        if (st == MDP_OK)
            st = say_warnings(runs[i].results, content->pool, s, err);
        if (st == MDP_OK)
            st = make_confusions(&runs[i], content->pool, s, err);
        if (st == MDP_OK)
            st = mdp_table_metrics(&runs[i], content->pool, &s->metrics, err);
        if (st == MDP_OK)
            st = mdp_table_provenance(&runs[i], content->pool, &s->provenance, err);
    }
    mdp_text_release(&title);
    if (st != MDP_OK)
        mdp_report_content_release(content);
    return st;
}

void mdp_report_content_release(struct mdp_report_content *content)
{
    mdp_pool_free(content->pool);
    *content = (struct mdp_report_content){0};
}
