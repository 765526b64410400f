# SPDX-License-Identifier: GPL-2.0-only
# What is installed, and packages of it: install, uninstall, dist, deb, rpm,
# pkgbuild, static. Included by Makefile.
#
# The version is that of the file VERSION; built from git, behind it the commits since that file
# changed and the commit: 0.1.0+12.g1a2b3c4.

VERSION_BASE := $(shell cat VERSION)
GIT_SINCE    := $(shell git log -1 --format=%H -- VERSION 2>/dev/null)
VERSION      := $(VERSION_BASE)$(if $(GIT_SINCE),+$(shell \
	git rev-list --count $(GIT_SINCE)..HEAD).g$(shell git rev-parse --short=8 HEAD))
# Of the pages and the tarball: the commit's date, so that the same commit gives the same bytes.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION)
DATE := $(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%d)

# libelf and libmnl do not tell their versions when they run.
VERSION_H := \#define VETHLAB_VERSION "$(VERSION)"\n\
\#define VETHLAB_LIBELF "$(shell $(PKG_CONFIG) --modversion libelf 2>/dev/null)"\n\
\#define VETHLAB_LIBMNL "$(shell $(PKG_CONFIG) --modversion libmnl 2>/dev/null)"\n

# Written anew only when it changes; but one file is compiled with it.
$(B)/user/version.h: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)printf '$(VERSION_H)' | cmp -s - $@ || printf '$(VERSION_H)' >$@
$(B)/user/main.o: | $(B)/user/version.h

# ---- man pages and completion: made by the program from its tables ---------------------------------
DOC_PAGES := $(B)/man/vethlab-lab.5 $(B)/man/vethlab-maps.7
page = awk -v name=$(basename $(@F)) -v section=$(subst .,,$(suffix $@)) -v date=$(DATE) \
	-v version=$(VERSION) -v summary=$(1) -f packaging/page.awk $<

$(B)/man/vethlab-lab.5: docs/lab-file.md packaging/page.awk
	$(Q)mkdir -p $(@D)
	$(Q)$(call page,"lab files of vethlab") >$@

$(B)/man/vethlab-maps.7: docs/maps.md packaging/page.awk
	$(Q)mkdir -p $(@D)
	$(Q)$(call page,"pinned maps of a running vethlab lab") >$@

.PHONY: documents documents-built
documents: all
	@+$(MAKE) --no-print-directory documents-built

documents-built: $(DOC_PAGES)
	$(say) MAN $(B)/man
	$(Q)B=$(B) packaging/documents.sh $(DATE)

# docs/verbs.md is in the repository: tests/lab/test_pages.sh says when it is not current.
.PHONY: verbs
verbs: all
	@packaging/verbs.sh $(B)/vethlab >$(B)/verbs.md && mv $(B)/verbs.md docs/verbs.md

# ---- installing ------------------------------------------------------------------------------------
# The program looks for bundled labs in ../share/vethlab/labs, seen from where it is itself.
INSTALL ?= install
SHARE   := $(DESTDIR)$(PREFIX)/share
BASH_COMPLETIONS := $(SHARE)/bash-completion/completions
ZSH_COMPLETIONS  := $(SHARE)/zsh/site-functions
FISH_COMPLETIONS := $(SHARE)/fish/vendor_completions.d

.PHONY: install install-built uninstall dist deb
install: all
	@+$(MAKE) --no-print-directory install-built

install-built: documents-built
	$(say) INSTALL $(DESTDIR)$(PREFIX)/bin/vethlab
	$(Q)$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/vethlab/labs $(SHARE)/man/man1 $(SHARE)/man/man5 \
		$(SHARE)/man/man7 $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS)
	$(Q)$(INSTALL) -m 755 $(B)/vethlab $(DESTDIR)$(PREFIX)/bin/vethlab
	$(Q)$(INSTALL) -m 644 $(wildcard topology/labs/*.yaml) $(SHARE)/vethlab/labs
	$(Q)$(INSTALL) -m 644 topology/schema.json $(SHARE)/vethlab
	$(Q)for n in 1 5 7; do $(INSTALL) -m 644 $(B)/man/*.$$n $(SHARE)/man/man$$n; done
	$(Q)$(INSTALL) -m 644 $(B)/completions/vethlab.bash $(BASH_COMPLETIONS)/vethlab
	$(Q)$(INSTALL) -m 644 $(B)/completions/vethlab.zsh $(ZSH_COMPLETIONS)/_vethlab
	$(Q)$(INSTALL) -m 644 $(B)/completions/vethlab.fish $(FISH_COMPLETIONS)/vethlab.fish

uninstall:
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/vethlab $(SHARE)/man/man1/vethlab.1 $(SHARE)/man/man1/vethlab-*.1 \
		$(SHARE)/man/man5/vethlab-lab.5 $(SHARE)/man/man7/vethlab-maps.7 \
		$(BASH_COMPLETIONS)/vethlab $(ZSH_COMPLETIONS)/_vethlab $(FISH_COMPLETIONS)/vethlab.fish
	$(Q)rm -rf $(SHARE)/vethlab

# ---- packages --------------------------------------------------------------------------------------
# A tarball of the commit, with its version in VERSION: the same commit gives the same bytes, since git stamps
# them with the commit's date.
DIST := vethlab-$(VERSION)
dist:
	$(say) DIST $(B)/$(DIST).tar.gz
	$(Q)mkdir -p $(B)
	$(Q)git archive --format=tar --prefix=$(DIST)/ --add-virtual-file=$(DIST)/VERSION:$(VERSION) \
		-o $(B)/$(DIST).tar HEAD ':!VERSION'
	$(Q)gzip -9nf $(B)/$(DIST).tar

# One file with every library in it, and its bundled labs: it needs nothing but a kernel.
# Debian 13's libelf reads sections that zstd packed. Relative relocations, packed, take 120 KB less (glibc 2.36).
STATIC_LIBS = $(filter -l%,$(PKG_LIBS)) -lpcap $(if $(findstring /,$(shell $(CC) -print-file-name=libzstd.a)),-lzstd)

.PHONY: static
static:
	@tests/deps.sh build static
	@+$(MAKE) --no-print-directory all
	@+$(MAKE) --no-print-directory $(B)/vethlab-static

# What loads a library when it is needed is linked with it here.
STATIC_OBJ := $(B)/static/user/capture/pcap_filter.o

$(STATIC_OBJ): $(B)/static/%.o: %.c $(B)/compiler
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -DVETHLAB_STATIC -MMD -MP -c $< -o $@

-include $(STATIC_OBJ:.o=.d)

$(B)/vethlab-static: $(OBJ) $(STATIC_OBJ) packaging/static.sh packaging/static/libmnl.c
	$(say) STATIC $@
	$(Q)B=$(B) CC="$(CC)" packaging/static.sh
	$(Q)$(CC) $(filter-out -pie,$(ALL_LDFLAGS)) -static-pie -Wl,--gc-sections,-z,pack-relative-relocs -s -L$(B)/static -o $@ \
		$(filter-out $(STATIC_OBJ:$(B)/static/%=$(B)/%),$(OBJ)) $(STATIC_OBJ) -Wl,--start-group $(STATIC_LIBS) -Wl,--end-group

# It in a guest that has no other file: tests/vm/static_init.c.
.PHONY: static-vm
static-vm: static
	@tests/deps.sh vm
	@+$(MAKE) --no-print-directory $(B)/tests/vm/static_init
	@BUILD=$(B) STATIC=1 tests/vm/run $(KERNEL)

$(B)/tests/vm/static_init: tests/vm/static_init.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -static -s -o $@ $<

# Depends on the shared libraries only: no compiler and no clang where it is installed.
deb:
	@tests/deps.sh build deb
	@+$(MAKE) --no-print-directory all
	@B=$(abspath $(B)) VERSION=$(VERSION) packaging/deb.sh

# That package in a minimal Debian, where it builds a lab: SUITE=bookworm, trixie, or a directory with such a system.
SUITE ?= bookworm
.PHONY: deb-try
deb-try: deb
	@tests/deps.sh deb-try
	@B=$(B) packaging/try_deb.sh $(B)/vethlab_$(VERSION)_$$(dpkg --print-architecture).deb $(SUITE)

# From the tarball of the commit; it has no compiler among its dependencies either.
.PHONY: rpm pkgbuild
rpm:
	@tests/deps.sh build rpm
	@+$(MAKE) --no-print-directory all dist
	@B=$(abspath $(B)) VERSION=$(VERSION) packaging/rpm.sh

# For Arch: a PKGBUILD beside the tarball.
pkgbuild: dist
	$(say) PKGBUILD $(B)/PKGBUILD
	$(Q)sed -e 's|@VERSION@|$(VERSION)|; s|@MAINTAINER@|vethlab maintainers|' \
		-e "s|@SHA256@|$$(sha256sum $(B)/$(DIST).tar.gz | cut -d' ' -f1)|" packaging/arch/PKGBUILD.in >$(B)/PKGBUILD
