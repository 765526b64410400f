#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_fuzz.sh - the fuzz targets build, bear their seeds, and some thousand inputs made from them,
# the same ones each time. `make fuzz` looks further. Speaks TAP, one result a target.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/fuzz/lib.sh
. tests/fuzz/lib.sh
RUNS=3000
n=0 failed=0

smoke() { # TARGET
	local log=$work/$1.log runs
	n=$((n + 1))
	if "build_$1" >"$log" 2>&1 && "seeds_$1" &&
		fuzz "$1" "$log" "$work/$1" -seed=1 -runs=$RUNS -timeout=120; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		if [[ ${runs:-0} -ge $RUNS ]]; then
			echo "ok $n - fuzz $1"
			return
		fi
		echo "# only ${runs:-0} inputs"
	fi
	tail -60 "$log" | sed 's/^/# /'
	echo "not ok $n - fuzz $1"
	failed=1
}

echo "1..${#TARGETS[@]}"
if ! why=$(can_fuzz); then
	why=$(grep -m 1 -i error <<<"$why")
	for target in "${TARGETS[@]}"; do
		echo "ok $((n += 1)) # SKIP fuzz $target: $CLANG has no libFuzzer (${why:-it is missing})"
	done
	exit 0
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
# A build of its own: `make fuzz` may run beside it.
FUZZ=$work/fuzz
for target in "${TARGETS[@]}"; do
	smoke "$target"
done
exit $failed
