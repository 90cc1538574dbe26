/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: extract/job/manifest.h: columns, classes, targets, attributes, and one line for every mistake. */
#include "unit/unit.h"

#include "base/file.h"
#include "extract/job/manifest.h"

#include <math.h>
#include <unistd.h>

static char path[64];

static int make_name(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/mdp_manifest_%d.csv", (int)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static mdp_status read_text(const char *text, const struct mdp_manifest_options *options,
                            struct mdp_manifest *m, struct mdp_error *err)
{
    static const struct mdp_manifest_options none;

    assert_ok(mdp_file_write(path, text, strlen(text), err), *err);
    return mdp_manifest_read(path, options ? options : &none, m, err);
}

static void only_paths_are_needed(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_manifest m;
    struct mdp_text where = {0};

    (void)state;
    assert_ok(read_text("path\na.png\n/x/b.png\n", NULL, &m, &err), err);
    assert_int_equal(m.n, 2);
    assert_string_equal(m.ids[1], "/x/b.png");
    assert_null(m.labels);
    assert_null(m.patient_ids);
    assert_null(m.splits);
    assert_int_equal(m.n_attributes, 0);
    assert_ok(mdp_manifest_locate(&m, 0, &where, &err), err);
    assert_string_equal(where.at, "/tmp/a.png");
    assert_ok(mdp_manifest_locate(&m, 1, &where, &err), err);
    assert_string_equal(where.at, "/x/b.png");
    mdp_text_release(&where);
    mdp_manifest_release(&m);
}

static void columns_find_their_place(void **state)
{
    static const char *const targets[] = {"Edema", "Mass"};
    const struct mdp_manifest_options options = {.root = "/data", .labels = {2, (const char **)targets}};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_manifest m;
    struct mdp_text where = {0};

    (void)state;
    assert_ok(read_text("id,age,path,label,Edema,Mass,split,patient_id,sex,a/b,,empty\n"
                        "1,63,a.png,tb,1.0,,train,p1,F,x,0,\n"
                        "2,,a.png,normal,-1,0,test,p2,M,y,1,\n"
                        "3,7.5,c.png,,0,1,,,,z,2,\n",
                        &options, &m, &err),
              err);
    assert_int_equal(m.n_classes, 2);
    assert_string_equal(m.class_names[0], "normal");
    assert_int_equal(m.labels[0], 1);
    assert_int_equal(m.labels[1], 0);
    assert_int_equal(m.labels[2], -1);
    assert_int_equal(m.targets[0], 1);
    assert_int_equal(m.targets[1], MDP_TARGET_BLANK);
    assert_int_equal(m.targets[2], MDP_TARGET_UNCERTAIN);
    assert_int_equal(m.n_attributes, 4);
    assert_string_equal(m.attributes[0].name, "age");
    assert_true(m.attributes[0].numbers[0] == 63 && isnan(m.attributes[0].numbers[1]));
    assert_string_equal(m.attributes[1].strings[1], "M");
    assert_string_equal(m.attributes[2].name, "a_b");
    assert_non_null(m.attributes[3].strings); /* nothing but blanks */
    assert_string_equal(m.splits[2], "");
    assert_ok(mdp_manifest_locate(&m, 0, &where, &err), err);
    assert_string_equal(where.at, "/data/a.png");
    mdp_text_release(&where);
    mdp_manifest_release(&m);
}

static void classes_have_the_order_asked_for(void **state)
{
    static const char *const classes[] = {"b", "c", "a"};
    const struct mdp_manifest_options positive = {.positive = "a"};
    const struct mdp_manifest_options given = {.classes = {3, (const char **)classes}};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_manifest m;

    (void)state;
    assert_ok(read_text("path,label\n1,a\n2,b\n", &positive, &m, &err), err);
    assert_string_equal(m.class_names[1], "a");
    assert_int_equal(m.labels[0], 1);
    mdp_manifest_release(&m);
    assert_ok(read_text("path,label\n1,a\n2,b\n", &given, &m, &err), err);
    assert_int_equal(m.n_classes, 3);
    assert_int_equal(m.labels[0], 2);
    mdp_manifest_release(&m);
    /* A trial run of a few rows has the classes of the whole. */
    const struct mdp_manifest_options limited = {.limit = 1};
    assert_ok(read_text("path,label\n1,b\n2,a\n", &limited, &m, &err), err);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.n_classes, 2);
    assert_int_equal(m.labels[0], 1);
    mdp_manifest_release(&m);
}

static void expect(const char *text, const struct mdp_manifest_options *options, mdp_status status,
                   const char *message)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_manifest m;
    char whole[512];

    snprintf(whole, sizeof whole, message, path);
    assert_fails(read_text(text, options, &m, &err), status, err, whole);
}

static void mistakes_are_named(void **state)
{
    static const char *const one[] = {"Edema"}, *const classes[] = {"a"};
    const struct mdp_manifest_options labels = {.labels = {1, (const char **)one}};
    const struct mdp_manifest_options given = {.classes = {1, (const char **)classes}};
    const struct mdp_manifest_options positive = {.positive = "x"};

    (void)state;
    expect("file\na\n", NULL, MDP_ERR_FORMAT, "%s: line 1: no column 'path' (columns: file)");
    expect("path\n", NULL, MDP_ERR_FORMAT, "%s: has column names but no rows");
    expect("path,id\na,1\n,2\n", NULL, MDP_ERR_FORMAT,
           "%s: line 3, column 'path': is empty, expected the path of a picture");
    expect("path,id\na,1\nb,\n", NULL, MDP_ERR_FORMAT, "%s: line 3, column 'id': is empty, expected an id");
    expect("path,id\na,1\nb,2\nc,1\nd,2\n", NULL, MDP_ERR_FORMAT,
           "%s: line 4, column 'id': '1' stands in line 2 already");
    expect("path\na\na\n", NULL, MDP_ERR_FORMAT,
           "%s: line 3, column 'path': 'a' stands in line 2 already (give the rows a column 'id' to use a "
           "file several times)");
    expect("path,Edema\na,1\nb,yes\n", &labels, MDP_ERR_FORMAT,
           "%s: line 3, column 'Edema': found 'yes', expected 1, 0, -1 or blank");
    expect("path,Mass\na,1\n", &labels, MDP_ERR_FORMAT,
           "%s: line 1: no column 'Edema' (columns: path, Mass)");
    expect("path,label\n1,a\n2,b\n", &given, MDP_ERR_FORMAT,
           "%s: line 3, column 'label': 'b' is not among the classes of --classes");
    expect("path,label\n1,a\n2,b\n", &positive, MDP_ERR_USAGE, "--positive x: no such class (classes: a, b)");
    expect("path,label\n1,a\n", &positive, MDP_ERR_USAGE, "--positive x: there are 1 classes, expected two");
    expect("path,a/b,a_b\n1,2,3\n", NULL, MDP_ERR_FORMAT,
           "%s: line 1: column 'a_b' would be stored as 'a_b', which exists");
}

/* Planted: a row digest without the label fails the second comparison. */
static void digests_see_every_column(void **state)
{
    static const char *const texts[] = {
        "path,id,label,age\na,1,x,5\nb,2,y,6\n", "path,id,label,age\na,1,x,5\nb,2,x,6\n",
        "path,id,label,age\na,1,x,5\nc,2,y,6\n", "path,id,label,age\na,1,x,5\nb,2,y,7\n",
        "path,id,label\na,1,x\nb,2,y\n",         "path,id,label,age\r\na,\"1\",x,5\r\nb,2,y,6"};
    char hex[6][MDP_SHA256_HEX];
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_manifest m;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_ok(read_text(texts[i], NULL, &m, &err), err);
        assert_ok(mdp_manifest_sha256(&m, hex[i], &err), err);
        mdp_manifest_release(&m);
    }
    for (size_t i = 1; i < 5; i++)
        assert_string_not_equal(hex[0], hex[i]);
    assert_string_equal(hex[0], hex[5]); /* the same table, written otherwise */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_paths_are_needed),
        cmocka_unit_test(columns_find_their_place),
        cmocka_unit_test(classes_have_the_order_asked_for),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(digests_see_every_column),
    };

    return cmocka_run_group_tests_name("manifest", tests, make_name, remove_file);
}
