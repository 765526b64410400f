#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_books.sh - what may stand in the ledger, and what may not: vethlab's own frames and their drops, drops
# that nobody could note, and drops of packets that did not come by a link.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

N=17

# All drops in nodes, as [[END, STAGE, REASON, PLACE, PACKETS]...], but for multicast that nobody listens to and
# the copies of replies that no ping socket wants.
drops() {
	vethlab stats --json | jq -c '[.links[].directions[].drops[] |
		select(.stage != "on_link") | select(.place as $at | ["ip6_mc_input", "ip_rcv_finish_core", "ping_rcv"] | index($at) | not) |
		[.end, .stage, .reason, (.place | sub("[.].*"; "")), .packets]]'
}

# ARP packets at all hooks of all ends, or of ends that jq's regular expression fits.
arps() { # [ENDS]
	vethlab stats --json | jq --arg ends "${1:-.}" '[.ends[] | select(.end | test($ends)).hooks[].arp] | add'
}

# Three hosts on a bridge, without IPv6: nobody sends but the test, and IGMP. more: with another host, and a
# second link of a.
switch_file() { # [more]
	local quiet="sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"
	cat <<-END
		lab: switch
		nodes: {sw: {kind: bridge, dev: br0, $quiet}, a: {$quiet}, b: {$quiet}, c: {$quiet}${1:+, d: {$quiet\}}}
		links:
		  - endpoints: ["sw:p1", {end: "a:e", address: 10.8.0.1/24}]
		  - endpoints: ["sw:p2", {end: "b:e", address: 10.8.0.2/24}]
		  - endpoints: ["sw:p3", {end: "c:e", address: 10.8.0.3/24}]
	END
	[[ -z ${1:-} ]] || printf '  - endpoints: ["%s", "%s"]\n' sw:p4 a:e2 sw:p5 d:e
}

# The frames that prove the wiring are no drops: not after `up`, not after `apply`. What is
# dropped afterwards is, and the books of other links go on.
test_proof_of_the_links() {
	switch_file >"$TEST_TMP/switch.yaml"
	switch_file more >"$TEST_TMP/more.yaml"
	up "$TEST_TMP/switch.yaml"
	assert_eq "$(drops)" "[]" "drops right after up"
	assert_eq "$(arps)" 0 "ARP right after up"
	good inside a ping -q -c 1 -W 5 10.8.0.2
	good ip netns exec b nft "add table ip f; add chain ip f in { type filter hook input priority 0; };
		add rule ip f in udp dport 9 drop"
	good inside a bash -c "for ((i = 0; i < $N; i++)); do echo >/dev/udp/10.8.0.2/9; done"
	assert_eq "$(drops)" "[[\"b:e\",\"after_in\",\"NETFILTER_DROP\",\"nft_do_chain\",$N]]" "the rule's"
	good vethlab apply "$TEST_TMP/more.yaml"
	assert_eq "$(drops)" "[[\"b:e\",\"after_in\",\"NETFILTER_DROP\",\"nft_do_chain\",$N]]" "after two links more"
	down_at_rest
}

# A tracer gets no record of the proof either: the bridge drops its frames, which ask for an address as others do.
test_proof_in_no_record() {
	local recorder
	switch_file >"$TEST_TMP/switch.yaml"
	switch_file more >"$TEST_TMP/more.yaml"
	up "$TEST_TMP/switch.yaml"
	"$BUILD/vethlab" record "$TEST_TMP/run.rec" 2>"$TEST_TMP/recorder" &
	recorder=$!
	wait_until test -e "$TEST_TMP/run.rec"
	good vethlab apply "$TEST_TMP/more.yaml"
	good vethlab ping a b
	kill -TERM "$recorder"
	wait "$recorder"
	good vethlab replay "$TEST_TMP/run.rec" --events type echo -j
	assert_eq "$(jq -s 'map(select(.end == "b:e" and .hook == "in")) | length' <<<"$out")" 1 "records of the echo that came to b"
	good vethlab replay "$TEST_TMP/run.rec" --events dropped -j
	assert_eq "$(jq -s 'map(select(.kind == "question-drop")) | length' <<<"$out")" 0 "questions that were dropped"
	down_at_rest
}

# Each bundled lab that has a bridge: nobody asks for an address before somebody sends. A bridge drops the frames
# of the proof; hosts drop what IPv6 sends by itself.
test_bundled_bridges() {
	local file lab n=0
	for file in "$TOP"/topology/labs/*.yaml; do
		grep -q bridge "$file" || continue
		lab=$(basename "$file" .yaml)
		up "$lab"
		assert_eq "$(drops | jq -c 'map(select(.[3] == "br_handle_frame"))')" "[]" "drops right after up of $lab"
		assert_eq "$(arps)" 0 "ARP right after up of $lab"
		down_at_rest
		n=$((n + 1))
	done
	assert_eq "$((n >= 2))" 1 "labs with a bridge: $n"
}

# Without eBPF at the receiver, or with XDP at both ends: nothing is counted either.
test_hooks() {
	local hooks
	switch_file >"$TEST_TMP/switch.yaml"
	for hooks in "--hooks out" "--hooks in" "--hooks none" "--xdp generic" "--xdp native"; do
		# shellcheck disable=SC2086 # words
		up "$TEST_TMP/switch.yaml" $hooks
		if [[ $hooks != *none ]]; then
			assert_eq "$(arps)" 0 "ARP right after up $hooks"
			assert_eq "$(drops)" "[]" "drops right after up $hooks"
		fi
		good vethlab down
	done
}

# Links that are added under traffic: what the proof of theirs sends is in no book, and the books of the
# others have what the traffic was.
test_links_added_under_traffic() {
	local sent
	switch_file >"$TEST_TMP/switch.yaml"
	{
		switch_file more
		echo '  - endpoints: ["b:x", "d:x"]'
	} >"$TEST_TMP/more.yaml"
	up "$TEST_TMP/switch.yaml"
	good ip netns exec b nft "add table ip f; add chain ip f in { type filter hook input priority 0; };
		add rule ip f in udp dport 9 drop"
	good inside a ping -q -c 1 -W 5 10.8.0.2
	# shellcheck disable=SC2016 # the words of a shell in a
	ip netns exec a bash -c 'trap stop=1 TERM
		for ((n = 0; !stop; n++)); do echo >/dev/udp/10.8.0.2/9; done
		echo $n' >"$TEST_TMP/sent" &
	sent=$!
	wait_until arrived 1
	good vethlab apply "$TEST_TMP/more.yaml"
	wait_until arrived $(($(arrived_now) + 1))
	kill -TERM "$sent"
	wait "$sent"
	sent=$(cat "$TEST_TMP/sent")
	wait_until arrived "$sent"
	good vethlab stats --json
	assert_eq "$(jq -c '[.links[].directions[] | select(.from == "a:e" or .to == "b:e") |
		.kinds.udp | .sent, .received]' <<<"$out")" "[$sent,$sent,$sent,$sent]" "what a sent to b"
	assert_eq "$(arps '^sw:p[45]$|:e2$|^d:|:x$')" 0 "ARP at the ends that were added"
	assert_eq "$(jq '[.ends[] | select(.end | endswith(":x")).hooks[].packets] | add' <<<"$out")" 0 \
		"packets of a link where nobody sends"
	assert_eq "$(drops)" "[[\"b:e\",\"after_in\",\"NETFILTER_DROP\",\"nft_do_chain\",$sent]]" "drops"
	down_at_rest
}

arrived_now() {
	vethlab stats --json | jq '.links[].directions[] | select(.to == "b:e").kinds.udp.received'
}

arrived() { # COUNT
	[[ $(arrived_now) -ge $1 ]]
}

# What a host sends to a broadcast address it gets itself: that copy came by no link.
test_looped_broadcast() {
	local quiet="sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"
	cat >"$TEST_TMP/pair.yaml" <<-END
		lab: pair
		nodes: {a: {$quiet}, b: {$quiet}}
		links:
		  - endpoints: [{end: "a:e", address: 10.8.0.1/24}, {end: "b:e", address: 10.8.0.2/24}]
	END
	up "$TEST_TMP/pair.yaml"
	bad 1 inside a ping -q -b -c 3 -i 0.2 -W 1 10.8.0.255
	assert_eq "$(drops)" '[["b:e","after_in","INVALID_PROTO","icmp_rcv",3]]' "dropped where it came in, and nowhere else"
	down_at_rest
}

# A multicast packet of which it was seen that it is one, to a group that nobody joined: harmless, and it
# says so. The same function drops for other causes too: those get no such sentence.
test_multicast_to_nobody() {
	switch_file >"$TEST_TMP/switch.yaml"
	up "$TEST_TMP/switch.yaml"
	good vethlab stats --reset
	good inside a bash -c "ip route add 239.1.2.0/24 dev e; for ((i = 0; i < $N; i++)); do echo >/dev/udp/239.1.2.3/9; done"
	wait_until multicast_dropped
	good vethlab stats -v --link b:e
	says "NOT_SPECIFIED at ip_rcv_finish_core (harmless)" "nobody here listens to this multicast group"
	good vethlab stats --link b:e
	says "harmless drops"
	down_at_rest
}

multicast_dropped() {
	vethlab stats --json | jq -e "[.links[].directions[].drops[] | select(.end == \"b:e\" and .to_multicast and
		.place == \"ip_rcv_finish_core\") | .packets] | add >= $N"
}

run_tests
