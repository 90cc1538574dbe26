#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Protects: speed on a CPU that OpenBLAS does not know: where it falls back to code without AVX, the program tells it better
# and starts itself again, once. Played by a library that claims the fall-back, preloaded.
. "$(dirname "$0")/../tap.sh"

unset OPENBLAS_CORETYPE MEDPROBE_BLAS_MENDED
cat >"$work/weak.c" <<'X'
#include <stdio.h>
#include <stdlib.h>
char *openblas_get_corename(void)
{
    FILE *log = fopen(getenv("WEAK_LOG"), "a");
    if (log) {
        fprintf(log, "%s\n", getenv("OPENBLAS_CORETYPE") ? getenv("OPENBLAS_CORETYPE") : "none");
        fclose(log);
    }
    return "Prescott";
}
X
if ! ${CC:-cc} -shared -fPIC -o "$work/weak.so" "$work/weak.c" 2>/dev/null; then
  skip "OpenBLAS's core type is mended" "no C compiler"
elif ! grep -q ' avx2 ' /proc/cpuinfo; then
  skip "OpenBLAS's core type is mended" "this CPU has no AVX2"
elif nm "$medprobe" 2>/dev/null | grep -q __asan_init; then
  skip "OpenBLAS's core type is mended" "a sanitizer has to be loaded first"
else
  export WEAK_LOG=$work/log
  better=Haswell
  grep -q 'avx512vl' /proc/cpuinfo && better=SkylakeX
  weak() { LD_PRELOAD=$work/weak.so "$@"; }
  check "a weak core is mended, once, and the command runs" eval '
    rm -f "$WEAK_LOG"; weak "$medprobe" --version | grep -q "^medprobe $(cat VERSION)$" &&
    [ "$(sort -u "$WEAK_LOG" | tr "\n" " ")" = "$better none " ]'
  check "the program keeps the name it was called by" eval '
    ln -s "$medprobe" "$work/probe" && [ "$(weak "$work/probe" --help)" = "$("$medprobe" probe --help)" ]'
  check "a core type that the user set is left alone" eval '
    rm -f "$WEAK_LOG"; OPENBLAS_CORETYPE=Nehalem weak "$medprobe" --version >/dev/null && [ "$(sort -u "$WEAK_LOG")" = Nehalem ]'
  check "a program that was mended does not start itself again" eval '
    rm -f "$WEAK_LOG"; MEDPROBE_BLAS_MENDED=Prescott weak "$medprobe" --version >/dev/null && [ "$(sort -u "$WEAK_LOG")" = none ]'
fi
done_testing
