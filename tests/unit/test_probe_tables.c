/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: every row of the tables of methods, rules for C, protocols and links says what users and the report need of it, and
   a fitted method is an objective and a row: gathering, the choice of C, scores and links come with it.
   Faults once planted and seen: a method without a sentence; a val set of the draw not handed to the rule; the link of the
   method not used. */
#include "unit/unit.h"

#include "base/exchange/predictions.h"
#include "probe/linear_probe.h"
#include "probe/protocol.h"

#include <math.h>

static void every_row_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; mdp_methods[i]; i++) {
        const struct mdp_method *m = mdp_methods[i], *found = NULL;
        struct mdp_error err = MDP_ERROR_INIT;
        assert_true(m->name && m->summary && m->sentence && m->run && m->link < MDP_LINK_COUNT);
        assert_int_equal(m->fitted, m->strength != NULL); /* --c would be a number without a meaning */
        assert_true(strlen(m->name) < sizeof((struct mdp_prediction *)0)->method && !strchr(m->name, '/'));
        assert_ok(mdp_method_get(m->name, &found, &err), err);
        assert_ptr_equal(found, m); /* the name stands once */
    }
    for (const struct mdp_c_rule *r = mdp_c_rules; r->name; r++) {
        assert_true(r->summary && r->choose);
        assert_ptr_equal(mdp_c_rule_find(r->name), r);
    }
    assert_null(mdp_c_rule_find("cv"));
    for (size_t i = 0; mdp_protocols[i]; i++) {
        const struct mdp_protocol *p = mdp_protocols[i];
        assert_true(p->name && p->summary && p->draw && (p->splits & MDP_SPLIT_TEST));
        assert_ptr_equal(mdp_protocol_find(p->name), p);
        for (size_t r = 0; p->c_rules && p->c_rules[r]; r++)
            assert_non_null(mdp_c_rule_find(p->c_rules[r]));
    }
    for (size_t i = 0; i < MDP_LINK_COUNT; i++) {
        enum mdp_link link = MDP_LINK_COUNT;
        struct mdp_error err = MDP_ERROR_INIT;
        assert_ok(mdp_link_find(mdp_link_name((enum mdp_link)i), &link, &err), err);
        assert_int_equal(link, i);
    }
}

/* What the audit keeps apart follows the protocol and the rule. */
static void splits_and_rules_go_by_the_row(void **state)
{
    static const char *const only[] = {"val-shots", NULL};
    const struct mdp_protocol of_val = {
        .name = "of-val", .splits = MDP_SPLIT_TRAIN | MDP_SPLIT_VAL | MDP_SPLIT_TEST, .c_rules = only};
    const struct mdp_protocol by_picture = {
        .name = "by-picture", .splits = MDP_SPLIT_TEST, .by_picture = true};
    const struct mdp_draw_rule rule = {.train_split = "a", .val_split = "b", .test_split = "c"};
    const struct mdp_c_rule *cv = mdp_c_rule_find("support-cv"), *oracle = mdp_c_rule_find("oracle");
    const char *splits[MDP_SPLIT_COUNT];
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_int_equal(mdp_protocol_splits(&mdp_medprobe, cv, &rule, splits), 2);
    assert_string_equal(splits[1], "c");
    assert_int_equal(mdp_protocol_splits(&mdp_medprobe, oracle, &rule, splits), 3);
    assert_int_equal(mdp_protocol_splits(&of_val, cv, &rule, splits), 3);
    assert_string_equal(splits[2], "b");
    assert_ok(mdp_protocol_check(&mdp_medprobe, oracle, true, &err), err);
    assert_ok(mdp_protocol_check(&of_val, mdp_c_rule_find("val-shots"), true, &err), err);
    assert_fails(mdp_protocol_check(&of_val, cv, true, &err), MDP_ERR_USAGE, err,
                 "--protocol of-val does not go with --c-rule support-cv (there is val-shots)");
    /* its own rule is the default: with support-cv for every protocol, --protocol of-val alone was refused */
    assert_string_equal(mdp_protocol_default_rule(&of_val), "val-shots");
    assert_string_equal(mdp_protocol_default_rule(&mdp_medprobe), "support-cv");
    assert_ok(mdp_protocol_check(&by_picture, cv, false, &err), err);
    assert_fails(
        mdp_protocol_check(&by_picture, cv, true, &err), MDP_ERR_USAGE, err,
        "--protocol by-picture does not go with --group patient_id (it draws by picture: --group none)");
}

/* --- a method made up for the test: one coordinate, its weight is C --- */

static mdp_status fit_c(const struct mdp_fit_problem *p, double c, double w[], struct mdp_error *err)
{
    (void)err;
    memset(w, 0, p->q * sizeof *w);
    w[0] = c;
    return MDP_OK;
}

/* Smallest where the mean logit is 10: C = 10 for rows whose feature is 1. */
static double loss_of(const double z[], size_t n, size_t k, const int32_t y[])
{
    double sum = 0;

    (void)k;
    (void)y;
    for (size_t i = 0; i < n; i++)
        sum += fabs(z[i] - 10) / (double)n;
    return sum;
}

static void a_method_is_an_objective_and_a_row(void **state)
{
    static const struct mdp_objective objective = {.fit = fit_c, .loss = loss_of};
    static const struct mdp_method method = {
        .name = "made-up", .fitted = true, .link = MDP_LINK_NONE, .objective = &objective};
    static const char *const names[] = {"no", "yes"};
    const int32_t labels[] = {0, 0, 1, 1, 0, 1};
    const struct mdp_store_info info = {
        .n = 6, .d = 1, .labels = labels, .n_classes = 2, .class_names = names};
    float x[] = {1, 2, 3, 4, 1, 5};
    size_t slot[] = {0, 1, 2, 3, 4, 5};
    uint32_t patient[] = {0, 1, 2, 3, 4, 5};
    const struct mdp_probe_data data = {.info = &info, .x = x, .slot = slot, .patient = patient, .n_used = 6};
    int64_t support[] = {0, 1, 2, 3}, one_a_class[] = {1, 2}, val[] = {4}, query[] = {5};
    struct mdp_draw draw = {.key = mdp_episode_key_of(2, 1),
                            .n_support = 4,
                            .n_val = 1,
                            .n_query = 1,
                            .has_val = true,
                            .support = support,
                            .val = val,
                            .query = query};
    struct mdp_method_options options = {.c_rule = mdp_c_rule_find("val-shots")};
    struct mdp_outcome out;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_ok(mdp_linear_probe_run(&method, &data, &draw, &options, &out, &err), err);
    assert_true(out.c.c == 10 && !out.c.by_default && !out.c.at_smallest && !out.c.at_largest && out.m == 1);
    assert_true(out.scores[0] == -50 && out.scores[1] == 50);
    mdp_outcome_release(&out);
    options = (struct mdp_method_options){.c_rule = mdp_c_rule_find("fixed"), .c = 0.25};
    assert_ok(mdp_linear_probe_run(&method, &data, &draw, &options, &out, &err), err);
    assert_true(out.c.c == 0.25 && out.scores[1] == 1.25);
    mdp_outcome_release(&out);
    draw.support = one_a_class; /* C is 1, under every rule, be there val rows or not */
    draw.n_support = 2;
    options = (struct mdp_method_options){.c_rule = mdp_c_rule_find("val-shots")};
    assert_ok(mdp_linear_probe_run(&method, &data, &draw, &options, &out, &err), err);
    assert_true(out.c.c == 1 && out.c.by_default && !out.c.at_smallest);
    mdp_outcome_release(&out);
    draw.support = support; /* of one class */
    assert_fails(mdp_linear_probe_run(&method, &data, &draw, &options, &out, &err), MDP_ERR_VALUE, err,
                 "k2/s1: the support has no row of class 'yes' (made-up needs every class)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(splits_and_rules_go_by_the_row),
        cmocka_unit_test(a_method_is_an_objective_and_a_row),
    };
    return cmocka_run_group_tests_name("probe_tables", tests, NULL, NULL);
}
