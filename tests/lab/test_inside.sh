#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_inside.sh - what `up` does inside the nodes: commands and rules that work, fail, hang or stay.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Two nodes and a link; a has these commands, one a line.
pair() { # COMMAND...
	local command
	{
		printf 'lab: pair\nnodes:\n  b: {}\n  a:\n    exec:\n'
		for command; do
			printf '      - |-\n        %s\n' "$command"
		done
		printf 'links:\n  - endpoints: ["a:x", "b:y"]\n'
	} >"$TEST_TMP/pair.yaml"
}

nothing_left() {
	nothing_in /run/netns && nothing_in /run/vethlab && bpffs_empty && only_lo
}

# What a command leaves in the background, a server say, does not keep `up`; it stays, and `down` names it.
test_background() {
	local pid
	pair "sleep 1000 & echo \$! >$TEST_TMP/pid; echo started" "yes | head -c 300000"
	up "$TEST_TMP/pair.yaml"
	pid=$(cat "$TEST_TMP/pid")
	assert_eq "$(readlink "/proc/$pid/ns/net")" "net:[$(stat -Lc %i /run/netns/a)]" "its namespace"
	good vethlab down
	says "a: process $pid ("
	kill -0 "$pid" || fail "it was ended"
	kill "$pid"
}

test_command_fails() {
	local pid
	pair true "sleep 1000 & echo \$! >$TEST_TMP/pid; echo no such luck >&2; echo more; exit 3"
	bad 1 vethlab up "$TEST_TMP/pair.yaml"
	says "pair.yaml:9:1: a: \`sleep 1000" "ended with status 3: no such luck"
	says_not more$'\n'
	pid=$(cat "$TEST_TMP/pid")
	says "note: a: process $pid ("
	nothing_left || fail "something is left: $(ls /run/netns /run/vethlab)"
	kill "$pid"
}

# Ctrl-C ends a command that hangs, with what it started, and undoes the lab.
test_command_interrupted() {
	local signal pid status
	for signal in INT TERM; do
		pair "sleep 1000 & echo \$! >$TEST_TMP/pid; wait"
		env --default-signal=INT "$BUILD/vethlab" up "$TEST_TMP/pair.yaml" >"$TEST_TMP/out" 2>&1 &
		pid=$!
		wait_until test -s "$TEST_TMP/pid"
		kill "-$signal" $pid
		status=0
		wait $pid || status=$?
		out=$(cat "$TEST_TMP/out")
		assert_eq "$status" 1 "status"
		says "was interrupted; what was done is undone"
		nothing_left || fail "something is left: $(ls /run/netns /run/vethlab)"
		wait_until eval "! kill -0 $(cat "$TEST_TMP/pid")"
		rm "$TEST_TMP/pid"
	done
}

test_no_nft() {
	cat >"$TEST_TMP/rules.yaml" <<-'END'
		lab: rules
		nodes:
		  a: {nft: "table ip t {}"}
	END
	mkdir "$TEST_TMP/bin"
	bad 4 env PATH="$TEST_TMP/bin" "$BUILD/vethlab" up "$TEST_TMP/rules.yaml"
	says "rules.yaml:3:12: a: its nft rules need the program nft, which is not installed" \
		"install the package nftables"
	nothing_left || fail "something is left: $(ls /run/netns /run/vethlab)"
}

# A namespace takes an open file while a lab is built: the soft limit is no limit, the hard one is named.
test_open_files() {
	{
		printf 'lab: files\nnodes:\n'
		seq -f '  n%g: {}' 120
	} >"$TEST_TMP/files.yaml"
	good bash -c 'ulimit -Sn 64; exec "$@"' bash "$BUILD/vethlab" up "$TEST_TMP/files.yaml"
	good vethlab down
	bad 5 bash -c 'ulimit -n 64; exec "$@"' bash "$BUILD/vethlab" up "$TEST_TMP/files.yaml"
	says "Too many open files" "a lab needs an open file for each node" "ulimit -Hn"
	nothing_left || fail "something is left: $(ls -R /run/netns /run/vethlab; find /sys/fs/bpf; ip -br link) $out"
	bad 5 bash -c 'ulimit -n 4; exec "$@"' bash "$BUILD/vethlab" up "$TEST_TMP/files.yaml"
	says "undoing it failed" "\`vethlab down files\`"
	good vethlab down files
}

# Who waits for longer than a second at a terminal is told how far it is; nobody else is.
test_progress() {
	local i
	needs script
	{
		printf 'lab: slow\nnodes:\n'
		for i in 1 2 3 4 5 6; do
			printf '  n%s: {exec: sleep 0.6}\n' $i
		done
	} >"$TEST_TMP/slow.yaml"
	good script -qec "$BUILD/vethlab up $TEST_TMP/slow.yaml" /dev/null
	remember_objects
	says $'\r'"building: " " % " $'\r\e[K' "$(text_is_up slow)"
	good vethlab down
	up "$TEST_TMP/slow.yaml"
	says_not building
	good vethlab down
}

# /sys is that of the node's namespace in exec, shell and exec:, with what is mounted below it; that of
# the caller stays. A writer into a pipe that nobody reads ends by SIGPIPE.
test_sys_of_the_node() {
	local before
	cat >"$TEST_TMP/sys.yaml" <<-YAML
		lab: sys
		nodes: {a: {exec: ["ls /sys/class/net >$TEST_TMP/inside"]}, b: {}}
		links: [{endpoints: ["a:eth0", "b:eth0"]}]
	YAML
	before=$(ls /sys/class/net)
	up "$TEST_TMP/sys.yaml"
	assert_eq "$(xargs <"$TEST_TMP/inside")" "eth0 lo" "exec:"
	assert_eq "$(vethlab exec a ls /sys/class/net | xargs)" "eth0 lo" "exec"
	assert_eq "$(SHELL=/bin/sh vethlab shell a <<<'ls /sys/class/net' | xargs)" "eth0 lo" "shell"
	good vethlab exec a ls /sys/fs/bpf/vethlab/sys
	assert_eq "$(ls /sys/class/net)" "$before" "the caller's"
	assert_eq "$(vethlab exec a bash -c 'yes | head -1 >/dev/null; echo "${PIPESTATUS[0]}"')" 141 "SIGPIPE"
	good vethlab down sys
}

run_tests
