/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: extract/job/manifest_summary.h: what a table is, and what in it is probably not meant. Planted: a patient of three
   splits counted twice; warns_of_patients_in_two_splits saw it. */
#include "unit/unit.h"

#include "base/file.h"
#include "extract/job/manifest_summary.h"

#include <unistd.h>

static char path[64];

static int make_name(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/mdp_summary_%d.csv", (int)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void summary_is(const char *table, const char *facts, const char *warnings)
{
    static const struct mdp_manifest_options none;
    struct mdp_manifest m;
    struct mdp_manifest_summary s;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text expected = {0};

    assert_ok(mdp_file_write(path, table, strlen(table), &err), err);
    assert_ok(mdp_manifest_read(path, &none, &m, &err), err);
    assert_ok(mdp_manifest_summary_init(&s, &m, &err), err);
    mdp_text_add(&expected, "%s: %s", path, facts);
    assert_string_equal(s.facts.at, expected.at);
    assert_string_equal(s.warnings.at ? s.warnings.at : "", warnings);
    mdp_text_release(&expected);
    mdp_manifest_summary_release(&s);
    mdp_manifest_release(&m);
}

static void says_what_the_table_is(void **state)
{
    (void)state;
    summary_is("path,label,patient_id,split,age\na,x,1,train,3\nb,y,2,test,4\nc,x,1,train,5\n",
               "3 rows: 'x' 2, 'y' 1; 2 patients; splits 'test' 1, 'train' 2\ncolumns carried along: 'age'\n",
               "");
    summary_is("path,label\na,x\nb,y\n",
               "2 rows: 'x' 1, 'y' 1; patients not known (no column 'patient_id'); no splits\n", "");
    summary_is("path,id\na,1\n", "1 row; no labels; patients not known (no column 'patient_id'); no splits\n",
               "");
    summary_is("path,label,patient_id,split\na,x,,\nb,y,2,test\n",
               "2 rows: 'x' 1, 'y' 1; 1 patient, 1 row without one; splits 'test' 1, 1 row in none\n", "");
}

static void warns_of_labels(void **state)
{
    (void)state;
    summary_is("path,finding,age\na,x,3\n",
               "1 row; no labels; patients not known (no column 'patient_id'); no splits\n"
               "columns carried along: 'finding', 'age'\n",
               "no column 'label', so there are no classes to probe; other columns are 'finding', 'age'\n");
    summary_is("path,label,patient_id\na,,1\nb,,2\n", "2 rows; no labels; 2 patients; no splits\n",
               "column 'label' is empty, so there are no classes to probe\n");
    summary_is("path,label,patient_id\na,x,1\nb,,2\nc,y,3\n",
               "3 rows: 'x' 1, 'y' 1, 1 without a label; 3 patients; no splits\n",
               "1 of 3 rows have no label: they get an embedding, but probe leaves them out\n");
}

static void warns_of_names(void **state)
{
    (void)state;
    summary_is("path,label, Patient-ID ,Split\na,x,1,train\n",
               "1 row: 'x' 1; patients not known (no column 'patient_id'); no splits\n"
               "columns carried along: ' Patient-ID ', 'Split'\n",
               "column ' Patient-ID ' is not read: call it 'patient_id' if that is meant\n"
               "column 'Split' is not read: call it 'split' if that is meant\n");
    /* The table has its label: a second column of nearly that name is the user's own. */
    summary_is("path,label,Label,patient_id\na,x,1,1\n",
               "1 row: 'x' 1; 1 patient; no splits\ncolumns carried along: 'Label'\n", "");
    summary_is("path,label,patient_id\na,x,1\nb,X,2\nc,y,3\nd,\"y \",4\ne,z,5\n",
               "5 rows: 'X' 1, 'x' 1, 'y' 1, 'y ' 1, 'z' 1; 5 patients; no splits\n",
               "classes 'X' and 'x' differ in nothing but case or blanks\n"
               "classes 'y' and 'y ' differ in nothing but case or blanks\n");
}

static void warns_of_patients_in_two_splits(void **state)
{
    (void)state;
    summary_is("path,label,patient_id,split\na,x,1,train\nb,y,1,test\nc,x,1,val\nd,x,2,train\ne,x,2,test\nf,"
               "x,3,\ng,x,3,test\nh,x,,"
               "train\ni,x,,test\n",
               "9 rows: 'x' 8, 'y' 1; 3 patients, 2 rows without one; splits 'test' 4, 'train' 3, 'val' 1, 1 "
               "row in none\n",
               "patient '1' is in splits 'train' and 'test', and 1 more patient is in several: probe will "
               "refuse that\n");
}

/* Fault seen: without a word, and probe found no train split after hours. */
static void warns_of_splits_in_another_case(void **state)
{
    (void)state;
    summary_is(
        "path,label,patient_id,split\na,x,1,Train\nb,y,2,\"test \"\nc,x,3,Validation\nd,x,4,fold1\n",
        "4 rows: 'x' 3, 'y' 1; 4 patients; splits 'Train' 1, 'Validation' 1, 'fold1' 1, 'test ' 1\n",
        "split 'Train' is not 'train', which probe looks for: call it that, or tell probe by --train-split\n"
        "split 'Validation' is not 'val', which probe looks for: call it that, or tell probe by --val-split\n"
        "split 'test ' is not 'test', which probe looks for: call it that, or tell probe by --test-split\n");
}

static void knows_what_sounds_normal(void **state)
{
    static const struct {
        const char *first, *second;
        bool normal;
    } cases[] = {{"TB", "normal", true},        {"TB", "No_Findings", true},
                 {"Effusion", "healthy", true}, {"normal", "tb", false},
                 {"normal", "healthy", false},  {"case", "controls", true},
                 {"normal", "abnormal", false}, {"a", "normal with a long tail", false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *names[] = {cases[i].first, cases[i].second};
        struct mdp_manifest m = {.n_classes = 2, .class_names = names};
        assert_int_equal(mdp_manifest_positive_sounds_normal(&m), cases[i].normal);
        m.n_classes = 1;
        assert_false(mdp_manifest_positive_sounds_normal(&m));
    }
}

static void hostile_names_stay_on_their_line(void **state)
{
    (void)state;
    summary_is("path,label,patient_id\na,\"x\ny\",1\n", "1 row: 'x\\ny' 1; 1 patient; no splits\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_table_is),
        cmocka_unit_test(warns_of_labels),
        cmocka_unit_test(warns_of_names),
        cmocka_unit_test(warns_of_patients_in_two_splits),
        cmocka_unit_test(warns_of_splits_in_another_case),
        cmocka_unit_test(knows_what_sounds_normal),
        cmocka_unit_test(hostile_names_stay_on_their_line),
    };
    return cmocka_run_group_tests(tests, make_name, remove_file);
}
