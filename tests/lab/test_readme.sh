#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_readme.sh - what README.md tells a newcomer to type works as it stands there.
# shellcheck disable=SC2016 # backquotes are of Markdown
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/pages.sh
. "$(dirname "$0")/pages.sh"

README=$TOP/README.md

# All its blocks; what the quick start says fails does so for the reason that is told.
test_blocks() {
	page_run README.md
	assert_eq "$(wc -l <"$README" | awk '{ print ($1 < 200) }')" 1 "README.md has fewer than 200 lines"
}

test_first_ping() {
	good vethlab up blue
	remember_objects
	bad 1 vethlab ping default 10.1.1.1
	says "default:veth0 is down"
	good vethlab down
}

# Its lab is a file of the repository, and does what README says of it.
test_road() {
	awk '/^```yaml$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$README" >"$TEST_TMP/road.yaml"
	assert_eq "$(cat "$TEST_TMP/road.yaml")" "$(cat "$TOP/docs/examples/road.yaml")" "docs/examples/road.yaml"
	good vethlab check "$TEST_TMP/road.yaml"
	says "3 nodes, 2 links"
	up "$TEST_TMP/road.yaml"
	good vethlab ping left right -c 3
	says "$(text_passed_on router)" "$(text_answered 3)"
	bad 1 vethlab ping left 10.0.2.2 -t 1
	says "router: time to live exceeded"
	good vethlab graph --dot "$TEST_TMP/road.yaml"
	good vethlab down road
}

# Every verb of the table exists, and every verb that exists is in the table, in its group.
test_verbs() {
	local told known
	told=$(sed -n '/^## Verbs/,/^## Bundled labs/p' "$README" | grep '^| .*`' | tr -d '`' |
		sed -E 's/^\| (.*) \| (.*) \|$/\1: \2/')
	known=$(vethlab help | awk '/^[a-z]/ && !/^vethlab|^usage|^exit/ { if (row) print row; row = $0 ":" }
		/^  [a-z]+ / { row = row " " $1 } END { print row }')
	assert_eq "$told" "$known" "verbs in the README"
}

# Every bundled lab is in the table, and nothing else.
test_bundled() {
	local told
	told=$(sed -n '/^## Bundled labs/,/^## /p' "$README" | grep '^| `' | cut -d'|' -f2 | grep -o '`[a-z0-9-]*`' |
		tr -d '`' | sort | xargs)
	assert_eq "$told" "$(basename -s .yaml -a "$TOP"/topology/labs/*.yaml | sort | xargs)" "bundled labs in the README"
}

run_tests
