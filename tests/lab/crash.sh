# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# crash.sh - sourced by tests/lab/test_crash_*.sh, behind lib.sh. A command is killed after each of
# its system calls in turn, and each of these calls is made to fail in turn. After a kill `gc`, after
# a failure of `up` nothing at all, and nothing may be left, and nothing of others may have changed.
#
# The calls are those that change something outside of the process (crash.c lists them), and each
# fails with one of ENOMEM, EBUSY, EPERM. CRASH_ALL=1: every single call, each error (`make crash`);
# CRASH_ALL=once: every single call, with one of the errors. CRASH_LOG=FILE: what was tried is noted
# there, and what is noted is not tried again, so that a sweep of hours can be done in pieces.
# CRASH_STEP=N: every N-th only. A sweep goes over the calls in ROUNDS, each time over others, so
# that one that takes longer than CRASH_SECONDS ends early with what it has tried spread over all of
# them: the first round, one in ROUNDS, is done in any case. It says how many of how many.

PARTS=${CRASH_PARTS:-4} # sandboxes side by side: most of the time goes into waiting for RCU
ROUNDS=8 # a power of two
STEP=${CRASH_STEP:-1}
CRASH_SECONDS=${CRASH_SECONDS:-30}
ERRORS=(ENOMEM EBUSY EPERM)
crash=("$HELPERS/crash")
[[ -z ${CRASH_ALL:-} ]] || crash+=(-a)

# The lab: a bridge, a router with nft rules, a host with a command, an end in the host's namespace and
# one in a namespace of somebody else, settings changed in both; IPv4 and IPv6, tc and XDP.
lab_file() {
	cat >"$TEST_TMP/lab.yaml" <<-'END'
		lab: crash
		nodes:
		  host:
		    netns: host
		    sysctls: {net.ipv4.ip_forward: 1}
		    routes: [{to: 10.8.1.0/24, via: 10.8.0.2}]
		  other:
		    netns: /run/netns/other
		    sysctls: {net.ipv4.ip_default_ttl: 99}
		    lo: {address: 192.0.2.9/32}
		  lan: {kind: bridge}
		  pc:
		    routes: [{to: default, via: 10.8.1.1}]
		    exec: [ip rule add from 10.99.0.0/16 table main]
		  r:
		    forward: both
		    nft: |
		      table ip crash {
		        chain forward {
		          type filter hook forward priority 0;
		          counter
		        }
		      }
		links:
		  - endpoints:
		      - {end: "host:vc0", addresses: [10.8.0.1/24, "fd08::1/64"]}
		      - {end: "r:up", addresses: [10.8.0.2/24, "fd08::2/64"]}
		    xdp: generic
		  - endpoints:
		      - {end: "r:lan", address: 10.8.1.1/24}
		      - "lan:p1"
		  - endpoints:
		      - {end: "pc:eth0", address: 10.8.1.2/24}
		      - "lan:p2"
		  - endpoints: ["other:vc1", "lan:p3"]
	END
}

# What is not the lab's.
others() {
	ip netns add other
	ip -n other link add keep type veth peer name keep1
	ip link add own0 type veth peer name own1
	ip address add 10.77.0.1/24 dev own0
	ip link set own0 up
	ip link set own1 up
	wait_until eval 'ip link show own0 | grep -q "state UP"'
	ip route add 10.78.0.0/16 via 10.77.0.2
	wait_until eval '! ip -6 address | grep -q tentative'
	mkdir /sys/fs/bpf/other
}

others_away() {
	ip netns del other
	ip link del own0
	rmdir /sys/fs/bpf/other
}

look() {
	ip -4 -batch - <<<$'link show\naddress show\nroute show'
	ip -6 -batch - <<<$'address show\nroute show'
	nsenter --net=/run/netns/other sh -c 'ip address show; read -r ttl </proc/sys/net/ipv4/ip_default_ttl; echo "$ttl"'
	echo "$(</proc/sys/net/ipv4/ip_forward)"
	ls -i /run/netns
	nothing_in /run/vethlab || find /run/vethlab -mindepth 1
	echo /sys/fs/bpf/* /sys/fs/bpf/other/* # others_away() removes it: it is empty
}

works() {
	good vethlab exec pc ping -c 1 -W 5 -q 10.8.0.1
	wait_until vethlab exec r ping -c 1 -W 1 -q fd08::1 # the host looks for duplicates of its link-local address
	good vethlab exec pc ip rule
	says "from 10.99.0.0/16"
	good vethlab exec r nft list chain ip crash forward
	says "counter packets"
}

# As before the lab: nothing of it is left, nothing of others has changed.
clean() { # WHEN
	local now
	now=$(look)
	[[ $now == "$before" ]] || fail "$1: $(diff <(echo "$before") <(echo "$now"))"
	wait_until objects_gone
	: >"$TEST_TMP/ids"
	asserted
}

# One run with something happening to its N-th call: sets $met ("N CALL", or "none COUNT" when
# there are fewer), $status, $out.
crash_at() { # N [-e ERRNO] COMMAND...
	local at=$1
	shift
	status=0
	: >"$TEST_TMP/met"
	"${crash[@]}" -n "$at" -o "$TEST_TMP/met" "$@" >"$TEST_TMP/out" 2>&1 ||
		status=$?
	out=$(<"$TEST_TMP/out")
	met=$(<"$TEST_TMP/met")
	met=${met:-$at hangs}
	# 130: it was interrupted before it catches signals
	[[ $status -lt 99 || $status -eq 137 || ($status -eq 130 && $1 == -i) ]] || fail "$* at $met: status $status: $out"
}

no_more_calls() {
	[[ $met == none* ]] || return 1
	assert_eq "$status" 0 "undisturbed: $out"
}

says_why() {
	[[ $status -ge 1 && $status -le 5 ]] || fail "at $met: status $status: $out"
	[[ $out == *"vethlab: "* || $out == *".yaml: error: "* ]] || fail "at $met: no error is told: $out"
	asserted
}

is_up() {
	[[ -e /run/vethlab/crash/state.json ]]
}

# ---- one step of a sweep; 1 when there are no more calls ------------------------------------------

# After a kill: gc, `down` or a second `up` clears up, in turn.
clear_up() { # N
	local round=$((($1 - 1) / PARTS % 3))
	if is_up; then # killed before the first step, or when all was done
		works
		good vethlab gc
		good vethlab down crash
	elif [[ $round -eq 0 ]]; then
		good vethlab gc
	elif [[ $round -eq 1 && -d /run/vethlab/crash ]]; then
		good vethlab down crash
	elif [[ $round -eq 1 ]]; then
		bad 1 vethlab down crash
		says "lab crash does not run"
	else
		up "$TEST_TMP/lab.yaml"
		works
		good vethlab down crash
	fi
	clean "killed at $met"
}

step_up_kill() { # N
	crash_at "$1" "$BUILD/vethlab" up "$TEST_TMP/lab.yaml"
	remember_objects
	no_more_calls && good vethlab down && clean "the end" && return 1
	assert_eq "$status" 137 "killed at $met: $out"
	clear_up "$1"
}

# It is up and says so, or it says why not and nothing is left.
step_up_fail() { # N ERRNO
	crash_at "$1" -e "$2" "$BUILD/vethlab" up "$TEST_TMP/lab.yaml"
	no_more_calls && good vethlab down && clean "the end" && return 1
	if [[ $status -eq 0 ]]; then # what failed was not needed
		works
		good vethlab down
	else
		says_why
	fi
	clean "$2 at $met: $out"
}

step_down_kill() { # N
	up "$TEST_TMP/lab.yaml"
	crash_at "$1" "$BUILD/vethlab" down
	no_more_calls && clean "the end" && return 1
	assert_eq "$status" 137 "killed at $met: $out"
	clear_up "$1"
}

step_down_fail() { # N ERRNO
	up "$TEST_TMP/lab.yaml" --tc clsact # other ways than those of the kill
	crash_at "$1" -e "$2" "$BUILD/vethlab" down
	no_more_calls && clean "the end" && return 1
	[[ $status -eq 0 ]] || says_why
	is_up && works
	[[ ! -d /run/vethlab/crash ]] || good vethlab down crash
	clean "$2 at $met"
}

# The lab as it shall be: a link and a node less, a node and two links more, another address.
changed_file() {
	cat >"$TEST_TMP/changed.yaml" <<-'END'
		lab: crash
		nodes:
		  host:
		    netns: host
		    sysctls: {net.ipv4.ip_forward: 1}
		    routes: [{to: 10.8.1.0/24, via: 10.8.0.3}]
		  other:
		    netns: /run/netns/other
		    sysctls: {net.ipv4.ip_default_ttl: 99}
		    lo: {address: 192.0.2.10/32}
		  lan: {kind: bridge}
		  new: {routes: [{to: default, via: 10.8.1.1}]}
		  r:
		    forward: both
		    nft: |
		      table ip crash {
		        chain forward {
		          type filter hook forward priority 1;
		          counter
		        }
		      }
		links:
		  - endpoints:
		      - {end: "host:vc0", addresses: [10.8.0.1/24, "fd08::1/64"]}
		      - {end: "r:up", addresses: [10.8.0.3/24, "fd08::3/64"]}
		    xdp: generic
		  - endpoints:
		      - {end: "r:lan", address: 10.8.1.1/24}
		      - "lan:p1"
		  - endpoints: ["other:vc1", "lan:p3"]
		  - endpoints:
		      - {end: "new:eth0", address: 10.8.1.3/24}
		      - "lan:p4"
		  - endpoints: ["host:vc2", "new:eth1"]
	END
}

step_apply_kill() { # N
	up "$TEST_TMP/lab.yaml" --tc clsact
	crash_at "$1" "$BUILD/vethlab" apply "$TEST_TMP/changed.yaml"
	remember_objects
	no_more_calls && good vethlab down && clean "the end" && return 1
	assert_eq "$status" 137 "killed at $met: $out"
	if is_up && vethlab exec new true >/dev/null 2>&1; then # killed after the last step
		good vethlab exec new ping -c 1 -W 5 -q 10.8.1.1
		good vethlab down
		clean "killed at $met"
	else
		clear_up "$1"
	fi
}

# What it asks of the kernel, by part: labs in two ways with programs of its own, frames and sockets;
# echoes, traced and kept; ways to set a link; a larger lab beside ip's. Or all ways to watch.
bench() {
	local -a quick=(--runs 1 --time 0.01 --cpu none)
	# shellcheck disable=SC2153 # SWEEP and PART come from sweep()
	case $SWEEP$PART in
	matrix_*) "$@" "$BUILD/vethlab" bench --matrix "${quick[@]}" ;;
	*0) "$@" "$BUILD/vethlab" bench --hooks none,xdp-generic --what pps --size 64 --threads 1 "${quick[@]}" ;;
	*1) "$@" "$BUILD/vethlab" bench --hooks clsact --what rtt,tcp "${quick[@]}" ;;
	*2) "$@" "$BUILD/vethlab" bench --hooks none --what udp --size 64 --set gro,threaded,no-tso "${quick[@]}" ;;
	*) "$@" "$BUILD/vethlab" bench build chain 4 --runs 1 ;;
	esac
}

step_matrix_kill() { # N
	step_bench_kill "$1"
}

step_bench_kill() { # N
	bench crash_at "$1"
	remember_objects
	no_more_calls && clean "the end" && return 1
	assert_eq "$status" 137 "killed at $met: $out"
	good vethlab gc
	clean "killed at $met"
}

# Before it looks for signals, one ends it at once; when all is done, it is too late.
step_bench_interrupt() { # N
	bench crash_at "$1" -i
	no_more_calls && clean "the end" && return 1
	[[ $status -eq 130 || $status -eq 1 || $status -eq 0 ]] || fail "at $met: status $status: $out"
	[[ $status -ne 1 ]] || says interrupted
	clean "interrupted at $met"
}

# One call that fails must not cost more than the change: the lab is as it was, or as it shall be.
step_apply_fail() { # N ERRNO
	up "$TEST_TMP/lab.yaml" --tc clsact
	crash_at "$1" -e "$2" "$BUILD/vethlab" apply "$TEST_TMP/changed.yaml"
	remember_objects
	no_more_calls && good vethlab down && clean "the end" && return 1
	is_up || fail "$2 at $met: the lab does not run: $out"
	[[ $status -eq 0 ]] || says_why
	if [[ $status -eq 0 || $out == *"is changed all the same"* ]]; then
		good vethlab exec r ping -c 1 -W 5 -q 10.8.0.1
		good vethlab exec new ping -c 1 -W 5 -q 10.8.1.1
	else
		works
	fi
	good vethlab down
	clean "$2 at $met"
}

# ---- sweeps --------------------------------------------------------------------------------------

# What an earlier run has noted in CRASH_LOG.
declare -A tried_before
read_tried() {
	local line
	[[ ! -e ${CRASH_LOG:-} ]] || while read -r line; do
		tried_before[${line%%:*}]=1
	done < <(grep "^$SWEEP " "$CRASH_LOG" || true)
}

was_tried() { # N ERRNO
	[[ -n ${tried_before["$SWEEP $1 $2"]:-} ]]
}

note_tried() { # N ERRNO
	[[ -z ${CRASH_LOG:-} ]] || was_tried "$@" || echo "$SWEEP $1 $2: $met" >>"$CRASH_LOG"
}

# The numbers below ROUNDS to order, so that the first ones of any count lie far apart: 0 4 2 6 1 5 3 7.
spread_rounds() {
	local half i
	order=(0)
	for ((half = ROUNDS / 2; half > 0; half /= 2)); do
		for i in "${order[@]}"; do
			order+=($((i + half)))
		done
	done
}

time_is_up() {
	[[ -z ${CRASH_ALL:-} && $SECONDS -ge $CRASH_SECONDS ]]
}

# The part's share of all calls, in ROUNDS: each PARTS * STEP-th, from its number on; but of bench, which
# is another command in each part, all. What was tried is told to sweep(). There may be some calls
# more or less from run to run.
steps_of_part() {
	# shellcheck disable=SC2153 # PART comes from sweep()
	local n last offset error=- tried=0 least first=$((PART + 1)) stride=$((PARTS * STEP))
	local -a order
	[[ $SWEEP != bench_* ]] || first=1 stride=$STEP
	"step_$SWEEP" 1000000 ENOMEM && fail "$SWEEP: a million calls"
	last=${met#none }
	least=$((last / stride / ROUNDS - 1))
	[[ $SWEEP != bench_* ]] || least=$((least / 2)) # it makes as many calls as there is time
	[[ $least -ge 1 ]] || least=1
	spread_rounds
	for offset in "${order[@]}"; do
		for ((n = first + offset * stride; n <= last; n += ROUNDS * stride)); do
			[[ $offset -eq 0 ]] || ! time_is_up || break 2
			[[ $SWEEP != *_fail ]] || error=${ERRORS[n / PARTS % 3]}
			was_tried "$n" "$error" || "step_$SWEEP" "$n" "$error" || break
			note_tried "$n" "$error"
			tried=$((tried + 1))
		done
	done
	[[ $SWEEP == *_interrupt || $tried -ge $least ]] ||
		fail "$SWEEP: only $tried of $last calls, in part $PART of $PARTS"
	echo "$tried $last" >>"$TEST_TMP/tried"
}

# A long command: one part counts its calls, the others kill it at some of them.
few_steps_of_part() {
	local n
	local -a at=(1000000 "300 4000" "1200 3000" 2000)
	for n in ${at[PART]}; do
		if "step_$SWEEP" "$n"; then
			echo "1 0" >>"$TEST_TMP/tried"
		elif [[ $PART -eq 0 ]]; then
			echo "0 ${met#none }" >>"$TEST_TMP/tried"
		else
			fail "$SWEEP: there is no call $n: $met"
		fi
	done
}

part_of_sweep() {
	local before status met error
	lab_file
	[[ $SWEEP != apply_* ]] || changed_file
	others
	before=$(look)
	read_tried
	if [[ ${CRASH_ALL:-} == 1 && $SWEEP == *_fail ]]; then
		for error in ENOMEM EBUSY EPERM; do
			ERRORS=("$error" "$error" "$error")
			steps_of_part
		done
	elif [[ $SWEEP == matrix_* ]]; then
		few_steps_of_part
	else
		steps_of_part
	fi
	others_away
}

# All calls: parts side by side, each in a sandbox of its own inside this one's.
sweep() { # STEP
	local part failed=0
	local -a jobs=()
	for ((part = 0; part < PARTS; part++)); do
		mkdir "$TEST_TMP/$part"
		SWEEP=$1 PART=$part TEST_TMP=$TEST_TMP/$part \
			VETHLAB_TEST_INSIDE=part_of_sweep "${SANDBOX[@]}" "$SELF" 2>&1 &
		jobs+=($!)
	done
	for part in "${jobs[@]}"; do
		wait "$part" || failed=1
	done
	[[ $failed -eq 0 ]] || fail "$*: see above"
	# Each part of bench has calls of its own.
	cat "$TEST_TMP"/*/tried | awk -v sweep="$1" '
		{ tried += $1; all = sweep ~ /^bench/ ? all + $2 : $2 > all ? $2 : all }
		END { print "# " sweep ": " tried " calls tried, of " all }' >"$TEST_TMP/comment"
	asserted
}
