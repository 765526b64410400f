#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_concurrent.sh - several vethlabs at once: one lab, many labs, one comes while another goes.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N_LABS=20

lab_file() {
	cat >"$TEST_TMP/lab.yaml" <<-'END'
		lab: pair
		nodes:
		  host: {netns: host}
		  a: {}
		  b: {}
		links:
		  - endpoints: ["a:x", "b:y"]
		  - endpoints:
		      - {end: "a:p", address: 10.5.0.1/24}
		      - {end: "b:p", address: 10.5.0.2/24}
	END
}

nothing_left() {
	nothing_in /run/netns && nothing_in /run/vethlab && bpffs_empty && only_lo
}

# One lab, two `up` at once: one wins, the other says so and changes nothing.
test_two_up() {
	local i first second one two
	lab_file
	for i in {1..8}; do
		first=0 second=0
		"$BUILD/vethlab" up "$TEST_TMP/lab.yaml" >"$TEST_TMP/1" 2>&1 &
		one=$!
		"$BUILD/vethlab" up "$TEST_TMP/lab.yaml" >"$TEST_TMP/2" 2>&1 &
		two=$!
		wait $one || first=$?
		wait $two || second=$?
		out=$(cat "$TEST_TMP/1" "$TEST_TMP/2")
		assert_eq "$((first + second))" 1 "round $i: exit statuses $first and $second: $out"
		says "$(text_is_up pair)"
		[[ $out == *"is being changed by another vethlab"* || $out == *"runs already"* ]] ||
			fail "the loser does not say why: $out"
		remember_objects
		good vethlab exec a ping -c 1 -W 5 -q 10.5.0.2
		good vethlab down
	done
}

# Twenty labs at once: all come up, on ranges of their own, and all work.
test_twenty_labs() {
	local i pid failed=0 ranges
	local -a pids=()
	lab_file
	for ((i = 0; i < N_LABS; i++)); do
		"$BUILD/vethlab" up "$TEST_TMP/lab.yaml" --as "lab$i" >"$TEST_TMP/$i" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	assert_eq $failed 0 "failed: $(for ((i = 0; i < N_LABS; i++)); do cat "$TEST_TMP/$i"; done)"
	remember_objects
	assert_eq "$(find /run/netns -type f | wc -l)" $((2 * N_LABS)) "namespaces"
	ranges=$(jq -r .ifindex_base /run/vethlab/*/state.json | sort -u | wc -l)
	assert_eq "$ranges" $N_LABS "ranges of ifindexes"
	for ((i = 0; i < N_LABS; i++)); do
		good vethlab exec -l "lab$i" a ping -c 1 -W 5 -q 10.5.0.2
	done
	pids=()
	for ((i = 0; i < N_LABS; i++)); do
		"$BUILD/vethlab" down "lab$i" >"$TEST_TMP/$i" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	assert_eq $failed 0 "failed: $(for ((i = 0; i < N_LABS; i++)); do cat "$TEST_TMP/$i"; done)"
	nothing_left || fail "left: $(ls /run/netns /run/vethlab; ip -br link)"
}

# up, down and gc of one lab in loops at once: each does its work or says why not, and what
# claims to run does.
test_races() {
	local verb file rounds
	local -a pids=()
	lab_file
	for verb in "up $TEST_TMP/lab.yaml" "up $TEST_TMP/lab.yaml" "down pair" "gc"; do
		file=$TEST_TMP/race${#pids[@]}
		(
			trap - ERR
			set +e
			for ((rounds = 0; rounds < 12; rounds++)); do
				# shellcheck disable=SC2086 # a verb and its argument
				"$BUILD/vethlab" $verb
				echo "status $?"
			done
		) >"$file" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	out=$(cat "$TEST_TMP"/race*)
	[[ $out != *"status "[2-9]* && $out != *"status 1"[0-9]* ]] || fail "$out"
	says "$(text_is_up pair)"
	if [[ -e /run/vethlab/pair/state.json ]]; then
		good vethlab exec a ping -c 1 -W 5 -q 10.5.0.2
		good vethlab down pair
	fi
	nothing_left || fail "left: $(ls /run/netns /run/vethlab; ip -br link)"
}

run_tests
