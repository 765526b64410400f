# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# agreement.sh - sourced by tests: what `why` foretells is what `ping` finds: whether the echo is
# answered, the ends by which it comes into each node, and where it ends if it does not.

# What both say, in one jq, since a process is dear: into foretold_status (0: answered), foretold_way ("NODE:IF
# NODE:IF", the ends by which the request comes in, as far as it comes), foretold_stop (how the last way ends),
# foretold_end (the node where), on_lo (true: no end is passed), and as `ping` saw it found_way, of the nodes that
# `why` names, since bridges between them have no say, and found_end: the node where an echo without an answer
# ended, that dropped it, refused it, or was the last one.
read_both() { # FROM
	local IFS=$'\n'
	# shellcheck disable=SC2046 # a line each
	set -- $(jq -rn --arg from "$1" --slurpfile why "$TEST_TMP/why" --slurpfile ping "$TEST_TMP/ping" '
		def way: "way " + join(" ");
		$why[0] as $why | $ping[0].itinerary as $i | [$why.there.hops[].node] as $nodes |
		($why.back // $why.there) as $last |
		if $why.good then 0 else 1 end,
		([$why.there.hops[] | .in // empty] | way),
		([$i.hops[]? | select(.leg == "request" and .hook != "out") |
			select(.node | IN($nodes[])) | .end] |
			reduce .[] as $e ([]; if .[-1] == $e then . else . + [$e] end) | way),
		$last.end, "at \($last.at)", $why.there.end == "stays-on-lo",
		# From the host'"'"'s namespace nothing is sent that would leave the lab.
		if $ping == [] then $from
		elif $i.waiting != null then $i.waiting.node
		elif $i.death != null then $i.drops[$i.death].node
		elif $i.last_seen.leg == "reply" then $i.last_seen.end | split(":")[0]
		elif $i.answerer != null then $i.answerer
		elif $i.last_seen != null then $i.last_seen.end | split(":")[0]
		elif ($i.hops | length) > 0 then $i.hops[-1].node
		else $from end')
	[[ $# -eq 7 ]] || fail "what is foretold and found cannot be read: $*"
	foretold_status=$1 foretold_way=${2#way } found_way=${3#way }
	foretold_stop=$4 foretold_end=${5#at } on_lo=$6 found_end=$7
}

# An echo, and what is foretold of it. Options of ping: -s is one of why's as well.
agree() { # FROM TO [-s SIZE] [OPTION OF PING...]
	local from=$1 to=$2 told=0 found=0 all size=()
	local foretold_status foretold_way foretold_stop foretold_end found_way found_end on_lo
	shift 2
	[[ ${1:-} != -s ]] || size=("$1" "$2")
	vethlab why "$from" "$to" "${size[@]}" -j >"$TEST_TMP/why" || told=$?
	vethlab ping "$from" "$to" -W "${PING_WAIT:-1}" "$@" -j >"$TEST_TMP/ping" || found=$?
	all="$from to $to: $(<"$TEST_TMP/ping") $(<"$TEST_TMP/why")"
	[[ $found -le 1 && (-s $TEST_TMP/why || $found -ne $told) ]] || fail "$all"
	[[ ! -s $TEST_TMP/why ]] || read_both "$from"
	# What was not evaluated is no excuse here: these filters and links do not stop echoes.
	[[ $told -ne 6 ]] || told=$foretold_status
	assert_eq "$found" "$told" "exit status: $all"
	if [[ $found -eq 0 ]]; then
		[[ $on_lo == true ]] || assert_eq "$found_way" "$foretold_way" "the way: $all"
	elif [[ $foretold_stop != loop ]]; then # by TTL: anywhere
		assert_eq "$found_end" "$foretold_end" "where it ends: $all"
	fi
}
