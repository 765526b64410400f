#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_ping_summary.sh - what vethlab ping sums up, and its options: -c 0, -q, -4, -6. The kernel is no matter.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# The quantiles of the summary are times of echoes, by rank: those of JSON, and those of the text.
test_quantiles() {
	up_answering --xdp off
	good vethlab ping default 10.1.1.1 -c 120 -i 0 -W 10 -j
	assert_eq "$(jq -sc 'map(select(.seq).rtt_ns) | sort | [.[0], .[59], .[118], .[119]]' <<<"$out")" \
		"$(jq -c 'select(.sent).rtt_ns | [.min, .p50, .p99, .max]' <<<"$out")" "JSON"
	good vethlab ping default 10.1.1.1 -c 120 -i 0 -W 10
	awk 'BEGIN { ns["ns"] = 1; ns["us"] = 1e3; ns["ms"] = 1e6; ns["s"] = 1e9 }
		match($0, / time=/) { split(substr($0, RSTART + 6), t, " "); printf "%.0f %s %s\n", t[1] * ns[t[2]], t[1], t[2] }' \
		<<<"$out" | sort -n | cut -d' ' -f2- >"$TEST_TMP/times"
	assert_eq "$(wc -l <"$TEST_TMP/times")" 120 "times"
	says "round trip min $(sed -n 1p "$TEST_TMP/times"), p50 $(sed -n 60p "$TEST_TMP/times"), p99 $(sed -n \
		119p "$TEST_TMP/times"), max $(sed -n 120p "$TEST_TMP/times")"
	assert_eq "$(grep -c 'bytes from' <<<"$out")" 120 "echoes"
	good vethlab down
}

# The slowest step: a queue lets one of three large echoes pass, the others wait for 128 ms.
test_slowest_step() {
	up_answering
	good tc qdisc add dev veth0 root tbf rate 80kbit burst 1600 limit 20000
	good vethlab ping default 10.1.1.1 -c 3 -i 0 -s 1400 -W 10 -q
	says "$(text_answered 3)" "slowest step: the link default:veth0 -> blue:veth1 (request), mean "
	says_not "icmp_seq" "crossed the link" "  request " # -q
	good vethlab ping default 10.1.1.1 -c 3 -i 0 -s 1400 -W 10 -j
	assert_eq "$(jq -c 'select(.sent).slowest_step | [.from.end, .to.end, .leg, .steps]' <<<"$out")" \
		'["default:veth0","blue:veth1","request",3]' "JSON"
	assert_eq "$(jq -sc 'map(select(.seq).itinerary.hops[] | select(.step == "link" and .leg == "request").step_ns) |
		[(add / 3 | floor), max]' <<<"$out")" "$(jq -c 'select(.sent).slowest_step | [.mean_ns, .max_ns]' \
		<<<"$out")" "its times"
	good tc qdisc del dev veth0 root
	good vethlab down
}

# Of one echo all was told with it: no quantiles of one time, no slowest of its steps.
test_one_echo() {
	up_answering
	good vethlab ping default 10.1.1.1 -c 1
	says "$(text_answered 1)" " time=" "blue answered"
	says_not "round trip" "slowest step"
	good vethlab ping default 10.1.1.1 -c 1 -q
	says "$(text_answered 1)" $'\nround trip '
	says_not p50 "slowest step"
	good ip -n blue address del 10.1.1.1/24 dev veth1
	good ip -n blue neighbor flush all
	bad 1 vethlab ping default 10.1.1.1 -c 1 -W 0.5
	assert_eq "$(grep -c "why: \|without answer\|last seen" <<<"$out")" 1 "one failure is told once: $out"
	bad 1 vethlab ping default 10.1.1.1 -c 1 -W 0.5 -j
	assert_eq "$(jq -s 'map(select(.losses).losses | length) | add' <<<"$out")" 1 "losses of the JSON"
	good vethlab down
}

# -c 0: until it is interrupted.
test_count_zero() {
	local pid
	up_answering
	env --default-signal=INT "$BUILD/vethlab" ping default 10.1.1.1 -c 0 -i 0.01 >"$TEST_TMP/said" &
	pid=$!
	wait_until grep -q icmp_seq=20 "$TEST_TMP/said"
	kill -INT $pid
	wait $pid
	good cat "$TEST_TMP/said"
	[[ $out =~ ([0-9]+)" sent, "([0-9]+)" answered" && ${BASH_REMATCH[2]} -ge 20 ]] ||
		fail "no summary: $out"
	good vethlab down
}

# TO has both families: IPv4, unless one is asked for.
test_families() {
	cat >"$TEST_TMP/both.yaml" <<-END
		lab: both
		nodes: {a: {}, b: {}, c: {}}
		links:
		  - endpoints:
		      - {end: "a:x", addresses: [10.0.0.1/24, "fd00:1::1/64"]}
		      - {end: "b:y", addresses: [10.0.0.2/24, "fd00:1::2/64"]}
		  - endpoints: [{end: "a:z", address: 10.0.1.1/24}, {end: "c:w", address: 10.0.1.2/24}]
	END
	up "$TEST_TMP/both.yaml"
	for row in "a b 10.0.0.2" "a b 10.0.0.2 -4" "a b fd00:1::2 -6" "b a:x fd00:1::1 -6" "b a:x 10.0.0.1 -4"; do
		read -r from to answer option <<<"$row"
		# shellcheck disable=SC2086 # or none
		good vethlab ping "$from" "$to" $option -W 10 -j
		assert_eq "$(jq -r "select(.seq).answer_from" <<<"$out")" "$answer" "ping $from $to $option"
		assert_eq "$(jq "select(.seq).itinerary.family" <<<"$out")" "$([[ $answer == *:* ]] && echo 6 || echo 4)" "its family"
	done
	bad 1 vethlab ping a c -6
	says "c has no IPv6 address"
	bad 2 vethlab ping a 10.0.0.2 -6
	says "10.0.0.2 is no IPv6 address"
	bad 2 vethlab ping a fd00:1::2 -4
	says "fd00:1::2 is no IPv4 address"
	good vethlab down
}

run_tests
