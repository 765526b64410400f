# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# row.sh - the lab `row`, which the tests of plan and apply change. They source this after lib.sh.

# shellcheck disable=SC2034 # of those tests
SCHEMA=$TOP/docs/schema/plan.json

# Three nodes in a row, b routes. Each test changes this file.
lab_file() { # FILE
	cat >"$1" <<-END
		lab: row
		nodes:
		  a: {routes: [default via 10.0.1.2]}
		  b: {forward: both}
		  c: {routes: [default via 10.0.2.1]}
		links:
		  - endpoints:
		      - {end: "a:x", address: [10.0.1.1/24, "fd01::1/64"]}
		      - {end: "b:y", address: [10.0.1.2/24, "fd01::2/64"]}
		  - endpoints:
		      - {end: "b:z", address: 10.0.2.1/24}
		      - {end: "c:w", address: 10.0.2.2/24}
	END
}

row_up() { # [OPTION...]
	row=$TEST_TMP/row.yaml
	lab_file "$row"
	up "$row" "$@"
}

planned() { # LINE...
	good vethlab plan "$row"
	says "$@"
}

nothing_planned() {
	good vethlab plan "$row"
	assert_eq "$(tail -1 <<<"$out")" "lab row: nothing to change" "plan"
	says_not "~ " "+ " "- "
}

# Each change in place: the plan says it, the kernel has it, the plan after it is empty.
in_place() { # SED-SCRIPT PLAN-LINE
	sed -i "$1" "$row"
	good vethlab plan "$row"
	says "$2"
	good vethlab apply "$row"
	nothing_planned
}

# A step fails when half is done: everything is put back, counters too.
leaves_as_it_was() { # STATUS TEXT...
	local status=$1 before counters
	shift
	before=$(kernel_state a b c)
	counters=$(counters_of a:x)$(counters_of c:w)
	bad "$status" vethlab apply "$row"
	says "$@" "lab row is as it was"
	assert_eq "$(kernel_state a b c)" "$before" "after the failure"
	assert_eq "$(counters_of a:x)$(counters_of c:w)" "$counters" "counters"
	assert_eq "$(ls /run/netns)" "$(printf 'a\nb\nc')" "namespaces"
}
