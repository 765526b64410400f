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

# In a mesh only neighbours' addresses on the common link are asked for.
test_mesh() {
	good vethlab generate mesh 4 --name gen -o "$TEST_TMP/gen.yaml"
	up "$TEST_TMP/gen.yaml" --hooks none --xdp off
	for address in 10.0.0.2 10.0.0.6 10.0.0.10 fd00::2 fd00:0:0:1::2 fd00:0:0:2::2; do
		good vethlab exec n1 ping -c1 -W2 -q "$address"
	done
	good vethlab down gen
}

run_tests
