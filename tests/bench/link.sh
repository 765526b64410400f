#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# link.sh - `vethlab bench` beside other tools on the same machine and link, in turns: live
# frames beside the least loop that makes them (live.c), TCP beside iperf3, round trips beside
# `ping -f` and sockperf, and how far five runs of its own lie apart. Prints Markdown. Peers that
# are not installed are named as absent. As root; nothing outside namespaces of its own is touched.
#
# ROUNDS: how often each is measured (5). TIME: whole seconds of one measurement (1). JSON=FILE: the
# same as one document.
set -euo pipefail

SELF=$(readlink -f "$0")
TOP=$(dirname "$SELF")/../..
BUILD=$(cd "$TOP" && readlink -f "${BUILD:-build}")
ROUNDS=${ROUNDS:-5}
TIME=${TIME:-1}
THREADS=$(nproc)

if [[ -z ${VETHLAB_BENCH_INSIDE:-} ]]; then
	[[ -z ${JSON:-} || $JSON == /* ]] || JSON=$PWD/$JSON
	export JSON=${JSON:-/dev/null} VETHLAB_BENCH_INSIDE=1
	exec unshare --net --mount --pid --fork --kill-child --mount-proc "$SELF"
fi
mount -t tmpfs run /run
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
results=$(mktemp -p /run)

vethlab() {
	"$BUILD/vethlab" "$@"
}

# The value of one measurement of ours.
ours() { # WHAT JQ-FIELD ARGUMENTS OF bench...
	local what=$1 field=$2
	shift 2
	vethlab bench --json --runs 1 --time "$TIME" "$@" |
		jq ".results[] | select(.what == \"$what\") | $field" | head -1
}

median() { # NUMBER...
	printf '%s\n' "$@" | sort -g |
		awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'
}

# Two series as one result: title, unit, the peer's name, the factor for people, ours, theirs, aim.
report() { # TITLE UNIT PEER FACTOR "OURS..." "THEIRS..." AIM
	local mine theirs
	# shellcheck disable=SC2086 # lists of numbers
	mine=$(median $5) theirs=$(median $6)
	jq -cn --arg title "$1" --arg unit "$2" --arg peer "$3" --arg factor "$4" --arg ours "$5" \
		--arg theirs "$6" --arg aim "$7" --arg mine "$mine" --arg his "$theirs" \
		'{title: $title, unit: $unit, peer: $peer, aim: $aim,
		  ours: [$ours | splits(" ") | select(. != "") | tonumber],
		  theirs: [$theirs | splits(" ") | select(. != "") | tonumber],
		  median: ($mine | tonumber), peer_median: ($his | tonumber),
		  ratio: (($mine | tonumber) / ($his | tonumber))}' >>"$results"
	awk -v t="$1" -v u="$2" -v p="$3" -v f="$4" -v a="$mine" -v b="$theirs" -v aim="$7" \
		'BEGIN {printf "| %s | %.4g %s | %s: %.4g %s | %.3f | %s |\n", t, a * f, u, p, b * f, u, a / b, aim}'
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
	report "64-byte live frames into XDP drop" Mpps "live.c" 1e-6 "$mine" "$theirs" "at least 0.95"
}

tcp() {
	local mine="" theirs="" i
	command -v iperf3 >/dev/null || { absent "TCP, one stream" iperf3; return; }
	for ((i = 0; i < ROUNDS; i++)); do
		ip netns exec b iperf3 -s -1 -D
		sleep 0.2
		theirs+="$(ip netns exec a iperf3 -c 10.0.0.2 -t "${TIME%.*}" -J -A "$PIN" |
			jq .end.sum_received.bits_per_second) "
		mine+="$(ours tcp .values[0] a:veth0 --what tcp --cpu "$PIN") "
	done
	report "TCP, one stream" Gbit/s iperf3 1e-9 "$mine" "$theirs" "within 3 %"
}

flood() {
	local mine="" theirs="" i
	for ((i = 0; i < ROUNDS; i++)); do
		theirs+="$(ip netns exec a taskset -c "${PIN%,*}" ping -q -f -c 20000 10.0.0.2 |
			awk -F/ '/^rtt/ {print $5 * 1e6}') "
		mine+="$(ours rtt-flood '.trip_ns.p50' a:veth0 --what rtt --cpu "$PIN") "
	done
	report "ICMP echo, back to back (p50; ping tells the mean, in whole us)" us "ping -f" 1e-3 \
		"$mine" "$theirs" "within 5 % and its 1 us"
}

datagrams() {
	local mine="" theirs="" i server
	command -v sockperf >/dev/null || { absent "UDP round trips (p50)" sockperf; return; }
	ip netns exec b taskset -c "${PIN#*,}" sockperf server -i 10.0.0.2 -p 11111 >/run/sockperf 2>&1 &
	server=$!
	sleep 0.5
	for ((i = 0; i < ROUNDS; i++)); do
		# It tells half of a round trip, in us.
		theirs+="$(ip netns exec a taskset -c "${PIN%,*}" sockperf ping-pong -i 10.0.0.2 \
			-p 11111 -t "${TIME%.*}" -m 14 2>&1 |
			awk '/percentile 50/ {gsub("[^0-9.]", "", $NF); print 2000 * $NF}') "
		mine+="$(ours udp-rr '.trip_ns.p50' a:veth0 --what rr --cpu "$PIN") "
	done
	kill "$server"
	wait "$server" 2>/dev/null || true
	report "UDP round trips (p50)" us sockperf 1e-3 "$mine" "$theirs" "within 5 %"
}

# How far medians of one and the same lie apart; it may say "noisy" instead.
repeat() {
	local i doc values="" noisy=""
	for ((i = 0; i < 5; i++)); do
		doc=$(vethlab bench --json --runs 5 --time 0.3 --what tcp)
		values+="$(jq '.results[0].median' <<<"$doc") "
		[[ $(jq '.results[0].noisy' <<<"$doc") == false ]] || noisy+="$((i + 1)) "
	done
	jq -cn --arg values "$values" --arg noisy "$noisy" \
		'{title: "five runs", values: [$values | splits(" ") | select(. != "") | tonumber], noisy: $noisy}' >>"$results"
	# shellcheck disable=SC2086 # a list of numbers
	awk -v m="$(median $values)" -v noisy="${noisy:-none}" '{for (i = 1; i <= NF; i++) {
		if (i == 1 || $i < lo) lo = $i; if ($i > hi) hi = $i}}
		END {printf "\nFive runs of `bench --what tcp`: medians from %.3g to %.3g Gbit/s, %.1f %% of the median apart (aim: 5 %%, or \"noisy\"); runs that said noisy: %s.\n",
		lo / 1e9, hi / 1e9, 100 * (hi - lo) / m, noisy}' <<<"$values"
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
echo "| what | vethlab bench | peer | ratio | aim |"
echo "|---|---|---|---|---|"
live_frames
tcp
flood
datagrams
repeat
vethlab down two >/run/down
jq -s '{schema: "vethlab.bench-link/1", results: .}' "$results" >"$JSON"
