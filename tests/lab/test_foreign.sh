#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_foreign.sh - what is not ours survives: names, interfaces, programs, files of a former boot,
# what others put into our namespaces.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

pair() { # a lab of two nodes, one end in the host's namespace
	cat >"$TEST_TMP/pair.yaml" <<-'END'
		lab: pair
		nodes:
		  host: {netns: host}
		  a: {}
		links:
		  - endpoints:
		      - {end: "host:p0", address: 10.5.0.1/24}
		      - {end: "a:p1", address: 10.5.0.2/24}
	END
}

# An interface of somebody else inside the range of ifindexes that the lab would take.
test_ifindex_in_our_range() {
	pair
	ip link add foreign index 1000001 type veth peer name foreign1
	up "$TEST_TMP/pair.yaml"
	[[ $(ip_link p0 .ifindex) -ge 1001000 ]] || fail "the range was not avoided: $(ip -br link)"
	assert_eq "$(ip_link foreign .ifindex)" 1000001 "theirs"
	good ping -c 1 -W 5 -q 10.5.0.2
	good vethlab down
	assert_eq "$(ip_link foreign .ifindex)" 1000001 "theirs"
	ip link del foreign
}

# Rules could not be told from the host's own when the lab goes.
test_rules_not_in_a_foreign_namespace() {
	pair
	sed -i 's/host: {netns: host}/host: {netns: host, nft: "table inet ours {}"}/' \
		"$TEST_TMP/pair.yaml"
	bad 1 vethlab up "$TEST_TMP/pair.yaml"
	says "nft rules go into namespaces that the lab makes only" "pair.yaml:3:"
	assert_eq "$(nft list tables)" "" "tables of the host"
	good vethlab up "$TEST_TMP/pair.yaml" --isolated
	good vethlab exec host nft list table inet ours
	good vethlab down
}

# Somebody else takes one of our names and ifindexes after our interface has gone.
test_name_taken_meanwhile() {
	local index
	pair
	up "$TEST_TMP/pair.yaml"
	index=$(ip_link p0 .ifindex)
	ip link del p0
	ip link add p0 index "$index" type veth peer name theirs
	ip netns del a
	ip netns add a
	ip -n a link add keep type veth peer name keep1
	good vethlab down
	assert_eq "$(ip_link p0 .ifindex)" "$index" "their p0"
	good ip -n a link show keep
	ip netns del a
	ip link del p0
}

# The same programs of somebody else, on an end of ours and on an interface of theirs.
test_clsact_of_others() {
	local nothing="1,6 0 0 0" # classic BPF: matches no packet
	pair
	ip link add own type veth peer name own1
	tc qdisc add dev own clsact
	tc filter add dev own ingress pref 7 protocol all bpf bytecode "$nothing"
	up "$TEST_TMP/pair.yaml" --tc clsact
	tc filter add dev p0 ingress pref 7 protocol all bpf bytecode "$nothing"
	good ping -c 1 -W 5 -q 10.5.0.2
	good vethlab down
	good tc filter show dev own ingress
	says bytecode
	ip link del own
}

# Files that a former boot left say nothing about what has the same names now.
former_boot() {
	local file
	pair
	up "$TEST_TMP/pair.yaml"
	cp -r /run/vethlab/pair "$TEST_TMP/former"
	good vethlab down
	wait_until objects_gone
	ip netns add a
	ip -n a link add keep type veth peer name keep1
	ip link add p0 index 1000000 type veth peer name theirs
	sysctl -q net.ipv4.ip_forward=1
	mkdir -p /run/vethlab
	cp -r "$TEST_TMP/former" /run/vethlab/pair
	for file in state.json journal; do
		sed -i "s/$(cat /proc/sys/kernel/random/boot_id)/00000000-1111-2222-3333-444444444444/" \
			/run/vethlab/pair/$file
	done
	# As if the inodes had been given again: of all that is named there.
	sed -i -E "s/^netns [0-9]+ [0-9]+/netns $(stat -c %i /run/netns/a) 1/" /run/vethlab/pair/journal
}

theirs_stays() {
	nothing_in /run/vethlab || fail "left: $(find /run/vethlab)"
	good ip -n a link show keep
	assert_eq "$(ip_link p0 .ifindex)" 1000000 "their p0"
	ip netns del a
	ip link del p0
}

test_former_boot_gc() {
	former_boot
	good vethlab ls
	says_not "pair  running"
	good vethlab gc --dry-run
	says pair
	good vethlab gc
	says pair
	theirs_stays
}

test_former_boot_down() {
	former_boot
	good vethlab down pair
	theirs_stays
}

test_former_boot_up() {
	former_boot
	ip netns del a
	ip link del p0
	up "$TEST_TMP/pair.yaml"
	good ping -c 1 -W 5 -q 10.5.0.2
	good vethlab down
}

# A process in a namespace of ours: named, not ended; the lab goes, the namespace with the process.
test_process_inside() {
	local pid
	pair
	up "$TEST_TMP/pair.yaml"
	nsenter --net=/run/netns/a sleep 1000 &
	pid=$!
	wait_until grep -qx sleep "/proc/$pid/comm" # nsenter has entered and gone on
	good vethlab down
	says "a: process $pid (sleep) keeps"
	kill -0 $pid || fail "it was ended"
	assert_eq "$(nsenter --net=/proc/$pid/ns/net ip -j link | jq -r '.[].ifname')" lo "left in there"
	up "$TEST_TMP/pair.yaml"
	good ping -c 1 -W 5 -q 10.5.0.2
	good vethlab down
	kill $pid
}

# Two nodes that are both kept alive: their link goes all the same.
test_processes_at_both_ends() {
	local -a pids=()
	cat >"$TEST_TMP/two.yaml" <<-'END'
		lab: two
		nodes:
		  a: {}
		  b: {kind: bridge}
		links:
		  - endpoints: ["a:x", "b:y"]
	END
	up "$TEST_TMP/two.yaml"
	nsenter --net=/run/netns/a sleep 1000 &
	pids+=($!)
	nsenter --net=/run/netns/b sleep 1000 &
	pids+=($!)
	wait_until is_in "${pids[0]}" /run/netns/a
	wait_until is_in "${pids[1]}" /run/netns/b
	good vethlab down
	says "a: process" "b: process"
	wait_until objects_gone
	kill "${pids[@]}"
}

# `down` returns when the kernel has taken the namespaces apart, programs or not: what led into them is gone.
test_down_waits() {
	local hooks
	pair
	for hooks in none in,out; do
		up "$TEST_TMP/pair.yaml" --hooks $hooks
		ip link add probe type veth peer name probe1 netns a
		good vethlab down
		says "a: interface probe1 (veth) is not the lab's and goes"
		says_not keeps "still"
		bad 1 ip link show probe
	done
}

# What keeps a namespace is named: a mount at once, what nobody sees after a while.
test_kept_by_a_mount() {
	pair
	up "$TEST_TMP/pair.yaml" --hooks none
	touch /run/elsewhere
	mount --bind /run/netns/a /run/elsewhere
	good vethlab down
	says "a: the mount /run/elsewhere keeps the network namespace alive"
	assert_eq "$(nsenter --net=/run/elsewhere ip -j link | jq -r '.[].ifname')" lo "left in there"
	umount /run/elsewhere
}

test_kept_by_a_file() {
	pair
	up "$TEST_TMP/pair.yaml"
	exec 7</run/netns/a
	good vethlab down
	exec 7<&-
	says "a: process $BASHPID (" ") keeps the network namespace alive: it has a descriptor of it (7)"
}

# The process is elsewhere; what it opened while it was in a belongs to that namespace all the same.
kept_by() { # FILE WORD
	local pid
	pair
	up "$TEST_TMP/pair.yaml"
	exec 7</proc/self/ns/net
	ip netns exec a bash -c "exec 8<>$1; exec nsenter --net=/proc/self/fd/7 sleep 1000" &
	pid=$!
	wait_until is_in "$pid" /proc/self/ns/net
	wait_until grep -q sleep "/proc/$pid/comm"
	exec 7<&-
	good vethlab down -j
	kill "$pid"
	json_holds ".[0].notes | length == 1 and (.[0] | test(\"^a: process $pid .*descriptor 8 is a $2\"))"
}

test_kept_by_a_socket() {
	kept_by /dev/udp/127.0.0.1/9 socket
}

test_kept_by_a_tap() {
	[[ -c /dev/net/tun ]] || skip_test "this machine has no /dev/net/tun"
	kept_by /dev/net/tun tap
}

# A kernel that is slow holds nothing: it is waited for.
test_slow_kernel() {
	local begun=$SECONDS
	pair
	up "$TEST_TMP/pair.yaml" --hooks none
	good "$HELPERS/other_kernel" slow "$BUILD/vethlab" down -j
	json_holds '.[0] | .removed and .notes == []'
	[[ $((SECONDS - begun)) -ge 6 ]] || fail "it was not slow"
}

# mine, whose lower device is lower.
macvlan() {
	ip link add lower type veth peer name lower1
	ip link add link lower name mine type macvlan 2>/dev/null ||
		skip_test "this kernel has no macvlan"
}

# An interface that was moved in and has its lower device outside comes back, under its name or,
# when that is taken, under another one; what was made inside goes, and is named.
test_interface_moved_in() {
	pair
	macvlan
	up "$TEST_TMP/pair.yaml"
	ip link set mine netns a
	ip -n a link add inner type veth peer name inner1
	good vethlab down
	says "$(text_handed_back a mine mine)" "a: interface inner (veth)"
	good ip link show mine
	up "$TEST_TMP/pair.yaml"
	ip link set mine netns a
	ip link add mine type veth peer name mine1
	good vethlab down
	says "handed back to this namespace as dev0"
	good ip -d -br link show type macvlan
	says "dev0@lower"
	ip link del lower
	ip link del mine
}

# Interfaces of one name in several nodes, which are handed back at the same time: each gets a name.
test_interfaces_of_one_name() {
	local i
	macvlan
	ip link del mine
	{
		printf '%s\n' "lab: many" "nodes:"
		printf '  n%d: {}\n' {0..11}
		printf '%s\n' "links:" '  - endpoints: ["n0:x", "n1:x"]'
	} >"$TEST_TMP/many.yaml"
	up "$TEST_TMP/many.yaml"
	for i in {0..11}; do
		ip link add link lower name mine netns "n$i" type macvlan
	done
	good vethlab down
	assert_eq "$(grep -c "interface mine is not the lab's: handed back" <<<"$out")" 12 "handed back"
	assert_eq "$(ip -br link show type macvlan | sed 's/@.*//' | sort -V | xargs)" \
		"dev0 dev1 dev2 dev3 dev4 dev5 dev6 dev7 dev8 dev9 dev10 mine" "their names"
	ip link del lower
}

# Who has another name that is taken here cannot come back: it stays where it is, with the whole lab.
test_alternative_name_taken() {
	pair
	macvlan
	up "$TEST_TMP/pair.yaml"
	ip link set mine netns a
	ip -n a link property add dev mine altname slot0
	ip link set lower1 name slot0
	bad 5 vethlab down
	says "mine: cannot be handed back" "ip -n a link property del dev mine altname"
	good ip -n a link show mine
	good ping -c 1 -W 5 -q 10.5.0.2
	ip -n a link property del dev mine altname slot0
	good vethlab down
	good ip link show mine
	ip link del lower
}

# The same for a node that `apply` removes or builds again.
test_interface_in_a_node_that_goes() {
	local pid
	pair
	sed 's/^links:/  b: {}\nlinks:/' "$TEST_TMP/pair.yaml" >"$TEST_TMP/more.yaml"
	macvlan
	up "$TEST_TMP/more.yaml"
	ip link set mine netns b
	nsenter --net=/run/netns/b sleep 1000 &
	pid=$!
	wait_until is_in "$pid" /run/netns/b
	good vethlab apply "$TEST_TMP/pair.yaml"
	says "$(text_handed_back b mine mine)" \
		"b: process $pid (sleep)"
	good ip link show mine
	kill $pid
	ip link set mine netns a
	# Another kind of node is another node.
	sed 's/^  a: {}/  a: {kind: bridge}/; s/{end: "a:p1".*/"a:p1"/' "$TEST_TMP/pair.yaml" \
		>"$TEST_TMP/other.yaml"
	good bash -c "'$BUILD/vethlab' apply --json '$TEST_TMP/other.yaml' 2>/dev/null"
	assert_eq "$(jq -r '.notes[] | select(contains("handed back"))' <<<"$out")" \
		"$(text_handed_back a mine mine)" "the note"
	good ip link show mine
	good vethlab down
	ip link del lower
}

# A lab whose files are lost is known by the marks of its namespaces, which are deleted, and by its pins:
# what it was in of others is named.
test_files_lost() {
	pair
	ip netns add theirs
	sed -i 's|  a: {}|  a: {}\n  t: {netns: /run/netns/theirs}|' "$TEST_TMP/pair.yaml"
	printf '  - endpoints: ["host:p2", "t:p3"]\n' >>"$TEST_TMP/pair.yaml"
	up "$TEST_TMP/pair.yaml"
	rm -r /run/vethlab/pair
	good vethlab gc --dry-run
	says "would remove lab pair" "would remove pins pair"
	good ip -n a link show p1
	good vethlab gc
	says "removing lab pair" "removing pins pair" "network namespace theirs was node t of lab pair" \
		"ip link delete p2"
	says_not p0 "ip netns delete a"
	bad 1 ip link show p0
	ip link delete p2
	ip netns delete theirs
	good vethlab gc
	says "$(text_nothing_left)"
}

test_names_at_their_limits() {
	local node ifname=fifteen-chars-0
	node=$(printf 'n%.0s' {1..63})
	printf '%s\n' "lab: limits" "nodes:" "  $node: {}" "  b: {}" "links:" \
		"  - endpoints: [\"$node:$ifname\", \"b:$ifname\"]" >"$TEST_TMP/lab.yaml"
	up "$TEST_TMP/lab.yaml"
	assert_eq "$(ip_link "$node" $ifname .ifname)" $ifname "the interface"
	good vethlab exec "$node" true
	good vethlab show
	says "$node" "$ifname"
	good vethlab down
	# One more each, other scripts, what looks like an option.
	for node in "n$node" blå -a; do
		printf '%s\n' "lab: limits" "nodes:" "  \"$node\": {}" "  b: {}" "links:" \
			"  - endpoints: [\"$node:x\", \"b:x\"]" >"$TEST_TMP/lab.yaml"
		bad 3 vethlab up "$TEST_TMP/lab.yaml"
		says "lab.yaml:3:"
	done
	for ifname in sixteen-chars-00 é0 -x; do
		printf '%s\n' "lab: limits" "nodes:" "  a: {}" "  b: {}" "links:" \
			"  - endpoints: [\"a:$ifname\", \"b:x\"]" >"$TEST_TMP/lab.yaml"
		bad 3 vethlab up "$TEST_TMP/lab.yaml"
		says "lab.yaml:6:"
	done
	nothing_in /run/netns || fail "left in /run/netns"
}

run_tests
