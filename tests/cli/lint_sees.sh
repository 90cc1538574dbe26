#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Protects: the house rules. Every check of scripts/lint sees the fault that it is for, in a small tree that has none.
#
# Faults are planted here for good: sees CHECK "what lint must say" FILE 'content, \n in it'; the file is as before again.
. "$(dirname "$0")/../tap.sh"
mkdir -p "$work"/tree/{bin,docs,scripts/lint.d,include/medprobe,tests/unit} && cd "$work/tree" || exit 1
cp "$root/.clang-format" "$root/VERSION" . && cp -r "$root/scripts/lint" "$root/scripts/lint.d" "$root/scripts/docs" "$root/scripts/completion" "$root/scripts/deps" scripts && cp "$root/Makefile" . && cp -r "$root"/docs/man "$root"/docs/completion docs || exit 1
for folder in base/numbers cmd eval/metrics eval/report extract/{input,kernels,model,text,towers} probe/{methods,solvers}; do mkdir -p "src/$folder"; done
spdx='/* SPDX-License-Identifier: BSD-3-Clause */'

put() { mkdir -p "$(dirname "$1")" && printf '%b\n' "$2" >"$1"; }
seen() { # seen CHECK "words" FILE 'content'
  local status
  [ ! -e "$3" ] || cp -p "$3" ../kept
  put "$3" "$4"
  scripts/lint "$1" >../said
  status=$?
  if [ -e ../kept ]; then mv ../kept "$3"; else rm "$3"; fi
  has "$2" ../said && same 1 $status
}
sees() { check "$1: $2" seen "$@"; }

put include/medprobe/thing.h "$spdx\n#ifndef MEDPROBE_THING_H\n#define MEDPROBE_THING_H\n\n#include <stddef.h>\n\n/* The larger of x[n]; NaN when n is 0. */\ndouble mdp_thing_largest(const double x[], size_t n);\n\n#endif"
put src/base/base.c "$spdx\n#include \"medprobe/thing.h\"\n\n#include <stdio.h>"
put src/base/words.c "$spdx\n#include <yaml.h>"
put docs/MODELS.md 'The key \`width\`.'
put docs/ARCHITECTURE.md 'See `base/base.c`.'
put tests/unit/test_thing.c "$spdx\n/* Protects: the thing. */"
put tests/unit/test_release.c "$spdx\n/* Protects: mdp_y_free. */"
check "a tree without faults has none" scripts/lint format includes libraries headers names comments lengths calls files keys places tables documents tests

sees format "src/base/base.c: not formatted" src/base/base.c "$spdx\nint  mdp_x;"
includes() { sees includes "$1: line 2: ${3:-} may not include $2" "$1" "$spdx\n#include \"$2\""; }
includes src/base/x.c eval/report/report.h src/base
includes src/base/numbers/x.c base/exchange/store.h src/base/numbers
includes src/probe/x.c extract/text/vocab.h src/probe
includes src/probe/solvers/x.c probe/run.h src/probe/solvers
includes src/extract/kernels/x.c extract/weights/weights.h src/extract/kernels
includes src/extract/input/x.c extract/preprocess/pipeline.h src/extract/input
includes src/extract/text/x.c extract/towers/bert.h src/extract/text
includes src/extract/towers/x.c extract/model/model.h src/extract/towers
includes src/extract/model/x.c extract/job/encode.h src/extract/model
includes src/eval/metrics/x.c eval/report/figures.h src/eval/metrics
includes src/eval/x.c cmd/commands.h src/eval
includes include/medprobe/x.h base/text.h include
sees includes "src/query: a room without a row in the directions" src/query/x.c "$spdx"
sees includes "line 2: base/formats/h5_internal.h is for its own files" src/base/x.c "$spdx\n#include \"base/formats/h5_internal.h\""
sees includes 'line 2: include "text.h" by its path' src/base/x.c "$spdx\n#include \"text.h\""
sees libraries "<yaml.h> is included by more than one file: src/base/words.c src/base/x.c" src/base/x.c "$spdx\n#include <yaml.h>"
sees libraries "a public header shows <jansson.h>" include/medprobe/x.h "$spdx\n#include <jansson.h>"
sees libraries "no Debian package is named for libtiff-4 of the Makefile" Makefile "PACKAGES := hdf5 libtiff-4"
sees libraries "scripts/deps: hdf5 is not linked by the Makefile" Makefile "PACKAGES := openblas"
sees headers "src/base/x.h: does not compile alone in C" src/base/x.h "$spdx\nsize_t mdp_x;"
sees headers "src/base/x.h: does not compile alone in C++" src/base/x.h "$spdx\nstruct mdp_x {\n    int class;\n};"
sees names "src/base/x.h: line 2: macro MOST does not begin with MDP_" src/base/x.h "$spdx\n#define MOST 3"
sees names "src/base/x.h: line 2: guard MDP_EXTRACT_X_H, expected MDP_BASE_X_H" src/base/x.h "$spdx\n#ifndef MDP_EXTRACT_X_H\n#define MDP_EXTRACT_X_H\n#endif"
sees names "src/base/x.h: line 2: struct thing does not begin with mdp_" src/base/x.h "$spdx\nstruct thing {\n    int x;\n};"
mkdir -p build/release && echo 'int shown;' >shown.c && ${CC:-cc} -c shown.c && ar rc build/release/libmedprobe.a shown.o
check "names: a symbol" eval '! scripts/lint names >said; has "public symbol shown does not begin with mdp_" said'
rm -r build shown.*
comments() { sees comments "x.h: line ${4:-3}: mdp_x() $1" "$3" "$spdx\n$2\n"; }
comments "has no comment" "\nvoid mdp_x(int a);" src/base/x.h
comments "has no comment" "/* Another's. */\nvoid mdp_y(void);\n\nvoid mdp_x(int a);" src/base/x.h 5
comments "takes or gives an array" "/* The sum. */\ndouble mdp_x(const double *x, size_t n);" src/base/x.h
comments "takes or gives an array" "/* The sum. */\ndouble mdp_x(\n    double x[], size_t n);" src/base/x.h
comments "can fail, its comment does not say when" "/* Opens it. */\nmdp_status mdp_x(const char *path);" include/medprobe/x.h
of_lines() { printf '%s\\n' "$spdx" "${2:-}" 'void mdp_x(void)' '{'; printf '    mdp_y();\\n%.0s' $(seq "$1"); printf '}'; }
sees lengths "x.c: line 4: function of 81 lines (at most 80" src/base/x.c "$(of_lines 81)"
sees lengths "x.c: line 4: function of 121 lines (at most 120" src/base/x.c "$(of_lines 121 '/* long: a table */')"
put src/base/x.c "$(of_lines 120 '/* long: a table */')"
check "lengths: a reason allows 120 lines" scripts/lint lengths
put src/base/x.c "$spdx\n/* strcpy(a, b) */\nstatic const char *const said = \"system(\\\\\"x\\\\\")\";\nvoid mdp_x(struct mdp_y *y)\n{\n    y->random(3);\n}"
check "calls: not those in comments, strings and structs" scripts/lint calls
rm src/base/x.c
for call in strcpy strcat sprintf strtok gets atoi atof rand system; do
  sees calls "src/base/x.c: line 4: $call() is not used here" src/base/x.c "$spdx\nvoid mdp_x(void)\n{\n    $call(a);\n}"
done
sees files "src/base/x.c: first line is not the SPDX line" src/base/x.c 'int mdp_x;'
sees files "one file name twice: src/base/base.c tests/unit/base.c" tests/unit/base.c "$spdx"
sees files "src/base/x.c: 901 lines (at most 900)" src/base/x.c "$spdx$(printf '\\nint mdp_x;%.0s' {1..900})"
sees keys "src/extract/text/x.c: key 'height' is in no file of docs/" src/extract/text/x.c "$spdx\nstatic const char *const keys[] = {\"width\",\n    \"height\"};"
sees keys "src/extract/text/x.c: key 'depth' is in no file of docs/" src/extract/text/x.c "$spdx\n    mdp_yaml_get(doc, node, \"depth\", &out, err);"
sees places "docs/ARCHITECTURE.md: there is no base/gone.c" docs/ARCHITECTURE.md '`base/gone.c`'
sees places "docs/ARCHITECTURE.md: src/base/base.c has no mdp_gone" docs/ARCHITECTURE.md '`base/base.c:mdp_gone`'
# The objects and functions of a table, in all the ways they are declared.
put src/probe/method.h "$spdx\n#include \"base/x.h\"\nextern const struct mdp_method *const mdp_methods[]; /* mdp_none */\n\nextern const struct mdp_method mdp_a, mdp_b,\n    mdp_c;"
put src/probe/method.c "const struct mdp_method *const mdp_methods[] = {&mdp_a, &mdp_b, &mdp_c};"
put src/cmd/commands.h "$spdx\nmdp_command_run mdp_cmd_a, mdp_cmd_b;"
put src/cmd/commands.c "mdp_cmd_a mdp_cmd_b"
check "tables: every row is there" scripts/lint tables
sees tables "lint: mdp_c has no row in src/probe/method.c" src/probe/method.c "const struct mdp_method *const mdp_methods[] = {&mdp_a, &mdp_b};"
sees tables "lint: mdp_b has no row in src/probe/method.c" src/probe/method.c "const struct mdp_method *const mdp_methods[] = {&mdp_a, &mdp_c};"
sees tables "lint: mdp_cmd_b has no row in src/cmd/commands.c or" src/cmd/commands.c "mdp_cmd_a\nmdp_status mdp_cmd_b(int argc)"
rm src/probe/method.[ch] src/cmd/commands.[ch]
put docs/METHODS.md 'By `a`, not by b; `--method c`.'
put src/probe/methods/x.c 'struct mdp_method mdp_a = {.name = "a"}, mdp_c = {.name = "c", .words = "b"};'
check "documents: every name is there" scripts/lint documents
sees documents "src/probe/methods/x.c: 'b' is not in docs/METHODS.md" src/probe/methods/x.c '    .name = "b",'
sees documents "store_names.h: '/gone' is not in docs/FORMATS.md" src/base/exchange/store_names.h '#define MDP_STORE_GONE "/gone" /* [N] */'
sees documents "src/extract/weights/x.c: 'gguf' is not in docs/MODELS.md" src/extract/weights/x.c '    .name = "x", .words = "gguf",'
rm src/probe/methods/x.c docs/METHODS.md
sees tests "src/base/x.h: mdp_x_free is not in tests/unit/test_release.c" src/base/x.h "$spdx\nvoid mdp_x_free(struct mdp_x *x);"
sees tests "src/query/x.h: mdp_x_close is not in tests/unit/test_release.c" src/query/x.h "$spdx\nvoid mdp_x_close(struct mdp_x *x);"
sees tests "tests/unit/test_x.c: no line \"Protects: ...\"" tests/unit/test_x.c "$spdx\n/* Tests x. */"

cp "$medprobe" bin/medprobe
check "help: the pages as they are" scripts/lint help
page=docs/man/medprobe-report.1
sees help "pages are not what --help says" $page "$(grep -v 'format' $page | sed 's/\\/\\\\/g')"
check "help: an old program is not asked" eval 'touch -d 2000-01-01 bin/medprobe && scripts/lint help >said && has "no faults (help is not checked: bin/medprobe" said'
check "an unknown check is refused" eval '! scripts/lint includs 2>said; has "no check" said'
done_testing
