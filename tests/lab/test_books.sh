#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_books.sh - what may stand in the books of drops, and what may not: vethlab's own frames, drops that
# nobody could note, and drops of packets that did not come by a link.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N=17

# All drops in nodes, as [[END, STAGE, REASON, PLACE, PACKETS]...], but for multicast that nobody listens to and
# the copies of replies that no ping socket wants.
drops() {
	vethlab stats --json | jq -c '[.links[].directions[].drops[] |
		select(.stage != "on_link") | select(.place as $at | ["ip6_mc_input", "ip_rcv_finish_core", "ping_rcv"] | index($at) | not) |
		[.end, .stage, .reason, (.place | sub("[.].*"; "")), .packets]]'
}

# Three hosts on a bridge, without IPv6: nobody sends but the test, and IGMP. more: with another host, and a
# second link of a.
switch_file() { # [more]
	local quiet="sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"
	cat <<-END
		lab: switch
		nodes: {sw: {kind: bridge, dev: br0, $quiet}, a: {$quiet}, b: {$quiet}, c: {$quiet}${1:+, d: {$quiet\}}}
		links:
		  - endpoints: ["sw:p1", {end: "a:e", address: 10.8.0.1/24}]
		  - endpoints: ["sw:p2", {end: "b:e", address: 10.8.0.2/24}]
		  - endpoints: ["sw:p3", {end: "c:e", address: 10.8.0.3/24}]
	END
	[[ -z ${1:-} ]] || printf '  - endpoints: ["%s", "%s"]\n' sw:p4 a:e2 sw:p5 d:e
}

# The frames that prove the wiring are no drops: not after `up`, not after `apply`. What is
# dropped afterwards is, and the books of other links go on.
test_proof_of_the_links() {
	switch_file >"$TEST_TMP/switch.yaml"
	switch_file more >"$TEST_TMP/more.yaml"
	up "$TEST_TMP/switch.yaml"
	assert_eq "$(drops)" "[]" "drops right after up"
	good inside a ping -q -c 1 -W 5 10.8.0.2
	good ip netns exec b nft "add table ip f; add chain ip f in { type filter hook input priority 0; };
		add rule ip f in udp dport 9 drop"
	good inside a bash -c "for ((i = 0; i < $N; i++)); do echo >/dev/udp/10.8.0.2/9; done"
	assert_eq "$(drops)" "[[\"b:e\",\"after_in\",\"NETFILTER_DROP\",\"nft_do_chain\",$N]]" "the rule's"
	good vethlab apply "$TEST_TMP/more.yaml"
	assert_eq "$(drops)" "[[\"b:e\",\"after_in\",\"NETFILTER_DROP\",\"nft_do_chain\",$N]]" "after two links more"
	down_at_rest
}

# What a host sends to a broadcast address it gets itself: that copy came by no link.
test_looped_broadcast() {
	local quiet="sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"
	cat >"$TEST_TMP/pair.yaml" <<-END
		lab: pair
		nodes: {a: {$quiet}, b: {$quiet}}
		links:
		  - endpoints: [{end: "a:e", address: 10.8.0.1/24}, {end: "b:e", address: 10.8.0.2/24}]
	END
	up "$TEST_TMP/pair.yaml"
	bad 1 inside a ping -q -b -c 3 -i 0.2 -W 1 10.8.0.255
	assert_eq "$(drops)" '[["b:e","after_in","INVALID_PROTO","icmp_rcv",3]]' "dropped where it came in, and nowhere else"
	down_at_rest
}

# A multicast packet of which it was seen that it is one, to a group that nobody joined: harmless, and it
# says so. The same function drops for other causes too: those get no such sentence.
test_multicast_to_nobody() {
	switch_file >"$TEST_TMP/switch.yaml"
	up "$TEST_TMP/switch.yaml"
	good vethlab stats --reset
	good inside a bash -c "ip route add 239.1.2.0/24 dev e; for ((i = 0; i < $N; i++)); do echo >/dev/udp/239.1.2.3/9; done"
	wait_until multicast_dropped
	good vethlab stats -v --link b:e
	says "NOT_SPECIFIED at ip_rcv_finish_core (harmless)" "nobody here listens to this multicast group"
	good vethlab stats --link b:e
	says "harmless drops"
	down_at_rest
}

multicast_dropped() {
	vethlab stats --json | jq -e "[.links[].directions[].drops[] | select(.end == \"b:e\" and .to_multicast and
		.place == \"ip_rcv_finish_core\") | .packets] | add >= $N"
}

run_tests
