#!/usr/bin/env bash
# Protects: medprobe.yaml speaks to extract, probe and report at once: an option of one of them is no error for the others. The list of
# such keys was written by hand once and had not `force`, `resume`, `json` and `out`, with which the two other commands failed.
. "$(dirname "$0")/../tap.sh"
cd "$work" || exit 1

own_options() { "$medprobe" "$1" --help | sed '/^common options:/,$d' | grep -oE -- '^ .{4} --[a-z0-9-]+' | sed 's/.*--//'; }
# accepted COMMAND: no key of the others is unknown to it; every other complaint about its value or a missing store is fine
accepted() {
  local other key bad=0
  for other in extract probe report; do
    [ "$other" != "$1" ] || continue
    for key in $(own_options "$other"); do
      printf '%s: 1\n' "$key" >medprobe.yaml
      ! "$medprobe" "$1" 2>&1 | grep "no option '$key'" || bad=1
    done
  done
  return $bad
}

for c in extract probe report; do
  check "$c has options" eval '[ "$(own_options '$c' | wc -l)" -ge 2 ]'
  check "$c takes no offence at the others'" accepted $c
done
for key in store results report threads log-level; do
  printf '%s: 1\n' $key >medprobe.yaml
  check "$key is known to all" eval '! for c in extract probe report; do "$medprobe" $c 2>&1; done | grep "no option"'
done
echo 'resampels: 4' >medprobe.yaml
check "an unknown key gets the nearest of all commands" refuses 1 \
  "medprobe.yaml: line 1: no option 'resampels' (did you mean 'resamples'?)" "$medprobe" extract
rm medprobe.yaml
check "without a file, the folder may be the wrong one" refuses 2 \
  "a store is missing (usage: medprobe probe STORE [options]; there is no medprobe.yaml here)" "$medprobe" probe
echo 'shots: [4]' >other.yaml
check "another file speaks to one command" refuses 1 "other.yaml: line 1: no option 'shots'" \
  "$medprobe" extract --config other.yaml
done_testing
