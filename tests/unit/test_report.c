/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: what a report shows is what the results hold, names of classes cannot break any format, the
   terminal table fits, a page fetches nothing. Planted once and seen: a table cell written without escaping.
 */
#include "unit/unit.h"

#include "base/file.h"
#include "eval/report/report.h"
#include "eval/report/report_tables.h"

#include <math.h>

enum { CLASSES = 3, SHOTS = 5, EPISODES = 4, METRICS = 2 };

static const char *const class_names[CLASSES] = {"normal", "a<b>|c_d&\"e\"", "it's `x`, 50 %"};
static const char *const metric_names[METRICS] = {"accuracy", "auc_ovr_macro"};
static const size_t shots[SHOTS] = {1, 2, 4, 8, 16};

/* Results of zero-shot and logreg at five numbers of shots; the values only have to be told apart. */
struct example {
    struct mdp_results results;
    struct mdp_result rows[METRICS * (SHOTS + 1)];
    struct mdp_episode episodes[1 + SHOTS * EPISODES];
    uint64_t confusion[CLASSES * CLASSES];
    struct mdp_comparison comparisons[METRICS * SHOTS];
    struct mdp_fact facts[3];
};

static void fill(struct example *x)
{
    size_t n = 0, c = 0, e = 0;

    *x = (struct example){0};
    for (size_t i = 0; i < CLASSES * CLASSES; i++)
        x->confusion[i] = i % (CLASSES + 1) ? 5 : 40 + i;
    for (size_t s = 0; s <= SHOTS; s++) {
        for (size_t m = 0; m < METRICS; m++) {
            double mean = 0.7 + 0.03 * (double)s + 0.05 * (double)m;
            x->rows[n++] = (struct mdp_result){.method = s ? "logreg" : "zero-shot",
                                               .shots = s ? shots[s - 1] : 0,
                                               .metric = metric_names[m],
                                               .mean = mean,
                                               .std = s ? 0.02 : NAN,
                                               .ci_low = mean - 0.04,
                                               .ci_high = mean + 0.04,
                                               .n_episodes = s ? EPISODES : 1,
                                               .n_test = 300,
                                               .n_patients = 120,
                                               .definition = "d"};
            if (s)
                x->comparisons[c++] = (struct mdp_comparison){.a = "logreg",
                                                              .b = "zero-shot",
                                                              .shots = shots[s - 1],
                                                              .metric = metric_names[m],
                                                              .difference = 0.03 * (double)s,
                                                              .ci_low = 0.01,
                                                              .ci_high = 0.2,
                                                              .p = 0.0001,
                                                              .p_adjusted = 0.0002,
                                                              .test = "nested-t"};
        }
        for (size_t k = 0; k < (s ? EPISODES : 1); k++)
            x->episodes[e++] = (struct mdp_episode){.method = s ? "logreg" : "zero-shot",
                                                    .group = "g",
                                                    .shots = s ? shots[s - 1] : 0,
                                                    .confusion = x->confusion};
    }
    x->facts[0] = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = "c_rule", .text = "support-cv"};
    x->facts[1] = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = "protocol", .text = "medprobe"};
    x->facts[2] = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = "prompt_set", .text = "tb <plain>"};
    x->results = (struct mdp_results){.model = "demo",
                                      .pretrained = "",
                                      .dataset = "x & <y>",
                                      .task = "linear_probe",
                                      .n_classes = CLASSES,
                                      .class_names = class_names,
                                      .n_metrics = METRICS,
                                      .metrics = metric_names,
                                      .n_results = n,
                                      .results = x->rows,
                                      .n_episodes = e,
                                      .episodes = x->episodes,
                                      .n_comparisons = c,
                                      .comparisons = x->comparisons,
                                      .n_provenance = 3,
                                      .provenance = x->facts};
}

static char folder[64];

/* roc.csv comes from the evaluation; here any curve does. */
static void write_roc_data(void)
{
    struct mdp_text text = {0}, path = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    mdp_text_add(&text, "method,shots,class,fpr,tpr,tpr_low,tpr_high\n");
    for (size_t s = 0; s <= SHOTS; s++)
        for (size_t c = 0; c < CLASSES; c++)
            for (size_t i = 0; i < MDP_ROC_POINTS; i++) {
                double f = (double)i / (MDP_ROC_POINTS - 1), t = pow(f, 0.5 / (double)(1 + s + c));
                mdp_text_add(&text, "%s,%zu,c%zu,%.3f,%.4f,%.4f,%.4f\n", s ? "logreg" : "zero-shot",
                             s ? shots[s - 1] : 0, c, f, t, t * 0.95, t);
            }
    mdp_text_add(&path, "%s/figures", folder);
    assert_ok(mdp_path_make_folders(path.at, &err), err);
    mdp_text_add(&path, "/roc.csv");
    assert_ok(mdp_file_write(path.at, text.at, text.n, &err), err);
    mdp_text_release(&text);
    mdp_text_release(&path);
}

static char *read_file(const char *name)
{
    struct mdp_text path = {0};
    struct mdp_error err = MDP_ERROR_INIT;
    char *bytes = NULL;
    size_t n = 0;

    mdp_text_add(&path, "%s/%s", folder, name);
    assert_ok(mdp_file_read(path.at, (size_t)1 << 30, &bytes, &n, &err), err);
    mdp_text_release(&path);
    return bytes;
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not found: %s", part);
}

static void every_format_shows_the_numbers_and_escapes_names(void **state)
{
    struct example x;
    struct mdp_text notes = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    write_roc_data();
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, &notes, &err), err);

    char *html = read_file("report.html");
    has(html, "0.900 [0.860, 0.940]"); /* auc of 16 shots */
    has(html, "a&lt;b&gt;|c_d&amp;&quot;e&quot;");
    has(html, "Research use only");
    assert_null(strstr(html, "a<b>"));
    assert_null(strstr(html, "src=\"http"));
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "url("));
    free(html);

    char *markdown = read_file("report.md");
    has(markdown, "a\\<b\\>\\|c\\_d\\&\"e\"");
    has(markdown, "0.900 \\[0.860, 0.940\\]");
    free(markdown);

    char *latex = read_file("tables/confusion-logreg-k16.tex");
    has(latex, "a\\textless{}b\\textgreater{}|c\\_d\\&\"e\"");
    has(latex, "it's `x`, 50 \\%");
    free(latex);

    char *csv = read_file("tables/confusion-logreg-k16.csv");
    has(csv, "\"a<b>|c_d&\"\"e\"\"\",20,176,20\n"); /* four episodes of 5, 44, 5 */
    free(csv);
    mdp_text_release(&notes);
}

static void the_terminal_table_fits(void **state)
{
    struct example x;
    struct mdp_text out = {0};
    struct mdp_error err = MDP_ERROR_INIT;
    size_t lines = 0;

    (void)state;
    fill(&x);
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    assert_ok(mdp_report_to_summary(&run, &out, &err), err);
    has(out.at, "support-cv");
    has(out.at, "0.850 [0.810, 0.890]");
    for (const char *line = out.at; *line; lines++) {
        size_t n = strcspn(line, "\n");
        assert_true(n <= 100);
        line += n + (line[n] == '\n');
    }
    assert_true(lines <= 16);
    assert_int_equal(lines, 2 + 1 + SHOTS);
    mdp_text_release(&out);
}

static void undefined_is_said(void **state)
{
    struct example x;
    struct mdp_text out = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    x.rows[1].mean = x.rows[1].ci_low = x.rows[1].ci_high = NAN;
    x.rows[1].reason = "one class only";
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    assert_ok(mdp_report_to_summary(&run, &out, &err), err);
    has(out.at, "not defined");
    assert_null(strstr(out.at, "nan"));
    mdp_text_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_shows_the_numbers_and_escapes_names),
        cmocka_unit_test(the_terminal_table_fits),
        cmocka_unit_test(undefined_is_said),
    };
    char command[128];

    /* MEDPROBE_KEEP=FOLDER leaves the report there, to be looked at. */
    const char *kept = getenv("MEDPROBE_KEEP");
    snprintf(folder, sizeof folder, "%s", kept ? kept : "/tmp/medprobe-test-XXXXXX");
    if (!kept && !mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests_name("report", tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (!kept && system(command) != 0)
        return 1;
    return failed;
}
