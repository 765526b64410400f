#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# static.sh - the libraries that a static program needs and that the system has none of, in $B/static:
# libmnl.a from packaging/static/libmnl.c, unless the compiler finds one; libpcap.a without D-Bus, USB, Bluetooth
# and the like, from LIBPCAP_SOURCE (an unpacked source tree) or the source package of this system's Debian.
# Each is built once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${B:=build}" "${CC:=cc}"
mkdir -p "$B/static"
static=$(realpath "$B/static")
flags=(-Os -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong)

die() {
	echo "static: $*" >&2
	exit 1
}

has_library() { # NAME: whether the compiler finds lib$1.a
	[[ $($CC -print-file-name="lib$1.a") == /* ]]
}

make_libmnl() {
	[[ packaging/static/libmnl.c -nt $static/libmnl.a ]] && ! has_library mnl || return 0
	$CC "${flags[@]}" -c packaging/static/libmnl.c -o "$static/libmnl.o"
	ar rcs "$static/libmnl.a" "$static/libmnl.o"
}

# The source packages of the archives that this machine's apt has already, with state of its own.
apt_source() { # PACKAGE DIRECTORY: unpack it there
	local apt=$static/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	local -a options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State=$apt/state" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root -qq)
	command -v apt-get >/dev/null || die "no apt here: set LIBPCAP_SOURCE to an unpacked source tree of $1"
	mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,deb}
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v key="$keyring" '$1 == "Debian" { print "deb-src [signed-by=" key "]", $2, $3, $4 }' |
		sort -u >"$apt/sources.list"
	[[ -s $apt/sources.list ]] || die "apt has no Debian archive: set LIBPCAP_SOURCE to an unpacked source tree of $1"
	apt-get "${options[@]}" update || die "cannot read the lists of source packages"
	(cd "$apt/deb" && apt-get "${options[@]}" source --download-only "$1") || die "cannot download the source of $1"
	rm -rf "$2"
	dpkg-source --no-check -x "$apt/deb/$1"_*.dsc "$2" >"$static/$1.log" || die "see $static/$1.log"
	rm -rf "$apt"
}

# Only pcap_compile() is called, on no device.
make_libpcap() {
	local source=${LIBPCAP_SOURCE:-$static/libpcap}
	[[ ! -e $static/libpcap.a ]] || return 0
	[[ -x $source/configure ]] || apt_source libpcap "$source"
	source=$(realpath "$source")
	rm -rf "$static/libpcap-build"
	mkdir -p "$static/libpcap-build"
	(
		cd "$static/libpcap-build"
		"$source/configure" -q --disable-shared --disable-dbus --disable-usb --disable-bluetooth --disable-netmap \
			--disable-rdma --disable-remote --without-libnl --without-dag --without-snf --without-turbocap \
			--without-dpdk CC="$CC" CFLAGS="${flags[*]}"
		MAKEFLAGS="" make -s libpcap.a # without -r, which the project makes itself with
	) >"$static/libpcap.log" 2>&1 || die "libpcap does not build: see $static/libpcap.log"
	mv "$static/libpcap-build/libpcap.a" "$static/libpcap.a"
}

make_libmnl
make_libpcap
