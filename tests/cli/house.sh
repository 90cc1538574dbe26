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
check "the version" eval '"$medprobe" --version | grep -q "^medprobe $(cat VERSION)$"'

commands=$("$medprobe" --help | sed -n '/^commands:/,$p' | awk 'NR > 1 && !NF {exit} NR > 1 {print $1}')
for c in $commands; do
  check "$c --help names itself and ends with an example" eval '
    "$medprobe" '"$c"' --help >"$work/help" && head -n 1 "$work/help" | grep -q "^usage: medprobe '"$c"'" &&
    grep -q "^example:" "$work/help" && grep -qE -- "--threads N|COMMAND --help" "$work/help"'
done
for c in $(sed -n 's/^LINKS := //p' Makefile); do
  check "the link $c is the command" eval '[ "$("$build/bin/'$c'" --help)" = "$("$medprobe" '$c' --help)" ]'
done
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
  check "a program builds against it" eval '
    cat >"$work/x.c" <<X
#include <medprobe/store.h>
#include <stdio.h>
int main(void){struct mdp_store *s=NULL;struct mdp_error e=MDP_ERROR_INIT;
return mdp_store_open("/nonexistent.h5",&s,&e)==MDP_OK || !e.message[0];}
X
    export PKG_CONFIG_PATH=$work/root/opt/medprobe/lib/pkgconfig
    cc -o "$work/x" "$work/x.c" $(pkg-config --define-variable=prefix="$work/root/opt/medprobe" --cflags --libs medprobe) &&
    "$work/x"'
  mkdir -p "$work/root/opt/medprobe/bin" && touch "$work/root/opt/medprobe/bin/other"
  check "uninstalls exactly what it installed" eval '
    make -s uninstall PREFIX=/opt/medprobe DESTDIR="$work/root" && [ "$(list)" = ./opt/medprobe/bin/other ]'
else
  skip "installs and uninstalls" "done with the release flavour"
fi
done_testing
