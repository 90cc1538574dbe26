/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: extract/job/workfile.h: what was appended is read, whatever happened to the end of the file; another run's file
   is refused by name; a file that is none is left alone. */
#include "unit/unit.h"

#include "base/file.h"
#include "extract/job/workfile.h"

#include <unistd.h>

enum { WIDTH = 5, ROWS = 6 };

static char table[64], path[64];
static struct mdp_manifest manifest;

static int make_manifest(void **state)
{
    static const struct mdp_manifest_options none;
    struct mdp_error err = MDP_ERROR_INIT;
    const char *text = "path,label\na,x\nb,y\nc,x\nd,y\ne,x\nf,y\n";

    (void)state;
    snprintf(table, sizeof table, "/tmp/mdp_workfile_%d.csv", (int)getpid());
    snprintf(path, sizeof path, "/tmp/mdp_workfile_%d.work", (int)getpid());
    return mdp_file_write(table, text, strlen(text), &err) != MDP_OK ||
           mdp_manifest_read(table, &none, &manifest, &err) != MDP_OK;
}

static int remove_all(void **state)
{
    (void)state;
    mdp_manifest_release(&manifest);
    unlink(path);
    return unlink(table);
}

static int no_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void make_facts(struct mdp_facts *facts, const char *model, const struct mdp_manifest *m)
{
    struct mdp_error err = MDP_ERROR_INIT;
    char hex[MDP_SHA256_HEX];

    assert_ok(mdp_manifest_sha256(m, hex, &err), err);
    assert_ok(mdp_facts_add(facts, "model", model, &err), err);
    assert_ok(mdp_facts_add(facts, "pipeline", "{\"a\": \"tab\\t\"}\n\t", &err), err);
    assert_ok(mdp_facts_add(facts, "manifest_sha256", hex, &err), err);
}

static mdp_status open_as(const char *model, const struct mdp_manifest *m, bool anew,
                          struct mdp_workfile **work, struct mdp_error *err)
{
    struct mdp_facts facts = {0};

    make_facts(&facts, model, m);
    mdp_status st = mdp_workfile_open(path, &facts, m, WIDTH, anew, work, err);
    mdp_facts_release(&facts);
    return st;
}

static struct mdp_workfile *open_work(void)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_workfile *work = NULL;

    assert_ok(open_as("m", &manifest, false, &work, &err), err);
    return work;
}

/* Row 3 is one that could not be used. */
static void fill_record(size_t row, float *embedding, struct mdp_record *r)
{
    *r = (struct mdp_record){.row = row,
                             .failed = row == 3,
                             .phash = 0x8000000000000001U + row,
                             .orientation = 6,
                             .file_size = 1000 + row,
                             .file_time = -5,
                             .norm = 2.5F,
                             .embedding = embedding};
    memset(r->sha256, (int)row + 1, sizeof r->sha256);
    if (r->failed)
        snprintf(r->reason, sizeof r->reason, "no picture");
    for (size_t i = 0; i < WIDTH; i++)
        embedding[i] = (float)row + 0.125F * (float)i;
}

static void append(struct mdp_workfile *work, size_t from, size_t to)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_record r;
    float embedding[WIDTH];

    for (size_t row = from; row < to; row++) {
        fill_record(row, embedding, &r);
        assert_ok(mdp_workfile_append(work, &r, &err), err);
    }
}

static void check(struct mdp_workfile *work, size_t rows)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_record r, expected;
    float embedding[WIDTH], values[WIDTH];

    assert_int_equal(mdp_workfile_count(work), rows);
    for (size_t row = 0; row < rows; row++) {
        fill_record(row, values, &expected);
        r = (struct mdp_record){.embedding = embedding};
        assert_ok(mdp_workfile_read(work, row, &r, &err), err);
        assert_int_equal(r.row, row);
        assert_int_equal(r.failed, expected.failed);
        assert_memory_equal(r.sha256, expected.sha256, sizeof r.sha256);
        assert_true(r.phash == expected.phash && r.orientation == 6 && r.file_size == expected.file_size);
        assert_true(r.file_time == -5 && r.norm == 2.5F);
        if (r.failed)
            assert_string_equal(r.reason, "no picture");
        else
            assert_memory_equal(embedding, values, sizeof values);
    }
}

static void goes_on_where_it_was(void **state)
{
    struct mdp_workfile *work = open_work();

    (void)state;
    append(work, 0, 4);
    mdp_workfile_close(work);
    work = open_work();
    check(work, 4);
    append(work, 4, ROWS);
    check(work, ROWS);
    mdp_workfile_close(work);
}

/* Cut at every byte, as a kill or a power cut may leave it. Planted: without the checksum a record whose tail
   is zeros counts. */
static void drops_what_is_not_whole(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_workfile *work = open_work();
    char *bytes = NULL, *part = NULL;
    size_t n = 0, empty = 0, record;

    (void)state;
    append(work, 0, 2);
    mdp_workfile_close(work);
    assert_ok(mdp_file_read(path, 1 << 20, &bytes, &n, &err), err);
    record = 88 + MDP_REASON_SIZE + 16;
    empty = n - 2 * record;
    part = calloc(n, 1);
    for (size_t cut = 0; cut <= n; cut += cut < empty ? 17 : 61) {
        assert_ok(mdp_file_write(path, bytes, cut, &err), err);
        work = open_work();
        check(work, cut < empty + record ? 0 : cut < n ? 1 : 2);
        mdp_workfile_close(work);
        /* The same with zeros in place of what is missing: blocks that never reached the disk. */
        memcpy(part, bytes, cut);
        memset(part + cut, 0, n - cut);
        assert_ok(mdp_file_write(path, part, n, &err), err);
        if (cut < empty)
            continue;
        work = open_work();
        assert_true(mdp_workfile_count(work) <= (cut - empty + 8) / record + 1);
        check(work, mdp_workfile_count(work));
        mdp_workfile_close(work);
    }
    free(part);
    free(bytes);
}

static void refuses(const char *model, const struct mdp_manifest *m, const char *words)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_workfile *work = NULL;

    assert_int_not_equal(open_as(model, m, false, &work, &err), MDP_OK);
    if (!strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
}

static void names_what_differs(void **state)
{
    static const struct mdp_manifest_options none;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_workfile *work = open_work();
    struct mdp_manifest other;
    const char *changed = "path,label\na,x\nb,x\nc,x\nd,y\n";

    (void)state;
    append(work, 0, 4);
    refuses("m", &manifest, "another run is writing it");
    mdp_workfile_close(work);
    refuses("n", &manifest, "was begun with --model 'm', this command has 'n'");
    assert_ok(mdp_file_write(table, changed, strlen(changed), &err), err);
    assert_ok(mdp_manifest_read(table, &none, &other, &err), err);
    refuses("m", &other, "(id 'b') differs");
    mdp_manifest_release(&other);
    /* All of that left the file alone; --force starts from nothing. */
    work = open_work();
    check(work, 4);
    mdp_workfile_close(work);
    assert_ok(open_as("n", &manifest, true, &work, &err), err);
    assert_int_equal(mdp_workfile_count(work), 0);
    assert_ok(mdp_workfile_remove(work, &err), err);
    assert_false(mdp_path_exists(path));
}

static void read_table(const char *text, struct mdp_manifest *m)
{
    static const struct mdp_manifest_options none;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_file_write(table, text, strlen(text), &err), err);
    assert_ok(mdp_manifest_read(table, &none, m, &err), err);
}

/* Fault seen: any change of the table was refused, and what was done was lost. Row 3 has failed. */
static void goes_on_with_a_mended_tail(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_workfile *work = open_work();
    struct mdp_manifest other;

    (void)state;
    append(work, 0, 4);
    assert_true(mdp_workfile_same_manifest(work));
    mdp_workfile_close(work);
    read_table("path,label\na,x\nb,y\nc,x\nmended,y\nE,x\nf,y\ng,z\n", &other);
    assert_ok(open_as("m", &other, false, &work, &err), err);
    assert_false(mdp_workfile_same_manifest(work));
    check(work, 4);
    append(work, 4, 5);
    mdp_workfile_close(work);
    refuses("m", &manifest, "(id 'e') differs");
    assert_ok(open_as("m", &other, false, &work, &err), err);
    check(work, 5);
    mdp_workfile_close(work);
    mdp_manifest_release(&other);
    read_table("path,label\na,x\nb,y\nc,x\n", &other);
    refuses("m", &other, "has pictures of more rows than the 3 of");
    mdp_manifest_release(&other);
}

static void leaves_strangers_alone(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_workfile *work = NULL;
    char *bytes = NULL;
    size_t n = 0;

    (void)state;
    assert_ok(mdp_file_write(path, "my notes", 8, &err), err);
    refuses("m", &manifest, "is no work file of medprobe");
    assert_int_not_equal(open_as("m", &manifest, true, &work, &err), MDP_OK); /* not even with --force */
    assert_ok(mdp_file_read(path, 100, &bytes, &n, &err), err);
    assert_string_equal(bytes, "my notes");
    free(bytes);
}

static void cuts_back(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_workfile *work = open_work();

    (void)state;
    append(work, 0, 5);
    assert_ok(mdp_workfile_cut(work, 3, &err), err);
    check(work, 3);
    append(work, 3, 4);
    mdp_workfile_close(work);
    work = open_work();
    check(work, 4);
    mdp_workfile_close(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(goes_on_where_it_was, no_file),
        cmocka_unit_test_setup(drops_what_is_not_whole, no_file),
        cmocka_unit_test_setup(names_what_differs, no_file),
        cmocka_unit_test_setup(goes_on_with_a_mended_tail, no_file),
        cmocka_unit_test_setup(leaves_strangers_alone, no_file),
        cmocka_unit_test_setup(cuts_back, no_file),
    };

    return cmocka_run_group_tests_name("workfile", tests, make_manifest, remove_all);
}
