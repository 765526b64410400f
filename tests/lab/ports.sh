# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# ports.sh - sourced behind lib.sh by tests of ping --tcp and --udp: listeners, and what the last ping says.

listeners=

# Somebody listens in a node. Ended by stop_listeners, before the lab is taken down.
listen_in() { # NODE tcp|full|udp PORT
	inside "$1" "$HELPERS/listener" "$2" "$3" >"$TEST_TMP/listener.$3" 2>&1 &
	listeners+=" $!"
	wait_until grep -q listening "$TEST_TMP/listener.$3"
}

stop_listeners() {
	local pid
	for pid in $listeners; do
		kill "$pid"
		wait "$pid" || true
	done
	listeners=
}

# The last output has one attempt, of this result, for which these filters of jq hold.
attempt() { # RESULT FILTER...
	local filter
	json_holds "[.[] | select(.schema == \"vethlab.ping-port/1\")] | length == 1"
	json_holds ".[0].result == \"$1\""
	shift
	for filter; do
		json_holds ".[0] | $filter"
	done
}

# It was dropped by one node alone, so: dropped_by NODE PACKET REASON
dropped_by() {
	json_holds "[.[0].drops[] | select(.node == \"$1\" and .packet == \"$2\" and .reason == \"$3\")] | length == 1" \
		".[0].drops | length == 1"
}
