#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# link.sh - `vethlab bench` beside other tools on the same machine and link, in turns: live
# frames beside the least loop that makes them (live.c), TCP beside iperf3, round trips beside
# `ping -f` and sockperf, and how far five runs of its own lie apart. Prints Markdown. Peers that
# are not installed are named as absent. As root; nothing outside namespaces of its own is touched.
#
# PARTS: some of live_frames, tcp, flood, datagrams, netperf, repeat, matrix. ROUNDS: how often each is measured (5),
# TCP thrice as often: it varies most (each run gets other pages of memory, which share the caches
# otherwise). TIME: whole seconds of one measurement (1). JSON=FILE: the same as one document.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-5}
TIME=${TIME:-1}
THREADS=$(nproc)
results=$(mktemp -p /run)

# The value of one measurement of ours.
ours() { # WHAT JQ-FIELD ARGUMENTS OF bench...
	local what=$1 field=$2
	shift 2
	vethlab bench --json --runs 1 --time "$TIME" "$@" |
		jq ".results[] | select(.what == \"$what\") | $field" | head -1
}

# Two series as one result: title, unit, the peer's name, the factor for people, ours, theirs, and
# between what the median of the ratios, round by round, shall be.
# "noisy": the interval of that median (by ranks, 94 % or more) holds what is aimed at and what is not.
report() { # TITLE UNIT PEER FACTOR "OURS..." "THEIRS..." LEAST MOST
	jq -cn --arg title "$1" --arg unit "$2" --arg peer "$3" --argjson factor "$4" --arg ours "$5" \
		--arg theirs "$6" --argjson least "$7" --argjson most "$8" '
		def list: [splits(" ") | select(. != "") | tonumber];
		def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
		($ours | list) as $a | ($theirs | list) as $b |
		([range($a | length)] | map($a[.] / $b[.])) as $ratios | ($ratios | sort) as $s |
		{title: $title, unit: $unit, peer: $peer, factor: $factor, ours: $a, theirs: $b,
		 median: ($a | median), peer_median: ($b | median), ratio: ($ratios | median),
		 aim: [$least, $most]} |
		($s | length | if . >= 15 then 3 elif . >= 12 then 2 elif . >= 9 then 1 else 0 end) as $k |
		.ratio_low = $s[$k] | .ratio_high = $s[-1 - $k] |
		.says = if .ratio >= $least and .ratio <= $most then "met"
			elif .ratio_low <= $most and .ratio_high >= $least then "noisy" else "missed" end' |
		tee -a "$results" |
		jq -r 'def three: if . >= 100 then round elif . >= 10 then . * 10 | round / 10
			else . * 1000 | round / 1000 end;
		"| \(.title) | \(.median * .factor | three) \(.unit) | \(.peer): " +
		"\(.peer_median * .factor | three) \(.unit) | \(.ratio | three) " +
		"(\(.ratio_low | three) to \(.ratio_high | three)) | \(.aim[0]) to " +
		"\(if .aim[1] > 9 then "more" else .aim[1] end): \(.says) |"'
}

absent() { # TITLE PEER
	jq -cn --arg title "$1" --arg peer "$2" '{title: $title, peer: $peer, absent: true}' >>"$results"
	echo "| $1 | | $2: not installed | | |"
}

live_frames() {
	local mine="" theirs="" i
	for ((i = 0; i < ROUNDS; i++)); do
		theirs+="$("$BUILD/tests/bench/live" "$TIME" "$THREADS") "
		mine+="$(ours xdp-drop .values[0] --what pps --size 64 --threads "$THREADS") "
	done
	report "64-byte live frames into XDP drop" Mpps "live.c" 1e-6 "$mine" "$theirs" 0.95 1000
}

tcp() {
	command -v iperf3 >/dev/null || { absent "TCP, one stream" iperf3; return; }
	tcp_on "TCP, one stream, a CPU each" "$PIN" $((3 * ROUNDS))
	tcp_on "TCP, one stream, on one CPU" 0,0 $((3 * ROUNDS))
}

tcp_on() { # TITLE CPU,CPU ROUNDS
	local mine="" theirs="" i
	for ((i = 0; i < $3; i++)); do
		ip netns exec b iperf3 -s -1 -D
		sleep 0.2
		theirs+="$(ip netns exec a iperf3 -c 10.0.0.2 -t "${TIME%.*}" -J -A "$2" |
			jq .end.sum_received.bits_per_second) "
		mine+="$(ours tcp .values[0] a:veth0 --what tcp --cpu "$2") "
	done
	report "$1" Gbit/s iperf3 1e-9 "$mine" "$theirs" 0.97 1.03
}

# ping's own times have no digits below 1 us: from echo to echo instead, which one after the other is a round
# trip, and of ours likewise the mean of all that its time held.
flood() {
	local mine="" theirs="" i title="ICMP echo, back to back (from one to the next)"
	command -v ping >/dev/null || { absent "$title" "ping -f"; return; }
	for ((i = 0; i < ROUNDS; i++)); do
		theirs+="$(ip netns exec a taskset -c "${PIN%,*}" ping -q -f -c 50000 10.0.0.2 |
			sed -n 's/.* time \([0-9]*\)ms$/\1/p' | awk '{print $1 * 1e6 / 50000}') "
		mine+="$(vethlab bench --json --runs 1 --time "$TIME" a:veth0 --what rtt --cpu "$PIN" |
			jq '.run_s as $s | .results[] | select(.what == "rtt-flood") | $s * 1e9 / .received') "
	done
	report "$title" us "ping -f" 1e-3 "$mine" "$theirs" 0.95 1.05
}

# One request and one response at a time over TCP, by the rate, as netperf tells it.
netperf_rr() {
	local mine="" theirs="" i server title="TCP requests and responses"
	command -v netperf >/dev/null || { absent "$title" netperf; return; }
	ip netns exec b netserver -D >/run/netserver 2>&1 &
	server=$!
	sleep 0.5
	for ((i = 0; i < ROUNDS; i++)); do
		theirs+="$(ip netns exec a netperf -P 0 -t TCP_RR -H 10.0.0.2 -l "${TIME%.*}" -T "$PIN" |
			awk 'NF >= 6 {print $6; exit}') "
		mine+="$(ours tcp-rr .values[0] a:veth0 --what rr --cpu "$PIN") "
	done
	kill "$server"
	wait "$server" 2>/dev/null || true
	report "$title" k/s netperf 1e-3 "$mine" "$theirs" 0.95 1.05
}

# The whole matrix, as anybody calls it: under 3 minutes.
matrix() {
	vethlab bench --matrix --json | jq -c '{title: "bench --matrix", took_s: (.took_ns / 1e9),
		cells: (.results | length), noisy: ([.results[] | select(.noisy)] | length)} |
		.says = if .took_s < 180 then "met" else "missed" end' | tee -a "$results" |
		jq -r '"\n`bench --matrix`: \(.took_s | round) s (aim: under 180 s), \(.noisy) of " +
		"\(.cells) cells noisy: \(.says)."'
}

# On two CPUs they wait for a sleeping CPU twice, which a virtual machine does as it likes; on one
# CPU what the tools do themselves counts.
datagrams() {
	command -v sockperf >/dev/null || { absent "UDP round trips (p50)" sockperf; return; }
	datagrams_on "UDP round trips (p50), a CPU each" "$PIN"
	datagrams_on "UDP round trips (p50), on one CPU" 0,0
}

datagrams_on() { # TITLE CPU,CPU
	local mine="" theirs="" i server
	ip netns exec b taskset -c "${2#*,}" sockperf server -i 10.0.0.2 -p 11111 >/run/sockperf 2>&1 &
	server=$!
	sleep 0.5
	for ((i = 0; i < ROUNDS; i++)); do
		# It tells half of a round trip, in us.
		theirs+="$(ip netns exec a taskset -c "${2%,*}" sockperf ping-pong -i 10.0.0.2 \
			-p 11111 -t "${TIME%.*}" -m 14 2>&1 |
			awk '/percentile 50/ {gsub("[^0-9.]", "", $NF); print 2000 * $NF}') "
		mine+="$(ours udp-rr '.trip_ns.p50' a:veth0 --what rr --cpu "$2") "
	done
	kill "$server"
	wait "$server" 2>/dev/null || true
	report "$1" us sockperf 1e-3 "$mine" "$theirs" 0.95 1.05
}

# How far medians of one and the same lie apart over five runs; the tool may say "noisy" instead, of the
# run whose median is the middle one.
repeat() {
	local i what
	for ((i = 0; i < 5; i++)); do
		vethlab bench --json --size 64 --what rtt,tcp,udp --hooks none >"/run/repeat.$i.json"
		vethlab bench --json --size 64 --what pps --hooks none >"/run/repeat.pps.$i.json"
	done
	for what in rtt rtt-flood tcp udp xdp-drop; do
		jq -cs --arg what "$what" '
			[.[].results[] | select(.what == $what and .hooks == "none") | {median, noisy}] |
			sort_by(.median) as $s |
			{title: "five runs of \($what)", values: map(.median), noisy: map(.noisy),
			 apart: (($s[-1].median - $s[0].median) / $s[2].median),
			 says_noisy: $s[2].noisy} |
			.says = if .apart <= 0.05 then "met" elif .says_noisy then "noisy" else "missed" end' \
			/run/repeat.*.json | tee -a "$results" |
			jq -r '"\n\(.title | sub("^f"; "F")): medians \(100 * .apart * 10 | round / 10) % of the " +
			"middle one apart (aim: 5 %, or \"noisy\" of the middle one): \(.says)."'
	done
}

PIN=$(jq -rn --argjson n "$THREADS" 'if $n > 1 then "0,1" else "0,0" end')
cat >/run/two.yaml <<-END
	lab: two
	nodes: {a: {}, b: {}}
	links:
	  - endpoints:
	      - {end: "a:veth0", address: 10.0.0.1/24}
	      - {end: "b:veth0", address: 10.0.0.2/24}
END
vethlab up /run/two.yaml --hooks none --xdp off >/run/up
echo "## A veth link: vethlab bench beside other tools"
echo
echo "$(uname -r), $(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo), $(nproc) CPUs," \
	"load $(cut -d' ' -f1 /proc/loadavg) at the start; medians of $ROUNDS rounds of $TIME s in turns."
echo
echo "| what | vethlab bench | peer | ratio (interval) | aim |"
echo "|---|---|---|---|---|"
for part in ${PARTS:-live_frames tcp flood datagrams netperf repeat matrix}; do
	if [[ $part == netperf ]]; then netperf_rr; else $part; fi
done
vethlab down two >/run/down
jq -s '{schema: "vethlab.bench-link/1", results: .}' "$results" >"$JSON"
