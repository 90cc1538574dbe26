/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: YAML trees, their lines in messages, and the refusals (repeated keys, bombs, self reference). */
#include "unit/unit.h"

#include "base/formats/yaml.h"

static mdp_status parse(const char *text, struct mdp_yaml **doc, struct mdp_error *err)
{
    return mdp_yaml_parse(text, strlen(text), "x.yaml", doc, err);
}

static void refuses(const char *text, const char *message)
{
    struct mdp_yaml *doc = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_int_not_equal(parse(text, &doc, &err), MDP_OK);
    assert_null(doc);
    assert_string_equal(err.message, message);
}

static void reads_maps_and_lists(void **state)
{
    struct mdp_yaml *doc = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_yaml_node *list = NULL;
    const char *name = NULL;
    size_t one = 0;
    double half = 0;

    (void)state;
    assert_ok(parse("name: 'a b'\nlist: [1, 0.5, true]\n", &doc, &err), err);
    const struct mdp_yaml_node *root = mdp_yaml_root(doc);
    assert_ok(mdp_yaml_get_string(doc, root, "name", &name, &err), err);
    assert_string_equal(name, "a b");
    assert_ok(mdp_yaml_get(doc, root, "list", MDP_YAML_LIST, &list, &err), err);
    assert_int_equal(list->n, 3);
    assert_ok(mdp_yaml_to_size(doc, list->values[0], 1, 3, &one, &err), err);
    assert_int_equal(one, 1);
    assert_ok(mdp_yaml_to_double(doc, list->values[1], &half, &err), err);
    assert_true(half == 0.5);
    assert_fails(mdp_yaml_to_size(doc, list->values[1], 0, 9, &one, &err), MDP_ERR_FORMAT, err,
                 "x.yaml: line 2: '0.5' is not a whole number from 0 to 9");
    mdp_yaml_free(doc);
}

static void empty_is_an_empty_map(void **state)
{
    struct mdp_yaml *doc = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    const char *empty[] = {"", "# only a comment\n", "---\n"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(parse(empty[i], &doc, &err), err);
        assert_int_equal(mdp_yaml_root(doc)->kind, MDP_YAML_MAP);
        assert_int_equal(mdp_yaml_root(doc)->n, 0);
        mdp_yaml_free(doc);
    }
}

static void names_the_unknown_key(void **state)
{
    struct mdp_yaml *doc = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    const char *keys[] = {"shots", "seeds"};

    (void)state;
    assert_ok(parse("shots: 1\nseed: 2\n", &doc, &err), err);
    assert_fails(mdp_yaml_known_keys(doc, mdp_yaml_root(doc), keys, 2, &err), MDP_ERR_FORMAT, err,
                 "x.yaml: line 2: unknown key 'seed' (did you mean 'seeds'?)");
    mdp_yaml_free(doc);
}

static void refuses_what_is_broken(void **state)
{
    (void)state;
    refuses("a: 1\nb: 2\na: 3\n", "x.yaml: line 3: key 'a' stands twice, first on line 1");
    refuses("a: *b\n", "x.yaml: line 1: alias '*b' without its anchor above");
    refuses("a: &b [*b]\n", "x.yaml: line 1: alias '*b' without its anchor above");
    refuses("a: 1\n--- \nb: 2\n", "x.yaml: line 3: a second document");
    refuses("[x]: 1\n", "x.yaml: line 1: a key must be text");
    refuses("a: [1\n", "x.yaml: line 2: not YAML: did not find expected ',' or ']'");
}

static void aliases_are_shared_and_counted(void **state)
{
    struct mdp_yaml *doc = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text bomb = {0};

    (void)state;
    assert_ok(parse("a: &x [1, 2]\nb: *x\n", &doc, &err), err);
    assert_ptr_equal(mdp_yaml_find(mdp_yaml_root(doc), "a"), mdp_yaml_find(mdp_yaml_root(doc), "b"));
    mdp_yaml_free(doc);
    /* Ten to the twelfth values in twelve lines. */
    mdp_text_add(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++) {
        mdp_text_add(&bomb, "a%d: &a%d [*a%d", i, i, i - 1);
        for (int j = 1; j < 10; j++)
            mdp_text_add(&bomb, ",*a%d", i - 1);
        mdp_text_add(&bomb, "]\n");
    }
    assert_fails(parse(bomb.at, &doc, &err), MDP_ERR_LIMIT, err, "x.yaml: line 6: more than 1000000 values");
    mdp_text_release(&bomb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_maps_and_lists),           cmocka_unit_test(empty_is_an_empty_map),
        cmocka_unit_test(names_the_unknown_key),          cmocka_unit_test(refuses_what_is_broken),
        cmocka_unit_test(aliases_are_shared_and_counted),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
