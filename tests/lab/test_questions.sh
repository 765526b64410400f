#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_questions.sh - an echo that waits for a neighbor's address: who asks, how often, and where the
# question or its answer died.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/case_labs.sh
. "$(dirname "$0")/case_labs.sh"

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

# It is the answer that waits: in the router, since a answers no ARP, and in b, since the router's filter drops the
# solicitations.
test_answer_waits() {
	needs nft
	routed
	good vethlab ping a b -W 60
	good ip -n a neigh replace 10.0.1.1 lladdr "$(ip_link r eth0 .address)" dev eth0 nud permanent
	good ip -n r neigh flush dev eth0
	good inside a sysctl -qw net.ipv4.conf.all.arp_ignore=8
	bad 1 vethlab ping a b -W 300ms -j
	assert_eq "$(field '.itinerary.waiting | "\(.leg) \(.node) \(.neighbor) \(.device)"')" "reply r 10.0.1.2 eth0" "who waits"
	assert_eq "$(field '"\(.itinerary.answerer) \(.why.end) \(.why.at)"')" "null no-neighbor r" "the cause"
	[[ $(field .why.text) == *"net.ipv4.conf.all.arp_ignore is 8" ]] || fail "it does not say why: $out"
	good vethlab down routed
	switched
	good ip -n a -6 neigh replace 2001:db8::2 lladdr "$(ip_link b eth0 .address)" dev eth0 nud permanent
	good inside a nft 'table ip6 t { chain c { type filter hook input priority 0; icmpv6 type nd-neighbor-solicit drop; }; }'
	good ip -n b -6 neigh flush dev eth0
	bad 1 vethlab ping a b -6 -W 300ms -j
	assert_eq "$(field '.itinerary.waiting | "\(.leg) \(.node) \(.neighbor) \(.device)"')" "reply b 2001:db8::1 eth0" "who waits"
	assert_eq "$(field '.itinerary.waiting.question | "\(.node) \(.question) \(.reason)"')" "a solicitation NETFILTER_DROP" "the question"
	good vethlab down sw3
}

# The node that waits is behind another node's end.
test_macvlan_waits() {
	cat >"$TEST_TMP/upon.yaml" <<-'YAML'
		lab: upon
		nodes:
		  c: {}
		  h: {exec: [ip link add mv0 link eth0 netns c type macvlan mode bridge, ip -n c addr add 10.0.0.5/24 dev mv0, ip -n c link set mv0 up]}
		  lan: {}
		links: [{endpoints: [{end: "h:eth0", address: 10.0.0.1/24}, {end: "lan:eth0", address: 10.0.0.254/24}]}]
	YAML
	needs nft
	vethlab up "$TEST_TMP/upon.yaml" >"$TEST_TMP/up" 2>&1 || skip_test "$(<"$TEST_TMP/up")"
	remember_objects
	no_arp lan ingress
	bad 1 vethlab ping c 10.0.0.254 -W 300ms -j
	waits "c 10.0.0.254 mv0" "lan ARP request NETFILTER_DROP"
	good vethlab down upon
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

# Recorded: an answer to ARP that dies in the node that asked, and one to a solicitation, in the node that answers.
record_lost_answers() {
	local recorder
	"$BUILD/vethlab" record "$TEST_TMP/answers.rec" 2>"$TEST_TMP/recorder" &
	recorder=$!
	wait_until test -e "$TEST_TMP/answers.rec"
	bad 1 vethlab ping a b -4 -W 60
	bad 1 vethlab ping a b -6 -W 60
	kill -TERM $recorder
	wait $recorder
}

# K12: answers are told as well.
test_dropped_answers_are_told() {
	needs nft
	switched
	good inside a nft 'table netdev t { chain c { type filter hook ingress device eth0 priority 0; arp operation reply drop; }; }'
	good inside b nft 'table ip6 t { chain c { type filter hook output priority 0; icmpv6 type nd-neighbor-advert drop; }; }'
	record_lost_answers
	good vethlab replay "$TEST_TMP/answers.rec" dropped -j
	assert_eq "$(told_alone | sed 's/ [0-9]*$//')" $'a ARP reply NETFILTER_DROP\nb advertisement NETFILTER_DROP' "answers"
	good vethlab replay "$TEST_TMP/answers.rec" b dropped -j
	assert_eq "$(told_alone | sed 's/ [0-9]*$//')" "b advertisement NETFILTER_DROP" "answers that died in b"
	json_holds 'map(select(.schema == "vethlab.itinerary/1")) | length == 1 and .[0].family == 6'
	good vethlab down sw3
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
