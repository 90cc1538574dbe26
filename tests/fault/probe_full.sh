#!/usr/bin/env bash
# Protects: probe when files cannot grow: one line that names the file, and nothing left, whichever file it was.
#
# Fault once planted and seen: the folder of an unfinished run left where it is.
. "$(dirname "$0")/../tap.sh"
cd "$work" || exit 1
"$build/tools/make_store" data.h5 patients=40 pictures=3
limited() { ( ulimit -f "$1"; shift; exec "$medprobe" probe data.h5 --quiet -o run "$@" ); }
nothing_left() { [ ! -e run ] && [ ! -e run.partial ]; }
check "draws.h5" eval 'refuses 1 "draws.h5" limited 40 --shots 1,2,4,8 --seeds 100 && nothing_left'
check "predictions.h5" eval 'refuses 1 "predictions.h5" limited 30 --shots 1 --seeds 20 && nothing_left'
check "a folder that cannot be made" eval 'echo >file && refuses 1 "file: cannot make the folder" "$medprobe" probe data.h5 --quiet -o file/run'
check "and without a limit" eval 'limited unlimited --shots 1 --seeds 2 >/dev/null && [ -e run/results.json ]'
done_testing
