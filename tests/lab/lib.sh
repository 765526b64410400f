# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# lib.sh - sourced by every tests/lab/test_*.sh, which defines functions test_NAME and ends with
# `run_tests`. Each function runs in namespaces of its own (network, mount, process), with an empty
# /run and a bpffs of its own, so that nothing of this machine is touched or seen. After it, nothing
# may be left: no namespace, interface, pin, state file, program, map or link. A function that
# asserts nothing fails. The results are TAP.
#
# demo.sh uses the sandbox alone.
#
# What a test writes to $TEST_TMP/comment is printed beside its result.
#
# Arguments pick tests: tests/lab/test_blue.sh walk flood
#
# HOST_SYSCTLS="net.ipv4.ip_forward=1 net.ipv6.conf.all.disable_ipv6=1": the tests' host has these settings
# before each of them. Namespaces that are made copy those of the machine, not these.

# A process is dear where page faults are: what runs for each test, or for each command, starts as few as it can.
if [[ ${SELF:-} != "$0" ]]; then # not yet started by run_one
	SELF=$(readlink -f "$0")
	TOP=${SELF%/*}/../..
	BUILD=$(cd "$TOP" && readlink -f "${BUILD:-build}")
	export SELF TOP BUILD
fi
HELPERS=$BUILD/tests/lab
PATH=$BUILD:$PATH # of `vethlab`: a function of that name would be a process more in each pipeline
WAIT=${WAIT:-30} # seconds that something awaited may take before it counts as never
export NO_COLOR=1
GOLDENS=${SELF%.sh} GOLDENS=${GOLDENS%/*}/golden/${GOLDENS##*/} # of this script
out=          # output of the last good or bad
last_command= # that of it
last_status=  # its exit status
transcript=   # what told() kept for golden()

# ---- assertions ----------------------------------------------------------------------------------

fail() {
	local i
	echo "# FAILED: $*${met:+ (at $met)}" >&2
	for ((i = 1; i < ${#FUNCNAME[@]} - 1; i++)); do
		echo "#   ${FUNCNAME[i]}, line ${BASH_LINENO[i - 1]}" >&2
	done
	exit 1
}

asserted() {
	echo >>"$TEST_TMP/asserted"
}

assert_eq() { # GOT WANT WHAT
	asserted
	[[ $1 == "$2" ]] || fail "$3: got '$1', want '$2'"
}

# Run a command that must succeed; its output is in $out.
good() {
	bad 0 "$@"
}

# Run a command that must exit with STATUS; its output is in $out.
bad() { # STATUS COMMAND...
	local want=$1
	shift
	asserted
	last_command=$* last_status=0
	case $1 in
	vethlab | ip | tc | */*) out=$(exec "$@" 2>&1) || last_status=$? ;;
	inside) out=$(exec ip netns exec "${@:2}" 2>&1) || last_status=$? ;;
	*) out=$("$@" 2>&1) || last_status=$? ;;
	esac
	[[ $last_status -eq $want ]] || fail "$*: exit status $last_status, want $want: $out"
}

# The last output contains each TEXT, in one line or folded: where a line ends depends on the numbers in it.
says() {
	local text
	asserted
	for text; do
		[[ -n $text ]] || fail "no text to look for" # what any output contains
		is_said "$text" || fail "it does not say '$text': $out"
	done
}

says_not() {
	local text
	asserted
	for text; do
		! is_said "$text" || fail "it says '$text': $out"
	done
}

is_said() { # TEXT
	local one_line=$out
	[[ $out != *"$1"* ]] || return 0
	one_line=${one_line//$'\n'/ }
	while [[ $one_line == *"  "* ]]; do
		one_line=${one_line//  / }
	done
	[[ $one_line == *"$1"* ]]
}

# Keep the command of the last good or bad with its output and its exit status, for golden.
told() {
	transcript+="\$ $last_command"$'\n'"$out${out:+$'\n'}"
	[[ $last_status -eq 0 ]] || transcript+="exit status $last_status"$'\n'
}

# What was told since the last golden, or the last output alone, is what golden/SCRIPT/NAME.txt has. With
# GOLDEN=update in the environment it is written there, to be read before it is committed. For outputs that
# no kernel, machine or terminal changes.
golden() { # NAME
	local file=$GOLDENS/$1.txt differs
	asserted
	[[ -n $transcript ]] || told
	masked <<<"${transcript%$'\n'}" >"$TEST_TMP/golden"
	transcript=
	if [[ ${GOLDEN:-} == update ]]; then
		mkdir -p "$GOLDENS"
		cp "$TEST_TMP/golden" "$file"
		return
	fi
	[[ -e $file ]] || fail "there is no $file: \`make golden\` writes it"
	differs=$(diff -u --label "$file" --label "the output now" "$file" "$TEST_TMP/golden") ||
		fail "not as in its golden file (\`make golden\` writes it anew):"$'\n'"$differs"
}

# stdin without what differs from run to run and from machine to machine. All else stays exact: counts,
# names, addresses that a lab file gives. The blanks before a time, which align columns, are those of one.
masked() {
	local text
	text=$(cat)
	text=${text//"$TEST_TMP"/TMP}
	text=${text//"$BUILD/vethlab"/vethlab}
	text=${text//"$TOP/"/}
	text=${text//"$(readlink -f "$TOP")/"topology/topology}
	sed -E -e "s/^\\$ timeout $WAIT /$ /" \
		-e 's/(^|[ (=]) *[0-9]+(\.[0-9]+)? (ns|us|ms|s)\b/\1TIME/g' \
		-e 's/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/MAC/g' \
		-e 's/\bfe80::[0-9a-f]{1,4}(:[0-9a-f]{1,4}){3}\b/LINK-LOCAL/g' <<<"$text"
}

# Each FILTER holds for the documents of the last output, which are the elements of an array.
json_holds() { # JQ-FILTER...
	local filter all=true
	asserted
	for filter; do
		all+=" and ([$filter"$'\n'"] | last)"
	done
	! jq -se "$all" <<<"$out" >/dev/null 2>&1 || return 0
	for filter; do
		jq -se "$filter" <<<"$out" >/dev/null || fail "$filter does not hold: $out"
	done
	fail "what holds one by one does not hold together: $*: $out"
}

# The last `ping -j` sent so many echoes, and all were answered.
answered() { # ECHOES
	json_holds "last | .schema == \"vethlab.ping-summary/1\" and .sent == $1 and .answered == $1"
}

# Its first echo went through these nodes on its way there, which sent it on.
passed_on() { # NODE...
	local node
	for node; do
		json_holds "[.[0].itinerary.hops[] | select(.leg == \"request\" and .step == \"node\" and
			.hook == \"out\").node] | index(\"$node\") != null"
	done
}

# Sentences of vethlab that several tests look for, so that a change of one is a change here.
text_answered() { # ECHOES: as many were sent
	echo "$1 sent, $1 answered"
}

text_passed_on() { # NODE
	echo "$1 passed it on"
}

text_did_you_mean() { # WORD
	echo "did you mean $1?"
}

text_is_up() { # LAB
	echo "$1 is up"
}

text_taken_down() { # LAB
	echo "lab $1 was taken down"
}

text_handed_back() { # NODE INTERFACE NEW_NAME
	echo "$1: interface $2 is not the lab's: handed back to this namespace as $3"
}

text_no_lab() {
	echo "no lab runs"
}

text_nothing_left() {
	echo "nothing is left"
}

text_no_recording() {
	echo "no recording of vethlab"
}

# Wait until a command succeeds.
wait_until() {
	local end=$((SECONDS + WAIT))
	until "$@" >/dev/null 2>&1; do
		[[ $SECONDS -lt $end ]] || fail "not within $WAIT s: $*"
		nap 0.02
	done
	asserted
}

# For wait_until: a process that was started has come into a namespace, by a file of it. A link that cannot be
# read, as that of a process between two programs, is no answer.
is_in() { # PROCESS FILE
	[[ /proc/$1/ns/net -ef $2 ]]
}

# sleep(1) without a process: a read of a pipe that nobody writes to.
nap() { # SECONDS
	if [[ -n ${nothing_comes:-} ]]; then
		read -rt "$1" -u "$nothing_comes" || true
	else
		sleep "$1"
	fi
}

# All that the kernel says about a lab's nodes, without what changes by itself.
kernel_state() { # NODE...
	local node
	for node; do
		echo "== $node"
		ip -n "$node" -d link | sed 's/ link-netns .*//'
		ip -n "$node" addr | grep inet | sed 's/ tentative//' | sort
		ip -n "$node" route
		ip -n "$node" -6 route | sort # those of two links come in any order
		ip -n "$node" neigh show nud permanent
		ip netns exec "$node" sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding
		tc -n "$node" filter show dev lo
	done
	find /sys/fs/bpf/vethlab -type f | sort
}

# IPv4 echoes at all hooks of an end: IPv6 sends what it likes when it likes.
counters_of() { # END
	vethlab stats --json | jq -c ".ends[] | select(.end == \"$1\") | [.hooks[].icmp4]"
}

# Blue, whose default answers by now.
up_answering() { # [OPTION OF UP...]
	up blue "$@"
	good vethlab link default:veth0 up
	wait_until ping -c 1 -W 1 -q 10.1.1.1
}

# A lab in which nothing is sent but by us.
up_silent() {
	local silent="sysctls: {net.ipv6.conf.all.disable_ipv6: 1}" a=02:00:00:00:08:01 b=02:00:00:00:08:02
	cat >"$TEST_TMP/silent.yaml" <<-END
		lab: silent
		nodes:
		  a: {$silent, neighbors: [{address: 10.8.0.2, mac: "$b", dev: x}]}
		  b: {$silent, neighbors: [{address: 10.8.0.1, mac: "$a", dev: y}]}
		links:
		  - endpoints:
		      - {end: "a:x", address: 10.8.0.1/24, mac: "$a"}
		      - {end: "b:y", address: 10.8.0.2/24, mac: "$b"}
	END
	up "$TEST_TMP/silent.yaml"
}

# This test cannot run here, and why.
skip_test() {
	echo "$*" >"$TEST_TMP/skip"
	exit 0
}

# Part of this test cannot run here, and why. The rest goes on; the part is reported as a skip of its own.
skip_part() {
	echo "$*" >>"$TEST_TMP/parts"
}

# The program is built with sanitizers.
is_sanitized() {
	grep -q -- -fsanitize "$BUILD/compiler"
}

# Skip the test unless these are installed.
needs() { # PROGRAM...
	local program
	for program; do
		command -v "$program" >/dev/null || skip_test "there is no $program"
	done
}

# ---- labs ----------------------------------------------------------------------------------------

# Bring a lab up; the ids of what it pinned are kept for the check at the end.
up() {
	good vethlab up "$@"
	remember_objects
}

remember_objects() {
	[[ ! -d /sys/fs/bpf/vethlab ]] || "$HELPERS/ids" /sys/fs/bpf/vethlab >>"$TEST_TMP/ids"
}

# Take a lab down, of which nothing may be lost and unexplained since it was built, once its traffic has
# stopped. A test that loses packets without a trace says why, and takes the lab down by `good vethlab down`.
down_at_rest() { # [LAB]
	local end=$((SECONDS + WAIT))
	while :; do
		good vethlab stats "$@" --all --json
		out=$(jq -c '[.links[].directions[] | select((.unexplained // 0) > 0) |
			{from, sent, received, dropped, unexplained}]' <<<"$out")
		[[ $out != "[]" ]] || break
		[[ $SECONDS -lt $end ]] || fail "lost at rest, and not explained: $out"
		sleep 0.02
	done
	good vethlab down "$@"
}

# A counter of one hook: count blue:veth1 in icmp4.echo_request [OPTION OF STATS...]
count() {
	local end=$1 hook=$2 path=$3
	shift 3
	vethlab stats --json "$@" |
		jq -e ".ends[] | select(.end == \"$end\") | .hooks.$hook.$path"
}

# The hooks that an end has: "in out xdp"
hooks_of() { # END [OPTION OF STATS...]
	local end=$1
	shift
	vethlab stats --json "$@" |
		jq -r ".ends[] | select(.end == \"$end\") | .hooks | keys | sort | join(\" \")"
}

# Every hook of END that sees what arrives: "in" and, if there, "xdp"
arrivals_of() {
	local hooks
	hooks=$(hooks_of "$1")
	echo "${hooks/out/}"
}

# ICMP echo at one hook: assert_echo END HOOK REQUESTS REPLIES [OPTION OF STATS...]
assert_echo() {
	local end=$1 hook=$2 requests=$3 replies=$4 got
	shift 4
	got=$(vethlab stats --json "$@" | jq -r ".ends[] | select(.end == \"$end\") |
		.hooks.$hook.icmp4 | \"\(.echo_request) \(.echo_reply)\"")
	assert_eq "$got" "$requests $replies" "$end $hook: requests and replies"
}

# Note all echoes counted so far; assert_more then tells what came since.
declare -A noted
note_echo() { # [OPTION OF STATS...]
	local where counts
	while IFS=$'\t' read -r where counts; do
		noted[$where]=$counts
	done < <(vethlab stats --json "$@" | jq -r '.ends[] | .end as $name | .hooks |
		to_entries[] | "\($name) \(.key)\t\(.value.icmp4 | "\(.echo_request) \(.echo_reply)")"')
	[[ ${#noted[@]} -gt 0 ]] || fail "stats shows no hooks"
}

assert_more() { # END HOOK REQUESTS REPLIES [OPTION OF STATS...]
	local end=$1 hook=$2 requests=$3 replies=$4 before
	shift 4
	before=${noted[$end $hook]}
	assert_echo "$end" "$hook" $((${before% *} + requests)) $((${before#* } + replies)) "$@"
}

inside() { # NAMESPACE COMMAND...
	ip netns exec "$@"
}

# An end's ifindex and administrative state, as `ip` sees it: ip_link [NAMESPACE] IFNAME FILTER
ip_link() {
	if [[ $# -eq 3 ]]; then
		ip -n "$1" -j -d link show "$2" | jq -r ".[0] | $3"
	else
		ip -j -d link show "$1" | jq -r ".[0] | $2"
	fi
}

# ---- sandbox -------------------------------------------------------------------------------------

SANDBOX=("$HELPERS/sandbox") # sandbox.c says what it is

nothing_in() { # DIRECTORY
	local -a found
	shopt -s nullglob dotglob
	found=("$1"/*)
	shopt -u nullglob dotglob
	[[ ${#found[@]} -eq 0 ]]
}

# The kernel's own files of a fresh bpffs are called *.debug.
bpffs_empty() {
	local file
	for file in /sys/fs/bpf/* /sys/fs/bpf/.[!.]*; do
		[[ ! -e $file || $file == *.debug ]] || return 1
	done
}

only_lo() {
	local -a lines # two of them are a head
	mapfile -t lines </proc/net/dev
	[[ ${#lines[@]} -eq 3 && ${lines[2]} == *( )lo:* ]]
}

objects_gone() {
	[[ ! -s $TEST_TMP/ids ]] || "$HELPERS/ids" --gone <"$TEST_TMP/ids"
}

# Zero residue. What the kernel frees after a grace period may take its time, the rest may not.
assert_residue_zero() {
	local qdisc
	nothing_in /run/netns || fail "left in /run/netns: $(ls /run/netns)"
	nothing_in /run/vethlab || fail "left in /run/vethlab: $(find /run/vethlab)"
	bpffs_empty || fail "left in bpffs: $(find /sys/fs/bpf)"
	only_lo || fail "left interfaces: $(ip -br link)"
	qdisc=$(tc qdisc show dev lo)
	[[ -z $qdisc || $qdisc == *noqueue* ]] || fail "left on lo: $qdisc"
	wait_until objects_gone
}

# ---- running -------------------------------------------------------------------------------------

run_inside() { # FUNCTION
	local nothing_comes
	exec {nothing_comes}<> <(:) # here, since $! is that of a test
	set -eE
	trap 'fail "line $LINENO: $BASH_COMMAND: exit status $?"' ERR
	# shellcheck disable=SC2086 # several
	[[ -z ${HOST_SYSCTLS:-} ]] || sysctl -qw $HOST_SYSCTLS
	"$1"
	[[ -z $transcript ]] || fail "told, and compared with no golden file: $transcript"
	assert_residue_zero
	[[ -s $TEST_TMP/asserted ]] || fail "asserts nothing"
}

run_one() { # FUNCTION NUMBER
	local status=0 name=${1#test_}
	export TEST_TMP
	TEST_TMP=$(mktemp -d)
	VETHLAB_TEST_INSIDE=$1 "${SANDBOX[@]}" "$SELF" >"$TEST_TMP/log" 2>&1 </dev/null || status=$?
	[[ ! -s $TEST_TMP/comment ]] || sed 's/^\(# \)\?/# /' "$TEST_TMP/comment"
	if [[ -s $TEST_TMP/skip ]]; then
		echo "ok $2 # SKIP $name: $(cat "$TEST_TMP/skip")"
	elif [[ $status -eq 0 ]]; then
		echo "ok $2 - $name"
		run_parts "$name"
	else
		sed 's/^\(# \)\?/# /' "$TEST_TMP/log"
		echo "not ok $2 - $name"
		failed=1
	fi
	rm -rf "$TEST_TMP"
}

# A result more for each part that was left out.
run_parts() { # NAME OF TEST
	local why
	[[ -s $TEST_TMP/parts ]] || return 0
	while read -r why; do
		echo "ok $((n += 1)) # SKIP part of $1: $why" # n: of run_tests
	done < <(sort -u "$TEST_TMP/parts")
}

run_tests() {
	local function failed=0 n=0
	local -a functions

	if [[ -n ${VETHLAB_TEST_INSIDE:-} ]]; then
		run_inside "$VETHLAB_TEST_INSIDE"
		return
	fi
	if [[ $EUID -ne 0 ]]; then
		echo "1..1"
		echo "ok 1 # SKIP $(basename "$0"): needs root"
		return
	fi
	mapfile -t functions < <(compgen -A function test_)
	[[ ${#ARGUMENTS[@]} -eq 0 ]] || functions=("${ARGUMENTS[@]/#/test_}")
	for function in "${functions[@]}"; do
		run_one "$function" $((n += 1))
	done
	echo "1..$n"
	return "$failed"
}

ARGUMENTS=("$@")
