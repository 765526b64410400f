#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_capabilities.sh - the table of SECURITY.md: each verb works with the capabilities that it has there and
# no other, and not with one of them less.
# shellcheck source=tests/lab/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

# Run vethlab with the capabilities given and no other: root's are those of the bounding set.
with_capabilities() { # "CAP_A CAP_B" ARGUMENT...
	local bounding=-all capability
	for capability in $1; do
		capability=${capability#CAP_}
		bounding+=,+${capability,,}
	done
	shift
	setpriv --bounding-set="$bounding" -- "$BUILD/vethlab" "$@"
}

# "VERB CAPABILITY..." of each row.
rows() {
	sed -n 's/^| `\([a-z]*\)` | \(.*\) |$/\1 \2/p' "$TOP/SECURITY.md"
}

# What a verb is given, and what it finds.
try() { # CAPABILITIES VERB: the exit status of the verb
	case $2 in
	up) with_capabilities "$1" up two-hosts ;;
	down) with_capabilities "$1" down two-hosts ;;
	apply) with_capabilities "$1" apply "$TEST_TMP/changed.yaml" ;;
	plan) with_capabilities "$1" plan "$TEST_TMP/changed.yaml" ;;
	link) with_capabilities "$1" link a:eth0 up ;;
	exec) with_capabilities "$1" exec a true ;;
	why) with_capabilities "$1" why a b ;;
	ping) with_capabilities "$1" ping a b -c 1 ;;
	traceroute) with_capabilities "$1" traceroute a b ;;
	trace) with_capabilities "$1" trace --for 10ms ;;
	record) with_capabilities "$1" record "$TEST_TMP/record" --for 10ms ;;
	capture) with_capabilities "$1" capture -w "$TEST_TMP/frames.pcapng" --for 10ms ;;
	reset) with_capabilities "$1" reset two-hosts ;;
	route) with_capabilities "$1" route a add blackhole 10.99.0.0/16 && vethlab route a del blackhole 10.99.0.0/16 ;;
	shell) SHELL=/bin/true with_capabilities "$1" shell a </dev/null ;;
	flows) with_capabilities "$1" flows --for 10ms ;;
	flow) with_capabilities "$1" flow --for 10ms || [[ $? -eq 1 ]] ;; # 1: nothing was sent
	observe) with_capabilities "$1" observe --name others && vethlab down others ;;
	bench) with_capabilities "$1" bench --what rtt --time 0.01 --runs 1 ;;
	generate) with_capabilities "$1" generate chain 3 ;;
	completion) with_capabilities "$1" completion bash ;;
	check) with_capabilities "$1" check blue ;;
	replay) with_capabilities "$1" replay "$TEST_TMP/recording" ;;
	diff) with_capabilities "$1" diff "$TEST_TMP/recording" "$TEST_TMP/recording" ;;
	*) with_capabilities "$1" "$2" ;;
	esac
}

# The lab as each verb wants it: gone for up, running for the others.
prepare() { # VERB
	if [[ $1 == up ]]; then
		! vethlab ls -j | jq -e '.labs | length > 0' || vethlab down two-hosts
	else
		vethlab ls -j | jq -e '.labs | length > 0' || vethlab up "$TEST_TMP/two-hosts.yaml"
	fi >/dev/null 2>&1
}

expect() { # good|bad CAPABILITIES VERB
	local status=0
	prepare "$3"
	out=$(try "$2" "$3" 2>&1) || status=$?
	asserted
	[[ $1 == bad || $status -eq 0 ]] || fail "$3 with $2: exit status $status: $out"
	[[ $1 == good || $status -ne 0 ]] || fail "$3 with $2 alone works: the table asks for more"
}

test_table() {
	local verb capabilities one
	cp "$TOP/topology/labs/two-hosts.yaml" "$TEST_TMP"
	sed 's|10.0.0.2/24|10.0.0.2/24, 10.0.0.3/24|' "$TEST_TMP/two-hosts.yaml" >"$TEST_TMP/changed.yaml"
	good vethlab up "$TEST_TMP/two-hosts.yaml"
	good vethlab record "$TEST_TMP/recording" --for 10ms
	ip link add others0 type veth peer name others1 # for observe
	while read -r verb capabilities; do
		if [[ $capabilities == none ]]; then
			expect good "" "$verb"
			continue
		fi
		expect good "$capabilities" "$verb"
		for one in $capabilities; do
			# What the kernel lets a user lock depends on the number of CPUs.
			[[ $one == CAP_IPC_LOCK ]] || expect bad "${capabilities/$one/}" "$verb"
		done
	done < <(rows)
	prepare up
	ip link del others0
	assert_eq "$(rows | cut -d' ' -f1 | sort | xargs)" \
		"$(vethlab completion words -- "" | cut -f1 | grep -vE '^(help|--.*)$' | sort | xargs)" "verbs with a row"
}

# Capabilities of this process are at most those that read files of others, and a filter of system calls is set.
is_confined() { # PROCESS
	local status filter=2
	status=$(<"/proc/$1/status")
	! is_sanitized || filter=0
	[[ $status =~ CapEff:$'\t'0+6?$'\n' && $status =~ CapPrm:$'\t'0+6?$'\n' && $status =~ NoNewPrivs:$'\t'1 &&
		$status =~ Seccomp:$'\t'$filter ]]
}

# Verbs that read what others wrote wait here for a file that nobody writes.
test_readers_are_confined() {
	local file=$TEST_TMP/pipe reader verb
	mkfifo "$file"
	for verb in "check $file" "check -j blue $file" "graph $file" "replay $file" "replay -" "diff $file $file" \
		"flows -r $file" "flow 1 -r $file"; do
		# shellcheck disable=SC2086 # words
		vethlab $verb <>"$file" >/dev/null 2>&1 &
		reader=$!
		wait_until is_confined "$reader"
		kill "$reader"
		wait "$reader" || true
	done
}

run_tests
