#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# counters.sh LAB - the same by bpftool and jq: one line an end and hook.
set -eu
pins=/sys/fs/bpf/vethlab/${1:?usage: counters.sh LAB}
[ "$(bpftool -j map dump pinned "$pins/lab" | jq '.[0].formatted.value.version')" = 2 ]
for hook in out xdp in; do
	[ -e "$pins/count_$hook" ] || continue # no such hook in this lab
	{
		bpftool -j map dump pinned "$pins/ends"
		bpftool -j map dump pinned "$pins/count_$hook"
	} | jq -rs --arg hook "$hook" '
		[.[0][].formatted.value] as $ends | .[1][].formatted
		| $ends[.key] as $who | select($who.in_use == 1)
		| [.values[].value]
		| "\($who.node):\($who.ifname) \($hook) packets \(map(.packets) | add)" +
		  " requests \(map(.icmp4.echo_request) | add)" +
		  " replies \(map(.icmp4.echo_reply) | add)"'
done
