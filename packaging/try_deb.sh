#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# try_deb.sh PACKAGE SUITE - install a .deb in a minimal Debian of SUITE (bookworm, trixie), in which nothing else is
# installed, and use it there, in namespaces of its own. As root, with network. SUITE may also be a directory with
# such a system. One that debootstrap makes is kept in $B/debian/SUITE; what is installed goes to a copy, which is removed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C
: "${B:=build}"

die() {
	echo "try_deb: $*" >&2
	exit 1
}

# The archive that this machine's own packages come from; debootstrap's own, if apt knows none.
minimal_debian() { # SUITE DIRECTORY
	local archive log=$2.log
	archive=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed 's|/*$||' | grep -m1 '/debian$' || true)
	echo "try_deb: debootstrap $1"
	rm -rf "$2.part"
	mkdir -p "$2.part"
	# shellcheck disable=SC2086 # none, or one
	debootstrap --variant=minbase "$1" "$2.part" $archive >"$log" 2>&1 || { tail -5 "$log" >&2; die "debootstrap failed"; }
	mv "$2.part" "$2"
}

# A command in the tree: its own mounts and processes, an empty /run, and by $net a network namespace of its own.
inside() { # COMMAND...
	# shellcheck disable=SC2016,SC2086 # for the shell in there; $net is an option or nothing
	unshare $net --mount --propagation private --pid --fork bash -ec '
		mount --bind "$1" "$1"
		cd "$1"
		mount -t proc proc proc
		mount -t sysfs sysfs sys
		mount --rbind /dev dev
		mount -t tmpfs run run
		cat /etc/resolv.conf >etc/resolv.conf
		mkdir -p .old
		pivot_root . .old
		cd /
		umount -l .old
		shift
		exec "$@"' - "$tree" "$@"
}

apt_in_tree() { # ARGUMENT...
	net='' inside env DEBIAN_FRONTEND=noninteractive apt-get -qq -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 "$@" \
		>"$tree/apt.log" 2>&1 || { cat "$tree/apt.log" >&2; die "apt-get $* failed"; }
}

# The first ping crosses no link, since its receiver owns the address; the second has all hooks on its way.
use() {
	net=--net inside bash -exc '
		for program in cc gcc clang bpftool make; do
			if type -P $program; then exit 1; fi
		done
		vethlab --version
		vethlab up blue --isolated
		vethlab ping blue 10.1.1.3 -c 3
		vethlab link default:veth0 up
		vethlab ping default 10.1.1.1 -c 3 -j | grep -q "\"answered\": *3"
		vethlab stats
		if vethlab capture -w /tmp/frames -f icmp --for 10ms 2>/tmp/said; then exit 1; fi
		grep -q "install libpcap (Debian: libpcap0.8)" /tmp/said
		vethlab down' || die "it does not do its work in there"
}

main() {
	local package=$1 suite=$2 tree net='' base left
	[[ $EUID -eq 0 ]] || die "needs root"
	[[ -f $package ]] || die "there is no $package"
	base=$suite
	if [[ ! -d $suite ]]; then
		base=$B/debian/$suite
		[[ -d $base ]] || minimal_debian "$suite" "$base"
	fi
	tree=$(mktemp -d)
	# shellcheck disable=SC2064 # the value now
	trap "rm -rf --one-file-system '$tree'" EXIT
	cp -a "$base/." "$tree"
	cp "$package" "$tree/vethlab.deb"
	apt_in_tree update
	apt_in_tree install -y --no-install-recommends /vethlab.deb
	use
	apt_in_tree install -y --no-install-recommends libpcap0.8
	net=--net inside bash -exc 'vethlab up two-hosts && vethlab capture -w /tmp/frames -f icmp --for 10ms && vethlab down'
	apt_in_tree purge -y vethlab
	left=$(find "$tree" -xdev -path '*vethlab*' ! -path "$tree/var/*" ! -path "$tree/vethlab.deb")
	[[ -z $left ]] || die "purge leaves $left"
	echo "try_deb: $(basename "$package") works in $suite"
}

[[ $# -eq 2 ]] || { echo "usage: try_deb.sh PACKAGE SUITE|DIRECTORY" >&2; exit 2; }
main "$@"
