#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_why.sh - `why` tells where a way ends: routes, rules, neighbor tables, links, names. The settings and filters
# that it reads are in test_why_settings.sh.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/case_labs.sh
. "$(dirname "$0")/case_labs.sh"
# shellcheck source=tests/lab/why.sh
. "$(dirname "$0")/why.sh"

test_rules_that_refuse() {
	local kind
	chain
	good ip -n r rule add from 10.0.1.0/24 table 100 priority 1000
	for kind in blackhole unreachable prohibit; do
		good ip -n r route replace "$kind" default table 100
		foretells b "refused-by-route r"
		was_read r "rule 1000 from 10.0.1.0/24" "table 100: $kind 0.0.0.0/0"
	done
	good ip -n r rule del priority 1000
	good ip -n r rule add from 10.0.1.2 prohibit priority 1001
	foretells b "refused-by-route r"
	was_read r "rule 1001 from 10.0.1.2/32" prohibit
	good ip -n r rule del priority 1001
	good ip -n r rule add from 10.0.1.0/24 table 101 priority 1002 # without a route
	foretells b "arrives b"
	good ip -n b rule add from 10.0.2.2 table 100 priority 1003
	good ip -n b route add blackhole default table 100
	bad 1 vethlab why a b -j
	assert_eq "$(jq -r '.back | "\(.end) \(.hops[-1].node)"' <<<"$out")" "refused-by-route b" "back"
	good vethlab down c
}

# A gateway that nobody has, with a permanent neighbor: the MAC decides.
test_permanent_neighbor() {
	local mac
	chain
	mac=$(ip_link r eth0 .address)
	good ip -n a route add 10.9.0.1/32 dev eth0
	good ip -n a route replace default via 10.9.0.1 dev eth0
	foretells b "no-neighbor a"
	good ip -n a neigh add 10.9.0.1 lladdr "$mac" dev eth0
	foretells b "arrives b"
	good vethlab ping a b
	good ip -n a neigh replace 10.9.0.1 lladdr 02:00:00:00:00:99 dev eth0
	foretells b "wrong-mac a"
	was_read a "neighbor 10.9.0.1 dev eth0" "02:00:00:00:00:99 permanent"
	good vethlab down c
}

test_stale_neighbor() {
	chain
	good vethlab ping a b
	good ip -n r link set eth0 address 02:00:00:00:00:99
	foretells b "wrong-mac a"
	good ip -n a neigh flush dev eth0
	foretells b "arrives b"
	good vethlab down c
}

# 63 routers are as many as a time to live of 64 passes; what stops a packet at the next is no loop.
test_long_chain() {
	good vethlab generate chain 66
	echo "$out" >"$TEST_TMP/chain.yaml"
	up "$TEST_TMP/chain.yaml"
	vethlab why n1 n65 -j >"$TEST_TMP/why" || fail "n65: $(<"$TEST_TMP/why")"
	assert_eq "$(jq '.there.hops | length' "$TEST_TMP/why")" 65 "hops"
	good vethlab ping n1 n65
	bad 1 vethlab why n1 n66 -j
	assert_eq "$(jq -r '.there | "\(.end) \(.hops[-1].node)"' <<<"$out")" "ttl-exceeded n65" "n66"
	bad 1 vethlab ping n1 n66
	set_in n1 net.ipv4.ip_default_ttl=65
	set_in n66 net.ipv4.ip_default_ttl=65
	good vethlab why n1 n66 -j
	good vethlab down
}

# The last of more hosts on a bridge than a search once had room for.
test_wide_bridge() {
	local i
	{
		printf 'lab: wide\nnodes:\n  sw: {kind: bridge, dev: br0}\n'
		for ((i = 1; i <= 260; i++)); do echo "  h$i: {}"; done
		echo links:
		for ((i = 1; i <= 260; i++)); do
			echo "  - endpoints: [\"sw:p$i\", {end: \"h$i:eth0\", address: 10.0.$((i / 250)).$((i % 250 + 1))/16}]"
		done
	} >"$TEST_TMP/wide.yaml"
	up "$TEST_TMP/wide.yaml"
	good vethlab why h1 h260 -j
	assert_eq "$(jq -r '.there.hops[-1].node' <<<"$out")" h260 "where it arrives"
	good vethlab down wide
}

# A rule for marks stands before the route that refuses: that it was not decided is told with it.
test_rule_for_marks() {
	chain
	good inside r ip route replace blackhole 10.0.2.2
	foretells b "refused-by-route r"
	assert_eq "$(jq '[.there.read[] | select(.value == "not decided")] | length' "$TEST_TMP/why")" 0 "no such rule"
	good inside r ip rule add fwmark 7 table 100 priority 50
	foretells b "refused-by-route r"
	was_read r "rules for marks, ports or users" "not decided"
	good vethlab down c
}

# A new MAC: r's entry for a is out of date until a, which has lost its own entries, asks for r.
test_entry_that_the_request_renews() {
	chain
	good vethlab ping a b -W 5
	good inside a ip link set eth0 address 02:00:00:00:99:01
	foretells b "arrives b"
	assert_eq "$(jq -r .back.end "$TEST_TMP/why")" arrives "back: $(<"$TEST_TMP/why")"
	good vethlab ping a b -W 5
	good inside r ip neigh replace 10.0.1.2 lladdr 02:00:00:00:99:02 dev eth0 nud permanent
	good inside a ip neigh flush all
	foretells b "arrives b"
	assert_eq "$(jq -r .back.end "$TEST_TMP/why")" wrong-mac "back: $(<"$TEST_TMP/why")"
	bad 1 vethlab ping a b -W 0.5
	good vethlab down c
}

# Bridges are a part of the way, and ports of theirs may stop a frame or what asks for a neighbor.
test_bridge_ports() {
	local to
	switched
	for to in 192.168.30.2 2001:db8::2; do
		foretells "$to" "arrives b"
		assert_eq "$(jq -c '[.there, .back | .hops[0].bridges]' "$TEST_TMP/why")" \
			'[[{"node":"sw","in":"sw:p1","out":"sw:p2"}],[{"node":"sw","in":"sw:p2","out":"sw:p1"}]]' "bridges"
	done
	good inside sw ip link set p1 type bridge_slave isolated on
	foretells 192.168.30.2 "arrives b"
	good inside sw ip link set p2 type bridge_slave isolated on
	for to in 192.168.30.2 2001:db8::2; do
		foretells "$to" "no-neighbor a"
		[[ $(jq -r .there.text "$TEST_TMP/why") == *"sw:p2 stops"*"it is isolated, as is p1" ]] || fail "$(<"$TEST_TMP/why")"
	done
	foretells 192.168.30.3 "arrives c"
	good vethlab ping a 192.168.30.3 -W 5
	good inside sw ip link set p2 type bridge_slave isolated off
	good vethlab ping a 192.168.30.2 -W 5
	good inside sw ip link set p2 type bridge_slave isolated on
	foretells 192.168.30.2 "not-bridged a" # by the MAC that a has
	assert_eq "$(jq -r .there.at "$TEST_TMP/why")" sw "where it ends"
	bad 1 vethlab ping a b -W 0.5
	good inside sw ip link set p1 type bridge_slave isolated off
	good inside a ip neigh flush all
	good inside sw ip link set p2 nomaster
	foretells 192.168.30.2 "no-neighbor a"
	[[ $(jq -r .there.text "$TEST_TMP/why") == *"it is no port of br0 any more" ]] || fail "$(<"$TEST_TMP/why")"
	good inside sw ip link set br0 type bridge stp_state 1 forward_delay 3000
	good inside sw ip link set p2 master br0
	foretells 192.168.30.2 "no-neighbor a"
	[[ $(jq -r .there.text "$TEST_TMP/why") == *"its STP state is "@(listening|blocking) ]] || fail "$(<"$TEST_TMP/why")"
	good vethlab down sw3
}

# Rules for a protocol: those for ICMP count, others do not.
test_rules_for_a_protocol() {
	chain
	good inside r ip rule add ipproto icmp blackhole pref 100
	foretells b "refused-by-route r"
	was_read r "rule 100 from all" blackhole
	bad 1 vethlab ping a b -W 0.5
	good inside r ip rule del pref 100
	good inside r ip rule add ipproto tcp blackhole pref 100
	foretells b "arrives b"
	good vethlab ping a b -W 5
	good inside r ip rule del pref 100
	good inside b ip -6 rule add ipproto ipv6-icmp prohibit pref 100
	foretells 2001:db8:2::2 "arrives b"
	assert_eq "$(jq -r '.back | "\(.end) \(.at)"' "$TEST_TMP/why")" "refused-by-route b" "back"
	good vethlab down c
}

# A bridge's port, and what is behind it: what is too long there is dropped without a word, on both ways; a VLAN tag
# more is none too long, but where the bridge hands packets to the rules of IP.
test_mtu_behind_a_bridge() {
	local narrow by_rules size status answered
	needs nft
	up container
	for by_rules in 0 1; do
		inside host sysctl -qw net.bridge.bridge-nf-call-iptables=$by_rules 2>/dev/null || continue
		for narrow in c2:eth0 host:veth-c2 c1:eth0; do
			ip -n "${narrow%:*}" link set "${narrow#*:}" mtu 1300
			for size in 1272 1276 1277 1400; do
				inside c1 ip route flush cache
				answered=0 status=0
				inside c1 ping -c 1 -W 0.5 -q -s $size 172.17.0.3 >/dev/null 2>&1 || answered=1
				vethlab why c1 c2 -s $size -j >"$TEST_TMP/why" || status=$?
				assert_eq $status $answered "why -s $size, $narrow, $by_rules: $(<"$TEST_TMP/why")"
			done
			assert_eq "$(jq -r '(.back // .there) | "\(.end) \(.text)"' "$TEST_TMP/why" |
				grep -c "^too-big.*$narrow")" $status "the end that is named, if any"
			[[ $status -eq 0 ]] ||
				assert_eq "$(jq -r '(.back // .there).at' "$TEST_TMP/why")" host "who drops it"
			ip -n "${narrow%:*}" link set "${narrow#*:}" mtu 1500
		done
	done
	inside c1 ip route flush cache
	good vethlab why c1 c2 -s 1400
	good vethlab down
}

# Case 5: -s counts for a broadcast, too, and the setting of who gets it is read before it is advised.
test_broadcast_of_a_size() {
	cat >"$TEST_TMP/p.yaml" <<-END
		lab: p
		nodes: {a: {}, b: {sysctls: {net.ipv4.icmp_echo_ignore_broadcasts: 0}}}
		links: [{endpoints: [{end: "a:eth0", address: 10.0.0.1/24, mtu: 9000}, {end: "b:eth0", address: 10.0.0.2/24}]}]
	END
	up "$TEST_TMP/p.yaml"
	foretells 10.0.0.255 "too-big a" -s 8000
	bad 1 vethlab ping a 10.0.0.255 -s 8000 -W 0.3
	foretells 10.0.0.255 "to-many a" -s 1472
	assert_eq "$(jq -r .there.hint "$TEST_TMP/why")" "" "hint, where b answers"
	good vethlab ping a 10.0.0.255 -s 1472 -W 5
	set_in b net.ipv4.icmp_echo_ignore_broadcasts=1
	foretells 10.0.0.255 "to-many a" -s 1472
	assert_eq "$(jq -r .there.hint "$TEST_TMP/why")" \
		"vethlab exec b sysctl -w net.ipv4.icmp_echo_ignore_broadcasts=0" "hint"
	good vethlab down p
}

# A route by each of these gateways; to IPv4 by those of IPv6, too.
lab_of_next_hops() { # IPV4 IPV6
	cat >"$TEST_TMP/h.yaml" <<-END
		lab: h
		nodes:
		  a:
		    routes:
		      - {to: 10.9.0.0/16, nexthops: [$1]}
		      - {to: "fd09::/64", nexthops: [$2]}
		      - {to: 10.8.0.0/16, nexthops: [$2]}
		  b: {}
		links:
		  - endpoints: [{end: "a:eth0", addresses: [10.0.0.1/16, "fd00::1/64"]}, "b:eth0"]
	END
}

# A route of as many next hops as check takes can be made; one more is told where it stands.
test_many_next_hops() {
	local i v4="" v6=""
	for ((i = 2; i < 258; i++)); do
		v4+="10.0.$((i / 256)).$((i % 256)), " v6+="\"fd00::$i\", "
	done
	lab_of_next_hops "$v4 10.0.9.9" "$v6"
	bad 3 vethlab check "$TEST_TMP/h.yaml"
	says "h.yaml:5:" "at most 256 next hops"
	lab_of_next_hops "$v4" "$v6"
	up "$TEST_TMP/h.yaml"
	for i in 10.9.0.1 fd09::1 10.8.0.1; do
		foretells "$i" "no-neighbor a"
	done
	good vethlab down h
}

has_dadfailed() { # NODE INTERFACE
	ip -n "$1" -6 addr show dev "$2" | grep -q dadfailed
}

# Case 10: flags of addresses are read, and names mean the addresses that are there now.
test_addresses_of_now() {
	cat >"$TEST_TMP/p.yaml" <<-END
		lab: p
		nodes: {a: {exec: [ip addr add 2001:db8::9/64 dev eth0]}, b: {sysctls: {net.ipv6.conf.all.accept_dad: 1}}}
		links: [{endpoints: [{end: "a:eth0", address: 10.0.0.1/24}, {end: "b:eth0", address: 10.0.0.2/24}]}]
	END
	up "$TEST_TMP/p.yaml"
	good vethlab exec b ip addr add 2001:db8::9/64 dev eth0
	wait_until has_dadfailed b eth0
	good vethlab show --json
	json_holds '.[0].links[0].ends | map(.unusable["2001:db8::9/64"]) == [null, "dadfailed"]'
	good vethlab show
	says "2001:db8::9/64 dadfailed"
	bad 1 vethlab why b a -6 -j # the answer is for an address that b has itself
	json_holds '.[0] | .to == "2001:db8::9" and .there.end == "no-neighbor" and .there.at == "b"'
	bad 1 vethlab ping b a -6 -W 0.3
	good vethlab exec b ip addr del 2001:db8::9/64 dev eth0
	good vethlab exec b ip addr add 2001:db8::8/64 dev eth0 nodad
	good vethlab ping b a -6 -W 5
	good vethlab why a b -6 -j
	json_holds '.[0].to == "2001:db8::8"'
	good vethlab exec b ip addr del 10.0.0.2/24 dev eth0
	bad 1 vethlab ping a b -4
	says "b has no IPv4 address"
	good vethlab down p
}

# Case 14: an end that was renamed has one name, and is found by the other; one that was moved is said to be.
test_renamed_and_moved() {
	chain
	good ip -n r link set eth1 down
	good ip -n r link set eth1 name uplink
	good ip -n r link set uplink up
	foretells b "arrives b"
	good vethlab why a b
	says "by r:eth1 to b:eth0"
	says_not uplink
	good vethlab show
	says "r:eth1 (now r:uplink)"
	good vethlab show -j
	json_holds '[.[0].links[1].ends[] | [.end, .state, .now.node, .now.interface]] == [["r:eth1", "up", "r", "uplink"], ["b:eth0", "up", "b", "eth0"]]'
	good vethlab link r:uplink down
	bad 1 vethlab ping a b -W 0.3
	good vethlab link r:uplink up
	good vethlab ping a b -W 5
	good ip -n r link set uplink netns b name far
	good vethlab show
	says "r:eth1 (now b:far)"
	good vethlab show -j
	json_holds '.[0].links[1].ends[0] | [.end, .state, .now.node, .now.interface, .mtu] == ["r:eth1", "moved", "b", "far", null]'
	foretells b "link-gone r"
	assert_eq "$(jq -r .there.text "$TEST_TMP/why")" "the link r:eth1 -- b:eth0 is gone: r:eth1 was moved to b, where it is far, since the lab was built, and without it r has no route to 10.0.2.2" "where it is"
	good vethlab down c
}

# An answer to a link-local address goes where the question came from, whatever other end the node has first.
test_answer_to_link_local() {
	cat >"$TEST_TMP/v.yaml" <<-'END'
		lab: v
		nodes: {a: {routes: ["fd00:2::/64 dev eth0"]}, m: {}, x: {}}
		links:
		  - endpoints: [{end: "x:eth0", address: "fd00:1::2/64"}, {end: "m:eth0", address: "fd00:1::1/64"}]
		  - endpoints: [{end: "m:eth1", address: "fd00:2::1/64"}, "a:eth0"]
	END
	up "$TEST_TMP/v.yaml"
	good vethlab ping a fd00:2::1 -W 5
	good vethlab why a fd00:2::1 -j
	assert_eq "$(jq -c '[.verdict, .back.hops[0].out, (.source | .[0:6])]' <<<"$out")" '["arrives","m:eth1","fe80::"]' "by m:eth1"
	good vethlab down v
}

# Case 11: what a tunnel does with a packet is not looked at, and that is said.
test_tunnel() {
	local i far
	cat >"$TEST_TMP/p.yaml" <<-END
		lab: p
		nodes: {a: {}, b: {}}
		links: [{endpoints: [{end: "a:eth0", address: 10.0.0.1/24}, {end: "b:eth0", address: 10.0.0.2/24}]}]
	END
	up "$TEST_TMP/p.yaml"
	for i in a b; do
		[[ $i == a ]] && far=2 || far=1
		ip -n "$i" link add x type vxlan id 42 remote 10.0.0.$far dstport 4789 2>"$TEST_TMP/no" || {
			good vethlab down p
			skip_test "no vxlan: $(<"$TEST_TMP/no")"
		}
		good ip -n "$i" addr add 10.9.0.$((3 - far))/24 dev x
		good ip -n "$i" link set x up
	done
	good vethlab ping a 10.9.0.2 -W 5
	foretells 10.9.0.2 "leaves-the-lab a"
	assert_eq "$(jq -r '.verdict + ": " + .there.text' "$TEST_TMP/why")" "unknown: a sends it by x, a vxlan tunnel with id 42 to 10.0.0.2 (b), whose packets leave by a:eth0: what is in them is not followed; \`vethlab trace -i a:eth0 udp port 4789\` shows them" "what is known"
	# One that was made elsewhere, and moved here, sends its packets there.
	good ip -n b link add y type vxlan id 43 remote 10.0.0.1 dstport 4790
	good ip -n b link set y netns a
	good ip -n a addr add 10.8.0.1/24 dev y
	good ip -n a link set y up
	foretells 10.8.0.2 "leaves-the-lab a"
	assert_eq "$(jq -r '.there | .text + .hint' "$TEST_TMP/why")" "a sends it by y, a vxlan tunnel with id 43 to 10.0.0.1, whose packets leave in another network namespace: what is in them is not followed" "what is known of one that was moved"
	good vethlab down p
}

run_tests
