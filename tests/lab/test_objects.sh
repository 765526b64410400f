#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_objects.sh - the kernel's verifier takes every program of every BPF object, as each clang that is
# installed makes it: what one optimizer writes, another does not.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Names of the compilers, one for each version that is there.
compilers() {
	local clang
	for clang in clang clang-1{4..9} clang-2{0..9}; do
		command -v "$clang" >/dev/null &&
			echo "$("$clang" -dumpversion | cut -d. -f1) $clang"
	done | sort -u -k1,1n | cut -d' ' -f2
}

load_all() { # CLANG
	local object dir=$TEST_TMP/$1
	for object in "$TOP"/bpf/*.bpf.c; do
		object=$(basename "$object" .c).o
		good make -s -C "$TOP" B="$dir" CLANG="$1" LLVM_STRIP=true "$dir/bpf/$object"
		good bpftool prog loadall "$dir/bpf/$object" "/sys/fs/bpf/${object%%.*}"
		[[ -n $(ls "/sys/fs/bpf/${object%%.*}") ]] || fail "$1: $object has no program"
		rm -r "/sys/fs/bpf/${object%%.*}"
	done
}

test_verifier() {
	local clang
	[[ -n $(bpftool btf dump file /sys/kernel/btf/vmlinux format raw 2>/dev/null |
		grep -m1 "'btf_trace_icmp_send'") ]] ||
		skip "this kernel lacks tracepoints that the program loads only where they are"
	for clang in $(compilers); do
		load_all "$clang"
		echo "$clang: all objects" >>"$TEST_TMP/comment"
	done
}

run_tests
