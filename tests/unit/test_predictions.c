/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: draws.h5, predictions.h5 and probes.h5 come back as they were written, in the order promised, and files
   that lie are refused with their group and row.
   Faults once planted and seen: rows linked to those before although they differ; groups sorted by bytes (k16 before
   k2). */
#include "unit/unit.h"

#include "base/exchange/draws.h"
#include "base/exchange/predictions.h"
#include "base/formats/h5.h"
#include "probe/probes_file.h"

#include <math.h>
#include <unistd.h>

static char folder[] = "/tmp/test_predictions_XXXXXX";
static char path[sizeof folder + 16];

static const struct mdp_predictions_facts plain = {.by_patient = true, .resamples = MDP_RESAMPLES_NOT_SAID};

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file.h5", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void group_names_are_parsed_whole(void **state)
{
    static const struct {
        const char *name;
        size_t shots, seed;
        bool named;
    } cases[] = {
        {"k16/s1", 16, 1, true},
        {"k1/s4294967295", 1, 4294967295, true},
        {"k0/s0", 0, 0, true},
        {"k16/s1/x", 0, 0, false},
        {"k16", 0, 0, false},
        {"k016/s1", 0, 0, false},
        {"fold_3", 0, 0, false},
        {"k-1/s1", 0, 0, false},
        {"k1/s99999999999999999999", 0, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mdp_episode_key key;
        assert_true(mdp_episode_key_parse(cases[i].name, &key));
        assert_int_equal(key.named, cases[i].named);
        assert_int_equal(key.shots, cases[i].shots);
        assert_int_equal(key.seed, cases[i].seed);
        assert_string_equal(key.name, cases[i].name);
    }
}

/* A draw whose lists are told by their first row. */
static struct mdp_draw make_draw(const char *group, int64_t first, bool val, int64_t *rows)
{
    struct mdp_draw d = {.n_support = 2, .n_val = val ? 1 : 0, .has_val = val, .n_query = 3};

    for (int64_t i = 0; i < 6; i++)
        rows[i] = first + (i * 5) % 6;
    d.support = rows;
    d.val = rows + 2;
    d.query = rows + 3;
    assert_true(mdp_episode_key_parse(group, &d.key));
    return d;
}

static void draws_come_back_sorted(void **state)
{
    static const char *const written[] = {"k16/s2", "k2/s10", "mine/a", "k2/s9", "k16/s1", "fold"};
    static const char *const read[] = {"k2/s9", "k2/s10", "k16/s1", "k16/s2", "fold", "mine/a"};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_draw at[6];
    int64_t rows[6][6];
    struct mdp_draws draws = {.n = 6, .at = at}, back;
    struct mdp_store_info store = {.n = 60, .path = "s.h5", .content_hash = "abc"};

    (void)state;
    for (size_t i = 0; i < 6; i++)
        at[i] = make_draw(written[i], i < 3 ? 10 : (int64_t)(10 * i), i == 1, rows[i]);
    assert_ok(mdp_draws_write(path, &store, &draws, &err), err);
    assert_ok(mdp_draws_read(path, &store, &back, &err), err);
    assert_true(back.names_store);
    assert_int_equal(back.n, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct mdp_draw *d = &back.at[i];
        size_t j = 0;
        assert_string_equal(d->key.name, read[i]);
        while (strcmp(written[j], read[i]) != 0)
            j++;
        assert_int_equal(d->has_val, at[j].has_val);
        assert_int_equal(d->n_val, at[j].n_val);
        assert_memory_equal(d->support, at[j].support, 2 * sizeof(int64_t));
        assert_memory_equal(d->query, at[j].query, 3 * sizeof(int64_t));
    }
    mdp_draws_release(&back);
    char expected[200];
    snprintf(expected, sizeof expected, "%s: /fold/support: row 50, expected one of the store's 13 rows",
             path);
    store.n = 13;
    assert_fails(mdp_draws_read(path, &store, &back, &err), MDP_ERR_VALUE, err, expected);
}

static void write_lists(const char *support, enum mdp_h5_type type, const void *rows, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    const int64_t query[] = {5};
    const size_t one = 1;

    assert_ok(mdp_h5_create(path, &file, &err), err);
    assert_ok(mdp_h5_write(file, support, type, 1, &n, rows, &err), err);
    assert_ok(mdp_h5_write(file, "/a/query", MDP_H5_I64, 1, &one, query, &err), err);
    assert_ok(mdp_h5_commit(file, &err), err);
}

static void draws_that_lie_are_refused(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_draws draws;
    const int64_t twice[] = {3, 4, 3}, negative[] = {-1}, many[] = {0, 1, 2, 3, 4, 5, 6};
    const struct mdp_store_info store = {.n = 6};
    const double numbers[] = {1.5};
    char expected[300];

    (void)state;
    write_lists("/a/support", MDP_H5_I64, twice, 3);
    snprintf(expected, sizeof expected, "%s: /a/support: row 3 stands twice", path);
    assert_fails(mdp_draws_read(path, &store, &draws, &err), MDP_ERR_VALUE, err, expected);
    write_lists("/a/support", MDP_H5_I64, negative, 1);
    snprintf(expected, sizeof expected, "%s: /a/support: row -1, expected one of the store's 6 rows", path);
    assert_fails(mdp_draws_read(path, &store, &draws, &err), MDP_ERR_VALUE, err, expected);
    write_lists("/a/support", MDP_H5_I64, many, 7);
    snprintf(expected, sizeof expected, "%s: /a/support: 7 rows, but the store has 6", path);
    assert_fails(mdp_draws_read(path, &store, &draws, &err), MDP_ERR_VALUE, err, expected);
    write_lists("/a/support", MDP_H5_F64, numbers, 1);
    snprintf(expected, sizeof expected, "%s: /a/support: expected a list of whole numbers", path);
    assert_fails(mdp_draws_read(path, &store, &draws, &err), MDP_ERR_FORMAT, err, expected);
    write_lists("/a/support", MDP_H5_I64, many, 0);
    snprintf(expected, sizeof expected, "%s: /a/support has no rows", path);
    assert_fails(mdp_draws_read(path, &store, &draws, &err), MDP_ERR_VALUE, err, expected);
    write_lists("/b/support", MDP_H5_I64, many, 1);
    snprintf(expected, sizeof expected, "%s: no group with support and query", path);
    assert_fails(mdp_draws_read(path, &store, &draws, &err), MDP_ERR_MISSING, err, expected);
}

static void predictions_come_back_in_order(void **state)
{
    static const char *const names[] = {"a", "b"};
    static const struct {
        const char *method, *group;
        double c;
        int64_t first_row;
    } written[] = {{"logreg", "k16/s1", 2.5, 0},
                   {"logreg", "k2/s1", 0.1, 0},
                   {"logreg", "k2/s2", 1, 1},
                   {"zero-shot", "k0/s0", NAN, 1}},
      read[] = {{"zero-shot", "k0/s0", NAN, 1},
                {"logreg", "k2/s1", 0.1, 0},
                {"logreg", "k2/s2", 1, 1},
                {"logreg", "k16/s1", 2.5, 0}};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_store_info store = {.n = 8, .path = "s.h5", .n_classes = 2, .class_names = names};
    struct mdp_predictions_writer *writer = NULL;
    struct mdp_predictions_reader *reader = NULL;
    const struct mdp_prediction *p = NULL;

    (void)state;
    assert_ok(mdp_predictions_writer_create(path, &store, &plain, &writer, &err), err);
    for (size_t i = 0; i < 4; i++) {
        int64_t rows[2] = {written[i].first_row, 7};
        double scores[4] = {0.25, 0.75, written[i].c, 1 - written[i].c};
        struct mdp_prediction one = {.c = written[i].c, .n = 2, .k = 2, .rows = rows, .scores = scores};
        if (isnan(one.c))
            scores[2] = scores[3] = 0.5;
        strcpy(one.method, written[i].method);
        assert_true(mdp_episode_key_parse(written[i].group, &one.key));
        assert_ok(mdp_predictions_writer_add(writer, &one, &err), err);
    }
    assert_ok(mdp_predictions_writer_commit(writer, &err), err);
    assert_ok(mdp_predictions_reader_open(path, &store, &reader, &err), err);
    assert_int_equal(mdp_predictions_reader_count(reader), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_ok(mdp_predictions_reader_at(reader, i, &p, &err), err);
        assert_string_equal(p->method, read[i].method);
        assert_string_equal(p->key.name, read[i].group);
        assert_true(isnan(read[i].c) ? isnan(p->c) : p->c == read[i].c);
        assert_int_equal(p->rows[0], read[i].first_row);
        assert_true(p->scores[0] == 0.25 && p->scores[2] == (isnan(read[i].c) ? 0.5 : read[i].c));
    }
    mdp_predictions_reader_close(reader);
    store.n = 7;
    assert_ok(mdp_predictions_reader_open(path, &store, &reader, &err), err);
    assert_int_equal(mdp_predictions_reader_at(reader, 0, &p, &err), MDP_ERR_VALUE);
    assert_non_null(strstr(err.message, "zero-shot/k0/s0: row 7, expected one of the store's 7 rows"));
    mdp_predictions_reader_close(reader);
}

/* Writes one prediction over the classes names[k] and opens it for a store with the classes wanted[n]. */
static mdp_status reopen(const char *const names[], size_t k, bool by_patient, const char *const wanted[],
                         size_t n, struct mdp_predictions_reader **reader, struct mdp_error *err)
{
    struct mdp_predictions_writer *writer = NULL;
    int64_t rows[] = {0, 1};
    double scores[] = {0.1, 0.2, 0.7, 0.4, 0.5, 0.1};
    struct mdp_prediction one = {.method = "m",
                                 .key = mdp_episode_key_of(1, 1),
                                 .c = NAN,
                                 .n = 2,
                                 .k = k,
                                 .rows = rows,
                                 .scores = scores};

    const struct mdp_store_info store = {.n = 2, .n_classes = k, .class_names = names},
                                other = {.n = 2, .n_classes = n, .class_names = wanted};
    const struct mdp_predictions_facts facts = {.by_patient = by_patient,
                                                .resamples = MDP_RESAMPLES_NOT_SAID};

    assert_ok(mdp_predictions_writer_create(path, &store, &facts, &writer, err), *err);
    assert_ok(mdp_predictions_writer_add(writer, &one, err), *err);
    assert_ok(mdp_predictions_writer_commit(writer, err), *err);
    return mdp_predictions_reader_open(path, &other, reader, err);
}

/* Fault once there: the file's class_names were written and never read, so that a store with its classes in another order
   made an accuracy of 1 into one of 0 without a word. */
static void columns_are_matched_by_name(void **state)
{
    static const char *const names[] = {"a", "b", "c"}, *const moved[] = {"c", "a", "b"},
                             *const others[] = {"a", "b", "d"}, *const more[] = {"a", "b", "c", "d"};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_predictions_reader *reader = NULL;
    const struct mdp_prediction *p = NULL;
    char expected[300];

    (void)state;
    assert_ok(reopen(names, 3, true, moved, 3, &reader, &err), err);
    assert_true(mdp_predictions_reader_facts(reader)->by_patient);
    assert_ok(mdp_predictions_reader_at(reader, 0, &p, &err), err);
    const double want[] = {0.7, 0.1, 0.2, 0.1, 0.4, 0.5};
    assert_memory_equal(p->scores, want, sizeof want);
    mdp_predictions_reader_close(reader);
    snprintf(expected, sizeof expected,
             "%s: scores of class 'c', which the store has not (did you mean 'a'?)", path);
    assert_fails(reopen(names, 3, true, others, 3, &reader, &err), MDP_ERR_VALUE, err, expected);
    snprintf(expected, sizeof expected, "%s: no scores of the store's class 'd'", path);
    assert_fails(reopen(names, 3, true, more, 4, &reader, &err), MDP_ERR_VALUE, err, expected);
    assert_ok(reopen(names, 3, false, names, 3, &reader, &err), err);
    assert_false(mdp_predictions_reader_facts(reader)->by_patient);
    mdp_predictions_reader_close(reader);
}

/* Fault once there: neither file said of which store its row numbers are, so that a store of the same pictures in another
   order made an AUC of 0.97 into one of 0.58, exit 0. */
static void files_know_their_store(void **state)
{
    static const char *const names[] = {"a", "b"};
    const struct mdp_predictions_facts facts = {.by_patient = true, .c_rule = "oracle", .resamples = 20};
    struct mdp_store_info store = {
        .n = 6, .path = "s.h5", .n_classes = 2, .class_names = names, .content_hash = "abc"};
    struct mdp_predictions_writer *writer = NULL;
    struct mdp_predictions_reader *reader = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    int64_t rows[6];
    struct mdp_draw draw = make_draw("k2/s1", 0, false, rows);
    struct mdp_draws draws = {.n = 1, .at = &draw}, back;
    double scores[] = {0.5, 0.5};
    struct mdp_prediction one = {.method = "m",
                                 .key = mdp_episode_key_of(1, 1),
                                 .c = NAN,
                                 .n = 1,
                                 .k = 2,
                                 .rows = rows,
                                 .scores = scores};
    char expected[300];

    (void)state;
    snprintf(expected, sizeof expected,
             "%s: its row numbers are those of another store (content abc...) than s.h5 (def...): use the "
             "store that it was "
             "made with, or run probe again on this one",
             path);
    assert_ok(mdp_draws_write(path, &store, &draws, &err), err);
    strcpy(store.content_hash, "def");
    assert_fails(mdp_draws_read(path, &store, &back, &err), MDP_ERR_CHECK, err, expected);
    strcpy(store.content_hash, "abc");
    assert_ok(mdp_predictions_writer_create(path, &store, &facts, &writer, &err), err);
    assert_ok(mdp_predictions_writer_add(writer, &one, &err), err);
    assert_ok(mdp_predictions_writer_commit(writer, &err), err);
    assert_ok(mdp_predictions_reader_open(path, &store, &reader, &err), err);
    assert_true(mdp_predictions_reader_facts(reader)->names_store);
    assert_string_equal(mdp_predictions_reader_facts(reader)->c_rule, "oracle");
    assert_int_equal(mdp_predictions_reader_facts(reader)->resamples, 20);
    mdp_predictions_reader_close(reader);
    strcpy(store.content_hash, "def");
    assert_fails(mdp_predictions_reader_open(path, &store, &reader, &err), MDP_ERR_CHECK, err, expected);
    write_lists("/a/support", MDP_H5_I64, rows, 1); /* a file that says nothing is taken as it is */
    assert_ok(mdp_draws_read(path, &store, &back, &err), err);
    assert_false(back.names_store);
    mdp_draws_release(&back);
}

static void an_abandoned_file_is_gone(void **state)
{
    static const char *const names[] = {"a", "b"};
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_store_info store = {.n = 2, .n_classes = 2, .class_names = names};
    struct mdp_predictions_writer *writer = NULL;
    char temporary[sizeof path + 8];

    (void)state;
    unlink(path);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_ok(mdp_predictions_writer_create(path, &store, &plain, &writer, &err), err);
    assert_int_equal(access(temporary, F_OK), 0);
    mdp_predictions_writer_free(writer);
    assert_int_not_equal(access(temporary, F_OK), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    mdp_predictions_writer_free(NULL);
}

/* A probe says which rows of which store it has learnt from, and what becomes of its logits. Faults once planted and seen:
   the link not written; val rows not among those seen. */
static void probes_score_another_store(void **state)
{
    static const char *const names[] = {"no", "yes"};
    const double coef[] = {1, -2, 0.5}, intercept[] = {0.25};
    const float x[] = {1, 0, 0, 0, 1, 2};
    int64_t support[] = {4, 2}, val[] = {7}, seen[] = {4, 2, 7};
    const struct mdp_store_info info = {
        .d = 3, .model = "made-up", .n_classes = 2, .class_names = names, .content_hash = "abc"};
    struct mdp_draw draw = {.key = mdp_episode_key_of(4, 1), .n_support = 2, .support = support};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_probes_writer *writer = NULL;
    struct mdp_probe_weights w;
    double scores[4];

    (void)state;
    assert_ok(mdp_probes_writer_create(path, &info, NULL, 0, &writer, &err), err);
    assert_ok(mdp_probes_writer_add(writer, "logreg", &draw, MDP_LINK_LOGISTIC, coef, intercept, 0.5, &err),
              err);
    draw.has_val = true;
    draw.n_val = 1;
    draw.val = val;
    assert_ok(mdp_probes_writer_add(writer, "ridge", &draw, MDP_LINK_NONE, coef, intercept, NAN, &err), err);
    assert_ok(mdp_probes_writer_commit(writer, &err), err);
    assert_ok(mdp_probe_weights_read(path, "logreg", "k4/s1", &w, &err), err);
    assert_int_equal(w.k, 2);
    assert_int_equal(w.d, 3);
    assert_true(w.c == 0.5);
    assert_string_equal(w.class_names[1], "yes");
    assert_string_equal(w.store_sha256, "abc");
    assert_int_equal(w.n_seen, 2);
    assert_memory_equal(w.seen, support, sizeof support);
    assert_ok(mdp_probe_weights_apply(&w, x, 2, scores, &err), err);
    assert_true(fabs(scores[1] - 1 / (1 + exp(-1.25))) < 1e-15);
    assert_true(fabs(scores[3] - 1 / (1 + exp(0.75))) < 1e-15);
    assert_true(fabs(scores[0] + scores[1] - 1) < 1e-15);
    mdp_probe_weights_release(&w);
    assert_ok(mdp_probe_weights_read(path, "ridge", "k4/s1", &w, &err), err);
    assert_true(isnan(w.c));
    assert_int_equal(w.n_seen, 3);
    assert_memory_equal(w.seen, seen, sizeof seen);
    assert_ok(mdp_probe_weights_apply(&w, x, 2, scores, &err), err);
    assert_true(scores[0] == -1.25 && scores[1] == 1.25 && scores[3] == -0.75);
    mdp_probe_weights_release(&w);
    assert_int_equal(mdp_probe_weights_read(path, "logreg", "k4/s2", &w, &err), MDP_ERR_MISSING);
    assert_non_null(strstr(err.message, "no probe /logreg/k4/s2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_names_are_parsed_whole), cmocka_unit_test(draws_come_back_sorted),
        cmocka_unit_test(draws_that_lie_are_refused),   cmocka_unit_test(predictions_come_back_in_order),
        cmocka_unit_test(columns_are_matched_by_name),  cmocka_unit_test(an_abandoned_file_is_gone),
        cmocka_unit_test(files_know_their_store),       cmocka_unit_test(probes_score_another_store),
    };
    return cmocka_run_group_tests_name("predictions", tests, make_folder, remove_folder);
}
