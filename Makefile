# medprobe: make help lists the targets.
#
# FLAVOUR selects compiler flags and a build folder of its own (build/<flavour>/); `make` leaves the programs of the
# release flavour in bin/.

VERSION := $(shell cat VERSION)
FLAVOURS := release debug asan ubsan tsan coverage fuzz
FLAVOUR ?= release
ifeq ($(filter $(FLAVOUR),$(FLAVOURS)),)
$(error unknown FLAVOUR '$(FLAVOUR)'; known: $(FLAVOURS))
endif

PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= python3
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format

# --- flags ----------------------------------------------------------------------------------------------------

# openblas stands before all that call a BLAS: then theirs is this one (src/base/numbers/blas.h).
PACKAGES := hdf5 openblas lapacke libjpeg libpng yaml-0.1 jansson libcrypto libcurl libutf8proc zlib
PLAIN_LIBS := -llinear -lcsv -lsentencepiece

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
WARN_CXX := -Wall -Wextra -Wshadow -Wconversion
CPPFLAGS += -Iinclude -Isrc -D_XOPEN_SOURCE=700 -D_DEFAULT_SOURCE -DMDP_VERSION='"$(VERSION)"' \
	-DMDP_FLAVOUR='"$(FLAVOUR)"' \
	-DMDP_SENTENCEPIECE='"$(or $(shell $(PKG_CONFIG) --modversion sentencepiece 2>/dev/null),of unknown version)"' $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
# -ffp-contract=off: a product and a sum are two roundings on every machine; kernels that want a fused
# multiply-add ask for it by intrinsic.
CODE := -fPIC -pthread -ffp-contract=off -fno-math-errno
LDLIBS += $(shell $(PKG_CONFIG) --libs $(PACKAGES)) $(PLAIN_LIBS) -lm -pthread

FLAGS_release  := -O2 -g
FLAGS_debug    := -O0 -g
FLAGS_asan     := -O1 -g -fsanitize=address -fno-omit-frame-pointer
FLAGS_ubsan    := -O1 -g -fsanitize=undefined,float-cast-overflow -fno-sanitize-recover=all
FLAGS_tsan     := -O1 -g -fsanitize=thread
FLAGS_coverage := -O0 -g --coverage
FLAGS_fuzz     := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
ifeq ($(FLAVOUR),fuzz)
CC := clang
CXX := clang++
endif
CODE += $(FLAGS_$(FLAVOUR))
# The dense float32 work is written as plain loops that the compiler turns into vector code.
HOT := -O3

# --- what there is to build -----------------------------------------------------------------------------------

B := build/$(FLAVOUR)
SOURCES := $(sort $(shell find src -name '*.c' -o -name '*.cpp'))
# Kernels for x86 by name; other CPUs take the portable ones.
ifeq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
SOURCES := $(filter-out %_avx2.c %_avx512.c,$(SOURCES))
endif
OBJECTS := $(patsubst src/%,$(B)/obj/%.o,$(SOURCES))
LIBRARY_OBJECTS := $(filter-out $(B)/obj/main.c.o $(B)/obj/cmd/%,$(OBJECTS))
COMMAND_OBJECTS := $(filter $(B)/obj/cmd/%,$(OBJECTS))
LIBRARY := $(B)/libmedprobe.a
LINKS := extract probe report
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))
TOOLS := $(B)/tools/phantom $(patsubst tests/tools/%.c,$(B)/tools/%,$(sort $(wildcard tests/tools/*.c)))
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%,$(sort $(wildcard examples/*.c)))
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
REPLAY := $(patsubst tests/fuzz/%.c,$(B)/replay/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
HEADERS := $(sort $(wildcard include/medprobe/*.h) $(shell find src -name '*.h'))
PROGRAMS := $(B)/bin/medprobe $(addprefix $(B)/bin/,$(LINKS))

.PHONY: all check check-unit check-cli check-reference check-slow lint format bench docs examples install uninstall dist clean help \
	tools fuzz asan ubsan tsan coverage
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

ifeq ($(FLAVOUR),release)
all: $(PROGRAMS) bin/medprobe $(addprefix bin/,$(LINKS))
else
all: $(PROGRAMS)
endif

bin/medprobe: $(B)/bin/medprobe
	@mkdir -p $(@D)
	cp -f $< $@
$(addprefix bin/,$(LINKS)): bin/medprobe
	ln -sf medprobe $@

$(B)/bin/medprobe: $(B)/obj/main.c.o $(COMMAND_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(CODE) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(addprefix $(B)/bin/,$(LINKS)): $(B)/bin/medprobe
	ln -sf medprobe $@

$(LIBRARY): $(LIBRARY_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^
# All of medprobe as one shared object, for the reference tests, which call single functions from Python.
$(B)/libmedprobe_test.so: $(LIBRARY_OBJECTS)
	$(CXX) $(CODE) $(LDFLAGS) -shared -o $@ $^ $(LDLIBS)

$(B)/obj/extract/kernels/%.o $(B)/obj/extract/preprocess/%.o: CODE += $(if $(filter release,$(FLAVOUR)),$(HOT))
$(B)/obj/%_avx2.c.o: CODE += -mavx2 -mfma -mf16c
$(B)/obj/%_avx512.c.o: CODE += -mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma -mf16c

# An object is made again when the flags change.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CXX) $(CPPFLAGS) $(CODE) $(WARN) $(CFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(CXX) $(CPPFLAGS) $(CODE) $(WARN) $(CFLAGS)' > $@
.PHONY: FORCE

$(B)/obj/%.c.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CPPFLAGS) $(CODE) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/obj/%.cpp.o: src/%.cpp $(B)/flags
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) $(CODE) $(WARN_CXX) $(CXXFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CPPFLAGS) -Itests -Wall -Wextra $(CODE) $(CFLAGS) -MMD -MP -c -o $@.o $<
	$(CXX) $(CODE) $(LDFLAGS) -o $@ $@.o $(LIBRARY) $(LDLIBS) -lcmocka
$(B)/tools/%: tests/tools/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CPPFLAGS) $(CODE) $(WARN) $(CFLAGS) -MMD -MP -c -o $@.o $<
	$(CXX) $(CODE) $(LDFLAGS) -o $@ $@.o $(LIBRARY) $(LDLIBS)
# With what a user of the library has: its headers alone.
$(B)/examples/%: examples/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c17 -Iinclude $(CODE) $(WARN) $(CFLAGS) -MMD -MP -c -o $@.o $<
	$(CXX) $(CODE) $(LDFLAGS) -o $@ $@.o $(LIBRARY) $(LDLIBS)
PHANTOM := $(sort $(wildcard demo/phantom/*.c))
$(B)/tools/phantom: $(PHANTOM) $(wildcard demo/phantom/*.h) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CPPFLAGS) -Idemo/phantom $(CODE) $(WARN) $(CFLAGS) $(LDFLAGS) -o $@ $(PHANTOM) $(LIBRARY) $(LDLIBS)
$(B)/bench/%: bench/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CPPFLAGS) $(CODE) $(WARN) $(CFLAGS) -MMD -MP -c -o $@.o $<
	$(CXX) $(CODE) $(LDFLAGS) -o $@ $@.o $(LIBRARY) $(LDLIBS)
$(B)/fuzz/%: tests/fuzz/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CPPFLAGS) -Wall -Wextra $(CODE) $(CFLAGS) -MMD -MP -c -o $@.o $<
	$(CXX) $(CODE) -fsanitize=fuzzer $(LDFLAGS) -o $@ $@.o $(LIBRARY) $(LDLIBS)

# The same targets with a plain main over files, for `make check`.
$(B)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c17 $(CPPFLAGS) -Wall -Wextra $(CODE) $(CFLAGS) -MMD -MP -c -o $@.o $<
	$(CC) -std=c17 $(CPPFLAGS) -Wall -Wextra $(CODE) $(CFLAGS) -c -o $@.main.o tests/fuzz/replay.c
	$(CXX) $(CODE) $(LDFLAGS) -o $@ $@.o $@.main.o $(LIBRARY) $(LDLIBS)

-include $(OBJECTS:.o=.d) $(addsuffix .d,$(UNIT) $(TOOLS) $(FUZZ) $(REPLAY) $(EXAMPLES))

# --- tests ----------------------------------------------------------------------------------------------------

# T=test_roc (a unit test), T=eval (a script) or T=test_metrics.py (a reference test) runs that file alone, several words several;
# ONLY='auc*' the tests of such names in it (of pytest: what -k takes). The layers: tests/README.md.
tools: $(TOOLS)
fuzz: $(FUZZ)
examples: $(EXAMPLES)
check: check-unit check-cli
check-unit: $(if $(T),$(filter $(addprefix $(B)/tests/,$(T)),$(UNIT)),$(UNIT)) $(TOOLS)
	@BUILD=$(B) tests/run $(or $(filter $(B)/tests/%,$^),$(error no unit test '$(T)'))
SCRIPTS := $(sort $(wildcard tests/cli/*.sh tests/fault/*.sh tests/fuzz/*.sh))
check-cli: all $(TOOLS) $(REPLAY)
	@BUILD=$(B) tests/run $(if $(T),$(or $(filter $(T:%=\%/%.sh),$(SCRIPTS)),$(error no script '$(T)')),$(SCRIPTS))
check-reference: all $(TOOLS) $(B)/libmedprobe_test.so
	@BUILD=$(B) PYTHON=$(PYTHON) tests/run tests/reference/run
# The tests whose number of rounds can be chosen by a variable, with many.
tests_with = $(or $(shell grep -l $(1) $(2)),$(error no test reads $(1)))
check-slow: all $(TOOLS) $(B)/libmedprobe_test.so
	@MEDPROBE_KILLS=100 BUILD=$(B) tests/run $(call tests_with,MEDPROBE_KILLS,tests/fault/*.sh)
	@MEDPROBE_PARITY_PICTURES=100 T='$(notdir $(call tests_with,MEDPROBE_PARITY_PICTURES,tests/reference/test_*.py))' \
		BUILD=$(B) PYTHON=$(PYTHON) tests/run tests/reference/run
asan ubsan tsan:
	$(MAKE) FLAVOUR=$@ check
coverage:
	@command -v gcovr >/dev/null || { echo "coverage needs gcovr (Debian: apt-get install gcovr)" >&2; exit 1; }
	$(MAKE) FLAVOUR=coverage check
	gcovr --root . --filter src/ --object-directory build/coverage --print-summary

# --- the house ------------------------------------------------------------------------------------------------

lint:
	@CLANG_FORMAT=$(CLANG_FORMAT) CC="$(CC)" CXX="$(CXX)" CPPFLAGS="$(CPPFLAGS)" scripts/lint
format:
	$(CLANG_FORMAT) -i $(shell git ls-files '*.c' '*.h' '*.cpp')
bench: all
	bench/run
docs:
	scripts/docs

clean:
	rm -rf build bin

include install.mk

help:
	@sed -n 's/^#: //p' Makefile
#: make                  the programs, in bin/
#: make check            unit, command-line and fault tests: check-unit and check-cli
#: make check-unit T=test_roc ONLY='auc*'   some of one file; check-cli T=eval, check-reference T=test_metrics.py likewise
#: make check-reference  comparison with the Python references (makes a virtual environment in the user's cache)
#: make check-slow       the tests whose number of rounds can be chosen, with many
#: make lint             format, include directions, headers alone in C and C++
#: make asan|ubsan|tsan  the tests under a sanitizer, in build/<flavour>/
#: make coverage         the tests with line coverage, in build/coverage/
#: make fuzz FLAVOUR=fuzz   fuzz targets for clang's libFuzzer
#: make examples         programs that use the library, in build/release/examples/
#: make bench            speed beside the peers
#: make docs             man pages and shell completion from --help
#: make install|uninstall PREFIX=/usr/local DESTDIR=
#: make dist             medprobe-<version>.tar.gz from the committed tree
#: make clean            removes build/ and bin/
#: FLAVOUR=release|debug|asan|ubsan|tsan|coverage|fuzz   flags and build folder
