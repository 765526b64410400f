#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_crash_bench.sh - `bench` is killed anywhere, and interrupted anywhere: see crash.sh.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
CRASH_SECONDS=${CRASH_SECONDS:-8} # building labs is what test_crash_up.sh looks at
# shellcheck source=tests/lab/crash.sh
. "$(dirname "$0")/crash.sh"
PARTS=4 # so many commands
ROUNDS=256 # a run takes seconds

test_killed() {
	sweep bench_kill
}

test_matrix_killed() {
	sweep matrix_kill
}

test_interrupted() {
	sweep bench_interrupt
}

run_tests
