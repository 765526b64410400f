#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# trace.sh - what tracing costs: a record in the kernel, floods with and without a tracer in turns, how
# fast records become stories, and what a lab costs that nobody traces. Prints a table. As root;
# nothing outside namespaces of its own is touched.
#
# ROUNDS: how often each is measured (7). FLOOD: echoes of a flood (20000). JSON=FILE: the same
# as one document.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-7}
FLOOD=${FLOOD:-20000}

cat >/run/lab.yaml <<'YAML'
lab: line
nodes:
  a: {routes: [{to: default, via: 10.0.1.2}]}
  r: {forward: true}
  b: {routes: [{to: default, via: 10.0.2.1}]}
links:
  - endpoints: [{end: "a:x", address: 10.0.1.1/24}, {end: "r:w", address: 10.0.1.2/24}]
  - endpoints: [{end: "r:e", address: 10.0.2.1/24}, {end: "b:y", address: 10.0.2.2/24}]
YAML

# Prints the time from one echo to the next in microseconds: ping's own mean has no digits below one.
flood() {
	vethlab exec a chrt -f 10 ping -qf -c "$FLOOD" 10.0.2.2 |
		sed -n 's/.* time \([0-9]*\)ms$/\1/p' | awk -v n="$FLOOD" '{ print $1 * 1000 / n }'
}

# A flood with a tracer whose words these are; sets rtt, records, lost, seen.
traced() { # OPTION OF trace...
	local tracer
	rm -f /run/trace.json
	"$BUILD/vethlab" trace -j "$@" >/run/trace.json 2>/run/trace.said &
	tracer=$!
	# It listens when the lab's map of sessions says so: an echo is seen.
	until [[ -s /run/trace.json ]]; do
		vethlab exec a ping -c 1 -W 1 10.0.2.2 >/dev/null
		sleep 0.05
	done
	ids=$(sed -n 's/^prog_id:[[:space:]]*//p' "/proc/$tracer/fdinfo"/* | sort -u)
	rtt=$(flood)
	sleep 0.5
	kill -INT "$tracer"
	wait "$tracer" || true
	left=$((left + $(left_of "$ids")))
	read -r records lost < <(sed -n 's/^\([0-9]*\) records, \([0-9]*\) lost$/\1 \2/p' /run/trace.said)
	seen=$(grep -vc trace-lost /run/trace.json || true)
}

# How many of a tracer's own programs are there still. The kernel takes them away in its own time.
left_of() { # IDS
	local id n=0 i
	for id in $1; do
		for ((i = 0; i < 50; i++)); do
			bpftool prog show id "$id" >/dev/null 2>&1 || continue 2
			sleep 0.1
		done
		n=$((n + 1))
	done
	echo "$n"
}

vethlab up /run/lab.yaml --xdp generic >/dev/null
flood >/dev/null
left=0
results=/run/results
: >$results
for ((i = 0; i < ROUNDS; i++)); do
	echo "untraced $(flood)" >>$results
	traced
	echo "events $rtt $records $lost $seen" >>$results
	echo "untraced $(flood)" >>$results
	traced --stack
	echo "stack $rtt $records $lost $seen" >>$results
done
vethlab down line >/dev/null
"$BUILD/tests/bench/trace_measure" record 15 >/run/record
"$BUILD/tests/bench/trace_measure" join 7 >/run/join

jq -nR --argjson left "$left" --argjson flood "$FLOOD" \
	--rawfile record /run/record --rawfile join /run/join '
	def median: sort | .[length / 2 | floor];
	def of: {median: median, min: min, max: max};
	[inputs | split(" ")] as $runs |
	def runs(name): [$runs | to_entries[] | select(.value[0] == name) |
		{at: .key, v: (.value[1:] | map(tonumber))}];
	# Each beside the untraced flood right before it.
	def ratios(name): [runs(name)[] | .v[0] / ($runs[.at - 1][1] | tonumber)];
	def traced(name): {rtt_us: ([runs(name)[].v[0]] | of), ratio: (ratios(name) | of),
		records: ([runs(name)[].v[1]] | add), lost: ([runs(name)[].v[2]] | add),
		written: ([runs(name)[].v[3]] | add)};
	($join | split("peak\n")) as $parts |
	{flood: $flood, untraced: {rtt_us: ([runs("untraced")[].v[0]] | of)},
	 events: traced("events"), stack: traced("stack"),
	 record_ns: ([$record | splits("\n") | select(. != "") | tonumber] | of),
	 join_per_s: ([$parts[0] | splits("\n") | select(. != "") | tonumber] | of),
	 join_in_flight: ($parts[1] | split("\n")[0] | tonumber),
	 join_kib: ($parts[1] | split("\n")[1] | tonumber),
	 programs_left: $left}' <$results | tee "$JSON" | jq -r '
	def three: if . >= 100 then round elif . >= 10 then . * 10 | round / 10
		else . * 100 | round / 100 end;
	def spread: "\(.median | three) (\(.min | three) to \(.max | three))";
	def lost: "\(.lost) of \(.records + .lost) records" +
		(if .written == .records then ", all others written" else ", written: \(.written)" end);
	"## What tracing costs\n\nMedian (least to most). Floods: `ping -f -c \(.flood)` through a router, " +
	"two links, all hooks,\none tracer that writes NDJSON to a file, in turns with none.\n\n" +
	"| what | measured | goal |\n|---|---|---|\n" +
	"| `ping -f`, from echo to echo, nobody traces | \(.untraced.rtt_us | spread) us | |\n" +
	"| round trip, traced at all hooks | \(.events.ratio | spread) times as long | 1.5 |\n" +
	"| lost then | \(.events | lost) | none, or told |\n" +
	"| round trip, traced with `--stack` | \(.stack.ratio | spread) times as long | 1.5 |\n" +
	"| lost then | \(.stack | lost) | none, or told |\n" +
	"| one record, in the kernel | \(.record_ns | spread) ns | 150 ns |\n" +
	"| records joined into stories, one core | \(.join_per_s | map_values(. / 1e6) | spread) M/s | 1 M/s |\n" +
	"| in memory for that | \(.join_in_flight) echoes, \(.join_kib) KiB | bounded |\n" +
	"| programs left when tracers are gone | \(.programs_left) | 0 |"'
