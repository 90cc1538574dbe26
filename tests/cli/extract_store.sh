#!/usr/bin/env bash
# Protects: extract and its store: the same bytes for any number of threads, any batch size and any order of interruption; what
# stands under -o is recognised, refused or replaced; bad pictures stop the run or are listed.
#
# Faults seen by these tests (planted once): records appended as threads finish instead of in order; group times in the
# store; a finished store taken as done although a picture had changed; an info line before a line of wrong use.
. "$(dirname "$0")/../tap.sh"
tools=$build/tools
"$tools/tiny_medclip" "$work/m" && "$tools/tiny_medclip" "$work/m2" 2 &&
  "$tools/phantom" --quiet --out "$work/p" --pictures 60 --size 48-96 --seed 5 --formats jpeg,png8,png16 || exit 1
model=(--model "$work/m/tiny.yaml" --weights "$work/m/weights.safetensors")
extract() { "$medprobe" extract "${model[@]}" --manifest "$work/p/manifest.csv" "$@"; }
full() { extract --prompts "$work/m/prompts.yaml" "$@"; }
cd "$work" || exit 1
check "extract" full --quiet --threads 1 -o one.h5
equal() { full --quiet -o other.h5 "$@" && cmp one.h5 other.h5 && rm other.h5; }
check "two threads give the same bytes" equal --threads 2
check "seven threads give the same bytes" equal --threads 7
check "batches of 1 give the same bytes" equal --threads 2 --batch-size 1
check "batches of 1000 give the same bytes" equal --threads 2 --batch_size 1000
check "portable kernels give the same bytes with one and three threads" eval \
  'export MEDPROBE_KERNEL=portable; full --quiet --threads 1 -o p1.h5 && full --quiet --threads 3 -o p3.h5 && cmp p1.h5 p3.h5 && rm p1.h5 p3.h5; status=$?; unset MEDPROBE_KERNEL; [ $status = 0 ]'
check "another locale gives the same bytes" eval 'export LC_ALL=de_DE.UTF-8; equal'
# Planted: "vocab.txt" written into the program, which the second card does not have.
mkdir -p mv && sed 's/name: vocab.txt/name: words.txt/' m/tiny.yaml >mv/tiny.yaml && cp m/vocab.txt mv/words.txt
check "--vocab takes the folder that the file lies in" equal --vocab m
check "where it has the card's name" equal --model mv/tiny.yaml --vocab mv
check "and no other" refuses 1 "mv/vocab.txt" full --vocab mv --quiet -o other.h5
check "only the store is left" [ ! -e one.h5.work ] && [ ! -e one.h5.tmp ]

check "a finished store of the same inputs is said to be there" eval \
  'full -o one.h5 2>&1 | grep -q "is there already" && full --quiet -o one.h5'
cp one.h5 kept.h5
check "another model is refused by name" refuses 1 "made with other --weights (SHA-256 " \
  full --weights "$work/m2/weights.safetensors" -o one.h5 --quiet
check "another pipeline is refused by name" refuses 1 "made with another --pipeline, --grey16, --orientation or --resize-order: name 'small', this command has 'other'" full --pipeline other -o one.h5 --quiet
check "another policy of grey is refused by name" refuses 1 "--resize-order: grey16 'auto', this command has 'clip'" full --grey16 clip -o one.h5 --quiet
check "another pooling is refused by name" refuses 1 "--text-pooling: pooling 'layers-1-2-last', this command has 'pooler'" full --text-pooling pooler -o one.h5 --quiet
sed 's/clear/clean/' m/prompts.yaml >clean.yaml
check "another prompt set is refused by name" refuses 1 "made with another text of prompt set 'tiny' (--prompts)" \
  extract --prompts clean.yaml -o one.h5 --quiet
check "prompts left out are refused by name" refuses 1 "made with prompt set 'tiny', this command has none (--prompts)" extract -o one.h5 --quiet
sed '3s/train/test/' p/manifest.csv >p/split.csv
check "another manifest is refused by line and column" refuses 1 "line 3 of p/split.csv: split was 'train', is 'test'" \
  full --manifest p/split.csv -o one.h5 --quiet
# Planted: without the comparison of labels the whole table was blamed, no row.
sed '5s/,normal,/,other,/; 5s/,tuberculosis,/,normal,/; 5s/,other,/,tuberculosis,/' p/manifest.csv >p/label.csv
check "a changed label is refused by line" refuses 1 "line 5 of p/label.csv: label was '" full --manifest p/label.csv -o one.h5 --quiet
check "classes in another order are no other row" refuses 1 \
  "with classes in another order (--classes, --positive): number 1 was 'normal', is 'tuberculosis'" \
  full --positive normal -o one.h5 --quiet
head -n 11 p/manifest.csv >p/short.csv
check "fewer rows are counted" refuses 1 "made with 60 rows, this command has 10 (--manifest, --limit)" \
  full --manifest p/short.csv -o one.h5 --quiet
# Every way in which two tables differ, each with its own reason. Faults seen (the program before): targets and columns that
# are carried along were "classes in another order ... or other values", rows in another order an id that was another.
differs() { # differs "words" AWK-PROGRAM [OPTION...]: the program changes $1 path, $2 id, $3 label, $7 age, ...
  local words=$1 program=$2
  shift 2
  awk -F, -v OFS=, "$program" p/manifest.csv >p/d.csv
  refuses 1 "one.h5: is a finished store, made $words" full --manifest p/d.csv -o "${store:-one.h5}" --quiet "$@"
}
check "a path" differs "with another table: line 4 of p/d.csv: path was 'images/" 'NR == 4 { $1 = "images/x.png" } 1'
check "an id" differs "with another table: line 4 of p/d.csv: id was 'p" 'NR == 4 { $2 = "x" } 1'
check "a patient" differs "with another table: line 4 of p/d.csv: patient_id was 'p" 'NR == 4 { $4 = "x" } 1'
check "a label that is blank" differs "with another table: line 4 of p/d.csv: label was '" 'NR == 4 { $3 = "" } 1'
check "a number" differs "with another table: line 4 of p/d.csv: age was '" 'NR == 4 { $7 = 17.5 } 1'
check "a number that is blank" differs "with another table: line 4 of p/d.csv: age was '" 'NR == 4 { $7 = "" } 1'
check "a word" differs "with another table: line 4 of p/d.csv: site was 'site-" 'NR == 4 { $9 = "x" } 1'
check "numbers that have become words" differs "with another table: column 'age' of p/d.csv held numbers, holds text" 'NR == 4 { $7 = "x" } 1'
check "a column more" differs "without a column 'ward', which p/d.csv has" '{ print $0, NR == 1 ? "ward" : 1 }'
check "a column less" differs "with a column 'age', which p/d.csv lacks" '{ $7 = NR == 1 ? "" : $7 } 1'
check "a column of targets" differs "without --labels, this command has --labels effusion,nodules" 1 --labels effusion,nodules
check "a row less in the middle" differs "with 60 rows, this command has 59 (--manifest, --limit): they part at line 4 of p/d.csv" 'NR != 4'
check "rows in another order" differs "with another table: the rows stand in another order from line 3 of p/d.csv on" \
  'NR == 3 { kept = $0; next } 1; NR == 4 { print kept }'
check "columns in another order" differs "with another table: it differs in the order of its columns, in empty columns (" \
  '{ kept = $7; $7 = $6; $6 = kept } 1'
full --quiet --labels effusion,nodules -o targets.h5
check "a target" eval 'awk -F, -v OFS=, "NR == 4 { \$15 = -1 } 1" p/manifest.csv >p/d.csv;
  refuses 1 "with another table: line 4 of p/d.csv: effusion was '"'0', is '-1'"'" full --manifest p/d.csv --labels effusion,nodules -o targets.h5 --quiet'
check "other targets" refuses 1 "made with --labels effusion,nodules, this command has nodules" full --labels nodules -o targets.h5 --quiet
check "targets left out" refuses 1 "made with --labels effusion,nodules, this command has none" full -o targets.h5 --quiet

# Fault seen (the program before): "made with another --vocab or --text-pooling: ''" for prompts that were added.
extract --quiet -o bare.h5
check "prompts added" refuses 1 "made without prompts, this command has prompt set 'tiny' (--force makes it anew" full -o bare.h5 --quiet
check "a class more" refuses 1 "made with 2 classes, this command has 3 (column 'label', --classes)" \
  extract --classes normal,tuberculosis,mass -o bare.h5 --quiet
extract --quiet --classes normal,tuberculosis,mass -o bare.h5 --force
check "another class" refuses 1 "made with other classes (column 'label', --classes): number 3 was 'mass', is 'lesion'" \
  extract --classes normal,tuberculosis,lesion -o bare.h5 --quiet
check "none of that touched the store" cmp one.h5 kept.h5
first=$(sed -n 2p p/manifest.csv | cut -d, -f1)
cp "p/$first" first.bak && printf x >>"p/$first"
check "a changed picture is refused by path" refuses 1 "picture $work/p/$first has changed" full -o one.h5 --quiet
mv first.bak "p/$first"
check "--force makes it anew" eval 'full --quiet --force --pipeline other -o one.h5 && ! cmp -s one.h5 kept.h5'
cp kept.h5 one.h5

echo "my notes" >notes.txt
check "a file that is no store is never replaced" refuses 1 "is no store of medprobe, so it is not overwritten" full --force --quiet -o notes.txt
check "and keeps its bytes" [ "$(cat notes.txt)" = "my notes" ]
check "a folder is never replaced" refuses 1 "is no store of medprobe" full --force --quiet -o p
check "nor a work file that is none" eval \
  'echo mine >a.h5.work && refuses 1 "is no work file of medprobe" full --quiet -o a.h5 && [ "$(cat a.h5.work)" = mine ] && [ ! -e a.h5 ]'

cp p/manifest.csv p/bad.csv
sed -i '4s/[^,]*,/images\/none.png,/; 7s/[^,]*,/images\/text.png,/' p/bad.csv
echo "no picture" >p/images/text.png
check "a bad picture stops the run with its path" refuses 1 "images/none.png: No such file or directory (line 4 of p/bad.csv: mend it and run again, or --skip-errors" full --manifest p/bad.csv -o bad.h5 --quiet
check "and nothing stands under -o" [ ! -e bad.h5 ]
last_line() { "$@" 2>lines; set -- $?; tail -n 1 lines >&2; return "$1"; }
check "--skip-errors ends in 3 and counts" refuses 3 "2 of 60 pictures could not be used" \
  last_line full --manifest p/bad.csv -o bad.h5 --skip-errors
check "again, it is said to be there, with 3, and what tries them again" \
  refuses 3 "2 of 60 pictures could not be used then: see /failures in bad.h5; --force reads all again" last_line full --manifest p/bad.csv -o bad.h5 --skip-errors
# Faults seen (the program before): "classes in another order, or other values in columns that are carried along" for both.
check "a path that was corrected since is the difference" refuses 1 \
  "made with another table: line 4 of $work/p/manifest.csv: path was 'images/none.png', is 'images/" full -o bad.h5 --quiet
sed '4s/,[^,]*,/,x,/' p/bad.csv >p/bad2.csv
check "of a picture that could not be used the store knows no more" refuses 1 \
  "made with another table: it differs in the order of its columns, in empty columns or in what it says of the pictures that could not be used" \
  full --manifest p/bad2.csv -o bad.h5 --skip-errors --quiet
check "threads do not change the failures" eval \
  'full --threads 3 --manifest p/bad.csv -o bad3.h5 --skip-errors --quiet; [ $? = 3 ] && cmp bad.h5 bad3.h5'

check "pictures alone need no vocabulary" eval 'mkdir -p w && cp m/weights.safetensors w && extract --weights w/weights.safetensors --quiet -o pictures.h5'
check "a row for each of two ids of one file" eval \
  'printf "path,id\nimages/%s,1\nimages/%s,2\n" "${first#images/}" "${first#images/}" >p/twice.csv && extract --manifest p/twice.csv --quiet -o twice.h5'
check "--limit takes the first rows" eval 'extract --limit 5 -o five.h5 2>&1 | grep -q "5 pictures"'

check "no model" refuses 2 "--model is missing" "$medprobe" extract --manifest p/manifest.csv -o x.h5
check "no output" refuses 2 "--out is missing" extract
check "unknown pipeline" refuses 2 "there are small, other" full --pipeline nothing -o x.h5
check "unknown pooling" refuses 2 "pooling" full --text-pooling nothing -o x.h5
check "unknown option" refuses 2 "shard" full --shard 1/2 -o x.h5
check "unknown prompt set" refuses 2 "nothing" extract --prompts nothing -o x.h5
sed 's/tuberculosis/mass/' m/prompts.yaml >mass.yaml
check "a class without prompts" refuses 2 "no prompts for class 'tuberculosis' of $work/p/manifest.csv (there are normal, mass)" extract --prompts mass.yaml -o x.h5
check "a label outside --classes" refuses 1 "is not among the classes of --classes" full --classes normal,effusion -o x.h5
check "options that would be obeyed silently" refuses 2 "without --prompts no text is read" extract --vocab m/vocab.txt -o x.h5
printf 'path,id\na,1\n,2\n' >x.csv
check "a broken manifest names line and column" refuses 1 "line 3, column 'path'" extract --manifest x.csv -o x.h5
check "a pipe in place of a picture is refused, not waited for" eval \
  'mkfifo p/images/pipe.png; printf "path\nimages/pipe.png\n" >p/pipe.csv; refuses 1 "is a named pipe" timeout 20 "$medprobe" extract "${model[@]}" --manifest p/pipe.csv --quiet -o x.h5'
check "a folder in place of a table points to init" refuses 2 "medprobe init p makes one" extract --manifest p -o x.h5
sed 's/^embedding_width: 24/embedding_width: 25/' m/tiny.yaml >m/wide.yaml
check "a card that promises another width" refuses 1 "embedding_width is 25, but the image tower gives 24 values" \
  "$medprobe" extract --model m/wide.yaml --weights m/weights.safetensors --manifest p/manifest.csv -o x.h5
check "none of these left anything" [ ! -e x.h5 ]

# What is probably not meant is said before any picture is read. Each was found out by probe, after hours, or never.
says() { # says "line" TABLE: a warning, and the run goes on
  extract --manifest "$2" -o said.h5 --force 2>lines
  local status=$?
  cat lines
  [ $status = 0 ] && grep -qF -- "warning: $1" lines
}
csv() { printf "path,$1\\n$first,$2\\n$(sed -n 3p p/manifest.csv | cut -d, -f1),$3\\n" >p/said.csv; }
csv diagnosis,age normal,3 ill,4
check "no label column" says "no column 'label', so there are no classes to probe; other columns are 'diagnosis', 'age'" p/said.csv
csv ' label ,patient' normal,1 ill,2
check "a header with blanks" says "column ' label ' is not read: call it 'label' if that is meant" p/said.csv
check "a header that is nearly one" says "column 'patient' is not read: call it 'patient_id' if that is meant" p/said.csv
csv label Normal 'normal '
check "classes that differ in case or blanks" says "classes 'Normal' and 'normal ' differ in nothing but case or blanks" p/said.csv
csv label,patient_id,split ill,7,train ,7,test
check "a patient in two splits" says "patient '7' is in splits 'train' and 'test': probe will refuse that" p/said.csv
check "rows without a label" says "1 of 2 rows have no label" p/said.csv
check "what the table is" eval 'grep -qF "p/said.csv: 2 rows: '"'ill' 1, 1 without a label; 1 patient; splits 'test' 1, 'train' 1"'" lines'
csv label,patient_id TB,7 normal,8
check "a positive class that sounds normal" says "positive class: 'normal' (the second of 'TB', 'normal'); --positive 'TB' makes the other one positive" p/said.csv
check "but not where it was asked for" eval 'extract --manifest p/said.csv --positive normal -o said.h5 --force 2>lines && has "positive class: '"'normal'"'" lines && ! grep warning lines'
csv label,patient_id,split ill,7,Train well,8,test
check "a split in another case" says "split 'Train' is not 'train', which probe looks for" p/said.csv
# Fault seen (the program before): the store had both digests, and probe refused some of its draws, after hours.
cp "p/$first" p/images/copy.png
twins() { printf "path,label,patient_id,split\n$first,ill,7,$1\n$(sed -n 4p p/manifest.csv | cut -d, -f1),well,8,train\nimages/copy.png,ill,$2\n" >p/said.csv; }
twins train 9,train
check "the same picture of two patients" says "2 rows share a picture, byte for byte, across patients or splits (first lines 2 and 4 of p/said.csv)" p/said.csv
twins train 7,test
check "or in two splits" says "2 rows share a picture, byte for byte, across patients or splits" p/said.csv
twins train 7,train
check "twice of one patient is nobody's fault" eval 'extract --manifest p/said.csv -o said.h5 --force 2>lines && ! grep warning lines'
twins "" ,
check "patients that are not known are not the same" says "2 rows share a picture, byte for byte (first" p/said.csv
rm p/images/copy.png
csv label,patient_id,split ill,7,train well,8,test
check "nothing odd, nothing warned of" eval 'extract --manifest p/said.csv -o said.h5 --force 2>lines && ! grep warning lines'
done_testing
