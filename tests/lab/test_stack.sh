#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_stack.sh - what the nodes' stacks do between two ends: routes, neighbors, ICMP errors, bridges, lo,
# delivery. a -- r -- sw (a bridge) -- b.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab() {
	cat >"$TEST_TMP/stacks.yaml" <<-'YAML'
		lab: stacks
		nodes:
		  a: {routes: [{to: default, via: 10.0.1.254}, {to: "::/0", via: "fd01::fe"}]}
		  r: {forward: true}
		  sw: {kind: bridge}
		  b: {routes: [{to: default, via: 10.0.2.254}, {to: "::/0", via: "fd02::fe"}]}
		links:
		  - endpoints: [{end: "a:e0", addresses: [10.0.1.1/24, "fd01::1/64"]},
		                {end: "r:w0", addresses: [10.0.1.254/24, "fd01::fe/64"]}]
		  - endpoints: [{end: "r:e0", addresses: [10.0.2.254/24, "fd02::fe/64"]}, "sw:p0"]
		  - endpoints: [{end: "b:e0", addresses: [10.0.2.1/24, "fd02::1/64"]}, "sw:p1"]
	YAML
	up "$TEST_TMP/stacks.yaml"
}

# The acts of the echo in $out, one a line: "NODE KIND ..." with the fields of FILTER.
acts() { # FILTER
	jq -r "select(.schema == \"vethlab.ping/1\") | .itinerary.stack // [] | .[] | $1" <<<"$out"
}

# Each LINE is among the acts that FILTER gives.
acts_are() { # FILTER LINE...
	local filter=$1 line got
	shift
	got=$(acts "$filter")
	for line; do
		asserted
		grep -qxF -- "$line" <<<"$got" || fail "no '$line' among: $got"
	done
}

routes='select(.kind == "route") | "\(.node) \(.use) \(.to) \(.type) \(.via // "-") \(.device // "-")"'
neighbors='select(.kind == "neighbor") | "\(.node) \(.device) \(.neighbor) \(.news)"'
deliveries='select(.kind == "delivered") | "\(.node) \(.leg) \(.process // "kernel")"'

without_events() { # the kinds of events that this kernel does not tell of
	vethlab doctor -j | jq -r '.features[] | select(.name == "stack events").without // ""' || true
}

# What a node's kernel takes in; it is known from where the packet is let go of, which 6.1 does not tell.
kernel_takes() { # "NODE LEG"
	if [[ $(without_events) == *"what is delivered to the kernel"* ]]; then
		assert_eq "$(acts "$deliveries" | grep ' kernel$' || true)" "" "the kernel does not tell"
	else
		acts_are "$deliveries" "$1 kernel"
	fi
}

# Both ways of an echo, each look-up in its place among the hops.
test_routes() {
	lab
	good vethlab ping a b -W 5
	good vethlab ping a b -W 5 --stack -j
	acts_are "$routes" "a send 10.0.2.1 unicast 10.0.1.254 e0" \
		"r forward 10.0.2.1 unicast - e0" \
		"b forward 10.0.2.1 local - e0" \
		"b answer 10.0.1.1 unicast 10.0.2.254 e0" \
		"r forward 10.0.1.1 unicast - w0" \
		"a forward 10.0.1.1 local - e0"
	assert_eq "$(acts 'select(.kind == "route") | .table' | sort -u)" 254 "the table"
	acts_are "$deliveries" "a reply vethlab"
	kernel_takes "b request"
	acts_are 'select(.before) | .node' a
	good vethlab ping a b -W 5 --stack
	says "route to 10.0.2.1: main, via 10.0.1.254 dev e0" "route back to 10.0.1.1: main, via" \
		"delivered to vethlab (process"
	[[ $(without_events) == *"what is delivered to the kernel"* ]] || says "delivered to the node's ICMP"
	good vethlab ping a b -W 5
	says_not "route to" "delivered"
	good vethlab down stacks
}

test_routes_v6() {
	lab
	good vethlab ping -6 a b -W 5
	good vethlab ping -6 a b -W 5 --stack -j
	acts_are "$routes" "a send fd02::1 unicast fd01::fe e0" \
		"r forward fd02::1 unicast - e0" \
		"b forward fd02::1 local - e0" \
		"b answer fd01::1 unicast fd02::fe e0" \
		"r forward fd01::1 unicast - w0" \
		"a forward fd01::1 local - e0"
	good vethlab down stacks
}

# A policy rule leads to a table of its own.
test_tables() {
	lab
	good vethlab ping a b -W 5
	inside r ip rule add to 10.0.2.1 table 77
	inside r ip route add 10.0.2.0/24 dev e0 table 77
	good vethlab ping a b -W 5 --stack -j
	assert_eq "$(acts 'select(.node == "r" and .use == "forward" and .to == "10.0.2.1") |
		"\(.table) \(.type)"')" \
		"77 unicast" "the look-up by the rule"
	good vethlab down stacks
}

# What a process asks the kernel of a route is no part of an echo, be it beside it on the same CPU, of another lab or
# of the same node, and by an interface of the same index.
test_others_look_ups() {
	local pids=() cpu i
	needs nice taskset yes # not in the guest of tests/vm, which has two slow CPUs for it all
	lab
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		for i in a r b; do
			yes "route get 10.0.2.1 from 10.0.1.1 iif $([[ $i == r ]] && echo w0 || echo e0)" |
				nice -n 19 taskset -c $cpu ip -n $i -force -batch - >/dev/null 2>&1 &
			pids+=($!)
		done
	done
	good vethlab ping a b -W 5
	for ((i = 0; i < 4; i++)); do
		good vethlab ping a b -W 5 --stack -j
		assert_eq "$(acts 'select(.kind == "route" and .use == "forward") | "\(.node) \(.to)"' | sort)" \
			"a 10.0.1.1"$'\n'"b 10.0.2.1"$'\n'"r 10.0.1.1"$'\n'"r 10.0.2.1" "look-ups of the echo and its reply"
	done
	kill "${pids[@]}"
	wait
	good vethlab down stacks
}

# ARP and ND: the questions that the packet causes, and the answers.
test_neighbors() {
	local family
	lab
	for family in 4 6; do
		good vethlab ping -$family a b -W 5
		inside a ip neigh flush all
		inside r ip neigh flush all
		inside b ip neigh flush all
		good vethlab ping -$family a b -W 5 --stack -j
		says '"news":"answered"'
		out=$(acts "select(.news == \"answered\") | $neighbors" | sort)$'\n'
		if ((family == 4)); then
			says "a e0 10.0.1.254 answered"$'\n' "r e0 10.0.2.1 answered"$'\n'
		else
			says "a e0 fd01::fe answered"$'\n' "r e0 fd02::1 answered"$'\n'
		fi
	done
	good vethlab down stacks
}

# Nobody has the address: said without --stack, too.
test_no_neighbor() {
	lab
	inside r sysctl -qw net.ipv4.neigh.e0.mcast_solicit=2
	inside r sysctl -qw net.ipv4.neigh.e0.retrans_time_ms=100
	bad 1 vethlab ping a 10.0.2.77 -W 5
	says "neighbor 10.0.2.77 on e0: asked" "(ARP), nobody" "dropped"
	good vethlab down stacks
}

# The look-up that fails is told; --stack or not, and live as in a recording.
test_no_route() {
	local kind
	lab
	bad 1 vethlab ping a 10.9.9.9 -j
	assert_eq "$(acts "select(.error) | $routes")" "r forward 10.9.9.9 none - -" "no route"
	inside b ip route del default
	bad 1 vethlab ping a b -W 1 -j
	assert_eq "$(acts "select(.error) | $routes")" "b answer 10.0.1.1 none - -" "no route back"
	for kind in blackhole unreachable prohibit; do
		inside r ip route replace $kind 10.0.2.1/32
		bad 1 vethlab ping a b -W 1 -j
		assert_eq "$(acts "select(.error) | $routes")" "r forward 10.0.2.1 $kind - -" "$kind"
	done
	bad 1 vethlab ping a b -W 1
	says "route to 10.0.2.1: a prohibit route in table main"
	good vethlab down stacks
}

# The error, and what it quotes. Of IPv4's, 6.10 tells, and older kernels into which that was put back (Debian's
# 6.1.0-56); none tells of IPv6's.
test_icmp_error() {
	lab
	good vethlab ping a b -W 5
	bad 1 vethlab ping a b -t 1 --stack -j
	if [[ $(without_events) == *"ICMP errors"* ]]; then
		assert_eq "$(acts 'select(.kind == "icmp-error") | .node')" "" "no such tracepoint"
	else
		assert_eq "$(acts 'select(.kind == "icmp-error") |
			"\(.node) \(.leg) \(.icmp_type) \(.icmp_code)"')" "r request 11 0" "the error"
		assert_eq "$(acts 'select(.use == "answer") | "\(.node) \(.to) \(.device)"')" \
			"r 10.0.1.1 w0" "its way"
		bad 1 vethlab ping a b -t 1 --stack
		says "makes an ICMP error: time to live exceeded," "10.0.1.1 > 10.0.2.1"
	fi
	good vethlab down stacks
}

test_loopback() {
	lab
	good vethlab ping a 10.0.1.1 --stack -j
	acts_are 'select(.kind == "loopback") | "\(.node) \(.leg) \(.device)"' "a request lo" "a reply lo"
	acts_are "$deliveries" "a reply vethlab"
	kernel_takes "a request"
	good vethlab down stacks
}

# The bridge forgets, an echo passes, it learns again.
learns() {
	inside sw bridge fdb flush dev br0
	vethlab ping a b -W 0.2 -q >/dev/null || true
	jq -r 'select(.kind == "learned") | "\(.node) \(.device) \(.leg)"' "$TEST_TMP/learned" \
		>"$TEST_TMP/ports"
	grep -qx "sw p0 request" "$TEST_TMP/ports" && grep -qx "sw p1 reply" "$TEST_TMP/ports"
}

# What a bridge learns, and from which packet, in a trace of single records.
test_bridge_learns() {
	local tracer
	lab
	good vethlab ping a b -W 5
	"$BUILD/vethlab" trace --stack node sw type echo -j >"$TEST_TMP/learned" 2>/dev/null &
	tracer=$!
	wait_until learns
	asserted
	kill -INT $tracer
	wait $tracer || true
	good vethlab down stacks
}

pings_until_recorded() {
	vethlab ping a b -W 5 -q >/dev/null && [[ -s $TEST_TMP/run.rec ]]
}

# As recorded, so replayed; and what is not asked for is not shown.
test_recorded() {
	lab
	good vethlab ping a b -W 5
	"$BUILD/vethlab" record "$TEST_TMP/run.rec" --stack addr 10.0.2.1 >/dev/null 2>"$TEST_TMP/said" &
	local recorder=$!
	wait_until pings_until_recorded
	kill -INT $recorder
	wait $recorder || true
	good vethlab replay "$TEST_TMP/run.rec" -i --stack
	says "route to 10.0.2.1: main, via 10.0.1.254 dev e0"
	good vethlab replay "$TEST_TMP/run.rec" -i
	says_not "route to"
	good vethlab replay "$TEST_TMP/run.rec" --stack
	says "route to 10.0.2.1: main, dev e0 (id "
	good vethlab replay "$TEST_TMP/run.rec"
	says_not "route to"
	good vethlab down stacks
}

# A tracer's programs are its own: they go with it, and nobody tracing costs nothing.
test_gone_with_tracer() {
	local tracer id ids
	lab
	"$BUILD/vethlab" trace --stack node a >"$TEST_TMP/trace" 2>/dev/null &
	tracer=$!
	wait_until grep -q SECONDS "$TEST_TMP/trace"
	ids=$(sed -n 's/^prog_id:[[:space:]]*//p' /proc/$tracer/fdinfo/* | sort -u)
	assert_eq "$(($(wc -w <<<"$ids") >= 5))" 1 "it has programs of its own"
	kill -KILL $tracer
	wait $tracer 2>/dev/null || true
	for id in $ids; do
		wait_until without bpftool prog show id "$id"
	done
	good vethlab down stacks
}

without() {
	! "$@"
}

run_tests "$@"
