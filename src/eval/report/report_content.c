/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report_content.h"

#include "base/try.h"
#include "eval/metrics/metric_table.h"
#include "eval/provenance_keys.h"
#include "eval/statistics/intervals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SENTENCES = 16, FEW_EPISODES = 5, FEW_PATIENTS = 50 };

/* Sentences being collected; the first failure is kept and ends the collecting. */
struct sentences {
    const char **at; /* [MOST_SENTENCES] */
    size_t n;
    struct mdp_text now; /* the one being written */
    struct mdp_pool *pool;
    struct mdp_error *err;
    mdp_status st;
};

static struct sentences sentences_begin(struct mdp_pool *pool, struct mdp_error *err)
{
    struct sentences s = {.pool = pool, .err = err};

    s.at = mdp_pool_array(pool, MOST_SENTENCES, sizeof *s.at, err, &s.st);
    return s;
}

/* Keeps what was written as a sentence, when anything was. */
static void end_sentence(struct sentences *s)
{
    if (s->st == MDP_OK)
        s->st = mdp_text_status(&s->now, s->err);
    if (s->st == MDP_OK && s->n < MOST_SENTENCES && s->now.n)
        s->at[s->n++] = mdp_pool_string(s->pool, s->now.at, s->err, &s->st);
    mdp_text_clear(&s->now);
}

/* A run as the sentences see it. */
struct told {
    const struct mdp_results *r;
    const struct mdp_series *leading, *baseline, *any; /* NULL: not there */
    const char *rule;
};

static struct told told_of(const struct mdp_results *r, struct mdp_pool *pool)
{
    struct told t = {.r = r,
                     .leading = mdp_results_leading(r),
                     .baseline = mdp_results_baseline(r),
                     .rule = mdp_report_fact(r, MDP_FACT_KEY_C_RULE, pool)};

    t.any = t.leading ? t.leading : t.baseline;
    return t;
}

/* --- what was done --- */

static void say_over(struct sentences *s, const struct told *t)
{
    const struct mdp_over *over = &t->r->over;

    mdp_text_add(&s->now, t->r->same_rows ? "Every number is over " : "The numbers are over ");
    mdp_text_add_range(&s->now, over->rows, "test picture", over->patients.most ? " of " : "");
    if (over->patients.most)
        mdp_text_add_range(&s->now, over->patients, "patient", "");
    if (!t->r->same_rows)
        mdp_text_add(&s->now, ", not all over the same ones: the table says over how many");
    mdp_text_add(&s->now, "; classes: ");
    for (size_t i = 0; i < t->r->n_classes; i++)
        mdp_text_add(&s->now, "%s%s", i ? ", " : "", t->r->class_names[i]);
    mdp_text_add(&s->now, ".");
    end_sentence(s);
}

/* Rows of the store that no number knows of. */
static void say_left_out(struct sentences *s, const struct told *t)
{
    const size_t failures = mdp_report_fact_count(t->r, MDP_FACT_KEY_FAILURES);
    const size_t unlabelled = mdp_report_fact_count(t->r, MDP_FACT_KEY_UNLABELLED);

    if (failures)
        mdp_text_add(&s->now, "%zu picture%s could not be read and %s left out%s", failures,
                     failures == 1 ? "" : "s", failures == 1 ? "is" : "are", unlabelled ? "; " : ".");
    if (unlabelled)
        mdp_text_add(&s->now, "%zu picture%s without a label %s not used.", unlabelled,
                     unlabelled == 1 ? "" : "s", unlabelled == 1 ? "is" : "are");
    end_sentence(s);
}

static void say_fit(struct sentences *s, const struct told *t)
{
    const char *protocol = mdp_report_fact(t->r, MDP_FACT_KEY_PROTOCOL, s->pool);

    if (t->leading->n_episodes == 1)
        mdp_text_add(&s->now, "The one episode");
    else
        mdp_text_add(&s->now, "Each of %zu episodes", t->leading->n_episodes);
    mdp_text_add(&s->now, " (protocol %s) draws its labelled pictures%s", *protocol ? protocol : "not named",
                 t->leading->n_episodes == 1 ? "" : " anew");
    mdp_text_add(&s->now, "%s.",
                 t->leading->over.patients.most
                     ? ", by patient: no patient has pictures both among them and among the test pictures"
                     : "; patients are not looked at");
    end_sentence(s);
    for (size_t i = 0; i < t->r->n_provenance; i++)
        if (strncmp(t->r->provenance[i].key, MDP_FACT_KEY_METHODS, strlen(MDP_FACT_KEY_METHODS)) == 0 &&
            strcmp(t->r->provenance[i].key + strlen(MDP_FACT_KEY_METHODS), t->r->baseline) != 0) {
            mdp_text_add(&s->now, "%s.", mdp_report_fact(t->r, t->r->provenance[i].key, s->pool));
            end_sentence(s);
        }
    const char *rule = mdp_report_fact(t->r, MDP_FACT_KEY_C_RULE_TEXT, s->pool);
    mdp_text_add(&s->now,
                 "The strength C of a fit follows the rule %s%s%s. The smaller C is, the more the fit is "
                 "held back from "
                 "following its few pictures to the letter.",
                 *t->rule ? t->rule : "not named", *rule ? ", which " : "", rule);
    end_sentence(s);
}

static void say_baseline(struct sentences *s, const struct told *t)
{
    const char *set = mdp_report_fact(t->r, MDP_FACT_KEY_PROMPT_SET, s->pool);

    mdp_text_add(&s->now, "Zero-shot scores the ");
    if (t->r->same_rows)
        mdp_text_add(&s->now, "same test pictures");
    else
        mdp_text_add_range(&s->now, t->baseline->over.rows, "test picture", " of all episodes together");
    mdp_text_add(&s->now, " by the %s%s, without any labelled picture",
                 *set ? "prompt set " : "prompts of the store", set);
    mdp_text_add(
        &s->now, "%s.",
        t->r->same_rows ? "" : "; its difference to a probe is taken on the test pictures of each episode");
    end_sentence(s);
}

static mdp_status say_what_was_done(const struct told *t, struct mdp_pool *pool,
                                    struct mdp_report_section *section, struct mdp_error *err)
{
    struct sentences s = sentences_begin(pool, err);

    mdp_text_add(&s.now, "Pictures were embedded by the frozen model %s; nothing of it was trained.",
                 t->r->model && *t->r->model ? t->r->model : "(not named in the store)");
    end_sentence(&s);
    if (t->any)
        say_over(&s, t);
    say_left_out(&s, t);
    if (t->leading)
        say_fit(&s, t);
    if (t->baseline)
        say_baseline(&s, t);
    mdp_text_release(&s.now);
    section->done = s.at;
    section->n_done = s.n;
    return s.st;
}

/* --- what to be careful of --- */

/* The sentences that the run itself left for its readers. */
static void warn_as_noted(struct sentences *s, const struct told *t)
{
    for (size_t i = 0; i < t->r->n_provenance; i++) {
        const struct mdp_fact *notes = &t->r->provenance[i];
        for (size_t k = 0; strcmp(notes->key, MDP_FACT_KEY_NOTES) == 0 && k < notes->n; k++) {
            mdp_text_add(&s->now, "%s.", notes->texts[k]);
            end_sentence(s);
        }
    }
}

static void warn_of_short_classes(struct sentences *s, const struct told *t)
{
    const char *before = "";

    for (size_t i = 0; i < t->r->n_series; i++) {
        const size_t shots = t->r->series[i].shots, fewest = mdp_report_fewest_pictures(t->r, shots);
        if (!fewest)
            continue;
        mdp_text_add(&s->now, "%s%zu pictures in all instead of %zu at ≤ %zu shots",
                     *before ? before : "Some class has too few labelled pictures for the shots asked for: ",
                     fewest, shots * t->r->n_classes, shots);
        before = ", ";
    }
    if (*before)
        mdp_text_add(&s->now, " (in the episode that had the fewest).");
    end_sentence(s);
}

static void warn_of_numbers(struct sentences *s, const struct told *t)
{
    const struct mdp_range *patients = &t->r->over.patients;

    if (t->leading && t->leading->n_episodes < FEW_EPISODES)
        mdp_text_add(&s->now,
                     "Only %zu episode%s: the spread over draws is hardly known (10 are the default).",
                     t->leading->n_episodes, t->leading->n_episodes == 1 ? "" : "s");
    end_sentence(s);
    if (t->any && patients->most == 0)
        mdp_text_add(&s->now,
                     "Patients were not looked at: pictures of one person may stand on both sides, and "
                     "intervals take every picture for a person of its own.");
    end_sentence(s);
    if (t->any && patients->most > 0 && patients->least < FEW_PATIENTS) {
        mdp_text_add(&s->now, "Only ");
        mdp_text_add_range(&s->now, *patients, "test patient",
                           ": the intervals are wide and rest on few people.");
    }
    end_sentence(s);
    const size_t rarest = mdp_report_fact_count(t->r, MDP_FACT_KEY_RAREST_PATIENTS);
    if (rarest)
        mdp_text_add(&s->now,
                     "Only %zu test %s%s of class '%s' in the episode that has fewest: AUC, sensitivity and "
                     "everything else that is said of that class rests on them, whatever the intervals say.",
                     rarest, patients->most ? "patient" : "picture", rarest == 1 ? " is" : "s are",
                     mdp_report_fact(t->r, MDP_FACT_KEY_RAREST_CLASS, s->pool));
    end_sentence(s);
    if (!t->baseline)
        mdp_text_add(&s->now,
                     "No %s among the methods of this run: nothing says what the model does without "
                     "any labelled picture.",
                     t->r->baseline);
    end_sentence(s);
}

/* Numbers of the headline that never moved. */
static void warn_of_no_width(struct sentences *s, const struct told *t)
{
    const char *before = "";

    for (size_t i = 0; i < t->r->n_results; i++) {
        const struct mdp_result *x = &t->r->results[i];
        const struct mdp_metric_kind *kind = mdp_metric_kind_find(x->metric);
        if (x->ci_low != x->ci_high || !kind || !kind->headline) /* NaN: no interval */
            continue;
        mdp_text_add(&s->now, "%s%s of %s", before, kind->headline, x->method);
        if (x->shots)
            mdp_text_add(&s->now, " at %zu shot%s", x->shots, x->shots == 1 ? "" : "s");
        before = ", ";
    }
    if (*before)
        mdp_text_add(&s->now,
                     ": the same in every episode and resample, so that the interval has no width: it says "
                     "nothing of other patients.");
    end_sentence(s);
}

/* Means over fewer episodes than there are; one sentence a series. */
static void warn_of_partly_defined(struct sentences *s, const struct told *t)
{
    for (size_t k = 0; k < t->r->n_series && s->n + 2 < MOST_SENTENCES; k++) {
        const struct mdp_series *series = &t->r->series[k];
        const char *before = "";
        for (size_t i = 0; i < t->r->n_results; i++) {
            const struct mdp_result *x = &t->r->results[i];
            if (x->shots != series->shots || strcmp(x->method, series->method) != 0 || !x->n_defined ||
                x->n_defined == x->n_episodes)
                continue;
            if (!*before)
                mdp_text_add(&s->now,
                             "%s at %zu shot%s: not defined in every episode, so that the mean and its "
                             "interval are over the others: ",
                             x->method, x->shots, x->shots == 1 ? "" : "s");
            mdp_text_add(&s->now, "%s%s in %zu of %zu", before, x->metric, x->n_defined, x->n_episodes);
            before = ", ";
        }
        mdp_text_add(&s->now, *before ? "." : "");
        end_sentence(s);
    }
}

static bool are_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Undefined for the same reason, of the same method. */
static bool are_alike(const struct mdp_result *a, const struct mdp_result *b)
{
    return isnan(a->mean) && isnan(b->mean) && strcmp(a->method, b->method) == 0 &&
           are_equal(a->reason, b->reason);
}

/* " at 1, 4 shots": where the metric of x is undefined as x is; nothing for a method without shots, NULL when x is not
   the first of them. */
static const char *undefined_at(const struct told *t, const struct mdp_result *x, struct sentences *s)
{
    struct mdp_text at = {0};
    size_t n = 0;

    for (size_t i = 0; i < t->r->n_results; i++) {
        const struct mdp_result *y = &t->r->results[i];
        if (!are_alike(x, y) || strcmp(x->metric, y->metric) != 0)
            continue;
        if (n == 0 && y != x)
            return NULL;
        mdp_text_add(&at, "%s%zu", n ? ", " : " at ", y->shots);
        n++;
    }
    mdp_text_add(&at, " shot%s", n == 1 && x->shots == 1 ? "" : "s");
    const char *kept = x->shots && at.at ? mdp_pool_string(s->pool, at.at, s->err, &s->st) : "";
    mdp_text_release(&at);
    return kept;
}

/* A sentence for the metrics that one method lacks for one reason at the same numbers of shots; as many as there is room
   for, the last one counts the others. */
static void warn_of_undefined(struct sentences *s, const struct told *t)
{
    const size_t n = t->r->n_results;
    size_t more = 0;
    const char **at = mdp_pool_array(s->pool, n, sizeof *at, s->err, &s->st); /* [n]; NULL: nothing to say */

    for (size_t i = 0; s->st == MDP_OK && i < n; i++)
        at[i] = isnan(t->r->results[i].mean) ? undefined_at(t, &t->r->results[i], s) : NULL;
    for (size_t i = 0; s->st == MDP_OK && i < n; i++) {
        const struct mdp_result *x = &t->r->results[i];
        const char *where = at[i];
        size_t metrics = 0;
        if (!where)
            continue;
        for (size_t k = i; k < n; k++) {
            const struct mdp_result *y = &t->r->results[k];
            if (!at[k] || !are_alike(x, y) || strcmp(at[k], where) != 0)
                continue;
            at[k] = NULL;
            mdp_text_add(&s->now, "%s%s", metrics++ ? ", " : "", y->metric);
        }
        if (s->n + 1 >= MOST_SENTENCES) {
            mdp_text_clear(&s->now);
            more += metrics;
            continue;
        }
        mdp_text_add(&s->now, " of %s%s %s not defined: %s.", x->method, where, metrics == 1 ? "is" : "are",
                     x->reason ? x->reason : "no reason given");
        end_sentence(s);
    }
    if (more)
        mdp_text_add(&s->now, "%zu more numbers are not defined; the table of all metrics shows them.", more);
    end_sentence(s);
}

static mdp_status say_warnings(const struct told *t, struct mdp_pool *pool,
                               struct mdp_report_section *section, struct mdp_error *err)
{
    struct sentences s = sentences_begin(pool, err);

    warn_of_short_classes(&s, t);
    warn_as_noted(&s, t);
    warn_of_numbers(&s, t);
    warn_of_no_width(&s, t);
    warn_of_partly_defined(&s, t);
    warn_of_undefined(&s, t);
    mdp_text_release(&s.now);
    section->warnings = s.at;
    section->n_warnings = s.n;
    return s.st;
}

static mdp_status make_confusions(const struct mdp_results *r, struct mdp_pool *pool,
                                  struct mdp_report_section *s, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    s->confusions = mdp_pool_array(pool, r->n_series, sizeof *s->confusions, err, &st);
    for (size_t i = 0; i < r->n_series && st == MDP_OK; i++)
        if (r->series[i].is_largest)
            st = mdp_table_confusion(r, &r->series[i], pool, &s->confusions[s->n_confusions++], err);
    return st;
}

/* --- the result in one sentence --- */

static void say_defined(struct mdp_text *text, size_t n_defined, size_t n_episodes)
{
    if (n_defined && n_defined < n_episodes)
        mdp_text_add(text, " in the %zu of %zu episodes that have one", n_defined, n_episodes);
}

/* Of two classes one is the positive one. */
static void say_positive(struct mdp_text *text, const struct told *t)
{
    if (t->r->n_classes == 2)
        mdp_text_add(text, " (positive: '%s')", t->r->class_names[1]);
}

static void say_reached(struct mdp_text *text, const struct told *t, const struct mdp_result *value)
{
    const size_t shots = t->leading->shots, fewest = mdp_report_fewest_pictures(t->r, shots);

    if (fewest)
        mdp_text_add(text,
                     "With at most %zu labelled pictures a class (%zu in all where classes had too few), ",
                     shots, fewest);
    else if (shots)
        mdp_text_add(text, "With %zu labelled picture%s a class, ", shots, shots == 1 ? "" : "s");
    mdp_text_add(text, "%s reaches an %s", t->leading->method, mdp_metric_leading()->headline);
    say_positive(text, t);
    mdp_text_add(text, " of ");
    mdp_text_add_interval(text, false, value->mean, value->ci_low, value->ci_high);
    say_defined(text, value->n_defined, value->n_episodes);
}

/* The verdict follows the p that stands beside it: the interval knows nothing of the other comparisons. */
static void say_verdict(struct mdp_text *text, const struct told *t, const struct mdp_comparison *c)
{
    if (isnan(c->p_adjusted))
        return;
    if (mdp_report_has_no_spread(c) && c->difference != 0) {
        mdp_text_add(text,
                     ": the same in every episode and resample, so that there is no test, and nothing is "
                     "said of other patients");
        return;
    }
    mdp_text_add(text, ", p (Holm) ");
    mdp_text_add(text, c->p_adjusted < 0.0005 ? "" : "= ");
    mdp_text_add_p(text, c);
    if (c->p_adjusted >= 1 - MDP_LEVEL)
        mdp_text_add(text, ": which of the two is better is not shown by these data");
    else
        mdp_text_add(text, ": %s is better", c->difference > 0 ? t->leading->method : t->r->baseline);
}

static void say_difference(struct mdp_text *text, const struct told *t, const struct mdp_result *of_baseline)
{
    const struct mdp_comparison *c =
        mdp_results_find_comparison(t->r, t->leading->method, t->leading->shots, mdp_metric_leading()->name);

    if (!c || isnan(c->difference) || !of_baseline)
        return;
    mdp_text_add(text, "; %s has %.3f", t->r->baseline, of_baseline->mean);
    mdp_text_add(text, t->r->same_rows ? "" : " over all ");
    if (!t->r->same_rows)
        mdp_text_add_range(text, t->baseline->over.rows, "test picture", "");
    mdp_text_add(text, ". Difference%s ", t->r->same_rows ? "" : " on the test pictures of each episode");
    mdp_text_add_interval(text, true, c->difference, c->ci_low, c->ci_high);
    say_defined(text, c->n_defined, c->n_episodes);
    say_verdict(text, t, c);
}

/* "With 16 labelled pictures a class, logreg reaches an AUC of 0.93 [..]; zero-shot has 0.81. Difference ..." */
static mdp_status say_result(const struct told *t, struct mdp_pool *pool, const char **result,
                             struct mdp_error *err)
{
    struct mdp_text text = {0};
    const char *metric = mdp_metric_leading()->name;
    const struct mdp_result *own =
        t->leading ? mdp_results_find(t->r, t->leading->method, t->leading->shots, metric) : NULL;
    const struct mdp_result *of_baseline =
        t->baseline ? mdp_results_find(t->r, t->baseline->method, t->baseline->shots, metric) : NULL;

    if (own && !isnan(own->mean)) {
        say_reached(&text, t, own);
        say_difference(&text, t, of_baseline);
    } else if (of_baseline && !isnan(of_baseline->mean)) {
        mdp_text_add(&text, "Zero-shot reaches an %s", mdp_metric_leading()->headline);
        say_positive(&text, t);
        mdp_text_add(&text, " of %.3f", of_baseline->mean);
    } else if (own || of_baseline) {
        const struct mdp_result *none = own ? own : of_baseline;
        mdp_text_add(&text, "There is no %s of %s, and no result: %s", mdp_metric_leading()->headline,
                     none->method, none->reason ? none->reason : "it is not defined");
    }
    if (text.n)
        mdp_text_add(&text, ".");
    mdp_status st = mdp_text_status(&text, err);
    *result = st == MDP_OK ? mdp_pool_string(pool, text.at ? text.at : "", err, &st) : "";
    mdp_text_release(&text);
    return st;
}

/* --- all of it --- */

static mdp_status make_section(const struct mdp_report_run *run, struct mdp_pool *pool,
                               struct mdp_report_section *s, struct mdp_error *err)
{
    const struct told t = told_of(run->results, pool);

    s->name = run->name;
    TRY(say_what_was_done(&t, pool, s, err));
    TRY(say_warnings(&t, pool, s, err));
    TRY(make_confusions(run->results, pool, s, err));
    TRY(mdp_table_metrics(run, pool, &s->metrics, err));
    return mdp_table_provenance(run, pool, &s->provenance, err);
}

static mdp_status fill(const struct mdp_report_run runs[], size_t n, struct mdp_report_content *c,
                       struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    c->title = n == 1
                   ? mdp_table_cell(c->pool, err, &st, "Few-shot linear probe: %s", runs[0].results->dataset)
                   : mdp_table_cell(c->pool, err, &st, "Few-shot linear probes: %zu runs", n);
    c->sections = mdp_pool_array(c->pool, n, sizeof *c->sections, err, &st);
    TRY(st);
    if (n == 1) {
        const struct told t = told_of(runs[0].results, c->pool);
        TRY(say_result(&t, c->pool, &c->result, err));
    }
    TRY(mdp_table_headline(runs, n, c->pool, &c->headline, err));
    TRY(mdp_table_definitions(runs, n, c->pool, &c->definitions, err));
    for (; c->n_sections < n; c->n_sections++)
        TRY(make_section(&runs[c->n_sections], c->pool, &c->sections[c->n_sections], err));
    return MDP_OK;
}

mdp_status mdp_report_content_init(const struct mdp_report_run runs[], size_t n,
                                   struct mdp_report_content *content, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *content = (struct mdp_report_content){.result = ""};
    content->pool = mdp_pool_new(err, &st);
    if (st == MDP_OK)
        st = fill(runs, n, content, err);
    if (st != MDP_OK)
        mdp_report_content_release(content);
    return st;
}

void mdp_report_content_release(struct mdp_report_content *content)
{
    mdp_pool_free(content->pool);
    *content = (struct mdp_report_content){0};
}
