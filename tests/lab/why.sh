# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# why.sh - sourced behind lib.sh by tests of `why`: a lab, and what is asserted of the last `why a TO`.

# a -- r -- b, where r forwards.
chain() {
	cat >"$TEST_TMP/c.yaml" <<-END
		lab: c
		nodes:
		  a: {routes: [default via 10.0.1.1, default via 2001:db8:1::1]}
		  r: {forward: both}
		  b: {routes: [default via 10.0.2.1, default via 2001:db8:2::1]}
		links:
		  - endpoints:
		      - {end: "a:eth0", addresses: [10.0.1.2/24, "2001:db8:1::2/64"]}
		      - {end: "r:eth0", addresses: [10.0.1.1/24, "2001:db8:1::1/64"]}
		  - endpoints:
		      - {end: "r:eth1", addresses: [10.0.2.1/24, "2001:db8:2::1/64"]}
		      - {end: "b:eth0", addresses: [10.0.2.2/24, "2001:db8:2::2/64"]}
	END
	up "$TEST_TMP/c.yaml"
}

set_in() { # NODE KEY=VALUE...
	local node=$1
	shift
	good inside "$node" sysctl -qw "$@"
}

# What `why a TO` says: how the leg there ends and at which node.
foretells() { # TO WANT [OPTION...]
	local to=$1 want=$2 status=0
	local -a found
	shift 2
	vethlab why a "$to" -j "$@" >"$TEST_TMP/why" || status=$?
	mapfile -t found < <(jq -r '(.there | "\(.end) \(.hops[-1].node)"),
		{arrives: 0, stopped: 1, unknown: 6}[.verdict], if .good then 0 else 1 end' "$TEST_TMP/why")
	assert_eq "${found[0]:-}" "$want" "why a $to: $(<"$TEST_TMP/why")"
	assert_eq "$status" "${found[1]:-}" "exit status"
	[[ $status -eq 6 ]] || assert_eq "$status" "${found[2]:-}" "good"
}

# What it says that it did not evaluate: "LEG NODE: WHAT", one a line.
not_evaluated() { # WANT...
	assert_eq "$(jq -r '["there", "back"][] as $leg | .[$leg].not_evaluated[]? |
		"\($leg) \(.node): \(.what)"' "$TEST_TMP/why")" "$(printf '%s\n' "$@")" "not evaluated: $(<"$TEST_TMP/why")"
}

was_read() { # NODE WHAT VALUE
	asserted
	jq -e --arg node "$1" --arg what "$2" --arg value "$3" \
		'any((.back // .there).read[]; .node == $node and .what == $what and .value == $value)' \
		"$TEST_TMP/why" >/dev/null || fail "it did not read $*: $(<"$TEST_TMP/why")"
}
