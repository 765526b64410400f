#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/run: alone
# test_bench_up.sh - `make bench-build` runs through, on small labs: its rows, its goals, no residue.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

test_small() {
	local json=$TEST_TMP/up.json
	good env ROUNDS=1 PEER_ROUNDS=0 SETTLE=0 LINEAR=5 MESH="20 60" JSON="$json" BUILD="$BUILD" \
		"$TOP/tests/bench/build.sh" 10
	says "chain of 10" "up a link: 60 links : 20 links"
	assert_eq "$(jq -r '.schema' "$json")" vethlab.bench-labs/1 "schema"
	assert_eq "$(jq -r '[.rows[].row] | sort | join(" ")' "$json")" \
		"down-linear down-none down-programs ip-batch mesh-20 mesh-60 mesh-down-20 mesh-down-60 raw up-linear up-none up-programs" \
		"rows"
	assert_eq "$(jq '[.rows[] | select(.median_s <= 0)] | length' "$json")" 0 "rows without a time"
	assert_eq "$(jq '.goals | length' "$json")" 7 "goals"
}

run_tests
