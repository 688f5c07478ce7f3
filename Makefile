# SPDX-License-Identifier: MIT
# Makefile - builds, tests and installs fasttracefs, fasttrace and their libraries. GNU make.
#
#   make            libraries, fasttracefs, fasttrace, examples
#   make demo       set up what is missing, then the tour: a server, kill -9, its last requests
#   make check      set up what is missing, then every test
#   make check-X    one kind: unit stress crash model fuzz faults security life mount cmd san format shell
#                   headers install
#   make torture    TORTURE=1: the random tests, for fifty minutes; 10: for a night
#   make fuzz       SECONDS=60 TARGET=name,...: libFuzzer on tests/fuzz/target_*.c (all of them)
#   make fuzz-afl   the same with AFL++
#   make mutants    breaks the protocol on purpose, and wants a test to fail each time
#   make bench      what everything costs, beside the least it could and LTTng-UST, DPDK, tmpfs.
#                   BENCH_ARGS='--only event --json FILE --svg FILE'
#   make install    PREFIX=/usr/local DESTDIR= LIBDIR=$(PREFIX)/lib
#
#   CC=gcc|clang    CXX=...    SAN=address,undefined|thread    WERROR=1    V=1    BUILD=dir
#
# Every *.c in the folders below is taken up by itself: tracer/, reader/, reader/cmd/ and fs/ into their
# library or program, each file of examples/ (*.cc too, if there is a C++ compiler), tests/stress/, tests/crash/, tests/life/,
# tests/mount/, tests/cmd/ and tests/bench/ and each tests/unit/test_*.c and tests/fuzz/target_*.c into a program; other files of
# tests/unit/ are helpers that all units are linked with, tests/fuzz/common*.c those of fuzz targets.

VERSION = 0.1.0
SOVERSION = 0

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
DESTDIR ?=

PKG_CONFIG ?= pkg-config
INSTALL ?= install

# One build folder for each configuration: build, build/clang, build/address-undefined ...
comma := ,
empty :=
space := $(empty) $(empty)
variant := $(if $(filter-out default,$(origin CC)),$(notdir $(firstword $(CC)))) \
	   $(subst $(comma),-,$(SAN))
BUILD ?= $(if $(strip $(variant)),build/$(subst $(space),-,$(strip $(variant))),build)

CFLAGS ?= -O2 -g
CXXFLAGS ?= $(CFLAGS)
# The C++ compiler that belongs to CC.
ifeq ($(origin CXX),default)
CXX := $(if $(filter cc,$(CC)),c++,$(subst gcc,g++,$(subst clang,clang++,$(CC))))
endif
WARNINGS = -Wall -Wextra -Wshadow -Wundef -Wmissing-prototypes -Wstrict-prototypes \
	   -Wformat=2 -Wwrite-strings $(if $(WERROR),-Werror)
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
COMPILE = $(CC) -std=gnu11 -D_GNU_SOURCE -DFASTTRACE_VERSION='"$(VERSION)"' -fPIC \
	  -fvisibility=hidden $(WARNINGS) $(CFLAGS) $(SANFLAGS) -pthread
COMPILE_CXX = $(CXX) -std=c++17 -fPIC -fvisibility=hidden -Wall -Wextra -Wshadow -Wundef \
	      $(if $(WERROR),-Werror) $(CXXFLAGS) $(SANFLAGS) -pthread
LINK = $(CC) $(CFLAGS) $(SANFLAGS) -pthread $(LDFLAGS)

# Asked for at first use, so that `make setup` runs where pkg-config is missing.
lazy = $(eval $(1) := $(2))$($(1))
GLIB_CFLAGS = $(call lazy,GLIB_CFLAGS,$(shell $(PKG_CONFIG) --cflags glib-2.0))
GLIB_LIBS = $(call lazy,GLIB_LIBS,$(shell $(PKG_CONFIG) --libs glib-2.0))
FUSE_CFLAGS = $(call lazy,FUSE_CFLAGS,$(shell $(PKG_CONFIG) --cflags fuse3))
FUSE_LIBS = $(call lazy,FUSE_LIBS,$(shell $(PKG_CONFIG) --libs fuse3))
CMOCKA_CFLAGS = $(call lazy,CMOCKA_CFLAGS,$(shell $(PKG_CONFIG) --cflags cmocka))
CMOCKA_LIBS = $(call lazy,CMOCKA_LIBS,$(shell $(PKG_CONFIG) --libs cmocka))

ZSTD_CFLAGS = $(call lazy,ZSTD_CFLAGS,$(shell $(PKG_CONFIG) --cflags libzstd))
ZSTD_LIBS = $(call lazy,ZSTD_LIBS,$(shell $(PKG_CONFIG) --libs libzstd))

Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

# Sources and what they become.

HEADERS = fasttrace.h fasttrace-abi.h fasttrace-c.h fasttrace-cxx.h fasttrace-reader.h
objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
programs = $(patsubst %.c,$(BUILD)/%,$(wildcard $(1)))

TRACER_OBJS := $(call objects,tracer/*.c)
READER_OBJS := $(call objects,reader/*.c)
CMD_OBJS := $(call objects,reader/cmd/*.c)
PAGES := $(wildcard docs/*.1 reader/cmd/*.1)
FS_OBJS := $(call objects,fs/*.c)
EXAMPLE_OBJS := $(call objects,examples/*.c)
CXX_OBJS := $(if $(shell command -v $(firstword $(CXX)) 2>/dev/null), \
	      $(patsubst %.cc,$(BUILD)/%.o,$(wildcard examples/*.cc)))
TEST_OBJS := $(call objects,tests/*/*.c)
HELPER_OBJS := $(filter-out $(BUILD)/tests/unit/test_%,$(call objects,tests/unit/*.c))

CXX_EXAMPLES := $(CXX_OBJS:.o=)
EXAMPLES := $(EXAMPLE_OBJS:.o=) $(CXX_EXAMPLES)
UNITS := $(call programs,tests/unit/test_*.c)
TESTS := $(UNITS) $(call programs,$(foreach d,stress crash faults security life mount cmd bench,tests/$(d)/*.c))

# A target is a function; main is replay.c's, which runs a corpus, or a fuzzer's.
FUZZ := $(call programs,tests/fuzz/target_*.c)
FUZZ_OBJS := $(call objects,tests/fuzz/common*.c)
FUZZER = $(findstring fuzzer,$(SAN) $(FUZZ_LINK))
FUZZ_FS = $(BUILD)/tests/fuzz/fs.a

TRACER_A = $(BUILD)/libfasttrace.a
TRACER_SO = $(BUILD)/libfasttrace.so
READER_A = $(BUILD)/libfasttrace-reader.a
READER_SO = $(BUILD)/libfasttrace-reader.so
FS_A = $(BUILD)/fs/fs.a
FS = $(BUILD)/fasttracefs
CMD = $(BUILD)/fasttrace

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all libs tests bench-programs fuzz-targets fuzz fuzz-afl clean install uninstall setup demo bench torture mutants FORCE check check-unit \
	check-stress check-crash check-model check-fuzz check-faults check-security check-life check-mount check-cmd check-san check-format check-shell check-headers \
	check-install

all: libs $(FS) $(CMD) $(EXAMPLES)
libs: $(TRACER_A) $(TRACER_SO) $(READER_A) $(READER_SO)
tests: all $(TESTS) fuzz-targets
fuzz-targets: $(FUZZ)

# Compiling. A changed command line rebuilds: its words are kept in $(BUILD)/flags.

$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','"'"',$(COMPILE) $(CPPFLAGS) | $(COMPILE_CXX) | $(LINK))' >$@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi

INCLUDES = -Iinclude
$(READER_OBJS): INCLUDES = -Iinclude $(GLIB_CFLAGS)
$(CMD_OBJS): INCLUDES = -Iinclude -Ireader $(GLIB_CFLAGS) $(ZSTD_CFLAGS)
$(FS_OBJS): INCLUDES = -Iinclude $(FUSE_CFLAGS) $(GLIB_CFLAGS)
$(EXAMPLE_OBJS) $(CXX_OBJS): INCLUDES = -I$(BUILD)/include
$(TEST_OBJS) $(call objects,tests/bench/figures/*.c): INCLUDES = -Iinclude -Itracer -Ireader -Ifs -Itests $(CMOCKA_CFLAGS) \
	      $(FUSE_CFLAGS) $(GLIB_CFLAGS)

# Examples see what users see: the installed headers alone.
$(BUILD)/include/%.h: include/%.h
	@mkdir -p $(@D)
	@cp -f $< $@
$(EXAMPLE_OBJS) $(CXX_OBJS): $(patsubst %,$(BUILD)/%,$(wildcard $(HEADERS:%=include/%)))

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) $(INCLUDES) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.cc $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)$(COMPILE_CXX) $(INCLUDES) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# Linking.

$(TRACER_A): $(TRACER_OBJS)
$(READER_A): $(READER_OBJS)
$(FS_A): $(FS_OBJS)
%.a:
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# nodelete: fork handlers and thread destructors must outlive a dlclose().
SHARED = $(LINK) -shared -Wl,-soname,$(@F).$(SOVERSION) $(if $(SAN),,-Wl,-z,defs) -Wl,--as-needed
$(TRACER_SO): $(TRACER_OBJS) tracer/libfasttrace.map
	$(call say,LD,$@)
	$(Q)$(SHARED) -Wl,-z,nodelete -Wl,--version-script,tracer/libfasttrace.map \
		-o $@ $(TRACER_OBJS)
	@ln -sf $(@F) $@.$(SOVERSION)

$(READER_SO): $(READER_OBJS) reader/libfasttrace-reader.map
	$(call say,LD,$@)
	$(Q)$(SHARED) -Wl,--version-script,reader/libfasttrace-reader.map \
		-o $@ $(READER_OBJS) $(GLIB_LIBS)
	@ln -sf $(@F) $@.$(SOVERSION)

$(FS): $(FS_OBJS) $(READER_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(FUSE_LIBS) $(GLIB_LIBS)

$(CMD): $(CMD_OBJS) $(READER_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(GLIB_LIBS) $(ZSTD_LIBS) -lm

$(EXAMPLES): %: %.o $(TRACER_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^
$(CXX_EXAMPLES): LINK = $(CXX) $(CXXFLAGS) $(SANFLAGS) -pthread $(LDFLAGS)

# Units mirror sources: test_x gets fs.a when there is an fs/x.c.
$(filter $(patsubst fs/%.c,$(BUILD)/tests/unit/test_%,$(wildcard fs/*.c)),$(UNITS)): $(FS_A)
$(UNITS) $(call programs,tests/life/*.c): $(HELPER_OBJS)
$(TESTS): %: %.o $(TRACER_A) $(READER_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -Wl,--as-needed -o $@ $(filter %.o,$^) $(filter %/fs.a,$^) \
		$(TRACER_A) $(READER_A) $(CMOCKA_LIBS) \
		$(FUSE_LIBS) $(GLIB_LIBS) -lm

$(FUZZ_FS): $(filter-out $(BUILD)/fs/main.o,$(FS_OBJS))
# What is looked for is new code in what is tested, not in the tests of what came out.
$(BUILD)/tests/fuzz/common_check.o $(BUILD)/tests/fuzz/common_image.o: \
	SANFLAGS := $(subst fuzzer-no-link$(comma),,$(SANFLAGS))
# What writes is part of the command, and of no library.
$(BUILD)/tests/fuzz/target_ctf: $(patsubst %,$(BUILD)/reader/cmd/%.o,out line json)
$(BUILD)/tests/unit/test_files: $(patsubst %,$(BUILD)/reader/cmd/%.o,files outdir signals usage)
$(FUZZ): LINK += $(if $(FUZZER),-fsanitize=fuzzer)
$(FUZZ): %: %.o $(FUZZ_OBJS) $(if $(FUZZER),,$(BUILD)/tests/fuzz/replay.o) \
		$(FUZZ_FS) $(READER_A) $(TRACER_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -Wl,--as-needed -o $@ $(filter %.o,$^) $(filter %.a,$^) $(FUSE_LIBS) $(GLIB_LIBS)

# What tests/bench/bench.py runs: figures in C, and the workers of its other figures, those of peers
# where these are installed.
FIGURES := $(call programs,tests/bench/figures/*.c)
WORKERS = $(patsubst %,$(BUILD)/tests/bench/workers/%,fasttrace \
	  $(if $(shell $(PKG_CONFIG) --exists lttng-ust && echo yes),lttng) \
	  $(if $(shell $(PKG_CONFIG) --exists libdpdk && echo yes),dpdk) swap)
$(FIGURES) $(BUILD)/tests/bench/workers/fasttrace $(BUILD)/tests/bench/workers/swap: \
		%: %.o $(TRACER_A) $(READER_A)
	$(call say,LD,$@)
	$(Q)$(LINK) -Wl,--as-needed -o $@ $^ $(GLIB_LIBS) -lm
$(BUILD)/tests/bench/workers/lttng.o: INCLUDES = -Itests/bench/workers
$(BUILD)/tests/bench/workers/lttng: %: %.o
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $< -llttng-ust
$(BUILD)/tests/bench/workers/dpdk.o $(BUILD)/tests/bench/workers/dpdk-register.o: INCLUDES = -DALLOW_EXPERIMENTAL_API \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libdpdk))
$(BUILD)/tests/bench/workers/dpdk: %: %.o %-register.o
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ -lrte_eal

-include $(patsubst %.o,%.d,$(TRACER_OBJS) $(READER_OBJS) $(CMD_OBJS) $(FS_OBJS) $(EXAMPLE_OBJS) \
	  $(CXX_OBJS) $(TEST_OBJS) $(FIGURES:=.o) $(WORKERS:=.o))

clean:
	rm -rf build $(BUILD)

bench-programs: $(FIGURES) $(WORKERS) $(BUILD)/tests/cmd/record_speed

# Installing.

install: libs $(FS) $(CMD) $(BUILD)/fasttrace.pc $(BUILD)/fasttrace-reader.pc
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR) \
		$(DESTDIR)$(PKGCONFIGDIR) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 755 $(FS) $(CMD) $(DESTDIR)$(BINDIR)/
	$(INSTALL) -m 644 $(TRACER_A) $(READER_A) $(DESTDIR)$(LIBDIR)/
	for l in libfasttrace libfasttrace-reader; do \
		$(INSTALL) -m 755 $(BUILD)/$$l.so $(DESTDIR)$(LIBDIR)/$$l.so.$(VERSION) && \
		ln -sf $$l.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$$l.so.$(SOVERSION) && \
		ln -sf $$l.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/$$l.so || exit 1; \
	done
	$(INSTALL) -m 644 $(HEADERS:%=include/%) $(DESTDIR)$(INCLUDEDIR)/
	$(INSTALL) -m 644 $(BUILD)/fasttrace.pc $(BUILD)/fasttrace-reader.pc \
		$(DESTDIR)$(PKGCONFIGDIR)/
	$(INSTALL) -m 644 $(PAGES) $(DESTDIR)$(MANDIR)/man1/
	$(if $(DESTDIR),,@ldconfig 2>/dev/null || :)

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/fasttracefs $(DESTDIR)$(BINDIR)/fasttrace \
		$(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(PAGES))) \
		$(HEADERS:%=$(DESTDIR)$(INCLUDEDIR)/%) \
		$(foreach l,libfasttrace libfasttrace-reader,$(foreach s,a so so.$(SOVERSION) \
		so.$(VERSION),$(DESTDIR)$(LIBDIR)/$(l).$(s))) \
		$(DESTDIR)$(PKGCONFIGDIR)/fasttrace.pc $(DESTDIR)$(PKGCONFIGDIR)/fasttrace-reader.pc

$(BUILD)/%.pc: packaging/%.pc.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' $< >$@

# Set-up, demo, tests. Those that need set-up do it first, then run make again: what pkg-config says
# is asked for after it.

setup:
	@packaging/setup.sh check
setup-%:
	@packaging/setup.sh $*

AGAIN = $(Q)$(MAKE) --no-print-directory
RUN = $(Q)tests/run.sh -b $(BUILD)

demo: setup-demo
	$(AGAIN) all
	@BUILD=$(BUILD) examples/demo.sh

bench: setup-bench
	$(AGAIN) all bench-programs
	@BUILD=$(BUILD) tests/bench/bench.py $(BENCH_ARGS)

check: setup
	$(RUN) check

check-unit check-stress check-crash check-model check-fuzz check-faults check-security check-life \
check-mount check-cmd check-install check-headers: check-%: setup
	$(AGAIN) tests
	$(RUN) $*

SECONDS ?= 60
TARGET ?=
fuzz: setup
	@tests/fuzz/corpus.sh $(SECONDS) $(subst $(comma), ,$(TARGET))
fuzz-afl: setup-torture
	@tests/fuzz/helper_afl.sh $(SECONDS) $(subst $(comma), ,$(TARGET))

TORTURE ?= 1
torture: setup-torture
	$(AGAIN) tests
	$(Q)TORTURE=$(TORTURE) tests/run.sh -b $(BUILD) torture

mutants: setup
	@tests/mutants.sh

check-san check-format check-shell: check-%: setup
	$(RUN) $*
