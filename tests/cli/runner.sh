#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Protects: the test runner: whatever goes wrong in a test program is counted as a failure, and a failure shows what the file
# protects, what was expected, what came, and the command that runs the test alone.
. "$(dirname "$0")/../tap.sh"
cd "$work" || exit 1
mkdir -p tests/unit tests/cli build/release/tests && cp "$root/tests/run" "$root/tests/tap.sh" tests || exit 1
unset ONLY TESTS_LOG T
export BUILD=build/release

# ends STATUS "last line" PROGRAM: what tests/run says of a program
ends() {
  tests/run "${@:3}" >said
  same "$1" $? && same "$2" "$(tail -n 1 said)"
}
script() { # script NAME 'lines': a shell test
  printf '#!/usr/bin/env bash\n# Protects: the %s\n# of a test. Not this.\n. "$(dirname "$0")/../tap.sh"\n%s\n' "$1" "$2" >"tests/cli/$1.sh"
  chmod +x "tests/cli/$1.sh"
}

script good $'check "one" true\ncheck "two" same 1 1\nskip "three" "no disk here"\ndone_testing'
check "what passes passes" eval 'ends 0 "2 passed, 0 failed, 1 skipped" tests/cli/good.sh && has "# SKIP no disk here" said'
script bad $'check "one" true\ncheck "it is \'so\'" same "a b" c\ncheck "three" eval \'x=5; [ "$x" = 6 ]\'\ncheck "four" refuses 2 "no file" cat none\ndone_testing'
check "a failed check is counted" ends 1 "1 passed, 3 failed, 0 skipped" tests/cli/bad.sh
check "with what its file protects, on one line" has "    Protects: the bad of a test." said
check "what was expected" has "    # expected: a b" said
check "what came" has "    # came:     c" said
check "the command" has "    # command: same a b c" said
check "the values of a longer check" has "[ 5 = 6 ]" <(tr -d "'" <said)
check "a refusal's status and lines" eval 'has "expected: exit status 2, nothing on stdout, one line on stderr with: no file" said &&
  has "came:     exit status 1, 0 bytes on stdout, 1 lines on stderr:" said && has "cat: none: No such file" said'
check "and how it is run alone" has "    alone: make check-cli T=bad ONLY='it is ?so?'" said
check "which keeps its number" eval '
  export ONLY="it is ?so?"; ends 1 "0 passed, 1 failed, 0 skipped" tests/cli/bad.sh && has "not ok 2 - it is" said'

fails() { # fails "what" 'body' "why": a program that counts as failed
  printf '#!/bin/sh\n%b\n' "$2" >program && chmod +x program
  check "$1" eval 'ends 1 "'"$4"'" ./program && has "'"$3"'" said && has "alone: BUILD=build/release ./program" said'
}
fails "no test at all" 'exit 0' "ran no test" "0 passed, 1 failed, 0 skipped"
fails "an empty plan" 'echo 1..0' "ran no test" "0 passed, 1 failed, 0 skipped"
fails "a program that dies" 'echo ok 1 - a\nkill -SEGV $$' "ended with status 139" "1 passed, 1 failed, 0 skipped"
fails "a program that ends early" 'echo 1..2\necho ok 1 - a' "planned 2 tests, ran 1" "1 passed, 1 failed, 0 skipped"
fails "a program without a plan" 'echo ok 1 - a' "planned no number of tests, ran 1" "1 passed, 1 failed, 0 skipped"
fails "a skip without a reason" 'echo "ok 1 - a # SKIP"\necho 1..1' "skipped without a reason: 1 - a" "0 passed, 1 failed, 1 skipped"
check "a program that is not there" eval 'ends 1 "0 passed, 1 failed, 0 skipped" ./nothing && has "ran no test" said'
check "nothing to run" ends 1 "0 passed, 0 failed, 0 skipped"
check "one failure fails all" ends 1 "3 passed, 3 failed, 1 skipped" tests/cli/good.sh tests/cli/bad.sh
check "counts are kept for the sum" eval 'TESTS_LOG=sum tests/run tests/cli/bad.sh >said; same "1 3 0" "$(cat sum)"'

cat >tests/unit/test_toy.c <<'X'
/* Protects: toys. */
#include "unit/unit.h"
static void passes(void **state)
{
    (void)state;
}
static void adds(void **state)
{
    (void)state;
    assert_int_equal(2 + 2, 5);
}
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(passes), cmocka_unit_test(adds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
X
if ${CC:-cc} -I"$root/tests" -I"$root/include" -I"$root/src" -o build/release/tests/test_toy tests/unit/test_toy.c -lcmocka 2>log; then
  check "a unit test that fails" ends 1 "1 passed, 1 failed, 0 skipped" build/release/tests/test_toy
  check "its file, values, line and command" eval '
    has "    Protects: toys." said && has "# 0x4 != 0x5" said && has "test_toy.c:10: error: Failure!" said &&
    has "    alone: make check-unit T=test_toy ONLY='"'adds'"'" said'
  check "one unit test alone" eval 'export ONLY="pass*"; ends 0 "1 passed, 0 failed, 0 skipped" build/release/tests/test_toy'
else
  skip "unit tests" "no cmocka to compile against"
fi
cd "$root" || exit 1
check "make knows no other test" eval '! make -s check-unit T=test_none 2>"$work/err" && has "no unit test" "$work/err"'
# The examples of CONTRIBUTING's table find a test. (Seen: ONLY='*ties*' of a file that has no such test.)
found() { grep -oE "T=[a-z_]+ ONLY='[^']+'" CONTRIBUTING.md | tr -d "'" | while read -r t only; do
    t=${t#T=} only=${only#ONLY=} names=0
    while IFS= read -r name; do [[ $name == $only ]] && names=$((names + 1)); done < <(cat tests/{unit,cli}/$t.{c,sh} 2>/dev/null |
      sed -nE 's/.*cmocka_unit_test\(([a-z_0-9]+)\).*/\1/p; s/^ *check "([^"]*)".*/\1/p')
    echo "$t $only: $names tests"
  done; }
check "the examples of CONTRIBUTING are tests" eval 'found >"$work/said" && same 2 "$(wc -l <"$work/said")" && ! grep " 0 tests" "$work/said"'
check "several scripts are run" eval 'make -s -n -o all check-cli T="runner eval" >"$work/said" && has "tests/run tests/cli/eval.sh tests/cli/runner.sh" "$work/said"'
check "nor another script" eval '! make -s -o all check-cli T=none 2>"$work/err" && has "no script" "$work/err"'
done_testing
