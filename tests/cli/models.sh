#!/usr/bin/env bash
# Protects: what `medprobe models list|show|inspect|check` print and answer, names from hostile files among it.
# Planted fault that was seen: printing tensor names as they are.
. "$(dirname "$0")/../tap.sh"
cd "$root" || exit 1
export MEDPROBE_HOME=$work/home
mkdir -p "$MEDPROBE_HOME/models"
out=$work/out err=$work/err tap_shown="$work/out $work/err"
run() { "$medprobe" models "$@" >"$out" 2>"$err"; }

one_error() { [ "$(grep -c . "$err")" = 1 ] && has "$1" "$err" && [ ! -s "$out" ]; }
json() { python3 -c "import json, sys; d = json.load(open('$out')); sys.exit(not ($1))"; }

set -x
run list && has -E '^medclip-vit +medclip +136.6 M +224 +512 +0 of 2 +not stated.* github' "$out" && [ ! -s "$err" ]; ok "list"
# Fault seen (planted): the last column as long as its text.
! grep -qE '.{101}' "$out"; ok "list fits 100 columns"
run list --json && json "[m['embedding_width'] for m in d if m['name'] == 'medclip-vit'] == [512]"; ok "list --json"
run show medclip-vit && has -G '^pipeline *medclip-eval$' "$out" && has -G 'medclip-vit-pretrained.zip$' "$out"; ok "show"
run show medclip-vit --json && json "d['files'][0]['sha256'].startswith('07bf9f91') and not d['files'][0]['present']"; ok "show --json"
# Fault seen (the program before): README and guide promised the digests, and `show` printed none.
digests() { grep -oE '[^_]sha256: *[0-9a-f]{64}|member_sha256: *[0-9a-f]{64}' "$1" | grep -oE '[0-9a-f]{64}'; }
all_digests() {
  local d all
  all=$(digests "configs/models/$1.yaml")
  [ "$(wc -l <<<"$all")" -ge 2 ] || return
  for d in $all; do has -E "^ *SHA-256 $d( of the ZIP)?$" "$out" || return; done
}
for m in medclip-vit demo-phantom; do run show $m && all_digests $m; ok "show $m: the SHA-256 of every file"; done
run show medclip-vti; [ $? = 2 ] && one_error "no model 'medclip-vti' (did you mean 'medclip-vit'?)"; ok "an unknown model"
# Fault seen: a name with a slash was taken as a path that is not there.
sed '/^aliases:/d; s|^name: medclip-vit$|name: copy\naliases: ["Med-CLIP/ViT@224", Other]|' configs/models/medclip-vit.yaml >"$MEDPROBE_HOME/models/copy.yaml"
run show Med-CLIP/ViT@224 && has -E '^name +copy$' "$out" && has -E '^also called +Med-CLIP/ViT@224$' "$out"; ok "show an alias"
run list --json && json "[m['aliases'] for m in d if m['name'] == 'copy'] == [['Med-CLIP/ViT@224', 'Other']]"; ok "list --json: aliases"
run show med-clip/vit@224; [ $? = 2 ] && one_error "no model 'med-clip/vit@224' (did you mean 'Med-CLIP/ViT@224'?)"; ok "an alias in other capitals is named"
run show no/such/model; [ $? = 2 ] && one_error "no model 'no/such/model', and no such file (there are "; ok "neither a name nor a path"
sed '/^aliases:/d; s|^name: medclip-vit$|name: copy2\naliases: [Other]|' configs/models/medclip-vit.yaml >"$MEDPROBE_HOME/models/copy2.yaml"
run show Other; [ $? = 2 ] && one_error "model 'Other': both copy and copy2 are called so"; ok "an alias of two cards"
rm "$MEDPROBE_HOME"/models/copy*.yaml
run show configs/models/medclip-vit.yaml && has -G '^card *configs/models/medclip-vit.yaml$' "$out"; ok "show a path"
run chekc; [ $? = 2 ] && one_error "no command 'models chekc' (did you mean 'check'?)"; ok "an unknown command"
run; [ $? = 2 ] && one_error 'a command is missing'; ok "no command"
run --help && has inspect "$out"; ok "--help"
for c in list show inspect pull check; do run $c --help && has -G "medprobe models $c" "$out"; ok "$c --help"; done
run inspect; [ $? = 2 ] && one_error 'a weight file is missing'; ok "inspect without a file"

printf 'name: bad\nfamly: x\n' >"$MEDPROBE_HOME/models/bad.yaml"
run list && has -G '^medclip-vit ' "$out" && has "bad.yaml: line 2: unknown key 'famly' (did you mean 'family'?)" "$err"
ok "a bad card hides no other"
run show bad; [ $? != 0 ] && one_error "line 2: unknown key 'famly'"; ok "a bad card alone is an error"

python3 - "$work" <<'PY'
import json, pathlib, struct, sys
def write(path, header, data):
    text = json.dumps(header).encode()
    pathlib.Path(sys.argv[1], path).write_bytes(struct.pack("<Q", len(text)) + text + data)
write("good.safetensors", {"b\x1b[2J\nnot ok 1": {"dtype": "I16", "shape": [2, 1], "data_offsets": [4, 8]},
                           "a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, bytes(range(8)))
write("bad.safetensors", {"b\x1b[2J\nnot ok 1": {"dtype": "I16", "shape": [3], "data_offsets": [0, 4]}}, bytes(4))
PY
digest=$(printf '\4\5\6\7' | sha256sum | cut -d' ' -f1)
run inspect "$work/good.safetensors" && has "$digest  int16         [2, 1]               b\\x1b[2J\\nnot ok 1" "$out" &&
  has -E '^elements +3$' "$out" && ! grep -q $'\x1b' "$out" && ! grep -q '^not ok' "$out"
ok "inspect prints hostile names on one line, escaped"
run inspect "$work/good.safetensors" --json && json "d['tensors'][0] == {'name': 'b\\x1b[2J\\nnot ok 1', 'dtype': 'int16', 'shape': [2, 1], 'bytes': 4, 'contiguous': True, 'sha256': '$digest'} and d['count'] == 2 and d['bytes'] == 8 and d['format'] == 'safetensors'"
ok "inspect --json"
run inspect "$work/good.safetensors" --no-digest && ! grep -q "$digest" "$out"; ok "inspect --no-digest"
run inspect "$work/bad.safetensors" --json; [ $? = 1 ] && one_error "tensor 'b\\x1b[2J\\nnot ok 1': its sizes" && ! grep -q $'\x1b' "$err"
ok "a refusal names a hostile tensor, escaped"
printf '{"weight_map": {"a": "good.safetensors"}}' >"$work/model.safetensors.index.json"
run inspect "$work/model.safetensors.index.json" --json && json "d['files'] == 1 and d['format'] == 'safetensors' and [t['name'] for t in d['tensors']] == ['a']"
ok "inspect takes the index of a checkpoint in several files"
mkfifo "$work/fifo"
run inspect "$work/fifo"; [ $? = 1 ] && one_error 'is a named pipe'; ok "a named pipe is not waited for"
run inspect "$work"; [ $? = 1 ] && one_error 'is a folder'; ok "a folder"
run inspect "$work/none"; [ $? = 1 ] && one_error 'No such file'; ok "no such file"
: >"$work/empty"
run inspect "$work/empty"; [ $? = 1 ] && one_error 'is empty'; ok "an empty file"
env -u HOME -u MEDPROBE_HOME -u XDG_DATA_HOME "$medprobe" models check medclip-vit >"$out" 2>"$err"
[ $? = 1 ] && one_error 'none of MEDPROBE_HOME, XDG_DATA_HOME and HOME is set'; ok "no home folder"
run check medclip-vit; [ $? = 4 ] && has 'medclip-vit: 2 of its 2 files are absent or differ' "$err"; ok "check: absent files, exit 4"
mkdir -p "$MEDPROBE_HOME/files/medclip-vit"; echo x >"$MEDPROBE_HOME/files/medclip-vit/vocab.txt"
run list && has '1 of 2' "$out"; ok "list counts the files that are there"
run check medclip-vit; [ $? = 4 ] && has 'vocab.txt (differs)' "$out"; ok "check: another file"
done_testing
