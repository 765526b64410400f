#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_apply_by_hand.sh - plan and apply where something was changed by hand, or is of others.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/row.sh
. "$(dirname "$0")/row.sh"

# An end was set down by hand, and its routes with it: a failure leaves it so, and apply sets it up again.
test_end_down_by_hand() {
	row_up
	good vethlab link c:w down
	assert_eq "$(ip -n c route)" "" "routes of c"
	cp "$row" "$TEST_TMP/good.yaml"
	sed -i 's/  a: {/&nft: "this is no rule", /; s/"c:w", address: 10.0.2.2\/24/"c:w", address: [10.0.2.2\/24, 10.0.2.3\/24]/' "$row"
	leaves_as_it_was 3 "nft"
	assert_eq "$(ip -n c route)" "" "routes of c after a failure"
	cp "$TEST_TMP/good.yaml" "$row"
	in_place 's/"c:w", address: 10.0.2.2\/24/"c:w", address: [10.0.2.2\/24, 10.0.2.3\/24]/' "~ c:w down -> up"
	good inside a ping -c 1 -W 5 -q 10.0.2.3
	in_place 's/"a:x", /&mtu: 1400, /' "~ a:x mtu"
	good vethlab down
}

# Nodes whose routes the kernel shows otherwise than they are written.
written_file() {
	cat >"$row" <<-END
		lab: row
		nodes:
		  a:
		    lo: {address: [10.9.9.9/32, "fd09::9/128"]}
		    routes: [default via 10.0.1.2, "default via fd01::2", blackhole fd99::/64, unreachable 10.98.0.0/16,
		      10.97.0.0/16 dev x, "fd97::/64 dev x metric 1024", 10.96.0.0/16 via 10.0.1.2 metric 5,
		      {to: 10.95.0.0/16, nexthops: [{via: 10.0.1.2, weight: 3}, {via: 10.0.3.2}]},
		      {to: "fd95::/64", nexthops: [{via: "fd01::2"}, {via: "fd03::2"}]}]
		  b: {forward: both}
		  e: {exec: [ip route add blackhole 10.94.0.0/16, ip addr add 10.94.0.1/32 dev lo, ip link set lo mtu 9000]}
		  s: {kind: bridge, address: 10.0.4.1/24}
		links:
		  - endpoints:
		      - {end: "a:x", address: [10.0.1.1/24, "fd01::1/64", "fe80::77/64"]}
		      - {end: "b:y", address: [10.0.1.2/24, "fd01::2/64"]}
		    mtu: 1400
		  - endpoints:
		      - {end: "a:w", address: [10.0.3.1/24, "fd03::1/64"]}
		      - {end: "b:z", address: [10.0.3.2/24, "fd03::2/64"]}
		  - endpoints: ["s:p", {end: "b:p", up: false}]
	END
}

# Of what the kernel has, that which a lab file says.
# Without "linkdown", which the kernel says later.
what_a_file_says() { # NODE...
	local node
	for node; do
		ip -n "$node" -j addr | jq -c '.[] | [.ifname, .mtu, (.flags | index("UP") != null),
			([.addr_info[] | select(.scope == "global") | .local] | sort)]'
		ip -n "$node" route | sed 's/ linkdown//'
		ip -n "$node" -6 route | grep -v ^fe80 | sed 's/ linkdown//' | sort
	done
}

changes_are() { # JQ OF A SORTED ARRAY OF TEXTS
	good vethlab plan -j "$row"
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <<<"$out")" 1 "a document of the schema"
	json_holds "(.[0].changes | map(.sign + \" \" + .change) | sort) == ([$1] | sort)" ".[0].kernel"
}

# What was changed by hand is told, and is as in the file afterwards.
test_changed_by_hand() {
	local before
	row=$TEST_TMP/row.yaml
	written_file
	up "$row"
	changes_are ""
	before=$(what_a_file_says a b s)
	good vethlab link a:w down
	changes_are '"~ a:w down -> up", "+ a:w address fd03::1/64"'
	good vethlab apply "$row"
	changes_are ""
	good ip -n a route del 10.96.0.0/16
	good ip -n a -6 route del blackhole fd99::/64
	good ip -n a route replace default via 10.0.3.2
	good ip -n b link set y mtu 1300
	good ip -n a addr del 10.9.9.9/32 dev lo
	good ip -n s addr del 10.0.4.1/24 dev br0
	good ip -n b link set p up
	changes_are '"+ a route 10.96.0.0/16 metric 5 via 10.0.1.2", "+ a route fd99::/64 blackhole",
		"~ a route default via 10.0.3.2 dev w -> via 10.0.1.2", "~ b:y mtu 1300 -> 1400", "~ b:p up -> down",
		"+ a:lo address 10.9.9.9/32", "+ s:br0 address 10.0.4.1/24"'
	good vethlab apply "$row"
	changes_are ""
	# More than the file says: left alone where that is asked for, with what is missing mended.
	good ip -n a addr add 10.0.1.99/24 dev x
	good ip -n b addr add 10.5.5.5/32 dev lo
	good ip -n b route add 10.93.0.0/16 via 10.0.1.1
	good ip -n b route add 10.92.0.0/16 via 10.0.1.1 proto bird
	good ip -n a route del 10.97.0.0/16
	good vethlab apply --keep-foreign "$row"
	assert_eq "$(ip -n a route show 10.97.0.0/16 | wc -l)" 1 "the missing route"
	changes_are '"- a:x address 10.0.1.99/24", "- b:lo address 10.5.5.5/32", "- b route 10.93.0.0/16 via 10.0.1.1 dev y"'
	good vethlab plan -j --keep-foreign "$row"
	json_holds '.[0].changes == []'
	good vethlab apply "$row"
	changes_are ""
	assert_eq "$(ip -n b route show proto bird | wc -l)" 1 "the route of a daemon"
	good ip -n b route del 10.92.0.0/16 proto bird
	assert_eq "$(what_a_file_says a b s)" "$before" "what the kernel has"
	good vethlab down
}

# In a namespace of others only what the lab has there is compared.
test_changed_by_hand_of_others() {
	row=$TEST_TMP/row.yaml
	cat >"$row" <<-END
		lab: row
		nodes: {h: {netns: host, routes: [10.99.0.0/16 via 10.0.0.2]}, a: {}}
		links: [{endpoints: [{end: "h:x", address: 10.0.0.1/24}, {end: "a:x", address: 10.0.0.2/24}]}]
	END
	up "$row"
	ip addr add 10.0.9.9/24 dev x
	ip addr add 10.66.0.1/32 dev lo
	ip route add blackhole 10.67.0.0/16
	changes_are ""
	ip addr del 10.0.0.1/24 dev x
	ip link set x down
	changes_are '"~ h:x down -> up", "+ h:x address 10.0.0.1/24", "+ h route 10.99.0.0/16 via 10.0.0.2"'
	good vethlab apply "$row"
	changes_are ""
	good inside a ping -c 1 -W 5 -q 10.0.0.1
	assert_eq "$(ip -j addr show dev lo | jq '[.[].addr_info[] | select(.local == "10.66.0.1")] | length')" 1 "theirs"
	assert_eq "$(ip -j addr show dev x | jq '[.[].addr_info[] | select(.local == "10.0.9.9")] | length')" 1 "theirs"
	# What `vethlab link` took with it stays theirs.
	good ip addr add fd00:9::1/64 dev x nodad
	good vethlab link h:x down
	good vethlab apply "$row"
	assert_eq "$(ip -j addr show dev x | jq '[.[].addr_info[] | select(.local == "fd00:9::1")] | length')" 1 "theirs, again"
	ip route del blackhole 10.67.0.0/16
	ip addr del 10.66.0.1/32 dev lo
	good vethlab down
}

# Names that others have, in a namespace that is not ours: seen before anything is done.
test_foreign_interface() {
	local before
	row=$TEST_TMP/row.yaml
	good ip netns add theirs
	good ip -n theirs link add y type veth peer name yy
	cat >"$row" <<-END
		lab: row
		nodes: {a: {}, t: {netns: /run/netns/theirs, forward: v4}}
		links: [{endpoints: [{end: "a:x", address: 10.0.0.1/24}, {end: "t:x", address: 10.0.0.2/24}]}]
	END
	up "$row"
	before=$(kernel_state a theirs)
	sed -i 's/links: \[/&{endpoints: ["a:y", "t:y"]}, /' "$row"
	bad 1 vethlab apply "$row"
	says "t:y: an interface y exists"
	assert_eq "$(kernel_state a theirs)" "$before" "after the refusal"
	# The node leaves the lab: what we had in it goes, what is theirs stays.
	cat >"$row" <<-END
		lab: row
		nodes: {a: {}}
	END
	good vethlab apply "$row"
	assert_eq "$(ip -n theirs -j link | jq -r '[.[].ifname] | join(" ")')" "lo yy y" "their interfaces"
	assert_eq "$(inside theirs sysctl -n net.ipv4.ip_forward)" 0 "their forwarding"
	good vethlab down
	good ip netns del theirs
}

# Without a file: addresses and routes. The file does not know them.
test_address_and_route_by_hand() {
	row_up
	good vethlab link c:w address add 10.0.2.9/24
	says "c:w now has 10.0.2.9/24"
	good inside b ping -c 1 -W 5 -q 10.0.2.9
	bad 1 vethlab link c:w address add 10.0.2.9/24
	says "c:w has 10.0.2.9/24 already"
	planned "- c:w address 10.0.2.9/24" "0 to add, 0 to change, 1 to remove"
	good vethlab plan --keep-foreign "$row"
	says "nothing to change"
	good vethlab link --json c:w address del 10.0.2.9/24
	assert_eq "$(jq -r .end.deleted <<<"$out")" 10.0.2.9/24 "deleted"
	bad 1 vethlab link c:w address del 10.0.2.9/24
	says "c:w does not have 10.0.2.9/24"
	bad 2 vethlab link c:w address add 10.0.2.9
	bad 2 vethlab link c:w address put 10.0.2.9/24
	good vethlab link a:x address add fd01::9/64
	good inside b ping -6 -c 1 -W 5 -q fd01::9
	good vethlab route a add 10.7.0.0/16 via 10.0.1.2 metric 7
	assert_eq "$(ip -n a route show 10.7.0.0/16)" "10.7.0.0/16 via 10.0.1.2 dev x metric 7 " "route"
	good vethlab route a del 10.7.0.0/16
	assert_eq "$(ip -n a route show 10.7.0.0/16)" "" "route"
	good vethlab route a add prohibit 10.8.0.0/16
	bad 2 inside a ping -c 1 -W 1 -q 10.8.0.1
	good vethlab route a del prohibit 10.8.0.0/16
	good vethlab route a add fd07::/64 dev x
	good vethlab route a add default via fd01::2
	assert_eq "$(ip -n a -6 route show default | awk '{print $3}')" fd01::2 "IPv6 default route"
	good vethlab route a del default via fd01::2
	good vethlab route --json a del default
	assert_eq "$(jq -r .deleted <<<"$out")" 0.0.0.0/0 "deleted"
	bad 1 vethlab route a del 10.0.1.0/24
	says "goes with the address"
	bad 2 vethlab route a add 10.7.0.0/16
	bad 2 vethlab route a add 10.7.0.0/16 via
	bad 1 vethlab route a add 10.7.0.0/16 dev nosuch
	says "no interface 'nosuch'"
	bad 2 vethlab route a add 10.7.0.0/16 metric x dev x
	bad 1 vethlab route nosuch add default via 10.0.1.2
	good vethlab down
}

# Routes in a namespace that is not ours go with the lab; those of others stay, equal ones too.
test_routes_of_others_stay() {
	row=$TEST_TMP/row.yaml
	cat >"$row" <<-END
		lab: row
		nodes:
		  h: {netns: host, routes: [blackhole 10.98.0.0/16]}
		  a: {}
		links: [{endpoints: [{end: "h:x", address: 10.0.0.1/24}, {end: "a:x", address: 10.0.0.2/24}]}]
	END
	good ip route add blackhole 10.97.0.0/16
	up "$row"
	good vethlab route h add unreachable 10.96.0.0/16
	bad 1 vethlab route h add blackhole 10.97.0.0/16
	bad 1 vethlab route h del blackhole 10.97.0.0/16
	says "h has no such route to 10.97.0.0/16 of the lab's"
	good vethlab route h add blackhole fd97::/64
	in_place 's/blackhole 10.98.0.0\/16/prohibit 10.95.0.0\/16/' "- h route 10.98.0.0/16 blackhole"
	assert_eq "$(ip route show type prohibit | awk '{print $2}')" 10.95.0.0/16 "routes"
	good vethlab down
	assert_eq "$(ip route | tr -d '\n')" "blackhole 10.97.0.0/16 " "routes after down"
	assert_eq "$(ip -6 route show type blackhole)" "" "IPv6 routes after down"
	# The same while it stands in the way: what was there before stays when `up` fails.
	sed -i 's/prohibit 10.95/blackhole 10.97/' "$row"
	bad 5 vethlab up "$row"
	assert_eq "$(ip route | tr -d '\n')" "blackhole 10.97.0.0/16 " "routes after a failed up"
	good ip route del blackhole 10.97.0.0/16
}

run_tests
