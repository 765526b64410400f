#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_generated.sh - generated shapes in real namespaces: every node reaches every address, IPv4 and
# IPv6. tests/unit/test_routing.c walks bigger ones on the model.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Build a shape and ping all addresses of the lab from all nodes that are not bridges.
all_pairs() { # SHAPE SIZES...
	local node address n=0
	local -a nodes addresses
	good vethlab generate "$@" --name gen -o "$TEST_TMP/gen.yaml"
	good vethlab check "$TEST_TMP/gen.yaml"
	says_not warning
	up "$TEST_TMP/gen.yaml" --hooks none --xdp off
	mapfile -t nodes < <(vethlab show --json | jq -r '.nodes[].node')
	mapfile -t addresses < <(grep -o 'addresses: \[[^]]*\]' "$TEST_TMP/gen.yaml" |
		sed 's/addresses: \[//; s/\]//; s/, /\n/g; s|/[0-9]*||g')
	for node in "${nodes[@]}"; do
		# One program for all addresses of a node: a ping each would take a minute.
		# shellcheck disable=SC2016 # for the inner shell
		good inside "$node" sh -c 'for a; do ping -c1 -W2 -q "$a" >/dev/null || echo "no $a"; done' \
			sh "${addresses[@]}"
		assert_eq "$out" "" "$1: what $node does not reach"
		n=$((n + ${#addresses[@]}))
	done
	assert_eq "$n" $((${#nodes[@]} * ${#addresses[@]})) "pings"
	[[ $n -gt 0 ]] || fail "nothing was pinged"
	good vethlab down gen
}

test_chain() { all_pairs chain 4; }
test_ring() { all_pairs ring 4; }
test_star() { all_pairs star 3; }
test_tree() { all_pairs tree 2 2; }
test_grid() { all_pairs grid 2 2; }
test_clos() { all_pairs clos 2 2 1; }
test_fat_tree() { all_pairs fat-tree 2; }

# The same routes, written out instead of computed.
test_routes() { all_pairs ring 3 --routes; }

# In a mesh every pair has a link of its own: each asks for the other's addresses on that, both ways.
test_mesh() {
	local from address n=0
	good vethlab generate mesh 5 --name gen -o "$TEST_TMP/gen.yaml"
	up "$TEST_TMP/gen.yaml" --hooks none --xdp off
	while read -r from address; do
		good inside "$from" ping -c1 -W2 -q "$address"
		n=$((n + 1))
	done < <(vethlab show --json | jq -r '[.links[].ends[]] as $ends | $ends[] | .node as $from | .peer as $peer |
		$ends[] | select(.end == $peer) | .addresses[] | select(startswith("fe80") | not) |
		"\($from) \(split("/")[0])"')
	assert_eq "$n" 40 "pings: 5 nodes, 4 others each, v4 and v6"
	good vethlab down gen
}

# Pools of other sizes: /31 and /127, /30 and /64.
test_pools() {
	local v4 v6
	for v4 in 30 31; do
		v6=$((v4 == 30 ? 64 : 127))
		cat >"$TEST_TMP/gen.yaml" <<-END
			lab: gen
			routing: static
			pools: {v4: {prefix: 10.5.0.0/16, subnet: $v4}, v6: {prefix: "fd05::/48", subnet: $v6}}
			defaults: {links: {addresses: auto}}
			nodes: {a: {}, r1: {forward: both}, r2: {forward: both}, b: {}}
			links:
			  - endpoints: [a, r1]
			  - endpoints: [r1, r2]
			  - endpoints: [r2, b]
		END
		up "$TEST_TMP/gen.yaml" --hooks none
		good vethlab show
		says "10.5.0.1/$v4" "/$v6"
		for address in $(vethlab show --json | jq -r '.links[].ends[].addresses[] |
			select(startswith("fe80") | not) | split("/")[0]'); do
			good inside a ping -c1 -W2 -q "$address"
			good inside b ping -c1 -W2 -q "$address"
		done
		good vethlab down gen
	done
}

run_tests
