#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_questions.sh - an echo that waits for a neighbor's address: who asks, how often, and where the
# question or its answer died.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/public_labs.sh
. "$(dirname "$0")/public_labs.sh"

routed() {
	cat >"$TEST_TMP/routed.yaml" <<-'YAML'
		lab: routed
		nodes: {a: {routes: [default via 10.0.1.1]}, r: {forward: v4}, b: {routes: [default via 10.0.2.1]}}
		links:
		  - endpoints: [{end: "a:eth0", address: 10.0.1.2/24}, {end: "r:eth0", address: 10.0.1.1/24}]
		  - endpoints: [{end: "r:eth1", address: 10.0.2.1/24}, {end: "b:eth0", address: 10.0.2.2/24}]
	YAML
	up "$TEST_TMP/routed.yaml"
}

# No ARP passes eth0 of NODE at HOOK.
no_arp() { # NODE HOOK
	good vethlab exec "$1" nft "add table netdev t; add chain netdev t c { type filter hook $2 device eth0 priority 0; }; add rule netdev t c ether type arp drop"
}

field() { # FILTER of the first echo
	jq -r "select(.schema == \"vethlab.ping/1\") | $1" <<<"$out" | head -n 1
}

# The echo in $out waits, and no answer was given up.
waits() { # "NODE NEIGHBOR DEVICE" QUESTION
	assert_eq "$(field '.itinerary.fate')" waiting "the fate"
	assert_eq "$(field '.itinerary.waiting | "\(.leg) \(.node) \(.neighbor) \(.device)"')" "request $1" "who waits"
	assert_eq "$(field '.itinerary.waiting.question // {} | "\(.node) \(.question) \(.reason)"')" "$2" "the question"
	assert_eq "$(jq -r 'select(.schema == "vethlab.ping-summary/1") | .losses[].fate' <<<"$out")" waiting "the sum"
}

# A filter of the bridge drops the solicitation. Copies for others, which they drop as well, say nothing.
test_solicitation() {
	switched 'nft: "table ip6 f { chain F { type filter hook forward priority 0; policy drop; }; }"'
	bad 1 vethlab ping a b -6 -W 60 -j
	assert_eq "$(field '.itinerary.drops[.itinerary.death].node')" a "the drop"
	assert_eq "$(field '.itinerary.stack[] | select(.kind == "question-drop") | "\(.node) \(.reason) \(.drops)"')" \
		"sw NETFILTER_DROP 3" "where the questions died"
	bad 1 vethlab ping a b -6 -W 300ms -j
	waits "a 2001:db8::2 eth0" "sw solicitation NETFILTER_DROP"
	assert_eq "$(field '.itinerary.waiting.asked')" 1 "questions"
	assert_eq "$(field '.itinerary.origin')" a "the origin"
	bad 1 vethlab ping a c -6 -W 300ms # nobody has been asked for c yet
	says "the request waits in a for the neighbor 2001:db8::3 on eth0, asked" "died in sw, NETFILTER_DROP"
	says_not "no end of the lab" "it arrives and is answered"
	bad 1 vethlab ping b a -6 -W 60
	says "the solicitation died in sw"
	good vethlab down sw3
}

# Isolated ports pass nothing to each other, and no drop tells of it.
test_isolated() {
	switched 'exec: [ip link set p1 type bridge_slave isolated on, ip link set p2 type bridge_slave isolated on]'
	bad 1 vethlab ping a b -W 300ms -j
	waits "a 192.168.30.2 eth0" "null null null"
	bad 1 vethlab ping a b -W 300ms
	says "the request waits in a for the neighbor 192.168.30.2" "no node was seen to drop"
	good vethlab down sw3
}

# A router waits. The question reaches b, or only its answer is lost.
test_router() {
	routed
	no_arp b ingress
	bad 1 vethlab ping a b -W 300ms -j
	waits "r 10.0.2.2 eth1" "b ARP request NETFILTER_DROP"
	assert_eq "$(field '.itinerary.last_seen | "\(.end) \(.hook)"')" "r:eth0 in" "seen last"
	good vethlab exec b nft flush ruleset
	wait_until vethlab ping a b -W 60 # the questions of the first ping may all have been put
	good vethlab exec r ip neighbor flush all
	no_arp b egress
	bad 1 vethlab ping a b -W 300ms -j
	waits "r 10.0.2.2 eth1" "b ARP reply NETFILTER_DROP"
	good vethlab down routed
}

# Packets that join those that wait put no question of their own.
test_counted() {
	local sent
	routed
	good vethlab stats --reset
	bad 1 vethlab ping r 10.0.2.77 -c 8 -i 50ms -W 60 -j
	assert_eq "$(jq -r '.itinerary.stack // [] | .[] | select(.kind == "neighbor") | .asked' <<<"$out" | sort -u)" 3 \
		"questions"
	good vethlab stats -j
	sent=$(jq '.links[].directions[] | select(.from == "r:eth1") | .kinds.arp.sent' <<<"$out")
	assert_eq "$sent" 3 "ARP requests that left"
	good vethlab down routed
}

# Recorded: an echo that waits for its neighbor over IPv4, one over IPv6, and a datagram to a closed port.
record_drops() {
	local recorder
	"$BUILD/vethlab" record "$TEST_TMP/run.rec" 2>"$TEST_TMP/recorder" &
	recorder=$!
	wait_until test -e "$TEST_TMP/run.rec"
	bad 1 vethlab ping a b -4 -W 60 -j
	assert_eq "$(field '.itinerary.stack[] | select(.kind == "question-drop") | "\(.node) \(.reason) \(.drops)"')" \
		"sw NETFILTER_DROP 3" "ARP, as ping tells"
	bad 1 vethlab ping a b -6 -W 60 -j
	assert_eq "$(field '.itinerary.stack[] | select(.kind == "question-drop") | "\(.node) \(.reason) \(.drops)"')" \
		"sw NETFILTER_DROP 3" "ND, as ping tells"
	good ip -n a neigh add 192.168.30.3 lladdr "$(ip_link c eth0 .address)" dev eth0
	good ip -n c neigh add 192.168.30.1 lladdr "$(ip_link a eth0 .address)" dev eth0
	good inside a bash -c 'echo x >/dev/udp/192.168.30.3/9'
	kill -TERM $recorder
	wait $recorder
}

# The losses of the last replay that are told by themselves: "NODE QUESTION REASON", each once with its count.
told_alone() {
	jq -rs 'map(select(.kind == "question-drop") | "\(.node) \(.question) \(.reason)") | group_by(.) |
		map("\(.[0]) \(length)") | .[]' <<<"$out"
}

# K12: what is dropped is told as such by ping, and by trace, whatever it is of.
test_dropped_is_told_by_all() {
	local questions=$'sw ARP request NETFILTER_DROP 3\nsw solicitation NETFILTER_DROP 3'
	needs nft
	switched 'nft: "table bridge f { chain F { type filter hook forward priority 0; oifname p2 ether type arp drop; oifname p2 icmpv6 type nd-neighbor-solicit drop; }; }"'
	record_drops
	good vethlab replay "$TEST_TMP/run.rec" dropped -j
	assert_eq "$(told_alone)" "$questions" "questions"
	json_holds 'map(select(.schema == "vethlab.itinerary/1")) | map(.drops[.death].node) == ["a", "a", "c"]'
	good vethlab replay "$TEST_TMP/run.rec" sw dropped -j
	assert_eq "$(told_alone)" "$questions" "questions that died in sw"
	json_holds 'map(select(.schema == "vethlab.itinerary/1")) | length == 2 and
		all(.[]; any(.stack[]; .kind == "question-drop" and .node == "sw"))'
	good vethlab replay "$TEST_TMP/run.rec" sw --events dropped -j
	assert_eq "$(told_alone | grep NETFILTER)" "$questions" "single records"
	good vethlab replay "$TEST_TMP/run.rec" c dropped -j
	assert_eq "$(told_alone)" "" "c dropped no question"
	json_holds 'map(.drops[.death].node) == ["c"]'
	good vethlab down sw3
}

run_tests
