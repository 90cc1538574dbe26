#!/usr/bin/env bash
# Protects: init: class and split folders become a manifest, a CSV is used as it is, nothing is overwritten, and what is left to do is
# said. Fault seen (the program before): a folder of TIFFs beside the PNGs, and a folder without classes, went by
# without a word.
. "$(dirname "$0")/../tap.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
"$build/tools/tiny_medclip" "$work/m" || exit 1
mkdir -p "$work/a/pics/train/normal" "$work/a/pics/train/tb" "$work/a/pics/test/tb" && cd "$work/a" || exit 1
touch pics/train/normal/'x, "1".jpg' pics/train/tb/b.PNG pics/test/tb/c.jpeg pics/test/tb/notes.txt pics/.hidden.jpg

check "a folder of splits and classes" "$medprobe" init pics
check "the manifest has every picture, its class and split" eval '
  printf "%s\n" "path,label,split" "test/tb/c.jpeg,tb,test" "\"train/normal/x, \"\"1\"\".jpg\",normal,train" \
    "train/tb/b.PNG,tb,train" | cmp - manifest.csv'
check "the project file says that no patients are known" has -x 'group: none' medprobe.yaml
check "again: nothing is overwritten" refuses 2 "is never overwritten (delete it to start anew)" "$medprobe" init pics
rm medprobe.yaml
check "a manifest is not overwritten either" refuses 2 "manifest.csv: is there already" "$medprobe" init pics
check "no project file was left by it" eval '[ ! -e medprobe.yaml ]'

mkdir -p "$work/b/set" && cd "$work/b" && printf 'path,label,patient_id\na.png,normal,1\nb.png,tuberculosis,2\n' >set/list.csv
export MEDPROBE_HOME=$root/configs
check "a folder with a CSV" "$medprobe" init set
check "the project file names it" has -x 'manifest: "set/list.csv"' medprobe.yaml
check "and the prompt set that has its classes, and its patients" eval "grep -qx 'prompts: tb' medprobe.yaml && has -x 'group: patient_id' medprobe.yaml"
check "and the class that is positive, to be changed" has -x '# positive: "tuberculosis"' medprobe.yaml
rm medprobe.yaml
touch set/other.csv
check "two CSV files are not guessed between" refuses 2 "has 2 CSV files" "$medprobe" init set
mkdir "$work/b/empty"
check "an empty folder" refuses 2 "empty: no CSV and no " "$medprobe" init empty
check "no folder" refuses 2 "is no folder" "$medprobe" init nothing
check "a table for the folder" refuses 2 "is no folder (init takes the folder and finds the CSV in it" "$medprobe" init set/list.csv
mkdir "$work/b/slides" && touch "$work/b/slides/a.gif"
check "a folder of nothing that is read" refuses 2 " in it (a.gif (GIF) is not read" "$medprobe" init slides
mkdir "$work/b/wrong" && echo image,label >"$work/b/wrong/list.csv"
check "a CSV that is no manifest is said to be none at once" refuses 1 "no column 'path' (columns: image, label)" "$medprobe" init wrong
check "none of them left a project file" eval '[ ! -e medprobe.yaml ]'

mkdir -p "$work/d/flat" && cd "$work/d" && touch flat/1.png flat/2.png flat/3.gif flat/4.gif || exit 1
check "a folder without classes" eval '"$medprobe" init flat 2>said && [ "$(cat manifest.csv)" = "$(printf "path,label,split\n1.png,,\n2.png,,\n")" ]'
check "says that labels are to be filled in" has "manifest.csv: no labels: before extract, give every picture its class in a column 'label'" said
check "and what no patients mean" grep -q "no patients: pictures of one person may stand on both sides" said
check "and which pictures are left out" grep -q "2 pictures left out, of formats that are not read: 3.gif (GIF), ..." said

# Faults seen (the program before): a folder Train was a class; nobody said that normal comes behind TB.
mkdir -p "$work/e/set/Train/TB" "$work/e/set/Train/normal" && cd "$work/e" && touch set/Train/TB/a.png set/Train/normal/b.png || exit 1
check "a folder of a split in another case" eval '"$medprobe" init set >out 2>said && has -x "Train/TB/a.png,TB,train" manifest.csv'
check "says which class is positive" has ", classes: TB, normal (positive), splits" out
check "and that it sounds normal" has "warning: positive class will be 'normal': positive: 'TB' in medprobe.yaml makes the other one positive" said
check "the key is there to be taken in" has -x '# positive: "TB"' medprobe.yaml
check "and works" eval 'sed -i "s/^# positive/positive/" medprobe.yaml && "$medprobe" extract --model "$work/m/tiny.yaml" --weights "$work/m/weights.safetensors" 2>said; has "positive class: '"'TB'"' (the second of '"'normal', 'TB'"')" said'

# Fault seen (the program before): the line break stood raw in medprobe.yaml and became a space.
mkdir -p "$work/c/"$'odd\n"\\name/normal' && touch "$work/c/"$'odd\n"\\name/normal/a.png' && cd "$work/c" || exit 1
check "a folder of any name" "$medprobe" init $'odd\n"\\name'
check "is found again" refuses 1 '/normal/a.png: a file of 0 bytes' "$medprobe" extract -q --model "$work/m/tiny.yaml" --weights "$work/m/weights.safetensors" -o x.h5
done_testing
