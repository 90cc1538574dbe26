#!/usr/bin/env bash
# Protects: a folder where a model is asked for: what `models show` and `models add` answer, and that a card that was added is a model like
# any other. The numbers: tests/reference/test_folders.py.
# Planted fault that was seen: the folder's path written into the card without quotes.
. "$(dirname "$0")/../tap.sh"
cd "$root" || exit 1
export MEDPROBE_HOME=$work/home
out=$work/out err=$work/err tap_shown="$work/out $work/err"
run() { "$medprobe" models "$@" >"$out" 2>"$err"; }
one_error() { [ "$(grep -c . "$err")" = 1 ] && has -F "$1" "$err" && [ ! -s "$out" ]; }

m="$work/my: \"model\" #1"
mkdir "$m"
cat >"$m/config.json" <<'JSON'
{"model_type": "swin", "image_size": 64, "embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4}
JSON
cat >"$m/preprocessor_config.json" <<'JSON'
{"feature_extractor_type": "ViTFeatureExtractor", "size": 64, "tokens": null}
JSON

set -x
run show "$m" && has "folder: \"$work/my: \\\"model\\\" #1\"" "$out" && has -G '^name: "my---model---1"$' "$out" &&
  has -G '^    std: \[0.5, 0.5, 0.5\]$' "$out" && [ ! -s "$err" ]
ok "show prints the card of a folder"
run show "$m/" && has -G '^name: "my---model---1"$' "$out"; ok "a path that ends in a slash"
(cd "$work" && run show ./my*/); ok "a path that is not absolute"
run add "$m" --name mine && has "$MEDPROBE_HOME/models/mine.yaml: written; --model mine takes it" "$err"; ok "add"
run list && has -E '^mine +swin .* 48  0 of 0' "$out" && [ ! -s "$err" ]; ok "list knows it"
run show mine && has -G "^card *$MEDPROBE_HOME/models/mine.yaml$" "$out"; ok "show knows it"
run add "$m" --name mine; [ $? = 2 ] && one_error "mine.yaml: is already there (--force replaces it"; ok "add does not replace"
run add "$m" --name mine --force; ok "add --force replaces"
run add "$m" --name ../mine; [ $? = 2 ] && one_error "--name '../mine' is no plain name"; ok "a name that is a path"
run add medclip-vit; [ $? = 2 ] && one_error 'medclip-vit.yaml: is a card already (models add takes a folder or a file of OpenAI'; ok "add takes folders"
run add "$m" --name other && run check other && ! run add "$m" --name other; ok "two names for one folder"
(unset MEDPROBE_HOME; XDG_DATA_HOME=$work/xdg; export XDG_DATA_HOME; run add "$m" --name third && run show third &&
  has -G "^card *$work/xdg/medprobe/models/third.yaml$" "$out"); ok "without MEDPROBE_HOME: written where it is found"

printf 'path\nx.png\n' >"$work/m.csv"
"$medprobe" extract --model "$m" --manifest "$work/m.csv" -o "$work/s.h5" >"$out" 2>"$err"
[ $? = 2 ] && has 'names no file for its weights (give one with --weights)' "$err"; ok "extract: no weights"
"$medprobe" extract --model "$m" --prompts tb --manifest "$work/m.csv" -o "$work/s.h5" >"$out" 2>"$err"
[ $? = 2 ] && has 'reads pictures only' "$err"; ok "extract: no texts"
sed -i 's/64/32/' "$m/preprocessor_config.json"
run add "$m" --name fourth; [ $? = 1 ] && one_error 'pipeline folder makes 32 x 32 pixels of 3 channels, but the image tower takes 64 x 64 of 3'
ok "add: parts that do not fit each other"
rm "$m/preprocessor_config.json"
run show "$m"; [ $? = 1 ] && one_error 'preprocessor_config.json: is not there'; ok "a file is missing"
mkdir "$m/preprocessor_config.json"
run show "$m"; [ $? = 1 ] && one_error 'preprocessor_config.json: is not there'; ok "a folder in its place"
echo '{"model_type": "sam"}' >"$m/config.json"
run show "$m"; [ $? = 1 ] && one_error "config.json: model_type: 'sam' is not supported"; ok "an architecture that is not known"
rm "$m/config.json"
run show "$m"; [ $? = 1 ] && one_error "is no model's folder: "; ok "no model's folder"
done_testing
