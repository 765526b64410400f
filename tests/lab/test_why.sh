#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_why.sh - `why` tells what was read in the node's kernel: settings, rules, neighbor tables.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# a -- r -- b, where r forwards.
chain() {
	cat >"$TEST_TMP/c.yaml" <<-END
		lab: c
		nodes:
		  a: {routes: [default via 10.0.1.1, default via 2001:db8:1::1]}
		  r: {forward: both}
		  b: {routes: [default via 10.0.2.1, default via 2001:db8:2::1]}
		links:
		  - endpoints:
		      - {end: "a:eth0", addresses: [10.0.1.2/24, "2001:db8:1::2/64"]}
		      - {end: "r:eth0", addresses: [10.0.1.1/24, "2001:db8:1::1/64"]}
		  - endpoints:
		      - {end: "r:eth1", addresses: [10.0.2.1/24, "2001:db8:2::1/64"]}
		      - {end: "b:eth0", addresses: [10.0.2.2/24, "2001:db8:2::2/64"]}
	END
	up "$TEST_TMP/c.yaml"
}

set_in() { # NODE KEY=VALUE...
	local node=$1
	shift
	good inside "$node" sysctl -qw "$@"
}

# What `why a TO` says: how the leg there ends and at which node.
foretells() { # TO WANT [OPTION...]
	local to=$1 want=$2 status=0
	shift 2
	vethlab why a "$to" -j "$@" >"$TEST_TMP/why" || status=$?
	assert_eq "$(jq -r '.there | "\(.end) \(.hops[-1].node)"' "$TEST_TMP/why")" "$want" \
		"why a $to: $(<"$TEST_TMP/why")"
	assert_eq "$status" "$(jq 'if .good then 0 else 1 end' "$TEST_TMP/why")" "exit status"
}

was_read() { # NODE WHAT VALUE
	asserted
	jq -e --arg node "$1" --arg what "$2" --arg value "$3" \
		'any((.back // .there).read[]; .node == $node and .what == $what and .value == $value)' \
		"$TEST_TMP/why" >/dev/null || fail "it did not read $*: $(<"$TEST_TMP/why")"
}

test_forwarding_of_one_interface() {
	chain
	set_in r net.ipv4.conf.eth0.forwarding=0
	foretells b "not-forwarding r"
	was_read r net.ipv4.conf.eth0.forwarding 0
	bad 1 vethlab ping a b -W 0.3
	set_in r net.ipv4.ip_forward=0 net.ipv4.conf.eth0.forwarding=1
	foretells b "arrives b" # there: the way back comes by eth1
	good vethlab down c
}

# force_forwarding is of Linux 6.17.
test_forwarding_of_ipv6() {
	local key=net.ipv6.conf.eth0.force_forwarding
	chain
	set_in r net.ipv6.conf.all.forwarding=0
	foretells 2001:db8:2::2 "not-forwarding r"
	was_read r net.ipv6.conf.all.forwarding 0
	if inside r sysctl -n "$key" >/dev/null 2>&1; then
		was_read r "$key" 0
		set_in r "$key=1" net.ipv6.conf.eth1.force_forwarding=1
		good vethlab ping a 2001:db8:2::2
		foretells 2001:db8:2::2 "arrives b"
	else
		skip_part "this kernel has no force_forwarding"
	fi
	good vethlab down c
}

test_rules_that_refuse() {
	local kind
	chain
	good ip -n r rule add from 10.0.1.0/24 table 100 priority 1000
	for kind in blackhole unreachable prohibit; do
		good ip -n r route replace "$kind" default table 100
		foretells b "refused-by-route r"
		was_read r "rule 1000 from 10.0.1.0/24" "table 100: $kind 0.0.0.0/0"
	done
	good ip -n r rule del priority 1000
	good ip -n r rule add from 10.0.1.2 prohibit priority 1001
	foretells b "refused-by-route r"
	was_read r "rule 1001 from 10.0.1.2/32" prohibit
	good ip -n r rule del priority 1001
	good ip -n r rule add from 10.0.1.0/24 table 101 priority 1002 # without a route
	foretells b "arrives b"
	good ip -n b rule add from 10.0.2.2 table 100 priority 1003
	good ip -n b route add blackhole default table 100
	bad 1 vethlab why a b -j
	assert_eq "$(jq -r '.back | "\(.end) \(.hops[-1].node)"' <<<"$out")" "refused-by-route b" "back"
	good vethlab down c
}

test_rp_filter_is_the_larger_one() {
	chain
	set_in r net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=1
	foretells b "arrives b"
	good ip -n r route add 10.0.1.2/32 dev eth1
	foretells b "rp-filter r"
	was_read r net.ipv4.conf.all.rp_filter 0
	was_read r net.ipv4.conf.eth0.rp_filter 1
	set_in r net.ipv4.conf.eth0.rp_filter=2 # loose: any route will do
	foretells b "arrives b"
	good vethlab down c
}

test_own_source() {
	chain
	good ip -n r addr add 10.0.1.2/32 dev lo
	foretells b "own-source r"
	was_read r net.ipv4.conf.all.accept_local 0
	good vethlab down c
}

test_localnet() {
	chain
	good ip -n a route del local 127.0.0.0/8 dev lo table local
	good ip -n a route del local 127.0.0.1 dev lo table local
	good ip -n a route add 127.0.0.1/32 via 10.0.1.1
	foretells 127.0.0.1 "route-localnet r"
	was_read r net.ipv4.conf.eth0.route_localnet 0
	good vethlab down c
}

# A gateway that nobody has, with a permanent neighbor: the MAC decides.
test_permanent_neighbor() {
	local mac
	chain
	mac=$(ip_link r eth0 .address)
	good ip -n a route add 10.9.0.1/32 dev eth0
	good ip -n a route replace default via 10.9.0.1 dev eth0
	foretells b "no-neighbor a"
	good ip -n a neigh add 10.9.0.1 lladdr "$mac" dev eth0
	foretells b "arrives b"
	good vethlab ping a b
	good ip -n a neigh replace 10.9.0.1 lladdr 02:00:00:00:00:99 dev eth0
	foretells b "wrong-mac a"
	was_read a "neighbor 10.9.0.1 dev eth0" "02:00:00:00:00:99 permanent"
	good vethlab down c
}

test_stale_neighbor() {
	chain
	good vethlab ping a b
	good ip -n r link set eth0 address 02:00:00:00:00:99
	foretells b "wrong-mac a"
	good ip -n a neigh flush dev eth0
	foretells b "arrives b"
	good vethlab down c
}

# Proxy ARP answers for what the node would send out elsewhere, and for nothing else.
test_proxy_arp() {
	chain
	good ip -n a route add 10.9.0.1/32 dev eth0
	good ip -n a route replace default via 10.9.0.1 dev eth0
	set_in r net.ipv4.conf.eth0.proxy_arp=1
	foretells b "no-neighbor a"
	good ip -n r route add 10.9.0.1/32 via 10.0.2.2
	foretells b "arrives b"
	wait_until vethlab ping a b -W 2
	good ip -n a neigh flush dev eth0
	set_in r net.ipv4.conf.eth0.proxy_arp=0
	foretells b "no-neighbor a"
	good ip -n r neigh add proxy 10.9.0.1 dev eth0
	foretells b "arrives b"
	good vethlab down c
}

# 63 routers are as many as a time to live of 64 passes; what stops a packet at the next is no loop.
test_long_chain() {
	good vethlab generate chain 66
	echo "$out" >"$TEST_TMP/chain.yaml"
	up "$TEST_TMP/chain.yaml"
	vethlab why n1 n65 -j >"$TEST_TMP/why" || fail "n65: $(<"$TEST_TMP/why")"
	assert_eq "$(jq '.there.hops | length' "$TEST_TMP/why")" 65 "hops"
	good vethlab ping n1 n65
	bad 1 vethlab why n1 n66 -j
	assert_eq "$(jq -r '.there | "\(.end) \(.hops[-1].node)"' <<<"$out")" "ttl-exceeded n65" "n66"
	bad 1 vethlab ping n1 n66
	set_in n1 net.ipv4.ip_default_ttl=65
	set_in n66 net.ipv4.ip_default_ttl=65
	good vethlab why n1 n66 -j
	good vethlab down
}

# The last of more hosts on a bridge than a search once had room for.
test_wide_bridge() {
	local i
	{
		printf 'lab: wide\nnodes:\n  sw: {kind: bridge, dev: br0}\n'
		for ((i = 1; i <= 260; i++)); do echo "  h$i: {}"; done
		echo links:
		for ((i = 1; i <= 260; i++)); do
			echo "  - endpoints: [\"sw:p$i\", {end: \"h$i:eth0\", address: 10.0.$((i / 250)).$((i % 250 + 1))/16}]"
		done
	} >"$TEST_TMP/wide.yaml"
	up "$TEST_TMP/wide.yaml"
	good vethlab why h1 h260 -j
	assert_eq "$(jq -r '.there.hops[-1].node' <<<"$out")" h260 "where it arrives"
	good vethlab down wide
}

# A rule for marks stands before the route that refuses: that it was not decided is told with it.
test_rule_for_marks() {
	chain
	good inside r ip route replace blackhole 10.0.2.2
	foretells b "refused-by-route r"
	assert_eq "$(jq '[.there.read[] | select(.value == "not decided")] | length' "$TEST_TMP/why")" 0 "no such rule"
	good inside r ip rule add fwmark 7 table 100 priority 50
	foretells b "refused-by-route r"
	was_read r "rules for marks, ports, users or TOS" "not decided"
	good vethlab down c
}

# A new MAC: r's entry for a is out of date until a, which has lost its own entries, asks for r.
test_entry_that_the_request_renews() {
	chain
	good vethlab ping a b -W 5
	good inside a ip link set eth0 address 02:00:00:00:99:01
	foretells b "arrives b"
	assert_eq "$(jq -r .back.end "$TEST_TMP/why")" arrives "back: $(<"$TEST_TMP/why")"
	good vethlab ping a b -W 5
	good inside r ip neigh replace 10.0.1.2 lladdr 02:00:00:00:99:02 dev eth0 nud permanent
	good inside a ip neigh flush all
	foretells b "arrives b"
	assert_eq "$(jq -r .back.end "$TEST_TMP/why")" wrong-mac "back: $(<"$TEST_TMP/why")"
	bad 1 vethlab ping a b -W 0.5
	good vethlab down c
}

run_tests
