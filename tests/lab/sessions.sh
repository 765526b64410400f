# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# sessions.sh - sourced behind lib.sh: how many processes take records of the lab whose pins are in $PINS.

active() { # the generations of the sessions, one byte each
	# Not jq: its numbers have 53 bits.
	bpftool -j map dump pinned "$PINS/control" | sed -n 's/.*"active":\([0-9]*\).*/\1/p'
}

# As many tracers listen as COUNT.
sessions_are() { # COUNT
	local value n=0
	value=$(active)
	while [[ $value -ne 0 ]]; do
		[[ $((value & 255)) -eq 0 ]] || n=$((n + 1))
		value=$((value >> 8 & 0xffffffffffffff))
	done
	[[ $n -eq $1 ]]
}
