#!/usr/bin/env bash
# Protects: what probe refuses: one line, the right exit code, nothing under -o.
#
# Fault once planted and seen: the leak check between splits left out (the patient of leak.h5 then passes, since the draw
# of the first seeds does not take it).
. "$(dirname "$0")/../tap.sh"
make_store=$build/tools/make_store
cd "$work" || exit 1
"$make_store" data.h5 patients=40 pictures=3
"$make_store" leak.h5 leak_split=1
"$make_store" twin.h5 twin=1 patients=4
"$make_store" nan.h5 nan=1 unlabelled=3
"$make_store" anonymous.h5 ids=0
"$make_store" images.h5 text=0
"$make_store" lacking.h5 no_prompts=1
"$make_store" one.h5 classes=1
"$make_store" whole.h5 splits=0 patients=6
"$make_store" pairs.h5 similarity=none-such
"$make_store" few.h5 splits=0 patients=1 pictures=9 rare=0
probe() { "$medprobe" probe "$@" -q -o run; }
refused() { refuses "$1" "$2" probe "${@:3}" && [ ! -e run ] && [ ! -e run.partial ]; }

check "no store" refused 2 "a store is missing"
check "a store that is not there" refused 1 "nowhere.h5" nowhere.h5
check "a table is no store yet" refused 2 "my.csv: is no store (extract writes one from a table: medprobe extract --manifest my.csv" my.csv
check "a file that is no store" eval 'echo text >text.h5 && refused 1 "text.h5" text.h5'
check "an unknown method" refused 2 "no method 'logred' (did you mean 'logreg'?)" data.h5 --method logred
check "a method twice" refused 2 "logreg stands twice" data.h5 --method logreg,logreg
check "an unknown protocol" refused 2 "'medprobes' is not one of medprobe" data.h5 --protocol medprobes
check "shots that are no number" refused 2 "--shots: '1.5' (expected whole numbers from 1" data.h5 --shots 1.5
check "a blank after a comma is named" refused 2 "--shots: ' 2' has a blank (no blanks around commas)" data.h5 --shots "1, 2"
check "no shots" refused 2 "--shots: '0'" data.h5 --shots 0
check "shots twice" refused 2 "--shots: 4 stands twice" data.h5 --shots 4,2,4
check "seeds in two ways" refused 2 "--seed and --seeds together" data.h5 --seeds 3 --seed 1
check "a C that nobody asked for" refused 2 "--c is used by --c-rule fixed only (the rule is 'support-cv')" data.h5 --c 1
check "a fixed C without C" refused 2 "--c-rule fixed needs --c" data.h5 --c-rule fixed
check "a C below 0" refused 2 "expected a number above 0" data.h5 --c-rule fixed --c -1
check "a rule that does not exist" refused 2 "support-cv" data.h5 --c-rule cv
check "a validation split that is not used" refused 2 "--val-split is used by --c-rule oracle only" data.h5 --val-split val
check "an unknown split" refused 2 "no split 'training' (there are 'train', 'val', 'test'; choose one with --train-split)" data.h5 --train-split training
check "one split on both sides" refused 2 "both 'test'" data.h5 --train-split test
check "the oracle without splits" refused 2 "no splits in the store" whole.h5 --c-rule oracle
check "too few pictures" refused 1 "k70/s1: class 'normal': 60 of 70 pictures for the support; split 'train' has 60 pictures of 20 patients (the most that --shots can be here is 60; --allow-short takes what there is)" data.h5 --shots 70
check "the number that it names works" eval 'probe data.h5 --shots 60 --seeds 10 --method logreg --c-rule fixed --c 1 --resamples 0 >/dev/null && rm -r run'
check "half is left where there is no split" refused 1 "6 of 8 pictures for the support; the store has 12 pictures of 6 patients, of whom at most half, 3, may be drawn" whole.h5 --shots 8
check "one patient has everything" refused 1 "(no --shots will do: this class needs more patients)" few.h5 --shots 4
check "and --allow-short is no advice to somebody who gave it" refused 1 "(no --shots will do: this class needs more patients)" few.h5 --shots 4 --allow-short
check "no patients" refused 1 "no patients in the store (add a column patient_id and extract again; or --group none draws without patients)" anonymous.h5
check "no patients, asked for" eval 'probe anonymous.h5 --group none --shots 2 --seeds 2 >/dev/null && rm -r run'
check "zero-shot by name without text" refused 2 "no /text in the store, which zero-shot needs" images.h5 --method zero-shot
check "a class without prompts" refused 1 "class 'tuberculosis' has no prompts" lacking.h5
check "a similarity that is not known" refused 1 "similarity 'none-such'" pairs.h5
check "a single class" refused 1 "one class only, 'normal'" one.h5
check "a value that is no number" refused 1 "is not finite" nan.h5
check "a patient in two splits" refused 4 "patient 'P0000' is in two splits: id 'img_0000_0' (row 0) in 'train', id 'img_0000_1' (row 1) in 'test'" leak.h5 --shots 2
check "the same file on both sides" refused 4 "the same file on both sides: support id 'img_0000_0' (row 0)" twin.h5 --shots 4

probe_ok() { "$medprobe" probe data.h5 --shots 2 --seeds 2 -q -o given >/dev/null; }
check "draws to give back" probe_ok
check "draws with a split" refused 2 "--train-split with --draws" data.h5 --draws given/draws.h5 --train-split train
check "draws without these shots" refused 2 "none of its 2 episodes" data.h5 --draws given/draws.h5 --shots 16
# Fault that was there: row numbers of another store were taken for this one's.
check "draws of another store" refused 4 "given/draws.h5: its row numbers are those of another store" whole.h5 --draws given/draws.h5
check "draws that are no draws" refused 1 "no group with support and query" data.h5 --draws data.h5
check "val-shots without val rows" refused 1 "no val rows" data.h5 --draws given/draws.h5 --c-rule val-shots
check "draws without a look at patients" eval '"$medprobe" probe leak.h5 --shots 39 --seeds 1 --group none -q -o blind >/dev/null && mv blind/draws.h5 leak_draws.h5'
check "draws with a leak" refused 4 "a patient on both sides" leak.h5 --draws leak_draws.h5
done_testing
