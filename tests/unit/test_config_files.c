/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: which file a name means, and the answer to a name that is not there.
   Planted fault that was seen: taking every value with a '/' as a name. */
#include "unit/unit.h"

#include "base/config_files.h"
#include "base/file.h"

#include <unistd.h>

static char home[] = "/tmp/medprobe-find-XXXXXX";

static void put(const char *name)
{
    struct mdp_error err = MDP_ERROR_INIT;
    char path[256];

    snprintf(path, sizeof path, "%s/%s", home, name);
    assert_ok(mdp_file_write(path, "name: x\n", 8, &err), err);
}

static int make_home(void **state)
{
    char path[256];

    (void)state;
    if (!mkdtemp(home) || setenv("MEDPROBE_HOME", home, 1) != 0)
        return 1;
    snprintf(path, sizeof path, "%s/prompts", home);
    if (mdp_path_make_folders(path, NULL) != MDP_OK)
        return 1;
    put("prompts/alpha-test.yaml");
    put("prompts/beta-test.yaml");
    put("prompts/.hidden.yaml");
    put("prompts/notes.txt");
    put("own.yaml");
    return chdir(home); /* away from the repository's ./configs */
}

static int remove_home(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    return system(command);
}

static void finds_names_and_paths(void **state)
{
    struct mdp_text path = {0}, expected = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_ok(mdp_config_locate(&mdp_config_prompts, "beta-test", &path, &err), err);
    mdp_text_add(&expected, "%s/prompts/beta-test.yaml", home);
    assert_string_equal(path.at, expected.at);
    assert_ok(mdp_config_locate(&mdp_config_prompts, "./own.yaml", &path, &err), err);
    assert_string_equal(path.at, "./own.yaml");
    assert_ok(mdp_config_locate(&mdp_config_prompts, "own.yaml", &path, &err), err);
    assert_string_equal(path.at, "own.yaml");
    mdp_text_release(&path);
    mdp_text_release(&expected);
}

static void answers_unknown_names(void **state)
{
    struct mdp_text path = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_fails(mdp_config_locate(&mdp_config_prompts, "alpha-tset", &path, &err), MDP_ERR_USAGE, err,
                 "no prompt set 'alpha-tset' (did you mean 'alpha-test'?)");
    assert_int_equal(mdp_config_locate(&mdp_config_prompts, "zzz", &path, &err), MDP_ERR_USAGE);
    assert_non_null(strstr(err.message, "no prompt set 'zzz' (known: alpha-test, beta-test"));
    assert_null(strstr(err.message, "hidden"));
    assert_int_equal(mdp_config_locate(&mdp_config_prompts, "", &path, &err), MDP_ERR_USAGE);
    assert_fails(mdp_config_locate(&mdp_config_prompts, "./none.yaml", &path, &err), MDP_ERR_USAGE, err,
                 "./none.yaml: no such file");
    assert_fails(mdp_config_locate(&mdp_config_prompts, "../prompts/alpha-test", &path, &err), MDP_ERR_USAGE,
                 err, "../prompts/alpha-test: no such file");
    mdp_text_release(&path);
}

static void home_is_the_first_that_is_set(void **state)
{
    struct mdp_text path = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_ok(mdp_home_folder(&path, &err), err);
    assert_string_equal(path.at, home);
    unsetenv("MEDPROBE_HOME");
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("HOME", "/me", 1);
    assert_ok(mdp_home_folder(&path, &err), err);
    assert_string_equal(path.at, "/data/medprobe");
    setenv("XDG_DATA_HOME", "", 1);
    assert_ok(mdp_home_folder(&path, &err), err);
    assert_string_equal(path.at, "/me/.local/share/medprobe");
    unsetenv("HOME");
    assert_int_equal(mdp_home_folder(&path, &err), MDP_ERR_MISSING);
    setenv("MEDPROBE_HOME", home, 1);
    mdp_text_release(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_names_and_paths),
        cmocka_unit_test(answers_unknown_names),
        cmocka_unit_test(home_is_the_first_that_is_set),
    };

    return cmocka_run_group_tests(tests, make_home, remove_home);
}
