#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/run: alone
# test_bench_true.sh - vethlab bench is held against what others count and say: interfaces, nft, /proc,
# /sys.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# A bench in the background: $pid, its document in $TEST_TMP/doc. It ends by itself, or by stop_bench.
start_bench() { # ARGUMENTS
	"$BUILD/vethlab" bench --json "$@" >"$TEST_TMP/doc" 2>"$TEST_TMP/errors" &
	pid=$!
}

end_bench() {
	asserted
	wait "$pid" || fail "bench: exit status $?: $(cat "$TEST_TMP/errors")"
}

stop_bench() {
	kill -INT "$pid"
	wait "$pid" || true
}

holds() { # JQ-CONDITION OF THE DOCUMENT [OPTION OF JQ...]
	local condition=$1
	shift
	asserted
	jq -e "$@" "$condition" "$TEST_TMP/doc" >/dev/null ||
		fail "$condition does not hold ($*): $(cat "$TEST_TMP/doc")"
}

labs_run() { # HOW MANY
	[[ $(find /run/vethlab -name state.json | wc -l) -eq $1 ]]
}

# What the receiving interface counts: all frames of the kinds that are measured before the last one
# arrive there at least, and no more than were sent, but for a few of the kernel's own.
test_received_is_what_the_interface_counts() {
	local reader got
	start_bench --what pps --size 64 --hooks none --runs 1 --time 0.2
	wait_until labs_run 1
	# shellcheck disable=SC2016 # the inner shell's
	inside "bench-$pid-0-b" bash -c 'while read -r n </sys/class/net/veth0/statistics/rx_packets; do
		echo "$n"
		sleep 0.01
	done 2>/dev/null' >"$TEST_TMP/counts" &
	reader=$!
	end_bench
	kill "$reader" 2>/dev/null || true
	wait "$reader" || true
	got=$(tail -n 1 "$TEST_TMP/counts")
	holds '[.results[].what] | join(" ") == "xdp-drop xdp-pass tc-drop socket"'
	# shellcheck disable=SC2016 # jq's
	holds '([.results[:3][].received] | add) <= $got' --argjson got "$got"
	# shellcheck disable=SC2016 # jq's
	holds '([.results[].sent] | add) + 100 >= $got' --argjson got "$got"
}

# Every other datagram is lost behind the link, and nft counts those that are not.
test_a_loss_shows() {
	local passed
	good vethlab generate chain 2 --name road -o "$TEST_TMP/road.yaml"
	up "$TEST_TMP/road.yaml"
	good inside n2 nft 'add table ip t; add chain ip t c { type filter hook input priority 0; };
		add rule ip t c meta l4proto != udp accept;
		add rule ip t c numgen inc mod 2 0 drop; add rule ip t c counter'
	start_bench n1 n2 --what udp --size 64 --runs 1 --time 0.2
	end_bench
	passed=$(inside n2 nft -j list chain ip t c | jq '[.. | .counter? // empty | .packets] | add')
	holds '.results[0] | .received > 0 and .received <= .sent * 0.55'
	# shellcheck disable=SC2016 # jq's
	holds '.results[0].received <= $passed' --argjson passed "$passed"
	good vethlab down
}

# How the link of a lab is set, as the kernel says at both ends.
setting() { # LAB
	local node
	for node in a b; do
		# shellcheck disable=SC2016 # the inner shell's
		inside "$1-$node" bash -c 'echo "$("$1" veth0), threaded $(cat /sys/class/net/veth0/threaded)"' \
			- "$HELPERS/offloads"
	done | uniq
}

test_links_are_set() {
	local lab found
	start_bench --matrix --hooks none --runs 100
	wait_until labs_run 6
	remember_objects
	found=$(for lab in {0..5}; do
		setting "bench-$pid-$lab"
	done | sort)
	stop_bench
	assert_eq "$found" "tx_checksum on, tso off, gro off, threaded 0
tx_checksum on, tso off, gro on, threaded 0
tx_checksum on, tso off, gro on, threaded 1
tx_checksum on, tso on, gro off, threaded 0
tx_checksum on, tso on, gro on, threaded 0
tx_checksum on, tso on, gro on, threaded 1" "ways to set the links of a matrix"
	start_bench --what tcp --hooks none --set gro,threaded,no-tso --runs 1000
	wait_until labs_run 1
	remember_objects
	wait_until threads_on "0 1" # it measures
	found=$(setting "bench-$pid-0")
	stop_bench
	assert_eq "$found" "tx_checksum on, tso off, gro on, threaded 1" "--set gro,threaded,no-tso"
}

# The CPUs that the threads of the bench may run on, without the one that waits for them.
threads_on() { # "CPU CPU..."
	local task
	[[ $(for task in "/proc/$pid/task"/*; do
		[[ ${task##*/} == "$pid" ]] || awk '/^Cpus_allowed_list/ {print $2}' "$task/status"
	done | sort -n | xargs) == "$1" ]]
}

# XDP drops in the generator's own softirq: each thread that is there generates.
test_cpus_and_threads() {
	local case
	[[ $(nproc) -gt 1 ]] || skip_test "this needs two CPUs"
	for case in "0,1 1 0" "1,0 1 1" "1,1 2 1 1" "0,1 2 0 1"; do
		# shellcheck disable=SC2086 # words
		set -- $case
		start_bench --what pps --size 64 --hooks none --runs 1000 --cpu "$1" --threads "$2"
		wait_until threads_on "${*:3}"
		stop_bench
	done
}

siblings() { # CPU
	cat "/sys/devices/system/cpu/cpu$1/topology/thread_siblings_list"
}

# What it says of the machine, by other means.
test_the_machine() {
	local last=$(($(nproc) - 1)) share=false governors file known="" text
	[[ $last -gt 0 && $(siblings 0) != "$(siblings "$last")" ]] || share=true
	for file in /sys/devices/system/cpu/vulnerabilities/*; do
		text=$(cat "$file")
		[[ $text == "Not affected"* ]] || known+="${known:+; }${file##*/}: $text"
	done
	governors=$(sort -u /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor 2>/dev/null | xargs) || true
	start_bench --what udp --size 64 --runs 1 --time 0.01 --cpu "0,$last"
	end_bench
	# shellcheck disable=SC2016 # jq's
	holds '.machine.mitigations == $text' --arg text "$known"
	# shellcheck disable=SC2016 # jq's
	holds '.machine.governor | split(", ") | sort | join(" ") == $text' --arg text "${governors:-none}"
	# shellcheck disable=SC2016 # jq's
	holds '.machine.affinity == {sender: 0, receiver: $last, share_core: $share}' \
		--argjson last "$last" --argjson share "$share"
	holds ".machine.kernel == \"$(uname -r) $(uname -m)\" and .machine.cpus == $(nproc)"
	start_bench --what udp --size 64 --runs 1 --time 0.01 --cpu 0,0
	end_bench
	holds '.machine.affinity == {sender: 0, receiver: 0, share_core: true}'
}

run_tests
