#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# link.sh - `vethlab bench` beside other tools on the same machine and link, in turns: live
# frames beside the least loop that makes them (live.c), TCP beside iperf3, round trips beside
# `ping -f` and sockperf, and how far five runs of its own lie apart. Prints Markdown. Peers that
# are not installed are named as absent. As root; nothing outside namespaces of its own is touched.
#
# PARTS: some of live_frames, tcp, flood, datagrams, repeat. ROUNDS: how often each is measured (5),
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
# between what the median of the ratios, round by round, shall be; slack: of the peer's resolution.
# "noisy": the interval of that median (by ranks, 94 % or more) holds what is aimed at and what is not.
report() { # TITLE UNIT PEER FACTOR "OURS..." "THEIRS..." LEAST MOST [SLACK]
	jq -cn --arg title "$1" --arg unit "$2" --arg peer "$3" --argjson factor "$4" --arg ours "$5" \
		--arg theirs "$6" --argjson least "$7" --argjson most "$8" --argjson slack "${9:-0}" '
		def list: [splits(" ") | select(. != "") | tonumber];
		def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
		($ours | list) as $a | ($theirs | list) as $b |
		([range($a | length)] | map($a[.] / $b[.])) as $ratios | ($ratios | sort) as $s |
		{title: $title, unit: $unit, peer: $peer, factor: $factor, ours: $a, theirs: $b,
		 median: ($a | median), peer_median: ($b | median), ratio: ($ratios | median),
		 aim: [$least, $most]} |
		($s | length | if . >= 15 then 3 elif . >= 12 then 2 elif . >= 9 then 1 else 0 end) as $k |
		.ratio_low = $s[$k] | .ratio_high = $s[-1 - $k] |
		.says = if (.ratio >= $least and .ratio <= $most) or
			((.median - .peer_median) as $apart | $apart <= $slack and $apart >= -$slack)
			then "met"
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

flood() {
	local mine="" theirs="" i
	for ((i = 0; i < ROUNDS; i++)); do
		theirs+="$(ip netns exec a taskset -c "${PIN%,*}" ping -q -f -c 20000 10.0.0.2 |
			awk -F/ '/^rtt/ {print $5 * 1e6}') "
		mine+="$(ours rtt-flood '.trip_ns.p50' a:veth0 --what rtt --cpu "$PIN") "
	done
	report "ICMP echo, back to back (p50; ping: the mean, in whole us)" us "ping -f" 1e-3 \
		"$mine" "$theirs" 0.95 1.05 1000
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

# How far medians of one and the same lie apart; it may say "noisy" instead.
repeat() {
	local i doc values="" noisy=""
	for ((i = 0; i < 5; i++)); do
		doc=$(vethlab bench --json --runs 5 --time 0.3 --what tcp)
		values+="$(jq '.results[0].median' <<<"$doc") "
		[[ $(jq '.results[0].noisy' <<<"$doc") == false ]] || noisy+="$((i + 1)) "
	done
	jq -cn --arg values "$values" --arg noisy "$noisy" '
		[$values | splits(" ") | select(. != "") | tonumber] as $v | ($v | sort) as $s |
		{title: "five runs", values: $v, noisy: $noisy,
		 apart: (($s[-1] - $s[0]) / $s[2])} |
		.says = if .apart <= 0.05 or .noisy != "" then "met" else "missed" end' |
		tee -a "$results" |
		jq -r '"\nFive runs of `bench --what tcp`: medians \(100 * .apart * 10 | round / 10) % of " +
		"the median apart (aim: 5 %, or \"noisy\"); runs that said noisy: " +
		"\(if .noisy == "" then "none" else .noisy end): \(.says)."'
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
for part in ${PARTS:-live_frames tcp flood datagrams repeat}; do
	$part
done
vethlab down two >/run/down
jq -s '{schema: "vethlab.bench-link/1", results: .}' "$results" >"$JSON"
