#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_blue.sh - the blue lab as a person walks it, with exact counts at every hook.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

FLOOD=${FLOOD:-100000}

# What `ip` sees is what the lab file says, as if made by hand.
test_as_if_by_hand() {
	up blue
	good ip netns list
	says blue
	assert_eq "$(ip_link veth0 .ifname)" veth0 "veth0 in default"
	assert_eq "$(ip_link veth0 '.flags | index("UP")')" null "veth0 starts down"
	assert_eq "$(ip_link blue veth1 '.flags | index("UP") != null and index("NO-CARRIER") != null')" true \
		"veth1 is up, its peer is not"
	assert_eq "$(ip_link blue lo '.flags | index("UP") != null')" true "lo in blue is up"
	good inside blue ip -br addr
	says "10.1.1.1/24" "10.1.1.3/24"
	good ip addr show dev veth0
	says "10.1.1.2/24"
	down_at_rest blue
	bad 1 ip link show veth0
	good ip netns list
	assert_eq "$out" "" "ip netns list"
}

# Each end's ifindex is the base plus its number, in both namespaces.
test_ifindexes() {
	local base
	up blue
	base=$(ip_link veth0 .ifindex)
	assert_eq "$(ip_link blue veth1 .ifindex)" $((base + 1)) "ifindex of blue:veth1"
	assert_eq "$(ip_link veth2 .ifindex)" $((base + 2)) "ifindex of default:veth2"
	assert_eq "$(ip_link blue veth3 .ifindex)" $((base + 3)) "ifindex of blue:veth3"
	down_at_rest
}

# The seed takes 10.1.1.1 and 10.1.1.3 for two systems: such a ping never leaves lo.
test_own_address_stays_on_lo() {
	local end hook
	up blue
	good inside blue ping -c 3 -i 0.05 -q 10.1.1.3
	good inside blue ping -c 3 -i 0.05 -q 10.1.1.1
	for end in default:veth0 blue:veth1 default:veth2 blue:veth3; do
		for hook in $(hooks_of "$end"); do
			assert_echo "$end" "$hook" 0 0
		done
	done
	down_at_rest
}

walk() { # OPTION OF UP...
	up blue "$@"
	good inside blue ping -c 1 -q 10.1.1.3
	bad 2 ping -c 1 -W 1 -q 10.1.1.1
	says unreachable
	good vethlab link default:veth0 up
	wait_until ping -c 1 -W 1 -q 10.1.1.1
}

# 100 pings each way: each hook of both ends shows exactly 100 requests and 100 replies more.
exact_both_ways() {
	local end hook
	# shellcheck disable=SC2119 # it could take options of stats
	note_echo
	good ping -c 100 -i 0.002 -q 10.1.1.1
	says "100 received"
	assert_more default:veth0 out 100 0
	assert_more blue:veth1 in 100 0
	assert_more blue:veth1 out 0 100
	assert_more default:veth0 in 0 100

	good inside blue ping -c 100 -i 0.002 -q 10.1.1.2
	says "100 received"
	for end in default:veth0 blue:veth1; do
		for hook in $(hooks_of $end); do
			assert_more $end "$hook" 100 100
		done
	done
}

ledger_agrees() {
	good vethlab stats --json
	assert_eq "$(jq '[.links[].directions[].lost] | add' <<<"$out")" 0 "lost"
	assert_eq "$(jq '[.links[0].directions[].kinds["icmp4.echo_request"] |
		.sent == .received and .lost == 0] | all' <<<"$out")" true "requests sent, received"
}

test_walk() {
	walk
	exact_both_ways
	ledger_agrees
	down_at_rest
}

test_walk_xdp_generic() {
	walk --xdp generic
	assert_eq "$(hooks_of blue:veth1)" "in out xdp" "hooks"
	exact_both_ways
	ledger_agrees
	down_at_rest
}

test_walk_xdp_native() {
	walk --xdp native
	assert_eq "$(hooks_of blue:veth1)" "in out xdp" "hooks"
	exact_both_ways
	ledger_agrees
	down_at_rest
}

test_walk_ipv6() {
	local address
	walk
	address=$(ip -n blue -j addr show veth1 | jq -r '.[0].addr_info[] |
		select(.family == "inet6") | .local' | head -1)
	assert_eq "${address%%:*}" fe80 "link-local address of blue:veth1"
	wait_until ping -6 -c 1 -W 1 -q "$address%veth0"
	good vethlab stats --json
	local -i requests replies
	requests=$(count blue:veth1 in icmp6.echo_request)
	replies=$(count blue:veth1 out icmp6.echo_reply)
	good ping -6 -c 50 -i 0.002 -q "$address%veth0"
	assert_eq "$(count blue:veth1 in icmp6.echo_request)" $((requests + 50)) "v6 requests"
	assert_eq "$(count default:veth0 out icmp6.echo_request)" $((requests + 50)) "v6 requests"
	assert_eq "$(count blue:veth1 out icmp6.echo_reply)" $((replies + 50)) "v6 replies"
	assert_eq "$(count default:veth0 in icmp6.echo_reply)" $((replies + 50)) "v6 replies"
	down_at_rest
}

# ping -f: exact to the packet at every hook.
test_flood() {
	local end hook
	up blue --xdp generic
	good vethlab link default:veth0 up
	wait_until ip -n blue route get 10.1.1.2
	wait_until test "$(ip_link veth0 .operstate)" = UP
	good ping -f -q -c "$FLOOD" 10.1.1.1
	says "$FLOOD packets transmitted, $FLOOD received"
	assert_echo default:veth0 out "$FLOOD" 0
	assert_echo blue:veth1 out 0 "$FLOOD"
	for end in default:veth0 blue:veth1; do
		for hook in $(arrivals_of $end); do
			if [[ $end == blue:veth1 ]]; then
				assert_echo $end "$hook" "$FLOOD" 0
			else
				assert_echo $end "$hook" 0 "$FLOOD"
			fi
		done
	done
	down_at_rest
}

# The pinned maps are an interface: bpftool prints the fields' names and agrees with stats.
test_maps_are_readable() {
	local map=/sys/fs/bpf/vethlab/blue/count_in sum
	up blue
	good vethlab link default:veth0 up
	wait_until ping -c 1 -W 1 -q 10.1.1.1
	good bpftool -j map dump pinned $map
	says echo_request malformed
	sum=$(jq '[.[] | select(.formatted.key == 1) |
		.formatted.values[].value.icmp4.echo_request] | add' <<<"$out")
	assert_eq "$sum" "$(count blue:veth1 in icmp4.echo_request)" "echo requests at blue:veth1 in"
	good bpftool -j map dump pinned /sys/fs/bpf/vethlab/blue/ends
	says veth0 veth3
	down_at_rest
}

run_tests
