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
	says "blue:veth1 -- default:veth0 is gone" "vethlab down blue"
	says_not "veth2" "is down"
	bad 1 vethlab why default 10.1.1.1 -j
	assert_eq "$(jq -r .there.end <<<"$out")" link-gone "why"
	bad 1 vethlab ping default 10.1.1.1
	says "default:veth0 -- blue:veth1 is gone"
	bad 1 vethlab link default:veth0 up
	says "default:veth0 is gone: it was deleted" "nothing less brings a deleted link back"
	good vethlab down blue
}

test_broadcast() {
	up lan
	bad 1 vethlab ping a 10.0.0.255 -W 0.3 -c 2 -i 0
	says "10.0.0.255 is a broadcast address" "b:eth0   in" "c:eth0   in" "one of several"
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
	says " 1  it did not leave a: nobody behind a:eth0 has the address 10.0.0.77"
	says_not " 2 " "10.0.0.1 "
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
	says "several labs run: one, two" "say which"
	bad 2 vethlab -l one exec a
	says "which command?"
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
	says "'10.0.0.300' is no IPv4 address" "0 to 255"
	bad 2 vethlab ping a 10.0.0.2/24
	says "without a prefix length"
	bad 2 vethlab why a fd00:::1
	says "is no IPv6 address"
	bad 2 vethlab ping a:eth0 b
	says "'a:eth0' is an end" "from its node: a"
	good vethlab down two-hosts
}

# Numbers are written alike everywhere: digits alone, and none that a smaller type would cut.
test_numbers() {
	local c
	up two-hosts
	bad 2 vethlab ping a b -4 -6
	says "-4 or -6: not both"
	for c in 1.0 1e3 -5 +5 " 5" 5x 18446744073709551616 ""; do
		bad 2 vethlab ping a b -c "$c"
		says "that is not a number of echoes"
		bad 2 vethlab traceroute a b -m "$c"
		says "that is not 1 to 255"
		bad 2 vethlab capture -w /dev/null -c "$c"
		says "that is no number of frames"
		bad 2 vethlab trace -c "$c"
		says "that is no number of lines"
	done
	bad 2 vethlab capture -w /dev/null -s 4294967300
	says "that is not 1 to 262144 bytes"
	good vethlab ping a b -c 0x2 -i 0 -q
	says "$(text_answered 2)"
	good vethlab down two-hosts
}

# Times are written alike everywhere.
test_times() {
	local time
	up two-hosts
	for time in 500ms 0.5s 0.5 "500 ms" 500000us; do
		good vethlab ping a b -c 2 -i "${time/50/0}" -W "$time" -q
		says "$(text_answered 2)"
		good vethlab traceroute a b -W "$time"
	done
	good vethlab trace --for 1ms
	good vethlab ping a b -W 2000000000ns -q
	for time in 1e9 99999999min 1e30ns nan inf; do
		bad 2 vethlab trace --for "$time"
		says "--for $time: that is no time"
	done
	bad 2 vethlab ping a b -W 0
	says "-W 0: that is no time"
	bad 2 vethlab ping a b -i 5x
	says "-i 5x: that is no time"
	good vethlab down two-hosts
}

filter_error() { # TEXT... -- FILTER...
	local -a texts=()
	while [[ $1 != -- ]]; do
		texts+=("$1")
		shift
	done
	shift
	bad 2 timeout "$WAIT" "$BUILD/vethlab" trace "$@"
	says "${texts[@]}"
}

test_filters() {
	up two-hosts
	filter_error "'b' is a node, and no end" "b:eth0" -- end b
	filter_error "no end 'b:eht0'" "did you mean 'b:eth0'?" -- end b:eht0
	filter_error "'type' needs a value" "request, reply" -- type
	filter_error "no type 'ecco'" "did you mean 'echo'?" -- type ecco
	filter_error "no type 'xyz'" "request, reply" -- type echo,xyz
	filter_error "did you mean 'request'?" -- type req
	filter_error "did you mean 'dropped'?" -- drop
	filter_error "did you mean 'slower-than'?" -- slower-then 5us
	filter_error "'two-hosts' is the lab" "-l LAB" -- two-hosts
	filter_error "slower-than 5: of what unit?" "slower-than 5us, 5ms or 5s" -- slower-than 5
	filter_error "no packet is both" -- v4 v6
	filter_error "no packet is both" -- v4 fd00::1
	filter_error "a node is there twice" -- a b
	filter_error "did you mean 'node'?" -- nodde
	filter_error "'10.0.0.300' is no address" -- 10.0.0.300
	good vethlab trace --for 1ms v4 10.0.0.1 src 10.0.0.2 dst 10.0.0.1 node a type echo
	good vethlab down two-hosts
}

# An option, a lab that was meant.
test_meant() {
	bad 2 vethlab ping a b --flod
	says "unknown option --flod: did you mean --flood?" "usage: vethlab ping"
	bad 2 vethlab stats --openmetrisc
	says "unknown option" "$(text_did_you_mean --openmetrics)"
	bad 2 vethlab stats --csv=x
	says "--csv takes no value"
	bad 2 vethlab show --jsno
	says "$(text_did_you_mean --json)"
	bad 2 vethlab check --nonsense blue
	says "unknown option --nonsense"
	says_not "did you mean"
	bad 2 vethlab stats --since
	says "--since needs a value"
	bad 2 vethlab stats --watch 99999999999
	says "--watch takes a time"
	bad 3 vethlab up nosuch
	says "there are blue, " "rp-filter, two-hosts; a lab file is named by its path: ./nosuch.yaml"
	up two-hosts
	bad 1 vethlab show two-hsots
	says "$(text_did_you_mean "'two-hosts'")"
	bad 1 vethlab trace -l nosuch
	says "\`vethlab ls\` lists what runs"
	rm /run/vethlab/two-hosts/state.json # as after a crash
	bad 1 vethlab show two-hosts
	says "does not run" "left by a crash" "vethlab down two-hosts"
	says_not "did you mean"
	good vethlab down two-hosts
	good vethlab help help
	says "usage: vethlab VERB"
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
	bad 5 vethlab replay "$TEST_TMP/nothing.rec"
	says "cannot open it"
	echo "lab: no" >"$TEST_TMP/text.rec"
	bad 1 vethlab replay "$TEST_TMP/text.rec"
	says "$(text_no_recording)"
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
