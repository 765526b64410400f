#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016 # backquotes are of Markdown
# test_maps.sh - the pinned maps as docs/maps.md describes them to other people's programs.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# What the examples print, from stats.
expected() {
	vethlab stats --json | jq -r '.ends[] | .end as $name | .hooks | to_entries[] |
		"\($name) \(.key) packets \(.value.packets)" +
		" requests \(.value.icmp4.echo_request) replies \(.value.icmp4.echo_reply)"' | sort
}

# Echoes, and no neighbor discovery of the kernel's own that would come between two readings.
traffic() {
	ip -n blue link set veth1 addrgenmode none
	ip link set veth0 addrgenmode none
	good vethlab link default:veth0 up
	good ping -q -c 20 -i 0.01 10.1.1.1
}

examples_agree() { # LAB
	local want c sh tries
	# Between two readings the kernel may send something of its own; then look again.
	for ((tries = 0; tries < 50; tries++)); do
		want=$(expected)
		[[ -n $want ]] || fail "stats shows no ends"
		c=$("$BUILD/docs/examples/counters" "$1" | sort)
		sh=$("$TOP/docs/examples/counters.sh" "$1" | sort)
		[[ $(expected) != "$want" ]] || break
	done
	assert_eq "$c" "$want" "counters.c"
	assert_eq "$sh" "$want" "counters.sh"
}

test_examples() {
	up blue
	traffic
	examples_agree blue
	assert_eq "$(expected | grep -c 'requests 20')" 3 "hooks that saw 20 requests"
	good vethlab down
	# A lab that is not there any more.
	bad 1 "$BUILD/docs/examples/counters" blue
	says "No such file"
}

# A hook that the lab does not have has no map.
test_fewer_hooks() {
	up blue --hooks in --xdp off
	traffic
	examples_agree blue
	assert_eq "$(cd /sys/fs/bpf/vethlab/blue && echo count_*)" count_in "maps of counters"
	good vethlab down
}

# Each map that the document's table names is there, and of the type that it says: `places` and
# `begun_*` in a lab that vethlab did not build, and the others in one that it built.
test_document() {
	local name kind lab n=0
	up blue
	good ip link add others0 type veth peer name others1
	good vethlab observe --name others --xdp generic
	while IFS=$'\t' read -r name kind; do
		lab=blue
		[[ $name != places && $name != begun_* ]] || lab=others
		good bpftool -j map show pinned "/sys/fs/bpf/vethlab/$lab/$name"
		assert_eq "$(jq -r .type <<<"$out")" "$kind" "type of $name"
		n=$((n + 1))
	done < <(sed -n 's/^| `\([a-z_]*\)` | \([^|,]*[a-z]\)[ ,].*/\1\t\2/p' "$TOP/docs/maps.md" |
		sed 's/per-CPU /percpu_/')
	assert_eq "$n" 18 "maps in the document"
	good vethlab down others
	good ip link del others0
	good vethlab down
}

# Programs of version 1 leave no note of the frame by which `apply` tries a new link: it would blame the link.
test_other_version() {
	local lab=/sys/fs/bpf/vethlab/blue/lab rest
	up blue
	cp "$TOP/topology/labs/blue.yaml" "$TEST_TMP/more.yaml"
	echo '  - endpoints: ["default:veth4", "blue:veth5"]' >>"$TEST_TMP/more.yaml"
	rest=$(bpftool -j map lookup pinned "$lab" key 0 0 0 0 | jq -r '.value[1:] | map(ltrimstr("0x")) | join(" ")')
	# shellcheck disable=SC2086 # bytes
	good bpftool map update pinned "$lab" key 0 0 0 0 value hex 01 $rest
	bad 1 vethlab apply "$TEST_TMP/more.yaml"
	says "blue: its maps have version 1, this vethlab reads version 2" "vethlab down blue"
	bad 1 vethlab stats
	says "blue: its maps have version 1, this vethlab reads version 2" "vethlab down blue"
	good vethlab down
}

run_tests
