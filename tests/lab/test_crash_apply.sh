#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_crash_apply.sh - `apply` is killed anywhere, and fails anywhere: see crash.sh.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/crash.sh
. "$(dirname "$0")/crash.sh"

test_killed() {
	sweep apply_kill
}

test_fails() {
	sweep apply_fail
}

run_tests
