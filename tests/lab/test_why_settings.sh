#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_why_settings.sh - `why` reads the settings of a node, and says which filters and programs it did not evaluate.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/case_labs.sh
. "$(dirname "$0")/case_labs.sh"
# shellcheck source=tests/lab/why.sh
. "$(dirname "$0")/why.sh"

test_forwarding_of_one_interface() {
	chain
	set_in r net.ipv4.conf.eth0.forwarding=0
	foretells b "not-forwarding r"
	was_read r net.ipv4.conf.eth0.forwarding 0
	bad 1 vethlab ping a b -W 0.3
	set_in r net.ipv4.ip_forward=0 net.ipv4.conf.eth0.forwarding=1
	foretells b "arrives b" # there: the way back comes by eth1
	good vethlab down c
}

# force_forwarding is of Linux 6.17.
test_forwarding_of_ipv6() {
	local key=net.ipv6.conf.eth0.force_forwarding
	chain
	set_in r net.ipv6.conf.all.forwarding=0
	foretells 2001:db8:2::2 "not-forwarding r"
	was_read r net.ipv6.conf.all.forwarding 0
	if inside r sysctl -n "$key" >/dev/null 2>&1; then
		was_read r "$key" 0
		set_in r "$key=1" net.ipv6.conf.eth1.force_forwarding=1
		good vethlab ping a 2001:db8:2::2
		foretells 2001:db8:2::2 "arrives b"
	else
		skip_part "this kernel has no force_forwarding"
	fi
	good vethlab down c
}

# a has r's MAC address: r does not answer ARP either for a source that it refuses.
a_knows_r() {
	good ip -n a neigh replace 10.0.1.1 dev eth0 lladdr "$(ip -j -n r link show eth0 | jq -r '.[].address')"
}

test_rp_filter_is_the_larger_one() {
	chain
	a_knows_r
	set_in r net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=1
	foretells b "arrives b"
	good ip -n r route add 10.0.1.2/32 dev eth1
	foretells b "rp-filter r"
	was_read r net.ipv4.conf.all.rp_filter 0
	was_read r net.ipv4.conf.eth0.rp_filter 1
	set_in r net.ipv4.conf.eth0.rp_filter=2 # loose: any route will do
	foretells b "arrives b"
	good vethlab down c
}

test_own_source() {
	chain
	a_knows_r
	good ip -n r addr add 10.0.1.2/32 dev lo
	foretells b "own-source r"
	was_read r net.ipv4.conf.all.accept_local 0
	good vethlab down c
}

test_localnet() {
	chain
	good ip -n a route del local 127.0.0.0/8 dev lo table local
	good ip -n a route del local 127.0.0.1 dev lo table local
	good ip -n a route add 127.0.0.1/32 via 10.0.1.1
	foretells 127.0.0.1 "route-localnet r"
	was_read r net.ipv4.conf.eth0.route_localnet 0
	good vethlab down c
}

# Proxy ARP answers for what the node would send out elsewhere, and for nothing else.
test_proxy_arp() {
	chain
	good ip -n a route add 10.9.0.1/32 dev eth0
	good ip -n a route replace default via 10.9.0.1 dev eth0
	set_in r net.ipv4.conf.eth0.proxy_arp=1
	foretells b "no-neighbor a"
	good ip -n r route add 10.9.0.1/32 via 10.0.2.2
	foretells b "arrives b"
	wait_until vethlab ping a b -W 2
	good ip -n a neigh flush dev eth0
	set_in r net.ipv4.conf.eth0.proxy_arp=0
	foretells b "no-neighbor a"
	good ip -n r neigh add proxy 10.9.0.1 dev eth0
	foretells b "arrives b"
	good vethlab down c
}

in_nft() { # NODE RULES
	good inside "$1" nft flush ruleset
	good inside "$1" nft "$2"
}

# A rule that may fit an echo leaves the verdict open; one that surely does not fit changes nothing.
test_nft_rules() {
	local rule
	command -v nft >/dev/null || skip_test "there is no nft"
	chain
	for rule in drop "ip saddr 10.0.1.0/24 drop" "icmp type echo-request reject" "ct state new drop" \
		"meta mark set 7" "iifname eth0 ip protocol icmp limit rate 1/second drop"; do
		in_nft r "table ip t { chain c { type filter hook forward priority 0; $rule; }; }"
		foretells b "arrives b"
		assert_eq "$(jq -r .verdict "$TEST_TMP/why")" unknown "$rule"
		[[ $rule == "icmp type"* || $rule == "ip saddr"* || $rule == iifname* ]] ||
			not_evaluated "there r: nft rules at forward" "back r: nft rules at forward"
	done
	for rule in "" "tcp dport 80 drop" "ip saddr 10.0.9.0/24 drop" "ip daddr != 10.0.0.0/8 drop" \
		"iifname lo drop" "icmp type destination-unreachable drop" "counter accept"; do
		in_nft r "table inet t { chain c { type filter hook forward priority 0; $rule; }; }"
		foretells b "arrives b"
		assert_eq "$(jq -r .verdict "$TEST_TMP/why")" arrives "$rule: $(<"$TEST_TMP/why")"
		good vethlab ping a b
	done
	in_nft r "table ip t { chain c { type filter hook forward priority 0; policy drop; icmp type echo-request accept; }; }"
	foretells b "arrives b"
	not_evaluated "back r: nft rules at forward"
	in_nft r "table ip t { chain d { ip saddr 10.0.2.2 drop; }; chain c { type filter hook forward priority 0; jump d; }; }"
	foretells b "arrives b"
	not_evaluated "back r: nft rules at forward"
	bad 1 vethlab ping a b -W 0.5
	in_nft r "table netdev t { chain c { type filter hook ingress device eth0 priority 0; drop; }; }"
	foretells b "arrives b"
	not_evaluated "there r: nft rules at ingress"
	in_nft r "table arp t { chain c { type filter hook input priority 0; drop; }; }"
	good ip -n a neigh flush dev eth0
	foretells b "arrives b"
	assert_eq "$(jq -r '.there.not_evaluated[0].what' "$TEST_TMP/why")" "nft rules for ARP at input" "ARP"
	good vethlab down c
}

# Case 2: a destination that only a rule rewrites has no route, which is not where the packet ends.
test_destination_nat() {
	command -v nft >/dev/null || skip_test "there is no nft"
	chain
	in_nft r "table ip n { chain p { type nat hook prerouting priority dstnat; ip daddr 10.96.0.10 dnat to 10.0.2.2; }; }"
	foretells 10.96.0.10 "no-route r"
	not_evaluated "there r: nft rules at prerouting"
	assert_eq "$(jq -r .verdict "$TEST_TMP/why")" unknown "verdict"
	good vethlab ping a 10.96.0.10 -W 5
	bad 6 vethlab why a 10.96.0.10
	says "r has no route to 10.96.0.10" "table ip n, chain p" "not evaluated"
	foretells 10.96.0.11 "no-route r" # another one
	assert_eq "$(jq -r .verdict "$TEST_TMP/why")" stopped "another destination"
	foretells b "arrives b"
	assert_eq "$(jq -r .verdict "$TEST_TMP/why")" arrives "b itself"
	good vethlab down c
}

# What others have on an end; vethlab's own programs do not count.
test_programs_of_others() {
	local hook
	chain
	foretells b "arrives b"
	not_evaluated
	for hook in tcx_out:eth1:leaves xdp:eth0:"comes in" tcx_in:eth0:"comes in"; do
		good nsenter --net=/run/netns/r "$HELPERS/others" drop "${hook%%:*}" "$(cut -d: -f2 <<<"$hook")"
		if [[ $out != "${hook%%:*} "* ]]; then
			skip_part "this kernel has no ${hook%%:*}"
			continue
		fi
		foretells b "arrives b"
		[[ $(jq -r '.there.not_evaluated[0] | "\(.node) \(.what)"' "$TEST_TMP/why") == \
			"r a program of others for what ${hook##*:}" ]] || fail "$hook: $(<"$TEST_TMP/why")"
		bad 1 vethlab ping a b -W 0.5
		bad 6 vethlab why a b
		says "(theirs)"
		good "$HELPERS/others" remove
	done
	good vethlab down c
}

test_rules_of_bridges() {
	command -v nft >/dev/null || skip_test "there is no nft"
	switched
	good inside sw nft "table bridge f { chain F { type filter hook forward priority 0; policy drop; }; }"
	foretells 192.168.30.2 "arrives b"
	not_evaluated "there sw: nft rules of the bridge at forward" "back sw: nft rules of the bridge at forward"
	bad 1 vethlab ping a 192.168.30.2 -W 0.5
	good vethlab down sw3
}

# K3: a drop that was seen is not followed by what the tables alone would say of another node.
test_no_guess_below_a_drop() {
	command -v nft >/dev/null || skip_test "there is no nft"
	up container
	good inside host nft "table ip d { chain p { type nat hook prerouting priority dstnat; ip daddr 10.96.0.10 dnat to 172.17.0.2; }; }"
	good vethlab ping c2 10.96.0.10 -W 5
	bad 1 vethlab ping c1 10.96.0.10 -W 0.5 -j # comes back by the port that it came by
	json_holds '.[0].itinerary | .drops[.death].node == "host"' '.[0] | has("why") | not'
	bad 6 vethlab why c1 10.96.0.10 -j
	json_holds '.[0].there.not_evaluated[0] | .node == "host" and .what == "nft rules at prerouting"'
	good vethlab down container
}

# docs/why.md names each setting that is read, and none that is not.
test_documented_settings() {
	local key
	asserted
	sources() {
		grep -rhoE '"net\.[a-z0-9_.%-]+"' "$TOP/user/path" | tr -d '"' |
			sed 's/%s/IF/; s/conf\.\(all\|eth0\)\./conf.IF./' | sort -u
	}
	documented() {
		sed -n '/^Settings/,/^## /p' "$TOP/docs/why.md" | grep -oE "\`net\.[a-zA-Z0-9_.-]+" | tr -d "\`" | sort -u
	}
	[[ $(sources | wc -l) -gt 10 ]] || fail "sysctls in the sources: $(sources)"
	assert_eq "$(documented)" "$(sources)" "settings of docs/why.md"
}

# K4: a node answers ARP only where it takes the source of who asks, or sends to it.
test_arp_answers() {
	chain
	good ip -n r addr add 10.0.1.2/32 dev lo
	good inside a ip neigh flush dev eth0
	foretells b "no-neighbor a"
	assert_eq "$(jq -r '.there.text | split("r:eth0: ")[1]' "$TEST_TMP/why")" "it refuses 10.0.1.2, which asks, as a source there: that address is its own, and accept_local is 0 (read for all and for eth0)" "why"
	good ip -n r addr del 10.0.1.2/32 dev lo
	set_in r net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.eth0.rp_filter=1
	good inside r ip route add unreachable 10.0.1.2
	foretells b "no-neighbor a"
	assert_eq "$(jq -r .there.text "$TEST_TMP/why")" "r has the address 10.0.1.1, but does not answer ARP requests for it by r:eth0: it refuses 10.0.1.2, which asks, as a source there (rp_filter is 2)" "why"
	bad 1 vethlab ping a b -W 0.3 -j
	json_holds '.[0] | .itinerary.fate == "waiting" and .why.end == "no-neighbor" and .why.at == "a"'
	good inside a ip neigh flush dev eth0
	set_in r net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	foretells b "arrives b"
	good inside r ip route del unreachable 10.0.1.2
	set_in r net.ipv4.conf.all.arp_filter=1
	foretells b "arrives b"
	good vethlab ping a b -W 5
	good inside a ip neigh flush dev eth0
	good inside r ip route add 10.0.1.2 via 10.0.2.2
	foretells b "no-neighbor a"
	assert_eq "$(jq -r '.there.text | split(": ")[1]' "$TEST_TMP/why")" "net.ipv4.conf.all.arp_filter is 1, and it sends nothing to 10.0.1.2 by eth0" "why"
	bad 1 vethlab ping a b -W 0.3
	good vethlab down c
}

# K2: an interface that takes no ARP does not answer, and one that sends none has its own MAC for everybody.
test_no_arp() {
	chain
	good inside b ip link set eth0 arp off
	foretells b "no-neighbor r"
	assert_eq "$(jq -r .there.text "$TEST_TMP/why")" "b has the address 10.0.2.2, but does not answer ARP requests for it by b:eth0: eth0 takes no ARP (its flag NOARP is set)" "why"
	bad 1 vethlab ping a b -W 0.3 -j
	json_holds '.[0] | .itinerary.fate == "waiting" and .why.end == "no-neighbor" and .why.at == "r"'
	good inside b ip link set eth0 arp on
	good inside r ip link set eth1 arp off
	bad 1 vethlab ping a b -W 0.3
	foretells b "wrong-mac r"
	assert_eq "$(jq -r .there.hint "$TEST_TMP/why")" "vethlab exec r ip link set eth1 arp on" "the hint"
	good inside r ip link set eth1 arp on
	good vethlab ping a b -W 10
	foretells b "arrives b"
	good vethlab down c
}

# K4: a route has an MTU and a hop limit of its own, which count instead of those of its interface and node.
test_metrics_of_routes() {
	chain
	good inside a ip route replace default via 10.0.1.1 hoplimit 1
	foretells b "ttl-exceeded r"
	assert_eq "$(jq -r '.there | .text, .hint' "$TEST_TMP/why")" "a sends it with a time to live of 1 (the hoplimit of its route), which is used up at r: it is not forwarded to 10.0.2.2
vethlab exec a ip route get 10.0.2.2" "the route's"
	bad 1 vethlab ping a b -W 1
	good inside a ip route replace default via 10.0.1.1
	set_in a net.ipv4.ip_default_ttl=1
	foretells b "ttl-exceeded r"
	assert_eq "$(jq -r '.there.hint' "$TEST_TMP/why")" "vethlab exec a sysctl -w net.ipv4.ip_default_ttl=255" "the node's"
	set_in a net.ipv4.ip_default_ttl=64
	good inside r ip route replace 10.0.2.0/24 dev eth1 mtu 1000
	foretells b "too-big r" -s 1200
	assert_eq "$(jq -r .there.text "$TEST_TMP/why")" "it is 1228 bytes long, more than the MTU of r's route to 10.0.2.2 (1000)" "the route's MTU"
	bad 1 vethlab ping a b -s 1200 -W 1 -j
	json_holds '.[0] | .result == "refused" and .itinerary.answerer == "r" and .error == "fragmentation needed (mtu 1000)"'
	good vethlab down c
}

# K5: a rule for what comes by one interface. That for the way out counts where the source is validated.
test_rules_for_an_interface() {
	chain
	good inside r ip rule add iif eth0 lookup 100 pref 10
	good inside r ip route add throw default table 100
	foretells b "arrives b"
	good inside r ip route replace unreachable default table 100
	foretells b "refused-by-route r"
	was_read r "rule 10 from all iif eth0" "table 100: unreachable 0.0.0.0/0"
	bad 1 vethlab ping a b -W 0.5 -j
	json_holds '.[0].why | .end == "refused-by-route" and .at == "r"'
	good inside r ip rule del pref 10
	set_in r net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.eth0.rp_filter=0
	good inside r ip rule add iif eth1 prohibit pref 11
	foretells b "rp-filter r"
	bad 1 vethlab ping a b -W 0.5 -j
	json_holds '.[0].itinerary | .drops[.death] | .node == "r" and .reason == "IP_RPFILTER"'
	set_in r net.ipv4.conf.all.rp_filter=0
	foretells b "arrives b" # but its answer, which comes by eth1, does not
	assert_eq "$(jq -r '.back | "\(.end) \(.at)"' "$TEST_TMP/why")" "refused-by-route r" "back"
	bad 1 vethlab ping a b -W 0.5 -j
	json_holds '.[0].why | .end == "refused-by-route" and .at == "r"'
	good vethlab down c
}

# K5: what a rule suppresses counts for nothing, and neither does a rule for another TOS.
test_rules_that_suppress() {
	local family to
	chain
	for family in 4 6; do
		[[ $family == 4 ]] && to=10.0.2.0/24 || to=2001:db8:2::/64
		good inside a ip "-$family" rule add pref 5 to $to lookup main suppress_prefixlength 0
		good inside a ip "-$family" rule add pref 6 to $to unreachable
		foretells "${to%/*}" "refused-by-route a"
		assert_eq "$(jq '[.there.read[] | select(.value == "not decided")] | length' "$TEST_TMP/why")" 0 "all was decided"
		good inside a ip "-$family" rule del pref 5
		good inside a ip "-$family" rule del pref 6
		good inside a ip "-$family" rule add pref 5 tos 0x10 blackhole
		good inside a ip "-$family" route add unreachable $to
		foretells "${to%/*}" "refused-by-route a"
		assert_eq "$(jq '[.there.read[] | select(.value == "not decided")] | length' "$TEST_TMP/why")" 0 "all was decided"
		# A route that refuses is not suppressed, whatever its prefix.
		good inside a ip "-$family" rule del pref 5
		good inside a ip "-$family" rule add pref 5 to $to lookup main suppress_prefixlength 64
		good inside a ip "-$family" rule add pref 6 to $to lookup 100
		good inside a ip "-$family" route add $to dev eth0 table 100
		foretells "${to%/*}" "refused-by-route a"
		assert_eq "$(jq '[.there.read[] | select(.value | test("unreachable"))] | length' "$TEST_TMP/why")" 1 "the route was read"
	done
	good vethlab down c
}

# K4: the setting that ignores echoes, of each family.
test_echoes_ignored() {
	chain
	set_in b net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1
	foretells b "echo-ignored b"
	assert_eq "$(jq -r '.there | .text, .hint' "$TEST_TMP/why")" "it arrives at b, which is told to ignore echo requests: net.ipv4.icmp_echo_ignore_all is 1
vethlab exec b sysctl -w net.ipv4.icmp_echo_ignore_all=0" "IPv4"
	foretells 2001:db8:2::2 "echo-ignored b"
	assert_eq "$(jq -r .there.hint "$TEST_TMP/why")" "vethlab exec b sysctl -w net.ipv6.icmp.echo_ignore_all=0" "IPv6"
	bad 1 vethlab ping a 2001:db8:2::2 -W 0.3
	good vethlab exec b sysctl -qw net.ipv6.icmp.echo_ignore_all=0
	good vethlab ping a 2001:db8:2::2 -W 5
	good vethlab down c
}

# IPv6 is off where the address should be: that is what was looked at, and what is advised brings it back.
test_ipv6_is_off_at_the_destination() {
	local key=net.ipv6.conf.eth0.disable_ipv6 to=2001:db8:2::2
	chain
	set_in b "$key=1"
	foretells $to "no-neighbor r"
	was_read b "$key" 1
	assert_eq "$(jq -r '.there | .text, .hint' "$TEST_TMP/why")" "nobody behind r:eth1 has the address $to: the lab file gives it to b:eth0, where IPv6 is off ($key is 1), so that the kernel keeps no IPv6 address there
vethlab exec b sysctl -w $key=0, then vethlab reset b" "what is told"
	good vethlab exec b sysctl -qw "$key=0"
	good vethlab reset b
	good vethlab ping a $to -W 5
	set_in b net.ipv6.conf.all.disable_ipv6=1 # it writes that of eth0 as well
	foretells $to "ipv6-off b" # r knows b's MAC address from before
	was_read b "$key" 1
	good ip -n r neigh flush dev eth1
	foretells $to "no-neighbor r"
	was_read b "$key" 1
	set_in b net.ipv6.conf.all.disable_ipv6=0
	good vethlab reset b
	good ip -n b link set eth0 mtu 1200 # IPv6 takes no less than 1280
	good ip -n r neigh flush dev eth1
	foretells $to "no-neighbor r"
	was_read b "the MTU of eth0" 1200
	assert_eq "$(jq -r .there.hint "$TEST_TMP/why")" "vethlab exec b ip link set eth0 mtu 1280, then vethlab reset b" "hint"
	good vethlab exec b ip link set eth0 mtu 1280
	good vethlab reset b
	good vethlab ping a $to -W 5
	good vethlab down c
}

test_ipv6_is_off_on_the_way() {
	local key=net.ipv6.conf.eth0.disable_ipv6 local_address
	chain
	set_in a "$key=1"
	foretells 2001:db8:2::2 "no-route a"
	was_read a "$key" 1
	bad 1 vethlab ping a 2001:db8:2::2 -W 0.3
	good vethlab exec a sysctl -qw "$key=0"
	good vethlab reset a
	good vethlab ping a 2001:db8:2::2 -W 5
	# The next hop has an address that no file has.
	local_address=$(ip -j -n r -6 addr show dev eth0 scope link | jq -r '.[].addr_info[]?.local | strings')
	good ip -n a route replace default via "$local_address" dev eth0
	foretells 2001:db8:2::2 "arrives b"
	set_in r "$key=1"
	good ip -n a neigh flush dev eth0
	foretells 2001:db8:2::2 "no-neighbor a"
	was_read r "$key" 1
	assert_eq "$(jq -r .there.text "$TEST_TMP/why")" "nobody behind a:eth0 has the address $local_address: IPv6 is off at its other end r:eth0 ($key is 1)" "text"
	good vethlab down c
}

# A bridge passes on what its ports do not take for themselves: their IPv6 is no reason.
test_ipv6_is_off_at_a_bridge() {
	cat >"$TEST_TMP/s.yaml" <<-'YAML'
		lab: s
		nodes:
		  a: {}
		  b: {}
		  s: {kind: bridge, sysctls: {net.ipv6.conf.all.disable_ipv6: 1}}
		links:
		  - endpoints: [{end: "a:eth0", address: "2001:db8::1/64"}, "s:p1"]
		  - endpoints: [{end: "b:eth0", address: "2001:db8::2/64"}, "s:p2"]
	YAML
	up "$TEST_TMP/s.yaml"
	good vethlab ping a 2001:db8::2 -W 5
	foretells 2001:db8::99 "no-neighbor a"
	assert_eq "$(jq -r '.there.text' "$TEST_TMP/why")" "nobody behind a:eth0 has the address 2001:db8::99: neighbor solicitations on that link get no answer" "what is told"
	good vethlab down s
}

# An interface whose name has a dot: the key is told as sysctl(8) takes it.
test_ipv6_is_off_at_a_name_with_a_dot() {
	local key=net.ipv6.conf.up/7.disable_ipv6
	cat >"$TEST_TMP/dot.yaml" <<-'YAML'
		lab: dot
		nodes: {a: {}, b: {}}
		links:
		  - endpoints: [{end: "a:eth0", address: "2001:db8::1/64"}, {end: "b:up.7", address: "2001:db8::2/64"}]
	YAML
	up "$TEST_TMP/dot.yaml"
	good vethlab exec b sysctl -qw "$key=1"
	foretells 2001:db8::2 "no-neighbor a"
	was_read b "$key" 1
	good vethlab exec b sysctl -qw "$key=0"
	good vethlab reset b
	good vethlab ping a 2001:db8::2 -W 5
	good vethlab down dot
}

# An address that the file has and that was taken away.
test_address_was_taken_away() {
	chain
	good ip -n b addr del 10.0.2.2/24 dev eth0
	foretells 10.0.2.2 "no-neighbor r"
	assert_eq "$(jq -r '.there | .text, .hint' "$TEST_TMP/why")" "nobody behind r:eth1 has the address 10.0.2.2: the lab file gives it to b:eth0, which does not have it now
vethlab reset b" "what is told"
	good vethlab reset b
	good vethlab ping a 10.0.2.2 -W 5
	foretells 10.0.2.9 "no-neighbor r"
	assert_eq "$(jq -r .there.text "$TEST_TMP/why")" "nobody behind r:eth1 has the address 10.0.2.9: ARP requests on that link get no answer" "an address of nobody"
	good vethlab down c
}

run_tests
