#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_agree.sh - in every bundled lab and between all of its nodes, what `why` foretells is what `ping`
# finds.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

agree() { # FROM TO
	local told=0 found=0
	vethlab why "$1" "$2" >"$TEST_TMP/why" 2>&1 || told=$?
	vethlab ping "$1" "$2" -W "${PING_WAIT:-1}" >"$TEST_TMP/ping" 2>&1 || found=$?
	assert_eq "$found" "$told" "$1 to $2: $(cat "$TEST_TMP/ping" "$TEST_TMP/why")"
	[[ $found -le 1 ]] || fail "$1 to $2: $(cat "$TEST_TMP/ping")"
}

every_pair() { # LAB
	local from to
	local -a nodes
	[[ $1 != nat && $1 != container && $1 != mtu ]] || command -v nft >/dev/null ||
		skip_test "there is no nft"
	up "$1" --isolated
	mapfile -t nodes < <(vethlab show --json | jq -r '.nodes[] | .node')
	[[ ${#nodes[@]} -gt 1 && ${nodes[0]} != null ]] || fail "no nodes: ${nodes[*]}"
	for from in "${nodes[@]}"; do
		for to in "${nodes[@]}"; do
			# A switch has no address to ping, and none to ping from.
			[[ $from != "$to" && $from != sw* && $to != sw* ]] || continue
			agree "$from" "$to"
		done
	done
	good vethlab down "$1"
}

for path in "$TOP"/topology/labs/*.yaml; do
	name=$(basename "$path" .yaml)
	eval "test_${name//-/_}() { every_pair $name; }"
done

run_tests
