#!/usr/bin/env bash
# Protects: what the Tab key offers in bash: commands, subcommands, options, what an option allows, names of models and prompt
# sets, files. The file is made from --help and compared with it by `make lint`. Planted fault that was seen: a path that does not
# descend into `models`.
. "$(dirname "$0")/../tap.sh"
. "$root/docs/completion/medprobe.bash"
mkdir -p "$work"/home/{models,prompts} "$work/here/a folder" && touch "$work"/home/{models/own,prompts/words}.yaml "$work/here/a store.h5" && cd "$work/here" || exit 1
export MEDPROBE_HOME=$work/home
PATH=$build/bin:$PATH

# offers "expected words" WORD...: the last word is the one that is being typed
offers() {
  local expected=$1
  COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
  _medprobe
  printf '%s\n' "${COMPREPLY[@]}"
  [ "$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' ')" = "$expected " ]
}
all=$("$medprobe" --help | sed -n '/^commands:/,/^$/p' | awk 'NR > 1 && NF {print $1}')
check "all commands" offers "$(printf '%s\n' $all help | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')" medprobe ''
check "a command that is begun" offers "extract" medprobe ext
check "commands after help" offers "probe" medprobe help pro
check "commands of a command" offers "add check inspect list pull show" medprobe models ''
check "options" offers "--save-probes --seed --seeds --shots" medprobe probe --s
check "options of a command's command" offers "--no-digest" medprobe models inspect --no
check "options under a short name" offers "--batch-size" extract --b
check "what an option allows" offers "fixed" medprobe probe --c-rule f
check "the same behind an equals sign" offers "debug" medprobe report --log-level = d
check "and straight after it" offers "debug error info warn" medprobe report --log-level =
check "names of models" offers "own" medprobe extract --model ow
check "names of models as an argument" offers "own" medprobe models show ow
check "names of prompt sets" offers "words" extract --prompts wor
check "files, with spaces" offers "a folder a store.h5" medprobe probe a
check "folders only" offers "a folder" medprobe probe -o a
check "nothing where anything may stand" offers "" medprobe probe --seeds ''
done_testing
