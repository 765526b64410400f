# SPDX-License-Identifier: GPL-2.0-only
# vethlab. Everything that is made goes to build/. `make help` lists the targets.
#
# Overrides: CC, CLANG, BPFTOOL, LLVM_STRIP, PKG_CONFIG, CFLAGS, LDFLAGS, PREFIX, DESTDIR;
# V=1 shows commands, WERROR=1 makes warnings errors (CI), SANITIZE=1 builds with ASan and UBSan.

B          ?= build
CC         ?= cc
CLANG      ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL    ?= bpftool
PKG_CONFIG ?= pkg-config
PREFIX     ?= /usr/local

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @$(if $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),:,printf '  %-8s%s\n')
endif

LIBS       := libbpf libelf zlib libmnl libfyaml jansson libpcap
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
# libpcap is loaded by the one verb that needs it: user/capture/pcap_filter.h.
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(filter-out libpcap,$(LIBS)) 2>/dev/null) -lm

WARN     := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wno-missing-field-initializers
ifeq ($(WERROR),1)
WARN     += -Werror
endif
ifeq ($(SANITIZE),1)
SANFLAGS := -fsanitize=address,undefined -fno-omit-frame-pointer
endif
CFLAGS   ?= -O2 -g
# Fortified library calls, stack protector, position-independent, no lazy binding. Sanitizers have their own.
ifneq ($(SANITIZE),1)
HARDEN   := -fstack-protector-strong -fPIE $(if $(filter -O0 -D_FORTIFY_SOURCE%,$(CFLAGS) $(CPPFLAGS)),,\
	    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
HARDEN_LD := -pie -Wl,-z,relro,-z,now
endif
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -pthread \
	      -I. -I$(B) $(PKG_CFLAGS)
ALL_LDFLAGS := $(HARDEN_LD) $(LDFLAGS) $(SANFLAGS) -pthread

# ---- the BPF side --------------------------------------------------------------------------------
BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:%.c=$(B)/%.o)
SKELS   := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.skel.h)
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(shell uname -m | \
	sed 's/x86_64/x86/;s/aarch64/arm64/') -Wall -Wextra -I. $(PKG_CFLAGS)

# ---- user space ----------------------------------------------------------------------------------
TOPOLOGY_SRC := $(wildcard topology/*.c)
USER_SRC := $(wildcard user/*.c user/*/*.c)
SRC      := $(TOPOLOGY_SRC) $(USER_SRC)
OBJ      := $(SRC:%.c=$(B)/%.o) $(B)/topology/bundled_labs.o
# Everything but main: what tests link.
LIB_OBJ  := $(filter-out $(B)/user/main.o,$(OBJ))

.PHONY: all
all: $(B)/vethlab

$(B)/vethlab: $(OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# libbpf has no use for the relocations of BTF, a quarter of the object.
$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@
	$(Q)$(LLVM_STRIP) -g -R .rel.BTF -R .rel.BTF.ext $@

$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

# Only the watch and bench rooms and the tests of programs see skeletons.
$(filter $(B)/user/watch/% $(B)/user/bench/%,$(OBJ)): | $(SKELS)

# The compiler and its flags (but not -Werror): objects are compiled anew when they change.
COMPILER := $(CC) $(filter-out -Werror,$(ALL_CFLAGS))
.PHONY: FORCE
$(B)/compiler: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(COMPILER)' | cmp -s - $@ || echo '$(COMPILER)' >$@

# What the compiler says of a file is kept beside the object: tests/lint.sh reads it, so that a
# source is compiled once.
$(B)/%.o: %.c $(B)/compiler
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(MAKE_TERMERR),-fdiagnostics-color=always) -MMD -MP -c $< -o $@ \
		2>$@.warnings; status=$$?; cat $@.warnings >&2; exit $$status

$(B)/topology/bundled_labs.c: topology/bundled_labs.awk topology/schema.json $(wildcard topology/labs/*.yaml)
	$(Q)mkdir -p $(@D)
	$(Q)awk -f $< $(sort $(filter %.yaml,$^)) topology/schema.json >$@

$(B)/topology/bundled_labs.o: $(B)/topology/bundled_labs.c $(B)/compiler
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@ 2>$@.warnings; status=$$?; cat $@.warnings >&2; exit $$status

include packaging/packaging.mk
include $(wildcard tests/tests.mk)

$(filter $(B)/tests/prog/%,$(TEST_OBJ)): | $(SKELS)
.SECONDARY: $(BPF_OBJ)

-include $(OBJ:.o=.d) $(BPF_OBJ:.o=.d)

.PHONY: objects
objects: $(OBJ)

.PHONY: clean
clean:
	rm -rf $(B)
