#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# stories.sh [NAME...] - make the golden stories anew: tests/unit/data/stories/NAME.rec, which
# tests/unit/test_golden.c replays on any machine, and NAME.txt, what must come out. Needed when the
# format of recordings changes, or what stories say: then look at the difference before it is
# committed. Needs root; runs in namespaces of its own.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

if [[ -z ${VETHLAB_STORIES_INSIDE:-} ]]; then
	[[ $EUID -eq 0 ]] || { echo "stories.sh builds network namespaces: run it as root" >&2; exit 4; }
	TEST_TMP=$(mktemp -d)
	export TEST_TMP
	trap 'rm -rf "$TEST_TMP"' EXIT
	VETHLAB_STORIES_INSIDE=1 "${UNSHARE[@]}" "$SELF" "$@"
	exit
fi
enter_sandbox

OUT=$TOP/tests/unit/data/stories
made=0

# Record what a command does in the lab that runs, and tell it once.
story() { # NAME COMMAND...
	local name=$1 recorder
	shift
	[[ ${#WANTED[@]} -eq 0 || " ${WANTED[*]} " == *" $name "* ]] || return 0
	rm -f "$OUT/$name.rec"
	"$BUILD/vethlab" record "$OUT/$name.rec" type echo,error 2>/dev/null &
	recorder=$!
	wait_until test -e "$OUT/$name.rec"
	"$@" >/dev/null 2>&1 || true
	kill -TERM $recorder
	wait $recorder
	"$BUILD/tests/unit/test_golden" --tell "$OUT/$name.rec" >"$OUT/$name.txt"
	made=$((made + 1))
}

dies() { # NAME [OPTION OF PING...]: from a to b
	local name=$1
	shift
	story "$name" vethlab ping a b -W 0.3 "$@"
}

# An echo that a rule in NODE's HOOK drops, or spoils for the next node.
nft_story() { # NAME NODE HOOK [STATEMENT]
	inside "$2" nft add table ip t
	inside "$2" nft "add chain ip t c { type filter hook $3 priority 0; }"
	inside "$2" nft "add rule ip t c ${4:-icmp type { echo-request, echo-reply \} drop}"
	dies "$1"
	inside "$2" nft delete table ip t
}

bundled() {
	up blue
	good vethlab link default:veth0 up
	good vethlab ping default 10.1.1.1
	story blue vethlab ping default 10.1.1.1
	good vethlab down blue
	bundled_pair container c1 c2
	bundled_pair ipv6 a b
	bundled_pair lan a b
	bundled_pair mtu a b -s 1400 -W 0.3
	bundled_pair nat pc server
	bundled_pair ring a 192.0.2.1
	bundled_pair router a b
	bundled_pair routers pc1 pc2
	bundled_pair rp-filter a 192.0.2.2 -W 0.3
	bundled_pair two-hosts a b
	up container
	good vethlab ping c1 internet
	story container-nat vethlab ping c1 internet
	good vethlab down container
}

bundled_pair() { # LAB FROM TO [OPTION OF PING...]
	local name=$1
	shift
	up "$name"
	vethlab ping "$1" "$2" -W 5 >/dev/null || true # neighbours are known then
	story "$name" vethlab ping "$@"
	good vethlab down "$name"
}

deaths_up() {
	up "$TOP/tests/lab/deaths.yaml"
	good vethlab ping a b -W 5
}

by_routes() {
	deaths_up
	story no-route vethlab ping a 10.9.9.9
	dies ttl -t 1
	dies ttl-2 -t 2
	story neighbor vethlab ping a 10.0.3.77 -W 5
	inside r1 ip route add blackhole 10.0.3.1/32
	dies blackhole
	inside r1 ip route replace unreachable 10.0.3.1/32
	dies unreachable
	inside r1 ip route replace prohibit 10.0.3.1/32
	dies prohibit
	inside r1 ip route del prohibit 10.0.3.1/32
	inside r1 sysctl -qw net.ipv4.ip_forward=0
	dies forwarding-off
	inside r1 sysctl -qw net.ipv4.ip_forward=1
	inside r2 ip route replace 10.0.3.1/32 via 10.0.2.1
	dies loop -t 5
	inside r2 ip route del 10.0.3.1/32
	inside r2 sysctl -qw net.ipv4.conf.all.rp_filter=1
	inside r2 ip route replace 10.0.1.0/24 dev e0
	dies rp-filter-request
	inside r2 ip route replace 10.0.1.0/24 via 10.0.2.1
	inside r2 ip addr add 10.0.1.1/32 dev lo
	dies own-address
	inside r2 ip addr del 10.0.1.1/32 dev lo
	inside b ip route del default
	dies no-route-back
	inside b sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	dies ignored
	good vethlab down deaths
}

by_filters() {
	local hook
	deaths_up
	for hook in prerouting forward postrouting; do
		nft_story "nft-$hook" r1 $hook
	done
	nft_story nft-input b input
	nft_story nft-output b output
	nft_story nft-reply a input
	nft_story nft-reject r1 forward "icmp type echo-request reject with icmp type admin-prohibited"
	nft_story checksum-icmp r1 postrouting "icmp type echo-request icmp checksum set 1"
	nft_story checksum-ip r1 postrouting "icmp type echo-request ip checksum set 1"
	nft_story martian r1 postrouting "icmp type echo-request ip saddr set 127.0.0.1"
	inside r2 "$HELPERS/xdp_drop" w0
	dies foreign-xdp
	inside r2 "$HELPERS/xdp_drop" --off w0
	good vethlab down deaths
}

by_links() {
	deaths_up
	inside r1 ip link set e0 mtu 1000
	inside r2 ip link set w0 mtu 1000
	dies mtu-df -s 1200
	inside a sysctl -qw net.ipv4.ip_no_pmtu_disc=1
	inside a ip route flush cache
	dies mtu-cut -s 2000
	inside r2 nft add table ip t
	inside r2 nft add chain ip t c "{ type filter hook forward priority 0; }"
	inside r2 nft add rule ip t c ip frag-off '&' 0x1fff == 122 drop
	dies part-lost -s 2000
	inside r2 nft delete table ip t
	inside r2 ip link set w0 mtu 1500
	dies mtu-of-the-other-end -s 1200
	good vethlab down deaths
	deaths_up
	inside r2 ip neigh replace 10.0.3.1 dev e0 nud permanent \
		lladdr "$(inside b ip -j link show e0 | jq -r '.[0].address')"
	inside sw ip link set br0 type bridge forward_delay 3000 stp_state 1
	inside sw ip link set p0 down
	inside sw ip link set p0 up
	dies loop-guard
	good vethlab link r1:e0 down
	dies link-down
	good vethlab down deaths
}

WANTED=("$@")
mkdir -p "$OUT"
bundled
by_routes
by_filters
by_links
[[ $made -gt 0 ]] || { echo "stories.sh: there is no such story: $*" >&2; exit 2; }
echo "$made stories in tests/unit/data/stories"
