/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: OpenBLAS as it is used: a core type that fits the CPU, and the strides of products. */
#define _GNU_SOURCE /* dladdr, RTLD_DEFAULT */
#include "unit/unit.h"

#include "base/memory.h"
#include "base/numbers/blas.h"

#include <dlfcn.h>

/* The cores of OpenBLAS 0.3.21's list: those with AVX2 code stand, others are mended where the CPU has AVX2.
 */
static void weak_cores_are_mended(void **state)
{
    (void)state;
    assert_string_equal(mdp_blas_better_core("Prescott", 1, 1), "SkylakeX");
    assert_string_equal(mdp_blas_better_core("Prescott", 1, 0), "Haswell");
    assert_string_equal(mdp_blas_better_core("Sandybridge", 1, 0), "Haswell");
    assert_null(mdp_blas_better_core("Prescott", 0, 0));
    assert_null(mdp_blas_better_core("Zen", 1, 0));
    assert_null(mdp_blas_better_core("Cooperlake", 1, 1));
    assert_null(mdp_blas_better_core("haswell", 1, 1));
}

static void this_library_knows_its_core(void **state)
{
    (void)state;
    assert_non_null(mdp_blas_core());
    assert_true(mdp_blas_core()[0] != '\0');
}

/* The functions that liblinear and LAPACKE call are OpenBLAS's: looked up as the loader does for them. Fault planted:
   LD_PRELOAD=libblas.so.3. */
static void everybody_has_the_same_blas(void **state)
{
    static const char *const names[] = {"ddot_",   "daxpy_",  "dscal_",  "dnrm2_",
                                        "dgeqrf_", "dorgqr_", "dpotrf_", "dpotrs_"};
    Dl_info ours, theirs;

    (void)state;
    assert_true(dladdr(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"), &ours));
    for (size_t i = 0; i < MDP_COUNT(names); i++) {
        void *found = dlsym(RTLD_DEFAULT, names[i]);
        assert_non_null(found);
        assert_true(dladdr(found, &theirs));
        assert_string_equal(theirs.dli_fname, ours.dli_fname);
    }
}

static void products_have_their_strides(void **state)
{
    const float x[] = {1, 2, 9, 3, 4, 9}, w[] = {1, 1, 2, 0, 0, 5};
    float y[8] = {7, 7, 7, 7, 7, 7, 7, 7};
    const float expected[] = {3, 2, 10, 7, 7, 6, 20, 7};
    (void)state;
    mdp_blas_sgemm_nt(2, 3, 2, x, 3, w, 2, y, 4);
    assert_memory_equal(y, expected, sizeof y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_cores_are_mended),
        cmocka_unit_test(this_library_knows_its_core),
        cmocka_unit_test(everybody_has_the_same_blas),
        cmocka_unit_test(products_have_their_strides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
