# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# agreement.sh - sourced by tests: what `why` foretells is what `ping` finds: whether the echo is
# answered, the ends by which it comes into each node, and where it ends if it does not.

# From what `why` says: "NODE:IF NODE:IF", the ends by which the request comes in, as far as it comes.
foretold_way() {
	jq -r '[.there.hops[] | .in // empty] | join(" ")' "$TEST_TMP/why"
}

# The same as `ping` saw it, of the nodes that `why` names: bridges between them have no say.
found_way() {
	jq -r --slurpfile why "$TEST_TMP/why" '[$why[0].there.hops[].node] as $nodes |
		[.itinerary.hops[]? | select(.leg == "request" and .hook != "out") |
		select(.node | IN($nodes[])) | .end] |
		reduce .[] as $e ([]; if .[-1] == $e then . else . + [$e] end) | join(" ")' \
		"$TEST_TMP/echo"
}

# The node where an echo without an answer ended: that dropped it, refused it, or was the last one.
found_end() { # FROM
	# From the host's namespace nothing is sent that would leave the lab.
	[[ -s $TEST_TMP/echo ]] || { echo "$1"; return; }
	jq -r --arg from "$1" '.itinerary as $i | if $i.waiting != null then $i.waiting.node
		elif $i.death != null then $i.drops[$i.death].node
		elif $i.last_seen.leg == "reply" then $i.last_seen.end | split(":")[0]
		elif $i.answerer != null then $i.answerer
		elif $i.last_seen != null then $i.last_seen.end | split(":")[0]
		elif ($i.hops | length) > 0 then $i.hops[-1].node
		else $from end' "$TEST_TMP/echo"
}

# An echo, and what is foretold of it. Options of ping: -s is one of why's as well.
agree() { # FROM TO [-s SIZE] [OPTION OF PING...]
	local from=$1 to=$2 told=0 found=0 all size=()
	shift 2
	[[ ${1:-} != -s ]] || size=("$1" "$2")
	vethlab why "$from" "$to" "${size[@]}" -j >"$TEST_TMP/why" || told=$?
	# What was not evaluated is no excuse here: these filters and links do not stop echoes.
	[[ $told -ne 6 ]] || told=$(jq 'if .good then 0 else 1 end' "$TEST_TMP/why")
	vethlab ping "$from" "$to" -W "${PING_WAIT:-1}" "$@" -j >"$TEST_TMP/ping" || found=$?
	head -1 "$TEST_TMP/ping" >"$TEST_TMP/echo"
	all="$from to $to: $(cat "$TEST_TMP/ping" "$TEST_TMP/why")"
	assert_eq "$found" "$told" "exit status: $all"
	[[ $found -le 1 ]] || fail "$all"
	if [[ $found -eq 0 ]]; then
		[[ $(jq -r .there.end "$TEST_TMP/why") == stays-on-lo ]] ||
			assert_eq "$(found_way)" "$(foretold_way)" "the way: $all"
	elif [[ $(jq -r '(.back // .there).end' "$TEST_TMP/why") != loop ]]; then # by TTL: anywhere
		assert_eq "$(found_end "$from")" \
			"$(jq -r '(.back // .there).at' "$TEST_TMP/why")" "where it ends: $all"
	fi
}
