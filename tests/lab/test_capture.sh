#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_capture.sh - vethlab capture: what tcpdump finds on an end is in the file, in order, with names,
# directions and comments.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab() {
	command -v tcpdump >/dev/null || skip_test "there is no tcpdump"
	up blue
	good vethlab link default:veth0 up
	good vethlab ping default blue:veth1 -W 5
}

# Capture while a command runs; the capture is in $TEST_TMP/file.
capture() { # [WORD OF CAPTURE...] -- COMMAND...
	local -a what=()
	local pid
	while [[ $1 != -- ]]; do
		what+=("$1")
		shift
	done
	shift
	rm -f "$TEST_TMP/file"
	"$BUILD/vethlab" capture "${what[@]}" -w "$TEST_TMP/file" 2>"$TEST_TMP/said" &
	pid=$!
	# The file is there once every socket is.
	wait_until test -s "$TEST_TMP/file"
	"$@"
	kill -INT $pid
	wait $pid
	tshark_reads_it
}

# Whether there is a tshark; else what it would check is reported as skipped.
has_tshark() {
	command -v tshark >/dev/null && return
	skip_part "there is no tshark"
	return 1
}

# tshark, where there is one, reads each capture: no complaint, as many frames, none malformed.
tshark_reads_it() {
	has_tshark || return 0
	good shark frame.number
	assert_eq "$(grep -c . <<<"$out")" "$(tcpdump -nr "$TEST_TMP/file" 2>/dev/null | wc -l)" \
		"frames of tshark"
	assert_eq "$(shark -Y _ws.malformed frame.number)" "" "malformed frames"
	assert_eq "$(grep -i -e damaged -e 'cut short' -e corrupt -e invalid "$TEST_TMP/shark" || true)" \
		"" "complaints of tshark"
}

# Fields of the frames of a capture: shark [-r FILE] [-Y FILTER] FIELD...
shark() {
	local -a options=() fields=()
	[[ $1 == -r ]] || options=(-r "$TEST_TMP/file")
	while [[ $1 == -? ]]; do
		options+=("$1" "$2")
		shift 2
	done
	fields=("${@/#/-e}")
	tshark -n -o ip.defragment:FALSE "${options[@]}" -T fields "${fields[@]}" 2>"$TEST_TMP/shark"
}

frames() { # FILTER: how many frames of the file match
	tcpdump -nr "$TEST_TMP/file" "$@" 2>/dev/null | wc -l
}

# More ends than this process may open files for: told before the first is captured.
test_more_ends_than_files() {
	up blue
	bad 5 prlimit --nofile=8:8 "$BUILD/vethlab" capture all -w "$TEST_TMP/file"
	says "4 ends" "ulimit -Hn"
	[[ ! -e $TEST_TMP/file ]] || fail "a file of nothing"
	# Nor does it fail for the files that it opens after the sockets: the drops are noted, too.
	bad 5 prlimit --nofile=12:12 "$BUILD/vethlab" capture all -w "$TEST_TMP/file"
	says "4 ends" "ulimit -Hn"
	# The soft limit is raised.
	good prlimit --nofile=12:1024 "$BUILD/vethlab" capture all -w "$TEST_TMP/file" --for 0.1
	down_at_rest
}

test_every_frame() {
	lab
	capture all -- vethlab ping default blue:veth1 -c 100 -i 0 -q
	assert_eq "$(frames 'icmp[0] = 8')" 200 "requests: out of veth0, into veth1"
	assert_eq "$(frames 'icmp[0] = 0')" 200 "replies"
	good cat "$TEST_TMP/said"
	says " 0 lost"
	# In the order of time, to the nanosecond.
	good bash -c "tcpdump --nano -ttnr $TEST_TMP/file 2>/dev/null | cut -d' ' -f1 | sort -c -n"
	good vethlab down blue
}

# The bytes of each frame, a line each, however a tool reads the file.
bytes_of() { # FILE [FILTER]
	tcpdump -nqtxxr "$@" 2>/dev/null | awk '/^\t/ { sub(/^[^:]*:/, ""); printf "%s", $0; next }
		{ if (n++) print ""; } END { if (n) print "" }' | tr -d ' ' | sort
}

# tcpdump on the same ends at the same time finds the same frames.
test_same_as_tcpdump() {
	local end node tool
	local -a tools=() fields=(frame.len ip.id ip.frag_offset icmp.type icmp.seq)
	up router
	good vethlab ping a b
	for end in a:eth0 r:eth0 r:eth1 b:eth0; do
		node=${end%:*}
		# In immediate mode each frame takes a snap length's room of its 2 MiB: 8 frames.
		ip netns exec "$node" tcpdump --immediate-mode -Uns 4096 -B 16384 -i "${end#*:}" \
			-w "$TEST_TMP/${end/:/-}" icmp \
			2>"$TEST_TMP/${end/:/-}.said" &
		tools+=($!)
		wait_until grep -q 'listening on' "$TEST_TMP/${end/:/-}.said"
	done
	capture all -f icmp -- vethlab ping a b -c 50 -i 0 -q -s 2000
	for tool in "${tools[@]}"; do
		kill -TERM "$tool"
	done
	wait
	# 50 echoes there and back in two parts, past each of the four ends.
	assert_eq "$(bytes_of "$TEST_TMP/file" | wc -l)" $((50 * 2 * 2 * 4)) "frames"
	for end in a:eth0 r:eth0 r:eth1 b:eth0; do
		bytes_of "$TEST_TMP/${end/:/-}"
	done | sort >"$TEST_TMP/theirs"
	bytes_of "$TEST_TMP/file" >"$TEST_TMP/ours"
	good cmp "$TEST_TMP/theirs" "$TEST_TMP/ours"
	good vethlab down router
	has_tshark || return 0
	# tshark tells the same of both, end by end, and knows the ends by name.
	for end in a:eth0 r:eth0 r:eth1 b:eth0; do
		shark -Y "frame.interface_name == \"$end\"" "${fields[@]}" | sort >"$TEST_TMP/ours"
		shark -r "$TEST_TMP/${end/:/-}" "${fields[@]}" | sort >"$TEST_TMP/theirs"
		good cmp "$TEST_TMP/theirs" "$TEST_TMP/ours"
		assert_eq "$(wc -l <"$TEST_TMP/ours")" 200 "frames of $end"
	done
}

# What tshark makes of names, directions, stamps, numbers.
test_tshark() {
	needs tshark capinfos
	up router
	good vethlab ping a b
	capture all -f icmp -- vethlab ping a b -c 50 -i 0 -q -s 2000
	assert_eq "$(shark frame.interface_name frame.packet_flags_direction | sort | uniq -c |
		awk '{ print $2, $3, $1 }' | xargs)" "$(for end in a:eth0 b:eth0 r:eth0 r:eth1; do
			echo "$end 0x00000001 100 $end 0x00000002 100"; done | xargs)" "directions"
	# Each part of an echo has its number, at each end, there and back.
	assert_eq "$(shark frame.comment | sort | uniq -c | awk '{ print $2, $3, $1 }' | sort -k 2n)" \
		"$(for i in {1..50}; do echo "itinerary $i 16"; done)" "numbers"
	assert_eq "$(shark -Y 'frame.interface_name == "b:eth0" and frame.packet_flags_direction == 1' \
		frame.interface_description | sort -u)" \
		"frames into node b of lab router, by its link with r:eth1" "description"
	good capinfos -M "$TEST_TMP/file"
	assert_eq "$(grep -c 'Time precision = nanoseconds (9)' <<<"$out")" 8 "interfaces in nanoseconds"
	assert_eq "$(grep -c 'Number of stat entries = 1' <<<"$out")" 8 "statistics blocks"
	# Stamps have nanoseconds, they are not microseconds with three zeros.
	assert_eq "$(shark frame.time_epoch | awk '!/000$/ { n++ } END { print (n > 700) }')" 1 "nanoseconds"
	good vethlab down router
}

# Frames of either direction and how many were lost, by the statistics block of each interface.
statistics_of_file() {
	# Blocks are whole words: type, length, body. Options: code and length in a word, and the value.
	od -An -v -tu4 -w4 "$TEST_TMP/file" | awk '
		{ word[NR - 1] = $1 }
		function option(at, end, code,    c, len) {
			while (at < end) {
				c = word[at] % 65536
				len = int(word[at] / 65536)
				if (c == code)
					return word[at + 1] + word[at + 2] * 4294967296
				if (!c)
					return "none"
				at += 1 + int((len + 3) / 4)
			}
			return "none"
		}
		END {
			for (at = 0; at < NR; at += word[at + 1] / 4)
				if (word[at] == 5) {
					end = at + word[at + 1] / 4 - 1
					print word[at + 2], option(at + 5, end, 4), option(at + 5, end, 7)
				}
		}'
}

# A capture that is kept from reading loses frames: each is written, or counted in the file.
test_lost_frames_are_counted() {
	local pid before said written lost
	lab
	before=$(($(count default:veth0 out ipv4) + $(count default:veth0 in ipv4)))
	"$BUILD/vethlab" capture default:veth0 -f ip -s 100 -w "$TEST_TMP/file" 2>"$TEST_TMP/said" &
	pid=$!
	wait_until test -s "$TEST_TMP/file"
	kill -STOP $pid
	# 44 parts there and as many back, of some 2 KiB each: its buffer holds 64 MiB.
	good vethlab ping default blue:veth1 -c 600 -i 0 -q -s 65000
	kill -CONT $pid
	kill -INT $pid
	wait $pid
	said=$(($(count default:veth0 out ipv4) + $(count default:veth0 in ipv4) - before))
	written=$(statistics_of_file | awk '{ n += $2 } END { print n }')
	lost=$(statistics_of_file | awk '{ n += $3 } END { print n }')
	[[ $lost -gt 0 ]] || fail "nothing was lost of $said frames"
	assert_eq $((written + lost)) "$said" "frames, written and lost"
	assert_eq "$(frames)" "$written" "frames in the file"
	assert_eq "$(statistics_of_file | cut -d' ' -f1 | xargs)" "0 1" "interfaces with statistics"
	good cat "$TEST_TMP/said"
	says "$written frames, $lost lost"
	good vethlab down blue
}

test_filter_and_ends() {
	lab
	capture blue:veth1 -f 'icmp[0] = 8' -s 60 -- vethlab ping default blue:veth1 -c 5 -i 0 -q
	assert_eq "$(frames)" 5 "requests at one end"
	# 60 bytes of 98 were kept, and the file says how long they were.
	assert_eq "$(tcpdump -nr "$TEST_TMP/file" 2>/dev/null | grep -c 'length 64')" 5 "their length"
	assert_eq "$(tcpdump -enr "$TEST_TMP/file" 2>/dev/null | grep -c 'length 98')" 5 "their frames"
	bad 2 vethlab capture -f 'icmp[' -w "$TEST_TMP/file"
	says "filter 'icmp['"
	bad 1 vethlab capture nowhere:x -w "$TEST_TMP/file"
	bad 2 vethlab capture
	says "-w FILE"
	bad 5 vethlab capture -w /nonexistent/file
	good vethlab down blue
}

test_count_and_pipe() {
	local pid
	lab
	vethlab capture link blue:veth1 -f icmp -c 4 -w - 2>/dev/null |
		tcpdump -nr - >"$TEST_TMP/seen" 2>/dev/null &
	pid=$!
	until [[ $(wc -l <"$TEST_TMP/seen") -ge 4 ]]; do
		vethlab ping default blue:veth1 -q >/dev/null
	done
	wait $pid
	assert_eq "$(wc -l <"$TEST_TMP/seen")" 4 "frames"
	good vethlab down blue
}

# Names, directions and comments, which tcpdump does not show: they are text in the file.
test_words() {
	lab
	inside blue nft add table ip t
	inside blue nft 'add chain ip t c { type filter hook input priority 0; policy drop; }'
	capture all -- vethlab ping default blue:veth1 -c 2 -i 0.01 -W 0.1 -q >/dev/null || true
	good grep -a -o -e 'itinerary [0-9]*; dropped in blue: NETFILTER_DROP, in [a-z_]*' \
		-e 'frames into node blue of lab blue, by its link with default:veth0' "$TEST_TMP/file"
	says "frames into node blue" "itinerary 1; dropped in blue: NETFILTER_DROP" "itinerary 2; dropped"
	good cat "$TEST_TMP/said"
	says "2 drops noted"
	good vethlab down blue
}

# Comments, which tcpdump does not show, are text in the file.
commented() { # TEXT
	grep -a -o -e "$1" "$TEST_TMP/file"
}

# Drops of any protocol, in a node and on a link, and of what NAT has changed.
test_drops_of_any_protocol() {
	up "$TOP/tests/lab/deaths.yaml"
	good vethlab ping a b -W 5
	capture all -- bash -c "
		ip netns exec a bash -c 'echo hello >/dev/udp/10.0.3.1/4444'
		! ip netns exec a bash -c ': >/dev/tcp/10.0.3.1/4444' 2>/dev/null"
	good commented 'dropped in b: NO_SOCKET, in [ -~]*'
	assert_eq "$(grep -c 'in __udp4_lib_rcv: no socket waits for it' <<<"$out")" 1 "of UDP"
	assert_eq "$(grep -c 'in tcp_v4_rcv: no socket waits for it' <<<"$out")" 1 "of TCP"
	good cat "$TEST_TMP/said"
	says " 0 lost"
	# Larger than what r2 takes: r1 sends it, and the link drops it. The frame that left bears the note.
	inside r2 ip link set w0 mtu 1300
	capture all -f 'icmp or udp' -- bash -c "
		! '$BUILD/vethlab' ping a b -s 1400 -W 0.3 -q >/dev/null
		ip netns exec a bash -c 'printf %1400s >/dev/udp/10.0.3.1/4444'"
	good commented 'dropped in r1: [A-Z_]*, in [ -~]*'
	assert_eq "$(grep -c "larger than the other end's MTU" <<<"$out")" 2 "of the link"
	if has_tshark; then
		good shark -Y 'frame.comment contains "dropped"' frame.interface_name \
			frame.packet_flags_direction
		assert_eq "$(sort -u <<<"$out" | xargs)" "r1:e0 0x00000002" "the frames that left r1"
	fi
	inside r2 ip link set w0 mtu 1500
	# Another source address, and then the filter: the frame came in before either.
	inside r2 nft add table ip t
	inside r2 nft 'add chain ip t n { type nat hook postrouting priority 100; }'
	inside r2 nft 'add rule ip t n snat to 10.0.3.200'
	inside r2 nft 'add chain ip t d { type filter hook postrouting priority 300; policy drop; }'
	capture all -- bash -c "
		ip netns exec a bash -c 'echo hello >/dev/udp/10.0.3.1/4444'
		! '$BUILD/vethlab' ping a b -W 0.3 -q >/dev/null"
	good commented 'dropped in r2: NETFILTER_DROP'
	assert_eq "$(grep -c . <<<"$out")" 2 "a datagram and an echo"
	inside r2 nft delete table ip t
	good vethlab down deaths
}

# An ICMP error has the number of the echo that it quotes.
test_errors_are_numbered() {
	up "$TOP/tests/lab/deaths.yaml"
	good vethlab ping a b -W 5
	capture a:e0 -f icmp -- bash -c "
		'$BUILD/vethlab' ping a b -q >/dev/null; ! '$BUILD/vethlab' ping a b -t 1 -q >/dev/null"
	assert_eq "$(grep -a -o 'itinerary [0-9]*' "$TEST_TMP/file" | xargs)" \
		"itinerary 1 itinerary 1 itinerary 2 itinerary 2" "numbers"
	good vethlab down deaths
}

# A VLAN tag, which the kernel keeps apart from the frame, is in its place again.
test_vlan() {
	lab
	ip link add link veth0 name veth0.7 type vlan id 7 2>/dev/null || {
		good vethlab down blue
		skip_test "this kernel has no VLAN interfaces"
	}
	ip address add 10.7.0.1/24 dev veth0.7
	ip link set veth0.7 up
	capture blue:veth1 -- ping -c 1 -W 0.2 10.7.0.9 >/dev/null || true
	good tcpdump -enr "$TEST_TMP/file" arp or vlan
	says "vlan 7" "who-has 10.7.0.9"
	ip link del veth0.7
	good vethlab down blue
}

# Of all ends those that are there; one that was asked for must be.
test_deleted_end() {
	lab
	ip link del veth2
	good timeout "$WAIT" "$BUILD/vethlab" capture -w "$TEST_TMP/file" --for 100ms
	says "not captured: default:veth2 is gone" "not captured: blue:veth3 is gone" "0 lost"
	bad 1 vethlab capture -w "$TEST_TMP/file" blue:veth3 blue:veth1
	says "blue:veth3 is gone: it was deleted since the lab was built"
	bad 1 vethlab capture -w "$TEST_TMP/file" link default:veth2
	says "default:veth2 is gone"
	bad 2 vethlab capture -w "$TEST_TMP/file" link
	says "link needs an end"
	good vethlab down blue
}

run_tests
