#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_faults.sh - a person who is given a broken bundled lab finds the fault with one command. Each
# bundled lab is broken in the ways that it teaches; `why` alone must name place and cause, and so must
# `ping` alone, each in a sentence of its own.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/agreement.sh
. "$(dirname "$0")/agreement.sh"
PING_WAIT=0.3

# The whole text as one line: sentences are folded to the terminal's width.
unfolded() {
	out=$(tr -s '\n ' '  ' <<<"$out")
}

# One command each: what `why` and what `ping` must say, of an echo from FROM to TO that gets no answer.
fault() { # FROM TO SAYS-WHY SAYS-PING [OPTION OF PING...]
	local from=$1 to=$2 why=$3 ping=$4
	shift 4
	bad 1 vethlab why "$from" "$to"
	unfolded
	says "$why"
	bad 1 vethlab ping "$from" "$to" -W 0.5 "$@"
	unfolded
	says "$ping"
	agree "$from" "$to" "$@"
}

# A fault that no table of a node shows, only a packet: filters.
only_ping() { # FROM TO SAYS [OPTION OF PING...]
	local from=$1 to=$2 text=$3
	shift 3
	bad 6 vethlab why "$from" "$to" # it cannot know
	unfolded
	says "nft rules at" "was not evaluated" "vethlab ping $from $to"
	bad 1 vethlab ping "$from" "$to" -W 0.5 "$@"
	unfolded
	says "$text"
}

drop_all() { # NODE HOOK
	good vethlab exec "$1" nft "add table ip t; add chain ip t c { type filter hook $2 priority 0; policy drop; }"
}

test_blue() {
	up blue # as it comes
	fault default 10.1.1.1 "default:veth0 is down" "default:veth0 is down"
	fault blue 10.1.1.2 "default:veth0 is down" "default:veth0 is down"
	good vethlab link default:veth0 up
	good vethlab ping default 10.1.1.1
	good vethlab down blue
}

# Labs of what stops TCP alone (test_tcp_causes.sh has that): here what stops an echo in them.
test_checksum() {
	needs nft
	up checksum
	good vethlab link r:eth1 down
	fault a b "r:eth1 is down" "r:eth1 is down"
	good vethlab down checksum
}

test_container() {
	needs nft
	up container
	fault internet c1 "internet has no route to 172.17.0.2" "internet has no route to 172.17.0.2"
	good vethlab exec host ip link set docker0 down
	fault c1 internet "the bridge docker0 of host is down" "the bridge docker0 of host is down"
	good vethlab exec host ip link set docker0 up
	good vethlab link host:veth-c2 down
	fault c1 c2 "host:veth-c2 stops ARP requests: it is down" "host:veth-c2 stops ARP requests: it is down"
	good vethlab link host:veth-c2 up
	good vethlab exec host nft flush ruleset
	fault c1 internet "internet has no route back to 172.17.0.2" \
		"internet has no route back to 172.17.0.2"
	good vethlab down container
}

test_ipv6() {
	up ipv6
	good vethlab exec r sysctl -w net.ipv6.conf.all.forwarding=0
	fault a b "r does not forward IPv6 (net.ipv6.conf.all.forwarding is 0)" \
		"r does not forward IPv6 (net.ipv6.conf.all.forwarding is 0)"
	good vethlab exec r sysctl -w net.ipv6.conf.all.forwarding=1
	good vethlab exec b ip -6 route del default
	fault a b "b has no route back to fd00:1::2" "b has no route back to fd00:1::2"
	fault a fd00:1::77 "nobody behind a:eth0 has the address fd00:1::77" \
		"nobody behind a:eth0 has the address fd00:1::77"
	good vethlab down ipv6
}

test_lan() {
	up lan
	good vethlab link b:eth0 down
	fault a 10.0.0.2 "nobody answers for 10.0.0.2 behind a:eth0, and on that way sw:sw-b stops ARP requests: it is without carrier" \
		"nobody answers for 10.0.0.2 behind a:eth0, and on that way sw:sw-b stops ARP requests: it is without carrier"
	good vethlab link sw:sw-a down
	fault a 10.0.0.3 "sw:sw-a is down" "sw:sw-a is down"
	good vethlab down lan
}

# The firewall that eats the message about the MTU: whoever sends too much hears nothing.
test_mtu() {
	needs nft
	up mtu
	bad 1 vethlab why a b -s 1400
	unfolded
	says "it is 1428 bytes long, more than the MTU of r1:eth1" "-s 1372"
	bad 1 vethlab ping a b -s 1400 -W 0.5
	unfolded
	says "it is 1428 bytes long, more than the MTU of r1:eth1" \
		"r1 dropped the ICMP error: a netfilter rule"
	agree a b -s 1400
	good vethlab down mtu
}

test_nat() {
	needs nft
	up nat
	fault server pc "server has no route to 192.168.1.2" "server has no route to 192.168.1.2"
	good vethlab exec home nft flush ruleset
	fault pc server "server has no route back to 192.168.1.2" \
		"server has no route back to 192.168.1.2"
	good vethlab down nat
}

test_one_way() {
	needs nft
	up one-way
	good vethlab exec fw ip route replace prohibit 192.0.2.2/32
	fault a 192.0.2.2 "fw has a prohibit route for 192.0.2.2" "fw has a prohibit route for 192.0.2.2"
	good vethlab down one-way
}

test_port_rule() {
	needs nft
	up port-rule
	good vethlab exec b ip route del default
	fault a b "b has no route back to 10.0.1.2" "b has no route back to 10.0.1.2"
	good vethlab down port-rule
}

test_ring() {
	up ring
	good vethlab exec r4 ip route replace blackhole 192.0.2.1/32
	fault a 192.0.2.1 "r4 has a blackhole route for 192.0.2.1" "r4 has a blackhole route for 192.0.2.1"
	good vethlab link r1:to-a down
	fault a 192.0.2.2 "r1:to-a is down" "r1:to-a is down"
	good vethlab down ring
}

test_router() {
	up router
	good vethlab exec r sysctl -w net.ipv4.ip_forward=0
	fault a b "r does not forward IPv4 (net.ipv4.ip_forward is 0)" \
		"r does not forward IPv4 (net.ipv4.ip_forward is 0)"
	good vethlab exec r sysctl -w net.ipv4.ip_forward=1
	good vethlab exec b ip route del default
	fault a b "b has no route back to 10.0.1.2" "b has no route back to 10.0.1.2"
	good vethlab exec b ip route add default via 10.0.2.1
	needs nft
	drop_all r forward
	only_ping a b "r dropped the request: a netfilter rule"
	good vethlab down router
}

test_routers() {
	local back
	up routers
	good vethlab link r2:right down
	fault pc1 pc2 "r2:right is down" "r2:right is down"
	good vethlab down routers
	up routers
	back=$(vethlab exec pc1 ip -j -4 addr show eth0 | jq -r '.[0].addr_info[0].local')
	good vethlab exec r3 ip route add prohibit "$back/32"
	fault pc1 pc2 "r3 has a prohibit route for $back" "r3 has a prohibit route for $back"
	good vethlab down routers
}

test_rp_filter() {
	up rp-filter # as it comes
	fault a 192.0.2.2 "a drops it by reverse path filtering: it has no route to 192.0.2.2 by a:eth1" \
		"a dropped the reply: its source is not where the routes lead back to (rp_filter)"
	good vethlab exec b ip route replace 10.0.1.0/24 via 10.0.3.1
	good vethlab ping a 192.0.2.2
	good vethlab down rp-filter
}

test_two_hosts() {
	up two-hosts
	good vethlab link b:eth0 down
	fault a 10.0.0.2 "b:eth0 is down" "b:eth0 is down"
	good vethlab link b:eth0 up
	good vethlab exec a ip neighbor flush all # it may have been asked for as often as the kernel asks
	good vethlab exec b sysctl -w net.ipv4.icmp_echo_ignore_all=1
	fault a 10.0.0.2 "b, which is told to ignore echo requests" \
		"b, which is told to ignore echo requests"
	good vethlab down two-hosts
}

# A lab that is bundled later needs a fault here as well.
test_none_is_missing() {
	local path name
	for path in "$TOP"/topology/labs/*.yaml; do
		name=$(basename "$path" .yaml)
		[[ $(type -t "test_${name//-/_}") == function ]] || fail "no fault for lab $name"
		asserted
	done
}

run_tests
