#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels.sh LOG... - write docs/kernels.md to stdout, from what tests/vm/run said of whole runs (it keeps them in
# BUILD/vm/results): a row for each kernel, and which tests it skipped or failed. A run without an end is left out; of
# several of one kernel the last counts.
set -euo pipefail

[[ $# -gt 0 ]] || {
	echo "usage: kernels.sh LOG..." >&2
	exit 2
}
rows=$(mktemp) details=$(mktemp)
trap 'rm -f "$rows" "$details"' EXIT

# Appends to the files rows and details.
read_log() { # LOG
	tr -d '\r' <"$1" | awk -v rows="$rows" -v details="$details" '
		function note(reason, test) {
			if (!(reason in tests))
				order[++n] = reason
			tests[reason] = tests[reason] (tests[reason] == "" ? "" : ", ") "`" test "`"
		}
		/^vm: vethlab / { version = $3 }
		/^vm-init: Linux / {
			release = $3
			sub(/,$/, "", release)
			over = n = 0 # a guest that stopped was booted again
			delete tests
		}
		over { next } # what a suite says of all its runs
		/^ *[0-9]+\/[0-9]+ tests\// {
			script = $0
			sub(/^ *[0-9]+\/[0-9]+ tests\/[a-z]+\/(test_)?/, "", script)
			sub(/[ .].*/, "", script)
		}
		/^    skipped: [^:]+: / {
			name = $0
			sub(/^    skipped: (part of )?(test_)?/, "", name)
			reason = name
			sub(/^[^:]+: /, "", reason)
			sub(/:.*/, "", name)
			note(reason, script " " name)
		}
		/^  tests\/[^ ]+: / {
			sub(/^  tests\/[a-z]+\/(test_)?/, "")
			sub(/(\.sh)?: (test_)?/, " ")
			note("**failed**", $0)
		}
		/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { counts = $1 " | " $3 " | " $5 }
		/^vm-init: done / { over = 1 }
		END {
			print "| " release " | " version " | " counts " |" >>rows
			print "\n## " release "\n" >>details
			for (i = 1; i <= n; i++)
				print "- " order[i] ": " tests[order[i]] >>details
			if (!n)
				print "Every test passed." >>details
		}'
}

declare -A logs
for log; do
	release=$(sed -n 's/^vm-init: Linux \([^,]*\),.*/\1/p' "$log" | tail -1)
	if [[ -z $release ]] || ! grep -q '^vm-init: done ' "$log"; then
		echo "kernels: $log has no end: left out" >&2
		continue
	fi
	logs[$release]=$log
done
[[ ${#logs[@]} -gt 0 ]] || {
	echo "kernels: no log of a whole run" >&2
	exit 1
}
for release in $(printf '%s\n' "${!logs[@]}" | sort -V); do
	read_log "${logs[$release]}"
done
cat <<'END'
# Kernels

vethlab is tested on the kernel of whoever runs `make check`, and on packaged kernels of Debian in an emulated machine
(`make vm KERNEL=6.1`): the eBPF programs, and the tests of labs that a kernel can tell apart. This page is made from
the results of these runs by `make kernels`. A test is skipped where a kernel lacks what it is about.

| kernel | vethlab | passed | failed | skipped |
|---|---|---|---|---|
END
cat "$rows" "$details"
