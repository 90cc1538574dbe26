# Made by scripts/completion: completion of medprobe's command lines for bash. In zsh, after
# `autoload -U +X bashcompinit && bashcompinit`, this file can be sourced, too.

# Command, a word that may follow, and for an option that takes a value what it is and what is allowed. "=" is an argument.
_medprobe_rows='
medprobe extract
medprobe/extract --model MODEL
medprobe/extract --weights FILE
medprobe/extract --text-weights FILE
medprobe/extract --vocab FILE
medprobe/extract --precision NAME fp32
medprobe/extract --manifest FILE
medprobe/extract --root DIR
medprobe/extract --labels A,B,...
medprobe/extract --classes A,B,...
medprobe/extract --positive CLASS
medprobe/extract --limit N
medprobe/extract --max-pixels N
medprobe/extract --prompts SET
medprobe/extract --ensemble RULE
medprobe/extract --similarity RULE
medprobe/extract --text-pooling NAME
medprobe/extract --pipeline NAME
medprobe/extract --grey16 POLICY auto clip 10-bit 12-bit 14-bit 16-bit
medprobe/extract --orientation POLICY ignore apply
medprobe/extract --resize-order ORDER horizontal-first pillow13
medprobe/extract --out STORE
medprobe/extract -o STORE
medprobe/extract --batch-size N
medprobe/extract --skip-errors
medprobe/extract --resume
medprobe/extract --force
medprobe/extract --config FILE
medprobe/extract --threads N
medprobe/extract --quiet
medprobe/extract -q
medprobe/extract --log-level LEVEL error warn info debug
medprobe/extract --help
medprobe/extract -h
medprobe init
medprobe/init = FOLDER
medprobe/init --config FILE
medprobe/init --threads N
medprobe/init --quiet
medprobe/init -q
medprobe/init --log-level LEVEL error warn info debug
medprobe/init --help
medprobe/init -h
medprobe probe
medprobe/probe = STORE
medprobe/probe --shots LIST
medprobe/probe --seeds N
medprobe/probe --seed LIST
medprobe/probe --method LIST
medprobe/probe --protocol NAME medprobe
medprobe/probe --c-rule RULE support-cv val-shots oracle fixed
medprobe/probe --c C
medprobe/probe --group WHAT
medprobe/probe --train-split NAME
medprobe/probe --test-split NAME
medprobe/probe --val-split NAME
medprobe/probe --draws FILE
medprobe/probe --allow-short
medprobe/probe --save-probes
medprobe/probe --resamples N
medprobe/probe --force
medprobe/probe --json
medprobe/probe --out FOLDER
medprobe/probe -o FOLDER
medprobe/probe --config FILE
medprobe/probe --threads N
medprobe/probe --quiet
medprobe/probe -q
medprobe/probe --log-level LEVEL error warn info debug
medprobe/probe --help
medprobe/probe -h
medprobe eval
medprobe/eval = STORE
medprobe/eval --predictions FILE
medprobe/eval --against FILE
medprobe/eval --metrics LIST
medprobe/eval --probes FILE
medprobe/eval --probe NAME
medprobe/eval --split NAME
medprobe/eval --out FILE
medprobe/eval -o FILE
medprobe/eval --resamples N
medprobe/eval --json
medprobe/eval --config FILE
medprobe/eval --threads N
medprobe/eval --quiet
medprobe/eval -q
medprobe/eval --log-level LEVEL error warn info debug
medprobe/eval --help
medprobe/eval -h
medprobe report
medprobe/report = RUN
medprobe/report --out FOLDER
medprobe/report -o FOLDER
medprobe/report --format LIST
medprobe/report --config FILE
medprobe/report --threads N
medprobe/report --quiet
medprobe/report -q
medprobe/report --log-level LEVEL error warn info debug
medprobe/report --help
medprobe/report -h
medprobe doctor
medprobe/doctor --json
medprobe/doctor --config FILE
medprobe/doctor --threads N
medprobe/doctor --quiet
medprobe/doctor -q
medprobe/doctor --log-level LEVEL error warn info debug
medprobe/doctor --help
medprobe/doctor -h
medprobe models
medprobe/models list
medprobe/models/list --json
medprobe/models/list --config FILE
medprobe/models/list --threads N
medprobe/models/list --quiet
medprobe/models/list -q
medprobe/models/list --log-level LEVEL error warn info debug
medprobe/models/list --help
medprobe/models/list -h
medprobe/models show
medprobe/models/show = MODEL
medprobe/models/show --json
medprobe/models/show --config FILE
medprobe/models/show --threads N
medprobe/models/show --quiet
medprobe/models/show -q
medprobe/models/show --log-level LEVEL error warn info debug
medprobe/models/show --help
medprobe/models/show -h
medprobe/models add
medprobe/models/add = PATH
medprobe/models/add --name NAME
medprobe/models/add --force
medprobe/models/add --config FILE
medprobe/models/add --threads N
medprobe/models/add --quiet
medprobe/models/add -q
medprobe/models/add --log-level LEVEL error warn info debug
medprobe/models/add --help
medprobe/models/add -h
medprobe/models inspect
medprobe/models/inspect = FILE
medprobe/models/inspect --json
medprobe/models/inspect --no-digest
medprobe/models/inspect --config FILE
medprobe/models/inspect --threads N
medprobe/models/inspect --quiet
medprobe/models/inspect -q
medprobe/models/inspect --log-level LEVEL error warn info debug
medprobe/models/inspect --help
medprobe/models/inspect -h
medprobe/models pull
medprobe/models/pull = MODEL
medprobe/models/pull --retries N
medprobe/models/pull --force
medprobe/models/pull --config FILE
medprobe/models/pull --threads N
medprobe/models/pull --quiet
medprobe/models/pull -q
medprobe/models/pull --log-level LEVEL error warn info debug
medprobe/models/pull --help
medprobe/models/pull -h
medprobe/models check
medprobe/models/check = MODEL
medprobe/models/check --config FILE
medprobe/models/check --threads N
medprobe/models/check --quiet
medprobe/models/check -q
medprobe/models/check --log-level LEVEL error warn info debug
medprobe/models/check --help
medprobe/models/check -h
medprobe version
medprobe/version --config FILE
medprobe/version --threads N
medprobe/version --quiet
medprobe/version -q
medprobe/version --log-level LEVEL error warn info debug
medprobe/version --help
medprobe/version -h
medprobe help
'

# Names of models or prompts: YAML files in the folders where the program looks for them.
_medprobe_names() {
  local folder file program
  program=$(readlink -f -- "$(command -v -- "${COMP_WORDS[0]}")")
  for folder in "${program%/*}/../configs" "${program%/*}/../share/medprobe" "${MEDPROBE_HOME:-}" configs; do
    for file in "$folder/$1"/*.yaml; do
      [ ! -f "$file" ] || { file=${file##*/}; echo "${file%.yaml}"; }
    done
  done
}

_medprobe() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at=1 place=medprobe
  local where word argument choices value_of='' allowed='' other='' offered='' done_part=''

  [ "${COMP_WORDS[0]##*/}" = medprobe ] || place=medprobe/${COMP_WORDS[0]##*/}
  while [ $at -lt "$COMP_CWORD" ] && [ "${COMP_WORDS[at]}" != help ] && [[ $_medprobe_rows == *"
$place ${COMP_WORDS[at]}
"* ]] && [[ ${COMP_WORDS[at]} != -* ]]; do
    place=$place/${COMP_WORDS[at]}
    at=$((at + 1))
  done
  if [ "$current" = = ]; then # "--name=va" comes as three offered
    current=
  elif [ "$before" = = ]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  while read -r where word argument choices; do
    [ "$where" = "$place" ] || continue
    case $word in
      "$before") value_of=$argument allowed=$choices ;;
      =) other=$argument ;;
    esac
    case $word in
      -[a-z] | =) ;;
      -*) case $current in -*) offered="$offered $word" ;; esac ;;
      *) offered="$offered $word" ;;
    esac
  done <<<"$_medprobe_rows"

  COMPREPLY=()
  if [ -n "$value_of" ]; then
    offered=$allowed
    if [ -n "$allowed" ] && [ "$value_of" = LIST ]; then # of A,B,C what follows the last comma
      done_part=${current%"${current##*,}"}
      current=${current##*,}
    fi
  else
    value_of=$other
  fi
  case $value_of in
    MODEL) offered="$offered $(_medprobe_names models)" ;;
    SET) offered="$offered $(_medprobe_names prompts)" ;;
  esac
  local IFS=$'\n' # one word a line: file names have spaces
  COMPREPLY=($(compgen -P "$done_part" -W "${offered// /$IFS}" -- "$current"))
  [ ${#COMPREPLY[@]} = 0 ] || return
  case $value_of in
    FILE | STORE | RUN | MODEL | SET) COMPREPLY=($(compgen -f -- "$current")) ;;
    FOLDER | DIR) COMPREPLY=($(compgen -d -- "$current")) ;;
    *) return ;;
  esac
  compopt -o filenames 2>/dev/null
}

complete -F _medprobe medprobe extract probe report
