#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_readme.sh - what README.md tells a newcomer to type works as it stands there.
# shellcheck disable=SC2016 # backquotes are of Markdown
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

README=$TOP/README.md

# The commands below a heading that are indented as code, without their comments.
commands() { # HEADING
	awk -v heading="## $1" '/^## / { inside = $0 == heading }
		inside && /^    vethlab / { sub(/ *#.*/, ""); sub(/^ */, ""); print }' "$README"
}

test_first_steps() {
	local line status n=0
	while read -r line; do
		status=0
		# The README says that the first ping to 10.1.1.1 fails.
		[[ $line != "vethlab ping default 10.1.1.1" || $n -gt 3 ]] || status=1
		if [[ $status -eq 0 ]]; then
			# shellcheck disable=SC2086 # words of a command line
			good $line
		else
			# shellcheck disable=SC2086
			bad "$status" $line
			says "default:veth0 is down"
		fi
		n=$((n + 1))
		[[ $n -ne 1 ]] || remember_objects
	done < <(commands "First steps")
	assert_eq "$n" 8 "commands in First steps"
}

test_lab_file() {
	sed -n '/^```yaml$/,/^```$/p' "$README" | sed '1d;$d' >"$TEST_TMP/road.yaml"
	good vethlab check "$TEST_TMP/road.yaml"
	says "3 nodes, 2 links"
	up "$TEST_TMP/road.yaml"
	good vethlab ping left right -c 3
	says "router passed it on" "3 sent, 3 answered"
	bad 1 vethlab ping left 10.0.2.2 -t 1
	says "router: time to live exceeded"
	good vethlab graph --dot "$TEST_TMP/road.yaml"
	good vethlab down road
}

# Every verb of the table exists, and every verb that exists is in the table.
test_verbs() {
	local told known
	told=$(sed -n '/^## Verbs/,/^## Lab file/p' "$README" | grep '^| `' | cut -d'|' -f2 |
		grep -o '`[a-z]*`' | tr -d '`' | sort)
	known=$(vethlab help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | sort)
	assert_eq "$told" "$known" "verbs in the README"
}

run_tests
