#!/usr/bin/env bash
# Protects: docs/GUIDE.md, step by step: what it shows is what is printed (rates and the last digits of results excepted, which
# depend on the machine).
#
# Fault seen by this test: a line of the guide's extract that said 999 pictures.
. "$(dirname "$0")/../tap.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
export MEDPROBE_HOME=$root/configs
cd "$work" || exit 1
shown() { grep -qxF -- "$1" "$root/docs/GUIDE.md" || { echo "not in the guide: $1"; return 1; }; }
# Every line of a file stands in the guide; rates are taken as the guide has them.
all_shown() { sed -E 's|, [0-9.]+/s$|, RATE|' "$1" | while IFS= read -r line; do
  sed -E 's|, [0-9.]+/s$|, RATE|' "$root/docs/GUIDE.md" | grep -qxF -- "$line" || { echo "not in the guide: $line"; exit 1; }; done; }

"$build/tools/phantom" --quiet --out pictures --pictures 1000 --seed 7 --size 256-384 --formats jpeg,png8,png16 || exit 1
check "init" eval '"$medprobe" init pictures/ >out && all_shown out'
sed -i 's/^model: .*/model: demo-phantom/; s/^prompts: .*/prompts: demo-phantom/' medprobe.yaml
check "extract" eval '"$medprobe" extract 2>out && all_shown out'
check "probe" eval '"$medprobe" probe --shots 1,4,16 --save-probes 2>out >table && all_shown out'
check "its table, but for the numbers" eval 'shown "$(sed -n 1p table)" && shown "$(sed -n 2p table)" && [ "$(wc -l <table)" = 6 ]'
check "the run again by its config" eval '
  "$medprobe" probe -q --config results/run/config.yaml -o results/again >again && cmp table again && cmp results/run/draws.h5 results/again/draws.h5 && diff -r -x shots.csv results/run/figures results/again/figures'
check "another rule, and a report of both" eval '
  "$medprobe" probe -q --c-rule fixed --c 1 -o results/c1 >out && "$medprobe" report results/run results/c1 -o compare'
check "a saved probe on a store" "$medprobe" eval --probes results/run/probes.h5 --probe logreg/k16/s1 data.h5
check "the guide is under 200 lines" [ "$(wc -l <"$root/docs/GUIDE.md")" -lt 200 ]
done_testing
