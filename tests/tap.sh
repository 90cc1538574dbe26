# SPDX-License-Identifier: BSD-3-Clause
# What shell tests source: one TAP line a check, a folder that goes when the test ends.
#
#   . "$(dirname "$0")/../tap.sh"
#   check "what must hold" command arguments...
#   check "a longer thing" eval '[ "$(wc -l <"$work/err")" = 1 ]'
#   done_testing
set -u
build=$(cd "${BUILD:-build/release}" && pwd)
medprobe=$build/bin/medprobe
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tap_count=0
check() {
  tap_count=$((tap_count + 1))
  if ("${@:2}") >"$work/tap.log" 2>&1; then
    echo "ok $tap_count - $1"
  else
    echo "not ok $tap_count - $1"
    sed 's/^/# /' "$work/tap.log" | head -n 20
  fi
}
skip() { # skip "what" "reason"
  tap_count=$((tap_count + 1))
  echo "ok $tap_count - $1 # SKIP $2"
}
# refuses STATUS "text in the line" command...: exit status, exactly one line on stderr with the text, nothing on stdout
refuses() {
  "${@:3}" >"$work/refused.out" 2>"$work/refused.err"
  local status=$?
  cat "$work/refused.err"
  [ $status = "$1" ] && [ "$(wc -l <"$work/refused.err")" = 1 ] && grep -qF -- "$2" "$work/refused.err" &&
    [ ! -s "$work/refused.out" ]
}
done_testing() { echo "1..$tap_count"; }
