#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_frames.sh - frames that no sane stack sends are counted as what they are at every hook, are
# never taken for ICMP and never dropped by us.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N=10 # frames of each kind

lab() { # XDP MODE
	# No IPv6 on these ends, so that the kernel sends nothing by itself.
	cat >"$TEST_TMP/two.yaml" <<-END
		lab: two
		nodes:
		  a: {}
		  b: {}
		links:
		  - endpoints: ["a:x", "b:y"]
	END
	up "$TEST_TMP/two.yaml" --xdp "$1"
	inside a sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null ||
		inside a sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	inside b sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
}

# The counters of a hook that are not zero, without bytes: {"packets":10,"segments":10,"vlan":10}
seen() { # END HOOK
	vethlab stats --json | jq -c ".ends[] | select(.end == \"$1\") | .hooks.$2 |
		del(.bytes) | [paths(numbers) as \$p | {key: (\$p | join(\".\")), value: getpath(\$p)}] |
		map(select(.value > 0)) | sort_by(.key) | from_entries"
}

difference() { # BEFORE AFTER
	jq -cn --argjson a "$1" --argjson b "$2" '$b | to_entries |
		map(.value -= ($a[.key] // 0)) | map(select(.value != 0)) |
		map("\(.key)=\(.value)") | join(" ")' | tr -d '"'
}

# Send N frames of KIND from a:x; each hook on the way shows WHAT more, each counted N times.
sends() { # KIND WHAT...
	local kind=$1 hook end want before rx
	local -A was
	shift
	want=$(printf '%s\n' packets segments "$@" | sort | sed "s/\$/=$N/" | xargs)
	for hook in $(hooks_of b:y); do
		was[$hook]=$(seen b:y "$hook")
	done
	before=$(seen a:x out)
	rx=$(ip -n b -s -j link show y | jq ".[0].stats64.rx.packets")
	good inside a "$HELPERS/frames" x "$kind" $N
	assert_eq "$(difference "$before" "$(seen a:x out)")" "$want" "$kind at a:x out"
	for hook in $(arrivals_of b:y); do
		assert_eq "$(difference "${was[$hook]}" "$(seen b:y "$hook")")" "$want" "$kind at b:y $hook"
	done
	assert_eq "$(ip -n b -s -j link show y | jq '.[0].stats64.rx.packets')" $((rx + N)) \
		"$kind: received by b:y"
}

every_kind() {
	local rest
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
	good vethlab stats --json
	rest=$(jq '[.links[].directions[].lost] | add' <<<"$out")
	assert_eq "$rest" 0 "lost"
	good vethlab down
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
	local len n=0
	lab generic
	for ((len = 14; len <= 50; len++)); do
		good inside a "$HELPERS/frames" x echo4 1 $len
		n=$((n + 1))
	done
	for hook in in xdp; do
		assert_eq "$(count b:y $hook packets)" $n "packets at $hook"
		assert_eq "$(count b:y $hook ipv4)" $n "ipv4 at $hook"
		assert_eq "$(($(count b:y $hook malformed) + $(count b:y $hook icmp4.echo_request)))" $n \
			"malformed and requests at $hook"
	done
	assert_eq "$(count b:y in malformed)" "$(count b:y xdp malformed)" "malformed, in and xdp"
	good vethlab down
}

run_tests
