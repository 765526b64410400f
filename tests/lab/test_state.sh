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

# Any 64 bits are a cookie; here, of a namespace that is not the node's.
test_cookie() {
	up two-hosts
	cp "$STATE" "$TEST_TMP/state.json"
	edit_state '.nodes[1].cookie = -1152920044317966336'
	good vethlab show
	says_not damaged
	cp "$TEST_TMP/state.json" "$STATE"
	good vethlab down
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

# ---- journals ------------------------------------------------------------------------------------

# Three nodes and the host, whose sysctl the lab changes.
host_lab() {
	cat <<-END
	lab: hosted
	nodes:
	  h: {netns: host, sysctls: {net.ipv4.ip_local_port_range: "40000 50000"}}
	  a: {}
	  b: {kind: bridge}
	  c: {}
	links:
	  - endpoints: [{end: "h:h0", address: 10.9.0.1/24}, "b:p0"]
	  - endpoints: [{end: "a:eth0", address: 10.9.0.2/24}, "b:p1"]
	  - endpoints: [{end: "c:eth0", address: 10.9.0.3/24}, "b:p2"]
	END
}

up_hosted() {
	host_lab >"$TEST_TMP/hosted.yaml"
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
	up "$TEST_TMP/hosted.yaml"
	JOURNAL=/run/vethlab/hosted/journal
}

port_range() {
	sysctl -n net.ipv4.ip_local_port_range | tr '\t' ' '
}

test_journal_lost() {
	up_hosted
	rm "$JOURNAL"
	good vethlab down hosted
	says "its journal is missing" "hosted is down"
	assert_residue_zero
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
}

# A line that is not understood is told; all others are undone.
test_journal_line_damaged() {
	up_hosted
	sed -i '3s/^/x/' "$JOURNAL"
	printf 'z\033[2J\302\233\377\n' >>"$JOURNAL" # orders of a terminal
	printf 'end 1 2 3 4 5\nnetns 99999999999999999999 1 a\nnetns 1 1 ../../etc/passwd\n\n' >>"$JOURNAL"
	good vethlab down hosted
	says "line 3 of its journal is damaged, and not undone: \"x" "\"end 1 2 3 4 5\"" \
		"\"netns 99999999999999999999 1 a\"" "\"netns 1 1 ../../etc/passwd\"" "\"z?[2J??\"" "hosted is down"
	assert_residue_zero
}

# Lines that are lost without a trace: the state knows what they were about.
test_journal_cut() {
	up_hosted
	sed -i '3,$d' "$JOURNAL"
	good vethlab down hosted
	assert_residue_zero
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
}

# The first line says which boot, group and ifindexes: the state knows them too.
test_journal_head_damaged() {
	up_hosted
	sed -i '1s/vethlab/vethlub/' "$JOURNAL"
	good vethlab down hosted
	says "line 1 of its journal is damaged"
	assert_residue_zero
	assert_eq "$(port_range)" "30000 60000" "the sysctl of the host"
	up_hosted
	head -c 2000 /dev/urandom >"$JOURNAL"
	echo >>"$JOURNAL"
	good vethlab down hosted
	assert_residue_zero
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
}

# Neither journal nor state: what is ours is known by the marks of its namespaces.
test_journal_and_state_lost() {
	local file
	for file in journal state.json; do
		up_hosted
		rm /run/vethlab/hosted/{journal,state.json}
		[[ $file == journal ]] || echo '{"schema": 1' >/run/vethlab/hosted/state.json
		ip netns add theirs
		good vethlab down hosted
		ip netns del theirs # is still there
		assert_residue_zero
	done
	up_hosted
	sed -i '1d' "$JOURNAL"
	rm /run/vethlab/hosted/state.json
	good vethlab down hosted
	says "steps of its journal are not undone"
	assert_residue_zero
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
}

# All files are lost: `gc` finds the namespaces, once.
test_files_lost() {
	up_hosted
	rm -r /run/vethlab/hosted
	ip netns add theirs
	good vethlab gc --dry-run -j
	json_holds '.[0].found == [{kind: "lab", name: "hosted"}, {kind: "pins", name: "hosted"}]'
	good vethlab gc -j
	json_holds '.[0].found == [{kind: "lab", name: "hosted"}, {kind: "pins", name: "hosted"}]'
	ip netns del theirs
	assert_residue_zero
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
}

# `down` that fails keeps what knows the lab.
test_down_fails_first() {
	up_hosted
	mv "$JOURNAL" "$TEST_TMP/journal"
	mkdir "$JOURNAL"
	bad 5 vethlab down hosted
	rmdir "$JOURNAL"
	good vethlab down hosted
	assert_residue_zero
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
}

# ---- file systems that take nothing --------------------------------------------------------------

# Fill /run, which is small here.
fill_run() {
	head -c 10M /dev/zero >/run/fill 2>/dev/null || true
}

# `apply` finds out before it changes anything, `up` undoes what it did; then there is room again.
test_run_full() {
	local before
	mount -t tmpfs -o size=400k run /run
	mkdir /run/netns
	up_hosted
	sed 's/10.9.0.3/10.9.0.4/; s/  c: {}/  c: {}\n  d: {}/' "$TEST_TMP/hosted.yaml" >"$TEST_TMP/changed.yaml"
	before=$(vethlab show -j | jq -c '.nodes')
	fill_run
	bad 5 vethlab apply "$TEST_TMP/changed.yaml"
	says "No space left on device"
	good vethlab show -j
	assert_eq "$(jq -c '.nodes' <<<"$out")" "$before" "the lab"
	bad 5 vethlab up two-hosts --as other
	says "No space left on device"
	assert_eq "$(find /run/vethlab /run/netns -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs)" "a b c hosted" "what is there"
	rm /run/fill
	good vethlab apply "$TEST_TMP/changed.yaml"
	assert_eq "$(find /run/vethlab/hosted -mindepth 1 -printf '%f\n' | sort | xargs)" "journal lab.yaml lock state.json" "its files"
	good vethlab down hosted
	assert_residue_zero
	sysctl -qw net.ipv4.ip_local_port_range="30000 60000"
}

# No pin can be made or removed: that is the word, nothing is left by `up`, and `gc` has nothing to do.
test_bpffs_read_only() {
	mount -o remount,ro /sys/fs/bpf
	bad 5 vethlab up two-hosts
	says "bpffs is mounted read-only" "mount -o remount,rw /sys/fs/bpf"
	says_not undoing
	nothing_in /run/vethlab || fail "left: $(find /run/vethlab)"
	good vethlab gc
	says "$(text_nothing_left)"
	mount -o remount,rw /sys/fs/bpf
	up two-hosts
	mount -o remount,ro /sys/fs/bpf
	bad 5 vethlab down two-hosts
	says "bpffs is mounted read-only" "mount -o remount,rw /sys/fs/bpf"
	mount -o remount,rw /sys/fs/bpf
	good vethlab down two-hosts
}

# What another user made in bpffs is neither used nor removed.
test_bpffs_of_others() {
	needs setpriv
	local theirs=/sys/fs/bpf/vethlab
	chmod 1777 /sys/fs/bpf
	setpriv --reuid 65534 --clear-groups mkdir -p $theirs/two-hosts
	bad 1 vethlab up two-hosts
	says "$theirs belongs to user 65534"
	nothing_in /run/vethlab || fail "left: $(find /run/vethlab)"
	good vethlab up two-hosts --hooks none
	bad 1 vethlab stats
	says "$theirs belongs to user 65534"
	good vethlab down two-hosts
	good vethlab gc
	[[ -d $theirs/two-hosts ]] || fail "theirs was removed"
	rmdir $theirs/two-hosts $theirs
	# A symlink of theirs leads to what is ours.
	mkdir -p "$TEST_TMP/ours/two-hosts/kept"
	setpriv --reuid 65534 --clear-groups ln -s "$TEST_TMP/ours" $theirs
	bad 1 vethlab up two-hosts
	good vethlab gc
	[[ -d $TEST_TMP/ours/two-hosts/kept ]] || fail "what their symlink leads to was removed"
	rm $theirs
	# Writable by all: theirs could come in place of ours at any time.
	mkdir -m 777 $theirs
	bad 1 vethlab up two-hosts
	says "$theirs may be written by other users"
	rmdir $theirs
	chmod 777 /sys/fs/bpf
	bad 1 vethlab up two-hosts
	says "/sys/fs/bpf may be written by other users"
	chmod 1777 /sys/fs/bpf
	up two-hosts
	good vethlab down two-hosts
}

run_tests
