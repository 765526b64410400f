#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_locks.sh - the locks of labs: other users cannot take them, readers do not, and a wait can be ended.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

other_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)

test_only_root() {
	local file
	up blue
	assert_eq "$(stat -c %a /run/vethlab)" 700 "mode of /run/vethlab"
	for file in lock journal state.json lab.yaml; do
		assert_eq "$(stat -c %a /run/vethlab/blue/$file)" 600 "mode of $file"
	done
	bad 66 "${other_user[@]}" flock -s /run/vethlab true
	good vethlab down
}

# A directory that an earlier version made.
test_tightened() {
	mkdir -m 755 /run/vethlab
	up blue
	assert_eq "$(stat -c %a /run/vethlab)" 700 "mode of /run/vethlab"
	good vethlab down
}

# What runs is not known to whoever may not read it: that is no empty list.
test_other_user() {
	up blue
	bad 4 "${other_user[@]}" "$BUILD/vethlab" ls
	says "only root may read /run/vethlab"
	bad 4 "${other_user[@]}" "$BUILD/vethlab" show
	says "only root may read /run/vethlab"
	good vethlab ls
	good vethlab down
}

# `ls` and others look whether a lab is being changed. That is no lock, which would stop a `down`.
test_readers_take_no_lock() {
	up blue
	good flock -s /run/vethlab/blue/lock "$BUILD/vethlab" down blue
}

waiting() {
	grep -q "lock of /run/vethlab" "$TEST_TMP/out"
}

test_wait_is_told_and_ends() {
	local pid status=0
	mkdir -m 700 /run/vethlab
	exec 8</run/vethlab
	flock -s 8
	env --default-signal=INT "$BUILD/vethlab" up blue >"$TEST_TMP/out" 2>&1 8<&- &
	pid=$!
	wait_until waiting
	kill -INT $pid
	wait $pid || status=$?
	exec 8<&-
	assert_eq "$status" 1 "exit status: $(cat "$TEST_TMP/out")"
	out=$(cat "$TEST_TMP/out")
	says interrupted "lock of /run/vethlab"
}

test_reset() {
	up blue
	good vethlab stats --reset
	good vethlab stats --json
	good vethlab down
}

run_tests
