#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_lost_records.sh - where records were lost, what is told of an echo says that it may be incomplete (K11).
# A process that is stopped reads no records: a flood of others fills its buffers.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/sessions.sh
. "$(dirname "$0")/sessions.sh"

PINS=/sys/fs/bpf/vethlab/silent

FLOOD=${LOSSES:-40000} # the buffers hold some 60,000 records a CPU

flood() { # MORE OF ping(8)
	good inside a ping -f -q -c "$FLOOD" "$@" 10.8.0.2
	says "$FLOOD received"
}

# What echoes are told by later fragments of all packets come to ping, too: enough to fill its buffers.
test_ping() {
	local pid said=$TEST_TMP/said
	up_silent
	vethlab ping a 10.8.0.2 -c 2 -i 1 -W 100 -j >"$said" &
	pid=$!
	wait_until grep -q '"seq":1' "$said"
	kill -STOP $pid
	FLOOD=$((FLOOD / 2)) flood -s 4000
	kill -CONT $pid
	wait $pid || fail "ping: $(<"$said")"
	out=$(<"$said")
	json_holds '.[0] | .seq == 1 and .incomplete == false and (.itinerary | has("not_seen") | not)' \
		'.[1] | .incomplete and .lost_records > 0 and (.itinerary == null or (.itinerary.not_seen | test("[0-9]+ lost records")))' \
		'.[2] | .lost_records > 0 and .incomplete == 1'
	good vethlab down
}

# A trace that was stopped, as text and as JSON, and a recording, which is replayed in its order: the loss is long
# before its end. The echo whose records were cut in two is told with it, wherever it is told.
test_stories() {
	local tracer text recorder lost
	needs taskset
	up_silent
	vethlab trace -i -j >"$TEST_TMP/json" 2>/dev/null &
	tracer=$!
	vethlab trace failed >"$TEST_TMP/text" 2>/dev/null &
	text=$!
	vethlab record "$TEST_TMP/rec" 2>"$TEST_TMP/recorder" &
	recorder=$!
	wait_until sessions_are 3
	kill -STOP $tracer $text $recorder
	on_one_cpu # each CPU has a buffer
	half_an_echo # of two records, so that what comes by fours is cut where the buffer is full
	flood
	kill -CONT $tracer $text $recorder
	wait_until grep -q trace-lost "$TEST_TMP/json"
	wait_until grep -q 'records are missing' "$TEST_TMP/text"
	inside a ping -q -c 2 -i 5 10.8.0.2 >/dev/null
	inside a ping -f -q -c 5000 10.8.0.2 >/dev/null
	kill -INT $tracer $text $recorder
	wait $tracer $text $recorder
	lost=$(jq -s 'map(select(.schema == "vethlab.trace-lost/1").lost) | add' "$TEST_TMP/json")
	[[ $lost -gt 0 ]] || fail "nothing was lost"
	told_with_loss <"$TEST_TMP/json"
	out=$(<"$TEST_TMP/text")
	says "(not seen here: $lost lost records)"
	"$BUILD/vethlab" replay "$TEST_TMP/rec" -i -j >"$TEST_TMP/replayed"
	told_with_loss <"$TEST_TMP/replayed"
	good vethlab down
}

# From here on this shell, and what it starts.
on_one_cpu() {
	local cpus
	cpus=$(taskset -cp $BASHPID)
	cpus=${cpus##*: }
	taskset -cp "${cpus%%[-,]*}" $BASHPID >/dev/null
}

half_an_echo() {
	good inside b sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	bad 1 inside a ping -q -c 1 -W 0.2 10.8.0.2
	good inside b sysctl -qw net.ipv4.icmp_echo_ignore_all=0
}

# stdin: stories. Some are not whole, and each of those is told with the loss.
told_with_loss() {
	asserted
	jq -se 'map(select(.fate != null and .seq > 1)) | length > 1000 and any(.[]; (.hops | length) < 4) and
		all(.[]; (.hops | length) == 4 or (.not_seen // "" | test("^[0-9]+ lost records$")))' >/dev/null ||
		fail "a story that is not whole is told without the loss"
}

run_tests
