#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_frames.sh - frames that no sane stack sends are counted as what they are at every hook, are
# never taken for ICMP and never dropped by us.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N=10 # frames of each kind

# Two nodes and a link, with the ends' own chatter off before they come up: no IPv6 there.
lab() { # XDP MODE
	local node
	cat >"$TEST_TMP/two.yaml" <<-END
		lab: two
		nodes:
		  a: {}
		  b: {}
		links:
		  - endpoints:
		      - {end: "a:x", up: false}
		      - {end: "b:y", up: false}
	END
	up "$TEST_TMP/two.yaml" --xdp "$1"
	for node in a b; do
		inside $node sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	done
	good vethlab link a:x up
	good vethlab link b:y up
	snapshots=()
}

# The counters now, to be judged later: a process costs more than a packet.
snapshot() { # WHAT WAS SENT, WHICH FIELDS IT MUST HAVE COUNTED
	local file=$TEST_TMP/snapshot${#snapshots[@]}
	vethlab stats --json >"$file.stats"
	jq -n --arg fields "$*" '$fields | split(" ") | {kind: .[0], fields: .[1:]}' >"$file.sent"
	snapshots+=("$file.sent" "$file.stats")
}

# Send N frames of KIND: each hook on the way must show each of FIELDS N times more, and no other.
sends() { # KIND FIELD...
	inside a "$HELPERS/frames" x "$1" $N
	snapshot "$@"
}

# A line for each snapshot and hook that differs from the one before by anything but what was sent.
judge() {
	jq -rs --argjson n $N '
		def flat: del(.bytes) | [paths(numbers) as $p |
			{key: ($p | join(".")), value: getpath($p)}] | from_entries;
		def hook($at; $hook): .ends[] | select(.end == $at) | .hooks[$hook] | flat;
		[range(0; length; 2) as $i | .[$i] + {stats: .[$i + 1]}] as $all |
		([["a:x", "out"]] + [$all[0].stats.ends[] | select(.end == "b:y") | .hooks | keys[] |
			select(. != "out") | ["b:y", .]]) as $hooks |
		range(1; $all | length) as $i | $hooks[] as [$at, $hook] |
		($all[$i - 1].stats | hook($at; $hook)) as $before |
		($all[$i].stats | hook($at; $hook)) as $after |
		([$after | to_entries[] | .value -= $before[.key] | select(.value != 0) |
			"\(.key)=\(.value)"] | sort | join(" ")) as $got |
		([$all[$i].fields[], "packets", "segments" | "\(.)=\($n)"] | sort | join(" ")) as $want |
		select($got != $want) |
		"\($all[$i].kind) at \($at) \($hook): got \($got), want \($want)"' "${snapshots[@]}"
}

every_kind() {
	snapshot nothing
	sends garbage other
	sends llc other
	sends empty ipv4 malformed
	sends vlan vlan
	sends qinq vlan
	sends arp arp
	sends echo4 ipv4 icmp4.echo_request
	sends options ipv4 icmp4.echo_request
	sends fragment ipv4 fragments
	sends first_fragment ipv4 icmp4.echo_request
	sends ihl ipv4 malformed
	sends version ipv4 malformed
	sends cut4 ipv4 malformed
	sends cut_icmp ipv4 malformed
	sends echo6 ipv6 icmp6.echo_request
	sends extensions ipv6 icmp6.echo_request
	sends fragment6 ipv6 fragments
	sends cut6 ipv6 malformed
	sends reply4 ipv4 icmp4.echo_reply
	sends reply6 ipv6 icmp6.echo_reply
	good judge
	assert_eq "$out" "" "what was counted otherwise"
	assert_eq "$((${#snapshots[@]} / 2 - 1))" "$("$HELPERS/frames" --list | wc -l)" "kinds of frames"
	# None was dropped by us: the kernel's own counter of the receiver.
	assert_eq "$(ip -n b -s -j link show y | jq '.[0].stats64.rx.packets')" \
		$(((${#snapshots[@]} / 2 - 1) * N)) "received by b:y"
	good vethlab stats --json
	assert_eq "$(jq '[.links[].directions[].lost] | add' <<<"$out")" 0 "lost"
	down_at_rest
}

test_frames_xdp_off() {
	lab off
	assert_eq "$(hooks_of b:y)" "in out" "hooks"
	every_kind
}

test_frames_xdp_generic() {
	lab generic
	assert_eq "$(hooks_of b:y)" "in out xdp" "hooks"
	every_kind
}

test_frames_xdp_native() {
	lab native
	every_kind
}

# An echo request cut at every length is an echo request or it is malformed, nothing else.
test_cut_everywhere() {
	local len hook n=0
	lab generic
	for ((len = 14; len <= 50; len++)); do
		inside a "$HELPERS/frames" x echo4 1 $len
		n=$((n + 1))
	done
	for hook in in xdp; do
		assert_eq "$(count b:y $hook packets)" $n "packets at $hook"
		assert_eq "$(count b:y $hook ipv4)" $n "ipv4 at $hook"
		assert_eq "$(($(count b:y $hook malformed) + $(count b:y $hook icmp4.echo_request)))" $n \
			"malformed and requests at $hook"
	done
	assert_eq "$(count b:y in malformed)" "$(count b:y xdp malformed)" "malformed, in and xdp"
	down_at_rest
}

run_tests
