#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_bench_report.sh - what tests/bench/run reports of benchmarks that fail, with stubs for them.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

stub() { # NAME COMMANDS
	printf '#!/bin/sh\n%s\n' "$2" >"$TEST_TMP/tests/bench/$1"
	chmod +x "$TEST_TMP/tests/bench/$1"
}

test_a_failure_is_in_the_report() {
	local report=$TEST_TMP/bench/report
	mkdir -p "$TEST_TMP/tests/bench"
	stub rapid 'echo 42 frames'
	stub broken 'echo half a table; exit 3'
	stub endless 'exec sleep 1000'
	BUILD=$TEST_TMP LIMIT=1 bad 1 tests/bench/run broken rapid endless
	says "bench: broken failed" "bench: endless failed"
	out=$(cat "$report.md")
	says "42 frames" "## tests/bench/broken

This benchmark failed: it has no figures." "## tests/bench/endless

This benchmark failed"
	says_not "half a table"
	assert_eq "$(jq -c 'del(.schema)' "$report.json")" \
		'{"broken":{"failed":true},"endless":{"failed":true},"rapid":{"text":"42 frames"}}' "JSON"
	BUILD=$TEST_TMP good tests/bench/run rapid
	assert_eq "$(jq -c 'keys' "$report.json")" '["rapid","schema"]' "only what ran"
}

run_tests
