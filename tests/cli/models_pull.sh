#!/usr/bin/env bash
# Protects: `models pull` and `check` against servers that truncate, lie about the length, serve another file, drop the line or answer
# with errors: a file has its name only when its SHA-256 fits, and nothing else does.
# Planted faults that were seen: publishing before the digest was compared; keeping the .part file of another file;
# appending a 200 answer to the bytes of an earlier run.
. "$(dirname "$0")/../tap.sh"
cd "$root" || exit 1
export MEDPROBE_HOME=$work/home
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY XDG_DATA_HOME
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$work/files" "$MEDPROBE_HOME/models"

python3 - "$work/files" <<'PY'
import pathlib, random, sys, zipfile
folder = pathlib.Path(sys.argv[1])
rng = random.Random(1)
(folder / "vocab.txt").write_bytes(rng.randbytes(300_000))
(folder / "other.txt").write_bytes(rng.randbytes(300_000))
weights = rng.randbytes(200_000) + bytes(200_000)
(folder / "weights.bin").write_bytes(weights)
for name, method, member in (("deflated", zipfile.ZIP_DEFLATED, "w/weights.bin"), ("stored", zipfile.ZIP_STORED, "weights.bin")):
    with zipfile.ZipFile(folder / f"{name}.zip", "w", method) as z:
        z.writestr("readme.txt", "x")
        z.writestr(member, weights)
with zipfile.ZipFile(folder / "nomember.zip", "w") as z:
    z.writestr("readme.txt", "x")
PY
exec 3< <(exec python3 tests/tools/http_server.py "$work/files" "$work/log")
server=$!
read -r port <&3
sum() { sha256sum "$work/files/$1" | cut -d' ' -f1; }

# card URL-PATH FILE [extra lines of the file's entry]: a model whose one file is FILE
card() {
  cat >"$MEDPROBE_HOME/models/test-model.yaml" <<YAML
name: test-model
family: test
embedding_width: 4
text: {family: none}
tokenizer: {kind: none}
files:
  - role: vocab
    name: vocab.bin
    url: "http://127.0.0.1:$port/$1"
    sha256: $(sum "$2")
${3:-}
YAML
}
dir=$MEDPROBE_HOME/files/test-model
pull() { "$medprobe" models pull test-model "$@" >"$work/out" 2>"$work/err"; }
fresh() { rm -rf "$dir" "$work/log"; }

tap_shown="$work/err $work/log"
set -x
complete() { cmp -s "$dir/vocab.bin" "$work/files/$1" && [ "$(ls -A "$dir")" = vocab.bin ]; }
absent() { [ ! -e "$dir/vocab.bin" ]; }
nothing_kept() { [ -z "$(ls -A "$dir" 2>/dev/null)" ]; }
one_error() { [ "$(grep -c . "$work/err")" = 1 ] && has "$1" "$work/err"; }
requests() { [ "$(grep -c . "$work/log")" = "$1" ]; }

for mode in plain norange redirect; do
  card $mode/vocab.txt vocab.txt; fresh
  pull && complete vocab.txt; ok "$mode: fetched"
done
"$medprobe" models check test-model >"$work/out" 2>"$work/err" && has '(fits)' "$work/out"; ok "check: fits"
rm "$work/log"; pull && [ ! -e "$work/log" ] && has 'already there' "$work/err"; ok "again: nothing is asked for"
printf x >>"$dir/vocab.bin"
"$medprobe" models check test-model >"$work/out" 2>"$work/err"; [ $? = 4 ] && has '(differs)' "$work/out"; ok "check: differs, exit 4"
pull && complete vocab.txt; ok "a changed file is fetched again"
rm -r "$dir"
"$medprobe" models check test-model >"$work/out" 2>"$work/err"; [ $? = 4 ] && has '(absent)' "$work/out"; ok "check: absent, exit 4"

# Fault seen (planted): the digits compared with the whole digest.
short() { card plain/vocab.txt vocab.txt; sed -i "s/^    sha256: \(.\{8\}\).*/    sha256: $1/" "$MEDPROBE_HOME/models/test-model.yaml"; fresh; }
short '\1'; pull && complete vocab.txt && has 'the digits of its SHA-256 that are published fit' "$work/err"; ok "8 digits of the SHA-256: fetched, said"
"$medprobe" models show test-model >"$work/out" && has -E 'SHA-256 [0-9a-f]{8}\.\.\. \(no more digits are published\)' "$work/out"; ok "show: 8 digits"
short 00000000; pull --quiet; [ $? = 1 ] && absent && one_error 'expected 00000000 (another file'; ok "8 digits of another file: nothing is kept"
card drop/vocab.txt vocab.txt; fresh
pull && complete vocab.txt && requests 2 && has 'bytes=150000-' "$work/log"; ok "a dropped line is taken up where it ended"
card truncate/vocab.txt vocab.txt; fresh
pull --quiet --retries 2; [ $? = 1 ] && absent && requests 3 && one_error '(262500 bytes are kept: run it again to go on)'
ok "half of the rest each time: ends after the retries, keeps what came"
card plain/vocab.txt vocab.txt; rm "$work/log"
pull && complete vocab.txt && requests 1 && has 'bytes=262500-' "$work/log"; ok "the next run goes on from there"
card drip/vocab.txt vocab.txt; fresh
pull --quiet --retries 20; [ $? = 1 ] && absent && requests 21; ok "a line that always drops ends after the retries"
card norange/vocab.txt vocab.txt; mkdir -p "$dir"; head -c 1000 "$work/files/other.txt" >"$dir/vocab.bin.part"; rm "$work/log"
pull && complete vocab.txt && requests 1; ok "a server without ranges: begun anew in the same answer"
card plain/vocab.txt vocab.txt; fresh; mkdir -p "$dir"; head -c 1000 "$work/files/other.txt" >"$dir/vocab.bin.part"
pull && complete vocab.txt && requests 2; ok "a .part file of another file: seen by the digest, begun anew"
fresh; mkdir -p "$dir"; cp "$work/files/vocab.txt" "$dir/vocab.bin.part"
pull && complete vocab.txt && [ ! -e "$work/log" ]; ok "a .part file that is complete: nothing is asked for"
fresh; mkdir -p "$dir"; { cat "$work/files/vocab.txt"; echo more; } >"$dir/vocab.bin.part"
pull && complete vocab.txt && requests 2; ok "a .part file that is too long: begun anew"
card badrange/vocab.txt vocab.txt; fresh
pull && complete vocab.txt && requests 3; ok "another range than asked for: begun anew"
card lie/vocab.txt vocab.txt; fresh
pull && complete vocab.txt && requests 3; ok "a range with other bytes: seen by the digest, begun anew"

card short/vocab.txt vocab.txt; fresh
pull --quiet; [ $? = 1 ] && nothing_kept && one_error 'the server sent 299999 bytes with SHA-256'; ok "Content-Length too small: refused"
card long/vocab.txt vocab.txt; fresh
pull --quiet --retries 1; [ $? = 1 ] && absent; ok "Content-Length too large: refused"
card plain/vocab.txt vocab.txt; rm "$work/log"
pull && complete vocab.txt; ok "and the bytes that came are good for the next run"
card stall/vocab.txt vocab.txt; fresh
"$medprobe" models pull test-model --quiet >"$work/out" 2>"$work/err" &
pulling=$!
read -r stalled <&3; kill -INT $pulling; wait $pulling
[ $? = 75 ] && absent && one_error 'are kept: run it again to go on)'; ok "SIGINT: ends in order with 75"
card plain/vocab.txt vocab.txt; rm "$work/log"
pull && complete vocab.txt; ok "and the next run completes it"
card chunked/vocab.txt vocab.txt; fresh
pull --quiet --retries 1; [ $? = 1 ] && absent; ok "chunked, cut off: refused"
card plain/other.txt vocab.txt; fresh
pull --quiet; [ $? = 1 ] && nothing_kept && one_error "expected $(sum vocab.txt)"; ok "another file: refused, nothing kept"
card plain/other.txt vocab.txt '    size: 1000'; fresh
pull --quiet; [ $? = 1 ] && nothing_kept && one_error 'more than the 1000 bytes'; ok "more bytes than the card says: stopped"
card plain/vocab.txt vocab.txt '    size: 300001'; fresh
pull --quiet --retries 0; [ $? = 1 ] && absent && one_error '300000 of 300001 bytes'; ok "fewer bytes than the card says: refused"

card 404/vocab.txt vocab.txt; fresh
pull --quiet; [ $? = 1 ] && nothing_kept && requests 1 && one_error 'the server answered 404'; ok "404: one attempt, one line"
card 500/vocab.txt vocab.txt; fresh
pull --quiet --retries 0; [ $? = 1 ] && nothing_kept && one_error 'the server answered 500'; ok "500"
card loop/vocab.txt vocab.txt; fresh
pull --quiet; [ $? = 1 ] && nothing_kept && one_error 'redirects'; ok "a loop of redirects ends"
card ftp/vocab.txt vocab.txt; fresh
pull --quiet; [ $? = 1 ] && nothing_kept && one_error 'ftp'; ok "a redirect to another protocol is refused"
card plain/vocab.txt vocab.txt; sed -i "s|http://.*|file://$work/files/vocab.txt\"|" "$MEDPROBE_HOME/models/test-model.yaml"; fresh
pull --quiet; [ $? = 1 ] && nothing_kept && one_error 'file'; ok "file:// is refused"
card plain/vocab.txt vocab.txt; sed -i "s|127.0.0.1:$port|127.0.0.1:1|" "$MEDPROBE_HOME/models/test-model.yaml"; fresh
pull --quiet --retries 0; [ $? = 1 ] && nothing_kept && one_error '127.0.0.1:1/'; ok "nobody listens: one line"
card plain/vocab.txt vocab.txt; sed -i "s|http://127|http://unknown|" "$MEDPROBE_HOME/models/test-model.yaml"; fresh
http_proxy=http://127.0.0.1:1 pull --quiet --retries 0; [ $? = 1 ] && one_error 'port 1'; ok "the proxy of the environment is used"

member="    member: weights.bin
    member_sha256: $(sum weights.bin)"
for form in deflated stored; do
  card plain/$form.zip $form.zip "$member"; fresh
  pull && complete weights.bin; ok "$form ZIP: member unpacked, ZIP removed"
done
card drop/deflated.zip deflated.zip "$member"; fresh
pull && complete weights.bin; ok "ZIP over a line that drops"
card plain/nomember.zip nomember.zip "$member"; fresh
pull --quiet; [ $? = 1 ] && absent && one_error "no entry 'weights.bin'"; ok "ZIP without the member"
card plain/stored.zip stored.zip "    member: weights.bin
    member_sha256: $(sum vocab.txt)"; fresh
pull --quiet; [ $? = 1 ] && absent && [ "$(ls "$dir")" = vocab.bin.zip ] && one_error "expected $(sum vocab.txt)"; ok "member with another digest: refused"
card plain/stored.zip stored.zip "$member"; rm "$work/log"
pull && complete weights.bin && [ ! -e "$work/log" ]; ok "the kept ZIP is used by the next run"

card plain/vocab.txt vocab.txt; fresh; mkdir -p "$dir"
( flock 9; pull --quiet ) 9>"$dir/vocab.bin.part"; [ $? = 1 ] && one_error 'another medprobe'; ok "two at a time: the second is refused"
fresh; mkdir -p "$MEDPROBE_HOME/files"; : >"$dir"
pull --quiet; [ $? = 1 ] && one_error "$dir"; ok "a file where the folder should be"
rm "$dir"
if [ "$(id -u)" != 0 ]; then
  mkdir -p "$dir"; chmod 500 "$dir"
  pull --quiet; [ $? = 1 ] && one_error 'cannot write'; ok "a folder without permission"
  chmod 700 "$dir"
fi
card busy/vocab.txt vocab.txt; fresh
pull --quiet --retries 0; [ $? = 1 ] && pull --quiet && complete vocab.txt; ok "503, then well: the next run succeeds"
done_testing
