#!/usr/bin/env bash
# Protects: what people type first: no command, a misspelt one, an empty variable, keys of one command in the project file of
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
cd "$work" || exit 1

check "a folder that is not there is found out first" refuses 2 "--out none/x.h5: there is no folder none" extract --manifest p/manifest.csv -o none/x.h5
check "a wrong root leaves nothing, so the right one just runs" eval '
  refuses 1 "none/images/" extract -q --manifest p/manifest.csv --root none -o x.h5 && [ ! -e x.h5.work ] &&
  extract -q --manifest p/manifest.csv --prompts m/prompts.yaml -o x.h5'
check "options of the tokenizer are numbers and booleans" eval '
  has -aF "\"lower_case\": true, \"max_length\": 20, " x.h5 && ! grep -qaF "\"20\"" x.h5'
digest=$(sha256sum m/weights.safetensors | cut -d" " -f1) other=$(printf 0%.0s {1..64})
card() { sed "s/role: weights, name: weights.safetensors/&, sha256: $1/; s/role: vocab, name: vocab.txt/&, sha256: $2/" m/tiny.yaml >card.yaml; }
own() { "$medprobe" extract --model ./card.yaml --weights m/weights.safetensors --manifest p/manifest.csv --prompts m/prompts.yaml "$@"; }
card "$other" "$other"
check "weights and vocabulary of one's own are said" eval '
  own -o own.h5 2>said && has "weights.safetensors: is not the published weights of tiny" said &&
  has "vocab.txt: is not the published vocabulary of tiny" said && has -aF "sha256:${digest:0:12}" own.h5'
card "$digest" "$(sha256sum m/vocab.txt | cut -d" " -f1)"
check "the published ones are not" eval 'own -o published.h5 2>said && ! grep -q "is not the published" said && has -aw published published.h5'

"$medprobe" probe x.h5 -q --shots 4 --seeds 1 --resamples 0 --save-probes -o run >table && mkdir thesis && echo mine >thesis/report.html && touch thesis/chapter.tex
check "the table does not promise intervals that are not there" has "means, no intervals" table
check "the positive class is said by probe" eval '"$medprobe" probe x.h5 --shots 4 --seeds 1 --resamples 0 -o one 2>said >one.txt; has -G "positive class: .tuberculosis" said && has " 1 episode, " one.txt'
check "a report is not written among other files" refuses 2 "thesis: exists and is no folder of a report or run" "$medprobe" report run -o thesis
check "which keep their bytes" [ "$(cat thesis/report.html)" = mine ]
check "a report over a report" eval '"$medprobe" report run one -o both && "$medprobe" report run one -o both'
check "a run given twice" refuses 2 "run: stands twice" "$medprobe" report run run/ -o twice
check "weights given as the model" refuses 1 "m/weights.safetensors: is a weight file that does not say what model it is, as OpenAI's CLIP files do (--model NAME --weights FILE" \
  "$medprobe" extract --model m/weights.safetensors --manifest p/manifest.csv -o y.h5
check "a name that was meant as a path" refuses 2 "a path is written ./m" "$medprobe" extract --model m --manifest p/manifest.csv -o y.h5
check "an unknown probe is answered with those there are" refuses 2 "no probe 'logreg/k4/s9' (did you mean 'logreg/k4/s1'?)" \
  "$medprobe" eval --probes run/probes.h5 --probe logreg/k4/s9 x.h5
check "an unknown split too" refuses 2 "no split 'tst' (there are 'train', " "$medprobe" eval --probes run/probes.h5 --split tst x.h5
check "predictions are no probes" refuses 1 "run/predictions.h5: no probes in it" "$medprobe" eval --probes run/predictions.h5 x.h5
check "what is not defined is a dash, with no interval" eval '"$medprobe" eval x.h5 --predictions run/predictions.h5 >out && ! grep -qi nan out && has -G " -  *-  *-  *[0-9]*  *[0-9]*$" out'
printf 'path;label\na.png;b\n' >semicolon.csv
check "a table of semicolons" refuses 1 "fields are separated by commas" extract --manifest semicolon.csv -o y.h5

# Faults seen (the program before): 5 GB of zeros as a manifest or vocabulary were read to the end, and as a store
# searched for a minute.
truncate -s 5G zeros
small() { (ulimit -t 50 && "$@"); }
check "gigabytes that are no table" refuses 1 "zeros: has 5368709120 bytes, at most" small extract --manifest zeros -o y.h5
check "nor a vocabulary" refuses 1 "zeros: has 5368709120 bytes, at most" small extract --manifest p/manifest.csv --prompts m/prompts.yaml --vocab zeros -o y.h5
check "nor a store" refuses 1 "zeros: is no HDF5 file" small "$medprobe" probe zeros
check "nor draws" refuses 1 "zeros: is no HDF5 file" small "$medprobe" probe -q x.h5 --draws zeros
check "a help page that cannot be printed is no success" eval '! "$medprobe" --help >/dev/full'
check "none of these left anything" [ ! -e y.h5 ] && [ ! -e y.h5.work ]
done_testing
