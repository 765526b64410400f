#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# build.sh [N] - how fast labs are built and removed: a chain of N nodes (1000) by vethlab with and
# without programs, by the raw system calls, by ip-batch; 100 hosts on a line of 100 bridges by
# vethlab and, where it is installed, by Mininet; memory and time of `up` for labs of more links. Runs are
# interleaved; each row is the median of ROUNDS (5) runs with its extremes, and ratios are of medians in
# this run. Everything happens in namespaces of its own. JSON=FILE: the same as one document.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
BUILD=$(readlink -f "${BUILD:-build}")
N=${1:-1000}
ROUNDS=${ROUNDS:-5}
PEER_ROUNDS=${PEER_ROUNDS:-2} # of Mininet, which takes its time
SETTLE=${SETTLE:-2} # seconds for the kernel to let go of what a run made; 0: figures do not matter
LINEAR=${LINEAR:-100}
MESH=${MESH:-1000 3000 10000}
export PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${BENCH_INSIDE:-} ]]; then
	[[ $EUID -eq 0 ]] || { echo "bench-build needs root" >&2; exit 1; }
	exec env BENCH_INSIDE=1 JSON="${JSON:+$(readlink -f "$JSON")}" \
		unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
mount -t tmpfs run /run
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

chain() { # NODES
	awk -v n="$1" 'BEGIN {
		print "lab: chain\nnodes:"
		for (i = 0; i < n; i++) print "  n" i ": {}"
		print "links:"
		for (i = 0; i < n - 1; i++) {
			net = "10." int(i / 250) "." i % 250
			print "  - endpoints:"
			print "      - {end: \"n" i ":r\", address: " net ".1/24}"
			print "      - {end: \"n" i + 1 ":l\", address: " net ".2/24}"
		}
	}'
}

# What Mininet calls linear,N: a host and a bridge each, the bridges on a line.
linear() { # N
	awk -v n="$1" 'BEGIN {
		print "lab: linear\nnodes:"
		for (i = 1; i <= n; i++) print "  h" i ": {}\n  s" i ": {kind: bridge}"
		print "links:"
		for (i = 1; i <= n; i++) {
			print "  - endpoints:"
			print "      - {end: \"h" i ":eth0\", address: 10.0.0." i "/8}"
			print "      - \"s" i ":host\""
			if (i > 1) print "  - endpoints: [\"s" i - 1 ":right\", \"s" i ":left\"]"
		}
	}'
}

# 1,000 nodes (fewer for fewer links) on a ring, each linked to the next ones; no addresses.
mesh() { # LINKS
	awk -v links="$1" 'BEGIN {
		n = links < 1000 ? links : 1000
		print "lab: mesh\nnodes:"
		for (i = 0; i < n; i++) print "  n" i ": {}"
		print "links:"
		for (k = 0; k < links; k++) {
			i = k % n; hop = 1 + int(k / n)
			print "  - endpoints: [\"n" i ":o" hop "\", \"n" (i + hop) % n ":i" hop "\"]"
		}
	}'
}

# What `ip` needs: one batch for namespaces and links, then one a namespace.
ip_files() { # NODES
	awk -v n="$1" -v dir="$tmp" 'BEGIN {
		for (i = 0; i < n; i++) print "netns add n" i > (dir "/ip")
		for (i = 0; i < n - 1; i++)
			print "link add r netns n" i " type veth peer name l netns n" i + 1 > (dir "/ip")
		for (i = 0; i < n; i++) {
			file = dir "/ip." i
			print "link set dev lo up" > file
			if (i) {
				print "address add 10." int((i - 1) / 250) "." (i - 1) % 250 ".2/24 dev l" > file
				print "link set dev l up" > file
			}
			if (i < n - 1) {
				print "address add 10." int(i / 250) "." i % 250 ".1/24 dev r" > file
				print "link set dev r up" > file
			}
			close(file)
		}
	}'
}

cat >"$tmp/ip.sh" <<-'END'
	ip -batch "$1/ip"
	for ((i = 0; i < $2; i++)); do
		ip -n n$i -batch "$1/ip.$i"
	done
END

# The kernel takes namespaces apart after `down` has returned, and holds the lock that the next one needs:
# go on when making and removing a link is quick again, some times in turn.
settle() {
	local quick=0 tries start
	[[ $SETTLE != 0 ]] || return 0
	sleep "$SETTLE"
	for ((tries = 0; tries < 300 && quick < 5; tries++)); do
		start=${EPOCHREALTIME/[.,]/}
		ip link add settle0 type veth peer name settle1
		ip link del settle0
		quick=$((${EPOCHREALTIME/[.,]/} - start < 60000 ? quick + 1 : 0))
		sleep 0.1
	done
}

# Nothing of a lab is left once the kernel is done: names, files, programs, interfaces.
no_residue() { # ROW
	local left tries
	for ((tries = 0; tries < 100; tries++)); do
		left=$(find /run/netns /run/vethlab /sys/fs/bpf -mindepth 1 -not -name '*.debug' 2>/dev/null
			ip -br link | grep -v '^lo ' || true)
		[[ -n $left ]] || return 0
		sleep 0.1
	done
	echo "$1 left: $left" | head -n 5 >&2
	exit 1
}

clear_names() {
	local name
	for name in /run/netns/*; do
		umount "$name"
		rm "$name"
	done
}

measure() { # ROW COMMAND...
	local row=$1 took
	shift
	took=$("$BUILD/tests/bench/build_measure" "$@" 2>"$tmp/said") || {
		head -n 5 "$tmp/said" >&2
		exit 1
	}
	echo "$row $took" >>"$tmp/results"
}

up_and_down() { # ROW OPTIONS...
	local row=$1
	shift
	measure "up-$row" "$BUILD/vethlab" up "$tmp/chain.yaml" "$@"
	measure "down-$row" "$BUILD/vethlab" down
	settle
	no_residue "down-$row"
}

chain "$N" >"$tmp/chain.yaml"
ip_files "$N"
for ((round = 0; round < ROUNDS; round++)); do
	echo "round $((round + 1)) of $ROUNDS" >&2
	measure raw "$BUILD/tests/bench/build_raw" "$N"
	clear_names
	settle
	up_and_down programs
	up_and_down none --hooks none
	measure ip-batch bash "$tmp/ip.sh" "$tmp" "$N"
	clear_names
	settle
done
for links in $MESH; do
	echo "$links links" >&2
	mesh "$links" >"$tmp/mesh.yaml"
	measure "mesh-$links" "$BUILD/vethlab" up "$tmp/mesh.yaml"
	measure "mesh-down-$links" "$BUILD/vethlab" down
	settle
	no_residue "mesh-down-$links"
done
mininet=absent
linear "$LINEAR" >"$tmp/chain.yaml"
if [[ $PEER_ROUNDS -gt 0 ]] && command -v brctl >/dev/null &&
	/usr/bin/python3 -c 'import mininet.net' 2>/dev/null; then
	mininet=measured
fi
for ((round = 0; round < (PEER_ROUNDS ? PEER_ROUNDS : 1); round++)); do
	echo "linear,$LINEAR, round $((round + 1))" >&2
	up_and_down linear
	if [[ $mininet == measured ]]; then
		measure mininet-all /usr/bin/python3 tests/bench/build_mininet.py "$LINEAR"
		echo "mininet-linear $(tail -n 1 "$tmp/said")" >>"$tmp/results"
		settle
	fi
done

# "ROW RUNS MEDIAN LEAST MOST KIB", KIB the most of all runs
sort -k1,1 -k2,2n "$tmp/results" | awk '
	function flush() {
		if (n) printf "%s %d %.3f %.3f %.3f %d\n", row, n,
			n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2, v[1], v[n], kib
		n = 0; kib = 0
	}
	$1 != row { flush(); row = $1 }
	{ v[++n] = $2; if ($3 > kib) kib = $3 }
	END { flush() }' >"$tmp/rows"

# What a link costs in a lab of many and of few: quadratic growth would be as many times as much.
for which in "first ${MESH%% *}" "last ${MESH##* }"; do
	awk -v which="${which% *}" -v links="${which#* }" '$1 == "mesh-" links {
		printf "per-link-%s 1 %.6f %.6f %.6f 0\n", which, $3 / links, $3 / links, $3 / links }' "$tmp/rows"
done >"$tmp/per-link"

row() { # ROW FIELD
	awk -v row="$1" -v field="$2" '$1 == row { print $field }' "$tmp/rows" "$tmp/per-link"
}

ratio() { # WHAT ROW ROW GOAL
	[[ -n $(row "$2" 3) && -n $(row "$3" 3) ]] || return 0
	awk -v what="$1" -v a="$(row "$2" 3)" -v b="$(row "$3" 3)" -v goal="$4" 'BEGIN {
		printf "%s|%.2f|%s|%s\n", what, a / b, goal, a / b <= goal ? "met" : "missed" }'
}

limit() { # WHAT VALUE GOAL
	[[ -n $2 ]] || return 0
	awk -v what="$1" -v a="$2" -v goal="$3" 'BEGIN {
		printf "%s|%.2f|%s|%s\n", what, a, goal, a <= goal ? "met" : "missed" }'
}

{
	ratio "up with programs : raw system calls" up-programs raw 1.5
	ratio "up without programs : raw system calls" up-none raw 1.0
	ratio "up without programs : ip -batch" up-none ip-batch 0.5
	ratio "up of linear,$LINEAR : Mininet, with its end" up-linear mininet-all 0.03
	ratio "up of linear,$LINEAR : Mininet's start() alone" up-linear mininet-linear 0.03
	limit "down with programs, s" "$(row down-programs 3)" 0.5
	limit "down without programs, s" "$(row down-none 3)" 0.5
	first=${MESH%% *} last=${MESH##* }
	ratio "up a link: $last links : $first links" per-link-last per-link-first 2.0
	limit "up of $last links, MiB" "$(awk -v k="$(row "mesh-$last" 6)" 'BEGIN { print k / 1024 }')" 64
} >"$tmp/goals"

printf '%-18s %5s %9s %9s %9s %9s\n' "chain of $N" runs median least most KiB
awk '{ printf "%-18s %5d %8.3fs %8.3fs %8.3fs %9d\n", $1, $2, $3, $4, $5, $6 }' "$tmp/rows"
echo
printf '%-46s %8s %8s\n' "" is "at most"
awk -F'|' '{ printf "%-46s %8s %8s  %s\n", $1, $2, $3, $4 }' "$tmp/goals"
[[ $mininet == measured ]] || echo "Mininet is not installed (mininet, bridge-utils): not compared"
echo "$(nproc) CPUs, Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
if [[ -n ${JSON:-} ]]; then
	jq -n --rawfile rows "$tmp/rows" --rawfile goals "$tmp/goals" --arg kernel "$(uname -r)" \
		--arg load "$(cat /proc/loadavg)" --argjson cpus "$(nproc)" --argjson nodes "$N" '{
		schema: "vethlab.bench-labs/1", nodes: $nodes, cpus: $cpus, kernel: $kernel, load: $load,
		rows: [$rows | split("\n")[] | select(. != "") | split(" ") | {row: .[0], runs: (.[1] | tonumber),
			median_s: (.[2] | tonumber), least_s: (.[3] | tonumber), most_s: (.[4] | tonumber),
			max_kib: (.[5] | tonumber)}],
		goals: [$goals | split("\n")[] | select(. != "") | split("|") | {what: .[0],
			is: (.[1] | tonumber), at_most: (.[2] | tonumber), met: (.[3] == "met")}]}' >"$JSON"
fi
