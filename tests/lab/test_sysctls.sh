#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_sysctls.sh - what a lab sets in a namespace that is not its own is put back, whatever the value.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

ports() { # FIRST: 300 single ports, which no range joins
	seq -s, "$1" 2 $(($1 + 598))
}

# All settings of this namespace. Random ones, and counts of what exists, are no settings.
settings() {
	sysctl -a 2>/dev/null | grep '^net\.' | grep -vE 'nf_conntrack_count|stable_secret|dentry'
}

# A value that stands in $TEST_TMP/before
before() { # KEY
	sed -n "s/^${1//./\\.} = \?//p" "$TEST_TMP/before"
}

# 44 settings that are 0 or 1, and the other value, as a lab file has them.
flipped() {
	grep -E '^net\.ipv[46]\.(conf\.(all|default|lo)|icmp|fib|tcp_|ip_).* = [01]$' "$TEST_TMP/before" |
		grep -E 'rp_filter|forward|redirects|proxy|accept|arp_|icmp|tcp_[a-s]|disable_|send_|ignore_' |
		grep -vE 'tcp_(available|fastopen_key|child)|mc_forwarding|force_forwarding|drop_unicast' |
		awk '{print "      " $1 ": " (1 - $3)}' | awk 'NR % 2' | head -44
}

lab_file() {
	cat <<-END
		lab: host
		nodes:
		  h:
		    netns: host
		    sysctls:
		      net.ipv4.ip_local_reserved_ports: "$(ports 30001)"
		      net.ipv4.tcp_rmem: 4096 100000 200000
		      net.ipv4.tcp_wmem: 4096 50000 300000
		      net.ipv4.tcp_keepalive_time: 77
		      net.ipv4.ip_local_port_range: 40000 41000
		      net.ipv4.ping_group_range: 0 1000
		      net.ipv4.neigh.lo.ucast_solicit: 7
		      net.ipv4.neigh.lo.mcast_solicit: 5
		$(flipped)
	END
}

same_as_before() { # WHEN
	settings >"$TEST_TMP/after"
	assert_eq "$(diff "$TEST_TMP/before" "$TEST_TMP/after")" "" "settings $1"
}

# Values that are unusual on a host: nothing may be concluded from what a new namespace has.
unusual_host() { # PORTS
	# Not by the shell itself, which writes 1,024 bytes at a time: a number would be cut in two.
	dd bs=1M iflag=fullblock of=/proc/sys/net/ipv4/ip_local_reserved_ports <<<"$1" 2>/dev/null
	sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.lo.forwarding=1 \
		net.ipv4.conf.all.send_redirects=0 net.ipv6.conf.lo.forwarding=1
	settings >"$TEST_TMP/before"
	lab_file >"$TEST_TMP/lab.yaml"
}

# The lab is up and has changed what it says.
changed() {
	[[ $(grep -c '^ *net\.' "$TEST_TMP/lab.yaml") -ge 50 ]] || fail "few settings: $(cat "$TEST_TMP/lab.yaml")"
	settings >"$TEST_TMP/after"
	[[ $(diff "$TEST_TMP/before" "$TEST_TMP/after" | grep -c '^>') -ge 50 ]] ||
		fail "few were changed: $(diff "$TEST_TMP/before" "$TEST_TMP/after")"
	assert_eq "$(sysctl -n net.ipv4.ip_local_reserved_ports)" "$(ports 30001)" "ports"
}

test_empty_value() {
	unusual_host ""
	up "$TEST_TMP/lab.yaml"
	changed
	good vethlab down
	same_as_before "after down"
}

# Seconds, of which the kernel keeps milliseconds.
test_milliseconds() {
	sysctl -qw net.ipv4.neigh.lo.base_reachable_time_ms=30500 net.ipv6.neigh.lo.base_reachable_time_ms=1600
	settings >"$TEST_TMP/before"
	cat >"$TEST_TMP/lab.yaml" <<-END
		lab: host
		nodes:
		  h: {netns: host, sysctls: {net.ipv4.neigh.lo.base_reachable_time: 77, net/ipv6/neigh/lo/base_reachable_time: 3}}
	END
	up "$TEST_TMP/lab.yaml"
	assert_eq "$(sysctl -n net.ipv4.neigh.lo.base_reachable_time_ms)" 77000 "while it runs"
	assert_eq "$(sysctl -n net.ipv6.neigh.lo.base_reachable_time_ms)" 3000 "while it runs"
	good vethlab down
	same_as_before "after down"
}

test_long_value() {
	unusual_host "$(ports 20000)"
	[[ $(before net.ipv4.ip_local_reserved_ports) == *,20598 ]] || fail "the host's ports are cut"
	up "$TEST_TMP/lab.yaml"
	changed
	good vethlab down
	same_as_before "after down"
}

# More than a page, which the kernel takes in parts.
test_value_of_pages() {
	unusual_host "$(seq -s, 20001 2 29999)"
	[[ $(before net.ipv4.ip_local_reserved_ports) == *,29999 ]] || fail "the host's ports are cut"
	up "$TEST_TMP/lab.yaml"
	changed
	good vethlab down
	same_as_before "after down"
}

# Without a setting in the file, `apply` puts it back; so does an empty one, where it was empty.
test_apply() {
	unusual_host "$(ports 20000)"
	up "$TEST_TMP/lab.yaml"
	sed -i '/reserved_ports/d; s/tcp_rmem: .*/tcp_rmem: 4096 1000 2000/' "$TEST_TMP/lab.yaml"
	good vethlab apply "$TEST_TMP/lab.yaml"
	assert_eq "$(sysctl -n net.ipv4.ip_local_reserved_ports)" "$(ports 20000)" "ports"
	sed -i 's/^    sysctls:/&\n      net.ipv4.ip_local_reserved_ports: ""/' "$TEST_TMP/lab.yaml"
	good vethlab apply "$TEST_TMP/lab.yaml"
	assert_eq "$(sysctl -n net.ipv4.ip_local_reserved_ports)" "" "ports"
	good vethlab down
	same_as_before "after apply and down"
}

# Killed when half of the settings are made.
test_killed() {
	local undo pid
	for undo in down gc; do
		unusual_host ""
		sed -i 's/^    sysctls:/    exec: [sleep 1000]\n&/' "$TEST_TMP/lab.yaml"
		"$BUILD/vethlab" up "$TEST_TMP/lab.yaml" >/dev/null 2>&1 &
		pid=$!
		wait_until pgrep -x sleep
		kill -9 $pid
		wait $pid 2>/dev/null || true
		pkill -x sleep # of this sandbox's process namespace
		changed
		remember_objects
		good vethlab "$undo"
		same_as_before "after kill -9 and $undo"
	done
}

# A journal whose last line was cut by a crash: its step was not begun, and the next line is whole.
test_torn_line() {
	unusual_host "$(ports 20000)"
	up "$TEST_TMP/lab.yaml"
	printf 'sysctl 1 2 net.ipv4.ip_def' >>/run/vethlab/host/journal
	sed -i 's/^    sysctls:/&\n      net.ipv4.ip_default_ttl: 9/' "$TEST_TMP/lab.yaml"
	good vethlab apply "$TEST_TMP/lab.yaml"
	assert_eq "$(sysctl -n net.ipv4.ip_default_ttl)" 9 "ttl"
	good vethlab down
	same_as_before "after down"
}

run_tests
