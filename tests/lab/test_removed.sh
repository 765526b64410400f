#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_removed.sh - something else takes vethlab's programs off: the ends are named, no false loss is told.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

PINS=/sys/fs/bpf/vethlab

# n1 -- n2 -- n3. What the kernel sends by itself (MLD, router solicitations) while an end comes up, before its queue
# takes packets, it drops behind `out` (QDISC_DROP): the ledger begins once all ends are up.
up_chain() { # [OPTION OF UP...]
	good vethlab generate chain 3
	echo "$out" >"$TEST_TMP/chain.yaml"
	up "$TEST_TMP/chain.yaml" "$@"
	[[ $* == *"--hooks none"* ]] || good vethlab stats --reset
	inside n1 ping -c 2 -i 0.01 -W 5 -q 10.0.0.6 >/dev/null
}

has_tcx() {
	vethlab doctor | grep -q '^tc programs.*tcx'
}

# A command in the network namespace of a node, with this bpffs.
within() { # NODE COMMAND...
	local node=$1
	shift
	nsenter --net=/run/netns/"$node" "$@"
}

# The pin of a link: link_pin END HOOK
link_pin() {
	local number
	number=$(vethlab show -j | jq ".links[].ends[] | select(.end == \"$1\").number")
	echo "$PINS/$(vethlab show -j | jq -r .lab)/links/${number}_$2"
}

nothing_blind() {
	good vethlab stats -j
	json_holds 'all(.[0].links[].directions[]; .blind == [] and .lost == 0 and .unexplained == 0)' \
		'.[0].unchecked == []'
	good vethlab show -j
	json_holds 'all(.[0].links[].ends[]; .missing == [] and .unchecked == false)'
}

# These hooks and no others are told as missing: blind_are "END HOOK ATTACHMENT"...
blind_are() {
	local want
	want=$(printf '%s\n' "$@" | sort)
	good vethlab stats -j
	assert_eq "$(jq -r '.links[].directions[].blind[] | "\(.end) \(.hook) \(.attachment)"' <<<"$out" | sort)" \
		"$want" "blind by stats"
	# Nothing is lost where that is known, and where it is not, no number is told.
	json_holds 'all(.[0].links[].directions[] | select(.blind == []); .lost == 0 and .unexplained == 0)' \
		'all(.[0].links[].directions[] | select(.blind != []);
			.lost == null and .unexplained == null and .unseen == null and .dropped == null and
			all(.kinds[]; .lost == null))' \
		'all(.[0].links[].directions[] | select(any(.blind[]; .hook == "out")); .sent == null)' \
		'all(.[0].links[].directions[] | select(any(.blind[]; .hook != "out")); .received == null)' \
		'.[0] as $all | all(.[0].links[].directions[].blind[]; .attached_ns <= $all.read_ns)'
	good vethlab show -j
	assert_eq "$(jq -r '.links[].ends[] | .end as $name | .missing[] | "\($name) \(.hook) \(.attachment)"' <<<"$out" |
		sort)" "$want" "missing by show"
	good vethlab stats --openmetrics
	assert_eq "$(grep -c '^vethlab_blind{.*} 1$' <<<"$out")" $# "blind by openmetrics"
	good vethlab stats
	for want; do
		says "\`$(cut -d' ' -f2 <<<"$want")\` program of ${want%% *} (${want##* }) is not attached any more"
	done
	says_not unexplained
	good vethlab show
	says "is not attached any more" "something else than vethlab"
}

# Traffic that a blind hook does not see.
traffic() {
	inside n1 ping -c 5 -i 0.01 -W 5 -q 10.0.0.6 >/dev/null
}

test_clsact_qdisc() {
	up_chain --tc clsact
	nothing_blind
	good tc -n n2 qdisc del dev eth0 clsact
	traffic
	blind_are "n2:eth0 out clsact" "n2:eth0 in clsact"
	# The other link goes on.
	good vethlab stats -j
	json_holds '[.[0].links[1].directions[].kinds["icmp4.echo_request"].sent // 0] | add == 7'
	good vethlab down
}

test_one_filter() {
	up_chain --tc clsact
	good tc -n n1 filter del dev eth0 egress pref 1
	traffic
	blind_are "n1:eth0 out clsact"
	good tc -n n3 filter del dev eth0 ingress
	traffic
	blind_are "n1:eth0 out clsact" "n3:eth0 in clsact"
	good vethlab down
}

test_tcx_pin() {
	has_tcx || skip_test "this kernel has no tcx"
	up_chain --tc tcx
	rm "$(link_pin n2:eth0 in)"
	traffic
	blind_are "n2:eth0 in tcx"
	good vethlab down
}

test_tcx_detach() {
	has_tcx || skip_test "this kernel has no tcx"
	needs bpftool
	up_chain --tc tcx
	nothing_blind
	good bpftool link detach pinned "$(link_pin n3:eth0 out)"
	traffic
	blind_are "n3:eth0 out tcx"
	good vethlab down
}

# The kernel takes no program off that a link holds; without the link nothing counts there.
test_xdp() {
	local mode
	for mode in generic native; do
		up_chain --xdp $mode
		within n2 ip link set eth0 xdp off 2>/dev/null || true
		within n2 ip link set eth0 xdpgeneric off 2>/dev/null || true
		within n2 ip link set eth0 xdpdrv off 2>/dev/null || true
		traffic
		nothing_blind
		rm "$(link_pin n2:eth0 xdp)"
		traffic
		blind_are "n2:eth0 xdp xdp"
		good vethlab down
	done
}

test_hooks_in() {
	up_chain --hooks in --tc clsact
	good tc -n n2 qdisc del dev eth1 clsact
	traffic
	good vethlab stats -j
	json_holds '[.[0].links[].directions[].blind[] | "\(.end) \(.hook)"] == ["n2:eth1 in"]' \
		'all(.[0].links[].directions[]; .lost == null)'
	good vethlab down
}

test_hooks_none() {
	up_chain --hooks none --xdp off
	good vethlab show -j
	json_holds 'all(.[0].links[].ends[]; .missing == [] and .unchecked == false)'
	bad 1 vethlab stats
	says_not "any more"
	good vethlab down
}

test_bridge() {
	up lan --tc clsact
	inside a ping -c 2 -i 0.01 -W 5 -q 10.0.0.2 >/dev/null
	nothing_blind
	good tc -n sw qdisc del dev sw-b clsact
	inside a ping -c 5 -i 0.01 -W 5 -q 10.0.0.2 >/dev/null
	blind_are "sw:sw-b out clsact" "sw:sw-b in clsact"
	good vethlab down
}

# Somebody else's program where ours was is not ours, and stays.
test_somebody_elses() {
	up_chain --tc clsact
	good tc -n n1 filter del dev eth0 egress pref 1
	good within n1 tc filter add dev eth0 egress pref 1 handle 0x766c protocol all bpf da \
		object-pinned "$PINS/chain-3/vl_in"
	good within n2 tc filter add dev eth0 egress pref 7 protocol all bpf da \
		object-pinned "$PINS/chain-3/vl_in"
	traffic
	blind_are "n1:eth0 out clsact"
	good tc -n n1 filter show dev eth0 egress
	says vl_in
	good tc -n n2 filter show dev eth0 egress
	says vl_out vl_in
	good vethlab down
}

test_tcx_somebody_elses() {
	has_tcx || skip_test "this kernel has no tcx"
	up_chain --tc tcx
	rm "$(link_pin n2:eth0 in)" "$(link_pin n2:eth0 out)"
	good within n2 "$HELPERS/others" attach eth0
	traffic
	blind_are "n2:eth0 in tcx" "n2:eth0 out tcx"
	good within n2 "$HELPERS/others" count
	says "tcx_in" "tcx_out"
	assert_eq "$(awk '$1 == "tcx_in" { print ($2 >= 5) }' <<<"$out")" 1 "their program counts"
	good within n2 "$HELPERS/others" remove
	good vethlab down
}

# Our own program at another place counts: nothing is missing.
test_ours_elsewhere() {
	up_chain --tc clsact
	good tc -n n1 filter del dev eth0 egress pref 1
	good within n1 tc filter add dev eth0 egress pref 9 protocol all bpf da object-pinned "$PINS/chain-3/vl_out"
	good vethlab show -j
	json_holds 'all(.[0].links[].ends[]; .missing == [])'
	good vethlab down
}

# What counts from a moment at which an end was blind has missed something.
test_since_blind() {
	up_chain --tc clsact
	good tc -n n1 filter del dev eth0 egress pref 1
	traffic
	good vethlab stats --reset
	good within n1 tc filter add dev eth0 egress pref 1 handle 0x766c protocol all bpf da \
		object-pinned "$PINS/chain-3/vl_out"
	traffic
	good vethlab stats -j
	json_holds '[.[0].links[].directions[].blind[] | "\(.end) \(.hook)"] == ["n1:eth0 out"]' \
		'any(.[0].links[].directions[].blind[]; .attached_ns) and .[0].links[0].directions[0].lost == null' \
		'.[0].since_ns as $since | all(.[0].links[].directions[].blind[]; .attached_ns < $since)'
	good vethlab down
}

test_since_reset() {
	up_chain --tc clsact
	good vethlab stats --reset
	good tc -n n1 filter del dev eth0 egress pref 1
	traffic
	good vethlab stats -j
	json_holds '.[0].since_ns as $since | [.[0].links[].directions[].blind[].attached_ns] == [$since]'
	good vethlab down
}

# An interface that was moved out of its namespace lost its programs; one that was deleted has no link.
test_moved() {
	up_chain --tc clsact
	good ip -n n1 link set eth0 netns n3 name other
	good ip -n n3 link set other up
	inside n2 ping -c 3 -i 0.01 -W 0.1 -q 10.0.0.1 >/dev/null 2>&1 || true
	good vethlab stats -j
	json_holds '[.[0].links[].directions[].blind[] | "\(.end) \(.hook) \(.gone)"] | sort ==
			["n1:eth0 in interface", "n1:eth0 out interface"]' \
		'all(.[0].links[0].directions[]; .lost == null)'
	good vethlab stats
	says "n1:eth0 is not in its network namespace any more"
	good ip -n n3 link del other
	nothing_blind_but_gone
	good vethlab down
}

nothing_blind_but_gone() {
	good vethlab stats -j
	json_holds 'all(.[0].links[].directions[]; .blind == [])'
}

test_pins() {
	up_chain --tc clsact
	rm -r "$PINS/chain-3"
	bad 1 vethlab stats
	says "nothing is pinned below $PINS/chain-3 any more" "something else than vethlab"
	bad 1 vethlab trace
	says "nothing is pinned below $PINS/chain-3 any more"
	good vethlab show
	says "its maps are not pinned below $PINS/chain-3 any more"
	good vethlab show -j
	json_holds 'all(.[0].links[].ends[]; [.missing[] | "\(.hook) \(.gone)"] | sort == ["in map", "out map"])'
	good vethlab ping -c 1 n1 n3
	says "pins of lab chain-3 are gone"
	good vethlab down
}

# The programs of an end are put back, and what passed meanwhile is not called lost.
put_back() { # TC, HOOKS AS "END HOOK"...
	local tc=$1 want
	shift
	want=$(printf '%s\n' "$@" | sort)
	traffic
	good vethlab reset --dry-run -j
	assert_eq "$(jq -r '.programs[] | "\(.end) \(.hook)"' <<<"$out" | sort)" "$want" "planned"
	good vethlab reset
	says "program of \`" "$# added, 0 changed, 0 removed"
	good vethlab reset -j
	json_holds '.[0].programs == []'
	good vethlab show -j
	json_holds 'all(.[0].links[].ends[]; .missing == [] and .unchecked == false)'
	traffic
	good vethlab stats -j
	assert_eq "$(jq -r '.links[].directions[].blind[] | "\(.end) \(.hook)"' <<<"$out" | sort)" "$want" "blind"
	json_holds '.[0] as $all | all(.[0].links[].directions[].blind[];
			.attached_ns < .again_ns and .again_ns <= $all.read_ns)' \
		'all(.[0].links[].directions[] | select(.blind != []); .lost == null and .unexplained == null)' \
		'all(.[0].links[].directions[] | select(.blind == []); .lost == 0 and .unexplained == 0)'
	good vethlab stats
	says "was taken off, and attached again" "stats --reset"
	says_not unexplained "something else"
	good vethlab stats --reset
	traffic
	nothing_blind
	good vethlab stats -j
	json_holds '[.[0].links[].directions[].kinds["icmp4.echo_request"] | .sent // 0] | add == 10' \
		'[.[0].links[].directions[].kinds["icmp4.echo_request"] | .received // 0] | add == 10'
}

test_put_back() {
	up_chain --tc clsact
	good tc -n n2 qdisc del dev eth0 clsact
	put_back clsact "n2:eth0 out" "n2:eth0 in"
	good tc -n n1 filter del dev eth0 egress pref 1
	good vethlab apply -j "$TEST_TMP/chain.yaml"
	json_holds '.[0].programs == [{end: "n1:eth0", hook: "out"}]'
	good vethlab reset
	says "nothing to change"
	good vethlab down
}

test_put_back_tcx() {
	has_tcx || skip_test "this kernel has no tcx"
	up_chain --tc tcx
	rm "$(link_pin n2:eth0 in)" "$(link_pin n3:eth0 out)"
	put_back tcx "n2:eth0 in" "n3:eth0 out"
	good vethlab down
}

test_put_back_xdp() {
	up_chain --tc clsact --xdp generic
	rm "$(link_pin n2:eth0 xdp)"
	put_back clsact "n2:eth0 xdp"
	good vethlab down
}

# One node of two; and where a program of others has the place, it stays.
test_put_back_one() {
	up_chain --tc clsact
	good tc -n n1 filter del dev eth0 egress pref 1
	good tc -n n3 filter del dev eth0 egress pref 1
	good within n1 tc filter add dev eth0 egress pref 1 handle 0x766c protocol all bpf da \
		object-pinned "$PINS/chain-3/vl_in"
	good vethlab reset -j chain-3 n3
	json_holds '.[0].programs == [{end: "n3:eth0", hook: "out"}]'
	good vethlab reset -j
	json_holds '.[0].programs == []' '.[0].notes | length == 1' \
		'.[0].notes[0] | startswith("the programs of n1:eth0 could not be attached again")'
	good vethlab show -j
	json_holds '[.[0].links[].ends[] | select(.missing != []) | .end] == ["n1:eth0"]'
	good tc -n n1 filter show dev eth0 egress
	says vl_in
	good vethlab down
}

# One map that is not pinned.
test_one_map() {
	up_chain --tc clsact
	rm "$PINS/chain-3/count_in"
	traffic
	good vethlab stats -j
	json_holds '[.[0].links[].directions[].blind[] | "\(.hook) \(.gone)"] | unique == ["in map"]' \
		'all(.[0].links[].directions[]; .lost == null and .received == null)'
	good vethlab down
}

# Where an echo was seen last does not say where it ended, if the next end is blind.
test_ping() {
	up_chain --tc clsact
	good tc -n n2 qdisc del dev eth1 clsact
	good tc -n n3 qdisc del dev eth0 clsact
	inside n3 sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	bad 1 vethlab ping -j -c 1 -W 0.2 n1 n3
	json_holds '.[0].itinerary | .fate == "lost" and (.not_seen | contains("2 ends whose programs were taken off"))'
	good tc -n n1 qdisc del dev eth0 clsact
	good tc -n n2 qdisc del dev eth0 clsact
	bad 1 vethlab ping -c 1 -W 0.2 n1 n3
	says "the programs of 4 ends were taken off"
	good vethlab down
}

# Programs cannot be put back once the changes of a file are made: these stay, and that is said.
test_put_back_fails() {
	up_chain --tc clsact
	good tc -n n1 filter del dev eth0 egress pref 1
	mkdir /run/vethlab/chain-3/gaps
	good ip -n n2 addr add 10.77.0.1/24 dev eth1
	bad 5 vethlab apply "$TEST_TMP/chain.yaml"
	says "cannot write /run/vethlab/chain-3/gaps" "the changes of lab chain-3 are made"
	rmdir /run/vethlab/chain-3/gaps
	assert_eq "$(ip -n n2 -br addr show dev eth1 | grep -c 10.77.0.1)" 0 "the address that was added"
	good vethlab apply -j "$TEST_TMP/chain.yaml"
	json_holds '.[0].changes == []' '.[0].programs == [{end: "n1:eth0", hook: "out"}]'
	good vethlab down
}

# Links of others that are observed.
test_observed() {
	local tc
	ip netns add p
	ip netns add q
	ip link add v1 netns p type veth peer name v2 netns q
	ip -n p address add 10.9.0.1/24 dev v1
	ip -n q address add 10.9.0.2/24 dev v2
	ip -n p link set v1 up
	ip -n q link set v2 up
	inside p ping -c 1 -W 5 -q 10.9.0.2 >/dev/null
	for tc in clsact tcx; do
		[[ $tc == clsact ]] || has_tcx || continue
		good vethlab observe --all --name seen --tc $tc
		remember_objects
		nothing_blind
		if [[ $tc == clsact ]]; then
			good tc -n q filter del dev v2 ingress
		else
			rm "$(link_pin q:v2 in)"
		fi
		inside p ping -c 5 -i 0.01 -W 5 -q 10.9.0.2 >/dev/null
		blind_are "q:v2 in $tc"
		good vethlab down
	done
	ip netns del p
	ip netns del q
}

run_tests
