/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: fixed values of CPython and NumPy, wherever the tests run; tests/reference/test_random.py compares with the real ones.
   Planted fault: init_genrand in place of init_by_array in mdp_py_seed; python_seeds and python_samples saw
   it. */
#include "base/numbers/mt19937.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void is_the_published_generator(void **state)
{
    (void)state;
    /* mt19937ar.out of the authors: init_by_array {0x123, 0x234, 0x345, 0x456}. */
    const uint32_t key[] = {0x123, 0x234, 0x345, 0x456};
    struct mdp_mt19937 mt;

    mdp_mt_seed_by_array(&mt, key, 4);
    assert_int_equal(mdp_mt_u32(&mt), 1067595299u);
    assert_int_equal(mdp_mt_u32(&mt), 955945823u);
    /* The C++ standard fixes the 10,000th output after init_genrand(5489). */
    mdp_mt_seed(&mt, 5489u);
    for (int i = 0; i < 9999; i++)
        mdp_mt_u32(&mt);
    assert_int_equal(mdp_mt_u32(&mt), 4123659995u);
}

static void python_seeds(void **state)
{
    (void)state;
    struct mdp_mt19937 mt;

    mdp_py_seed(&mt, 42);
    assert_int_equal(mdp_py_getrandbits(&mt, 32), 2746317213u);
    assert_int_equal(mdp_py_getrandbits(&mt, 32), 478163327u);
}

static void python_samples(void **state)
{
    (void)state;
    static const size_t pool[] = {17, 72, 97, 8};
    static const size_t second[] = {4, 1, 7};
    static const size_t set[] = {978, 883, 970, 869, 57, 93, 86, 369, 855, 173, 753, 828, 685, 874, 315, 257};
    struct mdp_mt19937 mt;
    size_t out[16];

    mdp_py_seed(&mt, 1);
    assert_int_equal(mdp_py_sample(&mt, 100, 4, out, NULL), MDP_OK);
    assert_memory_equal(out, pool, sizeof pool);
    assert_int_equal(mdp_py_sample(&mt, 10, 3, out, NULL), MDP_OK);
    assert_memory_equal(out, second, sizeof second);
    mdp_py_seed(&mt, 2);
    assert_int_equal(mdp_py_sample(&mt, 1000, 16, out, NULL), MDP_OK);
    assert_memory_equal(out, set, sizeof set);
}

static void numpy_chooses(void **state)
{
    (void)state;
    static const size_t first[] = {3, 16, 6, 10};
    static const size_t second[] = {7, 0, 5};
    struct mdp_mt19937 mt;
    size_t out[4];

    mdp_np_seed(&mt, 1);
    assert_int_equal(mdp_np_choice(&mt, 20, 4, out, NULL), MDP_OK);
    assert_memory_equal(out, first, sizeof first);
    assert_int_equal(mdp_np_choice(&mt, 10, 3, out, NULL), MDP_OK);
    assert_memory_equal(out, second, sizeof second);
}

static void refuses_more_than_there_is(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_mt19937 mt;
    size_t out[4];

    mdp_py_seed(&mt, 1);
    assert_int_equal(mdp_py_sample(&mt, 3, 4, out, &err), MDP_ERR_VALUE);
    assert_string_equal(err.message, "a sample of 4 from 3 items without replacement");
    assert_int_equal(mdp_np_choice(&mt, 3, 4, out, &err), MDP_ERR_VALUE);
    assert_string_equal(err.message, "a choice of 4 from 3 items without replacement");
    assert_int_equal(mdp_py_sample(&mt, 0, 0, out, &err), MDP_OK);
    assert_int_equal(mdp_np_choice(&mt, 0, 0, out, &err), MDP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_published_generator),
        cmocka_unit_test(python_seeds),
        cmocka_unit_test(python_samples),
        cmocka_unit_test(numpy_chooses),
        cmocka_unit_test(refuses_more_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
