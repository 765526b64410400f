#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_cases.sh - public problems of people who do this job, numbered as their list is, each built literally.
# Siblings of a kind follow their case. Cases 14 to 24 and the kinds K1 to K13 are in test_cases_kinds.sh.
# More of the same is in test_why.sh, test_why_settings.sh (what `why` reads), test_remarks.sh (case 8), test_questions.sh (case 9),
# test_foreign.sh (what others put into nodes).
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

pair() { # KEYS OF a, KEYS OF b, MORE OF a's END
	cat >"$TEST_TMP/p.yaml" <<-END
		lab: p
		nodes: {a: {$1}, b: {$2}}
		links: [{endpoints: [{end: "a:eth0", address: 10.0.0.1/24${3:-}}, {end: "b:eth0", address: 10.0.0.2/24}]}]
	END
	up "$TEST_TMP/p.yaml"
}

chain() { # KEYS OF a, KEYS OF r, KEYS OF b, MORE OF r's eth0: a -- r -- b, where r forwards
	cat >"$TEST_TMP/c.yaml" <<-END
		lab: c
		nodes:
		  a: {${1:-routes: [default via 10.0.1.1]}}
		  r: {forward: v4${2:+, $2}}
		  b: {routes: [default via 10.0.2.1]${3:+, $3}}
		links:
		  - endpoints: [{end: "a:eth0", address: 10.0.1.2/24}, {end: "r:eth0", address: 10.0.1.1/24${4:-}}]
		  - endpoints: [{end: "r:eth1", address: 10.0.2.1/24}, {end: "b:eth0", address: 10.0.2.2/24}]
	END
	up "$TEST_TMP/c.yaml"
}

# What `why FROM TO` says: its verdict, how the leg there ends, and where.
foretells() { # FROM TO "VERDICT END NODE" [OPTION...]
	local from=$1 to=$2 want=$3 status=0
	shift 3
	out=$(vethlab why "$from" "$to" -j "$@" 2>&1) || status=$?
	assert_eq "$(jq -r '"\(.verdict) \(.there.end) \(.there.at)"' <<<"$out")" "$want" "why $from $to: $out"
	assert_eq "$status" "$(jq '{arrives: 0, stopped: 1, unknown: 6}[.verdict]' <<<"$out")" "exit status"
}

read_there() { # NODE WHAT VALUE: the last `why -j` told where it was read
	json_holds ".[0].there.read | any(.node == \"$1\" and .what == \"$2\" and .value == \"$3\")"
}

# Of the first echo in $out.
first() { # FILTER
	jq -r "select(.schema == \"vethlab.ping/1\") | $1" <<<"$out" | head -n 1
}

test_case_01_no_forgery() {
	pair 'exec: [ip route del local 127.0.0.0/8 dev lo table local, ip route del local 127.0.0.1 dev lo table local, ip route add 127.0.0.1/32 via 10.0.0.2]'
	bad 1 vethlab ping a 127.0.0.1 -W 0.5 -j
	assert_eq "$(first '.itinerary | .drops[.death] | "\(.node) \(.reason)"')" "b IP_LOCALNET" "the drop"
	assert_eq "$(first '"\(.why.end) \(.why.at)"')" "route-localnet b" "why"
	foretells a 127.0.0.1 "stopped route-localnet b"
	read_there b net.ipv4.conf.eth0.route_localnet 0
	bad 1 vethlab ping a 127.0.0.1 -W 0.5
	says_not rp_filter
	good vethlab down p
}

test_case_02_destination_nat() {
	needs nft
	chain "" 'nft: "table ip n { chain p { type nat hook prerouting priority dstnat; ip daddr 10.96.0.10 dnat to 10.0.2.2; }; }"'
	foretells a 10.96.0.10 "unknown no-route r"
	json_holds '.[0].there.not_evaluated == [{node: "r", what: "nft rules at prerouting", where: "table ip n, chain p"}]'
	good vethlab ping a 10.96.0.10 -W 5 -j
	answered 1
	good vethlab down c
}

test_case_03_neighbor_table() {
	chain 'routes: [10.9.0.1/32 dev eth0, default via 10.9.0.1 dev eth0], neighbors: [{address: 10.9.0.1, mac: "02:00:00:00:00:0b", dev: eth0}]' \
		"" "" ', mac: "02:00:00:00:00:0b"'
	foretells a b "arrives arrives b"
	good vethlab ping a b -W 5 -j
	answered 1
	good vethlab down c
}

test_case_04_long_chain() {
	good vethlab generate chain 65
	echo "$out" >"$TEST_TMP/chain.yaml"
	up "$TEST_TMP/chain.yaml"
	foretells n1 n65 "arrives arrives n65"
	json_holds '.[0].there.hops | length == 65'
	good vethlab ping n1 n65 -W 5 -j
	answered 1
	good vethlab down
}

test_case_05_size_of_a_broadcast() {
	pair "" 'sysctls: {net.ipv4.icmp_echo_ignore_broadcasts: 0}' ', mtu: 9000'
	foretells a 10.0.0.255 "stopped too-big a" -s 8000
	json_holds '.[0].there | .mtu == 1500 and .mtu_at == "b:eth0"'
	bad 1 vethlab ping a 10.0.0.255 -s 8000 -W 0.5 -j
	assert_eq "$(first '.itinerary | .drops[.death] | "\(.node) \(.function)"')" "a __dev_forward_skb2" "the drop"
	assert_eq "$(first '.why | "\(.end) \(.at)"')" "too-big a" "why"
	bad 1 vethlab ping a 10.0.0.255 -s 8000 -W 0.5
	says_not ignore_broadcasts
	good vethlab down p
}

came_to() { # END ECHOES
	[[ $(count "$1" in icmp4.echo_request) -ge $2 ]]
}

# Ping b from a, and run a command once the echo has come to an end.
asked_meanwhile() { # END COMMAND...
	local end=$1 pid before
	shift
	before=$(count "$end" in icmp4.echo_request)
	vethlab ping a b -W 3 -j >"$TEST_TMP/ping" &
	pid=$!
	wait_until came_to "$end" $((before + 1))
	good "$@"
	wait $pid || true
	out=$(<"$TEST_TMP/ping")
}

# The node that lost its route is not the one where the story ends; a table changed after the echo.
test_case_06_tables_of_another_time() {
	local node
	pair "" 'sysctls: {net.ipv4.icmp_echo_ignore_all: 1}'
	good vethlab exec a ip route del 10.0.0.0/24
	bad 1 vethlab ping b a -W 0.5 -j
	assert_eq "$(first '.why | "\(.end) \(.at)"')" "no-route a" "why, where the reply ends"
	bad 1 vethlab ping a b -W 0.5 -j
	assert_eq "$(first '.result + " " + .why.at')" "not-sent a" "not sent"
	good vethlab exec a ip route add 10.0.0.0/24 dev eth0
	asked_meanwhile b:eth0 ip -n a route del 10.0.0.0/24
	assert_eq "$(first '.itinerary.last_seen.end')" b:eth0 "where it was last"
	assert_eq "$(first '.why.at // "none"')" none "nothing about a's table, which the echo did not meet"
	good vethlab down p
	needs nft
	chain "" 'nft: "table ip t { chain c { type filter hook forward priority 0; drop; }; }"'
	for node in b r; do
		asked_meanwhile r:eth0 ip -n "$node" route del "$([[ $node == b ]] && echo default || echo 10.0.2.0/24)"
		assert_eq "$(first '.itinerary | .drops[.death] | "\(.node) \(.reason)"')" "r NETFILTER_DROP" "the drop"
		assert_eq "$(first '.why.end // "none"')" none "no route of $node"
	done
	good vethlab down c
}

# ---- 7: programs of others that send on what comes in --------------------------------------------

# a and b have each other's MAC; r has no address, and nothing forwards but a program.
apart() {
	cat >"$TEST_TMP/s.yaml" <<-END
		lab: s
		nodes:
		  a: {routes: [10.0.2.0/24 dev eth0], neighbors: [{address: 10.0.2.2, mac: "02:00:00:00:00:0b", dev: eth0}]}
		  r: {forward: v4}
		  b: {routes: [10.0.1.0/24 dev eth0], neighbors: [{address: 10.0.1.2, mac: "02:00:00:00:00:0a", dev: eth0}]}
		links:
		  - endpoints: [{end: "a:eth0", address: 10.0.1.2/24, mac: "02:00:00:00:00:0a"}, "r:eth0"]
		  - endpoints: ["r:eth1", {end: "b:eth0", address: 10.0.2.2/24, mac: "02:00:00:00:00:0b"}]
	END
	up "$TEST_TMP/s.yaml"
}

redirects() { # WORD HOOK: at r:eth0, to r:eth1; 1: this kernel has no such hook
	out=$(nsenter --net=/run/netns/r "$HELPERS/others" "$1" "$2" eth0 eth1 2>&1) || fail "$out"
	[[ $out == "$2 "* ]]
}

# What is said of it: by why, and by ping about an echo that comes to b past r's own hooks.
told_of_program() { # KIND OF PROGRAM
	foretells a b "unknown foreign-program r"
	[[ $(jq -r .there.text <<<"$out") == "what a sends by a:eth0 meets a program of others at r:eth0 ($1 program "*" (theirs)): whether that takes it, and where it sends it, was not evaluated" ]] || fail "$out"
	bad 1 vethlab ping a b -W 0.5 -j
	assert_eq "$(first '.itinerary | .drops[.death] | "\(.leg) \(.node) \(.reason)"')" "reply r OTHERHOST" "the drop"
	[[ $(first '.programs_of_others[] | "\(.end) \(.program)"') == "r:eth0 $1 program "* ]] || fail "$out"
	bad 1 vethlab ping a b -W 0.5
	says "at r:eth0 what comes in meets a program of others first ($1 program "
	says_not ARP "nobody" "neighbor table"
}

test_case_07_foreign_xdp_redirect() {
	apart
	redirects redirect xdp
	good vethlab stats --reset
	told_of_program XDP
	good vethlab stats
	says "unexplained" "what comes in at r:eth0 meets a program of others first (XDP program "
	good vethlab stats -j
	json_holds '.[0].links[].directions[] | select(.from == "a:eth0") | .unexplained > 0 and (.program_of_others | test("^XDP program"))'
	# Its neighbor's answer does not come back: that a waits for it refutes nothing.
	good ip -n a neigh del 10.0.2.2 dev eth0
	bad 1 vethlab ping a b -W 0.5 -j
	assert_eq "$(first .itinerary.fate)" waiting "its fate"
	assert_eq "$(jq -rs '.[-1].why | "\(.end) \(.at)"' <<<"$out")" "foreign-program r" "the cause: $out"
	good ip -n a neigh replace 10.0.2.2 lladdr 02:00:00:00:00:0b nud permanent dev eth0
	good "$HELPERS/others" remove
	foretells a b "stopped wrong-mac a"
	bad 1 vethlab ping a b -W 0.5 -j
	assert_eq "$(first '.programs_of_others')" null "no program"
	good vethlab down s
}

test_case_07_tc_redirect() {
	apart
	redirects redirect tcx_in || { good vethlab down s; skip_test "this kernel has no tcx"; }
	foretells a b "unknown foreign-program r"
	bad 1 vethlab ping a b -W 0.5
	says_not ARP "neighbor table"
	good "$HELPERS/others" remove
	good vethlab down s
}

# Between two hooks a program takes what behind the first or before the second of them runs.
test_case_07_behind_out() {
	apart
	redirects redirect tcx_in || { good vethlab down s; skip_test "this kernel has no tcx"; }
	out=$(nsenter --net=/run/netns/a "$HELPERS/others" redirect tcx_out eth0 lo 2>&1) || fail "$out"
	good vethlab stats --reset
	bad 1 vethlab ping a b -W 0.5 -j
	assert_eq "$(first '.programs_of_others[] | "\(.end) \(.leaves)"')" "a:eth0 true" "what may have taken it: $out"
	bad 1 vethlab ping a b -W 0.5
	says "at a:eth0 what leaves meets a program of others (tcx program "
	good vethlab stats
	says "what leaves by a:eth0 meets a program of others (tcx program "
	good vethlab stats -j
	json_holds '.[0].links[].directions[] | select(.from == "a:eth0") | .unexplained > 0 and
		(.program_of_others_at_sender | test("^tcx program")) and (has("program_of_others") | not)'
	good "$HELPERS/others" remove
	good vethlab down s
}

test_case_07_redirect_into_the_other_end() {
	apart
	redirects peer tcx_in || { good vethlab down s; skip_test "this kernel has no tcx"; }
	told_of_program tcx
	good "$HELPERS/others" remove
	good vethlab down s
}

test_case_08_rate_limit_of_errors() {
	chain
	bad 1 vethlab ping a b -t 1 -c 20 -i 10ms -j
	json_holds 'last | .no_icmp_error | length == 1 and .[0].node == "r"' 'last | .unanswered > 0 and .no_icmp_error[0].echoes == .unanswered'
	if inside r cat /proc/net/snmp | grep -q OutRateLimitHost; then
		json_holds 'last | .no_icmp_error[0] | .held_back_host + (.held_back_global // 0) == .echoes'
	else
		skip_part "this kernel does not count what its rate limits hold back"
	fi
	good vethlab down c
}

test_case_09_questions_are_counted_once() {
	pair
	good vethlab stats --reset
	bad 1 vethlab ping a 10.0.0.77 -c 8 -i 100ms -W 60 -j
	assert_eq "$(jq -r '.itinerary.stack // [] | .[] | select(.kind == "neighbor") | .asked' <<<"$out" | sort -u)" 3 \
		"questions"
	good vethlab stats -j
	json_holds '.[0].links[].directions[] | select(.from == "a:eth0") | .kinds.arp.sent == 3'
	good vethlab down p
}

has_dadfailed() { # NODE
	[[ $(ip -n "$1" -6 addr show) == *dadfailed* ]]
}

test_case_10_flags_of_addresses() {
	pair 'exec: ["ip addr add 2001:db8::9/64 dev eth0"]' 'sysctls: {net.ipv6.conf.all.accept_dad: 1}'
	good vethlab exec b ip addr add 2001:db8::9/64 dev eth0
	wait_until has_dadfailed b
	good vethlab show --json
	json_holds '.[0].links[0].ends | map(.unusable["2001:db8::9/64"]) == [null, "dadfailed"]'
	good vethlab show
	says "2001:db8::9/64 dadfailed"
	foretells b 2001:db8::9 "stopped no-neighbor b"
	bad 1 vethlab ping b a -6 -W 0.3 -j
	assert_eq "$(first '"\(.to) \(.why.at)"')" "2001:db8::9 b" "a has an address"
	good vethlab down p
}

# ---- 11: tunnels ---------------------------------------------------------------------------------

tunneled() { # TYPE...: x of a to b, and of b to a
	pair
	ip -n a link add x type "$@" remote 10.0.0.2 2>"$TEST_TMP/no" || {
		good vethlab down p
		skip_test "$1: $(<"$TEST_TMP/no")"
	}
	good ip -n b link add x type "$@" remote 10.0.0.1
	good ip -n a addr add 10.9.0.1/24 dev x
	good ip -n b addr add 10.9.0.2/24 dev x
	good ip -n a link set x up
	good ip -n b link set x up
}

told_of_tunnel() { # TEXT, FILTER
	local text="a sends it by x, $1 to 10.0.0.2 (b), whose packets leave by a:eth0: what is in them is not followed; \`vethlab trace -i a:eth0 $2\` shows them"
	local tracer
	foretells a 10.9.0.2 "unknown leaves-the-lab a"
	assert_eq "$(jq -r .there.text <<<"$out")" "$text" "why"
	assert_eq "$(jq -r .there.hint <<<"$out")" "vethlab why a 10.0.0.2" "the way of the outer packets"
	good vethlab ping a 10.9.0.2 -W 5
	says "$1 to 10.0.0.2 (b), whose packets leave by a:eth0"
	says_not "seen at no end"
	# What it says shows the outer packets, each with its whole way.
	# shellcheck disable=SC2086 # words of a filter
	"$BUILD/vethlab" trace -i a:eth0 $2 -j >"$TEST_TMP/outer" 2>/dev/null &
	tracer=$!
	wait_until outer_packets
	kill -INT $tracer
	wait $tracer
	out=$(<"$TEST_TMP/outer")
	json_holds 'any(.hops | map(.end) == ["a:eth0", "b:eth0"])' 'any(.hops | map(.end) == ["b:eth0", "a:eth0"])'
}

outer_packets() { # came by both ways
	vethlab ping a 10.9.0.2 -W 5 && [[ $(grep -c '"end":"b:eth0"' "$TEST_TMP/outer") -ge 2 ]]
}

test_case_11_vxlan() {
	tunneled vxlan id 42 dstport 4789
	told_of_tunnel "a vxlan tunnel with id 42" "udp port 4789"
	good vethlab down p
}

test_case_11_gre() {
	tunneled gre
	told_of_tunnel "a gre tunnel" "proto 47"
	good vethlab down p
}

test_case_11_ipip() {
	tunneled ipip
	told_of_tunnel "an ipip tunnel" "proto 4"
	good vethlab down p
}

test_case_11_geneve() {
	tunneled geneve id 7
	told_of_tunnel "a geneve tunnel with id 7" "udp port 6081"
	good vethlab down p
}

# ---- 12: devices upon ends, which are in other nodes ---------------------------------------------

upon() { # COMMANDS in h
	cat >"$TEST_TMP/m.yaml" <<-END
		lab: m
		nodes: {c: {}, d: {}, h: {exec: [$1]}, lan: {}}
		links: [{endpoints: [{end: "h:eth0", address: 10.0.0.1/24}, {end: "lan:eth0", address: 10.0.0.254/24}]}]
	END
	vethlab up "$TEST_TMP/m.yaml" >"$TEST_TMP/up" 2>&1 || {
		grep -q "Unknown device type\|Operation not supported" "$TEST_TMP/up" || fail "$(<"$TEST_TMP/up")"
		return 1
	}
	remember_objects
}

device() { # KIND MORE NODE ADDRESS: mv0 of a node upon h:eth0
	echo "ip link add mv0 link eth0 netns $3 type $1 $2, ip -n $3 addr add $4/24 dev mv0, ip -n $3 link set mv0 up"
}

# The node that answered the last `ping -j`, and the device by which it did.
answered_by() { # NODE DEVICE
	if vethlab doctor | grep -q "what is delivered to the kernel"; then
		skip_part "this kernel does not tell who takes a packet"
		return
	fi
	assert_eq "$(first '.itinerary | .answerer + " " + (.hops[] | select(.leg == "reply" and .step == "turn") | .maker_device)')" \
		"$1 $2" "who answered: $out"
}

test_case_12_macvlan_in_another_node() {
	upon "$(device macvlan "mode bridge" c 10.0.0.5)" || skip_test "$(<"$TEST_TMP/up")"
	foretells lan 10.0.0.5 "arrives arrives c" # nobody was asked yet
	json_holds '.[0].there.hops[1] == {node: "c", in: "h:eth0", in_device: "mv0"}' \
		'.[0].back.hops[0] | .node == "c" and .interface == "mv0" and .out == "h:eth0"'
	good vethlab ping lan 10.0.0.5 -W 5 -j
	answered_by c mv0
	good vethlab ping lan 10.0.0.5 -W 5
	says "c answered, by its mv0 behind h:eth0"
	says_not "h answered"
	foretells lan 10.0.0.5 "arrives arrives c" # by the MAC
	good ip -n lan neigh replace 10.0.0.5 lladdr "$(ip_link c mv0 .address)" nud permanent dev eth0
	foretells lan 10.0.0.5 "arrives arrives c"
	good ip -n c link set mv0 down
	foretells lan 10.0.0.5 "stopped wrong-mac lan"
	good ip -n c link set mv0 up
	good ip -n lan neigh del 10.0.0.5 dev eth0
	good vethlab ping lan 10.0.0.5 -W 5
	good vethlab traceroute lan 10.0.0.5
	says "by c's mv0 behind h:eth0"
	foretells c 10.0.0.254 "arrives arrives lan"
	good vethlab ping c 10.0.0.254 -W 5 -j
	assert_eq "$(first '.itinerary.origin')" c "who asked"
	bad 1 vethlab ping c 10.0.0.1 -W 0.3 # an end and what stands upon it do not hear each other
	foretells c 10.0.0.1 "stopped no-neighbor c"
	good vethlab ping lan 10.0.0.1 -W 5
	says "h answered"
	good vethlab down
	says "c: interface mv0 (macvlan) is not the lab's and goes with h:eth0, upon which it stands"
	says_not "handed back"
}

# An ipvlan has the MAC of its end, and is told by the address.
test_case_12_ipvlan() {
	upon "$(device ipvlan "mode l2" c 10.0.0.5)" || skip_test "$(<"$TEST_TMP/up")"
	foretells lan 10.0.0.5 "arrives arrives c"
	good vethlab ping lan 10.0.0.5 -W 5 -j
	answered_by c mv0
	foretells lan 10.0.0.5 "arrives arrives c"
	good vethlab down
	says "goes with h:eth0"
}

# Whether a process reads the tap cannot be read.
test_case_12_macvtap() {
	upon "$(device macvtap "mode bridge" c 10.0.0.5)" || skip_test "$(<"$TEST_TMP/up")"
	foretells lan 10.0.0.5 "unknown no-neighbor lan"
	good vethlab ping lan 10.0.0.5 -W 5 -j
	answered_by c mv0
	foretells lan 10.0.0.5 "unknown leaves-the-lab lan"
	bad 6 vethlab why lan 10.0.0.5
	says "the MAC of c:mv0, a macvtap upon h:eth0"
	good vethlab down
}

# Two nodes upon one end: whether they hear each other hangs on the mode.
test_case_12_two_macvlans() {
	upon "$(device macvlan "mode bridge" c 10.0.0.5), $(device macvlan "mode bridge" d 10.0.0.6)" ||
		skip_test "$(<"$TEST_TMP/up")"
	foretells lan 10.0.0.6 "arrives arrives d"
	good vethlab ping lan 10.0.0.6 -W 5 -j
	answered_by d mv0
	foretells c 10.0.0.6 "unknown no-neighbor c"
	good vethlab ping c 10.0.0.6 -W 5
	good vethlab down
}

# A bridge and a veth that others made: what is behind a port that is no end was not looked at.
test_case_12_port_of_others() {
	upon "ip link add br0 type bridge, ip link set br0 up, ip link set eth0 master br0, ip link add v0 type veth peer name mv0 netns c, ip link set v0 up master br0, ip -n c addr add 10.0.0.5/24 dev mv0, ip -n c link set mv0 up"
	foretells lan 10.0.0.5 "unknown no-neighbor lan"
	good vethlab ping lan 10.0.0.5 -W 5 -j
	answered_by c mv0
	good vethlab down
}

test_case_13_namespace_without_a_name() {
	local sleeper
	chain
	ip netns exec a sleep 300 &
	sleeper=$!
	wait_until is_in $sleeper /run/netns/a
	good ip netns del a
	good vethlab show --json
	json_holds '[.[0].links[].ends[].state] == ["up", "up", "up", "up"]'
	good vethlab ping a b -W 5 -j
	answered 1
	good vethlab ping b a -W 5 -j
	answered 1
	good vethlab ping a b -W 5
	good vethlab ping b a -W 5
	foretells a b "arrives arrives b"
	json_holds '.[0].good and .[0].there.hops[-1].node == "b"'
	kill $sleeper
	wait $sleeper || true
	good vethlab down c
}

run_tests
