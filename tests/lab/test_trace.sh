#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_trace.sh - records as they happen: exact, filtered, shared, counted when lost, and nothing left
# behind by a tracer that was killed.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/sessions.sh
. "$(dirname "$0")/sessions.sh"

PINS=/sys/fs/bpf/vethlab/blue

# Start a tracer; its output goes to $TEST_TMP/NAME, its process id to $tracer. Waits until it
# listens.
trace() { # NAME ARGUMENT...
	local name=$1 before=$running
	shift
	env --default-signal=INT "$BUILD/vethlab" trace "$@" >"$TEST_TMP/$name" 2>"$TEST_TMP/$name.err" &
	tracer=$!
	running=$((before + 1))
	wait_until sessions_are $running
}
running=0

lines_are() { # NAME COUNT
	[[ $(wc -l <"$TEST_TMP/$1") -eq $2 ]]
}

ends_with() { # PID STATUS
	local status=0
	wait "$1" 2>/dev/null || status=$?
	assert_eq "$status" "$2" "exit status of the tracer"
}

the_way() { # the hooks of one echo, default to blue and back, as JSON lines' end, hook and message
	local hooks="$1"
	for hook in out $hooks; do
		[[ $hook == out ]] && echo "default:veth0 out request" || echo "blue:veth1 $hook request"
	done
	for hook in out $hooks; do
		[[ $hook == out ]] && echo "blue:veth1 out reply" || echo "default:veth0 $hook reply"
	done
}

each_record_exact() { # ARRIVING HOOKS
	local n seq per_echo
	per_echo=$((2 + 2 * $(wc -w <<<"$1")))
	trace all -j type echo
	good ping -c 5 -i 0.01 -q 10.1.1.1
	wait_until lines_are all $((5 * per_echo))
	kill -INT $tracer
	ends_with $tracer 0
	good cat "$TEST_TMP/all.err"
	says "$((5 * per_echo)) records, 0 lost"
	for seq in 1 2 3 4 5; do
		out=$(jq -rs "map(select(.seq == $seq)) | sort_by(.time_ns)[] |
			\"\\(.end) \\(.hook) \\(.message)\"" "$TEST_TMP/all")
		# Two CPUs may stamp one packet: compare as sets.
		assert_eq "$(sort <<<"$out")" "$(the_way "$1" | sort)" "the way of echo $seq"
	done
	n=$(jq -s 'map(.id) | unique | length' "$TEST_TMP/all")
	assert_eq "$n" 1 "identifiers of one ping"
	assert_eq "$(jq -s 'map(select(.message == "request" and .source == "10.1.1.2" and
		.destination == "10.1.1.1" and .ttl == 64 and .bytes == 98)) | length' \
		"$TEST_TMP/all")" $((5 * per_echo / 2)) "requests with their addresses, ttl and length"
	good vethlab down
}

test_records_xdp_off() {
	up_answering --xdp off
	each_record_exact "in"
}

test_records_xdp_generic() {
	up_answering --xdp generic
	each_record_exact "xdp in"
}

test_records_xdp_native() {
	up_answering --xdp native
	each_record_exact "xdp in"
}

test_lines_for_people() {
	up_answering --xdp off
	trace text -c 4 type echo
	good ping -c 1 -q 10.1.1.1
	ends_with $tracer 0
	out=$(cat "$TEST_TMP/text")
	says "10.1.1.2 > 10.1.1.1" "10.1.1.1 > 10.1.1.2" request reply default:veth0 blue:veth1 " 64 " " 98 "
	good vethlab down
}

filtered() { # COUNT FILTER...
	local want=$1 name
	shift
	name=filter$running
	trace "$name" -j "$@"
	names+=("$name $want $*")
}

# Eight tracers at once, each with its filter, see of the same packets what they asked for.
test_filters_side_by_side() {
	local line name want words
	local -a names=()
	up_answering --xdp off
	filtered 12 type echo
	filtered 6 type request
	filtered 4 type echo seq 2
	filtered 6 type echo end blue:veth1
	filtered 6 type reply src 10.1.1.1
	filtered 0 type echo addr 10.9.0.0/16
	filtered 12 type echo v4
	filtered 0 type echo link default:veth2
	bad 1 vethlab trace
	says 8
	good ping -c 3 -i 0.01 -q 10.1.1.1
	for line in "${names[@]}"; do
		read -r name want words <<<"$line"
		wait_until lines_are "$name" "$want"
	done
	# What should not come has had its time: later packets came through all the others.
	for line in "${names[@]}"; do
		read -r name want words <<<"$line"
		assert_eq "$(wc -l <"$TEST_TMP/$name")" "$want" "records of $words"
	done
	for line in $(jobs -p); do
		kill -INT "$line"
	done
	wait
	good vethlab down
}

# What is attached where, without what changes with each packet.
attached() {
	find $PINS -type f -exec "$HELPERS/ids" {} + | sort
	bpftool -j net | jq -c .
	tc filter show dev veth0 ingress
	inside blue "$(type -P bpftool)" -j net | jq -c .
	find /sys/fs/bpf | sort
}

# What a process holds open, as ids prints it.
held_by() { # PID
	sed -n 's/^\(prog\|map\|link\)_id:[ \t]*/\1 /p' /proc/"$1"/fdinfo/* | sort -u
}

test_kill_9_leaves_nothing() {
	local before i pids=()
	up_answering
	before=$(attached)
	for ((i = 0; i < 8; i++)); do
		trace "killed$i" -j type echo
		pids+=("$tracer")
	done
	assert_eq "$(attached)" "$before" "attached while eight trace"
	good ping -c 2 -i 0.01 -q 10.1.1.1
	for i in "${pids[@]}"; do
		held_by "$i"
	done | sort -u | grep -vxFf "$TEST_TMP/ids" >"$TEST_TMP/held" || true
	kill -9 "${pids[@]}"
	for i in "${pids[@]}"; do
		ends_with "$i" 137
	done
	assert_eq "$(attached)" "$before" "attached after kill -9"
	wait_until eval '"$HELPERS/ids" --gone <"$TEST_TMP/held"'
	# The programs find out that nobody reads when a CPU has gathered a batch, and stop.
	running=0
	good ping -c 20 -i 0.01 -q 10.1.1.1
	wait_until sessions_are 0
	trace again -j -c 6 type echo
	good ping -c 1 -q 10.1.1.1
	ends_with "$tracer" 0
	wait_until sessions_are 0
	good vethlab down
}

# A tracer keeps no lab, even one that is stopped: its programs go with it, and the tracer ends then.
test_down_while_tracing() {
	up_answering
	trace under -j
	find $PINS -maxdepth 1 -name 'vl_*' -exec "$HELPERS/ids" {} + >"$TEST_TMP/programs"
	kill -STOP "$tracer"
	good vethlab down
	assert_eq "$out" "blue is down" "down"
	wait_until eval '"$HELPERS/ids" --gone <"$TEST_TMP/programs"'
	kill -CONT "$tracer"
	ends_with "$tracer" 1
	good cat "$TEST_TMP/under.err"
	says "$(text_taken_down blue)"
}

# Somebody else's program may hold ours; down is done, and tells who.
test_down_while_held() {
	local pid
	up_answering
	"$HELPERS/ids" --hold $PINS/vl_out >"$TEST_TMP/held" &
	pid=$!
	wait_until test -s "$TEST_TMP/held"
	good vethlab down
	says "blue is down" "process $pid (ids) holds programs of lab blue"
	kill "$pid"
	wait "$pid" || true
}

# "N records, M lost": what a tracer told at its end.
told() { # NAME: sets got and lost
	good tail -1 "$TEST_TMP/$1.err"
	[[ $out =~ ^([0-9]+)" records, "([0-9]+)" lost"$ ]] || fail "$1 told: $out"
	got=${BASH_REMATCH[1]} lost=${BASH_REMATCH[2]}
}

# A tracer that does not read: what it gets and what it lost are all there was. Another one, with a
# filter of its own, has all that is its beside it, and none of that loss.
test_lost_is_counted() {
	local got lost slow quick n=${LOSSES:-40000} # the buffers hold some 60,000 records a CPU
	up_answering --xdp generic
	trace slow -j type echo
	slow=$tracer
	trace quick -j type request end default:veth0
	quick=$tracer
	kill -STOP "$slow"
	good ping -f -q -c "$n" 10.1.1.1
	says "$n received"
	wait_until lines_are quick "$n" # while the other one is still stopped
	kill -CONT "$slow"
	kill -INT "$slow" "$quick"
	ends_with "$slow" 0
	ends_with "$quick" 0
	told slow
	assert_eq "$(grep -c '"end"' "$TEST_TMP/slow")" "$got" "records printed and told"
	[[ $lost -gt 0 ]] || fail "nothing was lost: $out"
	assert_eq $((got + lost)) $((6 * n)) "records and lost records: $out"
	# Where they are missing, too.
	grep trace-lost "$TEST_TMP/slow" >"$TEST_TMP/gaps"
	good "$HELPERS/valid" "$TOP/docs/schema" <"$TEST_TMP/gaps"
	assert_eq "$(jq -sc '[(map(.lost) | add), last.lost_so_far]' "$TEST_TMP/gaps")" "[$lost,$lost]" "the gaps"
	told quick
	assert_eq "$got $lost" "$n 0" "records and lost records of the other"
	assert_eq "$(grep -c trace-lost "$TEST_TMP/quick" || true)" 0 "its gaps"
	assert_eq "$(grep -o '"seq":[0-9]*' "$TEST_TMP/quick" | sort -u | wc -l)" "$n" "its echoes"
	assert_echo blue:veth1 in $((n + 1)) 0
	good vethlab down
}

stories() { # FILE [FILTER]: id, sequence number and round trip of each
	jq -cs "map(${2:-.} | [.id, .seq, .round_trip_ns]) | sort" "$TEST_TMP/$1"
}

# Round trips that took so long or longer, and no others, of all that there were: the first of three large
# echoes finds room in a queue's bucket, the next wait 128 ms for it.
test_slower_than() {
	local pid pids=()
	up_answering
	trace all -i -j
	pids+=("$tracer")
	for time in 50us 50ms 60s; do
		trace $time -j slower-than $time
		pids+=("$tracer")
	done
	good tc qdisc add dev veth0 root tbf rate 80kbit burst 1600 limit 20000
	good vethlab ping default 10.1.1.1 -c 3 -i 0 -s 1400 -W 10 -q
	good tc qdisc del dev veth0 root
	good vethlab ping default 10.1.1.1 -c 20 -i 0 -W 10 -q
	wait_until lines_are all 23
	for pid in "${pids[@]}"; do
		kill -INT "$pid"
		ends_with "$pid" 0
	done
	assert_eq "$(jq -s 'map(.fate) | unique == ["answered"]' "$TEST_TMP/all")" true "all were answered"
	assert_eq "$(stories 50us)" "$(stories all 'select(.round_trip_ns >= 50000)')" "slower than 50us"
	assert_eq "$(stories 50ms)" "$(stories all 'select(.round_trip_ns >= 50000000)')" "slower than 50ms"
	assert_eq "$(jq -s 'length > 0 and length < 23' "$TEST_TMP/50ms")" true "some, not all: $(stories 50ms)"
	assert_eq "$(stories 60s)" "[]" "slower than a minute"
	good cat "$TEST_TMP/60s.err"
	says "0 stories of " ", 0 lost"
	good vethlab down
}

# For so long, and not longer than it is told to: it ends by itself, and says what it saw.
test_for() {
	local began=${EPOCHREALTIME/[.,]/} n=0
	up_answering
	trace timed -j type echo --for 3s
	# The tracer goes on while these come: each is whole, or behind its end.
	while kill -0 "$tracer" 2>/dev/null; do
		good ping -c 1 -q 10.1.1.1
		n=$((n + 1))
	done
	ends_with "$tracer" 0
	[[ $((${EPOCHREALTIME/[.,]/} - began)) -ge 3000000 ]] || fail "it ended early"
	told timed
	assert_eq "$lost" 0 "lost records"
	assert_eq "$(wc -l <"$TEST_TMP/timed")" "$got" "records printed and told"
	assert_eq "$(jq -s 'map(select(.end == "default:veth0" and .hook == "out")) | length > 0 and length <= '$n \
		"$TEST_TMP/timed")" true "requests of $n echoes"
	good vethlab down
}

# No tracer, no cost: nothing is recorded.
test_nobody_traces() {
	up_answering
	sessions_are 0 || fail "somebody traces"
	good vethlab down
}

run_tests
