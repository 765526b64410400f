#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_verbs.sh - up, down, ls, show, exec, link: what they do, say and return.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# A fingerprint of all that a verb could change.
everything() {
	ip -d link
	ip addr
	ip netns list
	find /sys/fs/bpf /run -type f
	[[ ! -s $TEST_TMP/ids ]] || cat "$TEST_TMP/ids"
}

# The first command of README works without a warning.
test_up_is_quiet() {
	out=$(vethlab up blue 2>&1 >/dev/null)
	assert_eq "$out" "" "what up blue says besides"
	remember_objects
	good vethlab down
}

test_up_twice_changes_nothing() {
	local before
	up blue
	before=$(everything)
	bad 1 vethlab up blue
	golden up-again
	assert_eq "$(everything)" "$before" "after the second up"
	good vethlab down
}

test_down_twice_changes_nothing() {
	local before
	up blue
	good vethlab down blue
	before=$(everything)
	bad 1 vethlab down blue
	told
	assert_eq "$(everything)" "$before" "after the second down"
	good vethlab down
	told
	golden down-again
	good vethlab down --json
	assert_eq "$(jq .removed <<<"$out")" false "removed"
	# What was meant is said, where something like it runs.
	up blue
	bad 1 vethlab down bleu
	says "$(text_did_you_mean "'blue'")"
	good vethlab down
}

# Exit status 5 says that what was done is undone, and so it is when nobody could be told.
test_up_without_output() {
	bad 5 bash -c "'$BUILD/vethlab' up two-hosts >/dev/full"
	golden up-without-output
	good vethlab ls --json
	json_holds '.[0].labs == []'
	# A reader that went away had what it wanted.
	good bash -c "'$BUILD/vethlab' up two-hosts | true; true"
	remember_objects
	good vethlab exec a ping -c 1 -W 5 -q 10.0.0.2
	good vethlab down two-hosts
}

test_up_by_path() {
	cp "$TOP/topology/labs/blue.yaml" "$TEST_TMP/mine.yaml"
	sed -i 's/^lab: .*/lab: mine/' "$TEST_TMP/mine.yaml"
	up "$TEST_TMP/mine.yaml"
	good vethlab ls --json
	json_holds '[.[0].labs[].lab] == ["mine"]'
	# The file may be gone by then: a running lab keeps its own copy.
	rm "$TEST_TMP/mine.yaml"
	good vethlab stats
	good vethlab down mine
}

test_down_by_file() {
	up blue
	good vethlab down "$TOP/topology/labs/blue.yaml"
	good vethlab ls --json
	json_holds '.[0].labs == []'
}

# Several at once: what fails does not keep the others from going.
test_down_several() {
	up two-hosts --as one
	up two-hosts --as two
	bad 1 vethlab down one nosuch two
	golden down-several
	up two-hosts --as one
	up two-hosts --as two
	bad 2 vethlab down --all one
	bad 2 vethlab down -l one two
	good vethlab down --all -j
	json_holds 'map(.lab) == ["one", "two"] and all(.[]; .removed and .notes == [])'
	good vethlab down --all
	says "$(text_no_lab)"
}

# A lab file from the standard input.
test_up_from_input() {
	sed 's/^lab: .*/lab: piped/' "$TOP/topology/labs/two-hosts.yaml" >"$TEST_TMP/piped.yaml"
	good bash -c "cat '$TEST_TMP/piped.yaml' | '$BUILD/vethlab' check -"
	good bash -c "cat '$TEST_TMP/piped.yaml' | '$BUILD/vethlab' up -"
	remember_objects
	says "$(text_is_up piped)"
	good vethlab exec a ping -c 1 -W 5 -q 10.0.0.2
	good vethlab down piped
	bad 3 bash -c "echo 'lab: x' | '$BUILD/vethlab' up -"
}

test_exec() {
	up blue
	good vethlab exec blue ping -c 1 -q 10.1.1.3
	bad 7 vethlab exec blue sh -c 'exit 7'
	bad 143 vethlab exec blue sh -c 'kill -TERM $$'
	bad 127 vethlab exec blue /no/such/command
	bad 1 vethlab exec red true
	says red
	good vethlab exec blue ip -br link
	says veth1 veth3
	assert_eq "$(echo hello | vethlab exec blue cat)" hello "standard input"
	good vethlab exec -- blue ip -br link
	good vethlab down
}

test_exec_default_is_here() {
	up blue
	good vethlab exec default ip -br link
	says veth0 veth2
	good vethlab down
}

test_link() {
	up blue
	good vethlab link default:veth0 up
	assert_eq "$(ip_link veth0 '.flags | index("UP") != null')" true "veth0 is up"
	good vethlab link default:veth0 down
	assert_eq "$(ip_link veth0 '.flags | index("UP") != null')" false "veth0 is up"
	bad 1 vethlab link default:veth9 up
	says veth9 "did you mean"
	bad 2 vethlab link default:veth0 sideways
	bad 2 vethlab link default:veth0
	good vethlab down
}

test_ls_and_show() {
	good vethlab ls
	good vethlab ls --json
	assert_eq "$(jq '.labs | length' <<<"$out")" 0 "labs"
	up blue
	good vethlab ls --json
	assert_eq "$(jq -r '.labs[].lab' <<<"$out")" blue "labs"
	assert_eq "$(jq -r .schema <<<"$out")" vethlab.ls/1 "schema"
	good vethlab show --json
	assert_eq "$(jq -r .schema <<<"$out")" vethlab.show/1 "schema"
	good vethlab show blue
	says default:veth0 blue:veth1 default:veth2 blue:veth3
	good vethlab down
}

# What people look for stands first; numbers of the kernel come by -v alone.
test_show_more() {
	local number
	local -a numbers
	up two-hosts
	good vethlab show --json
	mapfile -t numbers < <(jq -r '.nodes[].inode, (.links[].ends[] | .ifindex, .mac)' <<<"$out")
	assert_eq "${#numbers[@]}" 6 "two inodes, two ifindexes, two MACs"
	good vethlab show -v
	says "${numbers[@]}"
	good vethlab show
	for number in "${numbers[@]}"; do
		says_not " $number"
	done
	assert_eq "$(awk '$1 == "a:eth0" { print $2, $3, $4 }' <<<"$out")" "10.0.0.1/24 up 1500" "an end"
	good vethlab down
}

# A second copy, whose namespaces are x-NODE. Two labs: -l picks.
test_as_and_two_labs() {
	up blue --isolated
	up blue --isolated --as green
	good ip netns list
	says green-blue
	good vethlab ls --json
	assert_eq "$(jq -r '[.labs[].lab] | sort | join(" ")' <<<"$out")" "blue green" "labs"
	bad 1 vethlab stats
	golden which-lab
	good vethlab link -l green default:veth0 up
	good vethlab exec -l green default ping -c 1 -W 5 -q 10.1.1.1
	assert_echo blue:veth1 in 1 0 -l green
	assert_echo blue:veth1 in 0 0 -l blue
	good vethlab down green
	good vethlab ls --json
	json_holds '[.[0].labs[].lab] == ["blue"]'
	good vethlab show -j
	json_holds '.[0].lab == "blue"'
	good vethlab down blue
}

# Both labs in the same namespace, the second under other names of interfaces.
test_two_labs_one_host() {
	cat >"$TEST_TMP/red.yaml" <<-END
		lab: red
		nodes:
		  default: {netns: host}
		  red: {}
		links:
		  - endpoints:
		      - {end: "default:vethr0", address: 10.2.2.2/24}
		      - {end: "red:vethr1", address: 10.2.2.1/24}
	END
	up blue
	up "$TEST_TMP/red.yaml"
	good ping -c 1 -W 5 -q 10.2.2.1
	assert_echo red:vethr1 in 1 0 -l red
	assert_eq "$(($(ip_link vethr0 .ifindex) - $(ip_link veth0 .ifindex) >= 4 ||
		$(ip_link veth0 .ifindex) - $(ip_link vethr0 .ifindex) >= 2))" 1 "ranges of ifindexes"
	good vethlab down blue
	good ping -c 1 -W 5 -q 10.2.2.1
	assert_echo red:vethr1 in 2 0
	good vethlab down red
}

# --isolated touches nothing outside.
test_isolated() {
	local before
	before=$(ip -d link)
	up blue --isolated
	assert_eq "$(ip -d link)" "$before" "links here"
	good vethlab exec default ip -br addr
	says veth0 "10.1.1.2/24"
	good vethlab exec blue ping -c 1 -q 10.1.1.3
	good vethlab link default:veth0 up
	good vethlab exec default ping -c 1 -W 5 -q 10.1.1.1
	assert_echo blue:veth1 in 1 0
	good vethlab down
	assert_eq "$(ip -d link)" "$before" "links here"
}

# Twenty times up and down without a pause: deleting a namespace is asynchronous.
test_again_and_again() {
	local i
	for ((i = 0; i < ${ROUNDS:-20}; i++)); do
		good vethlab up blue
		good vethlab down
	done
	up blue
	good inside blue ping -c 1 -q 10.1.1.3
	good vethlab down
}

# bpffs is mounted by us where it is not, and we say so.
test_mounts_bpffs() {
	umount /sys/fs/bpf
	good vethlab up blue
	says /sys/fs/bpf
	remember_objects
	good findmnt -n -t bpf /sys/fs/bpf
	good vethlab down
}

test_usage() {
	bad 2 vethlab
	bad 2 vethlab frobnicate
	told
	bad 2 vethlab -l
	told
	golden no-verb
	good vethlab version
	says "vethlab "
	bad 2 vethlab up
	bad 2 vethlab up blue --no-such-option
	good vethlab help
	says up down trace stats ping
	good vethlab up --help
	good vethlab --version
}

# Another user learns that he may not look, not that all is well; and in a user namespace, that the
# privileges there do not hold for eBPF.
test_without_privileges() {
	local feature
	bad 4 setpriv --reuid 65534 --clear-groups --inh-caps=-all -- "$BUILD/vethlab" gc
	bad 4 setpriv --reuid 65534 --clear-groups --inh-caps=-all -- "$BUILD/vethlab" gc --dry-run
	bad 4 setpriv --reuid 65534 --clear-groups --inh-caps=-all -- "$BUILD/vethlab" doctor
	good vethlab doctor -j
	for feature in counting drops; do # tcx came with 6.6
		assert_eq "$(jq ".features[] | select(.name == \"$feature\").there" <<<"$out")" true "$feature"
	done
	out=$(unshare --user --map-root-user "$BUILD/vethlab" doctor -j || true)
	for feature in "tc programs" "XDP programs" counting "stack events"; do
		assert_eq "$(jq -r ".features[] | select(.name == \"$feature\") | \"\(.there) \(.found)\"" <<<"$out")" \
			"false the kernel refuses eBPF to this process (EPERM)" "$feature"
	done
	assert_eq "$(jq -r '.features[] | select(.name == "privileges") | .found | test("EPERM")' <<<"$out")" true \
		"what the privileges there are not enough for"
}

# A lab without programs needs none: in a user namespace its links are proved by packet sockets.
test_user_namespace() {
	cat >"$TEST_TMP/pair.yaml" <<-'END'
		lab: pair
		nodes: {a: {}, b: {}}
		links:
		  - endpoints: ["a:x", "b:y"]
	END
	# shellcheck disable=SC2016 # of the inner shell
	good unshare --user --map-root-user --net --mount bash -ec '
		mount -t tmpfs none /run
		mkdir -p /run/netns
		"$0" up "$1" --hooks none --json >/run/up
		"$0" show pair --json | jq -c ".nodes | length"
		"$0" down pair >/run/down' "$BUILD/vethlab" "$TEST_TMP/pair.yaml"
	assert_eq "$(tail -1 <<<"$out")" 2 "nodes of the lab"
}

run_tests
