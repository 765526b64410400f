#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_crash_down.sh - `down` is killed anywhere, and fails anywhere: see crash.sh.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/crash.sh
. "$(dirname "$0")/crash.sh"

test_killed() {
	sweep down_kill
}

test_fails() {
	sweep down_fail
}

run_tests
