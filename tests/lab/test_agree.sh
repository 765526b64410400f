#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_agree.sh - in every bundled lab and between all of its nodes, what `why` foretells is what `ping`
# finds; test_faults.sh does the same where they are broken.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/agreement.sh
. "$(dirname "$0")/agreement.sh"

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
	[[ $(type -t "more_of_$1") != function ]] || "more_of_$1"
	good vethlab down "$1"
}

# What the links do not take: what is asked for does not get through, and a little less does.
more_of_mtu() {
	agree a b -s 1372
	agree a b -s 1373
	agree a b -s 1400
	agree a b -s 1472
	good vethlab why a b -j
	assert_eq "$(jq -r '"\(.there.mtu) \(.there.mtu_at)"' <<<"$out")" "1400 r1:eth1" "path MTU"
	good vethlab why a b
	says "narrows to an MTU of 1400 at r1:eth1" "-s 1372 fits"
}

for path in "$TOP"/topology/labs/*.yaml; do
	name=$(basename "$path" .yaml)
	eval "test_${name//-/_}() { every_pair $name; }"
done

run_tests
