#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_flows.sh - what `vethlab flows` says of connections is what tcpdump at both ends, nft's counters and
# the kernels' own counters say.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/case_labs.sh
. "$(dirname "$0")/case_labs.sh"

BYTES=${BYTES:-2000000}
flows_pid=

flows_begin() {
	rm -f "$TEST_TMP/flows.rec"
	"$BUILD/vethlab" flows -w "$TEST_TMP/flows.rec" -j >"$TEST_TMP/flows.live" 2>"$TEST_TMP/flows.said" &
	flows_pid=$!
	wait_until test -e "$TEST_TMP/flows.rec"
}

# The same live and from the recording; that is in $TEST_TMP/flows.
flows_end() {
	nap 0.3
	kill -INT "$flows_pid"
	wait "$flows_pid" || fail "flows: $(<"$TEST_TMP/flows.said")"
	vethlab flows -r "$TEST_TMP/flows.rec" -j >"$TEST_TMP/flows"
	assert_eq "$(jq -cS .flows "$TEST_TMP/flows")" "$(jq -cS .flows "$TEST_TMP/flows.live")" "flows live and recorded"
	assert_eq "$(jq .lost_records "$TEST_TMP/flows")" 0 "lost records"
}

of_flows() { # JQ
	jq -c "[.flows[] | $1] | if length == 1 then .[0] else . end" "$TEST_TMP/flows"
}

dumps_begin() {
	local place
	dump_pids=
	for place in a:out b:in; do
		ip netns exec "${place%:*}" tcpdump --immediate-mode -Uns 128 -i eth0 -Q "${place#*:}" -w "$TEST_TMP/${place%:*}.pcap" \
			'tcp port 80 or (ip6 proto 6)' 2>"$TEST_TMP/${place%:*}.said" &
		dump_pids+=" $!"
		wait_until grep -q 'listening on' "$TEST_TMP/${place%:*}.said"
	done
}

dumps_end() {
	local pid
	for pid in $dump_pids; do
		kill -TERM "$pid"
		wait "$pid" || true
	done
	! grep -v '^0 packets dropped' "$TEST_TMP"/[ab].said | grep -q 'dropped by kernel' ||
		skip_test "tcpdump lost frames: $(cat "$TEST_TMP"/[ab].said)"
}

# Segments with data to port 80 in what tcpdump has of a node: "SEGMENTS BYTES REPEATED", by the first numbers.
segments_of() { # NODE
	tcpdump -Snr "$TEST_TMP/$1.pcap" 2>/dev/null | sed -n 's/.*\.80: .* seq \([0-9]*\):\([0-9]*\), .*/\1 \2/p' |
		awk '{ n++; bytes += ($2 - $1 + 4294967296) % 4294967296; again += seen[$1]++ > 0 } END { print n + 0, bytes + 0, again + 0 }'
}

send_to() { # ADDRESS
	ip netns exec b "$HELPERS/sink" 80 >"$TEST_TMP/sink" &
	wait_until grep -q listening "$TEST_TMP/sink"
	good inside a bash -c "head -c $BYTES /dev/zero >/dev/tcp/$1/80"
	wait $!
	assert_eq "$(tail -n 1 "$TEST_TMP/sink" | grep -oE '[0-9]+' | tail -n 1)" "$BYTES" "bytes that came"
}

# r drops every 40th segment with data.
lossy() { # NAT RULES
	inside r nft -f - <<-END
		flush ruleset
		table inet loss { chain forward { type filter hook forward priority 0
			tcp dport 80 meta length > 500 numgen inc mod 40 == 7 counter drop
		}
		}
		$1
	END
}

losses_are_told() { # ADDRESS
	local sent retransmitted
	flows_begin
	dumps_begin
	inside a nstat -n
	send_to "$1"
	retransmitted=$(ip netns exec a nstat -asz TcpRetransSegs | awk '/^TcpRetransSegs/ { print $2 }')
	dumps_end
	flows_end
	lost=$(ip netns exec r nft -j list chain inet loss forward | jq '[.nftables[].rule.expr[]?.counter.packets // empty] | add')
	assert_eq "$((lost > 2))" 1 "segments that the rule dropped: $lost"
	sent=$(of_flows '.ways[0] | "\(.frames) \(.payload_bytes) \(.retransmitted) \(.dropped) \(.strays) \(.copies) \(.skipped_bytes)"')
	echo "$1: $sent; nft dropped $lost, nstat $retransmitted, tcpdump at a: $(segments_of a), at b: $(segments_of b)" >>"$TEST_TMP/comment"
	assert_eq "$(of_flows .state)" '"closed"' "state"
	assert_eq "$(of_flows '.ways[0].dropped')" "$lost" "drops"
	assert_eq "$(of_flows '[.ways[0] | .strays, .copies, .skipped_bytes]')" "[0,0,0]" "odd packets"
	assert_eq "$(of_flows '.ways[0].payload_bytes')" "$(segments_of a | cut -d' ' -f2)" "bytes that a sent"
	assert_eq "$(of_flows '[.sent_again[].count] | add')" \
		"$(of_flows '[.ways[].retransmitted] | add')" "retransmissions that have a verdict"
	assert_eq "$(of_flows '[.sent_again[] | select(.verdict == "original lost") |
		select(.place != {where: "dropped", node: "r", reason: "NETFILTER_DROP", function: .place.function, last_end: "r:eth0"})]')" \
		"[]" "losses elsewhere"
}

# Of each sequence number that a sent more often than b got it: "NUMBER TIMES", by tcpdump.
missing_at_b() {
	local node
	for node in a b; do
		tcpdump -Snr "$TEST_TMP/$node.pcap" 2>/dev/null | sed -n 's/.*\.80: .* seq \([0-9]*\):[0-9]*, .*/\1/p' | sed "s/$/ $node/"
	done | awk '{ n[$1] += $2 == "a" ? 1 : -1 } END { for (seq in n) if (n[seq]) print seq, n[seq] }' | sort -n
}

# The story has the same flow, each loss where tcpdump misses it, and each retransmission with the time of its original.
story_is_true() {
	good vethlab flow 1 -r "$TEST_TMP/flows.rec"
	vethlab flow 1 -r "$TEST_TMP/flows.rec" -j >"$TEST_TMP/story"
	assert_eq "$(jq -cS .flow "$TEST_TMP/story")" "$(jq -cS '.flows[0]' "$TEST_TMP/flows")" "the flow in its story"
	assert_eq "$(jq -r '[.packets[] | select(.lost) | .seq] | group_by(.)[] | "\(.[0]) \(length)"' "$TEST_TMP/story")" \
		"$(missing_at_b)" "lost segments"
	assert_eq "$(jq -c '[.packets[] | select(.lost) | [.lost.node, .lost.last_end, (.hops | map(.end))]] | unique' "$TEST_TMP/story")" \
		'[["r","r:eth0",["a:eth0","r:eth0"]]]' "where they were lost"
	assert_eq "$(jq '[.packets[] | select(.sent_again)] | length' "$TEST_TMP/story")" \
		"$(of_flows '[.ways[].retransmitted] | add')" "retransmissions"
	assert_eq "$(jq -c '. as $story | [.packets[] | select(.sent_again) | .why.original_at_ns as $at |
		any($story.packets[]; .at_ns == $at)] | unique' "$TEST_TMP/story")" "[true]" "their originals"
	assert_eq "$(jq -c '[.packets[] | select(.kind != "segment") | .kind] | .[:3], (.[3:] | sort)' "$TEST_TMP/story" | paste -sd' ')" \
		'["SYN","SYN-ACK","ACK"] ["FIN","FIN"]' "handshake and end"
	assert_eq "$(jq -c '[.packets[] | select(.arrived_at_ns) | .hops | length] | unique' "$TEST_TMP/story")" "[4]" "hops of what arrived"
}

# Where a segment is a packet, each loss has one retransmission.
test_segments() {
	local address
	needs tcpdump nft nstat
	both_families flows "features: {tso: off}"
	inside a ip link set eth0 gso_max_segs 1
	for address in 10.0.2.1 fd00:2::1; do
		lossy ""
		losses_are_told "$address"
		assert_eq "$(of_flows '[.sent_again[] | select(.verdict == "original lost") | .count] | add')" "$lost" "losses"
		assert_eq "$(of_flows '.ways[0].retransmitted')" "$(segments_of a | cut -d" " -f3)" "what tcpdump saw again"
		story_is_true
	done
	good vethlab down flows
}

# Packets of GSO, over NAT and without.
test_gso() {
	needs tcpdump nft nstat
	both_families flows ""
	lossy ""
	losses_are_told fd00:2::1
	assert_eq "$(of_flows '.ways[0].gso_packets > 10')" true "packets of GSO"
	lossy 'table ip nat { chain postrouting { type nat hook postrouting priority srcnat; oifname "eth1" masquerade; }; }'
	losses_are_told 10.0.2.1
	assert_eq "$(of_flows '[.ways[0].arrives_from.node, .ways[1].to.node, .ways[1].arrives_to.node]')" '["r","r","a"]' "NAT"
	good vethlab down flows
}

# Who refuses, and what is known of why.
test_refusals() {
	needs nft
	both_families flows ""
	inside r nft -f - <<-END
		table inet f { chain forward { type filter hook forward priority 0
			tcp dport 82 reject with tcp reset
			tcp dport 83 drop
			udp dport 83 drop
		}
		}
	END
	flows_begin
	bad 1 inside a bash -c 'echo >/dev/tcp/10.0.2.1/81'
	bad 1 inside a bash -c 'echo >/dev/tcp/10.0.2.1/82'
	bad 1 vethlab ping a 10.0.2.1 --tcp 83 -W 1500ms # two SYNs, however long a shell takes to start
	good inside a bash -c 'echo >/dev/udp/10.0.2.1/81'
	good inside a bash -c 'echo >/dev/udp/10.0.2.1/83'
	flows_end
	assert_eq "$(jq -r '.flows[] | "\(.id) \(.protocol) \(.state) \(.reset.by) \(.reset.not_its_address) \(.reset.reason) \(.icmp_error.by)"' \
		"$TEST_TMP/flows")" "\
1 tcp refused b false NO_SOCKET null
2 tcp refused r true NETFILTER_DROP null
3 tcp no answer null null null null
4 udp refused null null null b
5 udp no answer null null null null" "flows"
	assert_eq "$(jq -c '.flows[2].sent_again | map([.verdict, .place.node, .place.reason])' "$TEST_TMP/flows")" \
		'[["original lost","r","NETFILTER_DROP"]]' "the SYN that was sent again"
	assert_eq "$(jq -c '.flows[4].losses | map([.count, .place.node, .place.reason])' "$TEST_TMP/flows")" \
		'[[1,"r","NETFILTER_DROP"]]' "the datagram"
	# Ids are those of the recording, whatever the filter chooses.
	assert_eq "$(vethlab flows -r "$TEST_TMP/flows.rec" -j udp port 83 | jq -c '[.flows[].id]')" "[5]" "chosen by protocol and port"
	assert_eq "$(vethlab flows -r "$TEST_TMP/flows.rec" -j end b:eth0 | jq -c '[.flows[].id]')" "[1,4]" "chosen by place"
	[[ $(NO_COLOR='' "$BUILD/vethlab" flows -r "$TEST_TMP/flows.rec") != *$'\e'* ]] || fail "colour in a pipe"
	# One of them: by its id, or by a filter that only one fits.
	assert_eq "$(for id in 1 2 3 4 5; do
		vethlab flow "$id" -r "$TEST_TMP/flows.rec" -j | jq -r '.decided_by as $n | "\(.flow.id) " +
			"\(.packets | map(.kind + " " + (.hops | map(.end) | join(">"))) | join(", ")); \(if $n then .packets[$n].kind else "-" end)"'
	done)" "\
1 SYN a:eth0>r:eth0>r:eth1>b:eth0, RST b:eth0>r:eth1>r:eth0>a:eth0; RST
2 SYN a:eth0>r:eth0, RST r:eth0>a:eth0; RST
3 SYN a:eth0>r:eth0, SYN a:eth0>r:eth0; SYN
4 datagram a:eth0>r:eth0>r:eth1>b:eth0; datagram
5 datagram a:eth0>r:eth0; datagram" "stories"
	assert_eq "$(vethlab flow -r "$TEST_TMP/flows.rec" -j udp port 83 | jq .flow.id)" 5 "the one that fits"
	bad 1 vethlab flow -r "$TEST_TMP/flows.rec"
	bad 1 vethlab flow -r "$TEST_TMP/flows.rec" udp
	bad 1 vethlab flow -r "$TEST_TMP/flows.rec" sctp
	bad 1 vethlab flow 6 -r "$TEST_TMP/flows.rec"
	bad 2 vethlab flow 0 -r "$TEST_TMP/flows.rec"
	bad 2 vethlab flow 1 udp -r "$TEST_TMP/flows.rec"
	# Live, what ended before is not there.
	bad 1 vethlab flow 1 --for 1ms
	says "no flow was seen"
	good vethlab down flows
}

run_tests "$@"
