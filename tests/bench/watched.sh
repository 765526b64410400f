#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# watched.sh - what watching costs, by other people's measures: `ping -f` and iperf3's TCP over one link
# that nobody watches, that vethlab watches with its default hooks, and that others watch; and live
# frames of 64 bytes into native XDP that drops (live.c), bare and by a lab's native program. In turns;
# medians of ROUNDS (9) with their extremes; a ratio is the median of those in each round, each to
# nobody's of its round. Senders run with real-time priority, so that other processes of the machine
# do not come between. Those who are not installed are named. As root; nothing outside namespaces of
# its own is touched. JSON=FILE: the same as one document.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-9}
ECHOES=${ECHOES:-50000}
SECONDS_OF_TCP=${SECONDS_OF_TCP:-2}
results=$(mktemp -p /run)
ahead=(chrt -f 10)
absent=()
mkfifo /run/never # to wait for, without a process that outlives its parent

# Starts another observer in a node, in $!; returns when it observes.
other() { # WAY NODE
	local log=/run/$1.$2 node=$2
	case $1 in
	tcpdump)
		ip netns exec "$node" tcpdump -i eth0 -w /dev/null 2>"$log" &
		until grep -qs "listening on" "$log"; do kill -0 $! && sleep 0.05; done
		;;
	bpftrace) # sees all namespaces: one is enough
		[[ $node == a ]] || return 0
		mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
		bpftrace -e 'BEGIN { printf("ready\n"); }
			tracepoint:net:net_dev_xmit, tracepoint:net:netif_receive_skb
			{ @[str(args->name)] = count(); }' >"$log" 2>&1 &
		until grep -qs ready "$log"; do kill -0 $! && sleep 0.05; done
		;;
	counters) # what nstat and `ip -s link` read, ten times a second
		ip netns exec "$node" bash -c 'while :; do
			read -rt 0.1 <>/run/never
			while read -r _; do :; done </proc/net/snmp
			while read -r _; do :; done </proc/net/dev
		done' &
		;;
	esac
	others+=($!)
}

# A link, and whoever watches it.
watch() { # WAY
	local hooks=none
	others=()
	[[ $1 != vethlab ]] || hooks=in,out
	vethlab up two-hosts --hooks "$hooks" >/dev/null
	if [[ $1 != nobody && $1 != vethlab ]]; then
		other "$1" a
		other "$1" b
	fi
}

unwatch() {
	if [[ ${#others[@]} -gt 0 ]]; then
		kill "${others[@]}"
		wait "${others[@]}" 2>/dev/null || true
	fi
	vethlab down two-hosts >/dev/null
}

flood() { # WAY
	local trip
	watch "$1"
	ip netns exec a "${ahead[@]}" ping -q -f -c 500 10.0.0.2 >/dev/null # warms up
	trip=$(ip netns exec a "${ahead[@]}" ping -q -f -c "$ECHOES" 10.0.0.2 |
		sed -n 's/.* time \([0-9]*\)ms$/\1/p')
	unwatch
	# One after the other, so a round trip each; ping's own figure of one has no digits below 1 us.
	echo "flood $1 $round $((trip * 1000000 / ECHOES))" >>"$results"
}

bulk() { # WAY
	local server rate
	watch "$1"
	ip netns exec b "${ahead[@]}" iperf3 -s -1 >/run/iperf3 2>&1 &
	server=$!
	until ip netns exec b ss -Hltn 'sport = 5201' | grep -q .; do kill -0 $server; done
	rate=$(ip netns exec a "${ahead[@]}" iperf3 -c 10.0.0.2 -t "$SECONDS_OF_TCP" -J |
		jq .end.sum_received.bits_per_second)
	wait $server
	unwatch
	echo "tcp $1 $round $rate" >>"$results"
}

ways=(nobody vethlab counters)
for way in tcpdump bpftrace; do
	if command -v "$way" >/dev/null; then ways+=("$way"); else absent+=("$way"); fi
done
command -v iperf3 >/dev/null || absent+=(iperf3)
for ((round = 0; round < ROUNDS; round++)); do
	for way in "${ways[@]}"; do flood "$way"; done
	if command -v iperf3 >/dev/null; then
		for way in "${ways[@]}"; do bulk "$way"; done
	fi
	echo "frames nobody $round $("${ahead[@]}" "$BUILD/tests/bench/live" 1)" >>"$results"
	echo "frames vethlab $round $("${ahead[@]}" "$BUILD/tests/bench/live" 1 "$(nproc)" watched)" >>"$results"
done

jq -Rn --argjson absent "$(jq -cn '$ARGS.positional' --args -- "${absent[@]}")" '
	def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
	[inputs | split(" ") | {what: .[0], way: .[1], round: .[2], value: (.[3] | tonumber)}] |
	group_by(.what) | map(
		(map(select(.way == "nobody") | {key: .round, value}) | from_entries) as $base |
		group_by(.way) | map({what: .[0].what, way: .[0].way, runs: length,
			median: (map(.value) | median), least: (map(.value) | min),
			most: (map(.value) | max), ratio: (map(.value / $base[.round]) | median)}) |
		sort_by(if .what == "flood" then .median else -.median end)) |
	{schema: "vethlab.bench-watched/1", rows: add, absent: $absent}' "$results" >/run/report
[[ $JSON == /dev/null ]] || cp /run/report "$JSON"

row() { # WHAT TITLE UNIT FACTOR
	printf '%-36s %8s %8s %8s %6s\n' "$2" median least most ratio
	jq -r --arg what "$1" '
		{nobody: "nobody watches", counters: "counters read, as nstat does",
		 tcpdump: "tcpdump at both ends", bpftrace: "bpftrace, net tracepoints"} as $names |
		.rows[] | select(.what == $what) |
		[$names[.way] // .way, .median, .least, .most, .ratio] | @tsv' /run/report |
		awk -F'\t' -v unit="$3" -v f="$4" '{ printf "  %-29s %4s %8.2f %8.2f %8.2f %6.2f\n",
			$1, unit, $2 * f, $3 * f, $4 * f, $5 }'
}

row flood "ping -f, from echo to echo" us 0.001
row tcp "iperf3, TCP over one link" Gb/s 0.000000001
row frames "64-byte frames into XDP drop" Mpps 0.000001
[[ ${#absent[@]} -eq 0 ]] || echo "not installed, not compared: ${absent[*]}"
echo "goals: vethlab at most 1.10 of an echo; at least 0.97 of TCP, 0.90 of the frames"
