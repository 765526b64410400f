#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_observe_seen.sh - the namespaces that `observe` sees: by name, by path, mounted without a process, of
# containers and of pods; what their nodes are called, and that all that is done with a lab works there.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/observed.sh
. "$(dirname "$0")/observed.sh"

DOCKER=/run/docker/netns

# Make a namespace that is mounted and that no process is in, as Docker's are for a moment.
mounted() { # PATH
	mkdir -p "${1%/*}"
	: >"$1"
	good unshare --net="$1" true
}

unmount() { # PATH...
	local path
	for path; do
		umount "$path"
		rm "$path"
	done
}

# What is watched: "host:v-web -- web:eth0", a line a link.
links() {
	vethlab show --json | jq -r '.links[].link' | sort
}

# All that one does with a lab, on its link host:INTERFACE -- NODE:eth0, where the node has ADDRESS.
works() { # INTERFACE NODE ADDRESS
	local here=host:$1 there=$2:eth0
	good vethlab stats --reset
	good ping -q -c 20 -i 0.002 "$3"
	assert_echo "$here" out 20 0
	assert_echo "$there" in 20 0
	assert_echo "$there" out 0 20
	good vethlab stats --link "$there"
	says "$here -> $there" "$there -> $here"
	good vethlab ping host "$2" -c 1
	says "($there)" "$(text_answered 1)" "reply"
	good vethlab graph
	says "$here" "$there"
	assert_eq "$(vethlab exec "$2" ip -j address show eth0 | jq -r '.[].addr_info[0].local')" "$3" \
		"address, seen from $2"
}

# `down` lets go of a link, which works on.
lets_go() { # ADDRESS
	down_at_rest
	good ping -q -c 1 "$1"
}

# Only the links with an end in the namespaces that were asked for.
test_by_name_and_path() {
	local ns
	for ns in web db other; do
		ip netns add "$ns"
	done
	road v-web eth0 web 10.0.1.254/24 10.0.1.1/24
	road v-db eth0 db 10.0.2.254/24 10.0.2.1/24
	ip -n web link add x type veth peer name y netns other
	observe --netns web
	says "observed: 2 links of others"
	assert_eq "$(links)" "host:v-web -- web:eth0"$'\n'"other:y -- web:x" "links of web"
	works v-web web 10.0.1.1
	good vethlab show
	says "web:x" "other:y"
	lets_go 10.0.1.1
	observe --netns /run/netns/db
	says "observed: 1 link of others"
	assert_eq "$(links)" "host:v-db -- db:eth0" "links of db"
	works v-db db 10.0.2.1
	# The next look is at other namespaces, and what it does not want any more is let go.
	observe --netns other --netns db
	assert_eq "$(links)" "host:v-db -- db:eth0"$'\n'"other:y -- web:x" "links of other and db"
	lets_go 10.0.2.1
	for ns in web db other; do
		ip netns del "$ns"
	done
	wait_until only_lo
}

# A namespace that is only mounted is called after its file; one that a container is in, after that.
test_mounted() {
	local path=$DOCKER/9a1c2f3e4d5b second=$DOCKER/00ff00ff00ff pid
	mounted "$path"
	mounted "$second"
	road veth10f18ea eth0 "$path" 172.17.0.1/24 172.17.0.2/24
	road veth20f18ea eth0 "$second" 172.18.0.1/24 172.18.0.2/24
	observe
	assert_eq "$(links)" "host:veth10f18ea -- 9a1c2f3e4d5b:eth0
host:veth20f18ea -- 00ff00ff00ff:eth0" "links of mounted namespaces"
	works veth10f18ea 9a1c2f3e4d5b 172.17.0.2
	# A name stays for as long as its lab, also if there is a better one.
	nsenter --net="$path" unshare --uts bash -c 'echo shop >/proc/sys/kernel/hostname; exec sleep 1000' &
	pid=$!
	wait_until is_sleep "$pid"
	observe
	says "host:veth10f18ea -- 9a1c2f3e4d5b:eth0"
	down_at_rest
	observe --netns "$path"
	assert_eq "$(links)" "host:veth10f18ea -- shop:eth0" "links of a container"
	works veth10f18ea shop 172.17.0.2
	# The container goes while it is watched; the namespace is still there, mounted.
	let_go "$pid"
	observe --netns "$path"
	assert_eq "$(links)" "host:veth10f18ea -- shop:eth0" "links of the container that went"
	works veth10f18ea shop 172.17.0.2
	lets_go 172.17.0.2
	unmount "$path" "$second"
	wait_until only_lo
}

# Containers are called after their host names: each by another one, and none by this machine's.
test_host_names() {
	local -a pids=()
	local name address=1 own
	own=$(cat /proc/sys/kernel/hostname)
	for name in web web db.example.org host "shop:1 b" "$own" ""; do
		if [[ -n $name ]]; then hold "$name"; else hold; fi
		pids+=("$held")
		road "v$address" eth0 "$held" "10.0.$address.254/24" "10.0.$address.1/24"
		address=$((address + 1))
	done
	observe
	assert_eq "$(links)" "host:v1 -- web:eth0
host:v2 -- web-2:eth0
host:v3 -- db.example.org:eth0
host:v4 -- host-2:eth0
host:v5 -- shop-1-b:eth0
host:v6 -- sleep-${pids[5]}:eth0
host:v7 -- sleep-${pids[6]}:eth0" "names of containers"
	works v3 db.example.org 10.0.3.1
	lets_go 10.0.2.1
	let_go "${pids[@]}"
	wait_until only_lo
}

# Kubernetes: the namespace's name is a number that the network plugin drew; a pod that runs in it has a
# name that people know.
test_pods() {
	local cni=cni-6f1f2f6a-3a0e-4c0f-9b5d-0e7d3f0c2b11 idle=cni-0b9a8c7d-1111-2222-3333-444455556666 pid
	local pod=web-7d4b9c6f5d-x2x7z
	ip netns add "$cni"
	ip netns add "$idle"
	ip netns add plain
	ip netns exec "$cni" unshare --uts bash -c \
		"echo $pod >/proc/sys/kernel/hostname; exec sleep 1000" &
	pid=$!
	wait_until is_sleep "$pid"
	road veth1a2b3c4d eth0 "$cni" 10.244.0.1/24 10.244.0.7/24
	road veth5e6f7a8b eth0 "$idle" 10.245.0.1/24 10.245.0.7/24
	observe
	assert_eq "$(links)" "host:veth1a2b3c4d -- $pod:eth0
host:veth5e6f7a8b -- $idle:eth0" "names of pods"
	works veth1a2b3c4d "$pod" 10.244.0.7
	works veth5e6f7a8b "$idle" 10.245.0.7
	good vethlab stats
	assert_eq "$(awk 'length > 80' <<<"$out")" "" "lines of stats that are too long"
	lets_go 10.244.0.7
	observe --netns "$cni"
	assert_eq "$(links)" "host:veth1a2b3c4d -- $pod:eth0" "the link of a pod, by its namespace's name"
	down_at_rest
	# A name that a person gave is the name, whoever is in the namespace.
	let_go "$pid"
	ip netns exec plain unshare --uts bash -c \
		"echo $pod >/proc/sys/kernel/hostname; exec sleep 1000" &
	pid=$!
	wait_until is_sleep "$pid"
	road v-plain eth0 plain 10.0.9.254/24 10.0.9.1/24
	observe --netns plain
	assert_eq "$(links)" "host:v-plain -- plain:eth0" "a namespace with a name"
	down_at_rest
	let_go "$pid"
	ip netns del "$cni"
	ip netns del "$idle"
	ip netns del plain
	wait_until only_lo
}

run_tests
