#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_echoes.sh - echoes that are followed in the kernel: none is taken for another, and their times are
# those of the sender and of the link.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

MANY=66000 # more than there are sequence numbers

hub() { # two nodes that have the same address and ask the same one, on two links
	cat >"$TEST_TMP/hub.yaml" <<-'END'
		lab: hub
		nodes: {a: {}, b: {}, c: {}, d: {}}
		links:
		  - endpoints:
		      - {end: "a:x", address: 10.8.0.1/24}
		      - {end: "b:y", address: 10.8.0.2/24}
		  - endpoints:
		      - {end: "c:x", address: 10.8.0.1/24}
		      - {end: "d:y", address: 10.8.0.2/24}
	END
}

echoes() { # LAB END
	vethlab stats "$1" --time --json | jq -r ".echoes[] | select(.end == \"$2\") |
		\"\(.requests) \(.answered) \(.late + .failed + .unanswered + .waiting + .forgotten) \" +
		\"\(.duplicates) \(.reordered) \(.unmatched)\""
}

times() { # LAB KIND END FIELD
	vethlab stats "$1" --time --json |
		jq "[.times[] | select(.kind == \"$2\" and .end == \"$3\") | .$4] | add // 0"
}

# Four pingers at once, with one id and the same two addresses, on two links of each of two labs.
test_no_crosstalk() {
	local lab node n
	local -a pids=()
	ping -e 77 -c 1 -q 127.0.0.1 >/dev/null 2>&1 || skip_test "this ping has no -e"
	hub
	up "$TEST_TMP/hub.yaml" --as one
	up "$TEST_TMP/hub.yaml" --as two
	for lab in one two; do
		for node in a c; do
			ip netns exec "$lab-$node" ping -e 77 -q -i 0.002 -c 300 10.8.0.2 >"$TEST_TMP/$lab-$node" &
			pids+=($!)
		done
	done
	# On one of them the same id is taken by a second pinger meanwhile, for an address of nobody.
	inside one-a ping -e 77 -q -c 3 -i 0.01 -W 1 10.8.0.99 >/dev/null || true
	for n in "${pids[@]}"; do
		wait "$n" || fail "a ping got no answers"
	done
	for lab in one two; do
		for node in a c; do
			assert_eq "$(echoes $lab $node:x)" "300 300 0 0 0 0" "echoes of $lab-$node"
			assert_eq "$(times $lab echo_rtt $node:x count)" 300 "their round trips"
			assert_eq "$(times $lab transit $node:x count)" 300 "their transits"
		done
	done
	# The id is used again, with the same numbers.
	good inside one-a ping -e 77 -q -i 0.002 -c 50 10.8.0.2
	assert_eq "$(echoes one a:x)" "350 350 0 0 0 0" "echoes of one-a, its id used again"
	assert_eq "$(echoes one c:x)" "300 300 0 0 0 0" "echoes of one-c"
	down_at_rest one
	down_at_rest two
}

# More echoes of one id than there are sequence numbers.
test_sequence_wraps() {
	hub
	up "$TEST_TMP/hub.yaml"
	good vethlab stats --time --echo-timeout 60
	good inside a ping -f -q -c "$MANY" 10.8.0.2
	says "$MANY received"
	assert_eq "$(echoes hub a:x)" "$MANY $MANY 0 0 0 0" "echoes"
	assert_eq "$(times hub echo_rtt a:x count)" "$MANY" "round trips"
	assert_eq "$(($(times hub transit b:y count) + $(times hub transit b:y negative)))" "$MANY" \
		"transits of replies"
	down_at_rest
}

# Paired: until its reply has left the other end, an echo is inside of what the sender times, each time (it
# ends when the kernel stamps the reply, just before `in`). What the sender's system call and its waking take is
# on top, 2 to 9 us, another for each echo; so each has its own offset, and the distribution of the rest is
# that of the histogram, which reads the clock by itself: at five quantiles, but for the width of a bin and a
# microsecond. Ranks may differ by a few, where the two order times differently.
test_sender_agrees() {
	local paired ours
	hub
	up "$TEST_TMP/hub.yaml"
	good vethlab ping a b -c 20 -i 0.001
	good vethlab stats --reset
	vethlab ping a b -c 400 -i 0.001 --json | jq -c 'select(.result == "answered")' >"$TEST_TMP/pings"
	paired=$(jq -s '[.[] | select(.itinerary.round_trip_ns > 0)] | length' "$TEST_TMP/pings")
	assert_eq "$paired" 400 "echoes with both times"
	assert_eq "$(jq -s '[.[] | .rtt_ns as $rtt | .itinerary.hops[] |
		select(.leg == "reply" and .hook == "out" and .at_ns < $rtt)] | length' "$TEST_TMP/pings")" \
		400 "echoes whose reply left within the time that the sender saw"
	assert_eq "$(times hub echo_rtt a:x count)" 400 "round trips in the histogram"
	ours=$(vethlab stats hub --time --json | jq -c '.times[] | select(.kind == "echo_rtt" and .end == "a:x") |
		[[0.1, 0.25, 0.5, 0.75, 0.9][] as $part | .bins as $bins | (.count * $part | ceil) as $rank |
		 first(foreach $bins[] as $bin ({n: 0}; .n += $bin[2] | .bin = $bin; select(.n >= $rank).bin))]')
	asserted
	jq -es --argjson ours "$ours" '([.[].itinerary.round_trip_ns] | sort) as $theirs |
		[39, 99, 199, 299, 359] as $ranks |
		all(range(5); $ours[.] as $bin | $ranks[.] as $rank |
			$theirs[$rank + 6] >= $bin[0] - 1000 and $theirs[$rank - 6] <= $bin[1] + 1000)' \
		"$TEST_TMP/pings" >/dev/null ||
		fail "bins of the quantiles: $ours; paired: $(jq -cs '[.[].itinerary.round_trip_ns] | sort |
			[.[39], .[99], .[199], .[299], .[359]]' "$TEST_TMP/pings")"
	down_at_rest
}

# A delay that is known is in the transit of its link and direction, and nowhere else: of two requests at
# once, the second one waits in a queue for what it is too long by, at the queue's rate. 1442 bytes each, of
# which a bucket of 1600 leaves room for 158; 1284 bytes at 100 kB/s. It waits shorter for what came between
# the two, and longer if this machine is late; so until ten waited for that long, to the width of a bin.
test_known_delay() {
	local waited=0 pairs
	hub
	up "$TEST_TMP/hub.yaml"
	good inside a ping -q -c 1 10.8.0.2
	good inside a tc qdisc add dev x root tbf rate 800kbit burst 1600 limit 20000
	good vethlab stats --reset
	sleep 0.03
	for ((pairs = 0; waited < 10 && pairs < 200; pairs++)); do
		good inside a ping -q -s 1400 -l 2 -c 2 -W 10 10.8.0.2
		sleep 0.03 # the bucket fills
		[[ $((pairs % 10)) -ne 9 ]] || waited=$(between a:x 12400000 13300000)
	done
	[[ $waited -ge 10 ]] || fail "of $pairs, $waited waited for 12.84 ms: $(times hub transit a:x bins)"
	assert_eq "$(times hub transit a:x count)" $((2 * pairs)) "transits of requests"
	[[ $(between a:x 0 6000000) -ge $((pairs / 2)) ]] || fail "the first of two waited as well"
	[[ $(between b:y 0 6000000) -ge $pairs ]] || fail "the way back took as long"
	down_at_rest
}

# Transits of an end that took so long, by their bins.
between() { # END FROM-NS TO-NS
	times hub transit "$1" "bins | map(select(.[0] >= $2 and .[1] <= $3 and .[1] != null)[2]) | add // 0"
}

# Every echo is delayed, where the kernel can.
test_delay_of_all() {
	local min
	hub
	up "$TEST_TMP/hub.yaml"
	inside a tc qdisc add dev x root netem delay 20ms 2>/dev/null ||
		skip_test_down "this kernel has no sch_netem"
	good inside a ping -q -i 0.01 -c 40 10.8.0.2
	min=$(times hub transit a:x min_ns)
	[[ $min -ge 20000000 && $min -lt 21000000 ]] || fail "the fastest took $min ns"
	[[ $(times hub transit b:y min_ns) -lt 20000000 ]] || fail "the way back took as long"
	[[ $(times hub echo_rtt a:x min_ns) -ge 20000000 ]] || fail "the round trip took less"
	down_at_rest
}

# Behind NAT an echo has other addresses: no residence, as docs/limits.md says; all else is there.
test_nat() {
	up nat
	good inside pc ping -q -c 20 -i 0.002 198.51.100.1
	assert_eq "$(echoes nat pc:eth0)" "20 20 0 0 0 0" "echoes before the NAT"
	assert_eq "$(echoes nat home:wan)" "20 20 0 0 0 0" "echoes behind it"
	assert_eq "$(times nat transit home:wan count) $(times nat transit pc:eth0 count)" "20 20" "transits"
	assert_eq "$(times nat residence home:lan count) $(times nat residence home:wan count)" "0 0" \
		"residence in the node that translates"
	good inside home nft flush ruleset
	good inside server ip route add 192.168.1.0/24 via 198.51.100.2
	good inside pc ping -q -c 20 -i 0.002 198.51.100.1
	assert_eq "$(times nat residence home:lan count) $(times nat residence home:wan count)" "20 20" \
		"residence without NAT"
	down_at_rest
}

# What ICMP errors say of echoes, through two routers: on each link by which the request left, it was refused; where
# the error was made, it is one of that end's. Of the errors about other packets there is neither.
far() {
	cat >"$TEST_TMP/far.yaml" <<-'END'
		lab: far
		routing: static
		nodes:
		  a: {}
		  r1: {forward: both}
		  r2: {forward: both, sysctls: {net.ipv4.icmp_ratelimit: 0, net.ipv6.icmp.ratelimit: 0}}
		  b: {}
		links:
		  - endpoints:
		      - {end: "a:x", addresses: [10.1.0.1/24, "fd01::1/64"]}
		      - {end: "r1:x", addresses: [10.1.0.2/24, "fd01::2/64"]}
		  - endpoints:
		      - {end: "r1:y", addresses: [10.2.0.1/24, "fd02::1/64"]}
		      - {end: "r2:y", addresses: [10.2.0.2/24, "fd02::2/64"]}
		  - endpoints:
		      - {end: "r2:z", addresses: [10.3.0.1/24, "fd03::1/64"]}
		      - {end: "b:z", addresses: [10.3.0.2/24, "fd03::2/64"]}
		    mtu: 1300
	END
	up "$TEST_TMP/far.yaml"
	# It does not take r2 seconds to find out that nobody is there.
	good inside r2 sysctl -qw net.ipv{4,6}.neigh.z.{mcast_solicit=1,retrans_time_ms=20}
}

# All that echoes met since the last reset: end, requests, answered, failed, errors; and what is neither.
met() {
	vethlab stats --time --json >"$TEST_TMP/met"
	jq -c '[.echoes[] | select(.requests + .failed + .errors + .answered > 0) |
		[.end, .requests, .answered, .failed, .errors]], ([.echoes[] | .late + .forgotten +
		.unanswered + .waiting + .duplicates + .reordered + .unmatched] | add)' "$TEST_TMP/met"
}

# N echoes that r2 refuses, by an error that is counted as KIND.
refused() { # N FAMILY KIND OPTION OF PING...
	local n=$1 family=$2 kind=icmp$2.$3 what="$3, IPv$2, ${*:4}"
	shift 3
	good vethlab stats --reset
	bad 1 inside a ping "-$family" -q -c "$n" -i 0.002 -W 5 "$@"
	says "+$n errors"
	assert_eq "$(met)" "[[\"a:x\",$n,0,$n,0],[\"r1:y\",$n,0,$n,0],[\"r2:y\",0,0,0,$n]]"$'\n0' "echoes: $what"
	assert_eq "$(jq -c "[.links[].directions[] | select(.kinds[\"$kind\"]) |
		[.from, .kinds[\"$kind\"].sent, .kinds[\"$kind\"].received]]" "$TEST_TMP/met")" \
		"[[\"r1:x\",$n,$n],[\"r2:y\",$n,$n]]" "the errors: $what"
	good vethlab stats --time
	says "  a:x -> r1:x
    $n requests: $n refused by an ICMP error
" "  r1:y -> r2:y
    $n requests: $n refused by an ICMP error
" "  r2:y -> r1:y
    $n ICMP errors made here"
}

test_errors_are_of_their_echo() {
	local id
	far
	good inside a ping -q -c 1 -W 5 10.3.0.2
	good inside a ping -q -c 1 -W 5 fd03::2
	refused 17 4 time_exceeded -t 2 10.3.0.2
	refused 15 6 time_exceeded -t 2 fd03::2
	refused 13 4 unreachable 10.3.0.9
	refused 12 6 unreachable fd03::9
	refused 1 4 unreachable -M "do" -s 1400 10.3.0.2
	refused 1 6 unreachable -M "do" -s 1400 fd03::2
	# Which echoes want one place of the table hangs on the identifier.
	if ping -e 1 -c 1 -q 127.0.0.1 >/dev/null 2>&1; then
		for id in 1 2 3 4; do
			refused 13 4 unreachable -e "$id" 10.3.0.9
			refused 13 6 unreachable -e "$id" fd03::9
		done
	fi
	# Errors that quote no echo: of datagrams to a port where nobody listens.
	good vethlab stats --reset
	good inside a bash -c 'for i in 1 2 3; do echo >/dev/udp/10.2.0.2/9; echo >/dev/udp/fd02::2/9; done'
	wait_until errors_came 6
	assert_eq "$(met)" $'[]\n0' "echoes: none was sent"
	down_at_rest
}

# Replies that come again, in another order, too late, for no request, and never: crafted, so that each is sure.
test_replies_that_are_odd() {
	local family
	hub
	for family in 4 6; do
		up "$TEST_TMP/hub.yaml"
		good vethlab stats --time --echo-timeout 600
		good inside a "$HELPERS/frames" --echoes x "echo$family" 1 2 3 4 5 6
		good inside b "$HELPERS/frames" --echoes y "reply$family" 1 1 3 2 9 4
		assert_eq "$(odd a:x)" "6 4 0 2 0 1 1 1" "IPv$family: before it is too late"
		good vethlab stats --time --echo-timeout 0.001
		good inside b "$HELPERS/frames" --echoes y "reply$family" 5
		assert_eq "$(odd a:x)" "6 4 1 0 1 1 1 1" "IPv$family: requests, answered, late and so on"
		assert_eq "$(times hub echo_rtt a:x count)" 5 "IPv$family: round trips"
		good vethlab stats --time
		says "  a:x -> b:y
    6 requests: 4 answered, 1 unanswered, 1 answered too late,
      1 answered again, 1 answered out of order, 1 replies to no known request"
		down_at_rest
	done
}

odd() { # END
	vethlab stats --time --json | jq -r ".echoes[] | select(.end == \"$1\") | \"\(.requests) \(.answered) \" +
		\"\(.late) \(.waiting) \(.unanswered) \(.duplicates) \(.reordered) \(.unmatched)\""
}

errors_came() { # N
	vethlab stats --json | jq -e "[.links[].directions[] | select(.from == \"r1:x\").kinds |
		.[\"icmp4.unreachable\", \"icmp6.unreachable\"].received] | add == $1"
}

skip_test_down() { # WHY
	down_at_rest
	skip_test "$1"
}

run_tests
