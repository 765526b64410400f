#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_reset.sh - reset: a lab or a node is as its file says again, whatever was changed by hand.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

SCHEMA=$TOP/docs/schema/plan.json

# Everything that a student may break by hand is back, and nothing else is touched.
reset_file() {
	cat >"$row" <<-END
		lab: row
		nodes:
		  a:
		    routes: [default via 10.0.1.2, "default via fd01::2"]
		    neighbors: [{address: 10.0.1.2, mac: "02:00:00:00:00:02", dev: x}]
		  b: {forward: both, sysctls: {net.ipv4.conf.all.rp_filter: 2, net.ipv4.tcp_rmem: "4096 131072 6291456"}}
		  c: {routes: [default via 10.0.2.1]}
		links:
		  - endpoints:
		      - {end: "a:x", address: [10.0.1.1/24, "fd01::1/64"]}
		      - {end: "b:y", address: [10.0.1.2/24, "fd01::2/64"], mac: "02:00:00:00:00:02"}
		  - endpoints:
		      - {end: "b:z", address: 10.0.2.1/24}
		      - {end: "c:w", address: 10.0.2.2/24}
	END
}

reset_says() { # JQ OF A SORTED ARRAY OF TEXTS, WORD...
	good vethlab reset -j "${@:2}"
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <<<"$out")" 1 "a document of the schema"
	json_holds "(.[0].changes | map(.sign + \" \" + .change) | sort) == ([$1] | sort)"
}

test_reset() {
	local before counters broken
	row=$TEST_TMP/row.yaml
	reset_file
	up "$row"
	good inside a ping -c 3 -i 0.01 -W 5 -q 10.0.2.2
	before=$(kernel_state a b c) counters=$(counters_of a:x)$(counters_of b:z)
	reset_says ""
	good vethlab link a:x down
	good ip netns exec a sysctl -qw net.ipv6.conf.all.forwarding=1
	good ip netns exec b sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=1 net.ipv4.tcp_rmem="4096 87380 6291456"
	good ip -n b neigh replace 10.0.2.9 lladdr 02:00:00:00:00:09 dev z nud permanent
	good ip -n b route add 10.8.0.0/16 via 10.0.2.2
	good ip -n c addr del 10.0.2.2/24 dev w
	broken=$(kernel_state a b c)
	good vethlab reset -n row
	says "lab row: 7 to add, 3 to change, 3 to remove"
	assert_eq "$(kernel_state a b c)" "$broken" "a dry run changes nothing"
	reset_says '"- b route 10.8.0.0/16 via 10.0.2.2 dev z", "- b:z neighbor 10.0.2.9 02:00:00:00:00:09",
		"~ b sysctl net.ipv4.conf.all.rp_filter 1 -> 2",
		"~ b sysctl net.ipv4.tcp_rmem 4096 87380 6291456 -> 4096 131072 6291456",
		"+ b sysctl net.ipv4.ip_forward 1"' row b
	reset_says '"+ c:w address 10.0.2.2/24", "+ c route default via 10.0.2.1"' -l row c
	reset_says '"- a sysctl net.ipv6.conf.all.forwarding", "~ a:x down -> up", "+ a:x address fd01::1/64",
		"+ a:x neighbor 10.0.1.2 02:00:00:00:00:02", "+ a route default via 10.0.1.2",
		"+ a route default via fd01::2"' a
	assert_eq "$(kernel_state a b c)" "$before" "what the kernel has"
	assert_eq "$(counters_of a:x)$(counters_of b:z)" "$counters" "counters"
	good vethlab reset
	says "lab row: nothing to change"
	good inside a ping -c 1 -W 5 -q 10.0.2.2
	good vethlab down
}

# What is left of what was added, and a neighbor whose MAC address was changed.
test_reset_keep_foreign() {
	row=$TEST_TMP/row.yaml
	reset_file
	up "$row"
	good ip -n b neigh replace 10.0.2.9 lladdr 02:00:00:00:00:09 dev z nud permanent
	good ip -n c addr add 10.0.2.77/24 dev w
	good ip -n a neigh replace 10.0.1.2 lladdr 02:00:00:00:00:77 dev x nud permanent
	good ip -n c link add theirs type bridge
	good ip -n c link set theirs up
	good ip -n c route add 10.7.0.0/16 dev theirs
	reset_says '"~ a:x neighbor 10.0.1.2 02:00:00:00:00:77 -> 02:00:00:00:00:02"' --keep-foreign
	reset_says '"- b:z neighbor 10.0.2.9 02:00:00:00:00:09", "- c:w address 10.0.2.77/24"'
	assert_eq "$(ip -n c route show 10.7.0.0/16 | wc -l)" 1 "a route over an interface of others"
	good vethlab down
}

# Routes of the file that have more than the file says, and others beside them.
test_reset_attributes() {
	local before
	row=$TEST_TMP/row.yaml
	reset_file
	up "$row"
	before=$(kernel_state a)
	good ip -n a addr add 10.0.1.7/24 dev x
	good ip -n a route replace default via 10.0.1.2 src 10.0.1.7
	good ip -n a -6 route replace default via fd01::2 metric 1024 mtu 1300
	good ip -n a route add default tos 0x10 via 10.0.1.2
	reset_says '"~ a route default via 10.0.1.2 dev x src 10.0.1.7 -> via 10.0.1.2",
		"~ a route default via fd01::2 dev x mtu 1300 -> via fd01::2",
		"- a route default via 10.0.1.2 dev x tos 0x10", "- a:x address 10.0.1.7/24"' row a
	assert_eq "$(kernel_state a)" "$before" "what a has"
	# What a command of the file adds to a route is as the file says.
	good vethlab down
	sed -i 's/^  a:/&\n    exec: ["ip route replace default via 10.0.1.2 mtu 1300"]/' "$row"
	up "$row"
	reset_says ""
	good vethlab down
}

# A failed apply gives the routes back that it had removed.
test_undone_attributes() {
	local before
	row=$TEST_TMP/row.yaml
	reset_file
	up "$row"
	good ip -n a route replace default via 10.0.1.2 mtu 1300
	good ip -n a route add 10.9.0.0/16 tos 0x10 via 10.0.1.2 advmss 1000
	before=$(kernel_state a)
	sed 's/routes: \[default via 10.0.1.2,/exec: ["false"]\n    routes: [default via 10.0.1.2,/; s/a:x", address: \[/&10.0.9.1\/24, /' "$row" >"$TEST_TMP/more.yaml"
	sed -i 's/^  c:/  d: {exec: ["false"]}\n&/; /exec: ..false..$/d' "$TEST_TMP/more.yaml"
	bad 1 vethlab apply "$TEST_TMP/more.yaml"
	says "lab row is as it was"
	assert_eq "$(kernel_state a)" "$before" "what a has"
	good vethlab down
}

# In a namespace of others, the lab's routes come back, and one of theirs in such a place stays.
test_reset_foreign() {
	ip netns add theirs
	good ip -n theirs link set lo up
	cat >"$TEST_TMP/row.yaml" <<-END
		lab: row
		nodes:
		  a: {netns: /run/netns/theirs, routes: [10.8.0.0/16 via 10.0.1.2, 10.9.0.0/16 via 10.0.1.2]}
		  b: {}
		links: [{endpoints: [{end: "a:x", address: 10.0.1.1/24}, {end: "b:y", address: 10.0.1.2/24}]}]
	END
	up "$TEST_TMP/row.yaml"
	good ip -n theirs route add 10.7.0.0/16 via 10.0.1.2
	good ip -n theirs route del 10.8.0.0/16
	good ip -n theirs route del 10.9.0.0/16
	good ip -n theirs route add 10.9.0.0/16 dev lo
	reset_says '"+ a route 10.8.0.0/16 via 10.0.1.2"'
	assert_eq "$(ip -n theirs route | grep -v kernel | sed 's/ *$//')" "10.7.0.0/16 via 10.0.1.2 dev x
10.8.0.0/16 via 10.0.1.2 dev x proto 118
10.9.0.0/16 dev lo scope link" "their routes and ours"
	reset_says ""
	good vethlab down
	assert_eq "$(ip -n theirs route | wc -l)" 1 "their route that needs no link of ours"
	ip netns del theirs
}

# A namespace that is gone cannot be compared: that is told, beside the ends that went with it.
test_reset_gone() {
	row=$TEST_TMP/row.yaml
	reset_file
	up "$row"
	good ip netns del c
	wait_until gone_from b z
	good vethlab reset
	says "c: its network namespace is gone"
	reset_says ""
	json_holds '.[0].gone == ["c", "b:z"]'
	good vethlab down
}

gone_from() { # NODE INTERFACE
	! ip -n "$1" link show "$2" >/dev/null 2>&1
}

# An end that was deleted is told, and does not keep the rest from being mended.
test_reset_deleted() {
	row=$TEST_TMP/row.yaml
	reset_file
	up "$row"
	good ip -n a link del x
	good ip netns exec b sysctl -qw net.ipv4.ip_forward=0
	reset_says '"+ b sysctl net.ipv4.ip_forward 1"'
	json_holds '.[0].gone == ["a:x", "b:y"]'
	good vethlab apply "$row"
	says "a:x is gone" "nothing to change"
	good vethlab down
}

# Who runs no lab, or one of others.
test_reset_usage() {
	bad 1 vethlab reset
	row=$TEST_TMP/row.yaml
	reset_file
	up "$row"
	bad 1 vethlab reset row nosuch
	bad 1 vethlab reset nosuch
	says "lab nosuch does not run"
	bad 2 vethlab reset row a b
	bad 2 vethlab reset -l row row a
	good vethlab down
	ip netns add p
	ip netns add q
	ip link add v1 netns p type veth peer name v2 netns q
	good vethlab observe --all --name seen
	bad 1 vethlab reset seen
	says "did not build its links"
	good vethlab down
	ip netns del p
	ip netns del q
}

run_tests
