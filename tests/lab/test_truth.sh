#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_truth.sh - a second counter that knows nothing of ours, tcpdump at every end, finds what the
# ledger says: each kind of packet, at each end, out and in, to the packet and the byte.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

FLOOD=${FLOOD:-20000}
# Around the limits of one, two, three and many fragments (1480 bytes each), and the largest there is.
SIZES=${SIZES:-"0 1 7 8 55 56 57 100 512 1000 1471 1472 1473 1480 2951 2952 2953 4431 4432 4433 8952
	8953 16384 16385 32767 32768 65000 65506 65507"}
ENDS=(a:e0 r:e0 r:e1 b:e0)
declare -A macs=([a:e0]=02:00:00:00:01:01 [r:e0]=02:00:00:00:01:02 [r:e1]=02:00:00:00:02:01
	[b:e0]=02:00:00:00:02:02)
MARK=0x88b5 # ethertype of the frames that end a capture

# Counters by what they are called in struct vl_counters, and by what tcpdump understands.
FIRST="ip[6:2] & 0x1fff == 0"
declare -A filters=(
	[packets]="len > 0" [arp]=arp [ipv4]=ip [ipv6]=ip6 [vlan]=vlan [tcp]=tcp
	[fragments]="(ip and ip[6:2] & 0x1fff != 0) or (ip6[6] == 44 and ip6[42:2] & 0xfff8 != 0)"
	[udp]="(udp and $FIRST) or ip6[6] == 17"
	[tcp_syn]="tcp[13] & 2 != 0 or (ip6[6] == 6 and ip6[53] & 2 != 0)"
	[tcp_fin]="tcp[13] & 1 != 0 or (ip6[6] == 6 and ip6[53] & 1 != 0)"
	[tcp_rst]="tcp[13] & 4 != 0 or (ip6[6] == 6 and ip6[53] & 4 != 0)"
	[icmp4.echo_request]="icmp[0] == 8" [icmp4.echo_reply]="icmp[0] == 0"
	[icmp4.unreachable]="icmp[0] == 3" [icmp4.time_exceeded]="icmp[0] == 11"
	[icmp6.echo_request]="(ip6[6] == 58 and ip6[40] == 128) or
		(ip6[6] == 44 and ip6[42:2] & 0xfff8 == 0 and ip6[40] == 58 and ip6[48] == 128)"
	[icmp6.echo_reply]="(ip6[6] == 58 and ip6[40] == 129) or
		(ip6[6] == 44 and ip6[42:2] & 0xfff8 == 0 and ip6[40] == 58 and ip6[48] == 129)"
	[icmp6.unreachable]="ip6[6] == 58 and (ip6[40] == 1 or ip6[40] == 2)"
	[icmp6.time_exceeded]="ip6[6] == 58 and ip6[40] == 3"
)

# Only the test speaks: neighbours are known, and what IPv6 says by itself does not leave.
lab() { # [OPTION OF UP...]
	command -v tcpdump >/dev/null || skip_test "there is no tcpdump"
	command -v nft >/dev/null || skip_test "there is no nft"
	local silent="nft: table ip6 silent { chain c { type filter hook output priority 0; icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 143 } drop; }; }"
	local sysctls="sysctls: {net.ipv4.icmp_echo_ignore_broadcasts: 0, net.ipv4.icmp_ratelimit: 0, net.ipv6.icmp.ratelimit: 0}"
	cat >"$TEST_TMP/truth.yaml" <<-END
		lab: truth
		nodes:
		  a:
		    $silent
		    $sysctls
		    routes: [default via 10.7.1.2, "default via fd07:1::2"]
		    neighbors:
		      - {address: 10.7.1.2, mac: "${macs[r:e0]}", dev: e0}
		      - {address: "fd07:1::2", mac: "${macs[r:e0]}", dev: e0}
		  r:
		    $silent
		    $sysctls
		    forward: both
		    routes: [unreachable 10.99.0.0/16]
		    neighbors:
		      - {address: 10.7.1.1, mac: "${macs[a:e0]}", dev: e0}
		      - {address: 10.7.2.1, mac: "${macs[b:e0]}", dev: e1}
		      - {address: "fd07:1::1", mac: "${macs[a:e0]}", dev: e0}
		      - {address: "fd07:2::1", mac: "${macs[b:e0]}", dev: e1}
		  b:
		    $silent
		    $sysctls
		    routes: [default via 10.7.2.2, "default via fd07:2::2"]
		    neighbors:
		      - {address: 10.7.2.2, mac: "${macs[r:e1]}", dev: e0}
		      - {address: "fd07:2::2", mac: "${macs[r:e1]}", dev: e0}
		links:
		  - endpoints:
		      - {end: "a:e0", addresses: [10.7.1.1/24, "fd07:1::1/64"], mac: "${macs[a:e0]}"}
		      - {end: "r:e0", addresses: [10.7.1.2/24, "fd07:1::2/64"], mac: "${macs[r:e0]}"}
		  - endpoints:
		      - {end: "r:e1", addresses: [10.7.2.2/24, "fd07:2::2/64"], mac: "${macs[r:e1]}"}
		      - {end: "b:e0", addresses: [10.7.2.1/24, "fd07:2::1/64"], mac: "${macs[b:e0]}"}
	END
	up "$TEST_TMP/truth.yaml" "$@"
	for end in "${ENDS[@]}"; do
		ip netns exec "${end%:*}" tcpdump -nn -U -i "${end#*:}" -B 32768 -s 128 \
			-w "$TEST_TMP/$end.pcap" 2>"$TEST_TMP/$end.says" &
		captures+=($!)
	done
	for end in "${ENDS[@]}"; do
		wait_until grep -q "listening on" "$TEST_TMP/$end.says"
	done
	vethlab stats --json >"$TEST_TMP/before"
}

captures=()

captured() { # END FILTER
	tcpdump -nnr "$TEST_TMP/$1.pcap" --count "$2" 2>/dev/null | cut -d' ' -f1
}

marked() { # END: the mark that left by it and the one that came are in its capture
	[[ $(captured "$1" "ether proto $MARK") -ge 2 ]]
}

balanced() {
	vethlab stats --json --since "$TEST_TMP/before" >"$TEST_TMP/after"
	jq -e '[.links[].directions[] | .lost, .unseen] | add == 0' "$TEST_TMP/after"
}

# The captures end behind what was sent, and have lost nothing themselves.
stop_captures() {
	local end
	wait_until balanced
	for end in "${ENDS[@]}"; do
		inside "${end%:*}" "$HELPERS/frames" "${end#*:}" garbage
	done
	for end in "${ENDS[@]}"; do
		wait_until marked "$end"
	done
	kill "${captures[@]}"
	wait "${captures[@]}"
	for end in "${ENDS[@]}"; do
		assert_eq "$(grep -o '^[0-9]* packets dropped by kernel' "$TEST_TMP/$end.says")" \
			"0 packets dropped by kernel" "the capture at $end"
	done
}

# Bytes of the frames that a capture has, as the wire had them.
captured_bytes() { # END FILTER
	tcpdump -nnetr "$TEST_TMP/$1.pcap" "$2" 2>/dev/null |
		awk '{ for (i = 1; i < NF; i++) if ($i == "length") { sub(/:.*/, "", $(i + 1)); n += $(i + 1); break } }
			END { print n + 0 }'
}

# Packets as a wire would have had them, of the super-packets that a capture has: by TCP's payload in each, of
# which a frame of 1514 bytes takes what the headers, which tcpdump leaves out of the second length, leave.
captured_segments() { # END FILTER
	tcpdump -nnetr "$TEST_TMP/$1.pcap" "$2" 2>/dev/null | awk '
		{ mss = 1; bytes = 0 }
		/ Flags \[/ && match($0, /, length [0-9]+: /) {
			frame = substr($0, RSTART + 9, RLENGTH - 11)
			rest = substr($0, RSTART + RLENGTH)
			match(rest, /, length [0-9]+/)
			bytes = substr(rest, RSTART + 9, RLENGTH - 9) + 0 # a number: "14120" < "1448"
			mss = 1514 - (frame - bytes)
		}
		{ n += bytes > mss ? int((bytes + mss - 1) / mss) : 1 }
		END { print n + 0 }'
}

# Both counters agree on each KIND at each end, out and in, and on all packets and bytes.
agree() { # KIND...
	local end mine hook kind told key value sum
	local -A counted=() hooks=() # "END HOOK KIND"; of an end
	stop_captures
	while IFS=$'\t' read -r key value; do
		counted[$key]=$value
	done < <(jq -r '.ends[] | .end as $at | .hooks | to_entries[] | .key as $hook | .value |
		paths(type == "number") as $path | select($path | all(type == "string")) |
		"\($at) \($hook) \($path | join("."))\t\(getpath($path))"' "$TEST_TMP/after")
	while read -r end hook; do
		hooks[$end]+="$hook "
	done < <(jq -r '.ends[] | .end as $at | .hooks | keys[] | "\($at) \(.)"' "$TEST_TMP/after")
	for end in "${ENDS[@]}"; do
		mine="(ether src ${macs[$end]}${sender:+ or ($sender)})"
		[[ $end == a:e0 || -z ${sender:-} ]] || mine="ether src ${macs[$end]}"
		for hook in ${hooks[$end]}; do
			told="not ether proto $MARK and $([[ $hook == out ]] || echo "not ")$mine"
			for kind in packets "$@"; do
				assert_eq "${counted["$end $hook $kind"]:-none}" \
					"$(captured "$end" "($told) and (${filters[$kind]})")" "$kind at $end, $hook"
			done
			[[ " $* " == *" vlan "* ]] || # a tag goes aside on its way in
				assert_eq "${counted["$end $hook bytes"]:-none}" \
					"$(captured_bytes "$end" "$told")" "bytes at $end, $hook"
			[[ " $* " != *" tcp "* ]] ||
				assert_eq "${counted["$end $hook segments"]:-none}" \
					"$(captured_segments "$end" "$told")" "segments at $end, $hook"
		done
	done
	for kind; do
		sum=0
		for end in "${ENDS[@]}"; do
			sum=$((sum + ${counted["$end out $kind"]:-0}))
		done
		[[ $sum -gt 0 ]] || fail "there was no $kind"
	done
	down_at_rest
}

every_size() {
	local size
	for size in $SIZES; do
		good inside a ping -q -c 2 -i 0.002 -s "$size" 10.7.2.1
	done
}

test_sizes() {
	lab
	every_size
	agree fragments icmp4.echo_request icmp4.echo_reply
}

test_sizes_xdp_generic() {
	lab --xdp generic
	every_size
	agree fragments icmp4.echo_request icmp4.echo_reply
}

# XDP sees what waits in the ring of an end, before the capture does.
test_sizes_xdp_native() {
	lab --xdp native
	assert_eq "$(hooks_of b:e0)" "in out xdp" "hooks"
	every_size
	agree fragments icmp4.echo_request icmp4.echo_reply
}

test_sizes_ipv6() {
	local size
	lab
	for size in $SIZES; do
		good inside a ping -6 -q -c 2 -i 0.002 -s "$size" fd07:2::1
	done
	agree ipv6 fragments icmp6.echo_request icmp6.echo_reply
}

# Refused: the TTL is too small, there is no way on, a port is closed. The kernel makes 50 errors in
# a burst, of which the first five may say that there is no way.
test_errors() {
	lab
	bad 1 inside a ping -q -c 4 -i 0.002 -W 1 10.99.0.1
	bad 1 inside a ping -q -c 20 -i 0.002 -t 1 -W 1 10.7.2.1
	bad 1 inside a ping -6 -q -c 10 -i 0.002 -t 1 -W 1 fd07:2::1
	for _ in 1 2 3 4 5; do
		inside a bash -c 'echo >/dev/udp/10.7.2.1/9'
	done
	agree udp icmp4.echo_request icmp4.time_exceeded icmp4.unreachable icmp6.time_exceeded
	assert_eq "$(jq '[.ends[] | select(.end == "r:e0").hooks.out.icmp4 | .time_exceeded, .unreachable] | join(" ")' \
		"$TEST_TMP/after")" '"20 9"' "errors out of r:e0"
}

test_flood() {
	lab
	good inside a ping -f -q -c "$FLOOD" 10.7.2.1
	agree icmp4.echo_request icmp4.echo_reply
}

# What bench sends over one link: TCP in super-packets, and datagrams as fast as they go.
test_bulk() {
	lab
	good vethlab bench a:e0 --what tcp,udp --runs 2 --time 0.05
	agree tcp udp
}

# Connections from their first packet to their last, and datagrams, through the router.
test_streams() {
	local address pid
	local -a payloads=()
	lab
	for address in 10.7.2.1 fd07:2::1; do
		ip netns exec b "$HELPERS/sink" 7 >"$TEST_TMP/sink" 2>&1 &
		pid=$!
		wait_until grep -q listening "$TEST_TMP/sink"
		inside a bash -c "head -c 2000000 /dev/zero >/dev/tcp/$address/7"
		wait "$pid" || fail "$(cat "$TEST_TMP/sink")"
		assert_eq "$(tail -1 "$TEST_TMP/sink")" 2000000 "bytes that came to $address"
		for _ in {1..5}; do
			inside a bash -c "echo >/dev/udp/$address/9"
		done
	done
	agree tcp tcp_syn tcp_fin udp icmp4.unreachable icmp6.unreachable
	assert_eq "$(jq -c '[.ends[] | select(.end == "a:e0").hooks | .out, .in | .tcp_syn, .tcp_fin]' \
		"$TEST_TMP/after")" "[2,2,2,2]" "SYN and FIN each way, of two connections"
	for address in ip ip6; do # 200: with a payload
		payloads+=("$(captured_segments b:e0 "$address and tcp and dst port 7 and greater 200")")
	done
	# 2,000,000 bytes are 1382 segments of 1448, or 1401 of 1428, or a few more that are not full.
	[[ ${payloads[0]} -ge 1382 && ${payloads[1]} -ge 1401 ]] || fail "segments: ${payloads[*]}"
}

test_connections() {
	lab
	# Nobody listens: each attempt is a SYN that is answered by a reset.
	for _ in {1..20}; do
		bad 1 inside a bash -c 'echo </dev/tcp/10.7.2.1/9'
	done
	agree tcp tcp_syn tcp_rst
}

test_broadcast() {
	lab
	inside a ping -q -b -c 20 -i 0.002 -W 1 10.7.1.255 >/dev/null || true
	agree icmp4.echo_request icmp4.echo_reply
}

# Frames of a sender of its own, to everybody: the link of a:e0 alone.
storm() { # KIND OF FRAMES, COUNTER
	sender="ether src 02:00:00:00:00:99"
	lab
	good inside a "$HELPERS/frames" e0 "$1" "$FLOOD"
	agree "$2"
	assert_eq "$(jq ".ends[] | select(.end == \"r:e0\").hooks.in.$2" "$TEST_TMP/after")" "$FLOOD" "$2 at r:e0"
}

test_arp_storm() {
	storm arp arp
}

test_vlan() {
	storm vlan vlan
}

run_tests
