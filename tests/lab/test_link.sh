#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_link.sh - link down tells what the kernel drops with an end, link up restores that and nothing else.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

SCHEMA=$TOP/docs/schema/link.json

# a has two ways to b.
two_ways() {
	cat >"$TEST_TMP/two.yaml" <<-END
		lab: two
		nodes:
		  a:
		    routes: [default via 10.0.1.2, "default via fd01::2"]
		    neighbors: [{address: 10.0.1.2, mac: "02:00:00:00:00:02", dev: x}]
		  b: {forward: both}
		links:
		  - endpoints:
		      - {end: "a:x", address: [10.0.1.1/24, "fd01::1/64"]}
		      - {end: "b:y", address: [10.0.1.2/24, "fd01::2/64"], mac: "02:00:00:00:00:02"}
		  - endpoints: [{end: "a:w", address: 10.0.3.1/24}, {end: "b:z", address: 10.0.3.2/24}]
	END
	up "$TEST_TMP/two.yaml"
}

# What the kernel has in a.
state_of_a() {
	ip -n a route show table all | sort
	ip -n a -6 route show table all | sort
	ip -n a nexthop
	ip -n a addr | awk '/inet/ { print $2, $NF }' # in the kernel's order, in which it chooses sources
	ip -n a neigh show nud permanent
}

# The end of the last command has these parts, as "dropped" or "restored": parts KEY TEXT...
parts() {
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <<<"$out")" 1 "a document of the schema"
	assert_eq "$(jq -r ".end.$1[]" <<<"$out" | sort)" "$(printf '%s\n' "${@:2}" | sort)" "$1"
}

test_down_and_up() {
	local before dropped
	two_ways
	good ip -n a route add 10.9.0.0/16 dev x metric 7
	good ip -n a route add 10.10.0.0/16 via 10.9.0.1 proto bird
	good ip -n a route add 10.11.0.0/16 nexthop via 10.0.1.2 weight 2 nexthop via 10.0.3.2
	good ip -n a route add 10.12.0.0/16 via 10.0.3.2
	good ip -n a addr add fd05::5/64 dev x nodad
	good ip -n a -6 route del default
	before=$(state_of_a)
	dropped=("a:x address fd05::5/64" "a:x address fd01::1/64" "a:x neighbor 10.0.1.2 02:00:00:00:00:02"
		"a route default via 10.0.1.2 dev x" "a route 10.9.0.0/16 metric 7 dev x"
		"a route 10.10.0.0/16 via 10.9.0.1 dev x")
	good vethlab link -j a:x down
	parts dropped "${dropped[@]}"
	# Once more: it is down, and what went is still known.
	good vethlab link a:x down
	says "the kernel dropped with it" "${dropped[@]}" "vethlab link a:x up"
	good vethlab link -j a:x up
	parts restored "${dropped[@]}"
	assert_eq "$(state_of_a)" "$before" "what a has"
	good inside a ping -c 1 -W 5 -q 10.0.1.2
	good vethlab down
}

# Attributes that a lab file has no words for; two routes that differ by them alone.
test_attributes() {
	local before
	two_ways
	good ip -n a addr add 10.0.1.7/24 dev x
	good ip -n a route add 10.60.0.0/16 via 10.0.1.2 src 10.0.1.7 mtu lock 1400 advmss 1000 initcwnd 20 congctl reno
	good ip -n a route add 10.60.0.0/16 tos 0x10 via 10.0.1.2 realm 5
	good ip -n a route add 10.61.0.0/16 via 192.0.2.9 dev x onlink proto bird
	good ip -n a route add 10.63.0.0/16 nexthop via 10.0.1.2 weight 3 nexthop via 192.0.2.8 dev x onlink
	good ip -n a route add 10.64.0.0/16 nexthop via 10.0.1.2 weight 3 nexthop via 192.0.2.8 dev w onlink
	good ip -n a -6 route add fd09::/64 via fd01::2 src fd01::1 pref high mtu 1300
	good ip -n a -6 route add fd0a::/64 via fd01::2 expires 3000
	before=$(state_of_a | sed 's/expires 2[0-9]*sec/expires/; s/expires 3000sec/expires/')
	good vethlab link -j a:x down
	parts dropped "a:x address fd01::1/64" "a:x neighbor 10.0.1.2 02:00:00:00:00:02" \
		"a route default via 10.0.1.2 dev x" "a route default metric 1024 via fd01::2 dev x" \
		"a route 10.60.0.0/16 via 10.0.1.2 dev x mtu lock 1400 advmss 1000 initcwnd 20 congctl reno src 10.0.1.7" \
		"a route 10.60.0.0/16 via 10.0.1.2 dev x tos 0x10 realm 5" \
		"a route 10.61.0.0/16 via 192.0.2.9 dev x onlink" \
		"a route 10.63.0.0/16 via 10.0.1.2 dev x, via 192.0.2.8 dev x onlink" \
		"a route fd09::/64 metric 1024 via fd01::2 dev x src fd01::1 mtu 1300 pref high" \
		"a route fd0a::/64 metric 1024 via fd01::2 dev x expires"
	good vethlab link a:x up
	assert_eq "$(state_of_a | sed 's/expires 2[0-9]*sec/expires/; s/expires 3000sec/expires/')" "$before" "what a has"
	good vethlab down
}

# Policy routing: tables other than main, and types other than unicast.
test_other_tables() {
	local before
	local -a dropped
	two_ways
	good ip -n a rule add from 10.0.1.0/24 lookup 100
	good ip -n a route add default via 10.0.1.2 table 100 proto static
	good ip -n a route add 10.9.0.0/16 dev x table 1000 metric 7
	good ip -n a route add 10.10.0.0/16 via 10.9.0.1 dev x onlink table 1000
	good ip -n a route add blackhole default table 1000
	good ip -n a route add 10.11.0.0/16 table 1000 nexthop via 10.0.1.2 nexthop via 10.0.3.2
	good ip -n a route add multicast 239.0.0.0/8 dev x
	good ip -n a route add broadcast 10.0.1.77 dev x table local
	good ip -n a -6 route add fd09::/64 via fd01::2 table 100
	good ip -n a -6 route add fd0a::/64 dev x table 1000
	good ip -n a -6 route add unreachable default table 1000
	before=$(state_of_a)
	dropped=("a:x address fd01::1/64" "a:x neighbor 10.0.1.2 02:00:00:00:00:02" "a route default via 10.0.1.2 dev x"
		"a route default metric 1024 via fd01::2 dev x"
		"a route default via 10.0.1.2 dev x table 100" "a route 10.9.0.0/16 metric 7 dev x table 1000"
		"a route 10.10.0.0/16 via 10.9.0.1 dev x table 1000 onlink"
		"a route 239.0.0.0/8 dev x multicast" "a route 10.0.1.77/32 dev x broadcast table local"
		"a route fd09::/64 metric 1024 via fd01::2 dev x table 100" "a route fd0a::/64 metric 1024 dev x table 1000")
	good vethlab link -j a:x down
	parts dropped "${dropped[@]}"
	good vethlab link -j a:x up
	parts restored "${dropped[@]}"
	assert_eq "$(state_of_a)" "$before" "what a has"
	# reset looks at the lab file's types of routes in the main table alone: what it leaves of an end that is up
	# is left of one that was down.
	good ip -n a route add 10.12.0.0/16 via 10.0.1.2 proto bird
	before=$(state_of_a)
	good ip -n a route add 10.13.0.0/16 via 10.0.1.2
	good vethlab link a:x down
	good vethlab reset
	assert_eq "$(state_of_a | sort)" "$(sort <<<"$before")" "what a has"
	good vethlab down
}

# Nexthop objects, groups of them, and routes by them: dropped with an end, or with its carrier.
nexthops_of_a() {
	good ip -n a nexthop add id 1 via 10.0.1.2 dev x proto zebra
	good ip -n a nexthop add id 2 via 10.0.3.2 dev w
	good ip -n a nexthop add id 3 via fd01::2 dev x
	good ip -n a nexthop add id 4 blackhole
	good ip -n a nexthop add id 5 via 192.0.2.1 dev x onlink
	good ip -n a nexthop add id 10 group 1,3/2,2
	good ip -n a nexthop add id 11 group 1/2,3 type resilient buckets 8 idle_timer 60
	good ip -n a nexthop add id 12 group 3
	good ip -n a route add 10.50.0.0/16 nhid 1
	good ip -n a route add 10.51.0.0/16 nhid 10
	good ip -n a route add 10.52.0.0/16 nhid 5 table 100
	good ip -n a route add 10.53.0.0/16 nhid 4
	good ip -n a -6 route add fd50::/64 nhid 12
	good ip -n a -6 route add fd51::/64 nexthop via fd01::2 dev x nexthop via fd01::3 dev x
	good ip -n a -6 route add fd52::/64 nhid 3
}

test_nexthop_objects() {
	local before
	local -a own objects
	two_ways
	nexthops_of_a
	before=$(state_of_a)
	objects=("a route 10.50.0.0/16 via 10.0.1.2 dev x nhid 1" "a route 10.52.0.0/16 via 192.0.2.1 dev x table 100 nhid 5 onlink"
		"a route fd50::/64 metric 1024 via fd01::2 dev x nhid 12"
		"a route fd52::/64 metric 1024 via fd01::2 dev x nhid 3" "a nexthop 1 via 10.0.1.2 dev x"
		"a nexthop 3 via fd01::2 dev x" "a nexthop 5 via 192.0.2.1 dev x onlink" "a nexthop 10 group 1,3/2,2"
		"a nexthop 11 group 1/2,3" "a nexthop 12 group 3")
	own=("a:x address fd01::1/64" "a:x neighbor 10.0.1.2 02:00:00:00:00:02" "a route default via 10.0.1.2 dev x"
		"a route default metric 1024 via fd01::2 dev x"
		"a route fd51::/64 metric 1024 via fd01::2 dev x, via fd01::3 dev x")
	good vethlab link -j a:x down
	parts dropped "${own[@]}" "${objects[@]}"
	assert_eq "$(ip -n a nexthop show id 10)" "id 10 group 2,2 " "what is left of a group"
	good vethlab link -j a:x up
	parts restored "${own[@]}" "${objects[@]}"
	assert_eq "$(state_of_a)" "$before" "what a has"
	# Its peer: a:x loses its carrier.
	good vethlab link -j b:y down
	assert_eq "$(jq -r ".peer.dropped[]" <<<"$out" | sort)" "$(printf '%s\n' "${objects[@]}" | sort)" "dropped"
	good vethlab link -j b:y up
	assert_eq "$(jq -r ".peer.restored[]" <<<"$out" | sort)" "$(printf '%s\n' "${objects[@]}" | sort)" "restored"
	assert_eq "$(state_of_a)" "$before" "what a has"
	# Both: the objects wait for the carrier.
	good vethlab link a:x down
	good vethlab link b:y down
	good vethlab link -j a:x up
	parts restored "${own[@]}"
	parts waiting "${objects[@]}"
	good vethlab link -j b:y up
	assert_eq "$(jq -r ".peer.restored | length" <<<"$out")" "${#objects[@]}" "restored"
	assert_eq "$(state_of_a)" "$before" "what a has"
	# Both ways of a group.
	good vethlab link a:x down
	good vethlab link a:w down
	assert_eq "$(ip -n a nexthop)" "id 4 blackhole " "objects"
	good vethlab link a:x up
	good vethlab link a:w up
	assert_eq "$(ip -n a nexthop show id 10)" "id 10 group 2,2/1,3 " "a group"
	assert_eq "$(find /run/vethlab/two -name 'down-*')" "" "records"
	good vethlab down
}

# apply and reset compare neither objects nor the routes by them in other tables.
test_nexthop_objects_of_reset() {
	local before
	two_ways
	nexthops_of_a
	before=$(state_of_a)
	good vethlab link b:y down
	good vethlab link a:x down
	good vethlab reset --keep-foreign
	assert_eq "$(state_of_a | sort)" "$(sort <<<"$before")" "what a has"
	good vethlab link a:x down
	good vethlab reset
	assert_eq "$(ip -n a nexthop)" "$(grep "^id " <<<"$before")" "objects of a"
	assert_eq "$(ip -n a route show table 100)" "$(sed -n 's/ table 100//p' <<<"$before")" "table 100"
	good vethlab down
}

# Something else set it down: what the lab file says comes back.
test_down_by_others() {
	two_ways
	good ip -n a link set x down
	good vethlab link -j a:x up
	parts restored "a:x address fd01::1/64" "a route default via 10.0.1.2 dev x" \
		"a route default metric 1024 via fd01::2 dev x" "a:x neighbor 10.0.1.2 02:00:00:00:00:02"
	good vethlab plan "$TEST_TMP/two.yaml"
	says "nothing to change"
	good vethlab down
}

# What apply or reset has restored is not restored once more.
test_forgotten() {
	two_ways
	good ip -n a route add 10.9.0.0/16 dev x
	good vethlab link a:x down
	good vethlab reset
	good vethlab link -j a:x up
	parts restored
	assert_eq "$(ip -n a route show 10.9.0.0/16)" "" "a route that is not in the file"
	good vethlab link b:z down
	good vethlab down
}

# Where what was added stays, reset and apply restore it with the end.
test_kept() {
	local before
	two_ways
	good ip -n a addr add fd05::5/64 dev x nodad
	good ip -n a route add 10.9.0.0/16 dev x metric 7 mtu 1300
	good ip -n a route add 10.10.0.0/16 via 10.9.0.1
	good ip -n a neigh add 10.0.1.9 lladdr 02:00:00:00:00:09 dev x nud permanent
	before=$(state_of_a)
	good vethlab link a:x down
	good vethlab reset --keep-foreign
	assert_eq "$(state_of_a | sort)" "$(sort <<<"$before")" "what a has"
	assert_eq "$(find /run/vethlab/two -name 'down-*')" "" "records"
	# The file that is applied has one route less: that one was never added by hand.
	good vethlab link a:x down
	sed 's/"default via fd01::2"//' "$TEST_TMP/two.yaml" >"$TEST_TMP/less.yaml"
	good vethlab apply --keep-foreign "$TEST_TMP/less.yaml"
	assert_eq "$(state_of_a | sort)" "$(grep -v "^default via fd01::2" <<<"$before" | sort)" "what a has"
	# What cannot be restored is told, and stays known.
	good vethlab link a:x down
	good ip -n a route add 10.9.0.0/16 dev w metric 9
	good sed -i 's/^added route 10.10.0.0.16 .*/added route 10.10.0.0\/16 0 0 3 192.0.2.1 x 1/' /run/vethlab/two/down-0
	good vethlab apply -j --keep-foreign "$TEST_TMP/less.yaml"
	json_holds '.[0].notes | length == 1' '.[0].notes[0] | contains("vethlab link a:x up")'
	assert_eq "$(grep -c . /run/vethlab/two/down-0)" 1 "lines of the record"
	good vethlab down
	# A command of the file made the route.
	sed -i 's/^  a:/&\n    exec: ["ip route add 10.9.0.0\/16 dev x metric 7"]/' "$TEST_TMP/two.yaml"
	up "$TEST_TMP/two.yaml"
	before=$(state_of_a)
	good vethlab link a:x down
	good vethlab reset
	assert_eq "$(state_of_a | sort)" "$(sort <<<"$before")" "what a has"
	good vethlab down
}

# An end that was deleted.
test_deleted() {
	two_ways
	good ip -n a link del x
	bad 1 vethlab link a:x down
	says "a:x is gone"
	bad 1 vethlab link a:x up
	says "a:x is gone"
	good vethlab down
}

# "It lost nothing" is known too: what the user deleted before stays deleted.
test_empty_record() {
	two_ways
	good vethlab link a:w address del 10.0.3.1/24
	good vethlab link a:w down
	for _ in 1 2; do # the second time, it is up already
		good vethlab link -j a:w up
		parts restored
		assert_eq "$(ip -n a -4 addr show w)" "" "addresses of a:w"
	done
	assert_eq "$(find /run/vethlab/two -name 'down-*')" "" "records"
	# That of an end that others set down is not known, whatever is done then.
	good ip -n b link set z down
	good ip -n b addr del 10.0.3.2/24 dev z
	good vethlab link b:z down
	good vethlab link b:z up
	assert_eq "$(ip -j -n b -4 addr show z | jq -r '.[].addr_info[].local')" 10.0.3.2 "address of b:z"
	good vethlab down
}

test_link_local() {
	two_ways
	good vethlab down
	sed -i 's|"fd01::1/64"|"fd01::1/64", "fe80::77/64"|' "$TEST_TMP/two.yaml"
	up "$TEST_TMP/two.yaml"
	good vethlab link a:x down
	says "a:x address fe80::77/64"
	good vethlab link a:x up
	says "a:x address fe80::77/64"
	good vethlab plan "$TEST_TMP/two.yaml"
	says "nothing to change"
	good vethlab down
}

# apply was killed: the lab that is built in the same directory has other ends of these numbers.
test_left_records() {
	local dir=/run/vethlab/two
	two_ways
	good vethlab link a:x down
	touch $dir/gaps
	mv $dir/state.json $dir/state.old
	up "$TEST_TMP/two.yaml"
	assert_eq "$(find $dir -name 'down-*' -o -name gaps)" "" "records"
	good vethlab down
}

# A route that cannot be restored yet does not keep the others out.
test_refused_route() {
	two_ways
	good ip -n a route add 10.10.0.0/16 via 10.0.3.2
	good ip -n a route add 10.11.0.0/16 nexthop via 10.0.1.2 nexthop via 10.0.3.2
	good ip -n a route add 10.12.0.0/16 via 10.0.3.2
	good vethlab link a:x down
	good vethlab link a:w down
	assert_eq "$(ip -n a route)" "" "routes of a"
	bad 5 vethlab link a:w up
	says "add the route to 10.11.0.0/16"
	assert_eq "$(ip -j -n a route show via 10.0.3.2 | jq -c '[.[].dst] | sort')" \
		'["10.10.0.0/16","10.12.0.0/16"]' "routes by a:w"
	# Nor does it matter to the peer, by which a:w loses its carrier and gets it again.
	good vethlab link b:z down
	good vethlab link b:z up
	assert_eq "$(find /run/vethlab/two -name 'down-*' | wc -l)" 2 "records"
	good vethlab link a:x up
	good vethlab link -j a:w up
	assert_eq "$(jq '.end.restored | length' <<<"$out")" 1 "restored"
	assert_eq "$(ip -j -n a route show 10.11.0.0/16 | jq '.[0].nexthops | length')" 2 "ways"
	good vethlab down
}

# The end was set up by others, and got another route in the place of one that went: the newer one comes back.
test_newer_route() {
	two_ways
	good vethlab link a:x down
	good ip -n a link set x up
	good ip -n a route add default via 10.0.1.3
	good ip -n a route append default via 10.0.1.4
	good vethlab link a:x down
	good vethlab link a:x up
	assert_eq "$(ip -j -n a route show default | jq -r '.[].gateway')" 10.0.1.3 "gateway"
	assert_eq "$(find /run/vethlab/two -name 'down-*')" "" "records"
	good vethlab down
}

# An end that loses nothing, and one of a namespace of others.
test_nothing_dropped() {
	two_ways
	good vethlab link -j b:z down
	parts dropped
	good vethlab link b:z up
	says_not restored
	good vethlab down
	cat >"$TEST_TMP/h.yaml" <<-END
		lab: h
		nodes: {h: {netns: host, routes: [10.99.0.0/16 via 10.0.0.2]}, a: {}}
		links: [{endpoints: [{end: "h:x", address: 10.0.0.1/24}, {end: "a:x", address: 10.0.0.2/24}]}]
	END
	up "$TEST_TMP/h.yaml"
	good vethlab link -j h:x down
	parts dropped "h route 10.99.0.0/16 via 10.0.0.2 dev x"
	good vethlab link h:x up
	assert_eq "$(ip -j route show 10.99.0.0/16 | jq -r '.[0].gateway')" 10.0.0.2 "the route"
	good vethlab down
	assert_eq "$(ip route)" "" "routes of the host"
}

# A file that somebody broke.
test_damaged() {
	two_ways
	good vethlab link a:x down
	echo "route 10.0.0.0/8 77" >>/run/vethlab/two/down-0
	bad 1 vethlab link a:x up
	says "is damaged: route 10.0.0.0/8 77"
	# That of the peer, too; what became of the end itself is told.
	good vethlab link b:y down
	bad 1 vethlab link b:y up
	says "b:y is up" "is damaged: route 10.0.0.0/8 77"
	good vethlab down
}

# A device upon an end may lose routes with it, which nobody records: that is told.
test_device_upon_an_end() {
	two_ways
	ip -n a link add link x name mine type macvlan 2>/dev/null || {
		good vethlab down
		skip_test "this kernel has no macvlan"
	}
	good vethlab link -j a:x down
	json_holds '.[0].end.not_recorded == [{interface: "mine", kind: "macvlan"}]' '.[0].peer | has("not_recorded") | not'
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <<<"$out")" 1 "a document of the schema"
	good vethlab link a:x up
	good vethlab link a:x down
	says "mine (macvlan) stands upon it: what that loses with it is not recorded, and \`vethlab link a:x up\` does not restore it"
	good vethlab link a:x up
	good ip -n a link del mine
	good vethlab link -j a:x down
	json_holds '.[0].end | has("not_recorded") | not'
	good vethlab down
}

run_tests
