#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_diff.sh - what changed between two recorded runs of a lab.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Record what a command does. The recorder listens once its file is there.
recorded() { # FILE COMMAND...
	local file=$1 recorder
	shift
	"$BUILD/vethlab" record "$file" 2>/dev/null &
	recorder=$!
	wait_until test -e "$file"
	"$@" >/dev/null 2>&1 || true
	kill -TERM $recorder
	wait $recorder
}

some_pings() {
	vethlab ping a b -c 10 -i 0 -q
}

test_diff() {
	up router
	recorded "$TEST_TMP/one" some_pings
	recorded "$TEST_TMP/two" some_pings
	good vethlab diff "$TEST_TMP/one" "$TEST_TMP/two" --no-times
	says "10 echoes" "no difference in ways and losses"
	good vethlab diff "$TEST_TMP/one" "$TEST_TMP/one"
	says "none in times beyond noise" "95 % intervals"
	good inside r nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }'
	recorded "$TEST_TMP/three" vethlab ping a b -c 2 -i 0 -W 0.3
	bad 1 vethlab diff "$TEST_TMP/one" "$TEST_TMP/three"
	says "10 echoes, then 2" "- answered by b (10 of 10)" \
		"+ r dropped the request: a netfilter rule" "+ way there: a:eth0 > r:eth0 (2 of 2)" \
		"- way there: a:eth0 > r:eth0, r:eth1 > b:eth0 (10 of 10)"
	bad 1 vethlab diff "$TEST_TMP/one" "$TEST_TMP/three" -j
	assert_eq "$(jq -c '[.differs, (.flows | length), (.flows[0].fates[] | .fate)]' <<<"$out")" \
		'[true,1,"answered","dropped"]' "JSON"
	# Only what the filter lets through.
	good vethlab diff "$TEST_TMP/one" "$TEST_TMP/three" addr 10.9.9.9
	bad 1 vethlab diff "$TEST_TMP/one" - <"$TEST_TMP/three"
	head -c 3000 "$TEST_TMP/one" >"$TEST_TMP/cut"
	bad 1 vethlab diff "$TEST_TMP/three" "$TEST_TMP/cut" --no-times
	says "cut short"
	good vethlab down router
}

test_refused() {
	bad 2 vethlab diff one
	says "which two recordings?"
	bad 2 vethlab diff - -
	bad 2 vethlab diff a b --threshold x
	bad 5 vethlab diff "$TEST_TMP/none" "$TEST_TMP/none"
	echo nothing >"$TEST_TMP/text"
	bad 1 vethlab diff "$TEST_TMP/text" "$TEST_TMP/text"
	says "no recording of vethlab"
}

run_tests
