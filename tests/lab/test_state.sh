#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_state.sh - the files of a lab in /run/vethlab, changed by hand or lost: verbs tell it exactly, and
# `down` removes what is the lab's.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

STATE=/run/vethlab/two-hosts/state.json

# Write state.json anew, as FILTER makes it from what it was.
edit_state() { # JQ-FILTER
	jq "$1" "$TEST_TMP/state.json" >"$STATE"
}

# All verbs that read it fail with the same sentence, which contains each TEXT; none crashes.
damaged() { # JQ-FILTER TEXT...
	local filter=$1
	local -a verb
	shift
	edit_state "$filter"
	for verb in show stats "ping a 10.0.0.2" "why a 10.0.0.2" "link a:eth0 down" "graph two-hosts" \
		"plan two-hosts" "stats -j" "exec a true" "trace"; do
		# shellcheck disable=SC2086 # a verb with its arguments
		bad 1 timeout $WAIT "$BUILD/vethlab" $verb
		says "lab two-hosts: its state is damaged: state.json" "$@" "vethlab down two-hosts"
	done
}

# Numbers beyond what arrays and maps have room for, of the wrong type, or not there.
test_numbers() {
	up two-hosts
	cp "$STATE" "$TEST_TMP/state.json"
	damaged '.ends["a:eth0"] = -1' 'ends.a:eth0 is -1, not from 0 to 1'
	damaged '.ends["a:eth0"] = 4294967296' 'ends.a:eth0 is 4294967296, not from 0 to 1'
	damaged '.ends["b:eth0"] = .ends["a:eth0"]' 'ends.b:eth0 is 0, as a:eth0 is'
	damaged '.ends["b:eth0"] = "1"' 'ends.b:eth0 is no whole number'
	damaged 'del(.ends["b:eth0"])' 'ends.b:eth0 is missing'
	damaged '.nodes[1].slot = -1' 'nodes[1].slot is -1, not from 0 to 65'
	damaged '.nodes[1].slot = 100000' 'nodes[1].slot is 100000, not from 0 to 65'
	damaged '.nodes[1].slot = .nodes[0].slot' 'slot 0 twice'
	damaged '.nodes[0].inode = 0' 'nodes[0].inode is 0, not from 1 to'
	damaged '.capacity = 0' 'capacity is 0, not from 2 to'
	damaged '.capacity = -1' 'capacity is -1, not from 2 to'
	damaged '.capacity = 4294967295' 'capacity is 4294967295, not from 2 to'
	damaged '.slots = 1' 'slots is 1, not from 2 to'
	damaged '.next_end = 1000000' 'next_end is 1000000, not from 1 to 66'
	damaged '.ifindex_base = 0' 'ifindex_base is 0, not from 1 to'
	damaged '.ifindex_base = 4294967295' 'ifindex_base is 4294967295, not from 1 to'
	damaged '.group = 0' 'group is 0, not from 1 to'
	damaged '.started = 99999999999999' 'started is 99999999999999, not from 0 to'
	damaged '.started = -1' 'started is -1, not from 0 to'
	damaged '.started = 1.5' 'started is no whole number'
	damaged '.hooks = 3' 'hooks is 3: none and some at once'
	cp "$TEST_TMP/state.json" "$STATE"
	good vethlab ping a 10.0.0.2
	good vethlab down two-hosts
}

# What is no number, and what does not fit the lab file.
test_words() {
	up two-hosts
	cp "$STATE" "$TEST_TMP/state.json"
	damaged '.nodes[0].netns = "../../etc/passwd"' \
		"nodes[0].netns is no name of a network namespace: '../../etc/passwd'"
	damaged '.nodes[0].netns = ""' "nodes[0].netns is no name of a network namespace: ''"
	damaged '.nodes[0].node = "c"' "nodes[0].node is 'c', but 'a' in the lab file"
	damaged '.nodes[0].ours = 1' 'nodes[0].ours is neither true nor false'
	damaged '.nodes = {}' 'nodes is no list'
	damaged '.nodes = []' 'nodes is a list of 0, but the lab file has 2'
	damaged '.ends = []' 'ends is no object'
	damaged '.tc = "tcxx"' "tc is no way to attach: 'tcxx'"
	damaged '.xdp = 7' 'xdp is no string'
	damaged '.xdp = "fast"' "xdp is no mode of XDP: 'fast'"
	damaged '.schema = "vethlab.state/0"' 'schema is not vethlab.state/1'
	damaged '.lab = "other"' "lab is 'other'"
	damaged 'del(.file)' 'file is missing'
	damaged 'del(.boot)' 'state.json does not say of which boot it is'
	damaged '.observed = {}' 'observed.a:eth0.ifindex is missing'
	damaged '.observed = {"a:eth0": {ifindex: 1, hooks: 2, xdp: "off", bridge: ("b" * 99)},
		"b:eth0": {ifindex: 1, hooks: 2, xdp: "off", bridge: ""}}' \
		'observed.a:eth0.bridge is no name of an interface'
	damaged '[.]' 'state.json'
	head -c 100 "$TEST_TMP/state.json" >"$STATE"
	bad 1 vethlab show
	says "lab two-hosts: its state is damaged: state.json, line"
	good vethlab down two-hosts
}

# A size that is possible, but not that of the maps, which arrays of counters are made by.
test_capacity_of_maps() {
	up two-hosts
	cp "$STATE" "$TEST_TMP/state.json"
	edit_state '.capacity += 100 | .next_end += 100 | .ends |= map_values(. + 100)'
	for verb in stats "stats -j" "ping a 10.0.0.2" "trace"; do
		# shellcheck disable=SC2086 # a verb with its arguments
		bad 1 timeout $WAIT "$BUILD/vethlab" $verb
		says "state.json: capacity is 166, but the map \`lab\` of its programs has room for 66 ends"
	done
	good vethlab down two-hosts
}

run_tests
