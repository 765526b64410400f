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
	told
	bad 2 vethlab diff - -
	told
	bad 2 vethlab diff a b --threshold x
	told
	bad 3 vethlab diff "$TEST_TMP/none" "$TEST_TMP/none"
	told
	echo nothing >"$TEST_TMP/text"
	bad 3 vethlab diff "$TEST_TMP/text" "$TEST_TMP/text"
	told
	golden refused
}

STORIES=$TOP/tests/unit/data/stories

# A copy of a good recording with BYTES (as printf has them) at OFFSET.
patched() { # OFFSET BYTES
	cp "$STORIES/routers.rec" "$TEST_TMP/b.rec"
	printf '%b' "$2" | dd of="$TEST_TMP/b.rec" bs=1 seek="$1" conv=notrunc status=none
}

# The second file is at fault: its name, what is wrong, and what to do. Either way round, and in JSON nothing.
faulty() { # WHAT TODO
	bad 3 vethlab diff "$STORIES/routers.rec" "$TEST_TMP/b.rec"
	says "$TEST_TMP/b.rec: $1" "$2"
	says_not routers.rec
	bad 3 vethlab diff "$TEST_TMP/b.rec" "$STORIES/routers.rec" -j
	says "$TEST_TMP/b.rec: $1"
	says_not vethlab.diff
}

test_second_is_malformed() {
	local lab_bytes
	good vethlab diff "$STORIES/routers.rec" "$STORIES/routers.rec"
	patched 0 XX
	faulty "it is no recording of vethlab" "vethlab record FILE"
	: >"$TEST_TMP/b.rec"
	faulty "it is no recording of vethlab" "vethlab record FILE"
	# Its head: magic, version, sizes of records, length of the lab file.
	patched 8 '\x03'
	faulty "it was recorded by another version of vethlab" "read it with that version, or record anew"
	patched 8 '\x00\x00\x00\x01'
	faulty "it was recorded on a machine of another byte order" "read it on such a machine"
	patched 12 '\x01'
	faulty "it was recorded by another version of vethlab" "record anew"
	patched 20 '\xff\xff\xff\xff'
	faulty "its lab file is impossibly long" "copy it once more"
	patched 20 '\xff\xff\x0f'
	faulty "it ends before its first record" "copy it once more"
	patched 64 '\x01{:'
	faulty "the lab file inside it cannot be read" "copy it once more"
	lab_bytes=$(od -An -tu4 -j20 -N4 "$STORIES/routers.rec")
	head -c $((64 + lab_bytes - 1)) "$STORIES/routers.rec" >"$TEST_TMP/b.rec"
	faulty "it ends before its first record" "copy it once more"
}

# Cut anywhere behind its lab, it is compared up to the cut, which is told; its echoes grow with its length.
test_second_is_cut() {
	local size first at echoes=0 now
	size=$(stat -c %s "$STORIES/routers.rec")
	first=$((64 + $(od -An -tu4 -j20 -N4 "$STORIES/routers.rec")))
	for ((at = first; at < size; at += 97)); do
		head -c "$at" "$STORIES/routers.rec" >"$TEST_TMP/b.rec"
		vethlab diff "$STORIES/routers.rec" "$TEST_TMP/b.rec" --no-times -j >"$TEST_TMP/diff" || [[ $? -eq 1 ]]
		good "$HELPERS/valid" "$TOP/docs/schema" <"$TEST_TMP/diff"
		assert_eq "$(jq -c '[.a.cut, .b.cut]' "$TEST_TMP/diff")" "[false,true]" "cut at $at"
		now=$(jq .b.echoes "$TEST_TMP/diff")
		[[ $now -ge $echoes ]] || fail "at $at: $now echoes, $echoes before"
		echoes=$now
	done
	[[ $echoes -gt 0 ]] || fail "no echoes up to $at"
	bad 1 vethlab diff "$STORIES/routers.rec" - <"$TEST_TMP/b.rec"
	says "+++ -: lab" "cut short"
}

# Recordings of two labs can be compared; that they have nothing in common is told, and so is whose a word
# of the filter is not.
test_other_lab() {
	bad 1 vethlab diff "$STORIES/routers.rec" "$STORIES/lan.rec"
	says "+++ $STORIES/lan.rec: lab lan" \
		"no echoes between the same addresses: is that one lab?" "only this run has them"
	good vethlab diff "$STORIES/lan.rec" "$STORIES/lan.rec" c
	bad 1 vethlab diff "$STORIES/lan.rec" "$STORIES/router.rec" node c
	says "$STORIES/router.rec: filter, word 1: the lab has no node 'c'"
	bad 1 vethlab diff "$STORIES/router.rec" "$STORIES/lan.rec" node r
	says "$STORIES/lan.rec: filter, word 1: the lab has no node 'r'"
}

run_tests
