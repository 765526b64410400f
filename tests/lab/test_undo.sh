#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_undo.sh - interrupted, killed and half-made labs: nothing is left, or `down` removes it.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
[[ -n ${VETHLAB_TEST_INSIDE:-} ]] || exec 9</proc/self/ns/net # where hardware is

# A chain of N nodes, n1 to nN, with the host as node 0.
chain() { # N
	local i
	echo "lab: chain"
	echo "nodes:"
	echo "  h0: {netns: host}"
	for ((i = 1; i <= $1; i++)); do
		echo "  n$i: {}"
	done
	echo "links:"
	for ((i = 1; i <= $1; i++)); do
		echo "  - endpoints:"
		echo "      - {end: \"$([[ $i -eq 1 ]] && echo h0 || echo n$((i - 1))):r$i\", address: 10.$((i / 250)).$((i % 250)).1/24}"
		echo "      - {end: \"n$i:l$i\", address: 10.$((i / 250)).$((i % 250)).2/24}"
	done
}

# Start `up` of a long chain and send SIGNAL as soon as FILE exists. Sets $status and $out.
up_interrupted() { # SIGNAL FILE
	local pid
	chain 300 >"$TEST_TMP/chain.yaml"
	# Background jobs of a script ignore SIGINT, which a program inherits.
	env --default-signal=INT "$BUILD/vethlab" up "$TEST_TMP/chain.yaml" >"$TEST_TMP/out" 2>&1 &
	pid=$!
	while [[ ! -e $2 ]] && kill -0 $pid 2>/dev/null; do
		:
	done
	kill "-$1" $pid 2>/dev/null || fail "up had finished before $2 was seen"
	status=0
	wait $pid 2>/dev/null || status=$?
	out=$(cat "$TEST_TMP/out")
}

everything_gone() {
	nothing_in /run/netns && nothing_in /run/vethlab && bpffs_empty && only_lo
}

interrupted_at() { # SIGNAL FILE
	up_interrupted "$1" "$2"
	[[ $status -ne 0 ]] || fail "$1: exit status 0: $out"
	[[ $status -lt 128 ]] || fail "$1: killed, status $status: $out"
	everything_gone || fail "$1 at $2 left: $(ls /run/netns /run/vethlab /sys/fs/bpf; ip -br link)"
	asserted
}

test_sigint_first_namespace() {
	interrupted_at INT /run/netns/n1
}

test_sigint_many_namespaces() {
	interrupted_at INT /run/netns/n200
}

test_sigint_last_namespace() {
	interrupted_at INT /run/netns/n300
}

test_sigterm() {
	interrupted_at TERM /run/netns/n50
}

# After SIGKILL half of it stands; `down` and a new `up` know what to do.
test_sigkill_then_down() {
	up_interrupted KILL /run/netns/n150
	assert_eq "$status" 137 "exit status"
	remember_objects
	[[ -n $(ls /run/netns) ]] || fail "nothing was half-made"
	good vethlab down chain
	everything_gone || fail "left: $(ls /run/netns /run/vethlab; ip -br link)"
	up blue
	good inside blue ping -c 1 -q 10.1.1.3
	good vethlab down
}

# A new `up` removes the half first: the nodes that the new file does not have are gone.
test_sigkill_then_up() {
	up_interrupted KILL /run/netns/n100
	remember_objects
	chain 3 >"$TEST_TMP/chain.yaml"
	up "$TEST_TMP/chain.yaml"
	assert_eq "$(find /run/netns -mindepth 1 -printf '%f ' | xargs -n1 | sort | xargs)" "n1 n2 n3" \
		"namespaces"
	good vethlab exec n2 ping -c 1 -W 5 -q 10.0.3.2
	good vethlab down
}

# A file in /run/netns that no namespace is mounted on, left by somebody's crash, is not ours.
test_stale_name() {
	mkdir -p /run/netns
	: >/run/netns/blue
	bad 1 vethlab up blue
	says blue
	[[ -e /run/netns/blue ]] || fail "their file is gone"
	rm /run/netns/blue
}

# What the journal tells of is not forgotten because it cannot be read.
test_journal_unreadable() {
	up blue
	mv /run/vethlab/blue/journal "$TEST_TMP/journal"
	mkdir /run/vethlab/blue/journal
	bad 5 vethlab down blue
	says "lab blue: cannot read the journal: Is a directory"
	bad 5 vethlab gc
	good ip link show veth0
	good ip -n blue link show veth1
	rmdir /run/vethlab/blue/journal
	mv "$TEST_TMP/journal" /run/vethlab/blue/journal
	good vethlab down blue
}

# A namespace deleted behind our back.
test_namespace_deleted_by_hand() {
	up blue
	ip netns del blue
	good vethlab down blue
}

# Interfaces and pins removed behind our back.
test_interface_deleted_by_hand() {
	up blue
	ip link del veth0
	good vethlab down blue
	up blue
	rm -r /sys/fs/bpf/vethlab
	good vethlab down blue
}

# What others put into our namespace while it ran does not keep it.
test_busy_namespace() {
	local pid
	up blue
	ip -n blue link add extra type veth peer name other
	nsenter --net=/run/netns/blue sleep 1000 &
	pid=$!
	good vethlab down blue
	assert_eq "$(ls /run/netns)" "" "/run/netns"
	up blue
	good inside blue ping -c 1 -q 10.1.1.3
	good vethlab down blue
	kill $pid
}

# Hardware that somebody moved into a node, in each way that the node can go.
test_hardware_comes_back() {
	local nic=${SPARE_NIC:-} mac
	[[ -n $nic ]] ||
		skip_test "SPARE_NIC names no network card that may be moved about, as in tests/vm"
	nsenter --net=/proc/self/fd/9 ip link set "$nic" netns $$
	mac=$(ip_link "$nic" .address)
	assert_eq "$(ip_link "$nic" .linkinfo)" null "a kind that the kernel tells of"
	up blue
	ip link set "$nic" netns blue
	good vethlab down
	says "$(text_handed_back blue "$nic" "$nic")"
	assert_eq "$(ip_link "$nic" .address)" "$mac" "$nic"
	# Its name is taken.
	up blue
	ip link set "$nic" netns blue
	ip link add "$nic" type veth peer name theirs
	good vethlab down
	says "$(text_handed_back blue "$nic" dev0)"
	assert_eq "$(ip_link dev0 .address)" "$mac" dev0
	ip link del "$nic"
	ip link set dev0 name "$nic"
	# A lab that crashed: without its state it does not count as running.
	up blue
	ip link set "$nic" netns blue
	rm /run/vethlab/blue/state.json
	good vethlab gc
	says "$(text_handed_back blue "$nic" "$nic")"
	assert_eq "$(ip_link "$nic" .address)" "$mac" "$nic"
	ip link set "$nic" netns /proc/self/fd/9
}

run_tests
