#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# beside_teardown.sh [N [ROUNDS]] - `up` of a chain of N nodes (500), IPv4 and IPv6, while the kernel takes
# down the N namespaces of another lab, in ROUNDS (20) rounds: how many of them fail, and whether each address of
# each node has its routes afterwards (local and connected; of IPv6 also those of fe80::/64). Per-CPU
# memory is short then, and the kernel leaves out routes without a word. Exit status 1 if a round fails or
# a route is missing. Everything happens in namespaces of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
BUILD=$(readlink -f "${BUILD:-build}")
N=${1:-500}
ROUNDS=${2:-20}
export PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${BENCH_INSIDE:-} ]]; then
	[[ $EUID -eq 0 ]] || { echo "beside_teardown.sh needs root" >&2; exit 1; }
	exec env BENCH_INSIDE=1 unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
mount -t tmpfs run /run
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

chain() { # LAB LETTER
	awk -v n="$N" -v lab="$1" -v c="$2" 'BEGIN {
		print "lab: " lab "\nnodes:"
		for (i = 0; i < n; i++) print "  " c i ": {}"
		print "links:"
		for (i = 0; i < n - 1; i++) {
			v4 = "10." int(i / 250) "." i % 250
			v6 = sprintf("fd00:%x", i + 1)
			print "  - endpoints:"
			print "      - {end: \"" c i ":r\", addresses: [" v4 ".1/24, \"" v6 "::1/64\"]}"
			print "      - {end: \"" c i + 1 ":l\", addresses: [" v4 ".2/24, \"" v6 "::2/64\"]}"
		}
	}'
}

# The routes that the addresses of a node must have, each "NODE TYPE PREFIX DEVICE".
wanted() {
	awk -v n="$N" 'function end(node, dev, v4, v6, host) {
		print "n" node, "local", v4 "." host, dev
		print "n" node, "unicast", v4 ".0/24", dev
		print "n" node, "local", v6 "::" host, dev
		print "n" node, "unicast", v6 "::/64", dev
		print "n" node, "unicast", "fe80::/64", dev
	}
	BEGIN {
		for (i = 0; i < n - 1; i++) {
			v4 = "10." int(i / 250) "." i % 250
			v6 = sprintf("fd00:%x", i + 1)
			end(i, "r", v4, v6, 1)
			end(i + 1, "l", v4, v6, 2)
		}
	}' | sort
}

# Those that there are.
there() {
	local i family
	for ((i = 0; i < N; i++)); do
		for family in 4 6; do
			ip -n "n$i" "-$family" -d route show table all | sed "s/^/n$i /"
		done
	done | awk '$2 == "local" || $2 == "unicast" {
		for (k = 4; k < NF; k++) if ($k == "dev") print $1, $2, $3, $(k + 1)
	}' | sort -u
}

chain old o >"$tmp/old.yaml"
chain chain n >"$tmp/chain.yaml"
wanted >"$tmp/wanted"
failed=0 missing=0
for ((round = 1; round <= ROUNDS; round++)); do
	"$BUILD/vethlab" up "$tmp/old.yaml" >/dev/null
	"$BUILD/vethlab" down old >/dev/null 2>&1 &
	if "$BUILD/vethlab" up "$tmp/chain.yaml" >"$tmp/said" 2>&1; then
		wait
		there >"$tmp/there"
		n=$(comm -23 "$tmp/wanted" "$tmp/there" | tee "$tmp/missing" | wc -l)
		missing=$((missing + n))
		echo "round $round: up, $n routes missing"
		head -3 "$tmp/missing"
		"$BUILD/vethlab" down chain >/dev/null 2>&1
	else
		wait
		failed=$((failed + 1))
		echo "round $round: up failed: $(head -3 "$tmp/said")"
		"$BUILD/vethlab" down chain >/dev/null 2>&1 || true
	fi
done
echo "$N nodes beside the teardown of $N namespaces: $failed of $ROUNDS rounds failed, $missing of" \
	"$(($(wc -l <"$tmp/wanted") * ROUNDS)) routes missing"
[[ $failed -eq 0 && $missing -eq 0 ]]
