#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_ping.sh - vethlab ping: real echoes, the way of each, and where it was seen last when no answer
# comes.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# The hops of the first echo: "default:veth0 out request first, blue:veth1 in request link, ..."
hops() {
	jq -r 'select(.schema == "vethlab.ping/1" and .seq == 1) | .itinerary.hops |
		map("\(.end) \(.hook) \(.leg) \(.step)") | join(", ")' <<<"$out"
}

field() { # FILTER, of the first echo
	jq -r "select(.schema == \"vethlab.ping/1\" and .seq == 1) | $1" <<<"$out"
}

test_there_and_back() {
	local there="default:veth0 out request first, blue:veth1 in request link, blue:veth1 out reply turn"
	up_answering --xdp off
	good vethlab ping default 10.1.1.1 -c 3 -i 0 -j
	assert_eq "$(hops)" "$there, default:veth0 in reply link" "hops"
	assert_eq "$(field .result)" answered "result"
	assert_eq "$(field .stayed_on_lo)" false "stayed on lo"
	# Times grow along the way, and no step is negative.
	assert_eq "$(field '.itinerary.hops | map(.at_ns) | . == sort')" true "times grow"
	assert_eq "$(field '.itinerary.hops | map(.step_ns >= 0) | all')" true "no negative step"
	assert_eq "$(field '.itinerary.round_trip_ns <= .rtt_ns')" true "the program sees more than the ends"
	assert_eq "$(jq -s 'map(select(.schema == "vethlab.ping/1")) | length' <<<"$out")" 3 "echoes"
	assert_eq "$(jq -s 'map(select(.schema == "vethlab.ping-summary/1")) | .[0] |
		[.sent, .answered, .lost_records] == [3, 3, 0]' <<<"$out")" true "the summary"
	# 3, and the one of lab().
	assert_echo default:veth0 out 4 0
	assert_echo blue:veth1 in 4 0
	good vethlab down
}

test_with_xdp() {
	up_answering --xdp generic
	good vethlab ping blue 10.1.1.2 -c 1 -j
	assert_eq "$(hops)" "blue:veth1 out request first, default:veth0 xdp request link, default:veth0 in request end, default:veth0 out reply turn, blue:veth1 xdp reply link, blue:veth1 in reply end" "hops"
	good vethlab down
}

test_text() {
	up_answering
	good vethlab ping default 10.1.1.1 -c 1
	says "64 bytes from 10.1.1.1" default:veth0 blue:veth1 "crossed the link in" "$(text_answered 1)"
	assert_eq "$(awk 'length > 80' <<<"$out")" "" "lines over 80 columns"
	good vethlab down
}

# An address, a node, an end: all the same packet.
test_targets() {
	local to
	up_answering
	for to in 10.1.1.1 blue blue:veth1; do
		good vethlab ping default $to -c 1 -j
		assert_eq "$(field .answer_from)" 10.1.1.1 "ping default $to"
	done
	bad 1 vethlab ping nobody 10.1.1.1
	says nobody
	bad 1 vethlab ping default blue:veth9
	says veth9
	bad 2 vethlab ping default
	bad 2 vethlab ping default 10.1.1.300
	good vethlab down
}

# The seed takes 10.1.1.1 and 10.1.1.3 for two systems.
test_own_address() {
	up blue
	good vethlab ping blue 10.1.1.3 -c 1 -j
	assert_eq "$(field '[.result, .stayed_on_lo] | join(" ")')" "answered true" "10.1.1.3"
	good vethlab ping blue 10.1.1.1 -c 1
	says "lo" "never crosses a veth"
	assert_eq "$(awk 'length > 80' <<<"$out")" "" "lines over 80 columns"
	assert_echo blue:veth3 out 0 0
	assert_echo blue:veth1 out 0 0
	good vethlab down
}

test_no_route() {
	up blue
	bad 1 vethlab ping default 10.1.1.1 -c 1
	says "default:veth0 is down, so default has no route to 10.1.1.1" "vethlab link default:veth0 up"
	good vethlab down
}

# Seen at the other end and not answered: blue is told not to.
test_last_seen_at_the_far_end() {
	up_answering --xdp off
	inside blue sh -c 'echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all'
	bad 1 vethlab ping default 10.1.1.1 -c 1 -W 0.5 -j
	assert_eq "$(field '.itinerary.last_seen | "\(.end) \(.hook)"')" "blue:veth1 in" "last seen"
	assert_eq "$(field .result)" unanswered "result"
	assert_eq "$(field .itinerary.delivered)" true "delivered"
	assert_eq "$(jq -c 'select(.losses) | .losses | map([.count, .fate, .last_seen.end])' <<<"$out")" \
		'[[1,"delivered","blue:veth1"]]' "the loss in the summary"
	bad 1 vethlab ping default 10.1.1.1 -c 1 -W 0.5
	says "the request was delivered to blue (blue:veth1 in)"
	says_not "last seen" "without answer" "slowest step"
	# Of several, the summary tells it too.
	bad 1 vethlab ping default 10.1.1.1 -c 2 -i 0.01 -W 0.5
	says "2 without answer: the request was delivered to blue (blue:veth1 in)"
	good vethlab down
}

# The reply is lost on the way: nobody forwards it, it is dropped by a filter at default.
test_last_seen_on_the_way_back() {
	up_answering --xdp off
	nft list ruleset >/dev/null 2>&1 || skip_test "this kernel has no nftables"
	nft -f - <<-'END' || skip_test "this kernel has no nftables"
		table inet t {
			chain c {
				type filter hook input priority 0;
				icmp type echo-reply drop
			}
		}
	END
	bad 1 vethlab ping default 10.1.1.1 -c 1 -W 0.5 -j
	assert_eq "$(field '.itinerary.last_seen | "\(.end) \(.hook) \(.leg)"')" \
		"default:veth0 in reply" "last seen"
	nft delete table inet t
	good vethlab down
}

# Lost between the ends: a queue that drops everything sits behind the out hook.
test_vanished_on_the_link() {
	up_answering --xdp off
	tc qdisc add dev veth0 root netem loss 100% 2>/dev/null || skip_test "this kernel has no sch_netem"
	ip neigh replace 10.1.1.1 lladdr "$(ip_link blue veth1 .address)" dev veth0 nud permanent
	bad 1 vethlab ping default 10.1.1.1 -c 2 -i 0 -W 0.5 -j
	assert_eq "$(field '.itinerary.last_seen | "\(.end) \(.hook)"')" "default:veth0 out" "last seen"
	assert_eq "$(vethlab stats --json | jq '.links[0].directions[0].kinds["icmp4.echo_request"].lost')" 2 \
		"requests lost in the ledger"
	tc qdisc del dev veth0 root
	good vethlab down
}

test_ipv6() {
	cat >"$TEST_TMP/six.yaml" <<-END
		lab: six
		nodes:
		  a: {}
		  b: {}
		links:
		  - endpoints:
		      - {end: "a:x", address: "fd00:1::1/64"}
		      - {end: "b:y", address: "fd00:1::2/64"}
	END
	up "$TEST_TMP/six.yaml" --xdp off
	good vethlab ping a fd00:1::2 -c 1 -W 5 -j
	assert_eq "$(hops)" "a:x out request first, b:y in request link, b:y out reply turn, a:x in reply link" "hops"
	good vethlab ping b a -6 -c 1 -W 5 -j
	assert_eq "$(field .answer_from)" fd00:1::1 "answer from"
	good vethlab down
}

# Larger than the link: fragments are told as fragments.
test_fragments() {
	up_answering --xdp off
	good vethlab ping default 10.1.1.1 -c 1 -s 4000 -j
	assert_eq "$(field .result)" answered "result"
	assert_eq "$(count blue:veth1 in fragments)" 2 "later fragments at blue:veth1"
	assert_eq "$(count blue:veth1 in icmp4.echo_request)" 2 "requests, with the one of lab()"
	good vethlab down
}

# As ping -f: until it is interrupted, then the summary alone; with -c, so many.
test_flood() {
	local pid
	up_answering
	"$BUILD/vethlab" ping default 10.1.1.1 --flood >"$TEST_TMP/said" &
	pid=$!
	flooded() {
		[[ $(count blue:veth1 in icmp4.echo_request) -gt 200 ]]
	}
	wait_until flooded
	kill -INT $pid
	wait $pid
	good cat "$TEST_TMP/said"
	[[ $out =~ ([0-9]+)" sent, "([0-9]+)" answered" ]] || fail "no summary: $out"
	[[ ${BASH_REMATCH[2]} -gt 100 ]] || fail "too few answers: $out"
	says_not "64 bytes from" "crossed the link"
	says "round trip min" p50 p99 "slowest step"
	good vethlab ping default 10.1.1.1 -f -c 7 -j
	assert_eq "$(jq -s -c 'map([.schema, .sent, .answered])' <<<"$out")" \
		'[["vethlab.ping-summary/1",7,7]]' "a flood of seven"
	good vethlab down
}

# ping(8) has a socket whose filter lets through only its own answers. What becomes of the copies of others is
# no loss.
test_beside_a_filter() {
	local pid
	up_answering
	ping -i 100 10.1.1.1 >"$TEST_TMP/theirs" &
	pid=$!
	wait_until grep -q icmp_seq=1 "$TEST_TMP/theirs"
	good vethlab ping default 10.1.1.1
	says "$(text_answered 1)"
	says_not dropped
	good vethlab ping default 10.1.1.1 -j
	assert_eq "$(field .itinerary.fate)" answered "fate"
	kill $pid
	wait $pid || true
	good vethlab down
}

# Answers to a flood of others, which its socket gets as well, do not push out its own while it is kept from
# reading: none is dropped.
test_stopped_beside_a_flood() {
	local pid
	up_answering
	env --default-signal=INT "$BUILD/vethlab" ping default 10.1.1.1 -c 0 -i 60 -W 100 >"$TEST_TMP/said" &
	pid=$!
	wait_until grep -q icmp_seq=1 "$TEST_TMP/said"
	kill -STOP $pid
	good ping -f -q -c 5000 10.1.1.1
	says "5000 received"
	assert_eq "$(awk 'NR > 1 { print $NF }' /proc/net/raw)" 0 "answers that its socket dropped"
	kill -CONT $pid
	kill -INT $pid
	wait $pid
	good cat "$TEST_TMP/said"
	says "$(text_answered 1)"
	good vethlab down
}

# -f of ping(8) beside it does not confuse it: echoes are told apart.
test_beside_a_flood() {
	local flood
	up_answering
	ping -f -q -c 20000 10.1.1.1 >/dev/null &
	flood=$!
	good vethlab ping default 10.1.1.1 -c 20 -i 0.01 -W 10 -j
	assert_eq "$(jq -c 'select(.schema == "vethlab.ping/1") |
		select(.result != "answered" or (.itinerary.hops | length) != 6) |
		{seq, result, fate: .itinerary.fate, last_seen: .itinerary.last_seen,
		 hops: [.itinerary.hops[]? | "\(.at_ns) \(.end) \(.hook) \(.leg) \(.step) cpu \(.cpu)"],
		 drops: .itinerary.drops}' <<<"$out")" "" "echoes that are not whole"
	assert_eq "$(jq -s -c 'map([.schema, .sent, .answered, .lost_records]) | last' <<<"$out")" \
		'["vethlab.ping-summary/1",20,20,0]' "the summary"
	wait $flood
	good vethlab down
}

run_tests
