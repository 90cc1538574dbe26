/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: base/formats/csv.h: RFC 4180 fields, and one line for everything that is refused. */
#include "unit/unit.h"

#include "base/formats/csv.h"

static struct mdp_csv *parse(const char *text)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_csv *csv = NULL;

    assert_ok(mdp_csv_parse(text, strlen(text), "m.csv", &csv, &err), err);
    return csv;
}

static void refuses(const char *text, size_t n, const char *message)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_csv *csv = NULL;

    assert_fails(mdp_csv_parse(text, n, "m.csv", &csv, &err), MDP_ERR_FORMAT, err, message);
    assert_null(csv);
}

#define REFUSES(text, message) refuses(text, sizeof(text) - 1, message)

static void fields_are_as_written(void **state)
{
    struct mdp_csv *csv = parse("\xEF\xBB\xBFpath,note,x\r\n"
                                "a.png,\"line 1\nline 2, with \"\"quotes\"\"\",\r\n"
                                "\r\n"
                                " b.png ,\"\",1\n"
                                "c\xc3\xa9.png,,2");

    (void)state;
    assert_int_equal(mdp_csv_row_count(csv), 3);
    assert_int_equal(mdp_csv_column_count(csv), 3);
    assert_string_equal(mdp_csv_header(csv, 0), "path");
    assert_string_equal(mdp_csv_field(csv, 0, 1), "line 1\nline 2, with \"quotes\"");
    assert_string_equal(mdp_csv_field(csv, 0, 2), "");
    assert_string_equal(mdp_csv_field(csv, 1, 0), " b.png ");
    assert_string_equal(mdp_csv_field(csv, 1, 1), "");
    assert_string_equal(mdp_csv_field(csv, 2, 0), "c\xc3\xa9.png");
    assert_string_equal(mdp_csv_field(csv, 2, 2), "2");
    /* Planted: counting rows instead of lines fails here. */
    assert_int_equal(mdp_csv_line(csv, 0), 2);
    assert_int_equal(mdp_csv_line(csv, 1), 5);
    assert_int_equal(mdp_csv_line(csv, 2), 6);
    mdp_csv_free(csv);
}

static void says_what_and_where(void **state)
{
    (void)state;
    REFUSES("", "m.csv: is empty, expected a first row with column names");
    REFUSES("\n\n", "m.csv: is empty, expected a first row with column names");
    REFUSES("a,b\n1,2\n3\n", "m.csv: line 3: has 1 fields, expected 2 as in the first row");
    REFUSES("a,b\n1,2,3,4\n", "m.csv: line 2: has 4 fields, expected 2 as in the first row");
    REFUSES("a,b\n1,2\n\"3,4\n5,6\n", "m.csv: line 3: a quote opens here and never closes");
    REFUSES("a,b\n1,x\"y\n", "m.csv: line 2: a quote inside a field (quote the field and double the quote)");
    REFUSES("a,b\n1,\"x\"y\n",
            "m.csv: line 2: a quote inside a field (quote the field and double the quote)");
    REFUSES("a,b\n1,\xff\n", "m.csv: line 2: not valid UTF-8, byte 0xff (expected UTF-8 text)");
    REFUSES("a,b\n1,\xed\xa0\x80\n", "m.csv: line 2: not valid UTF-8, byte 0xed (expected UTF-8 text)");
    REFUSES("a,b\n1,x\0y\n", "m.csv: line 2: byte 0x00 (expected UTF-8 text)");
    REFUSES("a,b,a\n1,2,3\n", "m.csv: line 1: two columns are named 'a'");
}

static void missing_columns_are_named(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_csv *csv = parse("file,label\nx,y\n");
    size_t column = 9;

    (void)state;
    assert_true(mdp_csv_find(csv, "label", &column));
    assert_int_equal(column, 1);
    assert_fails(mdp_csv_get(csv, "path", &column, &err), MDP_ERR_FORMAT, err,
                 "m.csv: line 1: no column 'path' (columns: file, label)");
    assert_fails(mdp_csv_fail(csv, 0, 1, &err, "found '%s'", "y"), MDP_ERR_FORMAT, err,
                 "m.csv: line 2, column 'label': found 'y'");
    mdp_csv_free(csv);
}

static void numbers_are_whole_and_finite(void **state)
{
    static const char *const bad[] = {"",    " 1",    "1 ",    "1,5", "0x10", "inf",
                                      "nan", "1e999", "1.2.3", "e5",  "-",    "1-"};
    double value = 0;

    (void)state;
    assert_true(mdp_csv_number("-1.5e3", &value));
    assert_true(value == -1500);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mdp_csv_number(bad[i], &value))
            fail_msg("'%s' is no number", bad[i]);
}

/* A million rows: memory is a few times the text, time a second or so. */
static void reads_a_million_rows(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_csv *csv = NULL;
    struct mdp_text text = {0};

    (void)state;
    mdp_text_add(&text, "path,label\n");
    for (size_t i = 0; i < 1000000; i++)
        mdp_text_add(&text, "folder/%zu.png,%zu\n", i, i % 7);
    assert_ok(mdp_csv_parse(text.at, text.n, "m.csv", &csv, &err), err);
    assert_int_equal(mdp_csv_row_count(csv), 1000000);
    assert_string_equal(mdp_csv_field(csv, 999999, 0), "folder/999999.png");
    mdp_csv_free(csv);
    mdp_text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_as_written),     cmocka_unit_test(says_what_and_where),
        cmocka_unit_test(missing_columns_are_named), cmocka_unit_test(numbers_are_whole_and_finite),
        cmocka_unit_test(reads_a_million_rows),
    };

    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
