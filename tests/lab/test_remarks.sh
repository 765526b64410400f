#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_remarks.sh - what ping says beside the ways of echoes: ICMP errors that rate limits held back, time before
# the first hook, drops of errors about an echo.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

routed() { # a -- r -- b
	cat >"$TEST_TMP/routed.yaml" <<-'YAML'
		lab: routed
		nodes:
		  a: {routes: [default via 10.0.1.1, {to: "::/0", via: "fd01::1"}]}
		  r: {forward: true}
		  b: {routes: [default via 10.0.2.1, {to: "::/0", via: "fd02::1"}]}
		links:
		  - endpoints: [{end: "a:eth0", addresses: [10.0.1.2/24, "fd01::2/64"]},
		                {end: "r:eth0", addresses: [10.0.1.1/24, "fd01::1/64"]}]
		  - endpoints: [{end: "r:eth1", addresses: [10.0.2.1/24, "fd02::1/64"]},
		                {end: "b:eth0", addresses: [10.0.2.2/24, "fd02::2/64"]}]
	YAML
	up "$TEST_TMP/routed.yaml"
}

summary() { # FILTER
	jq -r "select(.schema == \"vethlab.ping-summary/1\") | $1" <<<"$out"
}

# A router answers a few echoes whose TTL runs out, and is kept from answering the others. The kernel counts those.
limited() { # FAMILY FILE-OF-COUNTERS
	local silent
	bad 1 vethlab ping a b "$1" -t 1 -c 30 -i 2ms -W 2 -j
	silent=$(summary .unanswered)
	((silent > 0)) || fail "no error was held back: $out"
	assert_eq "$(summary '.no_icmp_error[] | "\(.node) \(.echoes)"')" "r $silent" "who was silent"
	if vethlab exec r grep -q OutRateLimitHost "$2"; then
		assert_eq "$(summary '.no_icmp_error[0] | .held_back_host + (.held_back_global // 0)')" "$silent" "held back"
		bad 1 vethlab ping a b "$1" -t 1 -c 30 -i 2ms -W 2 -q
		says "r made no ICMP error about" "its rate limits held back"
	else
		assert_eq "$(summary '.no_icmp_error[0].held_back_host')" null "held back"
		bad 1 vethlab ping a b "$1" -t 1 -c 30 -i 2ms -W 2 -q
		says "this kernel does not count what its rate limits hold back"
	fi
}

test_rate_limit() {
	routed
	limited -4 /proc/net/snmp
	good vethlab ping a b -c 3 -i 1ms -j
	assert_eq "$(summary '.no_icmp_error')" null "nobody was silent"
	good vethlab down routed
}

test_rate_limit_v6() {
	routed
	limited -6 /proc/net/snmp6
	good vethlab down routed
}

asks() { # NODE NEIGHBOR
	ip -n "$1" neighbor show "$2" | grep -q INCOMPLETE
}

# Drop what asks for addresses at an end, until a node waits for a neighbor there; what a ping says is in $out then.
held_up() { # END NODE NEIGHBOR OPTION... of `ping a b`
	local node=${1%:*} ifname=${1#*:} waits=$2 neighbor=$3 pid
	shift 3
	good ip netns exec "$waits" sysctl -qw "net.ipv4.neigh.${neighbor#* }.mcast_solicit=100"
	good ip netns exec "$node" nft "table netdev t { chain c { type filter hook ingress device $ifname priority 0; ether type arp drop; }; }"
	vethlab ping a b -W 100 "$@" >"$TEST_TMP/late" &
	pid=$!
	wait_until asks "$waits" "${neighbor% *}"
	good ip netns exec "$node" nft flush ruleset
	wait "$pid" || fail "it was not answered: $(<"$TEST_TMP/late")"
	out=$(<"$TEST_TMP/late")
}

# The neighbor answers the second question, or a later one: the time until then is the slowest step.
test_time_before() {
	local pid
	routed
	good vethlab exec a sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=100
	good vethlab exec r nft 'add table netdev t; add chain netdev t c { type filter hook ingress device eth0 priority 0; }; add rule netdev t c ether type arp drop'
	vethlab ping a 10.0.1.1 -W 100 -j >"$TEST_TMP/late" &
	pid=$!
	wait_until asks a 10.0.1.1
	good vethlab exec r nft flush ruleset
	wait "$pid" || fail "it was not answered: $(cat "$TEST_TMP/late")"
	out=$(cat "$TEST_TMP/late")
	assert_eq "$(summary '.slowest_step | "\(.inside) \(.leg) \(.unseen)"')" "a request before" "the slowest step"
	assert_eq "$(jq -s '.[0] | .before_ns > .itinerary.round_trip_ns and .before_ns <= .rtt_ns + 1e8' <<<"$out")" true \
		"the time before"
	assert_eq "$(jq -s '.[0] | [.itinerary.stack[] | select(.news == "answered" and .node == "a")][0] |
		.took_ns > 5e8 and .asked > 1' <<<"$out")" true "the neighbor"
	good vethlab down routed
}

# A router, or whoever answers, waits for a neighbor: the slowest step is there, and whom it waited for is told.
test_time_inside() {
	routed
	# b asks for nobody, which would tell r of b.
	good ip -n b neigh replace 10.0.2.1 lladdr "$(ip_link r eth1 .address)" dev eth0 nud permanent
	held_up b:eth0 r "10.0.2.2 eth1" -j
	assert_eq "$(summary '.slowest_step | "\(.inside) \(.leg) \(.unseen)"')" "r request null" "the slowest step"
	good ip -n r neighbor flush dev eth1
	held_up b:eth0 r "10.0.2.2 eth1"
	says "r       neighbor 10.0.2.2 on eth1: asked" "answered" "r passed it on in"
	good ip -n b neighbor del 10.0.2.1 dev eth0
	good ip -n r neighbor replace 10.0.2.2 lladdr "$(ip_link b eth0 .address)" dev eth1 nud permanent
	held_up r:eth1 b "10.0.2.1 eth0" -j
	assert_eq "$(summary '.slowest_step | "\(.inside) \(.leg) \(.unseen)"')" "b reply null" "the slowest step"
	good ip -n b neighbor flush dev eth0
	held_up r:eth1 b "10.0.2.1 eth0"
	says "b       neighbor 10.0.2.1 on eth0: asked" "answered" "b answered in"
	good vethlab down routed
}

# A macvlan upon h's end that is in c: it is c that waits, though the echo leaves by h's end.
test_time_before_of_macvlan() {
	cat >"$TEST_TMP/upon.yaml" <<-'YAML'
		lab: upon
		nodes:
		  a: {}
		  h: {exec: [ip link add mv0 link eth0 netns a type macvlan mode bridge, ip -n a addr add 10.0.0.5/24 dev mv0, ip -n a link set mv0 up]}
		  b: {}
		links: [{endpoints: [{end: "h:eth0", address: 10.0.0.1/24}, {end: "b:eth0", address: 10.0.0.254/24}]}]
	YAML
	vethlab up "$TEST_TMP/upon.yaml" >"$TEST_TMP/up" 2>&1 || skip_test "$(<"$TEST_TMP/up")"
	remember_objects
	held_up b:eth0 a "10.0.0.254 mv0" -j
	assert_eq "$(summary '.slowest_step | "\(.inside) \(.leg) \(.unseen)"')" "a request before" "the slowest step"
	good ip -n a neighbor flush dev mv0
	held_up b:eth0 a "10.0.0.254 mv0"
	says "passed in a before the first hook: it waited for the neighbor 10.0.0.254"
	good vethlab down upon
}

# The router's errors die at its own filter: the echo died of its TTL all the same.
test_dropped_error() {
	routed
	good vethlab exec r nft 'add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c icmp type time-exceeded drop'
	bad 1 vethlab ping a b -t 1 -W 1 -j
	assert_eq "$(jq -rs '.[0].itinerary | .drops[.death] | "\(.node) \(.leg) \(.reason)"' <<<"$out")" \
		"r request IP_INHDR" "the death"
	bad 1 vethlab ping a b -t 1 -W 1
	says "r dropped the request: its TTL (hop limit) ran out here" "r dropped the ICMP"
	good vethlab down routed
}

# Where what was dropped is the error, the echo's own death is told, and its answer where it has one.
test_dropped_error_of_size() {
	routed
	good ip -n r link set eth1 mtu 1300
	good vethlab exec r nft 'table inet t { chain c { type filter hook output priority 0; icmp type destination-unreachable drop; icmpv6 type packet-too-big drop; }; }'
	bad 1 vethlab ping a b -s 1400 -W 1 -j
	assert_eq "$(jq -rs '.[0].itinerary | .drops[.death] | "\(.node) \(.leg) \(.reason)"' <<<"$out")" \
		"r request PKT_TOO_BIG" "the death"
	assert_eq "$(jq -rs '.[0].why | "\(.end) \(.at)"' <<<"$out")" "too-big r" "the cause"
	bad 1 vethlab ping a fd02::2 -s 1400 -W 1 -j
	assert_eq "$(jq -rs '.[0].itinerary | .drops[.death] | "\(.node) \(.leg)"' <<<"$out")" "r request" "the death, IPv6"
	good vethlab down routed
}

# r has another MAC than the one that a knows, and nothing floods between them; nor does b, to which it would go.
test_wrong_mac() {
	routed
	good vethlab ping a b -W 60
	good vethlab exec r ip link set eth0 address 02:00:00:00:00:99
	bad 1 vethlab ping a b -W 1 -j
	assert_eq "$(jq -rs '.[0].itinerary | "\(.fate) \(.drops[.death] | "\(.node) \(.leg) \(.reason)")"' <<<"$out")" \
		"dropped r request OTHERHOST" "the death"
	bad 1 vethlab ping a b -W 1
	says "it is meant for another MAC"
	says_not "flooded" "no end of the lab" "redirects"
	good vethlab exec b ip link set eth0 address 02:00:00:00:00:98
	good vethlab exec a ip neighbor flush dev eth0
	bad 1 vethlab ping a b -W 1 -j
	assert_eq "$(jq -rs '.[0].itinerary | "\(.fate) \(.drops[.death] | "\(.node) \(.leg) \(.reason)")"' <<<"$out")" \
		"dropped b request OTHERHOST" "the death"
	good vethlab down routed
}

run_tests
