#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_stats.sh - the ledger in real labs: what was lost, since when, and in every format.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

SCHEMA=$TOP/docs/schema/stats.json

# The blue lab with its first link up.
blue() {
	up blue
	good vethlab link default:veth0 up
}

# COUNT requests of SIZE bytes from the default namespace; how many come back does not matter.
pings() { # COUNT [OPTION OF PING...]
	ping -q -i 0.002 -W 1 -c "$@" 10.1.1.1 >/dev/null || true
}

# A number of the direction that leaves END: ledger END .lost [OPTION OF STATS...]
ledger() {
	local end=$1 path=$2
	shift 2
	vethlab stats --json "$@" |
		jq -e ".links[].directions[] | select(.from == \"$end\") | $path"
}

requests() { # [OPTION OF STATS...]
	ledger default:veth0 '.kinds["icmp4.echo_request"].sent // 0' "$@"
}

# Of the blue lab: the start; 29 counters a hook; four gauges a direction; drops, and those that were missed: in all,
# by three causes, and while the program ran.
samples() {
	echo $((1 + 12 * 29 + 4 * 4 + 5 + $(vethlab stats --json |
		jq '[.links[].directions[].drops | length] | add')))
}

test_documents() {
	blue
	pings 10
	assert_eq "$(vethlab stats --json | "$HELPERS/valid" "$SCHEMA")" 1 "a document of the schema"
	assert_eq "$(vethlab stats --json --node blue | jq '.links | length')" 2 "links of blue"
	assert_eq "$(vethlab stats --json --link blue:veth3 | jq -r '.links[].link')" \
		"default:veth2 -- blue:veth3" "the link of blue:veth3"
	good vethlab stats --openmetrics
	assert_eq "$("$HELPERS/valid" openmetrics <<<"$out")" "$(samples)" "samples of OpenMetrics"
	assert_eq "$(vethlab stats --csv | wc -l)" 5 "lines of CSV"
	assert_eq "$(vethlab stats --json --link blue:veth3 | jq .partial)" true "a part of the lab"
	assert_eq "$(vethlab stats --json | jq .partial)" false "all of the lab"
	assert_eq "$(vethlab stats --csv --link default:veth0 | sed -n '2s/,/\n/gp' | sed -n 5p)" \
		default:veth0 "the sender in CSV"
	bad 1 vethlab stats --link defualt:veth0
	told
	bad 1 vethlab stats --link veth0
	told
	bad 1 vethlab stats --node bleu
	told
	bad 2 vethlab stats --watch 0
	bad 2 vethlab stats --openmetrics --watch
	bad 2 vethlab stats --csv --openmetrics
	bad 2 vethlab stats -j --csv
	told
	bad 2 vethlab stats --reset --all
	bad 2 vethlab stats --reset --time
	bad 2 vethlab stats --reset --csv
	bad 2 vethlab stats --reset --link blue:veth3
	told
	bad 2 vethlab stats --reset --node blue
	bad 2 vethlab stats --tabular
	told
	bad 5 bash -c "'$BUILD/vethlab' stats >/dev/full"
	told
	golden bad-words
	down_at_rest
}

# A line a direction, and what was lost or dropped; -v has the types of packets, whose rows add up.
test_page() {
	up_silent
	good vethlab stats --reset
	good vethlab stats
	told
	# Nobody listens: a SYN, and a RST.
	bad 1 inside a bash -c 'echo >/dev/tcp/10.8.0.2/9'
	good vethlab stats
	told
	good vethlab stats -v
	told
	golden page
	bad 2 vethlab stats -v --watch
	golden page-watched
	down_at_rest
}

# What nodes say by themselves, and drop of that, is one line at the end.
test_housekeeping() {
	up two-hosts
	good inside a ping -q -c 3 -i 0.01 10.0.0.2
	wait_until eval 'vethlab stats --json | jq -e "any(.links[].directions[].drops[]; .place == \"ip6_mc_input\")"'
	good vethlab stats
	assert_eq "$(sed -n '4,5p' <<<"$out" | awk '{ print $1, $2, $3, $6 }')" \
		"a:eth0 -> b:eth0 0"$'\n'"b:eth0 -> a:eth0 0" "a line a direction, nothing lost"
	says $'\n\nhousekeeping: ' " packets (ARP, neighbor discovery, other ICMPv6)," " harmless" "-v shows all"
	says_not dropped "lost on"
	good vethlab stats -v
	says "by NOT_SPECIFIED at ip6_mc_input (harmless)"
	down_at_rest
}

# The tool of those who read OpenMetrics accepts it too. It wants a time behind each sample. Its
# \`check metrics\` reads the older text format, in which no help belongs to a counter's NAME_total, and
# says so; it has nothing else to say.
test_promtool() {
	local PATH=$PATH:$BUILD/promtool # tests/deps.sh unpacks it there
	command -v promtool >/dev/null || skip_test "promtool is not installed"
	blue
	pings 10
	vethlab stats --time --openmetrics | awk '/^#/ { print; next } { print $0, 1795448641 }' \
		>"$TEST_TMP/metrics"
	good promtool tsdb create-blocks-from openmetrics "$TEST_TMP/metrics" "$TEST_TMP/blocks"
	bad 3 promtool check metrics <"$TEST_TMP/metrics"
	assert_eq "$(grep -v '_total no help text' <<<"$out")" "" "what promtool finds fault with"
	down_at_rest
}

# One ping, and nothing from IPv6 by itself any more.
quiet() {
	good sysctl -qw net.ipv6.conf.veth0.disable_ipv6=1
	pings 1
}

# COUNT datagrams of 1200 bytes. A ping would send again what the device refuses (ENOBUFS).
datagrams() { # COUNT
	local i
	for ((i = 0; i < $1; i++)); do
		head -c 1200 /dev/zero >/dev/udp/10.1.1.1/9
	done
}

# The line of conservation, once traffic has stopped: sent = received + dropped + unexplained.
balance() { # END
	ledger "$1" '"\(.sent - .received) \(.lost) \(.dropped) \(.unexplained) \(.unseen)"'
}

# How many were dropped at a stage for a reason in the direction that leaves END.
dropped() { # END STAGE REASON
	ledger "$1" "[.drops[] | select(.stage == \"$2\" and .reason == \"$3\") | .packets] | add // 0"
}

# A frame that is larger than the peer's MTU dies in the veth: left one end, reached no other.
test_loss() {
	blue
	pings 1
	ip -n blue link set veth1 mtu 1000
	datagrams 20
	assert_eq "$(balance default:veth0)" '"20 20 20 0 0"' "of 20 datagrams that are too large"
	assert_eq "$(ledger default:veth0 .kinds.udp.lost)" 20 "datagrams lost"
	assert_eq "$(balance blue:veth1)" '"0 0 0 0 0"' "the way back"
	good vethlab stats --link default:veth0
	says "lost on the link: 20 by"
	says_not unexplained
	good vethlab stats -v --link default:veth0
	assert_eq "$(awk '$1 == "udp"' <<<"$out" | tr -s ' ')" " udp 20 0 20" "the line of udp"
	says "lost on the link: 20 by" "lost on the link: 0 unexplained"
	good vethlab stats --csv
	down_at_rest
}

# Each kind of loss by its reason and its place, to the packet. In a node first: nothing is lost
# on a link then.
test_reasons_in_nodes() {
	blue
	pings 1
	good inside blue nft -f - <<-END
		table ip t { chain c { type filter hook input priority 0; icmp type echo-request drop; }; }
	END
	pings 7
	assert_eq "$(dropped default:veth0 after_in NETFILTER_DROP)" 7 "dropped by nft in blue"
	good inside blue nft flush ruleset
	good nft -f - <<-END
		table ip t { chain c { type filter hook output priority 0; icmp type echo-request drop; }; }
	END
	pings 5
	assert_eq "$(requests)" 8 "requests that left"
	assert_eq "$(dropped default:veth0 before_out NETFILTER_DROP)" 5 "dropped by nft in default"
	assert_eq "$(balance default:veth0)" '"0 0 0 0 0"' "the link"
	good vethlab stats
	says "dropped in blue, after \`in\`: 7 by NETFILTER_DROP" \
		"dropped in default, before \`out\`: 5 by NETFILTER_DROP"
	good nft flush ruleset
	down_at_rest
}

# Then between the hooks: a queue without room, and one that is full and is emptied with the link
# down.
test_reasons_on_links() {
	blue
	quiet
	good tc qdisc add dev veth0 root pfifo limit 0
	datagrams 12
	assert_eq "$(balance default:veth0)" '"12 12 12 0 0"' "datagrams without room in the queue"
	assert_eq "$(places default:veth0)" '["__dev_queue_xmit"]' "where they were dropped"
	good vethlab stats --link default:veth0
	says "lost on the link: 12 by QDISC_" " at __dev_queue_xmit"
	good tc qdisc replace dev veth0 root tbf rate 8kbit burst 1600 limit 4000
	good vethlab stats --reset
	datagrams 30
	ip -n blue link set veth1 down
	wait_until bash -c "[[ \$(tc -j -s qdisc show dev veth0 | jq '[.[].qlen] | add') == 0 ]]"
	wait_until balanced default:veth0
	assert_eq "$(ledger default:veth0 '.kinds.udp.sent')" 30 "datagrams that left"
	# 4000 bytes of queue have room for three, which go when it is emptied.
	assert_eq "$(ledger default:veth0 '(.drops | map(select(.stage == "on_link")) |
		[(map(select(.reason == "QDISC_DROP").packets) | add),
		 (map(select(.place == "__rtnl_unlock").packets) | add)]) as [$full, $emptied] |
		.lost == .dropped and .lost == .sent - .received and .lost == $full + $emptied and
		$emptied >= 1 and $emptied <= 3')" true "what the queue had no room for, and what was in it"
	good vethlab stats --link default:veth0
	says "by QDISC_DROP"
	says_not unexplained
	down_at_rest
}

# Where packets were dropped between the ends of the direction that leaves END.
places() { # END
	ledger "$1" '[.drops[] | select(.stage == "on_link") | .place] | unique' | jq -c .
}

balanced() { # END
	[[ $(ledger "$1" '"\(.unexplained) \(.unseen)"') == '"0 0"' ]]
}

test_reset_and_since() {
	blue
	pings 5
	vethlab stats --json >"$TEST_TMP/first"
	pings 7
	assert_eq "$(requests --since "$TEST_TMP/first")" 7 "requests since the first document"
	good vethlab stats --reset
	golden reset
	assert_eq "$(requests)" 0 "requests since the reset"
	pings 3
	vethlab stats --json >"$TEST_TMP/second"
	pings 2
	assert_eq "$(requests)" 5 "requests since the reset"
	assert_eq "$(requests --all)" 17 "requests in all"
	assert_eq "$(requests --since "$TEST_TMP/second")" 2 "since a document made after the reset"
	assert_eq "$(requests --since "$TEST_TMP/first")" 12 "since a document made before the reset"
	# A document of a difference starts at no moment that is known any more.
	bad 3 vethlab stats --since "$TEST_TMP"
	told
	vethlab stats --json --since "$TEST_TMP/second" >"$TEST_TMP/third"
	bad 3 vethlab stats --since "$TEST_TMP/third"
	told
	golden bad-documents
	bad 3 vethlab stats --since "$TEST_TMP/nothing"
	down_at_rest
	# What an earlier life of the lab left has no say in this one.
	blue
	assert_eq "$(requests)" 0 "requests of a new lab"
	bad 3 vethlab stats --since "$TEST_TMP/first"
	down_at_rest
}

# What a document of some links says nothing about is not taken for nothing.
test_since_a_part() {
	blue
	pings 5
	vethlab stats --json --link default:veth2 >"$TEST_TMP/part"
	bad 3 vethlab stats --since "$TEST_TMP/part"
	golden some-links
	bad 3 vethlab stats --since "$TEST_TMP/part" --link blue:veth1
	good vethlab stats --since "$TEST_TMP/part" --link blue:veth3
	vethlab stats --json --node blue >"$TEST_TMP/whole"
	pings 2
	assert_eq "$(requests --since "$TEST_TMP/whole")" 2 "requests since a document of all links"
	down_at_rest
}

# Frames that leave past \`out\` (XDP and AF_PACKET can) hide no loss, and are told of.
test_past_out() {
	blue
	quiet
	good tc qdisc add dev veth0 root pfifo limit 0
	datagrams 10
	good tc qdisc del dev veth0 root
	assert_eq "$(balance default:veth0)" '"10 10 10 0 0"' "10 datagrams that a queue dropped"
	good "$HELPERS/frames" --bypass veth0 garbage 20
	assert_eq "$(balance default:veth0)" '"-10 10 10 0 20"' "and 20 that went past it"
	good vethlab stats --link default:veth0
	says "lost on the link: 10 by" "(20 came that \`out\` did not see: sent past it"
	says_not unexplained
	down_at_rest
}

# No count that began, or was read, while packets were under way has one too many or too few.
exact() { # WHAT [OPTION OF STATS...]
	local what=$1
	shift
	assert_eq "$(vethlab stats --json "$@" | jq -c '[.links[].directions[] |
		.lost, .unexplained, .unseen, .passing, (.kinds[].lost // 0)] | unique')" "[0]" "$what"
}

# Resets and documents in the middle of a flood, which has a packet under way nearly always.
test_reset_in_a_flood() {
	local pid i
	blue
	ping -q -f -w 600 10.1.1.1 >/dev/null 2>&1 &
	pid=$!
	for i in 1 2 3 4 5; do
		wait_until more_requests
		vethlab stats --json >"$TEST_TMP/document.$i"
		good vethlab stats --reset
		jq -es '[.[].links[].directions[] | .lost, .unseen, .passing] | unique == [0]' \
			"$TEST_TMP/document.$i" /run/vethlab/blue/reset.json >/dev/null ||
			fail "a document made in the flood is not exact"
	done
	wait_until more_requests
	vethlab stats --json >"$TEST_TMP/document"
	wait_until more_requests
	kill "$pid"
	wait "$pid" || true
	exact "since the last reset"
	exact "since a document made in the flood" --since "$TEST_TMP/document"
	exact "since a document made before a reset" --since "$TEST_TMP/document.1"
	exact "since the lab was built" --all
	down_at_rest
}

more_requests() { # more requests left than when it was asked last
	local now
	now=$(requests --all)
	[[ $now -gt ${requested:-0} ]] && [[ -n ${requested:-} ]] && { requested=; return 0; }
	requested=$now
	return 1
}

# Resets while packets pass: the parts add up to the whole.
test_reset_while_counting() {
	local sum=0 part
	blue
	ping -q -i 0.002 -c 400 10.1.1.1 >/dev/null &
	for _ in 1 2 3 4 5 6; do
		good vethlab stats --reset
		# What the reset saved counts from when the lab was built.
		part=$(jq '[.links[].directions[] | select(.from == "default:veth0") |
			.kinds["icmp4.echo_request"].sent // 0] | add' /run/vethlab/blue/reset.json)
		[[ $part -ge $sum ]] || fail "the count went back: $sum, then $part"
		sum=$part
		sleep 0.1
	done
	wait $!
	assert_eq $((sum + $(requests))) 400 "requests before and after the last reset"
	assert_eq "$(requests --all)" 400 "requests in all"
	down_at_rest
}

# Reads again and again; fails if a count goes back.
reader() {
	local was=0 now
	while [[ ! -e $TEST_TMP/enough ]]; do
		now=$(count blue:veth1 in icmp4.echo_request)
		[[ $now -ge $was ]] || fail "$now after $was"
		was=$now
	done
}

# Ten readers disturb neither each other nor the counters.
test_readers() {
	local i hook
	local -a readers=()
	blue
	for ((i = 0; i < 10; i++)); do
		reader &
		readers+=($!)
	done
	good ping -q -f -c 20000 10.1.1.1
	touch "$TEST_TMP/enough"
	for i in "${readers[@]}"; do
		wait "$i" || fail "a reader failed"
	done
	assert_echo default:veth0 out 20000 0
	assert_echo blue:veth1 out 0 20000
	for hook in xdp in; do
		assert_echo default:veth0 "$hook" 0 20000
		assert_echo blue:veth1 "$hook" 20000 0
	done
	assert_eq "$(times echo_rtt default:veth0 .count)" 20000 "round trips"
	down_at_rest
}

# A field of the times of one kind at an end: times transit default:veth0 .count
times() { # KIND END PATH [OPTION OF STATS...]
	local kind=$1 end=$2 path=$3
	shift 3
	vethlab stats --time --json "$@" |
		jq "[.times[] | select(.kind == \"$kind\" and .end == \"$end\") | $path] | add // 0"
}

echoes() { # END PATH
	vethlab stats --time --json | jq ".echoes[] | select(.end == \"$1\") | $2"
}

test_time() {
	blue
	pings 200
	vethlab stats --time --json >"$TEST_TMP/times"
	assert_eq "$("$HELPERS/valid" "$SCHEMA" <"$TEST_TMP/times")" 1 "a document of the schema"
	assert_eq "$(times transit default:veth0 .count)" 200 "transits of requests"
	assert_eq "$(times transit blue:veth1 .count)" 200 "transits of replies"
	assert_eq "$(times echo_rtt default:veth0 .count)" 200 "round trips"
	assert_eq "$(times echo_rtt default:veth0 '.bins | map(.[2]) | add')" 200 "in the bins"
	assert_eq "$(times echo_rtt default:veth0 '.min_ns <= .p50_ns and .p50_ns <= .p90_ns and
		.p90_ns <= .p99_ns and .p99_ns <= .p999_ns and .p999_ns <= .max_ns')" true "order"
	assert_eq "$(echoes default:veth0 .answered)" 200 "answered"
	good vethlab stats --time
	says "default:veth0 -> blue:veth1" "200 requests: 200 answered"
	assert_eq "$(times echo_rtt default:veth0 .count --since "$TEST_TMP/times")" 0 "since"
	good vethlab stats --time --openmetrics
	assert_eq "$("$HELPERS/valid" openmetrics <<<"$out")" $(($(samples) + 3 * 4 * 32 + 12 * 4)) \
		"samples of OpenMetrics"
	# Nobody answers: waiting first, then unanswered.
	good vethlab stats --reset
	good inside blue sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	good vethlab stats --time --echo-timeout 60
	pings 3
	assert_eq "$(echoes default:veth0 '"\(.requests) \(.waiting) \(.unanswered)"')" \
		'"3 3 0"' "requests that wait"
	good vethlab stats --time --echo-timeout 0.001
	says "3 requests: 3 unanswered"
	vethlab stats --json >"$TEST_TMP/no-times"
	bad 3 vethlab stats --time --since "$TEST_TMP/no-times"
	golden no-times
	bad 2 vethlab stats --time --watch
	bad 2 vethlab stats --echo-timeout never
	down_at_rest
}

test_watch() {
	local status=0 pid
	blue
	# Not a terminal: frames follow each other, lines are whole.
	"$BUILD/vethlab" stats --watch 0.2 >"$TEST_TMP/frames" &
	pid=$!
	wait_until grep -q "^lab blue" "$TEST_TMP/frames"
	pings 50
	wait_until bash -c "[[ \$(grep -c '^lab blue' '$TEST_TMP/frames') -ge 3 ]]"
	kill -INT "$pid"
	wait "$pid" || status=$?
	assert_eq "$status" 0 "exit status after SIGINT"
	assert_eq "$(tr -dc '\033' <"$TEST_TMP/frames" | wc -c)" 0 "escapes where there is no terminal"
	assert_eq "$(sed -n '/ $/p' "$TEST_TMP/frames" | wc -l)" 0 "lines with trailing blanks"
	# Documents, one a line, with what passes a second.
	"$BUILD/vethlab" stats --json --watch 0.2 >"$TEST_TMP/lines" &
	pid=$!
	wait_until bash -c "[[ \$(wc -l <'$TEST_TMP/lines') -ge 3 ]]"
	kill -TERM "$pid"
	wait "$pid" || status=$?
	assert_eq "$status" 0 "exit status after SIGTERM"
	good "$HELPERS/valid" "$SCHEMA" <"$TEST_TMP/lines"
	assert_eq "$(jq -s 'all(.[].links[].directions[]; has("per_second"))' "$TEST_TMP/lines")" true \
		"each line has rates"
	# A reader that goes away ends it, and so does the lab.
	good bash -c "'$BUILD/vethlab' stats --csv --watch 0.1 | head -6"
	assert_eq "$(wc -l <<<"$out")" 6 "a header and five lines"
	# A lab may be called what begins as a number does.
	up two-hosts --as e2e
	good bash -c "'$BUILD/vethlab' stats --csv --watch e2e | head -2"
	says "e2e,"
	good vethlab down e2e
	"$BUILD/vethlab" stats --watch 0.1 >"$TEST_TMP/last" 2>"$TEST_TMP/gone" &
	pid=$!
	wait_until test -s "$TEST_TMP/last"
	down_at_rest
	wait "$pid" || status=$?
	assert_eq "$status" 1 "exit status when the lab is gone"
	assert_eq "$(cat "$TEST_TMP/gone")" "vethlab: lab blue was taken down" "why it ended"
}

# Frames that a stopped process missed do not come later, all at once: four take two intervals at least.
test_watch_stopped() {
	local pid
	up two-hosts
	"$BUILD/vethlab" stats --json --watch 0.1 >"$TEST_TMP/lines" &
	pid=$!
	wait_until bash -c "[[ \$(wc -l <'$TEST_TMP/lines') -ge 3 ]]"
	kill -STOP "$pid"
	sleep 1.5
	kill -CONT "$pid"
	wait_until bash -c "[[ \$(wc -l <'$TEST_TMP/lines') -ge 12 ]]"
	kill "$pid"
	wait "$pid"
	assert_eq "$(jq -s 'map(.read_ns) | [range(3; length) as $i | .[$i] - .[$i - 3]] | min >= 200000000' \
		"$TEST_TMP/lines")" true "no burst"
	down_at_rest
}

# On a terminal: drawn over, within its size, and Ctrl-C gives the prompt a line of its own.
test_watch_on_a_terminal() {
	blue
	command -v script >/dev/null || skip_test "script (bsdutils) is not installed"
	# The terminal is script's; the signal comes as from its keyboard.
	TERM=xterm script -qec "stty cols 60 rows 10; timeout --foreground --preserve-status -s INT 1.5 \
		'$BUILD/vethlab' stats --watch 0.2; echo status \$?" /dev/null >"$TEST_TMP/screen"
	good cat "$TEST_TMP/screen"
	says $'\033[8A\r' $'\033[K' "status 0" '  lost'
	says_not $'\033[?'
	down_at_rest
}

run_tests
