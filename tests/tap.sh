# SPDX-License-Identifier: BSD-3-Clause
# What shell tests source: one TAP line a check, a folder that goes when the test ends.
#
#   . "$(dirname "$0")/../tap.sh"
#   check "what must hold" command arguments...
#   check "a longer thing" eval 'medprobe ... >out && same 1 "$(wc -l <out)" && has "text" out'
#   done_testing
#
# Given: $root, $build, $medprobe, $work. A check that fails shows its command, the exit status, what was printed, and
# its last steps with the values that they had (bash's trace). ONLY=PATTERN prints the checks of such names alone; the
# others run too, since what one makes the next may need, and numbers stay what they are.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build/release}" && pwd) || exit 1
medprobe=$build/bin/medprobe
work=$(mktemp -d ${tap_folder:+-p "$tap_folder"}) || exit 1
trap 'rm -rf "$work"' EXIT
tap_count=0
exec {BASH_XTRACEFD}>>"$work/tap.trace"

# tap_line STATUS "what" "command": the line, and what there is to say when it failed
tap_line() {
  tap_count=$((tap_count + 1))
  # shellcheck disable=SC2053 # a pattern
  [[ $2 == ${ONLY:-*} ]] || return 0
  if [ "$1" = 0 ]; then echo "ok $tap_count - $2"; return; fi
  echo "not ok $tap_count - $2"
  {
    [ -z "$3" ] || echo "command: $3"
    echo "exit status: $1"
    [ ! -s "$work/tap.log" ] || { echo "printed:"; head -n 20 "$work/tap.log"; }
    [ ! -s "$work/tap.trace" ] || { echo "last steps:"; grep -vE '^\++ (local( status=[0-9]+)? -( .*)?|set \+x)$' "$work/tap.trace" | tail -n 8; }
  } | cut -c 1-400 | sed 's/^/# /'
}
check() { # check "what" command...
  local - status what=$1
  set +x
  shift
  : >"$work/tap.trace"
  (set -x; "$@") >"$work/tap.log" 2>&1
  status=$?
  tap_line $status "$what" "$*"
}
# ok "what": the status of the command before it, for scripts that write their steps line by line. With `set -x` at the
# top of the script a failure shows them; $tap_shown names files to show as well.
ok() {
  local status=$? -
  set +x
  cat ${tap_shown:-/dev/null} >"$work/tap.log" 2>/dev/null
  tap_line $status "$1" ""
  : >"$work/tap.trace"
}
skip() { # skip "what" "reason"
  local -
  set +x
  tap_count=$((tap_count + 1))
  echo "ok $tap_count - $1 # SKIP $2"
}
# refuses STATUS "text in the line" command...: exit status, exactly one line on stderr with the text, nothing on stdout
refuses() {
  "${@:3}" >"$work/refused.out" 2>"$work/refused.err"
  local status=$? -
  set +x
  [ $status = "$1" ] && [ "$(wc -l <"$work/refused.err")" = 1 ] && grep -qF -- "$2" "$work/refused.err" &&
    [ ! -s "$work/refused.out" ] && return
  echo "expected: exit status $1, nothing on stdout, one line on stderr with: $2"
  echo "came:     exit status $status, $(wc -c <"$work/refused.out") bytes on stdout, $(wc -l <"$work/refused.err") lines on stderr:"
  cat "$work/refused.err"
  return 1
}
same() { # same EXPECTED CAME
  local -
  set +x
  [ "$1" = "$2" ] && return
  printf 'expected: %s\ncame:     %s\n' "$1" "$2"
  return 1
}
has() { # has [OPTIONS OF grep] "text" FILE: a line of the file has the text (a pattern with -E, -G or -x)
  local - how=-F
  set +x
  [[ $1 != -* ]] || { how=$1; shift; }
  grep -q "$how" -- "$1" "$2" && return
  printf 'expected in %s: %s\ncame:\n' "$2" "$1"
  head -n 10 "$2"
  return 1
}
done_testing() { echo "1..$tap_count"; }
