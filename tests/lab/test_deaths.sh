#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_deaths.sh - each way to die on a path: `ping` names node and reason, `why` foretells it, and the
# two agree. a -- r1 -- r2 -- sw (a bridge) -- b.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab() {
	up "$TOP/tests/lab/deaths.yaml"
	good vethlab ping a b -W 5 # ARP is done, and the bridge has learned
}

field() { # FILTER of the echo
	jq -r "select(.schema == \"vethlab.ping/1\") | $1" <<<"$out"
}

# What `why` foretells from a to b: "WORD [NODE]", of the leg there or back.
foretold() { # TO
	local verdict
	verdict=$(vethlab why a "$1" -j || true)
	jq -r '(.back // .there) | "\(.end) \(.hops[-1].node)"' <<<"$verdict"
}

# An echo from a dies: result, then where and why as `ping` saw it ("NODE REASON"; - for no drop), and
# what `why` foretells ("- " for nothing: filters are not looked at).
dies() { # RESULT SEEN FORETOLD [TO] [OPTION OF PING...]
	local result=$1 seen=$2 told=$3 to=${4:-b}
	shift $(($# < 4 ? $# : 4))
	bad 1 vethlab ping a "$to" -W 0.3 -j "$@"
	assert_eq "$(field .result)" "$result" "result"
	assert_eq "$(field '.itinerary | if .death == null then "-"
		else .drops[.death] | "\(.node) \(.reason)" end')" "$seen" "the drop"
	assert_eq "$(foretold "$to")" "$told" "what why foretells"
}

last_seen() { # END HOOK LEG
	assert_eq "$(field '.itinerary.last_seen | "\(.end) \(.hook) \(.leg)"')" "$*" "last seen"
}

drop_rule() { # NODE HOOK
	inside "$1" nft add table ip t
	inside "$1" nft "add chain ip t c { type filter hook $2 priority 0; policy drop; }"
}

test_no_route() {
	lab
	dies refused "r1 IP_INNOROUTES" "no-route r1" 10.9.9.9
	last_seen r1:w0 in request
	down_at_rest deaths
}

test_no_route_back() {
	lab
	good vethlab exec b ip route del default
	dies unanswered "-" "no-route b"
	last_seen b:e0 in request
	says "b has no route back to 10.0.1.1"
	down_at_rest deaths
}

# The kernel names no reason for these routes: the function tells, and `why` the kind.
test_refusing_routes() {
	local kind
	lab
	good vethlab exec r1 ip route add blackhole 10.0.3.1/32
	bad 1 vethlab ping a b -W 0.3
	says "r1:w0  in" "blackhole route" "r1 dropped the request" "0 answered, 1 unanswered"
	assert_eq "$(foretold b)" "refused-by-route r1" "why"
	for kind in unreachable prohibit; do
		good vethlab exec r1 ip route replace "$kind" 10.0.3.1/32
		bad 1 vethlab ping a b -W 0.3
		says "r1 has a" "$kind route for 10.0.3.1" "1 refused by ICMP errors"
		assert_eq "$(foretold b)" "refused-by-route r1" "why"
	done
	down_at_rest deaths
}

test_ttl() {
	lab
	bad 1 vethlab ping a b -t 1 -j
	assert_eq "$(field .error)" "time to live exceeded" "error"
	last_seen r1:w0 in request
	dropped r1 IP_INHDR
	bad 1 vethlab ping a b -t 2 -j
	last_seen r2:w0 in request
	dropped r2 IP_INHDR
	assert_eq "$(field .itinerary.answerer)" r2 "who says so"
	down_at_rest deaths
}

test_forwarding_off() {
	lab
	inside r1 sysctl -qw net.ipv4.ip_forward=0
	dies unanswered "r1 IP_INADDRERRORS" "not-forwarding r1"
	last_seen r1:w0 in request
	down_at_rest deaths
}

test_rp_filter() {
	lab
	inside r2 sysctl -qw net.ipv4.conf.all.rp_filter=1
	inside r2 ip route replace 10.0.1.0/24 dev e0
	dies unanswered "r2 IP_RPFILTER" "rp-filter r2"
	last_seen r2:w0 in request
	down_at_rest deaths
}

test_netfilter() {
	lab
	drop_rule r1 prerouting
	dies unanswered "r1 NETFILTER_DROP" "arrives a"
	inside r1 nft delete table ip t
	drop_rule r1 forward
	dies unanswered "r1 NETFILTER_DROP" "arrives a"
	last_seen r1:w0 in request
	inside r1 nft delete table ip t
	drop_rule r1 postrouting
	dies unanswered "r1 NETFILTER_DROP" "arrives a"
	inside r1 nft delete table ip t
	drop_rule b input
	dies unanswered "b NETFILTER_DROP" "arrives a"
	last_seen b:e0 in request
	inside b nft delete table ip t
	drop_rule b output
	dies unanswered "b NETFILTER_DROP" "arrives a"
	inside b nft delete table ip t
	drop_rule a output
	dies not-sent "a NETFILTER_DROP" "arrives a"
	inside a nft delete table ip t
	# The reply came home, and the firewall there took it.
	drop_rule a input
	dies unanswered "a NETFILTER_DROP" "arrives a"
	last_seen a:e0 in reply
	says "a dropped the reply"
	down_at_rest deaths
}

# The drop of the last output: "NODE REASON".
dropped() { # NODE REASON
	assert_eq "$(field '.itinerary.drops[.itinerary.death] | "\(.node) \(.reason)"')" "$*" "the drop"
}

# A table of a family that not every kernel has, whose one chain drops all.
drop_table() { # NODE FAMILY HOOK
	inside "$1" nft "table $2 t { chain c { type filter hook $3 priority 0; policy drop; }; }" \
		2>/dev/null
}

# Such a table drops the echo; or the test is skipped where there can be none.
below_ip() { # NODE FAMILY HOOK END-LAST-SEEN
	lab
	drop_table "$1" "$2" "$3" || skip_test "this kernel's nft has no $2 tables with ${3%% *}"
	bad 1 vethlab ping a b -W 0.3 -j
	last_seen "$4" in request
	dropped "$1" NETFILTER_DROP
	inside "$1" nft delete table "$2" t
	good vethlab ping a b -W 5
	down_at_rest deaths
}

test_netfilter_ingress() {
	below_ip r2 netdev "ingress device w0" r2:w0
}

test_netfilter_egress() {
	below_ip r1 netdev "egress device e0" r1:w0
}

test_netfilter_bridge() {
	below_ip sw bridge forward sw:p0
}

# A rule in r1 spoils each request; whoever gets it says why it is dropped.
spoilt() { # STATEMENT NODE REASON END-LAST-SEEN
	inside r1 nft add table ip t
	inside r1 nft "add chain ip t c { type filter hook postrouting priority 0; }"
	inside r1 nft "add rule ip t c icmp type echo-request $1" 2>/dev/null ||
		skip_test "this nft cannot: $1"
	bad 1 vethlab ping a b -W 0.3 -j
	dropped "$2" "$3"
	last_seen "$4" in request
	inside r1 nft delete table ip t
}

test_icmp_checksum() {
	lab
	spoilt "icmp checksum set 1" b ICMP_CSUM b:e0
	down_at_rest deaths
}

test_ip_checksum() {
	lab
	spoilt "ip checksum set 1" r2 IP_CSUM r2:w0
	down_at_rest deaths
}

# Sources and destinations that no packet may have here.
test_martians() {
	kernel_names IP_LOCALNET || skip_test "this kernel (before 6.14) names no reason for martians"
	lab
	spoilt "ip saddr set 127.0.0.1" r2 IP_LOCALNET r2:w0
	spoilt "ip daddr set 127.0.0.1" r2 IP_LOCALNET r2:w0
	spoilt "ip saddr set 224.0.0.5" r2 IP_INVALID_SOURCE r2:w0
	spoilt "ip saddr set 10.0.3.254" r2 IP_LOCAL_SOURCE r2:w0
	down_at_rest deaths
}

# Kernels before 6.14 name no reason, but the place.
test_own_source() {
	local reason=NOT_SPECIFIED
	! kernel_names IP_LOCAL_SOURCE || reason=IP_LOCAL_SOURCE
	lab
	inside r2 ip addr add 10.0.1.1/32 dev lo
	bad 1 vethlab ping a b -W 0.3 -j
	dropped r2 $reason
	says "10.0.1.1 is an address of r2 itself"
	last_seen r2:w0 in request
	down_at_rest deaths
}

# Whether the running kernel has this reason.
kernel_names() { # REASON
	bpftool btf dump file /sys/kernel/btf/vmlinux format raw |
		grep -q "'SKB_DROP_REASON_$1'"
}

# A port that spanning tree keeps shut until it knows that there is no loop.
test_loop_guard() {
	local reason=NOT_SPECIFIED
	! kernel_names BRIDGE_INGRESS_STP_STATE || reason=BRIDGE_INGRESS_STP_STATE
	lab
	# What follows is about the echo, not about the ARP request before it.
	inside r2 ip neigh replace 10.0.3.1 dev e0 nud permanent \
		lladdr "$(inside b ip -j link show e0 | jq -r '.[0].address')"
	inside sw ip link set br0 type bridge forward_delay 3000 stp_state 1
	inside sw ip link set p0 down
	inside sw ip link set p0 up # it has to listen anew
	bad 1 vethlab ping a b -W 0.3 -j
	last_seen sw:p0 in request
	dropped sw $reason
	down_at_rest deaths
}

test_foreign_xdp() {
	lab
	good inside r2 "$HELPERS/xdp_drop" w0
	bad 1 vethlab ping a b -W 0.3 -j
	last_seen r1:e0 out request
	assert_eq "$(field '.itinerary.drops[.itinerary.death] | "\(.node): \(.text)"')" \
		"r2: r2 dropped the request: an XDP program of the receiving end says so" "the drop"
	good inside r2 "$HELPERS/xdp_drop" --off w0
	good vethlab ping a b -W 5
	down_at_rest deaths
}

error_arrived() { # END
	[[ $(count "$1" in icmp4.unreachable) -ge 1 ]]
}

# A UDP probe to a port where nobody listens has a story, too: what the error is about, who made it and why.
test_no_socket() {
	lab
	"$BUILD/vethlab" record "$TEST_TMP/run.rec" 2>"$TEST_TMP/recorder" &
	wait_until test -e "$TEST_TMP/run.rec"
	inside a bash -c 'echo probe >/dev/udp/10.0.3.1/9'
	wait_until error_arrived a:e0
	kill -TERM $!
	wait $!
	good vethlab replay "$TEST_TMP/run.rec" -i -j
	assert_eq "$(jq -r '"\(.fate) \(.origin) \(.answerer) \(.about.protocol) \(.about.to_port)"' <<<"$out")" \
		"refused a b 17 9" "the story"
	assert_eq "$(jq -r '.drops[.death] | "\(.node) \(.reason)"' <<<"$out")" "b NO_SOCKET" "the drop"
	assert_eq "$(jq -r '[.hops[] | .end] | join(" ")' <<<"$out")" \
		"b:e0 sw:p1 sw:p0 r2:e0 r2:w0 r1:e0 r1:w0 a:e0" "the way of the error"
	good vethlab replay "$TEST_TMP/run.rec" -i type error
	says "udp 10.0.1.1:" "> 10.0.3.1:9: refused by b: port unreachable; nobody listens at port 9 of b"
	good vethlab replay "$TEST_TMP/run.rec" -i type echo
	assert_eq "$out" "" "echoes"
	good vethlab replay "$TEST_TMP/run.rec" -i id 9
	assert_eq "$out" "" "what has the id 9"
	good vethlab stats
	says "NO_SOCKET" "no socket waits for it"
	down_at_rest deaths
}

test_traffic_control() {
	tc qdisc add dev lo clsact
	tc filter add dev lo ingress matchall action drop 2>/dev/null ||
		skip_test "this kernel has no matchall classifier"
	tc qdisc del dev lo clsact
	lab
	# There is a clsact already where the lab's own programs need one.
	inside r2 tc qdisc add dev w0 clsact 2>/dev/null || true
	inside r2 tc filter add dev w0 ingress pref 99 matchall action drop
	bad 1 vethlab ping a b -W 0.3 -j
	assert_eq "$(field '.itinerary.drops[.itinerary.death].node')" r2 "the drop"
	inside r2 tc filter del dev w0 ingress pref 99
	good vethlab ping a b -W 5
	down_at_rest deaths
}

test_netem() {
	lab
	inside r1 tc qdisc add dev e0 root netem loss 100% 2>/dev/null ||
		skip_test "this kernel has no netem"
	bad 1 vethlab ping a b -W 0.3 -j
	last_seen r1:e0 out request
	inside r1 tc qdisc del dev e0 root
	good vethlab ping a b -W 5
	down_at_rest deaths
}

test_neighbor() {
	lab
	bad 1 vethlab ping a 10.0.1.77 -W 5 -j
	assert_eq "$(field .error)" "host unreachable" "error"
	assert_eq "$(field '.itinerary.drops[0] | "\(.node) \(.reason)"')" "a NEIGH_FAILED" "the drop"
	assert_eq "$(foretold 10.0.1.77)" "no-neighbor a" "why"
	bad 1 vethlab ping a 10.0.3.77 -W 5 -j
	assert_eq "$(field '.itinerary.drops[0] | "\(.node) \(.reason)"')" "r2 NEIGH_FAILED" "the drop"
	last_seen r2:w0 in request
	assert_eq "$(foretold 10.0.3.77)" "no-neighbor r2" "why"
	down_at_rest deaths
}

# On this side the route goes with the link.
test_link_down() {
	lab
	good vethlab link r1:e0 down
	dies refused "r1 IP_INNOROUTES" "no-route r1"
	last_seen r1:w0 in request
	says "r1:e0 is down, so r1 has no route" "r1 has no route to 10.0.3.1: request dropped in r1"
	down_at_rest deaths
}

# On the other side it does not, and nobody answers there.
test_link_down_there() {
	lab
	good vethlab link r2:w0 down
	dies refused "r1 NEIGH_FAILED" "link-down r1" b -W 10
	last_seen r1:w0 in request
	says "r2:w0 is down, so nothing crosses" "arp: nobody answered for 10.0.2.2 on r1:e0"
	down_at_rest deaths
}

# Behind a bridge: the address is known still, but the bridge has nobody to give the packet to.
test_link_down_behind_bridge() {
	local reason=NOT_SPECIFIED
	! kernel_names NO_TX_TARGET || reason=NO_TX_TARGET
	lab
	inside r2 ip neigh replace 10.0.3.1 dev e0 nud permanent \
		lladdr "$(inside b ip -j link show e0 | jq -r '.[0].address')"
	good vethlab link b:e0 down
	dies unanswered "sw $reason" "not-bridged r2"
	last_seen sw:p0 in request
	down_at_rest deaths
}

test_mtu() {
	lab
	inside r1 ip link set e0 mtu 1000
	bad 1 vethlab ping a b -s 1200 -j
	assert_eq "$(field .error)" "fragmentation needed (mtu 1000)" "error"
	assert_eq "$(field '.itinerary.drops[0] | "\(.node) \(.reason)"')" "r1 PKT_TOO_BIG" "the drop"
	# What r1 answered is known to a since, where the tables end now: below the drop in r1 it is no reason.
	assert_eq "$(field .why)" null "why, below what was seen"
	bad 1 vethlab why a b -s 1200 -j
	assert_eq "$(jq -r "(.back // .there).end" <<<"$out")" too-big "why"
	good vethlab ping a b -s 500
	# What may be cut is cut, and arrives; what the other end could not take is lost on the link.
	inside a sysctl -qw net.ipv4.ip_no_pmtu_disc=1
	inside a ip route flush cache
	inside r2 ip link set w0 mtu 1000
	good vethlab ping a b -s 1200
	says "$(text_passed_on r1)" "in 2 parts" "$(text_answered 1)"
	inside r2 ip link set w0 mtu 1500
	bad 1 vethlab ping a b -s 1200 -W 0.3 -j
	last_seen r2:w0 out reply
	assert_eq "$(field .why.end)" too-big "why"
	says "r2:w0 sends 1228 bytes at once, more than the MTU of the other end, r1:e0"
	down_at_rest deaths
}

# The parts of a packet are one packet; b cannot answer it before it has all of them.
test_fragments() {
	lab
	inside r1 ip link set e0 mtu 1000
	inside r2 ip link set w0 mtu 1000
	good vethlab ping a b -s 65507 -W 5 -j
	assert_eq "$(field '[.itinerary.hops[] | select(.leg == "request" and .hook == "out") |
		.parts] | join(" ")')" "45 89 89 89" "parts of the request"
	assert_eq "$(field '[.itinerary.hops[] | select(.incomplete)] | length')" 0 "not whole"
	good vethlab ping a b -s 65507 -W 5
	says "in 45 parts" "in 89 parts" "$(text_answered 1)"
	inside r2 nft add table ip t
	inside r2 nft add chain ip t c "{ type filter hook forward priority 0; }"
	inside r2 nft add rule ip t c ip frag-off '&' 0x1fff == 122 drop # bytes 976 to 1951
	bad 1 vethlab ping a b -s 5000 -W 0.5 -j
	last_seen b:e0 in request
	assert_eq "$(field '.itinerary.hops[-1] | "\(.parts) \(.incomplete)"')" "6 true" "at b"
	bad 1 vethlab ping a b -s 5000 -W 0.5
	says "only 6 of 7 parts" "last seen at b:e0 in, but not all of its parts"
	down_at_rest deaths
}

test_ignored() {
	lab
	inside b sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	bad 1 vethlab ping a b -W 0.3 -j
	last_seen b:e0 in request
	assert_eq "$(foretold b)" "echo-ignored b" "why"
	down_at_rest deaths
}

test_own_address() {
	lab
	good vethlab ping a a:e0 -j
	assert_eq "$(field .stayed_on_lo)" true "stayed on lo"
	assert_eq "$(field .itinerary)" null "no record"
	good vethlab why a 10.0.1.1 -j
	assert_eq "$(jq -r .there.end <<<"$out")" stays-on-lo "why"
	down_at_rest deaths
}

test_loop() {
	lab
	inside r2 ip route replace 10.0.3.1/32 via 10.0.2.1
	bad 1 vethlab ping a b -t 9 -j
	assert_eq "$(field .error)" "time to live exceeded" "error"
	assert_eq "$(field '[.itinerary.hops[] | select(.again)] | length > 4')" true "it comes again"
	assert_eq "$(foretold b | cut -d' ' -f1)" loop "why"
	down_at_rest deaths
}

# traceroute names the ends of the way, and stops where the way does.
test_traceroute() {
	lab
	good vethlab traceroute a b -j
	assert_eq "$(jq -rs 'map(.at.end) | join(" ")' <<<"$out")" "r1:w0 r2:w0 b:e0" "the way"
	# The transit of each way: from its first hop to its last.
	assert_eq "$(jq -c "[.there_ns, .back_ns]" <<<"$out")" "$(jq -c '.itinerary.hops |
		[map(select(.leg == "request")), map(select(.leg != "request"))] |
		map(last.at_ns - first.at_ns)' <<<"$out")" "there and back"
	assert_eq "$(jq -s 'map(.there_ns > 0 and .back_ns > 0) | all' <<<"$out")" true "both are known"
	bad 1 vethlab traceroute a 10.9.9.9 -j
	assert_eq "$(jq -rs 'map(.at.end) | join(" ")' <<<"$out")" "r1:w0" "the way"
	down_at_rest deaths
}

# The same stories from a file, by somebody who may do nothing.
test_replay() {
	lab
	drop_rule r1 forward
	vethlab record "$TEST_TMP/run.rec" --for 2s 2>"$TEST_TMP/log" &
	sleep 0.5
	bad 1 vethlab ping a b -W 0.3 -q
	wait $!
	good vethlab replay "$TEST_TMP/run.rec" dropped
	says "r1 dropped the request: a netfilter rule" "NETFILTER_DROP, in nft_do_chain"
	good vethlab replay "$TEST_TMP/run.rec" r1 type request -j
	assert_eq "$(jq -rs 'map(.reason // "\(.end) \(.hook)") | last' <<<"$out")" NETFILTER_DROP "last"
	head -c $(($(stat -c %s "$TEST_TMP/run.rec") - 20)) "$TEST_TMP/run.rec" >"$TEST_TMP/cut.rec"
	good vethlab replay "$TEST_TMP/cut.rec" dropped
	says "r1 dropped the request" "the recording was cut short"
	down_at_rest deaths
}

# Two tracers see the same, each by its own filter; nobody takes records from the other.
test_two_tracers() {
	lab
	vethlab trace --for 2s type request b -j >"$TEST_TMP/one" 2>/dev/null &
	vethlab trace --for 2s type echo -i -j >"$TEST_TMP/two" 2>/dev/null &
	sleep 0.7
	good vethlab ping a b -c 20 -i 0 -q
	wait
	assert_eq "$(jq -s 'map(select(.hook == "in")) | length' "$TEST_TMP/one")" 20 "requests at b"
	assert_eq "$(jq -s 'map(select(.fate == "answered")) | length' "$TEST_TMP/two")" 20 "stories"
	down_at_rest deaths
}

run_tests
