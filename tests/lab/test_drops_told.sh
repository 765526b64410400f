#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_drops_told.sh - what is told beside a drop: no guess that contradicts it (K3), which of several causes of one
# reason it was (K6), and the drop of an error about an echo that goes on (K9).
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/case_labs.sh
. "$(dirname "$0")/case_labs.sh"
# shellcheck source=tests/lab/why.sh
. "$(dirname "$0")/why.sh"

# Of the first echo of the last `ping -j`.
first() { # FILTER
	jq -rs ".[0] | $1" <<<"$out"
}

dropped() { # "NODE LEG REASON"
	assert_eq "$(first '.itinerary | "\(.fate) \(.drops[.death] | "\(.node) \(.leg) \(.reason)")"')" "dropped $1" "the drop"
}

both_known() {
	good ip -n a neigh replace 192.168.30.2 lladdr "$(ip_link b eth0 .address)" dev eth0 nud permanent
	good ip -n b neigh replace 192.168.30.1 lladdr "$(ip_link a eth0 .address)" dev eth0 nud permanent
}

# ---- K3 ------------------------------------------------------------------------------------------

# Beyond a rewritten destination, or for a rewritten source, the tables tell something else than what happened.
test_kind_03_translated() {
	local to
	needs nft
	chain
	good inside r nft "table inet n {
		chain p { type nat hook prerouting priority dstnat; ip daddr 10.96.0.10 dnat to 10.0.2.2; ip6 daddr 2001:db8:9::1 dnat to 2001:db8:2::2; }
		chain f { type filter hook forward priority 0; ip daddr 10.0.2.2 drop; ip6 daddr 2001:db8:2::2 drop; }; }"
	for to in 10.96.0.10 2001:db8:9::1; do
		bad 1 vethlab ping a $to -W 0.5 -j
		dropped "r request NETFILTER_DROP"
		assert_eq "$(first '.why.end // "none"')" none "no guess below it"
		bad 1 vethlab ping a $to -W 0.5
		says_not "no route" "why:"
	done
	good inside r nft flush ruleset
	good inside r nft "table inet n { chain p { type nat hook postrouting priority srcnat; oifname eth1 masquerade; }; }"
	good inside b nft "table inet n { chain p { type filter hook input priority 0; ip saddr 10.0.2.1 drop; ip6 saddr 2001:db8:2::1 icmpv6 type echo-request drop; }; }"
	for to in 10.0.2.2 2001:db8:2::2; do
		bad 1 vethlab ping a $to -W 0.5 -j
		dropped "b request NETFILTER_DROP"
		assert_eq "$(first '.why.end // "none"')" none "no guess below it"
	done
	good vethlab down c
}

# ---- K6 ------------------------------------------------------------------------------------------

# Ports that pass nothing to each other, and an entry for the port that a frame came by: one place in the kernel.
test_kind_06_no_port() {
	switched "sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"
	good vethlab ping a b -W 5
	both_known # nobody asks, which would tell the bridge where b is
	good ip -n sw link set p1 type bridge_slave isolated on
	good ip -n sw link set p2 type bridge_slave isolated on
	bad 1 vethlab ping a b -W 0.3 -j
	assert_eq "$(first '.itinerary.drops[.itinerary.death] | "\(.node) \(.function | sub("[.].*"; ""))"')" "sw br_handle_frame_finish" "the drop"
	[[ $(first .why.text) == *"sw:p2 stops it: it is isolated, as is p1" ]] || fail "not why: $(first .why)"
	good ip -n sw link set p1 type bridge_slave isolated off
	good bridge -n sw fdb replace "$(ip_link b eth0 .address)" dev p1 master static
	bad 1 vethlab ping a b -W 0.3 -j
	assert_eq "$(first '.itinerary.drops[.itinerary.death] | "\(.node) \(.function | sub("[.].*"; ""))"')" "sw br_handle_frame_finish" "the drop"
	[[ $(first .why.text) == *"a static entry of its FDB has that MAC at p1" ]] || fail "not why: $(first .why)"
	good vethlab down sw3
}

# The same in another VLAN, where the kernel has VLANs of bridges.
test_kind_06_no_port_of_its_vlan() {
	switched "sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"
	good vethlab ping a b -W 5
	both_known
	if ! ip -n sw link set br0 type bridge vlan_filtering 1 2>"$TEST_TMP/no"; then
		good vethlab down sw3
		skip_test "$(<"$TEST_TMP/no")"
	fi
	good bridge -n sw vlan add vid 20 dev p2 pvid untagged
	good bridge -n sw vlan del vid 1 dev p2
	bad 1 vethlab ping a b -W 0.3 -j
	assert_eq "$(first '"\(.why.end) \(.why.at)"')" "not-bridged sw" "the cause: $out"
	[[ $(first .why.text) == *VLAN* ]] || fail "not why: $(first .why)"
	good vethlab down sw3
}

# A neighbor entry with the MAC of another host: that host takes it in, and forwards nothing, or does.
test_kind_06_mac_of_another_host() {
	local mac
	switched
	mac=$(ip_link c eth0 .address)
	good ip -n a neigh replace 192.168.30.2 lladdr "$mac" dev eth0 nud permanent
	good ip -n a neigh replace 2001:db8::2 lladdr "$mac" dev eth0 nud permanent
	bad 1 vethlab ping a 192.168.30.2 -W 0.3 -j
	dropped "c request IP_INADDRERRORS"
	assert_eq "$(first '"\(.why.end) \(.why.at)"')" "not-forwarding c" "the cause"
	bad 1 vethlab ping a 2001:db8::2 -W 0.3 -j
	assert_eq "$(first '"\(.itinerary.drops[.itinerary.death].node) \(.why.end) \(.why.at)"')" "c not-forwarding c" "the cause, IPv6"
	good inside c sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	good vethlab ping a 192.168.30.2 -W 5 -j
	passed_on c
	foretells 192.168.30.2 "arrives b"
	# a sends its advertisements to the MAC that it has for b, too.
	good ip -n b neigh replace 2001:db8::1 lladdr "$(ip_link a eth0 .address)" dev eth0 nud permanent
	good vethlab ping a 2001:db8::2 -W 5 -j
	passed_on c
	foretells 2001:db8::2 "arrives b"
	good vethlab down sw3
}

# ---- K9 ------------------------------------------------------------------------------------------

# r1 would tell a of the better way by r2, and its own filter drops that.
without_redirects() {
	detour
	good inside r1 nft "table inet t { chain c { type filter hook output priority 0; icmp type redirect drop; icmpv6 type nd-redirect drop; }; }"
}

test_kind_09_dropped_redirect() {
	local to
	needs nft
	without_redirects
	for to in fd09::2 10.9.0.2; do
		good vethlab ping a $to -W 5 -j
		assert_eq "$(first '.itinerary | "\(.fate) \(.death) \(.answerer)"')" "answered null b" "an answer"
		json_holds '.[0].itinerary.drops | any(.node == "r1" and .leg == "error" and .reason == "NETFILTER_DROP")'
	done
	good inside b nft "table inet t { chain c { type filter hook input priority 0; icmpv6 type echo-request drop; icmp type echo-request drop; }; }"
	for to in fd09::2 10.9.0.2; do
		bad 1 vethlab ping a $to -W 0.5 -j
		dropped "b request NETFILTER_DROP"
	done
	# The echo waits in r2: the redirect's drop is not its end.
	good inside b nft flush ruleset
	good inside b nft "table netdev t { chain c { type filter hook ingress device eth0 priority 0; drop; }; }"
	good ip -n r2 neigh flush dev eth1
	for to in fd09::2 10.9.0.2; do
		bad 1 vethlab ping a $to -W 0.3 -j
		assert_eq "$(first '.itinerary | "\(.fate) \(.waiting.node) \(.waiting.neighbor)"')" "waiting r2 $to" "it waits"
	done
	good vethlab down detour
}

# What a looked up is not told as a look-up of b, where the echo dies before anything is looked up.
test_look_up_of_another_node() {
	needs nft
	up_silent
	good inside b nft "table ip t { chain c { type filter hook prerouting priority -300; icmp type echo-request drop; }; }"
	bad 1 vethlab ping a 10.8.0.2 -W 0.3 -j
	dropped "b request NETFILTER_DROP"
	json_holds '.[0].itinerary.stack // [] | all(.[]; .node == "a" or .device != "x")'
	good vethlab down
}

run_tests
