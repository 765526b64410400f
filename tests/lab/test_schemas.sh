#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_schemas.sh - every document that `-j` prints is as its JSON Schema in docs/schema says.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

SCHEMAS=$TOP/docs/schema

# Run a verb with -j, whatever its exit status; what it prints is kept and must be valid. What it
# has printed more than one document for goes through as well.
valid() { # VERB...
	vethlab "$@" -j >"$TEST_TMP/document" 2>"$TEST_TMP/errors" || true
	out=$(cat "$TEST_TMP/errors")
	[[ -s $TEST_TMP/document ]] || fail "vethlab $*: printed nothing: $out"
	good "$HELPERS/valid" "$SCHEMAS" <"$TEST_TMP/document"
	cat "$TEST_TMP/document" >>"$TEST_TMP/all"
}

# The same while somebody pings FROM the node to an address.
valid_while_pinging() { # FROM ADDRESS VERB...
	local from=$1 to=$2
	shift 2
	inside "$from" ping -q -i 0.2 -W 0.2 -c 8 "$to" >/dev/null 2>&1 &
	valid "$@"
	wait $! || true
}

# Every schema was needed by one of the tags that were printed.
all_seen() {
	local tag name
	for name in "$SCHEMAS"/*.json; do
		tag=vethlab.$(basename "$name" .json)/1
		[[ $tag != vethlab.trace-lost/1 ]] || continue # a buffer must overflow for it
		grep -qF "\"$tag\"" "$TEST_TMP/all" || fail "no verb printed $tag"
	done
	asserted
}

blue_lab() {
	up blue
	valid ls
	valid show
	valid doctor
	valid labs
	valid labs blue
	valid link default:veth0 up
	valid link blue:veth1 address add 10.1.1.9/24
	valid link blue:veth1 address del 10.1.1.9/24
	valid bench default:veth0 --what rtt,rr --runs 2 --time 0.03
	valid ping default 10.1.1.1 -c 2 -i 0
	valid ping blue 10.1.1.3
	valid ping default 10.1.1.1 --tcp 9
	valid ping default 10.1.1.1 --udp 9 -c 2 -i 0
	valid why default 10.1.1.1
	valid why default 10.9.9.9
	valid why default 10.1.1.1 -s 2000
	valid_while_pinging blue 10.1.1.2 trace -c 3
	valid_while_pinging blue 10.1.1.2 trace -i -c 2
	valid_while_pinging blue 10.1.1.2 trace --stack -c 20
	valid_while_pinging blue 10.1.1.2 trace -i --stack -c 2
	"$BUILD/vethlab" record "$TEST_TMP/run.rec" --stack 2>/dev/null &
	wait_until test -e "$TEST_TMP/run.rec"
	good vethlab ping blue 10.1.1.2 -c 8 -i 0 -q
	kill -TERM $!
	wait $!
	valid replay "$TEST_TMP/run.rec" -i
	valid replay "$TEST_TMP/run.rec" --stack # on a busy machine the echoes above may be over too soon
	valid diff "$TEST_TMP/run.rec" "$TEST_TMP/run.rec"
	"$BUILD/vethlab" record "$TEST_TMP/flows.rec" any 2>/dev/null &
	wait_until test -e "$TEST_TMP/flows.rec"
	bad 1 vethlab ping blue 10.1.1.2 --tcp 9 -c 2 -i 0
	bad 1 vethlab ping blue 10.1.1.2 --udp 9 -c 2 -i 0
	kill -TERM $!
	wait $!
	valid flows -r "$TEST_TMP/flows.rec"
	valid flow 1 -r "$TEST_TMP/flows.rec"
	valid flow 3 -r "$TEST_TMP/flows.rec" # UDP
	valid route blue add default via 10.1.1.2
	valid route blue add blackhole 10.9.0.0/16
	valid route blue del default
	valid stats
	valid stats --time
	valid stats --link default:veth0
	valid stats --reset
	sed 's/up: false/mtu: 1400/' "$TOP/topology/labs/blue.yaml" >"$TEST_TMP/blue.yaml"
	valid plan "$TEST_TMP/blue.yaml"
	valid apply "$TEST_TMP/blue.yaml"
	valid down
}

# A router in the middle that drops, and a link that is down.
chain_lab() {
	good vethlab generate chain 3 --name road -o "$TEST_TMP/road.yaml"
	valid check "$TEST_TMP/road.yaml"
	valid up "$TEST_TMP/road.yaml"
	remember_objects
	valid ping n1 n3 -t 1
	valid traceroute n1 n3
	good inside n2 nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }'
	valid ping n1 n3 -4 -W 0.3
	valid stats
	valid_while_pinging n1 10.0.0.6 trace --for 1s
	valid_while_pinging n1 10.0.0.6 trace -i --for 1s
	good vethlab link n3:eth0 down
	valid ping n1 n3 -4 -W 0.3
	valid why n1 n3
	valid traceroute n1 n3 -m 2 -W 0.2
	valid down road
}

# Links that are there before vethlab.
observed_links() {
	ip link add name o1 type veth peer name o2
	valid observe
	remember_objects
	"$BUILD/vethlab" observe --follow -j >"$TEST_TMP/follow" 2>&1 &
	wait_until grep -q vethlab.observe/1 "$TEST_TMP/follow"
	ip link add name p1 type veth peer name p2
	wait_until grep -q vethlab.observe-change/1 "$TEST_TMP/follow"
	kill -TERM $!
	wait $! || fail "observe --follow: $(cat "$TEST_TMP/follow")"
	good "$HELPERS/valid" "$SCHEMAS" <"$TEST_TMP/follow"
	cat "$TEST_TMP/follow" >>"$TEST_TMP/all"
	valid ls
	valid show
	valid down
	ip link del o1
	ip link del p1
}

test_documents() {
	echo 'lab: 1' >"$TEST_TMP/bad.yaml"
	valid check "$TEST_TMP/bad.yaml"
	valid gc
	valid gc --dry-run
	valid up blue --as copy
	valid down copy
	valid bench build ring 4 --runs 2
	valid bench --what rtt,tcp,udp --hooks none,clsact --runs 6 --time 0.03
	cp "$TEST_TMP/document" "$TEST_TMP/earlier.json"
	valid bench --what tcp,rr --runs 2 --time 0.03 --threshold 1000 --compare "$TEST_TMP/earlier.json"
	valid bench --what pps --size 64 --runs 2 --time 0.03 --cpu none
	valid bench --matrix --hooks none --size 64 --runs 1 --time 0.01
	observed_links
	blue_lab
	chain_lab
	valid ls
	all_seen
}

run_tests
