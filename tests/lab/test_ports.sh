#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_ports.sh - vethlab ping --tcp and --udp: what the socket tells, and where a packet of the probe
# was seen to die.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/ports.sh
. "$(dirname "$0")/ports.sh"

rules_of() { # NODE CHAIN HOOK RULE...
	local node=$1 chain=$2 hook=$3 rule rules=
	shift 3
	for rule; do
		rules+="$rule"$'\n'
	done
	inside "$node" nft -f - <<-END
		table inet test {
			chain $chain {
				type filter hook $hook priority 0
				$rules
			}
		}
	END
}

# pc -- home (NAT of IPv4) -- server, with IPv6 beside it.
nat_lab() {
	cat >"$TEST_TMP/ports.yaml" <<-'END'
		lab: ports
		nodes:
		  pc:
		    routes: [default via 192.168.1.1, "default via fd00:1::1"]
		  home:
		    forward: both
		    routes: [default via 198.51.100.1]
		    nft: |
		      table ip home {
		        chain postrouting {
		          type nat hook postrouting priority srcnat;
		          oifname "wan" masquerade random
		        }
		      }
		  server:
		    routes: ["fd00:1::/64 via fd00:2::2"]
		links:
		  - endpoints:
		      - {end: "pc:eth0", address: [192.168.1.2/24, "fd00:1::2/64"]}
		      - {end: "home:lan", address: [192.168.1.1/24, "fd00:1::1/64"]}
		  - endpoints:
		      - {end: "home:wan", address: [198.51.100.2/24, "fd00:2::2/64"]}
		      - {end: "server:eth0", address: [198.51.100.1/24, "fd00:2::1/64"]}
	END
	up "$TEST_TMP/ports.yaml"
	wait_until vethlab ping pc server -6 -q
}

test_open_and_closed() {
	local family
	needs nft
	nat_lab
	listen_in server tcp 80
	listen_in server udp 7
	for family in -4 -6; do
		good vethlab ping pc server "$family" --tcp 80 -j
		attempt answered '.protocol == "tcp" and .port == 80 and .time_ns > 0'
		good vethlab ping pc server "$family" --udp 7 -c 3 -i 0 -s 100 -j
		json_holds '.[0] | .result == "answered" and .bytes == 100' \
			'.[3] | .schema == "vethlab.ping-port-summary/1" and .tried == 3 and .answered == 3'
		bad 1 vethlab ping pc server "$family" --tcp 81 -j
		attempt reset
		dropped_by server SYN NO_SOCKET
		bad 1 vethlab ping pc server "$family" --udp 81 -j
		attempt icmp-error '.error | test("port unreachable")'
		dropped_by server datagram NO_SOCKET
	done
	stop_listeners
	good vethlab down
}

# The router knows the packets by other ports and another address than pc.
test_dropped_by_rules() {
	local family
	needs nft
	nat_lab
	listen_in server tcp 80
	listen_in server udp 7
	rules_of home there forward 'iifname "lan" tcp dport 90 drop' 'iifname "lan" tcp dport 91 reject' \
		'iifname "lan" tcp dport 92 reject with tcp reset' 'iifname "wan" tcp sport 80 drop'
	rules_of server in input 'tcp dport 93 drop' 'udp dport 7 drop'
	for family in -4 -6; do
		bad 1 vethlab ping pc server "$family" --tcp 90 -j
		attempt unanswered '.links[0] | .from == "pc:eth0" and .sent >= 1 and .sent == .arrived' \
			'.links[1] | .from == "home:wan" and .sent == 0 and .arrived == 0'
		dropped_by home SYN NETFILTER_DROP
		bad 1 vethlab ping pc server "$family" --tcp 91 -j
		attempt icmp-error '.answer_from == "192.168.1.1" or .answer_from == "fd00:1::1"'
		dropped_by home SYN NETFILTER_DROP
		bad 1 vethlab ping pc server "$family" --tcp 92 -j
		attempt reset
		dropped_by home SYN NETFILTER_DROP
		# Behind NAT, and the answer on its way back before it.
		bad 1 vethlab ping pc server "$family" --tcp 93 -j
		attempt unanswered
		dropped_by server SYN NETFILTER_DROP
		# Before the SYN is sent again, which the socket in SYN-RECV drops.
		bad 1 vethlab ping pc server "$family" --tcp 80 -W 0.5 -j
		attempt unanswered
		dropped_by home SYN-ACK NETFILTER_DROP
		bad 1 vethlab ping pc server "$family" --udp 7 -j
		attempt unanswered
		dropped_by server datagram NETFILTER_DROP
	done
	bad 1 vethlab ping pc server --tcp 90
	says "no answer within" "home dropped the SYN" NETFILTER_DROP "1 tried, 0 connected, 1 without answer"
	assert_eq "$(awk 'length > 80' <<<"$out")" "" "lines over 80 columns"
	stop_listeners
	good vethlab down
}

# An ICMP error that comes while connect() has the socket is a soft error of ECONNREFUSED: no RST came.
test_soft_error() {
	local family
	needs nft
	nat_lab
	rules_of pc own output 'tcp dport 94 reject with icmpx type port-unreachable'
	for family in -4 -6; do
		bad 1 vethlab ping pc server "$family" --tcp 94 -c 20 -i 0 -q -j
		json_holds '.[-1] | .tried == 20 and .icmp_errors == 20 and .reset == 0'
	done
	good vethlab down
}

# The port of a connection in TIME-WAIT is taken again, with a sequence number of the kernel's; of a datagram in
# pieces, a later one is dropped.
test_reused_port_and_fragments() {
	needs nft
	nat_lab
	listen_in home tcp 80
	inside pc sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.ip_local_port_range="40000 40000"
	wait_until in_time_wait
	rules_of home there input 'tcp dport 80 drop'
	bad 1 vethlab ping pc home:lan -4 --tcp 80 -j
	attempt unanswered
	dropped_by home SYN NETFILTER_DROP
	rules_of server pieces prerouting 'ip frag-off & 0x1fff != 0 drop' # NAT joins pieces before rules see them
	bad 1 vethlab ping home server -4 --udp 7 -s 3000 -W 0.5 -j
	dropped_by server fragment NETFILTER_DROP
	bad 1 vethlab ping home server -4 --udp 7 -s 3000 -W 0.5
	says "server dropped a later fragment between these addresses"
	stop_listeners
	good vethlab down
}

# Who closes first has the connection in TIME-WAIT; its port is taken again a second after the last segment.
in_time_wait() {
	vethlab ping pc home:lan -4 --tcp 80 -q -W 1
	inside pc ss -Htan state time-wait | grep -q :40000 && sleep 1.1
}

test_no_route() {
	needs nft
	nat_lab
	bad 1 vethlab ping server pc -4 --tcp 80 -j
	attempt not-sent '.why.end == "no-route"' '.drops == []'
	bad 1 vethlab ping server pc -4 --tcp 80
	golden no-route
	good vethlab route pc add 203.0.113.0/24 via 192.168.1.1
	good inside home ip route del default
	bad 1 vethlab ping pc 203.0.113.9 --tcp 80 -j
	attempt icmp-error '.answer_from == "192.168.1.1"' '.error | test("unreachable")'
	good vethlab down
}

# Nobody has the address: no packet leaves, and none is dropped so soon.
test_no_neighbor() {
	needs nft
	nat_lab
	bad 1 vethlab ping pc 192.168.1.77 --tcp 80 -W 0.2 -j
	attempt unanswered '.why.end == "no-neighbor"' '.links[0] | .sent == 0 and .arrived == 0'
	good vethlab down
}

# The queue of a socket that takes nobody is full after one or two.
test_full_accept_queue() {
	local i
	needs nft
	nat_lab
	listen_in server full 80
	for i in 1 2 3 4; do
		vethlab ping pc server -4 --tcp 80 -q -W 0.5 >/dev/null || break
	done
	bad 1 vethlab ping pc server -4 --tcp 80 -j
	attempt unanswered '.accept_queue_overflows >= 1' '.links[1] | .from == "home:wan" and .arrived >= 1'
	bad 1 vethlab ping pc server -4 --tcp 80
	says ListenOverflows
	says_not "by the nodes' routes (asked"
	stop_listeners
	good vethlab down
}

# What is no probe of a port is refused; a node's own address stays on lo.
test_words() {
	up two-hosts
	bad 2 vethlab ping a b --tcp 0
	bad 2 vethlab ping a b --tcp 65536
	bad 2 vethlab ping a b --tcp 80 --udp 80
	says "not both"
	bad 2 vethlab ping a b --tcp 80 --flood
	bad 2 vethlab ping a b --udp 80 --stack
	bad 1 vethlab ping a a --tcp 80 -j
	attempt reset .stayed_on_lo
	# It ends with whoever reads it.
	timeout "$WAIT" "$BUILD/vethlab" ping a b --tcp 80 -c 0 -i 0 | head -1 >"$TEST_TMP/head"
	assert_eq "${PIPESTATUS[0]}" 1 "the status of a ping that nobody reads"
	good vethlab down
}

run_tests
