/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: what a report shows is what the results hold, names of classes cannot break any format, the
   terminal table fits, a page fetches nothing, a figure shows the curve that its legend names. Planted once and seen: a
   table cell written without escaping. Seen in earlier versions: curves chosen by counting lines, so that a class without
   test pictures moved all others; the shots figure lost whole because one metric was not defined; "gnuplot is missing"
   said of it; 16 shots said of 8 pictures; the last episodes' number of test pictures said of every row; and what the last
   tests here say of themselves. */
#include "unit/unit.h"

#include "base/file.h"
#include "base/formats/csv.h"
#include "eval/provenance_keys.h"
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
    struct mdp_fact facts[8];
};

static void note_series(struct example *x);

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
                                                    .n_test = 300,
                                                    .n_patients = 120,
                                                    .shots = s ? shots[s - 1] : 0,
                                                    .confusion = x->confusion};
    }
    x->facts[0] = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = "c_rule", .text = "support-cv"};
    x->facts[1] = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = "protocol", .text = "medprobe"};
    x->facts[2] = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = "prompt_set", .text = "tb <plain>"};
    x->facts[3] = (struct mdp_fact){.kind = MDP_FACT_COUNT, .key = MDP_FACT_KEY_RESAMPLES, .count = 1000};
    x->results = (struct mdp_results){.model = "demo",
                                      .pretrained = "",
                                      .dataset = "x & <y>",
                                      .task = "linear_probe",
                                      .baseline = "zero-shot",
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
                                      .n_provenance = 4,
                                      .provenance = x->facts};
    note_series(x);
}

/* The series anew, after a change. */
static void note_series(struct example *x)
{
    mdp_status st = MDP_OK;
    struct mdp_error err = MDP_ERROR_INIT;

    if (!x->results.pool)
        x->results.pool = mdp_pool_new(&err, &st);
    assert_ok(mdp_results_find_series(&x->results, &err), err);
}

static char folder[64];

/* roc.csv comes from the evaluation; here any curve does. Without the curves of class `absent`. */
static void write_roc_data(size_t absent)
{
    struct mdp_text text = {0};
    struct mdp_error err = MDP_ERROR_INIT;
    size_t curve = 0;

    mdp_text_add(&text, "method,shots,class,fpr,tpr,tpr_low,tpr_high,curve\n");
    for (size_t s = 0; s <= SHOTS; s++)
        for (size_t c = 0; c < CLASSES; c++) {
            for (size_t i = 0; c != absent && i < MDP_ROC_POINTS; i++) {
                double f = (double)i / (MDP_ROC_POINTS - 1), t = pow(f, 0.5 / (double)(1 + s + c));
                mdp_text_add(&text, "%s,%zu,", s ? "logreg" : "zero-shot", s ? shots[s - 1] : 0);
                mdp_text_add_csv(&text, class_names[c]);
                mdp_text_add(&text, ",%.3f,%.4f,%.4f,%.4f,%zu\n", f, t, t * 0.95, t, curve);
            }
            curve += c != absent;
        }
    assert_ok(mdp_file_write_text(folder, "figures/roc.csv", &text, &err), err);
    mdp_text_release(&text);
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

static void add_note(void *context, const char *line)
{
    mdp_text_add(context, "%s\n", line);
}

static void release(struct example *x)
{
    mdp_pool_free(x->results.pool);
}

static void every_format_shows_the_numbers_and_escapes_names(void **state)
{
    struct example x;
    struct mdp_text notes = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    write_roc_data(CLASSES);
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);

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
    release(&x);
}

static bool have_gnuplot(void)
{
    return system("gnuplot --version >/dev/null 2>&1") == 0;
}

/* A class without test pictures has no curve: the others keep theirs, by name. */
static void the_roc_figure_finds_curves_by_name(void **state)
{
    struct example x;
    struct mdp_text notes = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    write_roc_data(1);
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);
    char *script = read_file("figures/roc.gp");
    /* Two curves a series: zero-shot's are 0 and 1, those of logreg at 16 shots, the sixth series, 10 and 11. */
    has(script, "($8==0?$4:NaN):5 with lines lw 2 dt 2 lc rgb '#0072B2' title 'zero-shot: normal'");
    has(script, "($8==1?$4:NaN):5 with lines lw 2 dt 2 lc rgb '#D55E00' title 'zero-shot: it''s `x`, 50 %'");
    has(script, "($8==10?$4:NaN):5 with lines lw 2 lc rgb '#009E73' title 'logreg, 16 shots: normal'");
    has(script,
        "($8==11?$4:NaN):5 with lines lw 2 lc rgb '#CC79A7' title 'logreg, 16 shots: it''s `x`, 50 %'");
    assert_null(strstr(script, "a<b>"));
    free(script);
    if (have_gnuplot())
        assert_null(notes.at);
    mdp_text_release(&notes);
    release(&x);
}

/* What is not defined takes its panel, not the figure, and is named as what it is. */
static void a_figure_shows_what_is_defined(void **state)
{
    struct example x;
    struct mdp_text notes = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    for (size_t i = 1; i < x.results.n_results; i += METRICS)
        x.rows[i].mean = x.rows[i].ci_low = x.rows[i].ci_high = NAN;
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    write_roc_data(CLASSES);
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);
    char *script = read_file("figures/shots.gp");
    has(script, "layout 1,1");
    has(script, "set title 'accuracy'");
    assert_null(strstr(script, "'AUC'"));
    free(script);
    if (have_gnuplot())
        assert_null(notes.at);

    for (size_t i = 0; i < x.results.n_results; i += METRICS)
        x.rows[i].mean = x.rows[i].ci_low = x.rows[i].ci_high = NAN;
    struct mdp_text none = {0};
    mdp_text_add(&none, "method,shots,class,fpr,tpr,tpr_low,tpr_high,curve\n");
    assert_ok(mdp_file_write_text(folder, "figures/roc.csv", &none, &err), err);
    mdp_text_clear(&notes);
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);
    has(notes.at, "figure 'shots' was not drawn: neither accuracy nor AUC is defined\n");
    has(notes.at, "figure 'roc' was not drawn: no ROC curve is defined");
    mdp_text_release(&none);
    mdp_text_release(&notes);
    release(&x);
}

/* Rows that are over other pictures say so, in the table and in every sentence. */
static void what_numbers_are_over_is_said_as_it_is(void **state)
{
    struct example x;
    struct mdp_text notes = {0}, out = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    for (size_t e = 1; e < x.results.n_episodes; e++) {
        x.episodes[e].n_test = 200 + e;
        x.episodes[e].n_patients = 0;
    }
    x.episodes[0].n_patients = 0;
    note_series(&x);
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);
    char *markdown = read_file("report.md");
    has(markdown, "| 4 | 217 to 220 |  |\n"); /* logreg at 16 shots */
    has(markdown, "| 1 | 300 |  |\n");
    has(markdown, "The numbers are over 201 to 300 test pictures, not all over the same ones");
    has(markdown, "Zero-shot scores the 300 test pictures of all episodes together");
    has(markdown, "Patients were not looked at");
    has(markdown, "over all 300 test pictures. Difference on the test pictures of each episode +0.150");
    assert_null(strstr(markdown, "Every number is over"));
    assert_null(strstr(markdown, "not known"));
    free(markdown);
    assert_ok(mdp_report_to_summary(&run, &out, &err), err);
    has(out.at, "201 to 220 test pictures, 4 episodes, rule for C: support-cv; means with 95 % intervals\n"
                "zero-shot: over all 300 test pictures; the difference is over those of each episode\n");
    mdp_text_release(&out);
    mdp_text_release(&notes);
    release(&x);
}

/* --allow-short: what was drawn, not what was asked for. */
static void short_classes_are_said(void **state)
{
    static const size_t fewest[SHOTS] = {3, 6, 12, 24, 31};
    struct example x;
    struct mdp_text notes = {0}, out = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    x.facts[4] = (struct mdp_fact){.kind = MDP_FACT_COUNTS, .key = "shots", .counts = shots, .n = SHOTS};
    x.facts[5] = (struct mdp_fact){
        .kind = MDP_FACT_COUNTS, .key = "support_pictures_fewest", .counts = fewest, .n = SHOTS};
    x.facts[6] = (struct mdp_fact){.kind = MDP_FACT_COUNT, .key = "left_out.unlabelled", .count = 7};
    x.results.n_provenance = 7;
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);
    char *html = read_file("report.html");
    has(html, "With at most 16 labelled pictures a class (31 in all where classes had too few), logreg");
    has(html, "31 pictures in all instead of 48 at ≤ 16 shots");
    has(html, "7 pictures without a label are not used.");
    has(html, ">≤ 16<");
    has(html, ">8<");
    assert_null(strstr(html, "With 16 labelled"));
    free(html);
    assert_ok(mdp_report_to_summary(&run, &out, &err), err);
    has(out.at, "≤ 16");
    has(out.at, "31 in all at ≤ 16 shots, not 48");
    mdp_text_release(&out);
    mdp_text_release(&notes);
    release(&x);
}

/* A report is sent as one file: what its words mean stands in it. */
static void the_page_explains_itself(void **state)
{
    struct example x;
    struct mdp_text notes = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    x.facts[1] = (struct mdp_fact){.kind = MDP_FACT_NUMBER, .key = "intervals.level", .number = 0.95};
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);
    char *html = read_file("report.html");
    has(html, "share of rows whose predicted class is their label");
    has(html, "mean over classes of the area under the ROC curve");
    has(html, "The smaller C is");
    has(html, "<td>0.95</td>");
    assert_null(strstr(html, "docs/METHODS.md"));
    free(html);
    mdp_text_release(&notes);
    release(&x);
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
    release(&x);
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
    release(&x);
}

/* Writes the report of x and gives its Markdown, for the caller to free. */
static char *markdown_of(const struct example *x)
{
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x->results};
    struct mdp_text notes = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_report_write(folder, &run, 1, MDP_REPORT_ALL, add_note, &notes, &err), err);
    mdp_text_release(&notes);
    return read_file("report.md");
}

/* The sentence said "the probe is better" by an interval that left out 0, with p (Holm) = 0.247 beside it. */
static void the_verdict_follows_the_adjusted_p(void **state)
{
    struct example x;
    struct mdp_comparison *c = NULL;

    (void)state;
    fill(&x);
    for (size_t i = 0; i < x.results.n_comparisons; i++)
        if (x.comparisons[i].shots == 16 && strcmp(x.comparisons[i].metric, "auc_ovr_macro") == 0)
            c = &x.comparisons[i];
    assert_non_null(c);
    c->p_adjusted = 0.247;
    char *text = markdown_of(&x);
    has(text,
        "Difference +0.150 \\[+0.010, +0.200\\], p (Holm) = 0.247: which of the two is better is not shown "
        "by these data");
    assert_null(strstr(text, "is better."));
    free(text);
    c->p_adjusted = 0.0002;
    text = markdown_of(&x);
    has(text, "p (Holm) \\< 0.001: logreg is better.");
    free(text);
    /* p = 0 of a difference that never moves is a formula's, not a test's: "< 0.001" stood in the table. */
    c->ci_low = c->ci_high = c->difference;
    c->p = c->p_adjusted = 0;
    text = markdown_of(&x);
    has(text, "the same in every episode and resample, so that there is no test");
    has(text, "| no spread |");
    assert_null(strstr(text, "logreg is better"));
    free(text);
    release(&x);
}

/* A mean over fewer episodes than there are stood there as a mean over all of them. */
static void a_mean_over_some_episodes_says_so(void **state)
{
    struct example x;
    struct mdp_text out = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(&x);
    for (size_t i = 0; i < x.results.n_results; i++)
        x.rows[i].n_defined = x.rows[i].n_episodes;
    x.rows[METRICS * SHOTS + 1].n_defined = 3; /* AUC of logreg at 16 shots */
    char *text = markdown_of(&x);
    has(text, "| 4 (AUC: 3 of 4) |");
    has(text, "± 0.020 (3 of 4) |");
    has(text, "reaches an AUC of 0.900 \\[0.860, 0.940\\] in the 3 of 4 episodes that have one");
    has(text,
        "logreg at 16 shots: not defined in every episode, so that the mean and its interval are over the "
        "others: auc\\_ovr\\_macro in 3 of 4.");
    free(text);
    const struct mdp_report_run run = {.name = "x", .folder = folder, .results = &x.results};
    assert_ok(mdp_report_to_summary(&run, &out, &err), err);
    has(out.at, "AUC is defined in 3 of 4 episodes at 16 shots\n");
    mdp_text_release(&out);
    release(&x);
}

/* As many pictures are not the same pictures, intervals are not over patients that were not resampled, and a baseline
   that is not there was not asked for: all three were said otherwise. */
static void facts_are_said_as_they_are(void **state)
{
    struct example x;

    (void)state;
    fill(&x);
    x.facts[4] = (struct mdp_fact){
        .kind = MDP_FACT_TEXT, .key = MDP_FACT_KEY_TEST_ROWS, .text = "not the same in every episode"};
    x.facts[5] = (struct mdp_fact){.kind = MDP_FACT_COUNTS, .key = MDP_FACT_KEY_SUPPORT_PATIENTS};
    x.results.n_provenance = 6;
    note_series(&x);
    char *text = markdown_of(&x);
    has(text, "The numbers are over 300 test pictures of 120 patients, not all over the same ones");
    has(text, "interval over draws and test patients; without draws: over test patients.");
    has(text, "| support\\_patients | not looked at |");
    free(text);

    x.facts[3].count = 0;
    x.results.n_comparisons = 0;
    x.results.n_results -= METRICS; /* of zero-shot */
    x.results.n_episodes--;
    x.results.results = x.rows + METRICS;
    x.results.episodes = x.episodes + 1;
    note_series(&x);
    text = markdown_of(&x);
    has(text, "95 % interval over draws only. AUC");
    has(text, "No zero-shot among the methods of this run");
    assert_null(strstr(text, "p (Holm)"));
    assert_null(strstr(text, "text embeddings"));
    assert_null(strstr(text, "The difference is taken"));
    free(text);
    release(&x);
}

/* Metrics that a method lacks for one reason are one sentence with the numbers of shots; a line each, without them, took
   the place of everything else. A class without test pictures left the headline empty, and its shares 0. */
static void what_is_not_defined_is_said_once(void **state)
{
    static const char *const names[METRICS] = {"auc_ovr_macro", "sensitivity@specificity=0.90:normal"};
    struct example x;

    (void)state;
    fill(&x);
    x.results.metrics = names;
    for (size_t i = 0; i < x.results.n_results; i++) {
        x.rows[i].metric = names[i % METRICS];
        x.rows[i].mean = x.rows[i].ci_low = x.rows[i].ci_high = NAN;
        x.rows[i].reason = "none of the rows is of class 'normal'";
    }
    x.rows[2 * METRICS + 1].mean = 0.5; /* logreg's second metric at 2 shots */
    for (size_t j = 0; j < CLASSES; j++)
        x.confusion[j] = 0;
    char *text = markdown_of(&x);
    has(text, "\nThere is no AUC of logreg, and no result: none of the rows is of class 'normal'.\n");
    has(text, "- auc\\_ovr\\_macro, sensitivity@specificity=0.90:normal of zero-shot are not defined: none "
              "of the rows");
    has(text, "- auc\\_ovr\\_macro of logreg at 1, 2, 4, 8, 16 shots is not defined: none of");
    has(text, "- sensitivity@specificity=0.90:normal of logreg at 1, 4, 8, 16 shots is not defined: none of");
    has(text, "| sensitivity@specificity=0.90:\\<class\\> |");
    free(text);
    text = read_file("figures/confusion.csv");
    has(text, "zero-shot,0,normal,normal,0,0,0,,0\n");
    free(text);
    if (have_gnuplot()) {
        text = read_file("figures/confusion.svg");
        has(text, ">0<"); /* the count is there, without a share */
        free(text);
    }
    release(&x);
}

/* One test patient of a class, and an interval of no width, hid behind "8 to 13 test patients" and "1.000 [1.000, 1.000]". */
static void what_rests_on_few_is_said(void **state)
{
    struct example x;

    (void)state;
    fill(&x);
    write_roc_data(CLASSES);
    x.results.n_classes = 2;
    x.facts[4] = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = MDP_FACT_KEY_RAREST_CLASS, .text = "normal"};
    x.facts[5] = (struct mdp_fact){.kind = MDP_FACT_COUNT, .key = MDP_FACT_KEY_RAREST_PATIENTS, .count = 1};
    x.results.n_provenance = 6;
    x.rows[METRICS * SHOTS].ci_low = x.rows[METRICS * SHOTS].ci_high = 1;
    x.rows[0].ci_low = x.rows[0].ci_high = 1;
    char *text = markdown_of(&x);
    has(text, "Only 1 test patient is of class 'normal' in the episode that has fewest");
    has(text,
        "- accuracy of zero-shot, accuracy of logreg at 16 shots: the same in every episode and resample");
    has(text, "logreg reaches an AUC (positive: 'a\\<b\\>");
    has(text, "AUC is that of the positive class, 'a\\<b\\>");
    free(text);
    text = read_file("figures/roc.gp");
    has(text, "set title 'ROC, positive: a<b>|c_d&\"e\"'");
    free(text);
    text = read_file("figures/shots.gp");
    has(text, "set xtics (1, 2, 4, 8, 16)\n");
    free(text);
    release(&x);
}

static void one_is_one(void **state)
{
    struct example x;

    (void)state;
    fill(&x);
    for (size_t e = 0; e < x.results.n_episodes; e++) {
        x.episodes[e].n_test = x.episodes[e].n_patients = 1;
        x.episodes[e].shots =
            e < 2 ? x.episodes[e].shots : 100 + e; /* one episode of logreg at a number of shots */
    }
    x.results.n_results = 2 * METRICS;
    note_series(&x);
    char *text = markdown_of(&x);
    has(text, "Every number is over 1 test picture of 1 patient;");
    has(text, "The one episode (protocol medprobe) draws its labelled pictures, by patient");
    has(text, "Only 1 test patient: ");
    free(text);
    release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_shows_the_numbers_and_escapes_names),
        cmocka_unit_test(the_roc_figure_finds_curves_by_name),
        cmocka_unit_test(a_figure_shows_what_is_defined),
        cmocka_unit_test(what_numbers_are_over_is_said_as_it_is),
        cmocka_unit_test(short_classes_are_said),
        cmocka_unit_test(the_page_explains_itself),
        cmocka_unit_test(the_terminal_table_fits),
        cmocka_unit_test(undefined_is_said),
        cmocka_unit_test(the_verdict_follows_the_adjusted_p),
        cmocka_unit_test(a_mean_over_some_episodes_says_so),
        cmocka_unit_test(facts_are_said_as_they_are),
        cmocka_unit_test(what_is_not_defined_is_said_once),
        cmocka_unit_test(what_rests_on_few_is_said),
        cmocka_unit_test(one_is_one),
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
