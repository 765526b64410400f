#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_host_settings.sh - a host whose forwarding, rp_filter and disable_ipv6 are unusual: a lab is the same on it, and it
# is as it was afterwards.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

settings() {
	sysctl -a 2>/dev/null | grep -E '^net\.ipv[46]\.(conf|ip_|neigh)' | grep -v stable_secret | sort
}

core_lab() {
	cat >"$TEST_TMP/core.yaml" <<-END
		lab: core
		nodes:
		  a: {routes: [default via 10.0.1.1, "default via fd01::1"]}
		  r: {}
		  b: {routes: [default via 10.0.2.1, "default via fd02::1"]}
		  h: {netns: host}
		links:
		  - endpoints: [{end: "a:x", address: [10.0.1.2/24, "fd01::2/64"]}, {end: "r:x", address: [10.0.1.1/24, "fd01::1/64"]}]
		  - endpoints: [{end: "r:y", address: [10.0.2.1/24, "fd02::1/64"]}, {end: "b:y", address: [10.0.2.2/24, "fd02::2/64"]}]
		  - endpoints: [{end: "h:z", address: 10.0.3.1/24}, {end: "a:z", address: 10.0.3.2/24}]
	END
}

# a has no way to b before r forwards; why says what ping finds.
on_unusual_host() { # SYSCTL...
	local before address
	sysctl -qw "$@"
	before=$(settings)
	core_lab
	up "$TEST_TMP/core.yaml"
	assert_eq "$(inside r sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.rp_filter net.ipv6.conf.all.disable_ipv6 | xargs)" \
		"0 0 0" "settings of a node"
	for address in 10.0.2.2 fd02::2; do
		bad 1 vethlab ping a "$address" -W 0.3
		bad 1 vethlab why a "$address"
		says "forwarding"
	done
	sed -i 's/r: {}/r: {forward: both}/' "$TEST_TMP/core.yaml"
	good vethlab apply "$TEST_TMP/core.yaml"
	remember_objects
	for address in 10.0.2.2 fd02::2 10.0.3.1; do
		good vethlab ping a "$address" -W 5 -j
		answered 1
		good vethlab why a "$address"
	done
	good vethlab link a:x down
	good vethlab link a:x up
	good vethlab plan "$TEST_TMP/core.yaml"
	says "nothing to change"
	good vethlab down
	assert_eq "$(settings)" "$before" "settings of the host"
}

test_forwards() {
	on_unusual_host net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

test_filters() {
	on_unusual_host net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.default.rp_filter=2
	on_unusual_host net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1
}

test_without_ipv6() {
	on_unusual_host net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
}

run_tests
