#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_ends.sh - what looks at a lab until Ctrl-C also ends with the lab, and with whoever reads it.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

has_ended() { # PID
	! kill -0 "$1"
}

# Something that goes on, with its output in a file, until the lab is taken down below it.
ends_with_lab() { # FILE-THAT-TELLS-THAT-IT-BEGAN VERB [ARGUMENTS...]
	local began=$1 pid status=0
	shift
	up two-hosts
	vethlab "$@" >"$TEST_TMP/out" 2>"$TEST_TMP/err" &
	pid=$!
	wait_until test -e "$began" -a -s "$began"
	good vethlab down two-hosts
	says "two-hosts is down"
	wait_until has_ended "$pid"
	wait "$pid" || status=$?
	assert_eq "$status" 1 "exit status of $1"
	out=$(<"$TEST_TMP/err")
	says "$(text_taken_down two-hosts)"
	rm -f "$TEST_TMP/out" "$began"
}

test_lab_taken_down() {
	ends_with_lab "$TEST_TMP/out" trace
	ends_with_lab "$TEST_TMP/out" ping a b -c 0 -q
	ends_with_lab "$TEST_TMP/frames" capture -w "$TEST_TMP/frames"
}

# What was recorded until then is whole.
test_recording_is_whole() {
	local pid ping status=0
	up two-hosts
	vethlab record "$TEST_TMP/rec" 2>"$TEST_TMP/err" &
	pid=$!
	vethlab ping a b -c 0 -i 5ms -q >/dev/null 2>&1 &
	ping=$!
	wait_until test -s "$TEST_TMP/rec" # a bufferful
	good vethlab down two-hosts
	wait_until has_ended "$pid"
	wait "$pid" || status=$?
	assert_eq "$status" 1 "exit status"
	wait "$ping" || true
	good cat "$TEST_TMP/err"
	says "$(text_taken_down two-hosts)"
	good vethlab replay "$TEST_TMP/rec"
	says " request " " reply "
	says_not "cut short"
}

# A lab of the same name that comes at once is not the one that is looked at.
test_lab_built_again() {
	local pid status=0
	up two-hosts
	"$BUILD/vethlab" trace >"$TEST_TMP/out" 2>"$TEST_TMP/err" &
	pid=$!
	wait_until test -s "$TEST_TMP/out"
	kill -STOP "$pid"
	good vethlab down two-hosts
	up two-hosts
	kill -CONT "$pid"
	wait_until has_ended "$pid"
	wait "$pid" || status=$?
	assert_eq "$status" 1 "exit status"
	good cat "$TEST_TMP/err"
	says "was taken down"
	good vethlab down two-hosts
}

# A change of the lab is not its end.
test_lab_changed() {
	local pid
	up two-hosts
	vethlab trace src 10.0.0.7 -c 1 >"$TEST_TMP/out" 2>&1 &
	pid=$!
	wait_until test -s "$TEST_TMP/out"
	sed 's/10\.0\.0\.1/10.0.0.7/' "$TOP/topology/labs/two-hosts.yaml" >"$TEST_TMP/changed.yaml"
	good vethlab apply "$TEST_TMP/changed.yaml"
	good vethlab ping a b -q
	wait_until has_ended "$pid"
	wait "$pid"
	good cat "$TEST_TMP/out"
	says "10.0.0.7 > 10.0.0.2"
	good vethlab down two-hosts
}

# It ends, and well, when its reader has enough; a full disk is named.
ends_with_reader() { # VERB [ARGUMENTS...]
	good bash -c "timeout '$WAIT' '$BUILD/vethlab' $* | head -c 60 >/dev/null; exit \${PIPESTATUS[0]}"
	says_not "vethlab:"
	bad 5 timeout "$WAIT" bash -c "'$BUILD/vethlab' $* >/dev/full"
	says "No space left on device"
}

test_reader_leaves() {
	local ping
	up two-hosts
	vethlab ping a b -c 0 -i 20ms -q >/dev/null 2>&1 &
	ping=$!
	ends_with_reader ping a b -c 0 -i 20ms
	ends_with_reader trace
	ends_with_reader record -
	ends_with_reader capture -w -
	good vethlab down two-hosts
	wait "$ping" || true
}

# The sums stand below what they add up, also where both go to one file.
test_sums_are_last() {
	local ping
	up two-hosts
	vethlab ping a b -c 0 -i 20ms -q >/dev/null 2>&1 &
	ping=$!
	vethlab trace -i type echo -c 2 >"$TEST_TMP/out" 2>&1
	good tail -n 1 "$TEST_TMP/out"
	says "2 stories of"
	good vethlab down two-hosts
	wait "$ping" || true
}

run_tests
