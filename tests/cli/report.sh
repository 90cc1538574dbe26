#!/usr/bin/env bash
# Protects: report: from a run folder alone, one or many runs, every format, and the wrong uses.
. "$(dirname "$0")/../tap.sh"
cd "$work" || exit 1
"$build/tools/make_store" a.h5 patients=40 classes=2 >/dev/null && "$build/tools/make_store" b.h5 patients=40 classes=3 seed=2 >/dev/null
check "a run of two classes" "$medprobe" probe a.h5 --shots 1,4 --seeds 3 -o one
check "a run of three classes" "$medprobe" probe b.h5 --shots 2 --seeds 2 -o two
rm -f a.h5 one/report.html one/report.md one/tables/*.tex

check "the report needs neither store nor predictions" eval 'rm one/predictions.h5 one/draws.h5 && "$medprobe" report one/'
check "it prints where it is" eval '[ "$("$medprobe" report one)" = one/report.html ]'
check "the page fetches nothing" eval '! grep -qE "src=|href=\"http|url\(|@import|<script" one/report.html'
check "the page says research use and the rule for C" eval 'has -i "research use" one/report.html && has support-cv one/report.html'
check "figures are SVG and PDF with data" eval '
  command -v gnuplot >/dev/null || exit 1
  for f in shots roc confusion; do for e in svg pdf csv gp; do [ -s one/figures/$f.$e ] || { echo $f.$e; exit 1; }; done; done'
check "a figure can be drawn again" eval '(cd one/figures && rm roc.svg && gnuplot roc.gp && [ -s roc.svg ])'
# The PDF said when it was drawn.
check "the same run gives the same figures" eval '
  "$medprobe" report one -o again && "$medprobe" report one -o again2 && for f in shots roc confusion; do for e in svg pdf csv gp; do
    cmp again/figures/$f.$e again2/figures/$f.$e || exit 1; done; grep -a -q "CreationDate (D:19700101" again/figures/$f.pdf || exit 1; done'
check "numbers in Markdown are those of results.json" eval '
  want=$(grep -m1 "\"shots\": 4, \"metric\": \"accuracy\"" one/results.json | sed -E "s/.*\"mean\": ([0-9.]+).*/\1/" | awk "{printf \"%.3f\", \$1}") &&
  grep -E "^\| logreg \| 4 " one/report.md | grep -qF "$want"'
check "without gnuplot there are tables and a line that says so" eval '
  mkdir bare && for p in sh; do ln -s "$(command -v $p)" bare/; done
  PATH=$work/bare "$medprobe" report one -o nofig 2>err && [ -s nofig/report.html ] && has "gnuplot is missing" err && ! grep -q "<svg" nofig/report.html'
check "many runs in one report" eval '"$medprobe" report one two -o both && has ">one<" both/report.html && has ">two<" both/report.html'
check "LaTeX only" eval '"$medprobe" report one -o tex --format tex && [ -s tex/tables/headline.tex ] && [ ! -e tex/report.html ]'
check "many runs without a folder" refuses 2 "need a folder" "$medprobe" report one two
# Planted by nobody: `report one -o two` gave two the page and the tables of one, and left its results.json.
check "another run keeps its report" eval 'cp two/report.md before &&
  refuses 2 "two: is the folder of another run" "$medprobe" report one -o two && refuses 2 "is the folder of another run" "$medprobe" report one two -o two &&
  cmp before two/report.md && "$medprobe" report two -o ./two/'
# A single comparison column without anything to compare, "no text embeddings" in a store that has them, "interval over draws and test patients" where
# nobody was drawn, and two lines on every metric that a missing class leaves undefined were all in earlier reports.
check "a run without zero-shot and without resamples says so" eval '"$medprobe" probe b.h5 --method logreg --shots 1,7 --seeds 3 --resamples 0 -o three &&
  has "over draws only" three/report.md && has "No zero-shot among the methods" three/report.md && ! grep -qE "Holm|text embeddings|: not known" three/report.md &&
  has "set xtics (1, 7)" three/figures/shots.gp'
check "the positive class is named" eval 'has "reaches an AUC (positive: " one/report.md && has "ROC, positive: " one/figures/roc.gp'
check "an unknown format" refuses 2 "no format 'docx' (there are html, md, csv, tex)" "$medprobe" report one --format docx
check "no run" refuses 1 "is no finished run" "$medprobe" report both
check "a broken results.json" eval 'mkdir bad && head -c 300 one/results.json >bad/results.json && refuses 1 bad/results.json "$medprobe" report bad'
done_testing
