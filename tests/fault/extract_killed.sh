#!/usr/bin/env bash
# Protects: extract, interrupted at any moment and started again gives the bytes of a run in one go: SIGKILL, SIGINT, SIGTERM, a
# full disk, a limit on file size. What is in the way of going on is named.
#
# Faults seen by these tests (planted once): a torn last record kept; the work file deleted before the store has its
# name; records of another pipeline taken up; a signal that ends the run with 130.
#
#   MEDPROBE_KILLS=100   rounds of kills at random moments (default 10)
tap_folder=$([ -w /dev/shm ] && echo /dev/shm) # in memory: the syncs of hundreds of runs cost nothing there
. "$(dirname "$0")/../tap.sh"
tools=$build/tools kills=${MEDPROBE_KILLS:-10} mounted=
trap '[ -z "$mounted" ] || umount "$work/disk"; rm -rf "$work"' EXIT
cd "$work" || exit 1
"$tools/tiny_medclip" m && "$tools/phantom" --quiet --out p --pictures 40 --size 48-96 --seed 6 --formats jpeg,png8,png16 ||
  exit 1
# 40 files in 1200 rows: long enough to be hit in the middle.
awk -F, 'NR == 1 { print; next } { line[NR] = $0; id[NR] = $2 }
  END { for (k = 0; k < 30; k++) for (i = 2; i <= NR; i++) { row = line[i]; sub("," id[i] ",", "," id[i] "-" k ",", row); print row } }' \
  p/manifest.csv >p/many.csv
options=(--model m/tiny.yaml --weights m/weights.safetensors --manifest p/many.csv --prompts m/prompts.yaml --quiet)
extract() { "$medprobe" extract "${options[@]}" "$@"; }
begin() { exec "$medprobe" extract "${options[@]}" "$@"; } # for `begin ... &`: $! is the program
start=$(date +%s%N)
extract -o one.h5 || exit 1
took=$((($(date +%s%N) - start) / 1000)) # microseconds: kills fall into this time
alone() { [ ! -e "$1.work" ] && [ ! -e "$1.tmp" ]; }
equal() { cmp one.h5 "$1" && alone "$1" && rm -f "$1"; }

# One round: up to four kills at random moments, then to the end. Thread counts change on the way.
round() {
  local i at
  RANDOM=$1
  for i in 1 2 3 4; do
    at=$(((RANDOM * 32768 + RANDOM) % took))
    timeout -s KILL "$((at / 1000000)).$(printf '%06d' $((at % 1000000)))" "$medprobe" extract "${options[@]}" \
      --threads $((i % 3 + 1)) -o killed.h5 && break
    [ ! -e killed.h5 ] || cmp one.h5 killed.h5 || return 1 # under its name only when complete
  done
  extract -o killed.h5 && equal killed.h5
}
for k in $(seq "$kills"); do check "killed at random moments, round $k" round "$k"; done

begun() { # waits until the work file has grown: begun FILE PID
  local -
  set +x
  until [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt 60000 ]; do kill -0 "$2" 2>/dev/null || return 1; done
}
interrupted() { # interrupted SIGNAL: exit 75 and one line, then to the end
  local pid status
  begin -o asked.h5 2>lines &
  pid=$!
  begun asked.h5.work $pid && kill -s "$1" $pid
  wait $pid
  status=$?
  cat lines
  [ $status = 75 ] && [ "$(wc -l <lines)" = 1 ] && grep -q "run again to go on" lines && [ ! -e asked.h5 ] &&
    [ -e asked.h5.work ] && extract -o asked.h5 && equal asked.h5
}
check "SIGINT ends in order with 75, and the run goes on" interrupted INT
check "SIGTERM ends in order with 75, and the run goes on" interrupted TERM

half() { # a work file with some rows, of a run that was killed
  rm -f "$1" "$1.work"
  begin -o "$1" &
  begun "$1.work" $! && kill -KILL $!
  wait $! 2>/dev/null
  [ -e "$1.work" ] && [ ! -e "$1" ]
}
torn() { # the last record cut in the middle
  half torn.h5 && truncate -s $(($(stat -c %s torn.h5.work) / 616 * 616 + 300)) torn.h5.work && extract -o torn.h5 && equal torn.h5
}
check "a record cut in the middle is made again" torn
other_pipeline() {
  half a.h5 && refuses 1 "was begun with another --pipeline," extract --pipeline other -o a.h5 && extract -o a.h5 && equal a.h5
}
check "another pipeline is refused by name, the work is kept" other_pipeline
other_manifest() {
  awk 'NR == 4 { sub(/,(train|val|test),/, ",elsewhere,") } 1' p/many.csv >p/other.csv
  half a.h5 && refuses 1 "was begun with another table: line 4 of p/other.csv" extract --manifest p/other.csv -o a.h5 && extract -o a.h5 && equal a.h5
}
check "another manifest is refused by row, the work is kept" other_manifest
other_weights() {
  "$tools/tiny_medclip" m2 9
  half a.h5 && refuses 1 "was begun with other --weights" extract --weights m2/weights.safetensors -o a.h5 &&
    extract --force -o a.h5 && equal a.h5
}
check "other weights are refused by name, --force starts anew" other_weights
forced() { # a run with --force that was replacing a store is gone on with; until it is done the old store stands
  cp one.h5 forced.h5
  begin --force --pipeline other -o forced.h5 &
  begun forced.h5.work $! && kill -INT $!
  wait $!
  [ $? = 75 ] && cmp one.h5 forced.h5 && extract --pipeline other -o forced.h5 && ! cmp -s one.h5 forced.h5 && alone forced.h5
}
check "a forced run that was interrupted goes on without --force" forced
changed_picture() {
  local first
  first=p/$(sed -n 2p p/manifest.csv | cut -d, -f1)
  half a.h5 && cp "$first" kept && printf x >>"$first" && refuses 1 "$first: has changed since it was read" extract -o a.h5
  cp kept "$first"
  extract -o a.h5 && equal a.h5 # the same bytes under another time are the same picture
}
check "a picture that changed in between is refused by path" changed_picture
two_runs() {
  begin -o two.h5 &
  local pid=$!
  begun two.h5.work $pid && refuses 1 "another run is writing it" extract -o two.h5 && wait $pid && equal two.h5
}
check "a second run into the same output is refused" two_runs

mended() { # a bad picture stops the run; mended, the run goes on
  cp -r p q && rm "q/$(sed -n 22p p/many.csv | cut -d, -f1)"
  refuses 1 "No such file" extract --root q -o mended.h5 && [ -e mended.h5.work ] && [ ! -e mended.h5 ] &&
    extract --root p -o mended.h5 && equal mended.h5
}
check "a missing picture, then mended" mended
# Fault seen (the program before): refused as another table, and all that was done was lost.
corrected() { # a wrong path stops the run; corrected in the table, the run goes on behind what was done
  awk -F, -v OFS=, 'NR == 600 { $1 = "images/none.png" } 1' p/many.csv >p/wrong.csv
  refuses 1 "images/none.png: No such file or directory (line 600 of p/wrong.csv" extract --manifest p/wrong.csv -o wrong.h5 &&
    "$medprobe" extract "${options[@]/--quiet/--log-level=info}" -o wrong.h5 2>lines && grep -qE "wrong.h5.work: [0-9]{3} of 1200 pictures are done already" lines &&
    equal wrong.h5
}
check "a wrong path, then corrected in the table" corrected
more() { # rows that were added at the end, classes in another order: the work goes on as well
  half a.h5 && sed 's/-29,/-last,/' p/many.csv >p/more.csv && extract --manifest p/more.csv --positive normal -o fresh.h5 &&
    extract --manifest p/more.csv --positive normal -o a.h5 && cmp fresh.h5 a.h5 && alone a.h5
}
check "rows that differ behind what is done" more
fewer() {
  half a.h5 && refuses 1 "a.h5.work: has pictures of more rows than the 3 of p/many.csv" extract --limit 3 -o a.h5 && extract -o a.h5 && equal a.h5
}
check "fewer rows than are done are refused, the work is kept" fewer
replaced() { # a forced run's work is of its very table: another does not replace the store without --force
  cp one.h5 kept.h5
  begin --force --pipeline other -o kept.h5 &
  begun kept.h5.work $! && kill -INT $!
  wait $!
  refuses 1 "kept.h5: is a finished store, made with" extract --pipeline other --manifest p/more.csv -o kept.h5 && cmp one.h5 kept.h5 &&
    extract --pipeline other -o kept.h5 && ! cmp -s one.h5 kept.h5 && alone kept.h5
}
check "a forced run's work and another table" replaced
skipped() { # failures that an interrupted run has listed are tried again
  extract --root q --skip-errors -o skip.h5
  [ $? = 3 ] && half_skip && extract --root q --skip-errors -o again.h5
  [ $? = 3 ] && cmp skip.h5 again.h5 && half_skip && extract --root p -o again.h5 && equal again.h5
}
half_skip() {
  rm -f again.h5
  begin --root q --skip-errors -o again.h5 &
  begun again.h5.work $! && kill -KILL $!
  wait $! 2>/dev/null
  [ -e again.h5.work ]
}
check "rows without a picture, interrupted, then mended" skipped

limited() { # a limit on the size of files stands for a disk that is full
  (ulimit -f 200 && refuses 1 "File too large" extract -o full.h5) && [ ! -e full.h5 ] && [ -e full.h5.work ] &&
    extract -o full.h5 && equal full.h5
}
check "no room for the work file: one line, then the run goes on" limited
mkdir disk
if mount -t tmpfs -o size=1200k tmpfs disk 2>/dev/null; then
  mounted=1
  on_disk() { # room for the work file (740 KB), not for the store beside it; then room
    refuses 1 "No space left on device" extract -o disk/full.h5 && [ ! -e disk/full.h5 ] && [ ! -e disk/full.h5.tmp ] &&
      mount -o remount,size=16m disk && extract -o disk/full.h5 && cmp one.h5 disk/full.h5 && alone disk/full.h5
  }
  check "a full disk while the store is written: one line, then the run goes on" on_disk
  umount disk && mounted=
else
  skip "a full disk while the store is written" "no right to mount a file system here"
fi
done_testing
