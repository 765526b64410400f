#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_apply.sh - plan and apply: what changes, what is left alone, what a failure puts back.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/row.sh
. "$(dirname "$0")/row.sh"

test_nothing_to_change() {
	local before
	row_up
	before=$(kernel_state a b c; cat /run/vethlab/row/state.json)
	nothing_planned
	good vethlab plan --json "$row"
	assert_eq "$(jq -r .schema <<<"$out")" vethlab.plan/1 "schema"
	assert_eq "$(jq '.changes | length' <<<"$out")" 0 "changes"
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <<<"$out")" 1 "a document of the schema"
	good vethlab apply "$row"
	assert_eq "$(kernel_state a b c; cat /run/vethlab/row/state.json)" "$before" "after apply"
	# Other words for the same lab: nothing happens but that they are kept.
	sed -i 's/^lab: row/&\nabout: another sentence/' "$row"
	nothing_planned
	good vethlab apply "$row"
	good vethlab show
	says "another sentence"
	good vethlab down
}

# Echo requests cross a link that is left alone while everything around it changes: none is
# lost, and every counter goes on, exactly.
test_untouched_link_keeps_flow_and_counters() {
	local pid sent got requests
	row_up
	good inside a ping -c 3 -i 0.01 -q 10.0.1.2
	assert_echo b:y in 3 0
	# Background jobs of a script ignore SIGINT, which a program inherits.
	ip netns exec a env --default-signal=INT ping -q -i 0.01 10.0.1.2 >"$TEST_TMP/ping" &
	pid=$!
	wait_until eval "[[ \$(count b:y in icmp4.echo_request) -gt 20 ]]"
	cat >"$row" <<-END
		lab: row
		nodes:
		  d: {routes: [default via 10.0.3.1]}
		  a: {routes: [default via 10.0.1.2]}
		  b: {forward: both, routes: [blackhole 10.99.0.0/16], lo: {address: 10.9.9.9/32}}
		links:
		  - endpoints: [{end: "b:d", address: 10.0.3.1/24}, {end: "d:b", address: 10.0.3.2/24}]
		  - endpoints:
		      - {end: "b:y", address: [10.0.1.2/24, "fd01::2/64"]}
		      - {end: "a:x", address: [10.0.1.1/24, "fd01::1/64"]}
	END
	good vethlab plan --json "$row"
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <<<"$out")" 1 "a document of the schema"
	assert_eq "$(jq '[.changes[] | select(.lossless)] | length' <<<"$out")" 3 "lossless changes"
	planned "- link b:z -- c:w: its flows end" "- node c" "+ node d" "+ link b:d -- d:b: nothing is lost" \
		"+ b:lo address 10.9.9.9/32" "+ b route 10.99.0.0/16 blackhole" "4 to add, 0 to change, 2 to remove"
	says_not a:x b:y
	good vethlab apply "$row"
	remember_objects
	says "4 added, 0 changed, 2 removed"
	nothing_planned
	good inside d ping -c 1 -W 5 -q 10.0.1.1
	requests=$(count b:y in icmp4.echo_request)
	wait_until eval "[[ \$(count b:y in icmp4.echo_request) -gt $((requests + 20)) ]]"
	kill -INT $pid
	wait $pid || fail "ping: $(cat "$TEST_TMP/ping")"
	sent=$(sed -n 's/^\([0-9]*\) packets transmitted.*/\1/p' "$TEST_TMP/ping")
	got=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$TEST_TMP/ping")
	assert_eq "$got" "$sent" "replies"
	# 3 before, and one from d that a answered.
	assert_echo b:y in $((sent + 3)) 1
	assert_echo b:y out 1 $((sent + 3))
	assert_echo b:d in 1 0
	assert_echo d:b in 0 1
	assert_eq "$(ls /run/netns)" "$(printf 'a\nb\nd')" "namespaces"
	good vethlab down
}

test_in_place() {
	local before
	row_up
	good inside a ping -c 2 -i 0.01 -q 10.0.1.2
	before=$(counters_of c:w)
	in_place 's/"a:x", /&mtu: 1400, /' "~ a:x mtu 1500 -> 1400: packets above 1400 bytes"
	assert_eq "$(ip_link a x .mtu)" 1400 "mtu"
	in_place 's/mtu: 1400/mtu: 1200/; s/, "fd01::1\/64"//' "- a:x address fd01::1/64"
	in_place 's/mtu: 1200, //; s/10.0.1.1\/24/&, "fd01::1\/64"/' "+ a:x address fd01::1/64"
	good inside a ping -6 -c 1 -W 5 -q fd01::2
	in_place 's/"b:y", /&mac: "02:00:00:00:00:07", /' "~ b:y mac the kernel's choice -> 02:00:00:00:00:07"
	assert_eq "$(ip_link b y .address)" 02:00:00:00:00:07 "mac"
	in_place 's/"b:y", mac: [^,]*, /"b:y", /' "~ b:y mac 02:00:00:00:00:07 -> the kernel's choice"
	[[ $(ip_link b y .address) != 02:00:00:00:00:07 ]] || fail "the old MAC address stayed"
	in_place 's/"b:y", /&up: false, /' "~ b:y up -> down: its flows stop"
	bad 1 inside a ping -c 1 -W 1 -q 10.0.1.2
	# The kernel took the IPv6 address away with the link.
	in_place 's/"b:y", up: false, /"b:y", /' "~ b:y down -> up"
	good inside a ping -c 1 -W 5 -q 10.0.1.2
	good inside a ping -6 -c 1 -W 5 -q fd01::2
	in_place 's/a: {routes: \[default via 10.0.1.2\]}/a: {routes: [10.0.2.0\/24 via 10.0.1.2]}/' \
		"- a route default via 10.0.1.2: packets to where no other route leads"
	assert_eq "$(ip -n a route show default)" "" "default routes"
	in_place 's/10.0.2.0\/24 via 10.0.1.2\]/blackhole 10.0.2.0\/24]/' \
		"~ a route 10.0.2.0/24 via 10.0.1.2 -> blackhole"
	assert_eq "$(ip -n a route show type blackhole | tr -d ' ')" "blackhole10.0.2.0/24" "blackhole"
	in_place 's/b: {forward: both}/b: {forward: v6, sysctls: {net.ipv4.ip_default_ttl: 9}}/' \
		"- b sysctl net.ipv4.ip_forward: back to what a new namespace has"
	assert_eq "$(inside b sysctl -n net.ipv4.ip_default_ttl)" 9 "ttl"
	in_place 's/, sysctls: .*}}/}/' "- b sysctl net.ipv4.ip_default_ttl"
	assert_eq "$(inside b sysctl -n net.ipv4.ip_default_ttl)" 64 "ttl"
	in_place 's/  c: {/&neighbors: [{address: 10.0.2.77, mac: "02:00:00:00:00:77", dev: w}], /' \
		"+ c:w neighbor 10.0.2.77 02:00:00:00:00:77"
	assert_eq "$(ip -n c neigh show 10.0.2.77)" "10.0.2.77 dev w lladdr 02:00:00:00:00:77 PERMANENT " "neighbor"
	in_place 's/neighbors: .*}\], //' "- c:w neighbor 10.0.2.77"
	assert_eq "$(ip -n c neigh show 10.0.2.77)" "" "neighbor"
	in_place '$ s/$/\n    txqueuelen: 77\n    features: {gro: on}/' "~ c:w gro on"
	assert_eq "$(ip_link c w .txqlen)" 77 "txqueuelen"
	assert_eq "$(counters_of c:w)" "$before" "counters of c:w"
	# Commands are for new nodes: only a note.
	sed -i 's/  c: {/&exec: "touch x", /' "$row"
	good vethlab plan --json "$row"
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <<<"$out")" 1 "a document of the schema"
	planned "  c exec: not run again" "nothing to change"
	good vethlab down
}

# The main address of a subnet takes the others with it: they are put back, and so are the routes.
test_secondary_addresses_and_routes_stay() {
	row_up
	in_place 's/address: 10.0.2.2\/24/address: [10.0.2.2\/24, 10.0.2.3\/24]/' "+ c:w address 10.0.2.3/24"
	in_place 's/\[10.0.2.2\/24, 10.0.2.3\/24\]/[10.0.2.3\/24]/' "- c:w address 10.0.2.2/24: flows from and to it end"
	assert_eq "$(ip -n c -4 -br addr show w | awk '{print $3}')" 10.0.2.3/24 "address"
	good inside c ping -c 1 -W 5 -q 10.0.1.2
	good vethlab down
}

# What cannot be changed in place is built again; its neighbors stay.
test_built_again() {
	local counters
	row_up
	good inside a ping -c 2 -i 0.01 -q 10.0.1.2
	counters=$(counters_of a:x)
	in_place '$ s/$/\n    queues: 2/' "- link b:z -- c:w: its queues change: its flows end"
	good inside c ping -c 1 -W 5 -q 10.0.2.1
	in_place 's/  c: {.*/  c: {kind: bridge, address: 10.0.2.2\/24}/; s/"c:w", address.*}/"c:w"}/' \
		"- node c: it becomes a bridge"
	remember_objects
	good inside c ping -c 1 -W 5 -q 10.0.2.1
	assert_eq "$(counters_of a:x)" "$counters" "counters of a:x"
	good vethlab down
}

# Nodes that come and go move the places of the others in the file, not their bridges.
test_bridges_stay() {
	local ifindex
	row=$TEST_TMP/row.yaml
	cat >"$row" <<-END
		lab: row
		nodes: {a: {}, br: {kind: bridge, address: 10.0.0.254/24}}
		links: [{endpoints: [{end: a, address: 10.0.0.1/24}, br]}]
	END
	up "$row"
	ifindex=$(ip_link br br0 .ifindex)
	in_place 's/{a: {}, /{b: {}, z: {kind: bridge}, &/; s/nodes: {b: {}, z: {kind: bridge}, {a/nodes: {b: {}, z: {kind: bridge}, a/
		s/br\]}\]/br]}, {endpoints: [{end: b, address: 10.0.0.2\/24}, br]}]/' "+ node z"
	remember_objects
	assert_eq "$(ip_link br br0 .ifindex)" "$ifindex" "ifindex of br0"
	good inside b ping -c 1 -W 5 -q 10.0.0.1
	in_place 's/{b: {}, z: {kind: bridge}, a/{b: {}, a/' "- node z"
	in_place 's/address: 10.0.0.254\/24/&, stp: true, ageing: 20/' "~ br:br0 options"
	assert_eq "$(ip_link br br0 .linkinfo.info_data.ageing_time)" 2000 "ageing"
	in_place 's/{b: {}, a: {}/{a: {}/; s/, {endpoints: \[{end: b,.*/]/' "- node b"
	good vethlab show
	good vethlab down
}

fails_and_puts_back() { # STATUS TEXT...
	leaves_as_it_was "$@"
	lab_file "$row"
	nothing_planned
}

test_failure_puts_back() {
	row_up
	good inside c ping -c 2 -i 0.01 -q 10.0.2.1
	# A command of a new node fails, at the very end.
	sed -i 's/^links:/  d: {exec: "false"}\n&/; $ s/$/\n  - endpoints: ["c:v", "d:v"]/; s/default via 10.0.2.1/blackhole 10.1.0.0\/16/' "$row"
	fails_and_puts_back 1 "false"
	# The kernel refuses a route by a broadcast address, after a link was removed and another was made.
	sed -i 's/"c:w"/"c:v"/; s/10.0.2.1\]/10.0.2.255]/' "$row"
	fails_and_puts_back 5 "c: cannot add a route to 0.0.0.0/0"
	good inside c ping -c 1 -W 5 -q 10.0.1.2
	# In the middle of it all: nft refuses.
	sed -i 's/a: {routes: .*}/a: {}/; s/b: {forward: both}/b: {nft: "no such rule"}/; s/"a:x", /&mtu: 1400, up: false, /' "$row"
	fails_and_puts_back 3 "nft"
	good vethlab down
}

# A program that the change was the first to want is loaded for it, and goes again with its pin.
test_failure_unloads_programs() {
	local from to
	row=$TEST_TMP/row.yaml
	for from in native generic; do
		[[ $from == native ]] && to=generic || to=native
		lab_file "$row"
		sed -i "s/^  - endpoints:/  - xdp: $from\n    endpoints:/" "$row"
		up "$row"
		sed -i "0,/xdp: $from/s//xdp: $to/; s/^links:/  d: {exec: \"false\"}\n&/" "$row"
		leaves_as_it_was 1 "false" # pins, too
		good vethlab down
	done
}

# What undoes a change is not interrupted, though it waits for the kernel: an IPv6 address that comes back.
test_interrupted_is_put_back() {
	local pid status=0
	cat >"$TEST_TMP/six.yaml" <<-'YAML'
		lab: six
		nodes: {a: {}, b: {}}
		links:
		  - endpoints: [{end: "a:eth0", address: "2001:db8::1/64"}, {end: "b:eth0", address: "2001:db8::2/64"}]
	YAML
	up "$TEST_TMP/six.yaml"
	sed 's/::2\/64/::3\/64/; s/b: {}/b: {}, c: {exec: "sleep 1000"}/' "$TEST_TMP/six.yaml" >"$TEST_TMP/six2.yaml"
	env --default-signal=INT "$BUILD/vethlab" apply "$TEST_TMP/six2.yaml" >"$TEST_TMP/out" 2>&1 &
	pid=$!
	wait_until runs_in c sleep
	kill -INT "$pid"
	wait "$pid" || status=$?
	out=$(<"$TEST_TMP/out")
	assert_eq "$status" 1 "exit status: $out"
	says "interrupted" "lab six is as it was"
	good vethlab ping a 2001:db8::2 -W 5
	good vethlab plan "$TEST_TMP/six.yaml" --json
	json_holds '.[0].changes == []'
	good vethlab down
}

runs_in() { # NODE PROGRAM
	local pid
	for pid in $(ip netns pids "$1"); do
		[[ $(<"/proc/$pid/comm") != "$2" ]] || return 0
	done
	return 1
}

test_usage() {
	local green
	row_up
	bad 2 vethlab plan
	bad 2 vethlab apply
	bad 3 vethlab plan /no/such.yaml
	green=$TEST_TMP/green.yaml
	sed 's/^lab: row/lab: green/' "$row" >"$green"
	bad 1 vethlab apply "$green"
	says "lab green does not run" "vethlab up"
	bad 1 vethlab apply -l row "$green"
	says "row runs lab row"
	nothing_in /run/vethlab/green || fail "files of green"
	# Programs are loaded when a lab is built.
	good vethlab down
	row_up --hooks none
	sed -i '$ s/$/\n  - endpoints: ["a:n", "c:n"]/' "$row"
	good vethlab apply "$row"
	good vethlab down
}

# Links that come later are watched as the lab is, and proven to be.
test_other_hooks() {
	local how
	for how in "--tc clsact" "--tc clsact --xdp native" "--xdp native" "--hooks in --xdp off" "--hooks none"; do
		# shellcheck disable=SC2086 # options
		row_up $how
		sed -i 's/^links:/  d: {}\n&/; $ s/$/\n  - endpoints: [{end: "c:d", address: 10.0.4.1\/24}, {end: "d:c", address: 10.0.4.2\/24}]/' "$row"
		good vethlab apply "$row"
		remember_objects
		good inside d ping -c 1 -W 5 -q 10.0.4.1
		if [[ $how != "--hooks none" ]]; then
			assert_echo d:c in 0 1
			assert_eq "$(hooks_of c:d)" "$(hooks_of a:x)" "hooks"
		fi
		sed -i '$ d; s/^  d: {}$//' "$row"
		good vethlab apply "$row"
		nothing_planned
		good vethlab down
	done
}

# The XDP program of a mode that no end had is loaded when a link is given that mode, for all its ends, and
# stays for those to come.
test_xdp_of_another_mode() {
	local lab=/sys/fs/bpf/vethlab/row from to before
	for from in generic native; do
		to=native
		[[ $from == generic ]] || to=generic
		row=$TEST_TMP/row.yaml
		lab_file "$row"
		sed -i "s/^  - endpoints:/  - xdp: $from\n    endpoints:/" "$row"
		good vethlab up "$row"
		assert_eq "$(cd $lab && ls -d vl_xdp* | wc -l)" 1 "XDP programs"
		before=$(counters_of c:w)
		sed -i "0,/xdp: $from/s//xdp: $to/" "$row"
		good vethlab apply "$row"
		remember_objects
		nothing_planned
		assert_eq "$(cd $lab && echo vl_xdp*)" "vl_xdp vl_xdp_frags" "XDP programs"
		assert_eq "$(ip_link b y .xdp.mode)$(ip_link b z .xdp.mode)" \
			"$([[ $to == native ]] && echo 12 || echo 21)" "modes (1: native, 2: generic)"
		assert_eq "$(counters_of c:w)" "$before" "counters of c:w"
		good inside a ping -c 3 -i 0.01 -W 5 -q 10.0.1.2
		assert_echo b:y xdp 3 0
		good vethlab down
	done
}

# A copy under another name, with namespaces of its own.
test_as() {
	row_up
	good vethlab up "$row" --as copy
	remember_objects
	sed -i 's/^links:/  d: {}\n&/; $ s/$/\n  - endpoints: ["c:d", "d:c"]/' "$row"
	good vethlab apply -l copy "$row"
	remember_objects
	assert_eq "$(ls /run/netns)" "$(printf '%s\n' a b c copy-a copy-b copy-c copy-d)" "namespaces"
	good vethlab plan -l copy "$row"
	says "nothing to change"
	planned "+ node d"
	good vethlab down copy
	good vethlab down row
}

# More than a lab has room for: said before anything is done.
test_room() {
	local i
	row_up
	for ((i = 0; i < 40; i++)); do
		echo "  - endpoints: [\"a:n$i\", \"c:n$i\"]" >>"$row"
	done
	bad 1 vethlab plan "$row"
	says "room for 68 ends" "vethlab down row"
	lab_file "$row"
	nothing_planned
	good vethlab down
}

# Numbers of ends are given out again only when all were used: then their counters start at 0.
test_numbers_come_round() {
	local i
	row_up
	for ((i = 0; i < 40; i++)); do
		lab_file "$row"
		[[ $((i % 2)) -eq 1 ]] || echo "  - endpoints: [{end: \"a:n$i\", address: 10.5.0.1/24}, {end: \"c:n$i\", address: 10.5.0.2/24}]" >>"$row"
		good vethlab apply "$row"
		if [[ $((i % 2)) -eq 0 ]]; then
			remember_objects
			good inside a ping -c 1 -W 5 -q 10.5.0.2
			assert_echo "c:n$i" in 1 0
			assert_echo "c:n$i" out 0 1
			# Records find their ends by these numbers too.
			[[ $((i % 10)) -ne 0 ]] || good vethlab ping a 10.5.0.2 -W 5
			[[ $((i % 10)) -ne 0 ]] || says "c:n$i  " "c answered in"
		fi
	done
	good vethlab down
}

run_tests
