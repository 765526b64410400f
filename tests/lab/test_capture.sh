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
	"$BUILD/vethlab" capture "${what[@]}" -w "$TEST_TMP/file" 2>"$TEST_TMP/said" &
	pid=$!
	# The file is there once every socket is.
	wait_until test -s "$TEST_TMP/file"
	"$@"
	kill -INT $pid
	wait $pid
}

frames() { # FILTER: how many frames of the file match
	tcpdump -nr "$TEST_TMP/file" "$@" 2>/dev/null | wc -l
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
	local -a tools=()
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
	tshark_finds_them
	good vethlab down router
}

# tshark, where there is one, reads the file without a complaint: frames, names, comments.
tshark_finds_them() {
	command -v tshark >/dev/null || return 0
	good tshark -r "$TEST_TMP/file" -T fields -e frame.interface_name -e icmp.seq
	assert_eq "$(tshark -r "$TEST_TMP/file" 2>/dev/null | wc -l)" 800 "frames of tshark"
	assert_eq "$(tshark -r "$TEST_TMP/file" -T fields -e frame.interface_name 2>/dev/null |
		sort | uniq -c | awk '{ print $2, $1 }' | xargs)" \
		"a:eth0 200 b:eth0 200 r:eth0 200 r:eth1 200" "frames an end"
	assert_eq "$(tshark -r "$TEST_TMP/file" -Y 'frame.comment contains "itinerary"' 2>/dev/null |
		wc -l)" 400 "numbered frames"
	assert_eq "$(tshark -r "$TEST_TMP/file" -Y '_ws.malformed' 2>/dev/null | wc -l)" 0 "malformed"
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
	bad 2 vethlab capture nowhere:x -w "$TEST_TMP/file"
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

run_tests
