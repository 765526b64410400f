# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# observed.sh - namespaces and links as others make them, and a lab of what is there. Sourced after lib.sh.

# Make a network namespace as a container has it: nobody's but a process's, whose id is then in $held. With
# a host name, the process has one of its own.
hold() { # [HOST-NAME]
	if [[ $# -eq 0 ]]; then
		unshare --net sleep 1000 &
	else
		unshare --net --uts bash -c 'echo "$1" >/proc/sys/kernel/hostname; exec sleep 1000' - "$1" &
	fi
	held=$!
	wait_until is_sleep "$held"
}

is_sleep() { # PID
	[[ $(cat "/proc/$1/comm") == sleep ]]
}

let_go() { # PID...: the processes of hold
	kill "$@"
	wait "$@" 2>/dev/null || true
}

# A link between this namespace and another one, made and set up by `ip`.
road() { # NAME INTERFACE NAMESPACE|PATH|PID ADDRESS-HERE ADDRESS-THERE
	local enter=(ip netns exec "$3")
	ip link add "$1" type veth peer name "$2" netns "$3"
	[[ $3 != */* ]] || enter=(nsenter --net="$3")
	[[ ! $3 =~ ^[0-9]+$ ]] || enter=(nsenter --net="/proc/$3/ns/net")
	[[ -z $4 ]] || ip addr add "$4" dev "$1"
	ip link set "$1" up
	"${enter[@]}" ip addr add "$5" dev "$2"
	"${enter[@]}" ip link set "$2" up
}

observe() {
	good vethlab observe "$@"
	remember_objects
}
