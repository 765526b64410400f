#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_crash_apply.sh - `apply` killed after each of its system calls, and each of them failing.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/crash.sh
. "$(dirname "$0")/crash.sh"

# A link goes, a node comes, another is built again; addresses, routes, sysctls, MTU change, in
# namespaces of ours and of others.
changed_file() {
	sed -e 's/^  pc: .*/  pc: {routes: [{to: 10.8.0.0\/24, via: 10.8.1.1}]}\n  n: {}/' \
		-e 's/^  r: .*/  r: {forward: v4, sysctls: {net.ipv4.ip_default_ttl: 60}}/' \
		-e 's/ip_default_ttl: 99/ip_default_ttl: 98/' \
		-e 's/"host:vc0", /&mtu: 1400, /; s/"r:up", /&mtu: 1400, /' \
		-e 's/"other:vc1", "lan:p3"/"n:eth0", "lan:p3"/' \
		-e '/routes: \[{to: 10.8.1.0/s/\]/, {to: 10.8.9.0\/24, kind: blackhole}]/' \
		"$TEST_TMP/lab.yaml" >"$TEST_TMP/changed.yaml"
}

step_apply_kill() { # N
	changed_file
	up "$TEST_TMP/lab.yaml"
	crash_at "$1" "$BUILD/vethlab" apply "$TEST_TMP/changed.yaml"
	remember_objects
	no_more_calls && works && good vethlab down && clean "the end" && return 1
	assert_eq "$status" 137 "killed at $met: $out"
	good vethlab gc
	if is_up; then # killed before the first step, or after the last
		works
		good vethlab down
	fi
	clean "killed at $met"
}

equals() { # FILE
	local said=$out
	good vethlab plan "$TEST_TMP/$1.yaml"
	[[ $out == *"nothing to change"* ]] || fail "at $met, status $status, not $1: $said; $out"
}

step_apply_fail() { # N ERRNO
	changed_file
	up "$TEST_TMP/lab.yaml"
	crash_at "$1" -e "$2" "$BUILD/vethlab" apply "$TEST_TMP/changed.yaml"
	remember_objects
	no_more_calls && works && good vethlab down && clean "the end" && return 1
	is_up || fail "$2 at $met: the lab does not run: $out"
	[[ $status -eq 0 ]] || says_why
	equals "$([[ $status -eq 0 ]] && echo changed || echo lab)"
	works
	good vethlab down
	clean "$2 at $met"
}

test_apply_kill() {
	sweep apply_kill
}

test_apply_fail() {
	sweep apply_fail
}

run_tests
