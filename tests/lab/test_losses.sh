#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_losses.sh - packets that are lost on purpose, each kind with its reason, its place and its exact
# number in the ledger, and nothing unexplained. What nft and queues drop is in test_stats.sh, what a full
# ring drops in tests/prog/test_drops.c.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N=17

ledger() { # END JQ-PATH
	vethlab stats --json | jq -r ".links[].directions[] | select(.from == \"$1\") | $2"
}

# Packets that were dropped at a stage, for a reason, at a place, in the direction that leaves END.
dropped() { # END STAGE REASON PLACE
	ledger "$1" "[.drops[] | select(.stage == \"$2\" and .reason == \"$3\" and .place == \"$4\") | .packets] | add // 0"
}

settled() { # every loss is explained, nothing is under way
	vethlab stats --json | jq -e '[.links[].directions[] | .unexplained, .unseen] | add == 0'
}

two() {
	cat >"$TEST_TMP/two.yaml" <<-'END'
		lab: two
		nodes: {a: {}, b: {}}
		links:
		  - endpoints:
		      - {end: "a:x", address: 10.8.0.1/24}
		      - {end: "b:y", address: 10.8.0.2/24}
	END
	up "$TEST_TMP/two.yaml"
	good inside a ping -q -c 1 -W 5 10.8.0.2
}

# The link goes down and up while packets flow: those that died on it are counted and explained.
test_link_down_in_mid_flow() {
	local pid before
	two
	ip netns exec a ping -q -f -w 280 10.8.0.2 >/dev/null 2>&1 &
	pid=$!
	for _ in 1 2 3; do
		wait_until flows
		before=$(ledger a:x .lost)
		good vethlab link b:y down
		wait_until loses a:x "$before"
		good vethlab link b:y up
	done
	wait_until flows
	kill "$pid"
	wait "$pid" || true
	wait_until settled
	assert_eq "$(ledger a:x '.lost >= 3 and .lost == .dropped and .lost == .sent - .received')" true "of a:x"
	assert_eq "$(ledger b:y '.lost == .dropped and .lost == .sent - .received')" true "of b:y"
	# By the driver, until it is known that there is no carrier; then there is no queue to wait in. What is
	# in b's backlog when its end goes down is dropped there.
	assert_eq "$(ledger a:x '.lost - ([.drops[] | select(.stage == "on_link") |
		select("\(.reason) \(.place)" | test("^(QDISC_DROP __dev_queue_xmit|NOT_SPECIFIED __dev_forward_skb|DEV_READY )")) |
		.packets] | add)')" 0 "lost for another reason: $(ledger a:x .drops)"
	good vethlab stats -v --link a:x
	says "lost on the link:" "by QDISC_DROP at __dev_queue_xmit" "lost on the link: 0 unexplained"
	down_at_rest
}

# What nobody explains is said, and found by down_at_rest: here the program that counts drops is gone.
test_unexplained() {
	local program
	two
	good "$HELPERS/ids" /sys/fs/bpf/vethlab/two/links/drops
	program=$out
	rm /sys/fs/bpf/vethlab/two/links/drops
	wait_until eval '"$HELPERS/ids" --gone <<<"$program"'
	good ip -n b link set y mtu 1000
	good inside a bash -c 'for i in 1 2 3; do head -c 1200 /dev/zero >/dev/udp/10.8.0.2/9; done'
	assert_eq "$(ledger a:x '"\(.sent - .received) \(.dropped) \(.unexplained)"')" "3 0 3" "of three that nobody told of"
	good vethlab stats
	says "lost on the link: 3 unexplained"
	bad 1 eval 'WAIT=0; down_at_rest'
	says "lost at rest, and not explained: [{\"from\":\"a:x\"" "\"unexplained\":3}]"
	good vethlab down
}

# Enter 4096 kinds into the table of drops of a lab: of an end that it does not have, each at another place.
fill_drops() { # LAB
	local map=/sys/fs/bpf/vethlab/$1/drop_count zeros="" i
	for ((i = 0; i < 24; i++)); do zeros+=" 0"; done
	for ((i = 0; i < 4096; i++)); do
		echo "map update pinned $map key $((i % 256)) $((i / 256)) 0 0 0 0 0 0 255 255 255 255" \
			"0 0 0 0 0 0 0 0 0 0 0 0 value$zeros"
	done >"$TEST_TMP/batch"
	bpftool batch file "$TEST_TMP/batch" >"$TEST_TMP/said" 2>&1 ||
		grep -q "update failed: Argument list too long" "$TEST_TMP/said" || fail "$(tail -2 "$TEST_TMP/said")"
}

# The map of drops is full: what it turns away is counted, told in every format, and unexplained.
test_full_map() {
	local pid
	silent
	fill_drops silent
	good ip -n b link set y mtu 1000
	good inside a bash -c 'for i in 1 2 3 4 5; do head -c 1200 /dev/zero >/dev/udp/10.8.0.2/9; done'
	assert_eq "$(ledger a:x '"\(.sent - .received) \(.dropped) \(.unexplained)"')" "5 0 5" "five without a place"
	good vethlab stats
	says "lost on the link: 5 unexplained" $'\n5 drops are not told apart: the table of drops was full (4096 kinds)'
	assert_eq "$(vethlab stats --json | jq .drops_missed)" 5 "turned away, in JSON"
	assert_eq "$(vethlab stats --json | jq -c '[.drops_missed_causes, .drops_room, .drops_interrupted]')" \
		'[{"full":5,"no_memory":0,"busy":0},4096,0]' "why, in JSON"
	good vethlab stats --openmetrics
	says $'\nvethlab_drops_missed_total{lab="silent"} 5\n'
	assert_eq "$(vethlab stats --csv | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "drops_missed") at = i }
		NR > 1 { print $at }' | sort -u)" 5 "turned away, in CSV"
	"$BUILD/vethlab" stats --watch 0.1 >"$TEST_TMP/watch" &
	pid=$!
	wait_until grep -q "^5 drops are not told apart: the table of drops was full (4096 kinds)$" "$TEST_TMP/watch"
	kill "$pid"
	wait "$pid" || fail "stats --watch failed"
	good vethlab stats --reset
	assert_eq "$(vethlab stats --json | jq .drops_missed)" 0 "turned away since the reset"
	good vethlab down
}

# A lab with many ends has more kinds of drops: the table grows with it, and each loss is explained.
test_table_of_a_big_lab() {
	vethlab generate star 150 >"$TEST_TMP/star.yaml"
	up "$TEST_TMP/star.yaml"
	assert_eq "$(vethlab stats --json | jq ".drops_room >= 16 * 300")" true "room for 16 kinds an end"
	fill_drops star-150
	good vethlab stats --reset
	good ip -n hub link set eth149 mtu 1000
	good inside n150 bash -c 'for i in 1 2 3 4 5; do head -c 1200 /dev/zero >/dev/udp/10.0.2.85/9; done'
	assert_eq "$(ledger n150:eth0 '[.drops[] | select(.place | startswith("__dev_forward_skb")) | .packets] | add')" 5 \
		"lost for the MTU: $(ledger n150:eth0 .)"
	assert_eq "$(ledger n150:eth0 .unexplained)" 0 "unexplained"
	assert_eq "$(vethlab stats --json | jq .drops_missed)" 0 "drops without an entry"
	good vethlab down
}

loses() { # END BEFORE: more than it had lost before
	[[ $(ledger "$1" .lost) -gt $2 ]]
}

flows() { # more replies came than when it was asked last
	local now
	now=$(ledger b:y .received)
	[[ $now -gt ${flowed:-0} ]] && [[ -n ${flowed:-} ]] && { flowed=; return 0; }
	flowed=$now
	return 1
}

# Somebody else's program on one hook drops all, and counts it: the ledger tells by itself how many, where
# and by what.
other_drops() { # HOOK END PACKETS STAGE REASON PLACE TEXT MEANING
	local hook=$1 node=${2%:*} packets=$3 stage=$4 at=a:x
	good nsenter --net="/run/netns/$node" "$HELPERS/others" drop "$hook" "${2#*:}"
	[[ $out == "$hook "* ]] || skip_test_down "this kernel has no tcx"
	[[ $stage != after_in ]] || at=b:y
	good vethlab stats --reset
	# No pings: ping sends again what it is told to be dropped.
	good inside a bash -c "for ((i = 0; i < $packets; i++)); do echo >/dev/udp/10.8.0.2/9; done"
	good "$HELPERS/others" count
	assert_eq "$out" "$hook $packets" "dropped at $hook, as its program counts"
	wait_until settled
	assert_eq "$(ledger a:x '[.drops[] | [.end, .stage, .reason, (.place | sub("[.].*"; "")), .packets]] | tojson')" \
		"[[\"$at\",\"$stage\",\"$5\",\"$6\",$packets]]" "drops at $hook"
	assert_eq "$(ledger a:x '"\(.sent) \(.sent - .received) \(.lost) \(.dropped) \(.unexplained)"')" \
		"$packets $([[ $stage == on_link ]] && echo "$packets $packets $packets" || echo 0 0 0) 0" "the link"
	good vethlab stats -v
	says "$7: $packets by $5${6:+ at $6}" "$8"
	[[ $stage != on_link ]] || says "lost on the link: 0 unexplained"
	good "$HELPERS/others" remove
}

# The same by generic XDP, whose program does not count.
generic_drops() { # PACKETS
	good nsenter --net=/run/netns/b "$HELPERS/xdp_drop" y
	good vethlab stats --reset
	good inside a bash -c "for ((i = 0; i < $1; i++)); do echo >/dev/udp/10.8.0.2/9; done"
	wait_until settled
	assert_eq "$(ledger a:x '[.lost, .dropped, .unexplained, (.drops[] | .stage, .reason, .packets)] | tojson')" \
		"[$1,$1,0,\"on_link\",\"XDP\",$1]" "dropped by generic XDP"
	good vethlab stats -v
	says "lost on the link: $1 by XDP at " "an XDP program says so" "lost on the link: 0 unexplained"
	good nsenter --net=/run/netns/b "$HELPERS/xdp_drop" --off y
}

silent() {
	up_silent
	good inside a ping -q -c 1 -W 5 10.8.0.2
}

test_programs_of_others() {
	silent
	other_drops tcx_out a:x $N on_link TC_EGRESS __dev_queue_xmit "lost on the link" \
		"a tc filter or program on the way out says so"
	other_drops tcx_in b:y 11 after_in TC_INGRESS __netif_receive_skb_core "dropped in b, after \`in\`" \
		"a tc filter or program on the way in says so"
	other_drops xdp b:y 7 on_link XDP veth_xdp_rcv_skb "lost on the link" "an XDP program says so"
	generic_drops 9
	down_at_rest
}

# A narrow link, and a firewall that eats the message about it.
test_mtu_black_hole() {
	command -v nft >/dev/null || skip_test "there is no nft"
	up mtu
	good inside a ping -q -c 1 -W 5 10.0.3.2
	good inside r1 sysctl -qw net.ipv4.icmp_ratelimit=0
	bad 1 inside a ping -q -M "do" -s 1400 -c $N -i 0.002 -W 1 10.0.3.2
	wait_until settled
	assert_eq "$(dropped a:eth0 after_in PKT_TOO_BIG ip_forward)" $N "too big for r1's way on"
	assert_eq "$(ledger r1:eth0 '[.drops[] | select(.stage == "before_out" and .reason == "NETFILTER_DROP") | .packets] | add')" \
		$N "messages that the firewall of r1 ate"
	assert_eq "$(ledger a:eth0 '"\(.lost) \(.unexplained)"')" "0 0" "on the link itself"
	good vethlab stats --node a
	says "dropped in r1, after \`in\`: $N by PKT_TOO_BIG" "it is larger than the MTU of the way out"
	down_at_rest
}

# Replies that come back by another way than a itself would take.
test_rp_filter() {
	up rp-filter
	bad 1 inside a ping -q -c $N -i 0.002 -W 1 192.0.2.2
	wait_until settled
	assert_eq "$(ledger r2:eth0 '[.drops[] | select(.stage == "after_in" and .reason == "IP_RPFILTER") | .packets] | add')" \
		$N "dropped by rp_filter of a"
	# In one reading: IPv6 may say something at any time.
	assert_eq "$(ledger r2:eth0 '.sent - .received')" 0 "replies that did not reach a"
	good vethlab stats --link a:eth1
	says "dropped in a, after \`in\`: $N by IP_RPFILTER" "rp_filter"
	down_at_rest
}

skip_test_down() { # WHY
	down_at_rest
	skip_test "$1"
}

run_tests
