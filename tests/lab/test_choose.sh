#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_choose.sh - a filter chooses among stories, and hides no part of those that it chooses: an answered
# echo is never told as lost.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Record two echoes from a over r to b: the first is answered, r drops the second.
recorded() {
	local recorder
	needs nft
	up router
	good vethlab ping a b -W 5
	"$BUILD/vethlab" record "$TEST_TMP/run.rec" 2>"$TEST_TMP/recorder" &
	recorder=$!
	wait_until test -e "$TEST_TMP/run.rec"
	good vethlab ping a b -W 5
	drop_in_r
	bad 1 vethlab ping a b -W 0.3
	kill -TERM $recorder
	wait $recorder
	good vethlab down router
}

drop_in_r() {
	good vethlab exec r nft "add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }"
}

# The fates of the stories that a filter chooses.
tells() { # FATES FILTER...
	local want=$1
	shift
	good vethlab replay "$TEST_TMP/run.rec" -j -i "$@"
	assert_eq "$(jq -rs 'map(.fate) | join(" ")' < <(grep '^{' <<<"$out"))" "$want" "stories by $*"
}

test_parts_do_not_judge() {
	local place
	recorded
	tells "answered dropped"
	for place in r r:eth0 "link r:eth0" "src 10.0.1.2" "dst 10.0.2.2" "type request" 10.0.1.2; do
		# shellcheck disable=SC2086 # words
		tells "answered dropped" $place
		# shellcheck disable=SC2086
		tells dropped $place failed
	done
	for place in r "src 10.0.1.2" "dst 10.0.2.2" "type request" 10.0.0.0/8; do
		# shellcheck disable=SC2086
		tells dropped $place dropped
	done
	tells answered b
	tells answered type reply
	tells "" b failed
	tells "" b dropped # r dropped it, not b
	tells "" type reply dropped
	tells answered slower-than 1ns b:eth0
	good vethlab replay "$TEST_TMP/run.rec" b:eth0 -i
	says "answered by b" "a:eth0  out" # the whole of it
}

test_live() {
	local tracer
	needs nft
	up router
	good vethlab ping a b -W 5
	drop_in_r
	"$BUILD/vethlab" trace node r dropped -c 1 -j >"$TEST_TMP/one" 2>"$TEST_TMP/sums" &
	tracer=$!
	# Until it listens: an echo that nobody answers shows in its output, one that is answered must not.
	until [[ -s $TEST_TMP/one ]]; do
		good vethlab ping r b -W 5
		bad 1 vethlab ping a b -W 0.3
	done
	wait $tracer
	assert_eq "$(jq -r '"\(.fate) \(.origin) \(.drops[.death].node)"' "$TEST_TMP/one")" "dropped a r" \
		"the story"
	good vethlab down router
}

test_drops_alone() {
	recorded
	# Not all: nodes may drop router solicitations meanwhile.
	good vethlab replay "$TEST_TMP/run.rec" --events dropped type echo -j
	assert_eq "$(jq -rs 'map("\(.schema) \(.node) \(.reason)") | join(" ")' <<<"$out")" \
		"vethlab.trace-drop/1 r NETFILTER_DROP" "records"
	good vethlab replay "$TEST_TMP/run.rec" --events dropped node b type echo -j
	assert_eq "$out" "" "drops in b"
}

of_run() { # FILTER, of all records and drops of the run, as lines
	jq -c "$1" "$TEST_TMP/records"
}

# -c, --for and slower-than cut the same from a file as from what it has in full; whoever may read the
# file may replay it, and needs nothing else.
test_replay_cuts() {
	local n start last trip
	local -a as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	recorded
	vethlab replay "$TEST_TMP/run.rec" -j >"$TEST_TMP/records"
	# Beside it a node may drop what it does not listen for: router solicitations, MLD.
	assert_eq "$(of_run 'select(.reason == "NETFILTER_DROP").message')" '"request"' "the drop"
	for n in 1 5 "$(wc -l <"$TEST_TMP/records")"; do
		good vethlab replay "$TEST_TMP/run.rec" -j -c "$n"
		assert_eq "$out" "$(head -n "$n" "$TEST_TMP/records")" "replay -c $n"
	done
	good vethlab replay "$TEST_TMP/run.rec" -j -i -c 1
	assert_eq "$(jq -r .fate <<<"$out")" answered "replay -i -c 1"
	# Its time 0 is in the head of the file, behind the magic and four numbers.
	start=$(od -An -tu8 -j24 -N8 "$TEST_TMP/run.rec")
	for last in $(of_run "select(.time_ns > $start).time_ns" | sed -n '2p;$p'); do
		good vethlab replay "$TEST_TMP/run.rec" -j --for "$((last - start))ns"
		assert_eq "$out" "$(of_run "select(.time_ns <= $last)")" "replay --for $((last - start))ns"
	done
	# Up to the answer to the first echo: the second, which was dropped, came later.
	last=$(of_run 'select(.message == "reply").time_ns' | tail -1)
	good vethlab replay "$TEST_TMP/run.rec" -j -i --for "$((last - start))ns"
	assert_eq "$(jq -r .fate <<<"$out")" answered "replay -i --for"
	trip=$(jq .round_trip_ns <<<"$out")
	tells answered slower-than "${trip}ns"
	tells "" slower-than "$((trip + 1))ns"
	good vethlab replay "$TEST_TMP/run.rec" slower-than "${trip}ns"
	says "answered by b"
	# Somebody who is not root, from a place that he can read.
	cp "$BUILD/vethlab" "$TEST_TMP/"
	chmod 755 "$TEST_TMP" "$TEST_TMP/vethlab" && chmod 644 "$TEST_TMP/run.rec"
	for n in "-i -j" "-i" "--events" "-j -c 3" "-j slower-than ${trip}ns" "r dropped" "--stack"; do
		# shellcheck disable=SC2086 # words
		good "${as[@]}" "$TEST_TMP/vethlab" replay "$TEST_TMP/run.rec" $n
		# shellcheck disable=SC2086
		assert_eq "$out" "$(vethlab replay "$TEST_TMP/run.rec" $n)" "replay $n by nobody"
	done
	good "${as[@]}" "$TEST_TMP/vethlab" diff "$TEST_TMP/run.rec" "$TEST_TMP/run.rec"
	chmod 600 "$TEST_TMP/run.rec"
	bad 3 "${as[@]}" "$TEST_TMP/vethlab" replay "$TEST_TMP/run.rec"
	says "run.rec: cannot open it (kernel: Permission denied)"
}

test_refusals() {
	recorded
	bad 2 vethlab replay "$TEST_TMP/run.rec" --events failed
	says "failed is about whole stories, not --events" "leave --events out"
	bad 2 vethlab replay "$TEST_TMP/run.rec" --events slower-than 1ms
	says "slower-than is about whole stories"
	bad 2 vethlab replay "$TEST_TMP/run.rec" nonsense
	says "failed, dropped, slower-than TIME"
	up router
	for word in dropped failed "slower-than 1ms" -i; do
		# shellcheck disable=SC2086 # words
		bad 2 vethlab record "$TEST_TMP/not.rec" $word
		says "chooses among stories, but it keeps records" "vethlab replay $TEST_TMP/not.rec"
	done
	assert_eq "$(find "$TEST_TMP" -name not.rec)" "" "a file"
	good vethlab down router
}

run_tests
