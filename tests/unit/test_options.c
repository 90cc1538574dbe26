/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: option tables: flags over file over defaults, one line for every wrong use, help with live
   defaults, and a written configuration that reads back as itself. */
#include "unit/unit.h"

#include "base/file.h"
#include "base/options/options.h"

#include <unistd.h>

struct targets {
    size_t batch;
    double c;
    bool force;
    const char *rule, *out;
    struct mdp_list shots;
};

static const char *const rules[] = {"fixed", "support-cv", NULL};

/* The rows of every test, for the targets `t`. */
enum { ROW_COUNT = 6 };

static void fill_rows(struct targets *t, struct mdp_option rows[ROW_COUNT])
{
    const struct mdp_option these[ROW_COUNT] = {
        {.name = "batch-size",
         .argument = "N",
         .size = &t->batch,
         .least = 1,
         .most = 64,
         .help = "pictures"},
        {.name = "c", .argument = "X", .number = &t->c, .help = "strength"},
        {.name = "force", .letter = 'f', .flag = &t->force, .help = "anew"},
        {.name = "c-rule", .argument = "RULE", .string = &t->rule, .choices = rules, .help = "rule"},
        {.name = "shots", .argument = "LIST", .list = &t->shots, .help = "shots"},
        {.name = "out", .letter = 'o', .argument = "FOLDER", .string = &t->out, .help = "where to"},
    };

    memcpy(rows, these, sizeof these);
}

static const struct mdp_usage usage = {.command = "probe",
                                       .synopsis = "STORE [options]",
                                       .summary = "s",
                                       .example = "e",
                                       .least_operands = 1,
                                       .most_operands = 1,
                                       .operands = {"a store"},
                                       .file_operand = "store"};

static mdp_status parse(const char *const words[], struct targets *t, struct mdp_option options[ROW_COUNT],
                        struct mdp_arguments *args, struct mdp_error *err)
{
    struct mdp_common common;
    char *argv[16];
    int argc = 0;

    fill_rows(t, options);
    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    argv[argc] = NULL;
    return mdp_options_parse(&usage, options, ROW_COUNT, argc, argv, &common, args, err);
}

static void reads_every_kind(void **state)
{
    const char *words[] = {"probe", "--batch_size=8", "x.h5", "--c", "0.5", "-f", "--shots", "1,2,16", NULL};
    struct targets t = {.batch = 1};
    struct mdp_option options[ROW_COUNT];
    struct mdp_arguments args;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_ok(parse(words, &t, options, &args, &err), err);
    assert_int_equal(t.batch, 8);
    assert_true(t.c == 0.5 && t.force);
    assert_int_equal(t.shots.n, 3);
    assert_string_equal(t.shots.at[2], "16");
    assert_string_equal(args.operands[0], "x.h5");
    assert_true(mdp_option_given(&args, "c"));
    assert_false(mdp_option_given(&args, "c-rule"));
    mdp_list_release(&t.shots);
    mdp_arguments_release(&args);
}

static void refuses(const char *a, const char *b, const char *message)
{
    const char *words[] = {"probe", "x.h5", a, b, NULL};
    struct targets t = {.batch = 1};
    struct mdp_option options[ROW_COUNT];
    struct mdp_arguments args;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_fails(parse(words, &t, options, &args, &err), MDP_ERR_USAGE, err, message);
    mdp_list_release(&t.shots);
    mdp_arguments_release(&args);
}

static void wrong_use_is_one_clear_line(void **state)
{
    (void)state;
    refuses("--sohts", "1", "no option '--sohts' (did you mean '--shots'?)");
    refuses("--zzz", NULL, "no option '--zzz' (see --help)");
    refuses("--batch-size", "65", "--batch-size: '65' is not a whole number from 1 to 64");
    refuses("--batch-size", "-1", "--batch-size: '-1' is not a whole number from 1 to 64");
    refuses("--batch-size", "8x", "--batch-size: '8x' is not a whole number from 1 to 64");
    refuses("--c", "nan", "--c: 'nan' is not a finite number");
    refuses("--c", NULL, "--c needs a value: X");
    refuses("--force=1", NULL, "--force takes no value, found '1'");
    refuses("--c-rule", "fix", "--c-rule: 'fix' is not one of fixed, support-cv");
    refuses("--shots", "1,,2", "--shots: '1,,2' is not a list like A,B,C");
    refuses("y.h5", NULL, "'y.h5' is one argument too many (usage: medprobe probe STORE [options])");
}

/* What people type who come from other programs. The old answers were "did you mean '-shots'?", "see --help", a value
   called --shots, and an argument too many without a word about lists. */
static void near_misses_are_told_apart(void **state)
{
    (void)state;
    refuses("-shots", "1", "no option '-shots' (did you mean '--shots'?)");
    refuses("-help", NULL, "no option '-help' (did you mean '--help'?)");
    refuses("--o", "run", "no option '--o' (did you mean '-o'?)");
    refuses("-o=run", NULL, "no option '-o=run' (did you mean '-o run'?)");
    refuses("-orun", NULL, "no option '-orun' (did you mean '-o run'?)");
    refuses("--sohts=1", NULL, "no option '--sohts' (did you mean '--shots'?)");
    refuses("--c-rule", "--shots=1", "--c-rule needs a value (found the option --shots)");
    refuses("--c-rule", "-o", "--c-rule needs a value (found the option -o)");
    refuses("--c", "--", "--c needs a value (found the option --)");
    refuses("--shots=1", "2",
            "'2' is one argument too many (--shots takes one word: a list is written A,B,C)");
}

static void operand_is_asked_for(void **state)
{
    const char *words[] = {"probe", NULL};
    struct targets t = {.batch = 1};
    struct mdp_option options[ROW_COUNT];
    struct mdp_arguments args;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_fails(parse(words, &t, options, &args, &err), MDP_ERR_USAGE, err,
                 "a store is missing (usage: medprobe probe STORE [options])");
    mdp_arguments_release(&args);
}

/* Of two the one that is missing. (Planted and seen: one name for all.) */
static void the_missing_operand_is_named(void **state)
{
    const struct mdp_usage two = {.command = "near",
                                  .synopsis = "STORE ID...",
                                  .summary = "s",
                                  .example = "e",
                                  .least_operands = 2,
                                  .most_operands = 9,
                                  .operands = {"a store", "an id"}};
    char *argv[][6] = {{"near"}, {"near", "x.h5"}, {"near", "x.h5", "a", "b", ""}};
    const char *said[] = {"a store is missing (usage: medprobe near STORE ID...)",
                          "an id is missing (usage: medprobe near STORE ID...)",
                          "argument 4 is empty, expected an id"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct mdp_common common;
        struct mdp_arguments args = {0};
        struct mdp_error err = MDP_ERROR_INIT;
        int argc = 0;
        while (argv[i][argc])
            argc++;
        assert_fails(mdp_options_parse(&two, NULL, 0, argc, argv[i], &common, &args, &err), MDP_ERR_USAGE,
                     err, said[i]);
        mdp_arguments_release(&args);
    }
}

static void flags_win_over_the_file_and_it_reads_back(void **state)
{
    char path[] = "/tmp/medprobe-test-XXXXXX";
    struct targets t = {.batch = 1, .c = 1}, again = {.batch = 1};
    struct mdp_option options[ROW_COUNT];
    struct mdp_arguments args, args_again;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text first = {0}, second = {0};
    const char *file = "store: \"a b.h5\"\nbatch-size: 4\nc: 2\nshots: [1, \"2\"]\nc-rule: fixed\n";

    (void)state;
    close(mkstemp(path));
    const char *words[] = {"probe", "--config", path, "--c", "3", NULL};
    assert_ok(mdp_file_write(path, file, strlen(file), &err), err);
    assert_ok(parse(words, &t, options, &args, &err), err);
    assert_int_equal(t.batch, 4);
    assert_true(t.c == 3);
    assert_string_equal(args.operands[0], "a b.h5");
    assert_ok(mdp_options_to_yaml(options, ROW_COUNT, &first, &err), err);

    assert_ok(mdp_file_write(path, first.at, first.n, &err), err);
    const char *words_again[] = {"probe", "z.h5", "--config", path, NULL};
    assert_ok(parse(words_again, &again, options, &args_again, &err), err);
    assert_ok(mdp_options_to_yaml(options, ROW_COUNT, &second, &err), err);
    assert_string_equal(first.at, second.at);
    unlink(path);
    mdp_text_release(&first);
    mdp_text_release(&second);
    mdp_list_release(&t.shots);
    mdp_list_release(&again.shots);
    mdp_arguments_release(&args);
    mdp_arguments_release(&args_again);
}

static void the_file_names_its_line(void **state)
{
    char path[] = "/tmp/medprobe-test-XXXXXX";
    char expected[256];
    struct targets t = {.batch = 1};
    struct mdp_option options[ROW_COUNT];
    struct mdp_arguments args;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    close(mkstemp(path));
    const char *words[] = {"probe", "x.h5", "--config", path, NULL};
    assert_ok(mdp_file_write(path, "c: 1\nbatch-sise: 4\n", 19, &err), err);
    snprintf(expected, sizeof expected, "%s: line 2: no option 'batch-sise' (did you mean 'batch-size'?)",
             path);
    assert_fails(parse(words, &t, options, &args, &err), MDP_ERR_FORMAT, err, expected);
    mdp_arguments_release(&args);
    assert_ok(mdp_file_write(path, "c: 1\nbatch-size: 99\n", 20, &err), err);
    snprintf(expected, sizeof expected, "%s: line 2: --batch-size: '99' is not a whole number from 1 to 64",
             path);
    assert_fails(parse(words, &t, options, &args, &err), MDP_ERR_FORMAT, err, expected);
    mdp_arguments_release(&args);
    unlink(path);
}

/* Each planted fault is a row that mdp_options_parse would otherwise take in silence: of two equal names the second is
   never reached. */
static void a_table_checks_itself(void **state)
{
    size_t n = 0;
    bool b = false;
    const char *text = NULL;
    const struct {
        struct mdp_option row;
        const char *message;
    } faults[] = {
        {{.name = "force", .flag = &b, .help = "again"}, "row 6 (force): another row has its name"},
        {{.name = "threads", .argument = "N", .size = &n, .help = "own"},
         "row 6 (threads): another row has its name"},
        {{.name = "fast", .letter = 'f', .flag = &b, .help = "h"},
         "row 6 (fast): another row has its letter"},
        {{.name = "quick", .letter = 'q', .flag = &b, .help = "h"},
         "row 6 (quick): another row has its letter"},
        {{.name = "mute", .flag = &b}, "row 6 (mute): no name or no help"},
        {{.name = "none", .argument = "X", .help = "h"}, "row 6 (none): not exactly one target"},
        {{.name = "both", .flag = &b, .size = &n, .help = "h"}, "row 6 (both): not exactly one target"},
        {{.name = "bare", .size = &n, .help = "h"},
         "row 6 (bare): a flag has no argument, all others have one"},
        {{.name = "with", .argument = "X", .flag = &b, .help = "h"},
         "row 6 (with): a flag has no argument, all others have one"},
        {{.name = "most", .argument = "X", .string = &text, .most = 3, .help = "h"},
         "row 6 (most): least and most are for a size"},
        {{.name = "one", .argument = "X", .size = &n, .choices = rules, .help = "h"},
         "row 6 (one): choices are for a string or a list"},
        {{.heading = "run", .help = "h"}, "row 6 (run): a heading has nothing beside it"},
    };
    struct targets t = {0};
    struct mdp_option rows[ROW_COUNT + 1];
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill_rows(&t, rows);
    rows[ROW_COUNT] = (struct mdp_option){.heading = "run"};
    assert_ok(mdp_options_check(rows, ROW_COUNT + 1, &err), err);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        rows[ROW_COUNT] = faults[i].row;
        assert_fails(mdp_options_check(rows, ROW_COUNT + 1, &err), MDP_ERR_FORMAT, err, faults[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(wrong_use_is_one_clear_line),
        cmocka_unit_test(near_misses_are_told_apart),
        cmocka_unit_test(operand_is_asked_for),
        cmocka_unit_test(the_missing_operand_is_named),
        cmocka_unit_test(flags_win_over_the_file_and_it_reads_back),
        cmocka_unit_test(the_file_names_its_line),
        cmocka_unit_test(a_table_checks_itself),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
