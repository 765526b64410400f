#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_losses.sh - packets that are lost on purpose, each kind with its reason, its place and its exact
# number in the ledger, and nothing unexplained. What nft and queues drop is in test_stats.sh, what XDP,
# tc programs and full rings drop in tests/prog/test_drops.c.
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

# The link goes down and up while packets flow: those that died on it are explained.
test_link_down_in_mid_flow() {
	local pid
	two
	ip netns exec a ping -q -f -w 60 10.8.0.2 >/dev/null 2>&1 &
	pid=$!
	for _ in 1 2 3; do
		wait_until flows
		good vethlab link b:y down
		good vethlab link b:y up
	done
	wait_until flows
	kill "$pid"
	wait "$pid" || true
	wait_until settled
	assert_eq "$(ledger a:x '.lost == .dropped and .lost == .sent - .received')" true "of a:x"
	assert_eq "$(ledger b:y '.lost == .dropped and .lost == .sent - .received')" true "of b:y"
	good vethlab down
}

flows() { # more replies came than when it was asked last
	local now
	now=$(ledger b:y .received)
	[[ $now -gt ${flowed:-0} ]] && [[ -n ${flowed:-} ]] && { flowed=; return 0; }
	flowed=$now
	return 1
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
	good vethlab down
}

# Replies that come back by another way than a itself would take.
test_rp_filter() {
	up rp-filter
	bad 1 inside a ping -q -c $N -i 0.002 -W 1 192.0.2.2
	wait_until settled
	assert_eq "$(ledger r2:eth0 '[.drops[] | select(.stage == "after_in" and .reason == "IP_RPFILTER") | .packets] | add')" \
		$N "dropped by rp_filter of a"
	assert_eq "$(ledger r2:eth0 '.received' )" "$(ledger r2:eth0 .sent)" "replies that reached a"
	good vethlab stats --link a:eth1
	says "dropped in a, after \`in\`: $N by IP_RPFILTER" "rp_filter"
	good vethlab down
}

run_tests
