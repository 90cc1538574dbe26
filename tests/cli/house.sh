#!/usr/bin/env bash
# Protects: the house itself: targets and flavours of make, the names of the program, help and man pages, install and uninstall.
. "$(dirname "$0")/../tap.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1

check "an unknown flavour is an error" eval '! make -s FLAVOUR=fast help && make -s FLAVOUR=fast help 2>&1 | grep -q "unknown FLAVOUR"'
check "make help names the targets" eval 'for t in check check-reference lint asan coverage bench docs install dist; do make -s help | grep -q "$t" || exit 1; done'

check "no command is wrong use" eval '"$medprobe" 2>/dev/null; [ $? = 2 ]'
check "a misspelt command gets the nearest name" refuses 2 "did you mean 'extract'?" "$medprobe" exract
check "an unknown option gets one line" refuses 2 "no option '--zzz'" "$medprobe" probe --zzz
check "the version, short and long" eval '"$medprobe" --version | grep -q "^medprobe $(cat VERSION)$" && "$medprobe" version >"$work/version" && has "medprobe $(cat VERSION)" "$work/version" && has "openblas core" "$work/version"'

commands=$("$medprobe" --help | sed -n '/^commands:/,$p' | awk 'NR > 1 && !NF {exit} NR > 1 {print $1}')
for c in $commands; do
  check "$c --help names itself and ends with an example" eval '
    "$medprobe" '"$c"' --help >"$work/help" && head -n 1 "$work/help" | grep -q "^usage: medprobe '"$c"'" &&
    grep -q "^example:" "$work/help" && grep -qE -- "--threads N|COMMAND --help" "$work/help"'
done
for c in $(sed -n 's/^LINKS := //p' Makefile); do
  check "the link $c is the command" eval '[ "$("$build/bin/'$c'" --help)" = "$("$medprobe" '$c' --help)" ]'
done
# What lint cannot see of a command: a script that runs it, a word for the user. (Seen: nothing ran doctor.)
has_script() { grep -qE "\"\\\$medprobe\" $1\b|bin/\"?$1\b" tests/cli/*.sh; }
has_words() { grep -qE "(\`|medprobe )$1\b" CHANGELOG.md docs/GUIDE.md; }
check "a command that is nowhere is seen" eval '! has_script none"such" && ! has_words none"such"'
for c in $commands; do
  check "a script of tests/cli runs $c, CHANGELOG or GUIDE names it" eval 'has_script '$c' && has_words '$c
done
check "doctor looks at everything" eval '
  "$medprobe" doctor >"$work/doctor" && "$medprobe" doctor --json >"$work/json" && has "\"problems\"" "$work/json" &&
  for what in "CPU features" "tower kernels" OpenBLAS "usable cores" "disk here" "folder here" "file locking" gnuplot; do
    has "$what" "$work/doctor" && has "\"$what\"" "$work/json" || exit 1; done && ! grep " \", \"advice" "$work/json"'
check "doctor says what to do about a problem" eval '
  mkdir -p "$work/bare" && PATH=$work/bare "$medprobe" doctor >"$work/doctor" && grep -A1 "^gnuplot" "$work/doctor" | grep -q " -> " &&
  has "to look at" "$work/doctor"'
# (Commands of a command have names of two words.)
check "every mdp_cmd_NAME of one word is a command" eval '
  same "$(printf "%s\n" $commands | LC_ALL=C sort)" \
    "$(sed -n "s/^mdp_status mdp_cmd_\([a-z]*\)(.*/\1/p" src/cmd/*.c | LC_ALL=C sort)"'
check "the links of make are those of the table" eval '
  [ "$(sed -n "s/^LINKS := //p" Makefile | tr " " "\n" | sort)" = \
    "$("$medprobe" --help | sed -n "s/^programs of their own, too: //p" | sed "s/, /\n/g" | sort)" ]'
check "man pages and completion are what --help says" env MEDPROBE="$medprobe" scripts/docs --check

if [ "$build" = "$root/build/release" ]; then
  list() { (cd "$work/root" && find . -type f -o -type l | sort); }
  check "installs" make -s install PREFIX=/opt/medprobe DESTDIR="$work/root"
  check "binary, links, library, headers, pkg-config, configs, man pages" eval '
    list >"$work/list" && for f in bin/medprobe bin/extract bin/probe bin/report lib/libmedprobe.a include/medprobe/status.h \
      lib/pkgconfig/medprobe.pc share/medprobe/models/medclip-vit.yaml share/man/man1/medprobe-probe.1 \
      share/bash-completion/completions/{medprobe,extract,probe,report}; do
      grep -qx "./opt/medprobe/$f" "$work/list" || { echo "$f"; exit 1; }; done'
  check "the installed program finds its configurations" eval '
    (cd / && env -u MEDPROBE_HOME "$work/root/opt/medprobe/bin/medprobe" models list) | grep -q medclip-vit'
  export PKG_CONFIG_PATH=$work/root/opt/medprobe/lib/pkgconfig
  flags() { pkg-config --define-variable=prefix="$work/root/opt/medprobe" "$@" medprobe; }
  for h in "$work"/root/opt/medprobe/include/medprobe/*.h; do
    h=$(basename "$h" .h)
    # The indented lines of a header's first comment are its usage. (Seen: store.h used names that nothing declared.)
    sed -n '/^\*\/\|\*\/$/q; /^       /p' <(sed 1d "$work/root/opt/medprobe/include/medprobe/$h.h") >"$work/usage_$h.c"
    check "the usage at the top of $h.h compiles" eval '
      [ -s "$work/usage_'$h'.c" ] && cc -std=c17 -Wall -Wextra -Werror -Wno-unused-function $(flags --cflags) -c -o "$work/usage.o" "$work/usage_'$h'.c"'
  done
  for c in examples/*.c; do
    c=$(basename "$c" .c)
    check "examples/$c.c builds against it" cc -std=c17 -Wall -Wextra -Werror -o "$work/$c" "examples/$c.c" $(flags --cflags --libs)
  done
  # One picture from C has the floats that extract writes.
  check "the examples agree with extract" eval '
    card=$work/root/opt/medprobe/share/medprobe/models/demo-phantom.yaml && cd "$work" && "$build/tools/phantom" --quiet --out p --pictures 3 --size 64-96 &&
    "$medprobe" extract --quiet --model "$card" --manifest p/manifest.csv -o three.h5 && ./read_store three.h5 >store.txt && cat store.txt &&
    grep -q "^3 pictures of 128 values by demo-phantom, 2 classes, 0 prompts$" store.txt &&
    first=$(sed -n 2p p/manifest.csv | cut -d, -f1) && ./embed_picture "$card" "p/$first" "clear lungs" >picture.txt && cat picture.txt &&
    values=$(sed -nE "s/^128 values, norm [0-9.e+-]+: (.* \.\.\.)$/\1/p" picture.txt) && [ -n "$values" ] &&
    sed -n 2p store.txt | grep -qF ": $values (" && grep -qE "^[+-]0\.[0-9]{4}  clear lungs$" picture.txt'
  # Seen: only main set one thread of OpenBLAS, so that a program with the library gave other bytes on another machine.
  check "embeddings from C do not depend on the threads of OpenBLAS" eval '
    card=$work/root/opt/medprobe/share/medprobe/models/demo-phantom.yaml && cd "$work" && first=p/$(sed -n 2p p/manifest.csv | cut -d, -f1) &&
    for n in 1 2 4; do MEDPROBE_KERNEL=portable OPENBLAS_NUM_THREADS=$n ./embed_picture "$card" "$first" "clear lungs" >by_$n.txt || exit 1; done &&
    cat by_?.txt && cmp by_1.txt by_2.txt && cmp by_1.txt by_4.txt'
  check "what is no picture is said" eval '
    cd "$work" && ! ./embed_picture "$work/root/opt/medprobe/share/medprobe/models/demo-phantom.yaml" store.txt 2>err && grep -q "^store.txt: no picture" err'
  mkdir -p "$work/root/opt/medprobe/bin" && touch "$work/root/opt/medprobe/bin/other"
  check "uninstalls exactly what it installed" eval '
    make -s uninstall PREFIX=/opt/medprobe DESTDIR="$work/root" && [ "$(list)" = ./opt/medprobe/bin/other ]'
else
  skip "installs and uninstalls" "done with the release flavour"
fi
done_testing
