#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# verbs.sh [VETHLAB...] - what verbs cost that load programs or read the kernel's types: CPU (user and
# kernel) and time by the clock, of the build's program, or of several builds of it beside each other
# (BEFORE/vethlab AFTER/vethlab). Rounds are interleaved; a figure is the median of ROUNDS (11) with its
# extremes, in ms. LAB: a lab file with an end default:veth0 (blue's). JSON=FILE: the same as a document.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-11}
LAB=${LAB:-$TOP/topology/labs/blue.yaml}
TIMEFORMAT='%3U %3S %3R'
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
[[ $# -gt 0 ]] || set -- "$BUILD/vethlab"

measure() { # BINARY ROW OPTION...
	local vethlab=$1 row=$2
	shift 2
	{ time "$vethlab" "$@" >"$tmp/said" 2>&1; } 2>"$tmp/time" || { cat "$tmp/said" >&2; exit 1; }
	awk -v row="$row $vethlab" '{ print row, ($1 + $2) * 1000, $3 * 1000 }' "$tmp/time" >>"$tmp/results"
}

round() { # BINARY
	measure "$1" "up --tc clsact" up "$LAB" --tc clsact
	measure "$1" "down" down blue
	measure "$1" "up --tc tcx" up "$LAB" --tc tcx
	"$1" link default:veth0 up >/dev/null
	measure "$1" "ping -c 1" ping -c 1 default 10.1.1.1
	measure "$1" "trace --for 1ms" trace --for 1ms
	measure "$1" "stats" stats
	measure "$1" "why" why default 10.1.1.1
	measure "$1" "capture" capture -w "$tmp/frames" --for 1ms
	"$1" down blue >/dev/null
}

for ((i = 0; i < ROUNDS; i++)); do
	for vethlab; do
		round "$vethlab"
	done
done

# ROW|BINARY|CPU|LEAST|MOST|CLOCK|LEAST|MOST, in the order in which they came first.
medians() {
	awk '
		{
			clock = $NF; cpu = $(NF - 1); binary = $(NF - 2)
			NF -= 3
			key = $0 "|" binary
			if (!n[key]++) order[++rows] = key
			c[key, n[key]] = cpu; w[key, n[key]] = clock
		}
		function middle(v, key,   i, j, t) {
			for (i = 2; i <= n[key]; i++)
				for (j = i; j > 1 && v[key, j - 1] + 0 > v[key, j] + 0; j--) {
					t = v[key, j]; v[key, j] = v[key, j - 1]; v[key, j - 1] = t
				}
			return v[key, int((n[key] + 1) / 2)] "|" v[key, 1] "|" v[key, n[key]]
		}
		END { for (i = 1; i <= rows; i++) print order[i] "|" middle(c, order[i]) "|" middle(w, order[i]) }
	' "$tmp/results" | sort -s -t '|' -k 1,1
}

printf '%-16s %-40s %s\n' "verb, ms" "program" "     CPU (least, most)   clock (least, most)"
medians | while IFS='|' read -r verb binary cpu cpu1 cpu2 clock clock1 clock2; do
	printf '%-16s %-40s %8s %-14s %6s %s\n' "$verb" "$binary" "$cpu" "($cpu1, $cpu2)" "$clock" \
		"($clock1, $clock2)"
done
medians | jq -R -s --argjson rounds "$ROUNDS" '{rounds: $rounds, unit: "ms", rows: [split("\n")[] |
	select(length > 0) / "|" | {verb: .[0], program: .[1],
		cpu: {median: .[2] | tonumber, least: .[3] | tonumber, most: .[4] | tonumber},
		clock: {median: .[5] | tonumber, least: .[6] | tonumber, most: .[7] | tonumber}}]}' >"$JSON"
