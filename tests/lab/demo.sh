#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# demo.sh - `make demo`: the blue lab step by step, a sentence and the real output for each, in an
# isolated copy. Every step is asserted, so it is a test as well: with TAP=1 it speaks TAP.
set -euo pipefail

no_colour=${NO_COLOR:-}
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

if [[ -z ${VETHLAB_DEMO_INSIDE:-} ]]; then
	if [[ $EUID -ne 0 ]]; then
		echo "make demo builds network namespaces: run it as root" >&2
		exit 4
	fi
	# Namespaces of its own, so that labs of yours that run now are not in the way.
	VETHLAB_DEMO_INSIDE=1 exec "${SANDBOX[@]}" "$SELF"
fi

n=0
title=""
bold="" dim="" plain=""
export COLUMNS=76 # and an indent of four
if [[ -t 1 && -z $no_colour && ${TERM:-dumb} != dumb ]]; then
	bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

write() { # PREFIX: standard input, as comments where TAP is spoken
	local mark=""
	[[ ${TAP:-0} != 1 ]] || mark="# "
	sed "s/^/$mark$1/"
}

step_done() {
	[[ -z $title || ${TAP:-0} != 1 ]] || echo "ok $n - $title"
}

# A step: its title, and on standard input the sentences that explain it.
step() { # TITLE
	step_done
	n=$((n + 1)) title=$1
	{
		echo
		echo "$bold$n. $title$plain"
		fmt -u -w 76 | sed 's/^/  /'
		echo
	} | write ""
}

wrong() {
	echo "demo: step $n, $title: $*" | write ""
	[[ ${TAP:-0} != 1 ]] || echo "not ok $n - $title"
	exit 1
}

# Show a command and its output, which is kept in $out; it must exit with STATUS.
run() { # STATUS COMMAND...
	local want=$1 got=0
	shift
	echo "  $dim\$$plain $*" | write ""
	out=$("$@" 2>&1) || got=$?
	echo "${out:-(nothing)}" | sed 's/ *$//' | fold -s -w 76 | sed 's/ *$//; s/^./    &/' | write ""
	echo | write ""
	[[ $got -eq $want ]] || wrong "exit status $got, not $want"
}

says() {
	local text
	for text; do
		[[ $out == *"$text"* ]] || wrong "the output does not say '$text'"
	done
}

# A command whose output is not shown.
quietly() {
	out=$("$@" 2>&1) || wrong "$*: $out"
}

# Echo requests and replies seen at all hooks together.
echoes() {
	vethlab stats --json | jq '[.ends[].hooks[].icmp4 | .echo_request + .echo_reply] | add'
}

step "What exists" <<-END
	A Linux system starts with one network namespace, the default one. There are no others, and
	no lab runs. (This walk happens in a copy of its own: nothing of yours is touched.)
END
run 0 ip netns list
run 0 vethlab ls

step "Build the lab" <<-END
	One file describes it: two nodes and two veth links. The default namespace is stood in for
	by a new one (--isolated). Both ends of a link are born in their namespaces, and an eBPF
	program sits on each end from then on. (The warning is about 10.1.1.0/24 being on both links:
	step 9 shows what comes of it.)
END
run 0 vethlab up blue --isolated
says "blue is up"
run 0 vethlab show
says default:veth0 blue:veth1 default:veth2 blue:veth3

step "Blue and its links" <<-END
	Inside blue there are its own lo, veth1 and veth3, and nothing of the default namespace.
	veth0, the other end of veth1, is in the default namespace. It has an address and is down.
END
run 0 vethlab exec blue ip -br addr
says "10.1.1.1/24" "10.1.1.3/24"
run 0 vethlab exec default ip -br addr show dev veth0
says DOWN "10.1.1.2/24"

step "Ping 10.1.1.3 inside blue: it answers, and no link carried it" <<-END
	Both links are down, and still 10.1.1.3 answers, since it is blue's own address: such a packet
	stays on lo. 10.1.1.1 and 10.1.1.3 are two addresses of one system, not two systems. The
	programs on the veth ends saw no echo at all.
END
run 0 vethlab exec blue ping -c 1 10.1.1.3
says "1 received"
run 0 vethlab ping blue 10.1.1.3 -c 1
says lo
[[ $(echoes) -eq 0 ]] || wrong "an echo crossed a veth"

step "Ping 10.1.1.1 from default: it fails" <<-END
	veth0 is down. An interface that is down brings no route, so the default namespace does not
	know where 10.1.1.1 is, and the packet is not even sent.
END
run 0 vethlab exec default ip route
[[ $out != *10.1.1.0/24* ]] || wrong "there is a route"
run 1 vethlab ping default 10.1.1.1 -c 1

step "Bring veth0 up" <<-END
	Now both ends of the link are up, and with veth0's address comes a route to 10.1.1.0/24.
END
run 0 vethlab link default:veth0 up
run 0 vethlab exec default ip route
says "10.1.1.0/24 dev veth0"

step "Ping from default to blue, and watch it go" <<-END
	Each echo has an itinerary: where it was seen, when, and how long each step took. The times
	are those of the eBPF programs on the ends.
END
run 0 vethlab ping default 10.1.1.1 -c 2
says default:veth0 blue:veth1

step "Ping from blue to default" <<-END
	The same link, the other way.
END
run 0 vethlab ping blue 10.1.1.2 -c 1
says default:veth0 blue:veth1

step "The routes" <<-END
	blue has two interfaces in one subnet, and thus two routes to it: the first is taken, which is
	why its pings left by veth1. The second link never carried an echo.
END
run 0 vethlab exec blue ip route
says "10.1.1.0/24 dev veth1" "10.1.1.0/24 dev veth3"

step "The ledger" <<-END
	What each end sent, and what arrived at the other: 3 requests, 3 replies, nothing lost. It
	counts whether anybody looks or not; no process of vethlab runs now.
END
run 0 vethlab stats
quietly vethlab stats --json
[[ $(jq '[.links[].directions[].lost] | add' <<<"$out") -eq 0 ]] || wrong "something was lost"
[[ $(jq '[.links[0].directions[].kinds["icmp4.echo_request"].sent] | add' <<<"$out") -eq 3 ]] ||
	wrong "not 3 requests"

step "Tear down" <<-END
	Namespaces, links, programs and pins go. What was there before is there now.
END
run 0 vethlab down
run 0 vethlab ls
run 0 ip netns list
[[ -z $out ]] || wrong "a namespace is left"
bpffs_empty || wrong "pins are left"

step_done
[[ ${TAP:-0} != 1 ]] || echo "1..$n"
