#!/usr/bin/env bash
# Protects: probe on made-up stores: what a run folder holds, that its bytes depend on nothing but the store and the options, that
# draws can be given back, and that a run that was cut off goes on.
#
# Faults seen by these tests (planted): scores written in the order in which threads finish; the query rows of a run
# without a split shared by its episodes. Faults that were there: 70 shots that were 60, --group none beside known patients and
# rows without a label without a word; draws given back called drawn by medprobe; "run again to go on" where nothing was kept.
. "$(dirname "$0")/../tap.sh"
make_store=$build/tools/make_store
cd "$work" || exit 1
mkdir bin && for p in cmp cp diff env grep sed mkdir rm mv cat wc head tail sleep kill touch ls sort; do ln -s "$(command -v $p)" bin/; done
export PATH=$work/bin # no gnuplot: figures take a second a run
"$make_store" data.h5 patients=40 pictures=3 separation=0.3
"$make_store" whole.h5 splits=0 classes=3 patients=24
"$make_store" images.h5 text=0
probe() { "$medprobe" probe "$@"; }
same_run() { # the files of two runs are equal, results.json but for environment, and the report and shots.csv, which name the run
  for f in draws.h5 predictions.h5 ${3:-}; do cmp "$1/$f" "$2/$f" || return 1; done
  diff <(sed '/^"environment"/,$d' "$1/results.json") <(sed '/^"environment"/,$d' "$2/results.json") &&
    diff -r "$1/tables" "$2/tables" && diff -r -x shots.csv "$1/figures" "$2/figures"
}

check "a run" eval 'probe data.h5 --shots 1,2,4 --seeds 3 --save-probes -o a >table 2>log'
check "holds what the documentation says" eval '
  for f in config.yaml draws.h5 predictions.h5 probes.h5 results.json report.html report.md tables figures; do [ -e a/$f ] || exit 1; done
  [ ! -e a.partial ]'
check "prints a table of at most 16 lines of at most 100 columns" eval '
  [ "$(wc -l <table)" -le 16 ] && ! grep -qE ".{101}" table && has -G "^zero-shot" table && has -G "^logreg  *4 " table'
check "says every line with its name, the rule of one shot among them" eval '
  ! grep -v "^medprobe: probe: " log && has "C = 1 in 3 episodes" log'
check "counts what was drawn as the table does" eval 'has "3 numbers of shots x 3 seeds; k1/s1 is scored on" log && ! grep -q " fits" log'
check "no path of the machine outside config.yaml" eval '! grep -rqF "$work" a/draws.h5 a/predictions.h5 a/probes.h5 a/report.md a/tables'
check "the same bytes with one thread and with three" eval '
  probe data.h5 --shots 1,2,4 --seeds 3 --save-probes -o b --threads 1 -q >/dev/null &&
  probe data.h5 --shots 1,2,4 --seeds 3 --save-probes -o c --threads 3 -q >/dev/null && same_run a b probes.h5 && same_run a c probes.h5'
check "config.yaml makes the run again" eval 'probe --config a/config.yaml -o d -q >/dev/null && same_run a d probes.h5 && diff a/config.yaml d/config.yaml'
check "draws given back give the same scores" eval '
  probe data.h5 --draws a/draws.h5 -o e -q >/dev/null && cmp a/draws.h5 e/draws.h5 && cmp a/predictions.h5 e/predictions.h5'
check "shots and seeds select among draws" eval '
  probe data.h5 --draws a/draws.h5 --shots 4 --seed 2 -o f -q >/dev/null &&
  probe data.h5 --shots 4 --seed 2 -o g -q >/dev/null && cmp f/draws.h5 g/draws.h5 && cmp f/predictions.h5 g/predictions.h5'
check "a store without a split" eval '
  probe whole.h5 --shots 2 --seeds 3 -o h -q >/dev/null && probe whole.h5 --draws h/draws.h5 -o i -q --threads 3 >/dev/null &&
  cmp h/draws.h5 i/draws.h5 && cmp h/predictions.h5 i/predictions.h5'
check "zero-shot is left out with a line where there is no text" eval '
  probe images.h5 --shots 2 --seeds 2 -o j >table 2>log && has "zero-shot left out" log && ! grep -q "^zero-shot" table'
check "a project file is enough" eval '
  mkdir project && cd project && printf "manifest: m.csv\nmodel: medclip-vit\nstore: ../data.h5\nresults: results/run\nshots: [2]\nseeds: 2\n" >medprobe.yaml &&
  probe -q >/dev/null && [ -e results/run/results.json ]'
check "--json prints results.json" eval 'probe data.h5 --shots 2 --seeds 2 -o k --json -q >json && cmp json k/results.json'
check "without -o it is results/<store>" eval 'probe data.h5 --shots 2 --seeds 2 -q >/dev/null && [ -e results/data/results.json ]'
check "the oracle is called one" eval '
  probe data.h5 --shots 2 --seeds 2 --c-rule oracle -o l >table 2>log && has oracle log && has oracle table && has "\"c_rule\": \"oracle\"" l/results.json &&
  has oracle l/report.md'
# Fault that was there: with one picture a class no C is chosen, and yet "C was chosen on the full validation split".
check "but not where it chose nothing" eval '
  probe data.h5 --shots 1 --seeds 2 --c-rule oracle -o w >/dev/null 2>log && has "C = 1 in 2 episodes with one picture or patient a class: C is not chosen there" log &&
  ! grep -q "was chosen on the full" log w/report.md w/results.json'
check "a fixed C stands in the results" eval 'probe data.h5 --shots 2 --seeds 2 --c-rule fixed --c 0.3 -o m -q >/dev/null && has -G "\"c\": 0.2999999999999999[0-9]*" m/results.json'
check "short classes are taken whole when allowed" eval '
  probe data.h5 --shots 2,70 --seeds 2 --allow-short -o n >/dev/null 2>log && has -G "\"support_pictures\": \[4, *120\]" n/results.json'
check "and how few there were is said, kept and reported" eval '
  has "warning: 70 labelled pictures a class were asked for; a class has only 60 in an episode" log && ! grep -q "warning: 2 labelled" log &&
  has -G "\"support_least_a_class\": \[2, *60\]" n/results.json && has "120 pictures in all instead of 140" n/report.md'
check "patients that are known and not looked at are spoken of" eval '
  probe data.h5 --shots 2 --seeds 2 --group none -o r >/dev/null 2>log && has "warning: The store knows 80 patients and --group none does not look at them" log &&
  [ "$(grep -c "not look" log)" = 1 ] &&
  has "\"store_patients\": 80" r/results.json && has "The store knows 80 patients" r/report.md'
check "rows without a label and pictures that failed are counted" eval '
  "$make_store" unlabelled.h5 unlabelled=5 failures=3 && probe unlabelled.h5 --shots 2 --seeds 2 -o s >/dev/null 2>log && has -G " 5 of [0-9]* pictures have no label and are not used" log &&
  has "warning: 3 pictures could not be used by extract" log && has "\"unlabelled\": 5" s/results.json && has "\"failures\": 3" s/results.json && has "3 pictures could not be read" s/report.md'
check "given draws are not called drawn by a protocol" eval 'has "\"protocol\": \"medprobe\"" a/results.json && has "\"protocol\": \"given draws\"" e/results.json'
check "a C at the edge of the candidates is said" eval '
  "$make_store" easy.h5 separation=5 && probe easy.h5 --shots 8 --seeds 2 --method logreg -o t >/dev/null 2>log && has -G "C is the largest candidate, 1000, in [12] of the 2 episodes" log &&
  has "the largest candidate" t/report.md'
check "what was done is said by the rows of the tables" eval '
  has "A logistic regression (L2) is fitted on the embeddings" a/report.md && has "follows the rule support-cv, which sees the labelled pictures only" a/report.md &&
  has "\"openblas_core\": \"" a/results.json'
check "patients and pictures of the support are counted" eval '
  probe data.h5 --shots 30 --seeds 2 -o o -q >/dev/null && has -G "\"support_pictures\": \[60\]" o/results.json && has -G "\"support_patients\": \[40\]" o/results.json'

check "an existing run is refused" refuses 2 "a: this run exists (--force replaces it" probe data.h5 -o a
check "--force replaces it and leaves other files" eval '
  touch a/notes.txt && probe data.h5 --shots 2 --seeds 2 -o a --force -q >/dev/null && [ -e a/notes.txt ] && [ ! -e a/probes.h5 ] && same_run a k'
check "a run without results.json goes on" eval 'rm c/results.json && probe --config c/config.yaml -o c -q >/dev/null && same_run b c probes.h5'
check "but not as another run" eval 'rm c/results.json && refuses 2 "an unfinished run with other options" probe data.h5 -o c -q'
mkdir other && echo mine >other/file
check "a folder that is no run is never taken" eval 'refuses 2 "other: exists and is no run folder" probe data.h5 -o other --force && [ "$(ls other)" = file ]'
check "killed at any moment it leaves nothing under its name, and goes on" eval '
  for wait in 0.02 0.05 0.1 0.2; do
    "$medprobe" probe data.h5 --shots 1,2,4 --seeds 300 -o p -q >/dev/null & pid=$!
    sleep $wait; kill -KILL $pid; wait $pid
    [ ! -e p ] || [ -e p/results.json ] || exit 1
  done
  rm -rf p && probe data.h5 --shots 1,2,4 --seeds 3 --save-probes -o p -q >/dev/null && same_run b p probes.h5 && [ ! -e p.partial ]'
check "a signal ends it in order" eval '
  "$medprobe" probe data.h5 --shots 8 --seeds 20000 -o q -q >/dev/null 2>err & pid=$!
  set +x
  until [ -e q.partial/draws.h5 ]; do kill -0 $pid || exit 1; done
  set -x
  kill -TERM $pid; wait $pid; status=$?
  cat err; [ $status = 75 ] && has "interrupted after" err && has "nothing is kept: run again to start anew" err && [ "$(wc -l <err)" = 1 ] && [ ! -e q ] && [ ! -e q.partial ]'
done_testing
