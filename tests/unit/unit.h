/* SPDX-License-Identifier: BSD-3-Clause */
/* What every cmocka program of ours includes. ONLY='auc*' in the environment runs the tests of such names alone. */
#ifndef MDP_TESTS_UNIT_H
#define MDP_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "medprobe/status.h"

__attribute__((constructor)) static void mdp_run_only_those_asked_for(void)
{
    const char *pattern = getenv("ONLY");

    if (pattern && *pattern)
        cmocka_set_test_filter(pattern);
}

/* The call succeeded; prints its message when it did not. */
#define assert_ok(call, err)                                                                                 \
    do {                                                                                                     \
        mdp_status assert_ok_status = (call);                                                                \
        if (assert_ok_status != MDP_OK)                                                                      \
            fail_msg("%s: %s: %s", #call, mdp_status_name(assert_ok_status), (err).message);                 \
    } while (0)

/* The call failed with exactly this status and message. */
#define assert_fails(call, expected_status, err, expected_message)                                           \
    do {                                                                                                     \
        assert_int_equal((call), (expected_status));                                                         \
        assert_string_equal((err).message, (expected_message));                                              \
    } while (0)

#endif
