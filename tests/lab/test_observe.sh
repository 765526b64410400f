#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_observe.sh - links that vethlab did not build: found, watched, followed, and left as they were.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/observed.sh
. "$(dirname "$0")/observed.sh"

# All that can be told of interfaces, queueing disciplines, filters and programs in one namespace.
portrait() {
	local dev
	ip -d link
	ip address | sed -E 's/valid_lft .*//'
	ip route
	while read -r dev; do
		tc qdisc show dev "$dev"
		tc filter show dev "$dev" ingress
		tc filter show dev "$dev" egress
	done < <(ip -o link | sed -E 's/^[0-9]+: ([^@:]*).*/\1/')
	bpftool net show
	grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/ip_forward \
		/proc/sys/net/ipv6/conf/*/{forwarding,disable_ipv6,accept_ra} || true
}

# Of this namespace and some others; the second one after `down`, to compare.
pictures=0
picture() { # NAMESPACE...
	local ns
	pictures=$((pictures + 1))
	portrait >"$TEST_TMP/picture.$pictures"
	for ns; do
		ip netns exec "$ns" bash -c "$(declare -f portrait); portrait" >>"$TEST_TMP/picture.$pictures"
	done
}

same_pictures() {
	asserted
	grep -q BROADCAST "$TEST_TMP/picture.1" || fail "there is nothing on the picture"
	diff "$TEST_TMP/picture.1" "$TEST_TMP/picture.2" >"$TEST_TMP/diff" ||
		fail "it is not as it was: $(cat "$TEST_TMP/diff")"
}

# IPv6 of a new link is not settled at once: addresses without "tentative".
settled() { # NAMESPACE...
	local ns
	! ip -6 address show | grep -q tentative || return 1
	for ns; do
		! ip -n "$ns" -6 address show | grep -q tentative || return 1
	done
}

test_named_namespaces() {
	ip netns add web
	ip netns add db
	road v-web eth0 web 10.0.1.254/24 10.0.1.1/24
	ip -n web link add x index 50 type veth peer name y index 50 netns db
	for end in web:x:10.0.2.1 db:y:10.0.2.2; do
		IFS=: read -r ns dev address <<<"$end"
		ip -n "$ns" addr add "$address/24" dev "$dev"
		ip -n "$ns" link set "$dev" up
	done
	wait_until settled web db
	picture web db

	# Only what has an end here, until all is asked for.
	observe
	says "1 link of others" "host:v-web -- web:eth0" "vethlab down observed"
	says_not "web:x"
	observe --all
	says "2 links of others" "web:x"
	good vethlab ls
	says "observed  observed" "(links of others)"
	good vethlab show
	says "links of others" "out and in by" "xdp off" "web:x" "db:y" "10.0.2.2/24"
	good vethlab observe --all
	says "2 links of others"

	# Exact, although web:x and db:y have one ifindex.
	good inside web ping -c 100 -i 0.002 -q 10.0.2.2
	good ping -c 40 -i 0.002 -q 10.0.1.1
	for end in web:x db:y; do
		assert_eq "$(ip_link "${end%:*}" "${end#*:}" .ifindex)" 50 "ifindex of $end"
	done
	assert_echo web:x out 100 0
	assert_echo db:y in 100 0
	assert_echo db:y out 0 100
	assert_echo web:x in 0 100
	assert_echo host:v-web out 40 0
	assert_echo web:eth0 in 40 0
	good vethlab stats --time
	says "web:x -> db:y"
	good vethlab ping web 10.0.2.2
	says "crossed the link" "db answered"
	good vethlab ping host web
	says "(web:eth0)" "1 answered"
	good vethlab traceroute web 10.0.2.2
	says "db:y"
	good vethlab why web 10.0.2.2
	says arrives
	good vethlab graph --live
	says "web:"
	good vethlab exec db ip link show y
	vethlab trace -c 6 >"$TEST_TMP/trace" 2>&1 &
	while kill -0 $! 2>/dev/null; do inside db ping -c 1 -q 10.0.2.1 >/dev/null; done
	out=$(cat "$TEST_TMP/trace")
	says db:y web:x
	vethlab capture web:x -w "$TEST_TMP/x.pcapng" -c 4 >/dev/null 2>&1 &
	while kill -0 $! 2>/dev/null; do inside db ping -c 1 -q 10.0.2.1 >/dev/null; done
	[[ -s $TEST_TMP/x.pcapng ]] || fail "nothing captured"

	bad 1 vethlab apply "$TOP/topology/labs/blue.yaml" -l observed
	says "observed" "does not change"
	bad 1 vethlab up blue --as observed
	says "is observed" "nothing was changed"
	down_at_rest
	says "observed is down"
	picture web db
	same_pictures
	ip netns del web
	ip netns del db
	wait_until only_lo
}

# As Docker has it: containers without names, joined by a bridge of the host.
test_containers_and_bridge() {
	local a b
	hold
	a=$held
	hold
	b=$held
	road va eth0 "$a" "" 172.17.0.2/16
	road vb eth0 "$b" "" 172.17.0.3/16
	ip link add docker0 type bridge
	ip addr add 172.17.0.1/16 dev docker0
	ip link set docker0 up
	ip link set va master docker0
	ip link set vb master docker0
	observe
	says "2 links of others" "host:va -- sleep-$a:eth0" "host:vb -- sleep-$b:eth0"
	good nsenter --net="/proc/$a/ns/net" ping -c 100 -i 0.002 -q 172.17.0.3
	assert_echo "sleep-$a:eth0" out 100 0
	assert_echo host:va in 100 0
	assert_echo host:vb out 100 0
	assert_echo "sleep-$b:eth0" in 100 0
	assert_echo "sleep-$a:eth0" in 0 100
	good vethlab ping "sleep-$a" "sleep-$b"
	says "$(text_passed_on host)" "sleep-$b answered"
	good vethlab why "sleep-$a" "sleep-$b"
	says arrives
	good vethlab why "sleep-$a" 172.17.0.1
	says "host" arrives
	good vethlab ping host "sleep-$a"
	says "1 answered"
	# A container that has no name and no process for us any more: said, not dropped silently.
	down_at_rest
	observe --pid "$b" --name one
	says "1 link of others" "sleep-$b:eth0"
	down_at_rest one
	kill "$a" "$b"
	wait "$a" "$b" 2>/dev/null || true
	wait_until eval '! ip link show va && ! ip link show vb'
	ip link del docker0
}

# Two ends in one namespace, and odd names.
test_one_namespace() {
	ip link add left type veth peer name "ri'g#h,t"
	ip link set left up
	ip link set "ri'g#h,t" up
	ip link add 'dollar$' type veth peer name other
	observe
	says "1 link of others" "host:ri'g#h,t -- host:left" 'dollar$'
	wait_until eval '[[ $(count host:left out packets) -gt 0 ]]'
	wait_until eval '[[ $(count host:left out packets) == $(count "host:ri'"'"'g#h,t" in packets) ]]'
	down_at_rest
	ip link del left
	ip link del other
}

test_other_end_unseen() {
	hold
	road v0 eth0 "$held" 10.0.0.1/24 10.0.0.2/24
	ip netns add keep # of the process's namespace nothing is seen in another /proc
	unshare --pid --fork --mount --mount-proc "$BUILD/vethlab" observe >"$TEST_TMP/out" 2>&1 ||
		fail "$(cat "$TEST_TMP/out")"
	remember_objects
	out=$(cat "$TEST_TMP/out")
	says "host:v0 -- unseen:if" "cannot be seen" "watched at 1 end"
	good ping -c 20 -i 0.002 -q 10.0.0.2
	assert_echo host:v0 out 20 0
	assert_echo host:v0 in 0 20
	good vethlab show
	says unseen
	good vethlab graph
	says "-- unseen:if"
	says_not "(down)"
	bad 1 vethlab exec unseen true
	says "cannot be seen from here"
	bad 6 vethlab why host 10.0.0.2
	says "cannot be seen"
	# Now it can be.
	good vethlab observe
	says "host:v0 -- sleep-$held:eth0"
	down_at_rest
	kill "$held"
	wait "$held" 2>/dev/null || true
	wait_until eval '! ip link show v0'
	ip netns del keep
}

# A link that a running lab watches is that lab's.
test_links_of_labs() {
	up blue
	ip netns add web
	road v-web eth0 web 10.0.1.254/24 10.0.1.1/24
	observe
	says "1 link of others" "2 links are already watched by lab blue"
	down_at_rest blue
	good vethlab observe
	says "1 link of others"
	bad 1 vethlab observe --name second
	says "already watched by lab observed"
	down_at_rest observed
	up blue
	bad 1 vethlab observe --name blue
	says "vethlab built it"
	down_at_rest blue
	ip netns del web
	wait_until only_lo
}

# Programs of others on the same hooks stay, and count what they counted.
# A link in full use: its ends get their programs one after the other, and the ledger begins when both
# have them, whether it is the first look or a later one that finds the link.
test_busy_link() {
	local ping_pid follower
	ip netns add b
	road v0 v1 b 10.1.1.2/24 10.1.1.1/24
	ping -q -f -w 90 10.1.1.1 >/dev/null 2>&1 &
	ping_pid=$!
	wait_until eval "[[ \$(cat /sys/class/net/v0/statistics/tx_packets) -gt 100 ]]"
	observe --all --name first
	wait_until crossed first 200
	good vethlab down first # not at rest
	"$BUILD/vethlab" observe --all --name later --follow >"$TEST_TMP/follow" 2>&1 &
	follower=$!
	wait_until grep -q "^following" "$TEST_TMP/follow"
	remember_objects
	ip link add w0 type veth peer name w1 netns b
	wait_until grep -q "^+ host:w0" "$TEST_TMP/follow"
	wait_until crossed later 200
	kill -TERM "$follower"
	wait "$follower" || fail "observe --follow: $(cat "$TEST_TMP/follow")"
	kill "$ping_pid"
	wait "$ping_pid" || true
	assert_eq "$(vethlab stats later --json | jq -c '[.links[].directions[] |
		.lost, .unexplained, .unseen, .passing, (.kinds[].lost // 0)] | unique')" "[0]" \
		"losses of a link that was busy when it was observed"
	down_at_rest later
	ip netns del b
	wait_until eval "! ip link show w0 && ! ip link show v0"
}

crossed() { # LAB PACKETS: at least so many went each way
	vethlab stats "$1" --json | jq -e "[.links[].directions[].sent] | max > $2"
}

test_programs_of_others() {
	local theirs before hook was now
	ip netns add web
	road v-web eth0 web 10.0.1.254/24 10.0.1.1/24
	tc qdisc add dev v-web clsact
	tc filter add dev v-web ingress pref 1 protocol ip bpf bytecode "1,6 0 0 0"
	tc filter add dev v-web egress pref 1 protocol all bpf bytecode "1,6 0 0 0"
	good "$HELPERS/others" attach v-web
	theirs=$out
	wait_until settled web
	picture web
	observe --xdp generic
	says "v-web has an XDP program of somebody else" "generic xdp changes these links"
	good "$HELPERS/others" count
	before=$out
	good ping -c 30 -i 0.002 -q 10.0.1.1
	assert_echo host:v-web out 30 0
	assert_echo host:v-web in 0 30
	good "$HELPERS/others" count
	for hook in $theirs; do
		was=$(sed -n "s/^$hook //p" <<<"$before")
		now=$(sed -n "s/^$hook //p" <<<"$out")
		[[ $((now - was)) -ge 30 ]] || fail "their program at $hook: $was, then $now"
	done
	down_at_rest
	picture web
	same_pictures
	good "$HELPERS/others" remove
	ip netns del web
	wait_until only_lo
}

# Without tcx: filters beside filters, and a qdisc only for as long as it is needed.
test_clsact() {
	ip netns add web
	road v-web eth0 web 10.0.1.254/24 10.0.1.1/24
	road v-two eth1 web 10.0.2.254/24 10.0.2.1/24
	ip link add v-in type veth peer name v-in2
	tc qdisc add dev v-web clsact
	tc filter add dev v-web ingress pref 1 protocol ip bpf bytecode "1,6 0 0 0"
	tc qdisc add dev v-in ingress
	wait_until settled web
	picture web
	observe --tc clsact
	says "3 links of others" "by clsact" "v-in has an ingress qdisc of somebody else" \
		"filters of somebody else stand before ours"
	good ping -c 30 -i 0.002 -q 10.0.1.1
	good ping -c 20 -i 0.002 -q 10.0.2.1
	assert_echo host:v-web out 30 0
	assert_echo web:eth0 in 30 0
	assert_echo host:v-web in 0 30
	assert_echo web:eth1 out 0 20
	assert_echo host:v-two in 0 20
	down_at_rest
	picture web
	same_pictures
	# A filter that came meanwhile keeps the qdisc that was ours.
	observe --tc clsact
	ip netns exec web tc filter add dev eth1 ingress pref 9 protocol ip bpf bytecode "1,6 0 0 0"
	down_at_rest
	good ip netns exec web tc filter show dev eth1 ingress
	says bytecode
	says_not vethlab
	assert_eq "$(tc qdisc show dev v-two | grep -c clsact)" 0 "our qdisc"
	ip link del v-in
	ip netns del web
	wait_until only_lo
}

shows() { # TEXT...: the follower has said each
	local text
	for text; do
		grep -qF -- "$text" "$TEST_TMP/follow" || return 1
	done
}

start_follow() { # OPTION...
	"$BUILD/vethlab" observe --follow "$@" >"$TEST_TMP/follow" 2>&1 &
	follower=$!
	wait_until eval 'shows following || shows vethlab.observe/1'
	remember_objects
}

test_follow() {
	local c
	ip netns add web
	road v-web eth0 web 10.0.1.254/24 10.0.1.1/24
	start_follow
	good ping -c 10 -i 0.002 -q 10.0.1.1
	bad 1 vethlab observe --follow
	says "process $follower follows lab observed already"

	# What comes is watched; what was there keeps its counters.
	ip netns add db
	road v-db eth0 db 10.0.2.254/24 10.0.2.1/24
	hold
	c=$held
	road v-c eth0 "$c" 10.0.3.254/24 10.0.3.1/24
	wait_until shows "+ host:v-db -- db:eth0" "+ host:v-c -- sleep-$c:eth0"
	wait_until eval 'vethlab stats --json | grep -q v-c'
	remember_objects
	good ping -c 20 -i 0.002 -q 10.0.2.1
	good ping -c 30 -i 0.002 -q 10.0.3.1
	assert_echo host:v-web out 10 0
	assert_echo db:eth0 in 20 0
	assert_echo "sleep-$c:eth0" out 0 30

	# What goes is gone: nobody keeps its namespace alive.
	ip netns del db
	kill "$c"
	wait "$c" 2>/dev/null || true
	wait_until shows "- host:v-db -- db:eth0" "- host:v-c -- sleep-$c:eth0"
	wait_until eval '! ip link show v-db && ! ip link show v-c'
	wait_until eval '! vethlab stats --json | grep -q v-c'
	good vethlab stats
	says_not v-db v-c
	assert_echo host:v-web out 10 0

	# Its numbers are given out again only when all were used; a new name is taken over.
	ip link set v-web down
	ip link set v-web name renamed
	ip link set renamed up
	wait_until eval 'vethlab stats --json | grep -q host:renamed'
	assert_echo host:renamed out 10 0

	wait_until vethlab down # it may be looking at this moment
	wait_until eval "! kill -0 $follower"
	wait "$follower" || fail "the follower failed: $(cat "$TEST_TMP/follow")"
	shows "observed was taken down" || fail "$(cat "$TEST_TMP/follow")"
	ip netns del web
	wait_until only_lo
}

# Links come while nothing is there yet; Ctrl-C leaves the lab.
test_follow_all_from_nothing() {
	start_follow --all --json
	assert_eq "$(jq '.links | length' "$TEST_TMP/follow")" 0 "links at first"
	ip netns add a
	ip netns add b
	ip -n a link add x type veth peer name y netns b
	wait_until eval 'jq -e "select(.change == \"came\")" "$TEST_TMP/follow"'
	good "$HELPERS/valid" "$TOP/docs/schema" <"$TEST_TMP/follow"
	kill -INT "$follower"
	wait "$follower" || fail "$(cat "$TEST_TMP/follow")"
	remember_objects
	good vethlab show
	says "a:x" "b:y"
	down_at_rest
	ip netns del a
	ip netns del b
}

# The follower dies: nothing is lost, and another one goes on, or `down` and gc tidy up.
test_follower_killed() {
	ip netns add web
	road v-web eth0 web 10.0.1.254/24 10.0.1.1/24
	wait_until settled web
	picture web
	start_follow
	good ping -c 10 -i 0.002 -q 10.0.1.1
	kill -KILL "$follower"
	wait "$follower" 2>/dev/null || true
	good ping -c 10 -i 0.002 -q 10.0.1.1
	assert_echo web:eth0 in 20 0
	good vethlab gc
	assert_echo web:eth0 in 20 0
	start_follow
	good ping -c 10 -i 0.002 -q 10.0.1.1
	assert_echo web:eth0 in 30 0
	kill -KILL "$follower"
	wait "$follower" 2>/dev/null || true
	# What a crash in the middle leaves: programs without a state.
	rm /run/vethlab/observed/state.json
	good vethlab gc
	says observed
	picture web
	same_pictures
	ip netns del web
	wait_until only_lo
}

test_nothing_and_nonsense() {
	bad 1 vethlab observe
	told
	bad 1 vethlab observe --all
	told
	nothing_in /run/vethlab || fail "left: $(find /run/vethlab)"
	ip netns add web
	bad 1 vethlab observe --netns wbe
	told
	bad 1 vethlab observe --netns web
	told
	bad 1 vethlab observe --pid 4194304
	told
	bad 2 vethlab observe --pid x
	told
	bad 2 vethlab observe --all --netns web
	told
	bad 2 vethlab observe --name -x
	told
	bad 2 vethlab observe --xdp sideways
	told
	bad 2 vethlab observe --hooks none,in
	told
	bad 2 vethlab observe blue
	told
	ip link add name a type veth peer name b
	bad 2 vethlab observe --hooks none
	told
	observe --hooks in
	assert_eq "$(hooks_of host:a)" in "hooks"
	bad 1 vethlab observe --hooks out
	told
	down_at_rest
	ip link del dev a
	ip netns del web
	golden nothing-and-nonsense
}

run_tests
