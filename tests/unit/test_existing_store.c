/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: extract/job/existing_store.h on files that call themselves a store of medprobe and are none: an error that
   names the dataset, no size taken from what was not read. (What a finished store differs in: tests/cli/extract_store.sh.)
   Seen: /ids of two dimensions was gone on with; one that is not there had its length read from an empty struct. */
#include "unit/unit.h"

#include "base/exchange/store_names.h"
#include "base/formats/h5.h"
#include "extract/job/existing_store.h"
#include "medprobe/store.h"

#include <unistd.h>

static char path[64];

static int name_file(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/mdp_existing_%d.h5", (int)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* A store of the schema, and of the datasets that are given a rank. */
static void write_store(size_t ids, size_t failures)
{
    static const char *const words[4] = {"a", "b", "c", "d"};
    static const int64_t rows[4] = {0, 1, 2, 3};
    static const size_t shape[2] = {2, 2};
    struct mdp_h5 *file = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_h5_create(path, &file, &err), err);
    assert_ok(mdp_h5_attr_write_string(file, "/", MDP_STORE_ATTR_SCHEMA, MDP_STORE_SCHEMA, &err), err);
    if (ids)
        assert_ok(mdp_h5_write(file, MDP_STORE_IDS, MDP_H5_STRING, ids, shape, words, &err), err);
    if (failures)
        assert_ok(mdp_h5_write(file, MDP_STORE_FAILURES_ROW, MDP_H5_I64, failures, shape, rows, &err), err);
    assert_ok(mdp_h5_commit(file, &err), err);
}

static void refuses_what_is_no_store(void **state)
{
    static const struct {
        size_t ids, failures; /* ranks; 0: not there */
        mdp_status status;
        const char *words;
    } cases[] = {{0, 0, MDP_ERR_MISSING, MDP_STORE_IDS},
                 {2, 0, MDP_ERR_FORMAT, MDP_STORE_IDS " has 2 dimensions"},
                 {1, 2, MDP_ERR_FORMAT, MDP_STORE_FAILURES_ROW " has 2 dimensions"},
                 {1, 0, MDP_ERR_MISSING, MDP_STORE_PATHS}};
    const struct mdp_facts none = {0};
    const struct mdp_manifest table = {.file = "t.csv"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mdp_error err = MDP_ERROR_INIT;
        bool exists = false;
        size_t failures = 1;
        write_store(cases[i].ids, cases[i].failures);
        assert_ok(mdp_existing_store_may_replace(path, &exists, &err), err);
        assert_true(exists);
        assert_int_equal(mdp_existing_store_compare(path, &none, &table, 1, &failures, &err),
                         cases[i].status);
        if (!strstr(err.message, cases[i].words))
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(failures, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refuses_what_is_no_store)};
    return cmocka_run_group_tests(tests, name_file, remove_file);
}
