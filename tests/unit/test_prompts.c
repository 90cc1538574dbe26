/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: what a prompt set is refused for, with its line, and the limits on what templates multiply. What
   is read is compared with PyYAML in tests/reference/test_prompts.py. Planted fault: no limit on filled
   templates; the bomb was seen by its memory. */
#include "unit/unit.h"

#include "base/file.h"
#include "extract/text/prompts.h"

#include <unistd.h>

static char path[] = "/tmp/medprobe-test-XXXXXX"; /* made in main, removed there */

static mdp_status read_text(const char *text, struct mdp_prompts *prompts, struct mdp_error *err)
{
    assert_ok(mdp_file_write(path, text, strlen(text), err), *err);
    mdp_status st = mdp_prompts_read(path, prompts, err);
    return st;
}

static void refuses(const char *text, const char *message)
{
    struct mdp_prompts prompts;
    struct mdp_error err = MDP_ERROR_INIT;
    char expected[512];

    snprintf(expected, sizeof expected, "%s: %s", path, message);
    assert_int_equal(read_text(text, &prompts, &err), MDP_ERR_FORMAT);
    assert_string_equal(err.message, expected);
    assert_null(prompts.owned);
    mdp_prompts_release(&prompts);
}

static void reads_a_set(void **state)
{
    (void)state;
    struct mdp_prompts p;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(read_text("name: x\nensemble: max-logits\ntemplates: ['see {}']\n"
                        "classes:\n  a: ['', ' p ', ' p ']\n  b:\n",
                        &p, &err),
              err);
    assert_string_equal(p.name, "x");
    assert_int_equal(p.ensemble, MDP_ENSEMBLE_MAX_LOGITS);
    assert_int_equal(p.n, 2);
    assert_string_equal(p.classes[0].name, "a");
    assert_int_equal(p.classes[0].n, 3);
    assert_string_equal(p.classes[0].phrases[0], "");
    assert_string_equal(p.classes[0].phrases[1], " p ");
    assert_string_equal(p.classes[0].phrases[2], " p ");
    assert_int_equal(p.classes[1].n, 1);
    assert_string_equal(p.classes[1].phrases[0], "see b");
    assert_int_equal(strlen(p.sha256), 64);
    mdp_prompts_release(&p);
    mdp_prompts_release(&p);
}

/* The order of classes is that of `classes`, whatever `negatives` has. */
static void reads_pairs(void **state)
{
    (void)state;
    struct mdp_prompts p;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(read_text("templates: ['{}']\nnegative_templates: ['no {}', 'without {}']\n"
                        "classes:\n  a:\n  b: [bee]\n  c:\nnegatives:\n  c: [nothing, clear]\n  a: []\n",
                        &p, &err),
              err);
    assert_false(p.has_ensemble);
    assert_string_equal(p.classes[1].phrases[0], "bee");
    assert_string_equal(p.classes[2].phrases[0], "c");
    assert_non_null(p.negatives);
    for (size_t c = 0; c < 3; c++) {
        static const char *const expected[3][2] = {
            {"no a", "without a"}, {"no b", "without b"}, {"nothing", "clear"}};
        assert_string_equal(p.negatives[c].name, p.classes[c].name);
        assert_int_equal(p.negatives[c].n, 2);
        for (size_t i = 0; i < 2; i++)
            assert_string_equal(p.negatives[c].phrases[i], expected[c][i]);
    }
    mdp_prompts_release(&p);
    refuses("classes: {a: [x], b: [y]}\nnegatives: {a: [z]}\n",
            "line 1: class 'b' has no negative phrases (give it some, or the file negative_templates)");
    refuses("classes: {a: [x]}\nnegatives: {A: [z]}\n", "line 2: negatives: 'A' is no class of the file");
    refuses("classes: {a: [x]}\nnegatives: [z]\n", "line 2: 'negatives' is a list, expected a map");
    refuses("classes: {a: [x]}\nnegatives: {a: z}\n", "line 2: a: expected a list of texts");
    refuses("classes: {a: [x]}\nnegative_templates: [no]\n",
            "line 2: template 'no' has no {} for the name of the class");
}

static void names_the_line(void **state)
{
    (void)state;
    refuses("classes:\n  a: [x]\n  b:\n",
            "line 3: class 'b' has no phrases (give it some, or the file templates)");
    refuses("classes:\n  a: [x]\n  b: []\n",
            "line 3: class 'b' has no phrases (give it some, or the file templates)");
    refuses("classes:\n  a: [x]\n  a: [y]\n", "line 3: key 'a' stands twice, first on line 2");
    refuses("classes: {a: [x]}\ntemplate: []\n",
            "line 2: unknown key 'template' (did you mean 'templates'?)");
    refuses("classes: {a: [x]}\nensemble: mean\n",
            "line 2: unknown ensemble 'mean' (there are mean-logits, max-logits, mean-embedding, mean-raw)");
    refuses("classes: {a: [x]}\nensemble: [mean-logits]\n", "line 2: 'ensemble' is a list, expected text");
    refuses("classes:\n  a: x\n", "line 2: a: expected a list of texts");
    refuses("classes:\n  a: ''\n", "line 2: a: expected a list of texts");
    refuses("classes:\n  a: [x, [y]]\n", "line 2: a: entry 2 is no text");
    refuses("classes: {a: }\ntemplates: [none]\n",
            "line 2: template 'none' has no {} for the name of the class");
    refuses("classes: {a: }\ntemplates: '{}'\n", "line 2: templates: expected a list of texts");
    refuses("classes: {}\n", "line 1: 'classes' is empty");
    refuses("classes: [a]\n", "line 1: 'classes' is a list, expected a map");
    refuses("name: x\n", "line 1: key 'classes' is missing");
    refuses("", "line 1: key 'classes' is missing");
    refuses("just text\n", "line 1: is text, expected a map");
    refuses("name: {}\nclasses: {a: [x]}\n", "line 1: 'name' is a map, expected text");
}

/* A file of 100 kB could ask for gigabytes of text. */
static void templates_do_not_multiply(void **state)
{
    (void)state;
    struct mdp_text t = {0};
    char name[1001] = {0};

    memset(name, 'n', 1000);
    mdp_text_add(&t, "templates: ['");
    for (int i = 0; i < 50000; i++)
        mdp_text_add(&t, "{}");
    mdp_text_add(&t, "']\nclasses:\n");
    for (int i = 0; i < 40; i++)
        mdp_text_add(&t, "  c%03d: \n", i);
    mdp_text_add(&t, "  %s: \n", name);
    struct mdp_prompts prompts;
    struct mdp_error err = MDP_ERROR_INIT;
    assert_ok(read_text(t.at, &prompts, &err), err); /* 8 MB and 50 MB: allowed */
    mdp_prompts_release(&prompts);
    mdp_text_add(&t, "  x%s: \n", name);
    assert_int_equal(read_text(t.at, &prompts, &err), MDP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "more than 1000000 phrases or 64 MiB of filled templates"));
    mdp_text_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_set),
        cmocka_unit_test(reads_pairs),
        cmocka_unit_test(names_the_line),
        cmocka_unit_test(templates_do_not_multiply),
    };
    int fd = mkstemp(path);

    if (fd < 0)
        return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
