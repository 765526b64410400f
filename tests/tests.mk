# SPDX-License-Identifier: GPL-2.0-only
# What a person types besides `make`: deps, demo, check, vm, lint, help. Included by Makefile.
#
# pkg-config is asked when the Makefile is read, so whatever needs the packages that `deps` may
# have installed a moment ago runs in a make of its own.

CMOCKA_LIBS := $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)

# One program per tests/{unit,prog}/test_NAME.c; other files of the directory are linked to each, and
# what tests/common has.
COMMON_SRC  := $(wildcard tests/common/*.c)
COMMON_OBJ  := $(COMMON_SRC:%.c=$(B)/%.o)
UNIT_SRC    := $(wildcard tests/unit/*.c)
PROG_SRC    := $(wildcard tests/prog/*.c)
UNIT_TESTS  := $(patsubst %.c,$(B)/%,$(filter tests/unit/test_%,$(UNIT_SRC)))
PROG_TESTS  := $(patsubst %.c,$(B)/%,$(filter tests/prog/test_%,$(PROG_SRC)))
UNIT_COMMON := $(patsubst %.c,$(B)/%.o,$(filter-out tests/unit/test_%,$(UNIT_SRC)))
PROG_COMMON := $(patsubst %.c,$(B)/%.o,$(filter-out tests/prog/test_%,$(PROG_SRC)))
# Small helpers of the lab tests: one program a file.
LAB_HELPERS := $(patsubst %.c,$(B)/%,$(wildcard tests/lab/*.c))
# What docs/ shows: the shared header and libbpf, nothing of ours.
EXAMPLES    := $(patsubst %.c,$(B)/%,$(wildcard docs/examples/*.c))
TEST_OBJ    := $(patsubst %.c,$(B)/%.o,$(COMMON_SRC) $(UNIT_SRC) $(PROG_SRC) $(wildcard tests/lab/*.c) \
	       $(wildcard docs/examples/*.c))

.SECONDARY: $(TEST_OBJ)

# An archive, so that a test links what it uses.
$(B)/libvethlab.a: $(LIB_OBJ)
	$(say) AR $@
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

link_test = $(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(CMOCKA_LIBS) $(PKG_LIBS)

$(UNIT_TESTS): %: %.o $(UNIT_COMMON) $(COMMON_OBJ) $(B)/libvethlab.a
	$(say) LINK $@
	$(link_test)

$(PROG_TESTS): %: %.o $(PROG_COMMON) $(COMMON_OBJ) $(B)/libvethlab.a
	$(say) LINK $@
	$(link_test)

$(B)/tests/lab/frames: $(COMMON_OBJ)
$(B)/tests/lab/valid: $(B)/tests/unit/schema.o $(B)/tests/unit/openmetrics.o
$(LAB_HELPERS) $(EXAMPLES): %: %.o
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# ---- lint: what tests/lint.sh asks for -----------------------------------------------------------
# What gcc says of each source (see the rule in Makefile), and what clang says of those that were
# compiled anew since it was asked last: clang-check takes them in one process, since clang needs three
# times as long to start as to read one. Where it is not installed (clang-tools), clang itself.
LINT_OBJ := $(filter-out $(B)/topology/bundled_labs.o,$(OBJ)) $(TEST_OBJ) $(B)/tests/bench/build_raw.o $(B)/tests/bench/build_measure.o
CLANG_CHECK ?= $(CLANG:clang%=clang-check%)

.PHONY: lint-gcc lint-clang
lint-gcc: all tests
	@! cat $(LINT_OBJ:=.warnings) | grep .

lint-clang: $(B)/lint/clang

$(B)/lint/clang: $(LINT_OBJ) Makefile | $(SKELS)
	$(Q)mkdir -p $(@D)
	$(Q)set -- $(patsubst $(B)/%.o,%.c,$(if $(filter Makefile,$?),$(LINT_OBJ),$(filter %.o,$?))); \
	if command -v "$(CLANG_CHECK)" >/dev/null; then \
		printf '%s\n' "$$@" | xargs -P $$(nproc) -n 50 sh -c \
			'"$(CLANG_CHECK)" "$$@" -- $(ALL_CFLAGS) -Werror' clang-check; \
	else \
		printf '%s\n' "$$@" | xargs -P $$(nproc) -n 1 \
			$(CLANG) $(ALL_CFLAGS) -Werror -fsyntax-only; \
	fi
	$(Q)touch $@

# A script is checked with the libraries that it sources.
SOURCED := $(filter-out $(wildcard tests/*/test_*.sh),$(wildcard tests/*/*.sh))
$(B)/lint/%.shellcheck: % $(SOURCED)
	$(Q)mkdir -p $(@D)
	$(Q)shellcheck -x -S warning -e SC2317 $<
	$(Q)touch $@

# Measurements: one program a file.
BENCHES := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
$(BENCHES): %: %.o $(COMMON_OBJ) $(B)/libvethlab.a
	$(say) LINK $@
	$(link_test)

$(BENCHES:%=%.o): | $(SKELS)

-include $(TEST_OBJ:.o=.d) $(BENCHES:%=%.d)

.PHONY: bench bench-built bench-build bench-prog bench-observe bench-trace
bench:
	@tests/deps.sh build test
	@+$(MAKE) --no-print-directory bench-built

bench-built: all $(BENCHES)
	@BUILD=$(B) tests/bench/run

bench-build: all $(B)/tests/bench/build_raw $(B)/tests/bench/build_measure
	@BUILD=$(B) tests/bench/build.sh

bench-prog: $(B)/tests/bench/prog
	@$<

bench-observe: all $(B)/tests/bench/observe $(B)/tests/bench/live $(B)/tests/bench/readers
	@$(B)/tests/bench/observe
	@echo
	@$(B)/tests/bench/readers
	@echo
	@BUILD=$(B) tests/bench/watched.sh

bench-trace: all $(B)/tests/bench/trace_measure
	@BUILD=$(B) tests/bench/trace.sh

# ---- targets -------------------------------------------------------------------------------------
.PHONY: help deps tests crash check check-built check-fast check-fast-built demo demo-built vm kernels lint golden stories fuzz

help:
	@echo 'make            build $(B)/vethlab'
	@echo 'make demo       install what is missing, build, walk through the blue lab (as root)'
	@echo 'make check      install what is missing, build, run every test and the lint (as root)'
	@echo 'make check-fast unit tests, tests of the eBPF programs (as root), lint: a minute'
	@echo 'make crash      up, down, apply, killed and failing at every system call (as root)'
	@echo 'make vm         the same tests on a packaged kernel in qemu (KERNEL=6.1, TESTS=)'
	@echo 'make kernels    write docs/kernels.md anew, from the results of make vm'
	@echo 'make deps       install what is missing (apt), or name the packages'
	@echo 'make tests      build the tests, run none'
	@echo 'make bench      every benchmark, beside other tools where they are installed (as root)'
	@echo 'make bench-build how fast labs are built and removed, against raw calls and ip (as root)'
	@echo 'make bench-prog what one run of each eBPF program costs (as root)'
	@echo 'make bench-trace   what tracing costs, and what it loses (as root)'
	@echo 'make bench-observe  what it costs a link to be watched (as root)'
	@echo 'make golden     write the outputs anew that lab tests compare (as root): tests/lab/golden'
	@echo 'make verbs      write docs/verbs.md anew, from the tables of the verbs'
	@echo 'make stories    record the golden stories anew (as root): tests/unit/data/stories'
	@echo 'make fuzz       fuzz what comes from outside: lab files, recordings ... (SECONDS=600 for longer)'
	@echo 'make lint       no warning by gcc and by clang, shellcheck, order of the rooms, clang-format'
	@echo 'make install    to $$(DESTDIR)$$(PREFIX), which is $(DESTDIR)$(PREFIX)'
	@echo 'make dist       a tarball of the commit, below $(B)/'
	@echo 'make deb        a Debian package, below $(B)/'
	@echo 'make deb-try    install that in a minimal Debian (SUITE=bookworm, debootstrap) and run a lab there (as root)'
	@echo 'make rpm        an rpm, below $(B)/; make pkgbuild: a PKGBUILD beside the tarball'
	@echo 'make static     $(B)/vethlab-static: one file that needs nothing but a kernel'
	@echo 'make static-vm  that file in a guest that has no other (KERNEL=6.1)'
	@echo 'make clean      remove $(B)/ and what lint built'
	@echo 'V=1 shows commands, WERROR=1 makes warnings errors, SANITIZE=1 adds ASan and UBSan.'

deps:
	@tests/deps.sh build test

tests: $(UNIT_TESTS) $(PROG_TESTS) $(LAB_HELPERS) $(EXAMPLES) \
	$(B)/tests/bench/build_raw $(B)/tests/bench/build_measure

check:
	@tests/deps.sh build test
	@+$(MAKE) --no-print-directory check-built

# What is long on one core does not come last: at the end short ones share the cores evenly.
check-built: all tests
	@BUILD=$(B) CLANG=$(CLANG) tests/run unit prog lint fuzz lab vmlinux

check-fast:
	@tests/deps.sh build test
	@+$(MAKE) --no-print-directory check-fast-built

check-fast-built: all tests
	@BUILD=$(B) CLANG=$(CLANG) tests/run lint unit prog

# Takes its time: each sweep as long as it needs.
crash: all tests
	@BUILD=$(B) CRASH_ALL=1 TEST_TIMEOUT=7200 JOBS=1 tests/run tests/lab/test_crash_up.sh \
		tests/lab/test_crash_down.sh tests/lab/test_crash_apply.sh

demo:
	@tests/deps.sh build test
	@+$(MAKE) --no-print-directory demo-built

demo-built: all $(B)/tests/lab/sandbox
	@BUILD=$(B) tests/lab/demo.sh

KERNEL ?= 6.1
vm:
	@tests/deps.sh build test vm
	@+$(MAKE) --no-print-directory all tests
	@BUILD=$(B) tests/vm/run $(KERNEL) $(TESTS)

# The page of what each kernel lacks, from all whole runs of `make vm` in this build directory.
kernels:
	@tests/vm/kernels.sh $(B)/vm/results/*.log >$(B)/kernels.md && mv $(B)/kernels.md docs/kernels.md

lint:
	@BUILD=$(B) CLANG=$(CLANG) tests/run lint

# A diff of them is to be read before it is committed.
golden: all tests
	@BUILD=$(B) GOLDEN=update tests/run $$(grep -lE '^\s*golden ' tests/lab/test_*.sh)
	@git status --short tests/lab/golden

SECONDS ?= 60
stories: all tests
	@BUILD=$(B) tests/lab/stories.sh

fuzz:
	@tests/deps.sh build test
	@BUILD=$(B) CLANG=$(CLANG) tests/fuzz/run $(SECONDS)
