#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# deps.sh GROUP... - install what is missing for the groups build, test, static, deb, deb-try, rpm, vm. Where there is apt it
# installs without asking and prints what; elsewhere it prints package names and fails. With
# nothing missing it says nothing and needs no network. DEPS_DRY_RUN=1: only print.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin

# A thing is there if its probe finds it: cmd:NAME a program, pc:NAME a pkg-config module, h:NAME a
# header, a:NAME a static library, fuzzer:COMPILER its libFuzzer. One package may stand in several rows. Debian and Ubuntu; Fedora; Arch.
table() {
	cat <<-END
	build cmd:gcc                gcc              gcc                    gcc
	build h:stdio.h              libc6-dev        glibc-devel            glibc
	build h:linux/bpf.h          linux-libc-dev   kernel-headers         linux-api-headers
	build cmd:make               make             make                   make
	build cmd:clang              clang            clang                  clang
	build cmd:llvm-strip         llvm             llvm                   llvm
	build cmd:bpftool            bpftool          bpftool                bpf
	build cmd:pkg-config         pkg-config       pkgconf-pkg-config     pkgconf
	build pc:libbpf              libbpf-dev       libbpf-devel           libbpf
	build pc:libelf              libelf-dev       elfutils-libelf-devel  libelf
	build pc:zlib                zlib1g-dev       zlib-devel             zlib
	build pc:libmnl              libmnl-dev       libmnl-devel           libmnl
	build pc:libfyaml            libfyaml-dev     libfyaml-devel         libfyaml
	build pc:jansson             libjansson-dev   jansson-devel          jansson
	build pc:libpcap             libpcap-dev      libpcap-devel          libpcap
	test  pc:cmocka              libcmocka-dev    libcmocka-devel        cmocka
	test  cmd:ip                 iproute2         iproute                iproute2
	test  cmd:tc                 iproute2         iproute-tc             iproute2
	test  cmd:ping               iputils-ping     iputils                iputils
	test  cmd:sysctl             procps           procps-ng              procps-ng
	test  cmd:jq                 jq               jq                     jq
	test  cmd:tcpdump            tcpdump          tcpdump                tcpdump
	test  cmd:nft                nftables         nftables               nftables
	test  cmd:shellcheck         shellcheck       ShellCheck             shellcheck
	test  cmd:clang-check        clang-tools      clang-tools-extra      clang
	test  cmd:tshark             tshark           wireshark-cli          wireshark-cli
	test  fuzzer:clang           libclang-rt-dev  compiler-rt            compiler-rt
	static cmd:flex              flex             flex                   flex
	static cmd:bison             bison            bison                  bison
	static cmd:dpkg-source       dpkg-dev         dpkg-dev               dpkg
	static a:c                   libc6-dev        glibc-static           glibc
	static a:z                   zlib1g-dev       zlib-static            zlib
	deb   cmd:dpkg-shlibdeps     dpkg-dev         dpkg-dev               dpkg
	deb-try cmd:debootstrap      debootstrap      debootstrap            debootstrap
	rpm   cmd:rpmbuild           rpm              rpm-build              rpm-tools
	vm    cmd:qemu-system-$(uname -m)  qemu-system-$(debian_qemu)  qemu-system-$(fedora_qemu)-core  qemu-base
	vm    cmd:cpio               cpio             cpio                   cpio
	vm    cmd:xz                 xz-utils         xz                     xz
	vm    cmd:zstd               zstd             zstd                   zstd
	vm    cmd:modprobe           kmod             kmod                   kmod
	vm    cmd:busybox            busybox-static   busybox                busybox
	END
}

debian_qemu() { case $(uname -m) in x86_64) echo x86 ;; aarch64) echo arm ;; *) echo misc ;; esac; }
fedora_qemu() { case $(uname -m) in x86_64) echo x86 ;; *) uname -m ;; esac; }

present() {
	local -a cc
	read -ra cc <<<"${CC:-cc}" # "ccache gcc"
	case $1 in
	cmd:bpftool) bpftool version >/dev/null 2>&1 ;; # Ubuntu's is a wrapper that may lead nowhere
	cmd:*) command -v "${1#cmd:}" >/dev/null ;;
	pc:*) "${PKG_CONFIG:-pkg-config}" --exists "${1#pc:}" 2>/dev/null ;;
	fuzzer:*)
		echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
			"${1#fuzzer:}" -x c -fsanitize=fuzzer - -o /dev/null >/dev/null 2>&1
		;;
	a:*) [[ $("${cc[@]}" -print-file-name="lib${1#a:}.a") == /* ]] ;;
	h:*) echo "#include <${1#h:}>" | "${cc[@]}" -E -x c - >/dev/null 2>&1 ;;
	esac
}

# Prints column $1 of what is missing for the groups, each name once.
missing() {
	local column=$1 group probe debian fedora arch
	shift
	# shellcheck disable=SC2034 # the three columns are read by name
	while read -r group probe debian fedora arch; do
		[[ " $* " == *" $group "* ]] || continue
		present "$probe" || echo "${!column}"
	done < <(table) | sort -u | xargs
}

elsewhere() {
	{
		echo "vethlab needs packages that are not installed, and this is no Debian or Ubuntu."
		echo "  Debian: apt install $(missing debian "$@")"
		echo "  Fedora: dnf install $(missing fedora "$@")"
		echo "  Arch:   pacman -S $(missing arch "$@")"
	} >&2
	exit 1
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# promtool's package (prometheus) has 96 MB and starts a service: of it the one program is unpacked below
# BUILD, never installed. Where it cannot be had, its test is skipped.
unpack_promtool() {
	local dir=${BUILD:-build}/promtool
	local get=(apt-get -qq -o APT::Sandbox::User=root)
	! command -v promtool >/dev/null || return 0
	[[ ! -x $dir/promtool ]] || return 0
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 0
	if [[ ${DEPS_DRY_RUN:-0} == 1 ]]; then
		echo "apt-get download prometheus, for promtool"
		return 0
	fi
	echo "deps: unpacking promtool"
	mkdir -p "$dir"
	(
		cd "$dir"
		"${get[@]}" download prometheus || { "${get[@]}" update && "${get[@]}" download prometheus; }
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/promtool
	) >/dev/null 2>&1 || echo "deps: promtool cannot be had: its test is skipped" >&2
	rm -f "$dir"/*.deb
}

# A newer clang than Debian 12's, for test_objects.sh: its optimizer writes what the kernel's verifier may
# refuse. Where the archive has none of this name, the test does with the compilers that are there.
install_newer_clang() {
	! command -v clang-16 >/dev/null || return 0
	command -v apt-get >/dev/null && [[ $EUID -eq 0 ]] || return 0
	apt-cache show clang-16 >/dev/null 2>&1 || return 0
	if [[ ${DEPS_DRY_RUN:-0} == 1 ]]; then
		echo "apt-get install clang-16"
		return 0
	fi
	echo "deps: installing clang-16"
	apt_install clang-16 >/dev/null 2>&1 || echo "deps: clang-16 cannot be had" >&2
}

main() {
	install_missing "$@"
	[[ " $* " != *" test "* ]] || { unpack_promtool; install_newer_clang; }
}

install_missing() {
	local need log
	need=$(missing debian "$@")
	[[ -n $need ]] || return 0
	command -v apt-get >/dev/null || elsewhere "$@"
	if [[ ${DEPS_DRY_RUN:-0} == 1 ]]; then
		echo "apt-get install $need"
		return 0
	fi
	if [[ $EUID -ne 0 ]]; then
		echo "deps: missing: $need" >&2
		echo "deps: run as root: apt-get install --no-install-recommends $need" >&2
		return 1
	fi
	echo "deps: installing $need"
	log=$(mktemp)
	# The lists may be absent or older than the archive; then one update helps.
	# shellcheck disable=SC2086
	apt_install $need >"$log" 2>&1 ||
		{ apt-get update -qq >>"$log" 2>&1 && apt_install $need >>"$log" 2>&1; } ||
		{ cat "$log" >&2; rm -f "$log"; echo "deps: apt-get failed" >&2; return 1; }
	rm -f "$log"
	need=$(missing debian "$@")
	[[ -z $need ]] || { echo "deps: installed, and still not found: $need" >&2; return 1; }
}

[[ $# -gt 0 ]] || { echo "usage: deps.sh build|test|static|deb|deb-try|rpm|vm..." >&2; exit 2; }
main "$@"
