#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_protocols.sh - traces of any protocol: as many records as tcpdump has frames, at every end and in
# either direction, by the same words.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

ends=
pids=

# tcpdump at ends of the lab, each in a file of its own, without what a test sends to see that all listen.
tcpdump_at() { # END...
	local end direction
	ends=$*
	for end in $ends; do
		for direction in in out; do
			ip netns exec "${end%:*}" tcpdump --immediate-mode -Uns 256 -i "${end#*:}" -Q $direction \
				-w "$TEST_TMP/${end/:/-}.$direction" 2>"$TEST_TMP/${end/:/-}.$direction.said" &
			pids+=" $!"
			wait_until grep -q 'listening on' "$TEST_TMP/${end/:/-}.$direction.said"
		done
	done
}

# A trace into a file, which shows when it listens: `trace` writes its head before the first record.
trace_into() { # FILE FILTER...
	local file=$1
	shift
	"$BUILD/vethlab" trace "$@" -j >"$TEST_TMP/$file" 2>"$TEST_TMP/$file.said" &
	pids+=" $!"
}

sessions_are() { # COUNT
	local active
	active=$(bpftool -j map dump pinned "$PINS/control" | sed -n 's/.*"active":\([0-9]*\).*/\1/p')
	active=$(printf '%016x' "$active" | fold -w2 | grep -cv 00) || true
	[[ ${active:-0} -eq $1 ]]
}

# All of them have what there is to have when a frame that comes last is there.
end_of_all() {
	local pid
	sleep 0.5
	for pid in $pids; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	for pid in $pids; do
		wait "$pid" || true
	done
	pids=
}

# Of a file of trace_into: as many records at each end and hook as tcpdump has frames by this expression.
same_counts() { # FILE EXPRESSION
	local end direction hook ours theirs sum=0
	for end in $ends; do
		for direction in in out; do
			theirs=$(tcpdump -nr "$TEST_TMP/${end/:/-}.$direction" "$2" 2>/dev/null | wc -l)
			ours=$(jq -c "select(.schema == \"vethlab.trace/1\" and .end == \"$end\" and .hook == \"$direction\")" \
				"$TEST_TMP/$1" | wc -l)
			assert_eq "$ours" "$theirs" "records of '$2' at $end $direction"
			sum=$((sum + ours))
		done
	done
	assert_eq "$((sum > 0))" 1 "records of '$2'"
}

# Each trace, and what tcpdump calls the same.
test_same_as_tcpdump() {
	local file
	local -A words=(
		[any]="any v4" [tcp]="tcp" [udp]="udp" [arp]="arp" [syn]="flags syn" [reset]="flags rst,fin"
		[port]="port 80" [to]="dport 9" [v6]="tcp v6" [source]="any src 10.0.1.1")
	local -A expressions=(
		[any]="ip or arp" [tcp]="tcp or (ip6 proto 6)" [udp]="udp" [arp]="arp"
		[syn]="tcp[13] & 2 != 0 or (ip6 proto 6 and ip6[53] & 2 != 0)"
		[reset]="tcp[13] & 5 != 0 or (ip6 proto 6 and ip6[53] & 5 != 0)"
		[port]="port 80" [to]="dst port 9" [v6]="ip6 proto 6" [source]="src host 10.0.1.1")
	needs tcpdump
	cat >"$TEST_TMP/protocols.yaml" <<-'END'
		lab: protocols
		nodes:
		  a: {routes: [default via 10.0.1.254, "default via fd00:1::fe"]}
		  r: {forward: both}
		  b: {routes: [default via 10.0.2.254, "default via fd00:2::fe"]}
		links:
		  - endpoints: [{end: "a:eth0", address: [10.0.1.1/24, "fd00:1::1/64"]}, {end: "r:eth0", address: [10.0.1.254/24, "fd00:1::fe/64"]}]
		  - endpoints: [{end: "r:eth1", address: [10.0.2.254/24, "fd00:2::fe/64"]}, {end: "b:eth0", address: [10.0.2.1/24, "fd00:2::1/64"]}]
	END
	good vethlab up "$TEST_TMP/protocols.yaml"
	PINS=/sys/fs/bpf/vethlab/protocols
	ip netns exec b "$HELPERS/listener" tcp 80 >"$TEST_TMP/listener" 2>&1 &
	pids+=" $!"
	wait_until grep -q listening "$TEST_TMP/listener"
	# Seven of eight tracers at a time, and tcpdump beside all of them.
	for file in "any tcp udp arp syn" "reset port to v6 source"; do
		# shellcheck disable=SC2086 # a list
		compare_with_tcpdump $file
	done
	end_of_all
	good vethlab down protocols
}

compare_with_tcpdump() { # NAME OF A TRACE...
	local name before=$pids
	pids=
	inside a ip neigh flush all
	inside r ip neigh flush all
	tcpdump_at a:eth0 r:eth0 r:eth1 b:eth0
	for name; do
		# shellcheck disable=SC2086 # words
		trace_into "$name" ${words[$name]}
	done
	wait_until sessions_are $#
	good vethlab ping a b --tcp 80 -c 2 -i 0.01
	good vethlab ping a fd00:2::1 --tcp 80
	bad 1 vethlab ping a b --tcp 81
	bad 1 vethlab ping a b --udp 9 -c 3 -i 0.01
	good vethlab ping a b -c 1
	good inside a bash -c 'printf "GET / %s" "$(seq 2000)" >/dev/tcp/10.0.2.1/80'
	end_of_all
	pids=$before
	for name; do
		[[ -s $TEST_TMP/$name ]] || fail "$name: $(<"$TEST_TMP/$name.said")"
		same_counts "$name" "${expressions[$name]}"
		grep -q ", 0 lost" "$TEST_TMP/$name.said" || fail "$name lost records: $(<"$TEST_TMP/$name.said")"
	done
}

# Without a filter ICMP alone is shown; the default has not changed.
test_icmp_alone() {
	up two-hosts
	PINS=/sys/fs/bpf/vethlab/two-hosts
	trace_into icmp
	trace_into all any
	wait_until sessions_are 2
	bad 1 vethlab ping a b --tcp 80
	good vethlab ping a b -c 1
	end_of_all
	assert_eq "$(jq -r 'select(.packet) | .message' "$TEST_TMP/icmp" | sort -u)" "" "what is no ICMP"
	assert_eq "$(jq -r 'select(.hook and .packet.protocol == 6) | .end + " " + .hook' "$TEST_TMP/all" | sort | uniq -c | xargs)" \
		"1 a:eth0 in 1 a:eth0 out 1 b:eth0 in 1 b:eth0 out" "SYN and RST"
	# Drops of any protocol come with their reason.
	assert_eq "$(jq -r 'select(.schema == "vethlab.trace-drop/1" and .packet.tcp_flags == "syn") |
		.node + " " + .reason' "$TEST_TMP/all")" "b NO_SOCKET" "the drop of the SYN"
	good vethlab down two-hosts
}

# A tag in a frame's bytes becomes one beside them where the kernel takes it in.
test_tags() {
	needs tcpdump
	up two-hosts
	PINS=/sys/fs/bpf/vethlab/two-hosts
	tcpdump_at a:eth0 b:eth0
	trace_into tagged vlan 7
	trace_into other vlan 8
	wait_until sessions_are 2
	good inside a "$HELPERS/frames" eth0 vlan 3
	end_of_all
	same_counts tagged "vlan 7"
	assert_eq "$(jq -c 'select(.hook)' "$TEST_TMP/other" | wc -l)" 0 "frames of another tag"
	assert_eq "$(jq -r '.end + " " + .hook + " " + (.packet.vlan | tostring)' "$TEST_TMP/tagged" | sort | uniq -c | xargs)" \
		"3 a:eth0 out 7 3 b:eth0 in 7" "frames with a tag"
	good vethlab down two-hosts
}

run_tests
