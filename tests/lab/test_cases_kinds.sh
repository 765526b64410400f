#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_cases_kinds.sh - public cases and their kinds: what `why` and `ping` may say only if it was read.
# Tested elsewhere: renamed and moved ends (case 14), tunnels: test_why.sh. A /sys of the node (15):
# test_inside.sh. Defaults before ends, sysctls that cannot be set, names that are taken, the machine's settings
# (16, 17, K8): test_settings.sh. The proof of the wiring, multicast to nobody (20, 21, K10): test_books.sh.
# Connected routes (23): test_address_routes.sh. Intervals of many values (24): tests/unit/test_base_statistics.c.
# Echoes that wait, drops of questions and of answers (K1, K12): test_questions.sh. rp_filter, forwarding, rules that
# refuse or suppress, proxy ARP, who answers ARP, NAT (K2 to K5): test_why.sh, test_why_settings.sh. What is told beside
# a drop (K3, K6, K9): test_drops_told.sh. Rules of `check` (K7): tests/unit/test_reader.c, test_reader_findings.c and
# data/bad. Errors that were dropped, time before the first hook and waits on the way (K9, K13): test_remarks.sh. Lost
# records (K11): test_lost_records.sh.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/case_labs.sh
. "$(dirname "$0")/case_labs.sh"
# shellcheck source=tests/lab/observed.sh
. "$(dirname "$0")/observed.sh"

pair() { # KEYS OF a, KEYS OF b
	cat >"$TEST_TMP/pair.yaml" <<-YAML
		lab: pair
		nodes: {a: {$1}, b: {$2}}
		links: [{endpoints: [{end: "a:eth0", addresses: [10.0.0.1/24, "fd00::1/64"]},
		                     {end: "b:eth0", addresses: [10.0.0.2/24, "fd00::2/64"]}]}]
	YAML
	up "$TEST_TMP/pair.yaml"
}

# What `why a TO` says: how the leg there ends, and at which hop.
foretells() { # TO WANT
	out=$(vethlab why a "$1" -j || true)
	assert_eq "$(jq -r '.there | "\(.end) \(.hops[-1].node)"' <<<"$out")" "$2" "why a $1: $out"
}

why_text() { # WANT
	assert_eq "$(jq -r .there.text <<<"$out")" "$1" "the sentence"
}

# The first echo of the last `ping -j`.
first() { # FILTER
	jq -rs ".[0] | $1" <<<"$out"
}

mac_of() { # NODE
	ip_link "$1" eth0 .address
}

# ---- cases ---------------------------------------------------------------------------------------

# a's copies of its own broadcasts came by no link: they are no drops of what came in there.
test_case_19_looped_broadcast() {
	pair "" ""
	good vethlab stats --reset
	bad 1 inside a ping -q -b -c 3 -i 0.2 -W 1 10.0.0.255
	good vethlab stats -j
	assert_eq "$(jq -r '.links[].directions[] | select(.from == "b:eth0") | .drops[] |
		select(.place != "ip6_mc_input") | .reason' <<<"$out")" "" "drops of what came from b"
	assert_eq "$(jq -r '.links[].directions[] | select(.from == "a:eth0") | .drops[] |
		select(.place == "icmp_rcv") | "\(.end) \(.packets)"' <<<"$out")" "b:eth0 3" "drops of what came from a"
	down_at_rest
}

captured() { # SHELL COMMAND IN a
	local pid
	rm -f "$TEST_TMP/file"
	"$BUILD/vethlab" capture b:eth0 -f 'udp or tcp or icmp' -w "$TEST_TMP/file" 2>/dev/null &
	pid=$!
	wait_until test -s "$TEST_TMP/file"
	inside a bash -c "$1" 2>/dev/null || true
	kill -INT $pid
	wait $pid
}

commented() { # HOW OFTEN, WHAT
	assert_eq "$(grep -a -o 'checksum left to the device (CHECKSUM_PARTIAL)' "$TEST_TMP/file" | grep -c .)" "$1" "$2"
}

# Datagrams and segments leave their sums to the device; echoes, and datagrams of a socket without sums, do not.
test_case_22_checksum_comment() {
	pair "" ""
	good vethlab ping a b
	captured 'for i in 1 2 3; do echo x >/dev/udp/10.0.0.2/9; done'
	commented 3 "datagrams"
	captured ': >/dev/tcp/10.0.0.2/9'
	commented 1 "a SYN, and none of its RST"
	captured 'ping -q -c 2 -i 0.1 10.0.0.2'
	commented 0 "echoes"
	good inside a sh -c 'ip link set eth0 down; ip link set eth0 up'
	if command -v ethtool >/dev/null && inside a ethtool -K eth0 tx off >/dev/null; then
		captured 'echo x >/dev/udp/10.0.0.2/9'
		commented 0 "without offload"
	fi
	good vethlab down pair
}

# A container as podman and runc make it: a monitor that has its name, a namespace with a number for a name, and
# the beginning of its id for a host name.
podman_container() { # NUMBER NAME [WORD OF THE MONITOR'S NAME]
	local id=$1a1b2c3d4e5f netns=netns-0b9a8c7d-1111-2222-3333-44445555666$1
	ip netns add "$netns"
	# shellcheck disable=SC2016
	"$TEST_TMP/${3:-conmon}" -c 'ip netns exec "$0" unshare --uts sh -c "echo ${1:0:12} >/proc/sys/kernel/hostname
		exec sleep 1000" & trap "kill %1" TERM; wait' "$netns" "$id" --api-version 1 -c "$id" -u "$id" -r /usr/bin/runc \
		-b "/var/lib/$id/userdata" -n "$2" --exit-dir /run/exits --full-attach -id "$id$id$id$id$id" &
	monitors+=($!)
	wait_until runs_in "$netns"
	road "v$1" eth0 "$netns" "10.88.$1.1/24" "10.88.$1.2/24"
	good ip -n "$netns" route add default via "10.88.$1.1"
}

runs_in() { # NETNS
	local pid
	pid=$(ip netns pids "$1") && [[ $(cat "/proc/$pid/comm") == sleep ]]
}

links() {
	vethlab show --json | jq -r '.links[].link' | sort
}

ends_of_monitors() {
	kill "${monitors[@]}"
	wait "${monitors[@]}" 2>/dev/null || true
	ip -all netns delete
	wait_until only_lo
}

# Containers are called as their engine calls them, and a pod as its host.
test_case_18_podman_names() {
	local -a monitors=()
	cp "$(command -v bash)" "$TEST_TMP/conmon"
	good sysctl -qw net.ipv4.ip_forward=1
	podman_container 1 web
	podman_container 2 db
	podman_container 3 0123456789ab-infra
	observe
	assert_eq "$(links)" "host:v1 -- web:eth0
host:v2 -- db:eth0
host:v3 -- 3a1b2c3d4e5f:eth0" "names"
	good vethlab ping web db -W 5 -j
	assert_eq "$(first '"\(.from) \(.itinerary.answerer)"')" "web db" "ping"
	good vethlab why web db
	down_at_rest
	ends_of_monitors
}

# Docker's are called as its own files say; without them, as their hosts.
test_case_18_docker_names() {
	local -a monitors=()
	local id
	cp "$(command -v bash)" "$TEST_TMP/containerd-shim-runc-v2"
	good mount -t tmpfs none /var/lib
	id=$(printf '1a1b2c3d4e5f%.0s' 1 2 3 4 5)
	podman_container 1 x containerd-shim-runc-v2
	observe
	assert_eq "$(links)" "host:v1 -- 1a1b2c3d4e5f:eth0" "an id that is none"
	down_at_rest
	ends_of_monitors
	monitors=()
	shim "${id}abcd" shop
	observe
	assert_eq "$(links)" "host:v4 -- shop:eth0" "the name"
	down_at_rest
	ends_of_monitors
	good umount /var/lib
}

shim() { # ID NAME
	mkdir -p "/var/lib/docker/containers/$1"
	echo "{\"ID\": \"$1\", \"Name\": \"/$2\"}" >"/var/lib/docker/containers/$1/config.v2.json"
	"$TEST_TMP/containerd-shim-runc-v2" -c 'unshare --net --uts sh -c "echo 1a1b2c3d4e5f >/proc/sys/kernel/hostname
		exec sleep 1000" & trap "kill %1" TERM; wait' -namespace moby -id "$1" &
	monitors+=($!)
	wait_until child_of $! sleep
	road v4 eth0 "$(pgrep -P "${monitors[0]}")" 10.88.4.1/24 10.88.4.2/24
}

child_of() { # PID COMM
	[[ $(cat "/proc/$(pgrep -P "$1")/comm") == "$2" ]]
}

# ---- K2: bridges and answers -----------------------------------------------------------------------

# A bridge's table has b's MAC at another port: the request goes there.
test_kind_02_forwarding_table() {
	switched
	good vethlab ping a b -W 5
	foretells b "arrives b"
	good bridge -n sw fdb replace "$(mac_of b)" dev p3 master static sticky
	foretells b "not-bridged a"
	why_text "a sends it to the MAC $(mac_of b), which sw does not send to sw:p2: a sticky entry of its FDB has that MAC at p3"
	bad 1 vethlab ping a b -W 0.3 -j
	assert_eq "$(first '.itinerary.hops[-1].end')" c:eth0 "where it went"
	assert_eq "$(jq -rs '.[-1].why | "\(.end) \(.at)"' <<<"$out")" "not-bridged sw" "the cause, though c dropped it: $out"
	# What a sends to is nobody's: where b's own MAC is explains nothing.
	good ip -n a neigh replace 192.168.30.2 lladdr 02:00:00:00:00:99 nud stale dev eth0
	foretells 192.168.30.2 "wrong-mac a"
	good ip -n a neigh del 192.168.30.2 dev eth0
	# By the port that it came by.
	good bridge -n sw fdb replace "$(mac_of b)" dev p1 master static sticky
	foretells b "not-bridged a"
	bad 1 vethlab ping a b -W 0.3 -j
	assert_eq "$(first '.itinerary | .drops[.death] | "\(.node) \(.function | sub("[.].*"; ""))"')" "sw br_handle_frame_finish" "the drop"
	assert_eq "$(first '.why.at')" sw "the cause"
	# An entry of the bridge itself, though by the right port.
	good ip -n a neigh replace 192.168.30.2 lladdr "$(mac_of b)" nud reachable dev eth0
	good bridge -n sw fdb replace "$(mac_of b)" dev p2 master permanent
	foretells 192.168.30.2 "not-bridged a"
	why_text "a sends it to the MAC $(mac_of b), which sw does not send to sw:p2: a permanent FDB entry makes the bridge take that MAC itself"
	bad 1 vethlab ping a 192.168.30.2 -W 0.3
	good vethlab down sw3
}

# A port that does not flood, for a MAC that nobody has been heard by.
test_kind_02_no_flood() {
	switched "sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"
	good ip -n a neigh replace 192.168.30.2 lladdr "$(mac_of b)" dev eth0
	good ip -n b neigh replace 192.168.30.1 lladdr "$(mac_of a)" dev eth0
	good ip -n sw link set p2 type bridge_slave learning off
	good bridge -n sw fdb flush dev br0
	foretells 192.168.30.2 "arrives b"
	good ip -n sw link set p2 type bridge_slave flood off
	foretells 192.168.30.2 "not-bridged a"
	bad 1 vethlab ping a 192.168.30.2 -W 0.3 -j
	assert_eq "$(first '[.itinerary.hops[].node] | unique | join(" ")')" "a c sw" "where it was seen"
	good vethlab down sw3
}

# A node answers ARP for all of its addresses, and solicitations for those of the interface that is asked.
test_kind_02_own_addresses() {
	pair "" 'lo: {addresses: [10.0.0.77/32, "fd00::77/128"]}'
	good ip -n b neigh replace 10.0.0.1 lladdr "$(mac_of a)" dev eth0 # b asks for nobody, which would tell a of b
	good vethlab ping a 10.0.0.77 -W 5
	foretells 10.0.0.77 "arrives b"
	bad 1 vethlab ping a fd00::77 -W 0.3
	foretells fd00::77 "no-neighbor a"
	why_text "b has the address fd00::77, but does not answer neighbor solicitations for it by b:eth0: the address is not of eth0"
	good inside b sysctl -qw net.ipv4.conf.eth0.arp_ignore=1
	good ip -n a neigh flush dev eth0
	bad 1 vethlab ping a 10.0.0.77 -W 0.3
	foretells 10.0.0.77 "no-neighbor a"
	why_text "b has the address 10.0.0.77, but does not answer ARP requests for it by b:eth0: net.ipv4.conf.eth0.arp_ignore is 1"
	good ip -n a neigh flush dev eth0
	good vethlab ping a 10.0.0.2 -W 5
	foretells 10.0.0.2 "arrives b"
	good inside b sysctl -qw net.ipv4.conf.all.arp_ignore=8
	good ip -n a neigh flush dev eth0
	foretells 10.0.0.2 "no-neighbor a"
	bad 1 vethlab ping a 10.0.0.2 -W 0.3
	good vethlab down pair
}

# Two ends of h in one subnet on one bridge: either may answer.
test_kind_02_two_ends() {
	cat >"$TEST_TMP/flux.yaml" <<-'YAML'
		lab: flux
		nodes: {sw: {kind: bridge}, h: {}, a: {}}
		links:
		  - endpoints: ["sw:p1", {end: "h:eth0", address: 10.0.0.2/24}]
		  - endpoints: ["sw:p2", {end: "h:eth1", address: 10.0.0.3/24}]
		  - endpoints: ["sw:p3", {end: "a:eth0", address: 10.0.0.1/24}]
	YAML
	up "$TEST_TMP/flux.yaml"
	foretells 10.0.0.2 "arrives h"
	assert_eq "$(jq -r '.there.hops | "\(.[1].in) \(.[0].next_also)"' <<<"$out")" "h:eth0 h:eth1" "the ends"
	good vethlab why a 10.0.0.2
	says "h may answer for 10.0.0.2 by h:eth0 and by h:eth1: the packet may come in by either"
	good vethlab ping a 10.0.0.2 -W 5 -j
	assert_eq "$(first '[.itinerary.hops[] | select(.node == "h" and .leg == "request").end] - ["h:eth0", "h:eth1"] | length')" 0 "where it came in"
	# What a neighbor table has is no question.
	good ip -n a neigh replace 10.0.0.2 lladdr "$(ip_link h eth1 .address)" dev eth0
	foretells 10.0.0.2 "arrives h"
	assert_eq "$(jq -r '.there.hops | "\(.[1].in) \(.[0].next_also)"' <<<"$out")" "h:eth1 null" "the end"
	good ip -n a neigh del 10.0.0.2 dev eth0
	good inside h sysctl -qw net.ipv4.conf.all.arp_ignore=1
	foretells 10.0.0.2 "arrives h"
	assert_eq "$(jq -r '.there.hops | "\(.[1].in) \(.[0].next_also)"' <<<"$out")" "h:eth0 null" "with arp_ignore"
	good vethlab down flux
}

# The gateway 169.254.1.1 of a pod, for which proxy ARP answers where the host would send it elsewhere.
test_kind_02_link_local_gateway() {
	cat >"$TEST_TMP/gateway.yaml" <<-'YAML'
		lab: gateway
		nodes:
		  a: {routes: [169.254.1.1/32 dev eth0, default via 169.254.1.1 dev eth0]}
		  host: {forward: v4, sysctls: {net.ipv4.conf.cali0.proxy_arp: 1}, routes: [10.65.0.2/32 dev cali0]}
		  tor: {routes: [10.65.0.2/32 via 192.0.2.1]}
		links:
		  - endpoints: [{end: "a:eth0", address: 10.65.0.2/32}, "host:cali0"]
		  - endpoints: [{end: "host:eth0", address: 192.0.2.1/24}, {end: "tor:eth0", address: 192.0.2.254/24}]
	YAML
	good vethlab check "$TEST_TMP/gateway.yaml"
	says_not refuse
	up "$TEST_TMP/gateway.yaml"
	foretells tor "no-neighbor a"
	why_text "nobody behind a:eth0 has the address 169.254.1.1; host:cali0 answers for other addresses (proxy ARP), but only for those that it would send out by another interface"
	bad 1 vethlab ping a tor -W 0.3 -j
	assert_eq "$(first '"\(.itinerary.fate) \(.itinerary.waiting.neighbor) \(.why.end)"')" "waiting 169.254.1.1 no-neighbor" "the story"
	good vethlab route host add default via 192.0.2.254
	foretells tor "arrives tor"
	good ip -n a neigh flush dev eth0
	good vethlab ping a tor -W 10 -j
	assert_eq "$(first '[.itinerary.stack[] | select(.news == "answered")][0] | "\(.node) \(.neighbor)"')" "a 169.254.1.1" "who was waited for"
	good vethlab down gateway
}

# ---- K3, K6: one reason, and what was read beside it ---------------------------------------------

# b has another MAC now, and a's entry the one before: who dropped it, and why it came.
test_kind_06_stale_neighbor() {
	local before
	pair "" ""
	before=$(mac_of b)
	good vethlab ping a 10.0.0.2
	good inside b ip link set eth0 address 02:00:00:00:00:99
	bad 1 vethlab ping a 10.0.0.2 -W 0.3 -j
	assert_eq "$(first '.itinerary | .drops[.death] | "\(.node) \(.reason)"')" "b OTHERHOST" "the drop"
	assert_eq "$(first '"\(.why.end) \(.why.at)"')" "wrong-mac a" "the cause"
	assert_eq "$(first .why.text | grep -c "neighbor 10.0.0.2 dev eth0: $before ")" 1 "the entry"
	bad 1 vethlab ping a 10.0.0.2 -W 0.3
	says "b dropped the request: it is meant for another MAC" "why: a sends it to the MAC that its neighbor table has"
	says_not flooded "no end of the lab"
	good vethlab down pair
}

# A router forwards nothing from a link-local source, whatever its routes are.
test_kind_06_link_local_source() {
	cat >"$TEST_TMP/scope.yaml" <<-'YAML'
		lab: scope
		nodes: {a: {routes: ["::/0 via fd01::1"]}, r: {forward: true}, b: {routes: ["::/0 via fd02::1"]}}
		links:
		  - endpoints: [{end: "a:eth0", address: "fd01::2/64"}, {end: "r:eth0", address: "fd01::1/64"}]
		  - endpoints: [{end: "r:eth1", address: "fd02::1/64"}, {end: "b:eth0", address: "fd02::2/64"}]
	YAML
	up "$TEST_TMP/scope.yaml"
	good vethlab ping a fd02::2 -W 5
	good ip -n a -6 addr del fd01::2/64 dev eth0
	good ip -n a -6 route replace default via fe80::1 dev eth0
	good ip -n r -6 addr add fe80::1/64 dev eth0
	bad 1 vethlab ping a fd02::2 -W 0.5 -j
	assert_eq "$(first '.itinerary | .drops[.death] | "\(.node) \(.text)"')" \
		"r r dropped the request: its source may not be forwarded (link-local, loopback or multicast)" "the drop"
	assert_eq "$(first '"\(.why.end) \(.why.at)"')" "link-local-source r" "the cause"
	foretells fd02::2 "link-local-source r"
	good vethlab down scope
}

# By the interface that it came in by it forwards that, too.
test_kind_06_link_local_source_on_one_link() {
	cat >"$TEST_TMP/scope.yaml" <<-'YAML'
		lab: scope
		nodes: {sw: {kind: bridge}, a: {}, r: {forward: true}, b: {}}
		links:
		  - endpoints: ["sw:p1", "a:eth0"]
		  - endpoints: ["sw:p2", {end: "r:eth0", addresses: ["fd02::1/64", "fe80::1/64"]}]
		  - endpoints: ["sw:p3", {end: "b:eth0", address: "fd02::2/64"}]
	YAML
	up "$TEST_TMP/scope.yaml"
	good ip -n a -6 route add fd02::/64 via fe80::1 dev eth0
	foretells fd02::2 "arrives b"
	good vethlab ping a fd02::2 -W 5
	good vethlab down scope
}

# ---- also ----------------------------------------------------------------------------------------

# The gateway of a redirect, and whether the sender takes it: what was read.
test_kind_also_redirects() {
	detour
	good vethlab ping a 10.9.0.2 -W 5 -j
	assert_eq "$(first '[.itinerary.hops[] | select(.message == "redirect").meaning] | unique[]')" "redirect to the gateway 10.0.0.253" "IPv4"
	assert_eq "$(first .ignored_redirects)" null "it is not refused"
	good inside a sysctl -qw net.ipv4.conf.all.accept_redirects=0
	good vethlab ping a 10.9.0.2 -W 5 -j
	assert_eq "$(first .ignored_redirects)" null "one of both is enough where nothing is forwarded"
	good inside a sysctl -qw net.ipv4.conf.eth0.accept_redirects=0
	good inside a ip route flush cache
	good vethlab ping a 10.9.0.2 -W 5 -j
	assert_eq "$(first '.ignored_redirects[] | "\(.end) \(.why)"')" \
		"a:eth0 net.ipv4.conf.all.accept_redirects is 0, net.ipv4.conf.eth0.accept_redirects is 0" "IPv4, refused"
	good vethlab down detour
}

test_kind_also_redirects_v6() {
	detour
	good vethlab ping a fd09::2 -W 5 -j
	assert_eq "$(first '[.itinerary.hops[] | select(.message == "redirect") | "\(.leg) \(.meaning)"] | unique[]')" \
		"error redirect to the gateway fe80::2" "IPv6"
	assert_eq "$(first '.itinerary.hops[-1].end')" a:eth0 "the answer"
	assert_eq "$(first .ignored_redirects)" null "it is not refused"
	good inside a sysctl -qw net.ipv6.conf.eth0.accept_redirects=0
	good vethlab ping a fd09::2 -W 5
	says "a ignores the redirect: net.ipv6.conf.eth0.accept_redirects is 0"
	good inside a sysctl -qw net.ipv6.conf.eth0.accept_redirects=1 net.ipv6.conf.eth0.forwarding=1
	good vethlab ping a fd09::2 -W 5 -j
	assert_eq "$(first '.ignored_redirects[0].why')" "net.ipv6.conf.eth0.forwarding is 1" "IPv6, refused"
	good vethlab down detour
}

# ---- errors that NAT rewrites --------------------------------------------------------------------

# r makes errors about what it dropped; the kernel gives them the address of the connection, which is that of `other`: as
# made by r they are told, with the time that it took.
test_error_with_the_address_of_another() {
	cat >"$TEST_TMP/n.yaml" <<-END
		lab: n
		nodes:
		  a: {routes: [default via 10.0.1.1]}
		  r:
		    forward: v4
		    nft: |
		      table ip n {
		        chain p { type nat hook prerouting priority dstnat; ip daddr 10.0.3.3 dnat to 10.0.2.2; }
		        chain f { type filter hook forward priority 0; ip daddr 10.0.2.2 reject with icmp type host-prohibited; }
		      }
		  b: {}
		  other: {}
		links:
		  - endpoints: [{end: "a:eth0", address: 10.0.1.2/24}, {end: "r:eth0", address: 10.0.1.1/24}]
		  - endpoints: [{end: "r:eth1", address: 10.0.2.1/24}, {end: "b:eth0", address: 10.0.2.2/24}]
		  - endpoints: [{end: "r:eth2", address: 10.0.3.1/24}, {end: "other:eth0", address: 10.0.3.3/24}]
	END
	up "$TEST_TMP/n.yaml"
	bad 1 vethlab ping a 10.0.3.3 -W 5 -j
	assert_eq "$(first '.itinerary | .fate, (.hops[] | select(.leg == "error" and .hook == "out") | .node, .source, .step)' |
		xargs)" "refused r 10.0.3.3 turn" "the error"
	good vethlab down n
}

run_tests
