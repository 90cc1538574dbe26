#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Protects: the fuzz targets, which compile and get through small files of their kind, whole, cut and with single bytes
# changed, so that none of them rots between the days when somebody fuzzes.
#
# Fault once planted and seen: an assert in fuzz_csv that a manifest has at most 10 rows.
. "$(dirname "$0")/../tap.sh"
cd "$work" || exit 1
"$build/tools/phantom" --quiet --out p --pictures 12 --size 32 --seed 4 --formats jpeg,png8,png16 || exit 1
"$build/tools/tiny_medclip" m && "$build/tools/make_store" store.h5 || exit 1
printf '\017the\nlung\n##s\n\0the lungs \303\251\n' >text
printf '{"weight_map": {"a": "x-1.safetensors", "b": "x-2.safetensors"}}' >index.json
printf 'c__torch__.a\nB\n)\201}(X\1\0\0\0mca\nC\n)\201}(X\13\0\0\0_parameters}X\10\0\0\0_modules}ubub.' >script.pkl # modules, whole and of TorchScript
processor='{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32}, "crop_size": 32}'
printf 't{"model_type": "clip", "text_config": {"eos_token_id": 2}, "vision_config": {"image_size": 32, "patch_size": 8}}\0%s\0{"model_max_length": 1e30}' "$processor" >clip.folder
printf 't{"model_type": "align"}\0{"image_processor_type": "EfficientNetImageProcessor", "include_top": false}\0{}' >align.folder
printf 'o{"model_cfg": {"embed_dim": 8, "vision_cfg": {"timm_model_name": "vit_tiny_patch16_224"}, "text_cfg": {"hf_model_name": "bert-base-uncased", "hf_tokenizer_name": "x"}}}\0\0{}' >open_clip.folder
printf '@a b\n\0A caf\303\203\302\251 it&rsquo;s &amp;amp; \342\200\234the\342\200\235 \357\254\201nding <|endoftext|>\n' >clip_text
models=0
for model in '"BPE", "unk_token": "a", "fuse_unk": true, "vocab": {"a": 0, "b": 1, "ab": 2, "<0x63>": 3}, "merges": [["a", "b"]]' \
  '"Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1.5], ["ab", -2]]' \
  '"WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}'; do
  printf '{"added_tokens": [{"id": 3, "content": "<s>", "lstrip": true}], "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"},
    {"type": "BertNormalizer"}, {"type": "Replace", "pattern": {"Regex": "[!-/]"}, "content": ""}, {"type": "Strip"}]}, "pre_tokenizer":
    {"type": "Sequence", "pretokenizers": [{"type": "BertPreTokenizer"}, {"type": "Metaspace", "replacement": "_"}, {"type": "ByteLevel"}]},
    "post_processor": {"type": "BertProcessing", "cls": ["a", 0], "sep": ["<s>", 3]}, "model": {"type": %s}}\0 abc <s>\303\251b' "$model" \
    >"tokenizer_$((++models)).json"
done

# The files of a kind; a target without a line here fails below.
seeds() {
  case $1 in
    clip_bpe) ls clip_text ;;
    csv) ls p/manifest.csv ;;
    model_folder) ls ./*.folder ;;
    picture) ls p/images/* ;;
    store) ls store.h5 ;;
    tokenizer_json) ls tokenizer_*.json ;;
    weights) ls m/weights.safetensors index.json script.pkl ;;
    wordpiece) ls text ;;
    yaml) ls "$root"/configs/*/*.yaml m/*.yaml ;;
  esac
}
replay() { # replay TARGET FILE...
  [ $# -gt 1 ] || { echo "tests/fuzz/replay.sh has no seeds for fuzz_$1"; return 1; }
  "$build/replay/fuzz_$1" "${@:2}" >progress || { tail -n 1 progress; return 1; }
}
for target in "$root"/tests/fuzz/fuzz_*.c; do
  name=$(basename "$target" .c)
  name=${name#fuzz_}
  # shellcheck disable=SC2046 # one word a file
  check "fuzz_$name gets through its seeds" replay "$name" $(seeds "$name")
done
done_testing
