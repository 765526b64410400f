#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/run: alone
# test_bench.sh - vethlab bench: what it finds adds up, and whatever ends it leaves nothing.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

QUICK=(--runs 2 --time 0.03)

# The JSON document of a bench is in $doc.
bench() { # ARGUMENTS
	good vethlab bench --json "${QUICK[@]}" "$@"
	doc=$out
}

ask() { # JQ-FILTER OF $doc
	jq -r "$1" <<<"$doc"
}

holds() { # JQ-CONDITION OF $doc
	asserted
	jq -e "$1" <<<"$doc" >/dev/null || fail "$1 does not hold: $doc"
}

# Of echoes on a watched link in $doc, paced and back to back: the kernel kept times of the same ones,
# which are less than what the sender saw, and the steps of an echo make up its time.
kernel_knows() {
	assert_eq "$(ask '[.results[] | select(.kernel_trip_ns and .way) | .what] | unique | join(" ")')" \
		"rtt rtt-flood" "known to the kernel"
	holds '[.results[] | select(.kernel_trip_ns) | .kernel_trip_ns.count >= .received and
		.kernel_trip_ns.count <= .sent] | all'
	holds '[.results[] | select(.kernel_trip_ns) | .kernel_trip_ns.p50 < .trip_ns.p50 * 1.05] | all'
	holds '[.results[].way | select(.) | .echoes > 100 and .there_ns > 0 and .residence_ns > 0 and
		.back_ns > 0 and .stack_ns > 0] | all'
}

# shellcheck disable=SC2034 # doc is what bench and ask hand over
test_everything_once() {
	bench
	assert_eq "$(ask .schema)" vethlab.bench/1 "schema"
	# Whoever reads a socket takes one thread's CPU; what was done to the links is told.
	# shellcheck disable=SC2016 # jq's variables
	holds '.threads as $n | [.results[] | select(.what == "xdp-drop").threads == $n] | all'
	# shellcheck disable=SC2016
	holds '.threads as $n | [.results[] | select(.what == "socket").threads == ([$n - 1, 1] | max)] | all'
	holds '.link.did | join(" ") | contains("GRO on, for NAPI") and contains("4 MiB") and contains("8 MiB")'
	assert_eq "$(ask '[.results[].what] | unique | join(" ")')" \
		"rtt rtt-flood socket tc-drop tcp tcp-rr udp udp-rr xdp-drop xdp-pass" "measured"
	holds '[.results[].values | length == 2] | all'
	holds '[.results[].values[] > 0] | all'
	holds '[.results[] | .min <= .low and .low <= .median and .median <= .high and .high <= .max] | all'
	holds '.machine.kernel != "" and .machine.cpus >= 1 and .machine.governor != ""'
	holds '.link.own'
	# What is delivered was sent; XDP drops in the order of arrival, and loses nothing.
	holds '[.results[] | select(.sent) | .received <= .sent and .received > 0] | all'
	holds '[.results[] | select(.trip_ns) | .trip_ns | [.p50, .p90, .p99, ."p99.9", .max] |
		map(select(.)) | . == sort and length >= 2] | all'
	# A percentile is of all runs, and there if enough echoes were above it.
	holds '[.results[] | select(.trip_ns) | .trip_ns.count == .received] | all'
	holds '[.results[] | select(.trip_ns) | .trip_ns | has("p99.9") == (.count >= 2000)] | all'
	kernel_knows
	# Frames that the kernel makes cost the threads that ask for them.
	holds '[.results[] | select(.what == "xdp-drop") | .send_cpu_ns > 0] | all'
	holds '[.results[] | select(.what == "socket") | .receive_cpu_ns > 0] | all'
	# No programs watch the unobserved link; those are of the one that tells where an echo's time goes.
	holds '[.programs[].hooks] | length > 0 and all(. == "tcx" or . == "clsact")'
	holds '.link.from == "a:veth0" and .link.to == "b:veth0" and .link.mtu == 1500'
}

test_programs() {
	bench --what tcp --hooks none,clsact,xdp-generic
	assert_eq "$(ask '[.programs[] | "\(.hooks) \(.program)"] | sort | join(", ")')" \
		"clsact vl_in, clsact vl_out, xdp-generic vl_xdp" "programs that ran"
	holds '[.programs[] | .runs > 0 and .run_ns > 0] | all'
}

test_set() {
	bench --what tcp,pps --size 64 --set gro,threaded,no-tso
	holds '[.results[] | select(.what == "tcp") | .set == "gro,threaded,no-tso" and .frame == "MTU"] | all'
	holds '[.results[] | select(.set != "gro,threaded,no-tso")] == []'
	bad 2 vethlab bench --set rgo
	says "gro, threaded, no-tso"
	bad 2 vethlab bench --matrix --set gro
}

fits_80_columns() {
	local line
	asserted
	while IFS= read -r line; do
		[[ ${#line} -le 80 ]] || fail "longer than a terminal is wide: $line"
	done <<<"$out"
}

test_text_fits_80_columns() {
	good vethlab bench "${QUICK[@]}" --what rtt,tcp,udp,rr --hooks none,xdp-native --plot
	says machine: mitigations: affinity: "rtt-flood tcx" "Beside the unobserved link" \
		"  kernel " "an echo's time" "vl_xdp_frags  xdp-native" "Medians (|)"
	fits_80_columns
	good vethlab bench --matrix --runs 1 --time 0.01 --plot
	says "TSO on, GRO off (no NAPI)" "TSO off, GRO on, NAPI in threads" "64 bytes, pps" \
		"xdp-native gro,threaded,no-tso" "too few runs" " 1?1.00-1.00"
	fits_80_columns
}

# What the header calls the interval is what the runs give, and six runs are enough to tell.
test_runs_and_confidence() {
	good vethlab bench --what udp --size 64 --hooks none,xdp-native --runs 5 --time 0.01
	says " 93 % " "too few" "6 are the least"
	bench --what udp --size 64 --hooks none,xdp-native --runs 6
	holds '.results[1].ratio | .confidence > 0.96 and .says != "too few"'
	good vethlab bench --what udp --size 64 --hooks tcx --runs 1 --time 0.01
	says "No ratio: \`none\`, the unobserved link, is not among the --hooks"
	# By default there are runs enough.
	good vethlab bench --what udp --size 64 --time 0.01 --json
	doc=$out
	holds '.runs == 9 and .results[0].confidence >= 0.95'
	# A matrix is beside the unobserved link, asked for or not.
	bench --matrix --hooks clsact
	assert_eq "$(ask '[.results[].hooks] | unique | join(" ")')" "clsact none" "hooks"
	holds '[.results[] | select(.hooks == "clsact") | has("ratio")] | all'
}

test_matrix() {
	local tcx="" cells=48 # before 6.6 there is no tcx
	[[ $(vethlab doctor -j | jq -r '.features[] | select(.name == "tc programs").found') != tcx ]] ||
		tcx=" tcx" cells=60
	bench --matrix
	assert_eq "$(ask '[.results[].hooks] | unique | join(" ")')" \
		"clsact none$tcx xdp-generic xdp-native" "hooks"
	assert_eq "$(ask '[.results[].frame] | unique | join(" ")')" "1500 64 MTU TSO" "frames"
	assert_eq "$(ask '[.results[].set] | unique | join(" ")')" \
		" gro gro,no-tso gro,threaded gro,threaded,no-tso no-tso" "ways to set the link"
	# Each cell once: 3 ways by 3 sizes, 3 more for TCP.
	assert_eq "$(ask '[.results[] | "\(.what) \(.hooks) \(.frame) \(.set)"] | unique | length')" "$cells" \
		"cells"
	assert_eq "$(ask '.results | length')" "$cells" "results"
	# Only the unobserved link as the kernel makes it is compared with nothing.
	holds '[.results[] | (.hooks == "none" and .set == "") != has("ratio")] | all'
	# Two pairs cannot tell anything.
	holds '[.results[] | select(.ratio) | .ratio.says == "too few"] | all'
	# One thread sends and counts what arrives: nothing is lost, but where another one receives.
	holds '[.results[] | select(.what == "send") | .received <= .sent and .received > 0] | all'
}

test_csv() {
	good vethlab bench "${QUICK[@]}" --what udp,tcp --csv
	assert_eq "$(head -1 <<<"$out")" what,hooks,frame,set,unit,run,value "header"
	assert_eq "$(wc -l <<<"$out")" 7 "lines: a header, three kinds, two runs each"
	assert_eq "$(grep -c '^tcp,none,TSO,,bit/s,[12],[1-9][0-9]*$' <<<"$out")" 2 "tcp's lines"
}

test_a_link_of_a_lab() {
	local before
	up blue
	good vethlab link default:veth0 up
	before=$(ip -d link; ip -n blue -d link)
	bench default:veth0 --what rtt,tcp,rr
	holds '.link.from == "default:veth0" and .link.to == "blue:veth1" and (.link.own | not)'
	# The lab is watched: the way of an echo is known without a lab of the bench's own.
	kernel_knows
	bench default blue --what udp
	assert_eq "$(ask '.link.from')" default:veth0 "from"
	bench default:veth0 blue:veth1 --what tcp
	assert_eq "$(ip -d link; ip -n blue -d link)" "$before" "the links afterwards"
	bad 2 vethlab bench default:veth0 blue:veth3 --what tcp
	says "is not the other end of default:veth0: blue:veth1 is"
	bad 2 vethlab bench default:veth0 --what pps
	says "in a lab of the bench's own"
	good vethlab down
}

# Links of others, which vethlab only watches: each end has programs of its own there.
test_an_observed_link() {
	local tc
	ip netns add web
	ip link add v0 type veth peer name eth0 netns web
	ip address add 10.9.0.1/24 dev v0
	ip -n web address add 10.9.0.2/24 dev eth0
	ip link set v0 up
	ip -n web link set eth0 up
	wait_until eval 'ip link show v0 | grep -q "state UP"'
	wait_until eval 'ip -n web link show eth0 | grep -q "state UP"'
	for tc in clsact auto; do
		good vethlab observe --tc "$tc"
		remember_objects
		bench host:v0 --what rtt
		holds '.link.to == "web:eth0"'
		kernel_knows
		assert_eq "$(ask '[.programs[] | .program] | join(", ")')" "vl_door out, vl_door in" \
			"programs by $tc"
		# What leaves comes in; a program that began before the statistics did is in neither.
		holds '.programs | .[0].runs > 0 and (.[0].runs - .[1].runs | fabs) < 10 and .[0].run_ns > 0'
		good vethlab down
	done
	ip netns del web
	wait_until eval '! ip link show v0'
}

# What nobody watches has no kernel side, which is said.
test_an_unwatched_link() {
	up two-hosts --hooks none
	good vethlab bench "${QUICK[@]}" a b --what rtt
	says "nothing watches both ends of this link"
	fits_80_columns
	bench a b --what rtt
	holds '.results | length == 2 and all(has("kernel_trip_ns") or has("way") | not)'
	holds '.programs == []'
	good vethlab down
}

test_bad_links() {
	bad 1 vethlab bench default:veth0
	told
	up blue
	bad 1 vethlab bench blue:veth9
	told
	# As its lab file says.
	bad 1 vethlab bench "${QUICK[@]}" default:veth0
	told
	bad 1 vethlab bench "${QUICK[@]}" blue:veth1
	told
	good vethlab link default:veth0 up
	ip -n blue addr flush dev veth1
	bad 1 vethlab bench "${QUICK[@]}" default:veth0
	told
	good vethlab down
	golden bad-links
}

# A run in which nothing arrives is no measurement of 0.
test_nothing_arrives() {
	good vethlab generate chain 2 --name road -o "$TEST_TMP/road.yaml"
	up "$TEST_TMP/road.yaml"
	good inside n2 nft 'add table ip t; add chain ip t c { type filter hook input priority 0; policy drop; }'
	bad 1 vethlab bench n1 n2 --what udp --runs 1 --time 0.01 --csv
	says "nothing arrived in 2" "\`vethlab ping\` tells"
	says_not "udp,none"
	bad 1 vethlab bench n1 n2 --what rtt --runs 1 --time 0.01
	says "echoes was answered"
	good vethlab down
}

test_bad_sizes() {
	bad 1 vethlab bench "${QUICK[@]}" --what udp --size 1515
	says "does not fit the MTU" "--size 1514 is the largest here"
	good vethlab bench "${QUICK[@]}" --what udp --size 1514
	cat >"$TEST_TMP/small.yaml" <<-'END'
		lab: small
		nodes: {a: {}, b: {}}
		links:
		  - endpoints:
		      - {end: "a:x", address: 10.0.0.1/24}
		      - {end: "b:x", address: 10.0.0.2/24}
		    mtu: 80
	END
	up "$TEST_TMP/small.yaml"
	bad 1 vethlab bench "${QUICK[@]}" a b --what udp --size 1500
	says "does not fit the MTU of b:x, 80" "--size 94 is the largest here"
	bad 1 vethlab bench "${QUICK[@]}" a b --what rtt
	says "an echo of 56 bytes needs 84"
	good vethlab bench "${QUICK[@]}" a b --what tcp
	# What nobody asked for is made to fit.
	bench a b --what udp
	assert_eq "$(ask '[.results[].frame] | join(" ")')" "64 94" "frames"
	good vethlab down
	bad 2 vethlab bench --size 10
	says "frame sizes from 60"
}

test_bad_words() {
	bad 2 vethlab bench --hooks xpd
	told
	bad 2 vethlab bench --what everything
	told
	bad 2 vethlab bench --time 0
	told
	bad 2 vethlab bench --runs many
	told
	bad 2 vethlab bench --runs 2.5
	told
	bad 2 vethlab bench --threads 1.5
	told
	bad 2 vethlab bench --cpu 0,1,2
	told
	bad 2 vethlab bench --cpu 0,
	told
	bad 2 vethlab bench --csv --json
	told
	bad 2 vethlab bench --what rtt,tcp --size 2000
	told
	bad 1 vethlab bench bulid chain
	told
	bad 2 vethlab bench build chain 3 --runs 0
	told
	bad 2 vethlab bench --matrix blue:veth1
	told
	bad 2 vethlab bench "${QUICK[@]}" --what tcp --cpu 1000
	told
	bad 3 vethlab bench --compare "$TEST_TMP/none.json"
	told
	echo '{"schema": "vethlab.stats/1"}' >"$TEST_TMP/other.json"
	bad 3 vethlab bench --compare "$TEST_TMP/other.json"
	told
	golden bad-words
}

# A user's kernel that has no live frames: a sentence, and what works without them does.
test_before_live_frames() {
	bad 4 "$HELPERS/other_kernel" old "$BUILD/vethlab" bench --runs 1000
	says "does not send live frames" "Linux 5.18" "--what rtt,tcp,udp"
	good "$HELPERS/other_kernel" old "$BUILD/vethlab" bench "${QUICK[@]}" --what rtt,tcp,udp
	good "$HELPERS/other_kernel" old "$BUILD/vethlab" bench --matrix --hooks none --runs 1 --time 0.01
}

# Each capability that nothing else stands for is named when it is missing.
test_without_one_capability() {
	local cap
	for cap in net_admin sys_admin net_raw; do
		bad 4 setpriv --bounding-set "-$cap" --inh-caps "-$cap" "$BUILD/vethlab" bench \
			"${QUICK[@]}" --what rtt
		says "CAP_${cap^^}"
	done
	# CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON: without it, too, the one that is needed is named.
	bad 4 setpriv --bounding-set -bpf,-sys_admin --inh-caps -bpf,-sys_admin "$BUILD/vethlab" bench \
		"${QUICK[@]}" --what rtt
	says CAP_SYS_ADMIN CAP_BPF
	good setpriv --bounding-set -bpf,-perfmon --inh-caps -bpf,-perfmon "$BUILD/vethlab" bench \
		"${QUICK[@]}" --what rtt
}

# Figures of another day, made from today's: twice as good, and so much worse.
test_compare() {
	bench --what tcp,rtt
	echo "$doc" >"$TEST_TMP/now.json"
	good vethlab bench "${QUICK[@]}" --what tcp,rtt --compare "$TEST_TMP/now.json" \
		--threshold 1000
	says "Beside $TEST_TMP/now.json, 1000 % allowed" same
	jq '.results |= map(if .what == "tcp" then .median *= 1e6 | .low *= 1e6 | .high *= 1e6 else . end)' \
		"$TEST_TMP/now.json" >"$TEST_TMP/faster.json"
	bad 1 vethlab bench "${QUICK[@]}" --what tcp --compare "$TEST_TMP/faster.json"
	says worse
	# Of times less is better.
	jq '.results |= map(select(.what == "rtt") | .median *= 1e6 | .low *= 1e6 | .high *= 1e6)' \
		"$TEST_TMP/now.json" >"$TEST_TMP/slower.json"
	good vethlab bench "${QUICK[@]}" --what rtt --compare "$TEST_TMP/slower.json" --json
	assert_eq "$(jq -r '[.changes[] | select(.what == "rtt").says] | unique | join(" ")' <<<"$out")" \
		better "rtt, watched and not"
	# An interval that holds both is no news.
	jq '.results |= map(.median *= 1e6 | .low = 0 | .high *= 1e6)' \
		"$TEST_TMP/now.json" >"$TEST_TMP/unsure.json"
	good vethlab bench "${QUICK[@]}" --what tcp --compare "$TEST_TMP/unsure.json"
	says noisy
}

# What is not compared, or not alike, is told; and nothing to compare is no good news.
test_compare_what_differs() {
	bench --what tcp,udp --size 64
	echo "$doc" >"$TEST_TMP/now.json"
	bad 2 vethlab bench "${QUICK[@]}" --what rr --compare "$TEST_TMP/now.json"
	says "has nothing of what would be measured now" "measure the same as then"
	jq '.results = []' "$TEST_TMP/now.json" >"$TEST_TMP/empty.json"
	bad 3 vethlab bench "${QUICK[@]}" --what tcp --compare "$TEST_TMP/empty.json"
	says "no document of"
	jq '.results[].median = 0' "$TEST_TMP/now.json" >"$TEST_TMP/zero.json"
	bad 3 vethlab bench "${QUICK[@]}" --what tcp --compare "$TEST_TMP/zero.json"
	jq '.machine.kernel = "2.2.0" | .machine.mitigations = "none" | .machine.governor = "slow" |
		.machine.affinity = {sender: 7, receiver: 8, share_core: true} | .link.mtu = 9000 | .threads = 99' \
		"$TEST_TMP/now.json" >"$TEST_TMP/other.json"
	bench --what tcp,rr --threshold 1000 --compare "$TEST_TMP/other.json"
	assert_eq "$(ask '[.differs[].what] | sort | join(" ")')" "link.mtu machine.affinity.receiver \
machine.affinity.sender machine.affinity.share_core machine.governor machine.kernel \
machine.mitigations threads" "what differs"
	holds '.differs[] | select(.what == "link.mtu") | .before == 9000 and .now == 1500'
	assert_eq "$(ask '[.changes[].what] | join(" ")')" tcp "compared"
	assert_eq "$(ask '[.only_before[] | "\(.what) \(.frame)"] | join(" ")')" "udp 64" "only before"
	assert_eq "$(ask '[.only_now[].what] | join(" ")')" "tcp-rr udp-rr" "only now"
	good vethlab bench "${QUICK[@]}" --what tcp,rr --threshold 1000 --compare "$TEST_TMP/other.json"
	says "differs: machine.kernel was 2.2.0, is $(uname -r)" "differs: link.mtu was 9000, is 1500" \
		"only before: udp none 64" "only now:    tcp-rr none"
	fits_80_columns
	bench --what tcp,udp --size 64 --threshold 1000 --compare "$TEST_TMP/now.json"
	holds '.differs == [] and .only_before == [] and .only_now == [] and (.changes | length == 2)'
	# Whoever asks for CSV is told why the exit status is 1.
	jq '.results |= map(.median *= 1e6 | .low *= 1e6 | .high *= 1e6)' \
		"$TEST_TMP/now.json" >"$TEST_TMP/faster.json"
	bad 1 vethlab bench "${QUICK[@]}" --what tcp --csv --compare "$TEST_TMP/faster.json"
	says "vethlab: 1 of 1 results are worse than in $TEST_TMP/faster.json by more than 5 %"
}

# Each cell of a matrix is compared with itself, however the link was set.
test_compare_matrix() {
	bench --matrix --hooks none
	echo "$doc" >"$TEST_TMP/matrix.json"
	jq '.results |= map(if .set == "gro" and .what == "tcp" then .median *= 1e6 | .low *= 1e6 |
		.high *= 1e6 else . end)' "$TEST_TMP/matrix.json" >"$TEST_TMP/faster.json"
	bad 1 "$BUILD/vethlab" bench "${QUICK[@]}" --matrix --hooks none --threshold 90 --json \
		--compare "$TEST_TMP/faster.json"
	out=${out%vethlab: *} # the document, without the sentence behind it
	assert_eq "$(jq -r '.changes | length' <<<"$out")" 12 "cells compared"
	assert_eq "$(jq -r '.changes[] | select(.what == "tcp" and .set == "gro").says' <<<"$out")" \
		worse "tcp, GRO on"
}

test_build() {
	good vethlab bench build star 5 --runs 3 --json
	doc=$out
	good vethlab bench build star 5 --runs 3
	says "star: 6 nodes, 5 links, 3 runs each" "machine:     $(uname -r)" "frequency governor:" mitigations:
	fits_80_columns
	holds ".machine.kernel == \"$(uname -r) $(uname -m)\" and .machine.cpus == $(nproc) and
		.machine.governor != \"\""
	assert_eq "$(jq -r '[.results[] | .hooks, (.up_ns.values, .down_ns.values | length)] | join(" ")' \
		<<<"$doc")" "none 3 3 default 3 3 none 3 3" "results"
	assert_eq "$(jq -r '[.results[] | .by, has("up_ratio")] | join(" ")' <<<"$doc")" \
		"vethlab true vethlab true ip -batch false" "beside ip"
	# Routes of each kind can be built by ip as well.
	good vethlab bench build clos 2 2 1 --runs 1
	says "ip -batch"
	mkdir "$TEST_TMP/empty"
	PATH=$TEST_TMP/empty good "$BUILD/vethlab" bench build star 3 --runs 1
	says "ip is not in PATH: not compared"
	bad 2 vethlab bench build cube 3
	says "no shape 'cube'"
	bad 2 vethlab bench build chain
	bad 2 vethlab bench build chain 3 4
}

nothing_left() {
	nothing_in /run/vethlab && nothing_in /run/netns && bpffs_empty
}

# ip's namespaces are seen by nobody, and go with whoever made them; labs go by the guard.
test_build_killed() {
	local pid
	"$BUILD/vethlab" bench build chain 200 --runs 1000 >"$TEST_TMP/out" 2>&1 &
	pid=$!
	wait_until eval 'grep -lsa "^ip.*-batch" /proc/[0-9]*/cmdline'
	kill -KILL "$pid"
	wait "$pid" || true
	wait_until eval '! grep -lsa "^ip.*-batch" /proc/[0-9]*/cmdline'
	wait_until nothing_left
}

test_interrupted() {
	local pid wait status
	for wait in 0.05 0.2 0.5 1 1.5; do
		"$BUILD/vethlab" bench --hooks none,default --runs 100 >"$TEST_TMP/out" 2>&1 &
		pid=$!
		sleep "$wait"
		status=0
		kill -TERM "$pid" 2>/dev/null || fail "it ended by itself: $(cat "$TEST_TMP/out")"
		wait "$pid" || status=$?
		out=$(cat "$TEST_TMP/out")
		# Before it looks for signals, the signal ends it at once.
		[[ $status -eq 143 && $wait == 0.05 ]] || assert_eq "$status" 1 "after $wait s: $out"
		[[ $status -eq 143 ]] || says interrupted
		nothing_in /run/vethlab || fail "left after $wait s: $(ls /run/vethlab)"
		nothing_in /run/netns || fail "left after $wait s: $(ls /run/netns)"
		bpffs_empty || fail "left after $wait s: $(find /sys/fs/bpf)"
	done
}

# Each kind, while it measures: a matrix, the build of a lab, a link of the user's that is watched.
test_interrupted_kinds() {
	local pid status kind before
	good vethlab up two-hosts
	remember_objects
	before=$(ip -n a -d link; ip -n b -d link; find /sys/fs/bpf /run/vethlab)
	for kind in "--matrix --runs 100" "build chain 30 --runs 100" "a b --what rtt,udp --runs 100"; do
		# shellcheck disable=SC2086 # words
		"$BUILD/vethlab" bench $kind >"$TEST_TMP/out" 2>&1 &
		pid=$!
		wait_until busy_with "$pid" "$kind"
		kill -INT "$pid"
		status=0
		wait "$pid" || status=$?
		out=$(cat "$TEST_TMP/out")
		assert_eq "$status" 1 "bench $kind"
		says interrupted
		assert_eq "$(ip -n a -d link; ip -n b -d link; find /sys/fs/bpf /run/vethlab)" "$before" \
			"after bench $kind"
		assert_eq "$(pgrep -c vethlab)" 0 "processes after bench $kind"
	done
	good vethlab down
}

# It has a lab of its own, or more threads than one on a link of the user's.
busy_with() { # PID KIND
	case $2 in
	"a b"*) [[ $(find "/proc/$1/task" -maxdepth 1 -mindepth 1 | wc -l) -gt 1 ]] ;;
	*) [[ -n $(find /run/vethlab -maxdepth 1 -name "bench-$1*" -print -quit) ]] ;;
	esac
}

three_labs_run() {
	[[ $(find /run/vethlab -name state.json | wc -l) -eq 3 ]]
}

test_killed() {
	local pid
	"$BUILD/vethlab" bench --what tcp --hooks none,clsact,xdp-generic --runs 1000 >"$TEST_TMP/out" 2>&1 &
	pid=$!
	wait_until three_labs_run
	remember_objects
	# Its labs are nobody else's while it lives.
	good vethlab gc
	says "$(text_nothing_left)"
	bad 1 vethlab down "bench-$pid-0"
	says "$pid"
	kill -KILL "$pid"
	wait "$pid" || true
	wait_until nothing_left
	wait_until eval '! pgrep vethlab'
}

# A verb that was told no lab means the only one that somebody else built.
test_labs_of_a_bench_are_not_meant() {
	local pid
	up blue
	"$BUILD/vethlab" bench --what tcp --hooks none,clsact,xdp-generic --runs 1000 >"$TEST_TMP/out" 2>&1 &
	pid=$!
	wait_until three_labs_run
	assert_eq "$(vethlab show --json | jq -r .lab)" blue "the lab that is meant"
	good vethlab stats --reset
	good vethlab down
	kill -TERM "$pid"
	wait "$pid" || true
	wait_until nothing_left
}

# Whoever kills the guard, too, leaves that to gc.
test_guard_killed() {
	local pid
	"$BUILD/vethlab" bench --what tcp --hooks none,clsact,xdp-generic --runs 1000 >"$TEST_TMP/out" 2>&1 &
	pid=$!
	wait_until three_labs_run
	remember_objects
	wait_until pgrep -P "$pid" -x vethlab-guard
	kill -KILL "$(pgrep -P "$pid" -x vethlab-guard)" "$pid"
	wait "$pid" || true
	good vethlab gc
	says "removing lab bench-$pid-0" "removing lab bench-$pid-1" "removing lab bench-$pid-2"
}

run_tests
