#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_words.sh - what somebody types who has not read the manual, and what he is told.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Every line of the last output fits a terminal.
fits() {
	local line
	asserted
	while IFS= read -r line; do
		[[ ${#line} -le 80 ]] || fail "${#line} columns: $line"
	done <<<"$out"
}

# A link that was deleted by hand is named as the cause, and no other end.
test_deleted_link() {
	up blue
	ip link del veth0
	bad 1 vethlab why blue 10.1.1.2
	told
	bad 1 vethlab why default 10.1.1.1 -j
	assert_eq "$(jq -r .there.end <<<"$out")" link-gone "why"
	bad 1 vethlab ping default 10.1.1.1
	told
	bad 1 vethlab link default:veth0 up
	told
	golden deleted-link
	good vethlab down blue
}

test_broadcast() {
	up lan
	bad 1 vethlab ping a 10.0.0.255 -W 0.3 -c 2 -i 0
	says "does not answer echoes to broadcast" "b:eth0   in" "c:eth0   in" "one of several"
	fits
	bad 1 vethlab why a 10.0.0.255 -j
	assert_eq "$(jq -r .there.end <<<"$out")" to-many "why"
	good vethlab exec b sysctl -w net.ipv4.icmp_echo_ignore_broadcasts=0
	good vethlab ping a 10.0.0.255
	says "64 bytes from 10.0.0.2"
	good vethlab down lan
}

# A neighbour that is not there: the sender's own error is no hop of the way.
test_traceroute_to_nobody() {
	up two-hosts
	bad 1 vethlab traceroute a 10.0.0.77 -W 300ms
	golden traceroute-to-nobody
	good vethlab down two-hosts
}

# The way is not at its end where the hops are, and a probe that nobody waited for says nothing.
test_traceroute_cut_short() {
	local status=0
	up router
	bad 1 vethlab traceroute a b -m 1
	says "at most 1 hop" "not there within 1 hop: -m N asks for more" "vethlab why a b"
	good vethlab traceroute a b -m 2
	says_not "not there"
	good vethlab exec b sysctl -w net.ipv4.icmp_echo_ignore_all=1
	"$BUILD/vethlab" traceroute a b -W 100 >"$TEST_TMP/out" 2>&1 &
	wait_until grep r:eth0 "$TEST_TMP/out"
	kill -INT $!
	wait $! || status=$?
	assert_eq "$status" 1 "exit status"
	good cat "$TEST_TMP/out"
	says "r:eth0"
	says_not "no answer" "try:"
	good vethlab down router
}

test_option_places() {
	up two-hosts --as one
	up two-hosts --as two
	good vethlab -l one exec a ip -br addr
	good vethlab exec a -l two ip -br addr
	good vethlab exec a -l two -- ip -br addr
	bad 1 vethlab exec a ip addr # which of the two?
	bad 1 vethlab down
	told
	bad 2 vethlab -l one exec a
	told
	golden option-places
	good vethlab --lab=one ping a b -q
	good vethlab -l two -j ping a b -q
	assert_eq "$(jq -r .answered <<<"$out")" 1 "answered"
	good vethlab down one
	good vethlab down two
	bad 2 vethlab -l
}

test_from_and_to() {
	up two-hosts
	bad 2 vethlab ping a 10.0.0.300
	told
	bad 2 vethlab ping a 10.0.0.2/24
	told
	bad 2 vethlab why a fd00:::1
	told
	bad 2 vethlab ping a:eth0 b
	told
	golden from-and-to
	good vethlab down two-hosts
}

# Numbers are written alike everywhere: digits alone, and none that a smaller type would cut.
test_numbers() {
	local c
	up two-hosts
	bad 2 vethlab ping a b -4 -6
	told
	for c in 1.0 1e3 -5 +5 " 5" 5x 18446744073709551616 ""; do
		bad 2 vethlab ping a b -c "$c"
		told
		bad 2 vethlab traceroute a b -m "$c"
		told
		bad 2 vethlab capture -w /dev/null -c "$c"
		told
		bad 2 vethlab trace -c "$c"
		told
	done
	bad 2 vethlab capture -w /dev/null -s 4294967300
	told
	golden numbers
	good vethlab ping a b -c 0x2 -i 0 -q -j
	answered 2
	good vethlab down two-hosts
}

# Times are written alike everywhere.
test_times() {
	local time
	up two-hosts
	for time in 500ms 0.5s 0.5 "500 ms" 500000us; do
		good vethlab ping a b -c 2 -i "${time/50/0}" -W "$time" -q -j
		answered 2
		good vethlab traceroute a b -W "$time"
	done
	good vethlab trace --for 1ms
	good vethlab ping a b -W 2000000000ns -q
	for time in 1e9 99999999min 1e30ns nan inf; do
		bad 2 vethlab trace --for "$time"
		told
	done
	bad 2 vethlab ping a b -W 0
	told
	bad 2 vethlab ping a b -i 5x
	told
	golden times
	good vethlab down two-hosts
}

filter_error() { # STATUS FILTER...
	bad "$1" timeout "$WAIT" "$BUILD/vethlab" trace "${@:2}"
	told
}

test_filters() {
	up two-hosts
	filter_error 2 end b
	filter_error 1 end b:eht0
	filter_error 2 type
	filter_error 2 type ecco
	filter_error 2 type echo,xyz
	filter_error 2 type req
	filter_error 2 drop
	filter_error 2 slower-then 5us
	filter_error 2 two-hosts
	filter_error 2 slower-than 5
	filter_error 2 v4 v6
	filter_error 2 v4 fd00::1
	filter_error 2 a b
	filter_error 2 nodde
	filter_error 2 10.0.0.300
	golden filters
	good vethlab trace --for 1ms v4 10.0.0.1 src 10.0.0.2 dst 10.0.0.1 node a type echo
	good vethlab down two-hosts
}

# An option, a lab that was meant.
test_meant() {
	bad 2 vethlab ping a b --flod
	told
	bad 2 vethlab stats --openmetrisc
	told
	bad 2 vethlab stats --csv=x
	told
	bad 2 vethlab show --jsno
	told
	bad 2 vethlab check --nonsense blue
	told
	bad 2 vethlab stats --since
	told
	bad 2 vethlab stats --watch 99999999999
	told
	bad 3 vethlab up nosuch
	told
	up two-hosts
	bad 1 vethlab show two-hsots
	told
	bad 1 vethlab trace -l nosuch
	told
	rm /run/vethlab/two-hosts/state.json # as after a crash
	bad 1 vethlab show two-hosts
	told
	golden meant
	good vethlab down two-hosts
	good vethlab help help
	golden help
}

# As many as were asked for, and no more are told or kept.
test_counts() {
	local tracer
	up two-hosts
	vethlab record "$TEST_TMP/one.rec" -c 1 2>"$TEST_TMP/log" &
	tracer=$!
	vethlab trace -c 1 >"$TEST_TMP/records" 2>"$TEST_TMP/sums" &
	wait_until grep -q SECONDS "$TEST_TMP/records"
	wait_until test -s "$TEST_TMP/one.rec" -o -e "$TEST_TMP/one.rec"
	while kill -0 $tracer 2>/dev/null || [[ -n $(jobs -rp) ]]; do
		good vethlab ping a b -q
	done
	wait
	assert_eq "$(grep -c ' > ' "$TEST_TMP/records")" 1 "records shown"
	assert_eq "$(grep -c '^1 record' "$TEST_TMP/sums")" 1 "records told"
	assert_eq "$(cat "$TEST_TMP/log")" "1 record, 0 drops, 0 lost" "records kept"
	good vethlab replay "$TEST_TMP/one.rec"
	assert_eq "$(grep -c ' > ' <<<"$out")" 1 "records replayed"
	good vethlab down two-hosts
}

test_no_file() {
	bad 3 vethlab replay "$TEST_TMP/nothing.rec"
	told
	echo "lab: no" >"$TEST_TMP/text.rec"
	bad 3 vethlab replay "$TEST_TMP/text.rec"
	told
	bad 3 vethlab replay -i failed "$TEST_TMP/text.rec"
	told
	golden no-file
}

# Long names and addresses do not make long lines.
test_width() {
	local verb
	cat >"$TEST_TMP/wide.yaml" <<-'YAML'
		lab: wide
		nodes:
		  one-of-the-hosts: {routes: ["default via fd00:aaaa:bbbb:cccc::1"]}
		  the-router: {forward: v6}
		  the-other-host: {routes: ["default via fd00:aaaa:bbbb:dddd::1"]}
		links:
		  - endpoints:
		      - {end: "one-of-the-hosts:interface", address: "fd00:aaaa:bbbb:cccc:1111:2222:3333:4444/64"}
		      - {end: "the-router:left", address: "fd00:aaaa:bbbb:cccc::1/64"}
		  - endpoints:
		      - {end: "the-router:right", address: "fd00:aaaa:bbbb:dddd::1/64"}
		      - {end: "the-other-host:interface", address: "fd00:aaaa:bbbb:dddd::3333:4444/64"}
	YAML
	up "$TEST_TMP/wide.yaml"
	good vethlab show
	fits
	good vethlab show -v
	fits
	says "    fd00:aaaa:bbbb:dddd::3333:4444/64"
	good vethlab ping one-of-the-hosts the-other-host
	fits
	good vethlab traceroute one-of-the-hosts the-other-host
	fits
	good vethlab down wide
	for verb in $(vethlab help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p'); do
		good vethlab help "$verb"
		fits
	done
}

run_tests
