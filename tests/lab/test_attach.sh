#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_attach.sh - which programs sit where: tcx and clsact, XDP modes, hooks; what others attach.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

has_tcx() {
	[[ $(vethlab doctor --json | jq -r '.. | .detail? // empty' | grep -cx tcx) -gt 0 ]] ||
		vethlab doctor | grep -q '^tc programs.*tcx'
}

counts_pings() {
	local end hook
	good vethlab link default:veth0 up
	wait_until ping -c 1 -W 1 -q 10.1.1.1
	good ping -c 10 -i 0.01 -q 10.1.1.1
	for end in default:veth0 blue:veth1; do
		for hook in $(hooks_of $end); do
			case "$end $hook" in
			"default:veth0 out" | "blue:veth1 in" | "blue:veth1 xdp") assert_echo $end "$hook" 11 0 ;;
			*) assert_echo $end "$hook" 0 11 ;;
			esac
		done
	done
}

tc_of() {
	vethlab show --json | jq -r .tc
}

# With --tc auto: tcx where there is tcx, and never both.
test_tc_auto() {
	up blue
	if has_tcx; then
		assert_eq "$(tc_of)" tcx "tc"
		assert_eq "$(tc qdisc show dev veth0 | grep -c clsact)" 0 "clsact beside tcx"
	else
		assert_eq "$(tc_of)" clsact "tc"
	fi
	counts_pings
	good vethlab down
}

test_tcx() {
	if ! has_tcx; then
		bad 4 vethlab up blue --tc tcx
		says tcx
		assert_residue_zero
		return
	fi
	up blue --tc tcx
	assert_eq "$(tc_of)" tcx "tc"
	counts_pings
	good vethlab down
}

test_clsact() {
	up blue --tc clsact
	assert_eq "$(tc_of)" clsact "tc"
	good tc filter show dev veth0 egress
	says vl_out direct-action
	good tc filter show dev veth0 ingress
	says vl_in direct-action
	counts_pings
	good vethlab down
}

# A filter that somebody else puts beside ours decides; we count all the same.
test_clsact_beside_others() {
	up blue --tc clsact
	good vethlab link default:veth0 up
	wait_until ping -c 1 -W 1 -q 10.1.1.1
	tc -n blue filter add dev veth1 ingress prio 40000 protocol ip matchall action drop 2>/dev/null ||
		skip_test "this kernel has no matchall"
	bad 1 ping -c 2 -i 0.01 -W 1 -q 10.1.1.1
	assert_echo blue:veth1 in 3 0
	good tc -n blue filter show dev veth1 ingress
	says matchall vl_in
	good vethlab down
}

xdp_of() { # the kernel's own word for how XDP sits on default:veth0
	ip -d -j link show veth0 | jq -r '.[0].xdp.mode // 0 |
		if . == 0 then "off" elif . == 1 then "native" elif . == 2 then "generic" else . end'
}

# Only the XDP program of a mode that an end has is loaded: the verifier takes its time for each.
test_xdp_modes() {
	local mode
	local -A programs=([off]="" [generic]=vl_xdp [native]=vl_xdp_frags)
	for mode in off generic native; do
		up blue --xdp $mode
		assert_eq "$(cd /sys/fs/bpf/vethlab/blue && echo vl_*)" "vl_in vl_out${programs[$mode]:+ ${programs[$mode]}}" "programs"
		assert_eq "$(xdp_of)" $mode "XDP on veth0"
		assert_eq "$(vethlab show --json | jq -r '[.links[].ends[].xdp] | unique | join(" ")')" $mode "show"
		counts_pings
		good vethlab down
	done
}

test_hooks() {
	up blue --hooks in --xdp off
	assert_eq "$(hooks_of default:veth0)" in "hooks"
	counts_pings
	good vethlab down
	up blue --hooks out --xdp off
	assert_eq "$(hooks_of default:veth0)" out "hooks"
	good vethlab down
	up blue --hooks none --xdp off
	assert_eq "$(hooks_of default:veth0)" "" "hooks"
	good vethlab exec blue ping -c 1 -q 10.1.1.3
	good vethlab down
	bad 2 vethlab up blue --hooks sideways
	bad 2 vethlab up blue --xdp sideways
}

# Counting goes on without any process.
test_outlives_up() {
	up blue
	counts_pings
	assert_eq "$(grep -lx vethlab /proc/[0-9]*/comm || true)" "" "processes of vethlab"
	good vethlab down
}

run_tests
