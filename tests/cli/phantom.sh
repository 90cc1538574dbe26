#!/usr/bin/env bash
# Protects: the phantom generator: the same pixels and manifest everywhere, patients on one side of a split only, pictures that
# the formats' own readers know, one line for wrong use.
#
# Faults seen by these tests: two draws in the arguments of one call, whose order clang and gcc choose differently; the
# split dealt by picture instead of by patient (planted).
. "$(dirname "$0")/../tap.sh"
phantom=$build/tools/phantom
# SHA-256 of the manifest and of all pixels before a codec touches them, so that libraries may differ. Made by this
# program itself; they change only when phantoms are meant to look different.
digest_is() { same "$1" "$("$phantom" --digest "${@:2}")"; }

tb=8f8cb8d7a03d0c03e98d5a4fbdd924086c50642e5532e9bc629c51dbc58cb31a
check "two classes, three formats, many sizes" digest_is $tb --pictures 30 --size 96-160 --seed 7 \
  --formats jpeg,png8,png16
check "the same on one thread" digest_is $tb --pictures 30 --size 96-160 --seed 7 --formats jpeg,png8,png16 --threads 1
check "six classes, confounded" digest_is 538307449514fc779bb358a26f78a920f8bc7d7cccd29122298b62169439e818 \
  --pictures 36 --size 96 --seed 8 --task findings --confounder 0.6
check "several findings together" digest_is ab1487d61a267d623c6bff0293bcce6e61af70a622589e9549ef2560c3bea024 \
  --pictures 24 --size 96 --seed 9 --task multi
check "another seed is another set" eval '! digest_is $tb --pictures 30 --size 96-160 --seed 8 --formats jpeg,png8,png16'

set=$work/set
check "writes a set" "$phantom" --out "$set" --pictures 200 --patients 80 --size 64 --seed 3 --formats jpeg,png8,png16
manifest() { tail -n +2 "$set/manifest.csv" | cut -d, -f"$1"; }
check "200 rows and 200 files" eval \
  '[ "$(manifest 1 | sort -u | wc -l)" = 200 ] && [ "$(cd "$set" && ls images | wc -l)" = 200 ]'
check "every row has its file" eval 'for f in $(manifest 1); do [ -s "$set/$f" ] || exit 1; done'
check "80 patients, each in one split and of one class" eval \
  '[ "$(manifest 4 | sort -u | wc -l)" = 80 ] && [ "$(manifest 3,4,5 | sort -u | wc -l)" = 80 ]'
check "both classes in train, val and test" eval '[ "$(manifest 3,5 | sort -u | wc -l)" = 6 ]'
check "some patients have several pictures" eval '[ "$(manifest 4 | sort | uniq -d | wc -l)" -gt 20 ]'
kinds() { (cd "$set" && od -An -tx1 -N26 "$1" | tr -d ' \n'); }
check "the files are grey JPEG, 8-bit and 16-bit PNG" eval '
  seen=""
  for f in $(manifest 1); do
    k=$(kinds "$f")
    case $f:$k in
      *.jpg:ffd8ff*) seen+=j ;;
      *.png:89504e470d0a1a0a*0800) seen+=8 ;;
      *.png:89504e470d0a1a0a*1000) seen+=w ;;
      *) exit 1 ;;
    esac
  done
  [[ $seen == *j* && $seen == *8* && $seen == *w* ]]'
check "a larger set leaves its first patients as they were" eval '
  "$phantom" --out "$work/more" --pictures 80 --patients 80 --size 64 --seed 3 --formats jpeg,png8,png16 &&
  cmp -s "$set/$(manifest 1 | head -1)" "$work/more/$(manifest 1 | head -1)"'

check "no folder" refuses 2 "--out" "$phantom" --pictures 3
check "a size of nothing" refuses 2 "--size" "$phantom" --out "$work/x" --size 0
check "more patients than pictures" refuses 2 "--patients" "$phantom" --out "$work/x" --pictures 3 --patients 4
check "an unknown format" refuses 2 "tiff" "$phantom" --out "$work/x" --formats tiff
check "an unknown task" refuses 2 "flu" "$phantom" --out "$work/x" --task flu
check "a share above one" refuses 2 "--difficulty" "$phantom" --out "$work/x" --difficulty 1.5
check "nothing is left of them" eval '[ ! -e "$work/x" ]'
done_testing
