#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_protocols.sh - traces of any protocol: as many records as tcpdump has frames, at every end and in
# either direction, by the same words.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/case_labs.sh
. "$(dirname "$0")/case_labs.sh"
# shellcheck source=tests/lab/sessions.sh
. "$(dirname "$0")/sessions.sh"

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
	both_families protocols
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

# A frame of a protocol that nobody takes: its drop has its MAC addresses, so that it ends the frame's story.
test_unknown_protocol() {
	up_silent
	"$BUILD/vethlab" record "$TEST_TMP/unknown.rec" any >"$TEST_TMP/record.said" 2>&1 &
	pids=" $!"
	wait_until test -e "$TEST_TMP/unknown.rec" # it is made when all that records is attached
	good inside a "$HELPERS/frames" x garbage
	end_of_all
	good vethlab replay -i -j "$TEST_TMP/unknown.rec" any
	assert_eq "$(jq -c 'select(.hops) | [.fate, .origin, ([.hops[] | .end, .hook, .source] | join(" ")),
		.drops[.death].node, .drops[.death].reason]' <<<"$out")" \
		'["dropped","a","a:x out 02:00:00:00:00:99 b:y in 02:00:00:00:00:99","b","UNHANDLED_PROTO"]' "its story"
	down_at_rest
}

# Stories: one a packet of tcpdump's at its first end, joined over NAT, with its drop.
test_stories() {
	local story n listener
	needs tcpdump
	up nat
	PINS=/sys/fs/bpf/vethlab/nat
	ip netns exec server "$HELPERS/listener" tcp 80 >"$TEST_TMP/listener" 2>&1 &
	listener=$!
	wait_until grep -q listening "$TEST_TMP/listener"
	good vethlab ping pc server -c 1
	tcpdump_at pc:eth0 server:eth0
	story=$TEST_TMP/stories
	"$BUILD/vethlab" record "$TEST_TMP/any.rec" any >"$TEST_TMP/record.said" 2>&1 &
	pids+=" $!"
	trace_into stories -i tcp
	wait_until sessions_are 2
	good inside pc bash -c 'printf "GET / %s" "$(seq 30000)" >/dev/tcp/198.51.100.1/80'
	bad 1 vethlab ping pc server --tcp 81
	bad 1 vethlab ping pc server --udp 82
	inside home nft add table inet t
	inside home nft add chain inet t forward '{ type filter hook forward priority 0; }'
	inside home nft add rule inet t forward tcp dport 443 drop
	bad 1 vethlab ping pc server --tcp 443 -W 300ms
	end_of_all
	kill "$listener"
	wait "$listener" || true
	good vethlab down nat
	# As many stories as frames left pc, and server; each joined from its first to its last end.
	n=$(tcpdump -nr "$TEST_TMP/pc-eth0.out" tcp 2>/dev/null | wc -l)
	assert_eq "$(jq -c 'select(.origin == "pc")' "$story" | wc -l)" "$n" "stories of what pc sent"
	n=$(tcpdump -nr "$TEST_TMP/server-eth0.out" tcp 2>/dev/null | wc -l)
	assert_eq "$(jq -c 'select(.origin == "server")' "$story" | wc -l)" "$n" "stories of what server sent"
	n=$(tcpdump -nr "$TEST_TMP/server-eth0.in" tcp 2>/dev/null | wc -l)
	assert_eq "$(jq -c 'select(.origin == "pc") | select([.hops[] | select(.end == "server:eth0")] | length == 1)' \
		"$story" | wc -l)" "$n" "stories that came to server"
	assert_eq "$(jq -c 'select(.fate == "delivered" and .origin == "pc") | select((.hops | length) != 4 or
		([.hops[] | select(.translated)] | length) != 1)' "$story" | wc -l)" 0 "stories that were not joined over NAT"
	assert_eq "$(jq -r 'select(.packet.to_port == 443) | .fate + " " + .drops[.death].node + " " +
		.drops[.death].reason' "$story" | sort -u)" "dropped home NETFILTER_DROP" "the SYN that a rule drops"
	assert_eq "$(jq -r 'select(.packet.to_port == 81) | .fate + " " + .drops[.death].node + " " +
		.drops[.death].reason' "$story" | sort -u)" "dropped server NO_SOCKET" "the SYN that nobody waits for"
	# The recording tells the same, and of UDP and ARP, too.
	good vethlab replay -i -j "$TEST_TMP/any.rec" tcp
	assert_eq "$(jq -c '[.fate, .origin, .packet]' <<<"$out" | sort)" "$(jq -c '[.fate, .origin, .packet]' "$story" | sort)" \
		"what the recording tells"
	good vethlab replay -i "$TEST_TMP/any.rec" udp
	says "now 198.51.100.2:" "refused by server in" "port unreachable; nobody listens at port 82 of server"
	# The ICMP error is of the datagram that it is about, whose addresses NAT has changed.
	good vethlab replay -i -j "$TEST_TMP/any.rec" udp
	assert_eq "$(jq -r 'select(.packet.to_port == 82) | .fate + " " + .answerer + " " + .drops[.death].reason + " " +
		([.hops[] | select(.leg == "error") | .end + " " + .hook] | join(" "))' <<<"$out")" \
		"refused server NO_SOCKET server:eth0 out home:wan in home:lan out pc:eth0 in" "the datagram that nobody waits for"
	assert_eq "$(jq -c 'select(.about)' <<<"$out" | wc -l)" 0 "errors that belong to no packet"
	good vethlab replay -i -j "$TEST_TMP/any.rec" any failed
	assert_eq "$(jq -r 'select(.packet) | .packet.to_port' <<<"$out" | sort -nu | xargs)" "81 82 443" "what failed"
}

run_tests
