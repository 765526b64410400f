#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_address_routes.sh - each address that a lab file names has its local and its connected route.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# What the kernel says of all nodes, one JSON line each.
routes_of_all() {
	local node
	for node in $(ip netns list | cut -d' ' -f1); do
		jq -nc --arg netns "$node" --argjson v4 "$(ip -n "$node" -j -4 route show table all)" \
			--argjson v6 "$(ip -n "$node" -j -6 route show table all)" \
			--argjson links "$(ip -n "$node" -j addr)" \
			'{netns: $netns, routes: ($v4 + $v6), links: $links}'
	done
}

# Addresses of interfaces that are up, but without a route; link-local ones too. And how many there are.
without_routes() {
	jq -sr '[.[] | .netns as $netns | .routes as $routes | .links[] |
		select(.ifname != "lo" and (.flags | index("UP"))) | .ifname as $dev |
		.addr_info[] | .local as $address | .prefixlen as $len |
		{$netns, $dev, $address,
		 is_local: any($routes[]; .dev == $dev and .type == "local" and .dst == $address),
		 is_connected: any($routes[]; .dev == $dev and .protocol == "kernel" and
			(.dst | endswith("/\($len)")) and (.type // "unicast") == "unicast")}] |
		"\(length) \([.[] | select(.is_local and .is_connected | not)] | length)"'
}

has_all() { # COUNT OF ADDRESSES
	assert_eq "$(routes_of_all | without_routes)" "$1 0" "addresses, and those without routes"
}

three() {
	cat <<-END
		lab: three
		nodes:
		  a: {routes: [{to: "fd00:2::/64", via: "fd00:1::2"}, {to: 10.0.2.0/24, via: 10.0.1.2}]}
		  r: {forward: both}
		  b: {routes: [{to: "fd00:1::/64", via: "fd00:2::1"}, {to: 10.0.1.0/24, via: 10.0.2.1}]}
		links:
		  - mtu: ${1:-1500}
		    endpoints:
		      - {end: "a:e0", address: ["fd00:1::1/64", 10.0.1.1/24]}
		      - {end: "r:e0", address: ["fd00:1::2/64", 10.0.1.2/24]}
		  - endpoints:
		      - {end: "r:e1", address: ["fd00:2::1/64", 10.0.2.1/24]}
		      - {end: "b:e0", address: ["fd00:2::2/64", 10.0.2.2/24]}
	END
}

both_ways() {
	good inside a ping -c 1 -W 3 -q 10.0.2.2
	good inside a ping -c 1 -W 3 -q fd00:2::2
}

test_chain() {
	local i
	{
		echo "lab: chain"
		echo "nodes: {n0: {}$(printf ', n%d: {}' {1..50})}"
		echo "links:"
		for ((i = 1; i <= 50; i++)); do
			echo "  - endpoints:"
			echo "      - {end: \"n$((i - 1)):r\", address: [\"fd00:$i::1/64\", 10.0.$i.1/24]}"
			echo "      - {end: \"n$i:l\", address: [\"fd00:$i::2/64\", 10.0.$i.2/24]}"
		done
	} >"$TEST_TMP/chain.yaml"
	up "$TEST_TMP/chain.yaml"
	has_all 300
	good vethlab down
}

# With an end that goes down, the kernel removes IPv6 addresses and routes of both families.
test_down_and_up() {
	three >"$TEST_TMP/three.yaml"
	up "$TEST_TMP/three.yaml"
	both_ways
	good vethlab link a:e0 down
	good vethlab link a:e0 up
	has_all 12
	both_ways
	good vethlab link r:e1 down
	good vethlab link r:e1 up
	both_ways
	good vethlab down
}

# A connected route that vanished comes back with `link ... up`, and with `apply` of a change to the end.
test_vanished() {
	three >"$TEST_TMP/three.yaml"
	up "$TEST_TMP/three.yaml"
	good ip -n a -6 route del fd00:1::/64 dev e0
	good ip -n r -4 route del 10.0.1.0/24 dev e0
	good vethlab link a:e0 up
	good vethlab link r:e0 up
	has_all 12
	good ip -n a -6 route del fd00:1::/64 dev e0
	good ip -n r -4 route del 10.0.1.0/24 dev e0
	good ip -n r -6 route del local fd00:1::2 dev e0 table local
	three 1400 >"$TEST_TMP/three.yaml"
	good vethlab apply "$TEST_TMP/three.yaml"
	has_all 12
	both_ways
	good vethlab down
}

# What a user took down is as in the file after `apply`, with its addresses and their routes.
test_down_by_hand() {
	three >"$TEST_TMP/three.yaml"
	up "$TEST_TMP/three.yaml"
	good ip -n r link set e0 down
	three 1400 >"$TEST_TMP/three.yaml"
	good vethlab apply "$TEST_TMP/three.yaml"
	[[ $(ip_link r e0 '.flags | index("UP")') != null ]] || fail "r:e0 is down"
	has_all 12
	both_ways
	good vethlab down
}

test_bridge_and_lo() {
	cat >"$TEST_TMP/lab.yaml" <<-END
		lab: office
		nodes:
		  sw: {kind: bridge, addresses: ["fd00::254/64", 10.0.0.254/24], lo: {addresses: ["fd00:ff::1/128", 10.9.9.9/32]}}
		  h: {}
		links:
		  - endpoints: ["sw:p1", {end: "h:e0", address: ["fd00::1/64", 10.0.0.1/24]}]
	END
	up "$TEST_TMP/lab.yaml"
	good inside h ping -c 1 -W 3 -q fd00::254
	good inside h ping -c 1 -W 3 -q 10.0.0.254
	good vethlab down
}

run_tests
