#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_tcp_causes.sh - the public causes of "ping works, and TCP does not", each in a bundled lab: ping --tcp names
# the node, the packet and the reason, and finds nothing once the cause is gone.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/ports.sh
. "$(dirname "$0")/ports.sh"

# Of one kind among others.
dropped_too() { # NODE PACKET REASON
	json_holds ".[0].drops | any(.node == \"$1\" and .packet == \"$2\" and .reason == \"$3\")"
}

test_rule_on_port() {
	needs nft
	up port-rule
	listen_in b tcp 80
	good vethlab ping a b
	good vethlab ping a b --tcp 80 -j
	attempt answered 'has("drops") | not'
	bad 1 vethlab ping a b --tcp 443 -j
	attempt unanswered
	dropped_by fw SYN NETFILTER_DROP
	# Refused later than the SYN.
	good inside fw nft flush ruleset
	good inside fw nft add table ip t
	good inside fw nft add chain ip t c '{ type filter hook forward priority 0; }'
	good inside fw nft add rule ip t c 'tcp flags & psh == psh reject with tcp reset'
	bad 1 vethlab ping a b --tcp 80 -s 100 -j
	attempt reset '.acknowledged == 0'
	dropped_by fw segment NETFILTER_DROP
	bad 1 vethlab ping a b --tcp 80 -s 60000 -j
	attempt reset '.acknowledged < 60000'
	# An ICMP error does not end a connection.
	good inside fw nft flush chain ip t c
	good inside fw nft add rule ip t c 'tcp dport 80 meta length > 100 reject with icmp type host-unreachable'
	bad 1 vethlab ping a b --tcp 80 -s 60000 -j
	attempt unacknowledged '.acknowledged == 0'
	stop_listeners
	good vethlab down
}

test_black_hole() {
	needs nft
	up mtu
	listen_in b tcp 80
	good vethlab ping a b
	good vethlab ping a b --tcp 80
	good vethlab ping a b --tcp 80 -s 100 -j
	attempt answered '.acknowledged == 100 and .mss == 1448'
	bad 1 vethlab ping a b --tcp 80 -s 2000 -j
	attempt unacknowledged '.acknowledged == 0 and (.drops | length) == 2'
	dropped_too r1 segment PKT_TOO_BIG
	dropped_too r1 "ICMP error" NETFILTER_DROP
	json_holds '.[1] | .tried == 1 and .answered == 0 and .unacknowledged == 1'
	bad 1 vethlab ping a b --tcp 80 -s 2000
	says "seq=1: connected, but 0 of 2000 bytes were acknowledged within" "larger than the MTU" \
		"1 tried, 0 acknowledged, 1 connected without acknowledgement"
	assert_eq "$(awk 'length > 80' <<<"$out")" "" "lines over 80 columns"
	good inside r1 nft flush ruleset
	good vethlab ping a b --tcp 80 -s 60000 -j
	attempt answered '.acknowledged == 60000'
	stop_listeners
	good vethlab down
}

test_conntrack_invalid() {
	needs nft
	up one-way
	listen_in b tcp 80
	good vethlab ping a 192.0.2.2
	good vethlab ping a 192.0.2.2 --tcp 80 -j
	attempt answered
	bad 1 vethlab ping a 192.0.2.2 --tcp 80 -s 100 -j
	attempt unacknowledged '.acknowledged == 0'
	dropped_too fw segment NETFILTER_DROP
	good inside b ip route replace 10.0.1.0/24 via 10.0.3.1
	good vethlab ping a 192.0.2.2 --tcp 80 -s 100 -j
	attempt answered '.acknowledged == 100'
	stop_listeners
	good vethlab down
}

test_checksum() {
	needs nft
	up checksum
	listen_in b tcp 80
	good vethlab ping a b
	bad 1 vethlab ping a b --tcp 80 -j
	attempt unanswered
	dropped_by b SYN TCP_CSUM
	bad 1 vethlab ping a b --tcp 81 -j
	attempt reset
	good inside r nft flush ruleset
	good vethlab ping a b --tcp 80 -s 100
	stop_listeners
	good vethlab down
}

# Its ping is not answered either: the answers of both come by the wrong end.
test_rp_filter() {
	up rp-filter
	listen_in b tcp 80
	bad 1 vethlab ping a 192.0.2.2 --tcp 80 -j
	attempt unanswered
	dropped_too a SYN-ACK IP_RPFILTER
	good inside b ip route replace 10.0.1.0/24 via 10.0.3.1
	good vethlab ping a 192.0.2.2 --tcp 80 -s 100
	stop_listeners
	good vethlab down
}

run_tests
