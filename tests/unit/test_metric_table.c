/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the table of metrics: columns that fit together, needs that are asked, a line of the document for each
   row. Values are compared with references in tests/reference/test_metrics.py, which walks the same table.

   Planted once and seen: a row without its line in docs/METHODS.md, pauc@ with in_run set, a `needs` that was only used
   for the sentence. */
#include "unit/unit.h"

#include "base/file.h"
#include "eval/metrics/metrics.h"

#include <math.h>

static const char *null_when(enum mdp_metric_needs needs)
{
    switch (needs) {
    case MDP_NEEDS_NOTHING:
        return "|";
    case MDP_NEEDS_EVERY_CLASS:
        return "| a class has no rows |";
    case MDP_NEEDS_POSITIVES:
        return "| the class has no rows |";
    case MDP_NEEDS_BOTH_SIDES:
        return "| a side has no rows |";
    case MDP_NEEDS_PROBABILITIES:
        return "| no probabilities |";
    case MDP_NEEDS_TRUE_AND_PREDICTED_SPREAD:
        return "| all labels or all predictions are of one class |";
    case MDP_NEEDS_DISAGREEMENT_BY_CHANCE:
        return "| all labels and predictions are of one class |";
    }
    return NULL;
}

/* "| `name` | ... | null when | given by |" stands in the document for every row. */
static void the_methods_document_names_every_row(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text begin = {0}, end = {0};
    char *document = NULL;
    size_t n = 0;

    (void)state;
    assert_ok(mdp_file_read("docs/METHODS.md", (size_t)1 << 24, &document, &n, &err), err);
    for (size_t i = 0; i < mdp_metric_kind_count; i++) {
        const struct mdp_metric_kind *kind = &mdp_metric_kinds[i];
        const bool parameter = kind->name[strlen(kind->name) - 1] == '=';
        mdp_text_clear(&begin);
        mdp_text_clear(&end);
        mdp_text_add(&begin, "| `%s", kind->name);
        if (parameter)
            mdp_text_add(&begin, "%.2f", kind->parameter);
        mdp_text_add(&begin, "%s` |", kind->of_class ? ":<c>" : "");
        mdp_text_add(&end, "%s %s |", null_when(kind->needs), kind->in_run ? "runs, `eval`" : "`eval`");
        char *line = strstr(document, begin.at);
        if (!line)
            fail_msg("docs/METHODS.md has no line that begins with %s", begin.at);
        const size_t length = strcspn(line, "\n");
        if (length < end.n || memcmp(line + length - end.n, end.at, end.n) != 0)
            fail_msg("docs/METHODS.md: %s: expected a line that ends in %s", begin.at, end.at);
    }
    mdp_text_release(&begin);
    mdp_text_release(&end);
    free(document);
}

static void columns_fit_together(void **state)
{
    size_t leading = 0;

    (void)state;
    for (size_t i = 0; i < mdp_metric_kind_count; i++) {
        const struct mdp_metric_kind *kind = &mdp_metric_kinds[i];
        assert_non_null(kind->compute);
        assert_true(strlen(kind->definition) > 20);
        assert_true(kind->most_is_parameter || kind->least < kind->most);
        leading += kind->leads;
        /* What a report's result shows is one number of every run. */
        if (kind->headline || kind->summary_key)
            assert_true(kind->in_run && !kind->of_class);
        if (kind->leads)
            assert_non_null(kind->headline);
        if (kind->inference == MDP_INFERENCE_AUC)
            assert_true(kind->of_class);
        assert_int_equal(kind->summary_key == NULL, kind->summary_place == 0);
        assert_ptr_equal(mdp_metric_kind_find(kind->name), kind);
    }
    assert_int_equal(leading, 1);
    assert_string_equal(mdp_metric_kind_find("auc:a:b")->name, "auc");
    assert_string_equal(mdp_metric_kind_find("sensitivity@specificity=0.5:x")->name,
                        "sensitivity@specificity=");
    assert_null(mdp_metric_kind_find("auc_of_all"));
}

static void always_one(struct mdp_metric_work *work, const struct mdp_metric *metric, double out[])
{
    (void)work;
    (void)metric;
    for (size_t l = 0; l < MDP_RESAMPLES_AT_ONCE; l++)
        out[l] = 1;
}

/* Whatever a row's function gives: where what it needs does not hold, there is no value. */
static void what_a_row_needs_is_asked_before_its_function(void **state)
{
    enum { ROWS = 4 };
    static const double scores[ROWS * 2] = {0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.5};
    static const int32_t labels[ROWS] = {0, 0, 0, 0};
    static const uint32_t patients[ROWS] = {0, 1, 2, 3};
    static const int64_t numbers[ROWS] = {0, 1, 2, 3};
    static const char *const class_names[] = {"a", "b"};
    const struct mdp_rows rows = {ROWS, 2, ROWS, scores, labels, patients, numbers};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_sorted_scores *sorted = NULL;

    (void)state;
    assert_ok(mdp_sorted_scores_new(&rows, &sorted, &err), err);
    for (int needs = MDP_NEEDS_NOTHING; needs <= MDP_NEEDS_DISAGREEMENT_BY_CHANCE; needs++) {
        const struct mdp_metric_kind kind = {
            .name = "made up", .needs = (enum mdp_metric_needs)needs, .compute = always_one};
        struct mdp_metric metric = {.kind = &kind, .name = kind.name, .class_index = 1};
        const struct mdp_metric_list list = {1, &metric};
        struct mdp_text reason = {0};
        double value = 0;
        assert_ok(mdp_metrics_of(sorted, &list, &value, &err), err);
        assert_int_equal(isnan(value), needs != MDP_NEEDS_NOTHING);
        mdp_metric_reason(&metric, sorted, class_names, &reason);
        assert_true(reason.n > 20);
        mdp_text_release(&reason);
    }
    mdp_sorted_scores_free(sorted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_methods_document_names_every_row),
        cmocka_unit_test(columns_fit_together),
        cmocka_unit_test(what_a_row_needs_is_asked_before_its_function),
    };

    return cmocka_run_group_tests_name("metric_table", tests, NULL, NULL);
}
