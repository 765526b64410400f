#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_wiring.sh - `up` and `apply` say OK when a frame has crossed each link both ways, else which link
# does not carry frames, whatever watches it.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Node a drops what leaves its interfaces DROPPED; three links, of which one is down at an end.
lab_file() { # DROPPED...
	local dropped
	{
		printf 'lab: wires\nnodes:\n  b: {}\n  c: {}\n  a:\n    nft: |\n      table netdev wires {\n'
		for dropped; do
			cat <<-END
				        chain $dropped {
				          type filter hook egress device "$dropped" priority 0
				          policy drop
				        }
			END
		done
		cat <<-'END'
			      }
			links:
			  - endpoints: ["a:x", "b:x"]
			  - endpoints: ["a:y", "b:y"]
			  - endpoints: ["a:z", "c:z"]
			  - endpoints: [{end: "a:down", up: false}, "c:down"]
		END
	} >"$TEST_TMP/wires.yaml"
}

refused() { # WHAT OPTION...
	local what=$1
	shift
	bad 1 vethlab up "$TEST_TMP/wires.yaml" "$@"
	says "wires.yaml:" "a:x: the frame sent out of it $what" "nor did those of a:y" \
		"an nft or tc rule may drop them"
	nothing_in /run/netns || fail "left: $(ls /run/netns)"
}

needs_egress() {
	needs nft
	ip link add probe0 type veth peer name probe1
	nft 'table netdev probe { chain c { type filter hook egress device "probe0" priority 0; }; }' ||
		{ ip link del probe0; skip_test "this kernel has no nft hook egress (CONFIG_NETFILTER_EGRESS)"; }
	nft delete table netdev probe
	ip link del probe0
}

test_frames_that_do_not_leave() {
	needs_egress
	lab_file x y
	refused "did not leave it" --tc clsact
}

# Without the program that would see it leave; without any: test_all_ends_are_told.
test_frames_that_do_not_arrive() {
	needs_egress
	lab_file x y
	refused "did not arrive at b:x" --hooks in
}

test_all_ends_are_told() {
	local i
	needs_egress
	{
		printf 'lab: wires\nnodes:\n  b: {}\n  a:\n    nft: |\n      table netdev wires {\n'
		printf '        chain c {\n          type filter hook egress devices = { %s } priority 0\n' \
			"$(seq -s, -f '"w%g"' 40)"
		printf '          policy drop\n        }\n      }\nlinks:\n'
		for ((i = 1; i <= 40; i++)); do
			echo "  - endpoints: [\"a:w$i\", \"b:w$i\"]"
		done
	} >"$TEST_TMP/wires.yaml"
	bad 1 vethlab up "$TEST_TMP/wires.yaml" --hooks none
	says "a:w1: the frame" "nor did those of a:w2, a:w3, " " more:"
	assert_eq "$(awk "length > 80" <<<"$out" | grep -vc "^vethlab:")" 0 "wide lines"
}

# What carries frames is not refused: whichever programs are there, with NAPI (gro), XDP, a bridge.
test_good_links() {
	local hooks
	lab_file
	sed -i '/nft: |/,/^      }$/d; s/^  a:$/  a: {}/; s/"c:z"\]/&\n    features: {gro: true}/' \
		"$TEST_TMP/wires.yaml"
	sed -i 's/  c: {}/  c: {kind: bridge}/' "$TEST_TMP/wires.yaml"
	for hooks in in,out in out none; do
		up "$TEST_TMP/wires.yaml" --hooks $hooks --tc clsact
		good vethlab down
	done
	up "$TEST_TMP/wires.yaml" --hooks out --xdp native
	good vethlab down
}

# A link that `apply` makes is tried as well, and the lab is as it was if it carries nothing.
test_apply() {
	needs_egress
	lab_file z
	sed '/"a:z"/d; s/device "z"/device "x"/; s/policy drop/policy accept/' "$TEST_TMP/wires.yaml" \
		>"$TEST_TMP/before.yaml"
	up "$TEST_TMP/before.yaml" --hooks none
	sed -i 's/  a:$/  d:/; s/"a:/"d:/' "$TEST_TMP/wires.yaml"
	bad 1 vethlab apply "$TEST_TMP/wires.yaml"
	says "d:z: the frame sent out of it did not arrive at c:z"
	good vethlab show
	says a:x
	good vethlab down
}

run_tests
