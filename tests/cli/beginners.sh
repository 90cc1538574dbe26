#!/usr/bin/env bash
# What people type first: no command, a misspelt one, an empty variable, keys of one command in the project file of
# all, a folder that is not there. One line each, nothing half-written.
#
# Faults seen by these tests (the program before): a page of 14 lines for no command; `--out ""` found out after all
# pictures were done; `c: 1` in medprobe.yaml broke extract; "no option 'config' (did you mean 'config'?)".
. "$(dirname "$0")/../tap.sh"
tools=$build/tools
"$tools/tiny_medclip" "$work/m" && "$tools/phantom" --quiet --out "$work/p" --pictures 40 --size 48-64 --seed 5 || exit 1
"$tools/make_store" "$work/s.h5" || exit 1
cd "$work" || exit 1
extract() { "$medprobe" extract --model m/tiny.yaml --weights m/weights.safetensors "$@"; }

check "no command: one line with all of them" refuses 2 "a command is missing (there are extract, " "$medprobe"
check "a command that is none" refuses 2 "no command 'frobnicate' (there are extract, " "$medprobe" frobnicate
check "help of a command" eval '[ "$("$medprobe" help probe)" = "$("$medprobe" probe --help)" ]'
check "help of a command that is none" refuses 2 "did you mean 'probe'" "$medprobe" help prob
check "an empty value" refuses 2 "--out: is empty, expected STORE" extract --manifest p/manifest.csv -o ""
check "an empty operand" refuses 2 "argument 1 is empty, expected a store" "$medprobe" probe ""
echo "config: other.yaml" >c.yaml
check "a file that names another" refuses 1 "c.yaml: line 1: 'config' is for the command line only" "$medprobe" probe s.h5 --config c.yaml

mkdir project && cd project && printf 'store: ../s.h5\nresults: run\nc-rule: fixed\nc: 1\nshots: [4]\nseeds: 2\nresamples: 0\nsave-probes: true\nskip-errors: true\n' >medprobe.yaml
check "the project file speaks to probe and extract" refuses 2 "--model is missing" "$medprobe" extract
check "probe takes its keys" eval '"$medprobe" probe -q && [ -e run/probes.h5 ]'
check "report finds the run by it" eval '[ "$("$medprobe" report)" = run/report.html ]'
echo "shotss: 4" >>medprobe.yaml
check "but no unknown key" refuses 1 "medprobe.yaml: line 10: no option 'shotss'" "$medprobe" report
done_testing
