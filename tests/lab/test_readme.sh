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

# The example of this lab name, as a file.
example() { # NAME
	awk -v name="lab: $1" '/^```yaml$/ { text = ""; inside = 1; next }
		/^```$/ { if (inside && index(text, name "\n") == 1) printf "%s", text; inside = 0 }
		inside { text = text $0 "\n" }' "$README" >"$TEST_TMP/$1.yaml"
	[[ -s $TEST_TMP/$1.yaml ]] || fail "README.md has no lab $1"
}

test_lab_file() {
	example road
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

# The example with every key has every key of the schema, is built and works.
test_every_key() {
	local key n=0
	needs nft
	example town
	while read -r key; do
		grep -qw "$key" "$TEST_TMP/town.yaml" || fail "town.yaml of the README has no $key"
		n=$((n + 1))
	done < <(jq -r '.. | .properties? // empty | keys[]' "$TOP/topology/schema.json" | sort -u)
	[[ $n -gt 40 ]] || fail "the schema has $n keys"
	good vethlab check "$TEST_TMP/town.yaml"
	says "4 nodes, 3 links"
	up "$TEST_TMP/town.yaml"
	good vethlab ping world pc
	says "$(text_passed_on core)" "$(text_passed_on sw)" "$(text_answered 1)"
	good vethlab exec pc ping -c 1 -W 5 -q 192.0.2.1
	good vethlab exec core nft list chain ip core forward
	says "tcp dport 23 drop"
	good vethlab exec pc ip route
	says "blackhole 10.66.0.0/16" "10.67.0.0/16 via 10.2.0.1 dev eth0 metric 50" \
		"unreachable 10.68.0.0/16" "nexthop via 10.2.0.9"
	good vethlab down town
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
