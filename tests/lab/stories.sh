#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# stories.sh [NAME...] - make the golden stories anew: tests/unit/data/stories/NAME.rec, which
# tests/unit/test_golden.c replays on any machine, and NAME.txt, what must come out. Needed when the
# format of recordings changes: then look at the difference before it is committed. Needs root; runs in
# namespaces of its own.
# stories.sh --retell - only the texts anew, of the recordings that are there: when stories say
# something else. Needs no root.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

OUT=$TOP/tests/unit/data/stories

tell() { # NAME
	"$BUILD/tests/unit/test_golden" --tell "$OUT/$1.rec" >"$OUT/$1.txt"
}

if [[ ${1:-} == --retell ]]; then
	for path in "$OUT"/*.rec; do
		tell "$(basename "$path" .rec)"
	done
	exit
fi
if [[ -z ${VETHLAB_STORIES_INSIDE:-} ]]; then
	[[ $EUID -eq 0 ]] || { echo "stories.sh builds network namespaces: run it as root" >&2; exit 4; }
	TEST_TMP=$(mktemp -d)
	export TEST_TMP
	trap 'rm -rf "$TEST_TMP"' EXIT
	VETHLAB_STORIES_INSIDE=1 "${SANDBOX[@]}" "$SELF" "$@"
	exit
fi

made=0

# Record what a command does in the lab that runs, and tell it once.
story() { # NAME COMMAND...
	local name=$1 recorder
	local -a stack=()
	shift
	[[ $name != stack-* && $name != json-* ]] || stack=(--stack)
	[[ ${#WANTED[@]} -eq 0 || " ${WANTED[*]} " == *" $name "* ]] || return 0
	rm -f "$OUT/$name.rec"
	"$BUILD/vethlab" record "$OUT/$name.rec" "${stack[@]}" type echo,error 2>/dev/null &
	recorder=$!
	wait_until test -e "$OUT/$name.rec"
	"$@" >/dev/null 2>&1 || true
	kill -TERM $recorder
	wait $recorder
	tell "$name"
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

nft_below() { # NAME NODE FAMILY HOOK
	inside "$2" nft "table $3 t { chain c { type filter hook $4 priority 0; policy drop; }; }"
	dies "$1"
	inside "$2" nft delete table "$3" t
}

bundled() {
	up blue
	good vethlab link default:veth0 up
	good vethlab ping default 10.1.1.1
	story blue vethlab ping default 10.1.1.1
	good vethlab down blue
	bundled_pair checksum a b
	bundled_pair container c1 c2
	bundled_pair ipv6 a b
	bundled_pair lan a b
	bundled_pair mtu a b -s 1400 -W 0.3
	bundled_pair nat pc server
	bundled_pair one-way a 192.0.2.2
	bundled_pair port-rule a b
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

# More than one way: copies for everybody, an answer that comes back elsewhere; and deaths of IPv6.
more_of_bundled() {
	up lan
	good vethlab ping a b
	inside sw ip link set br0 type bridge fdb_flush
	story flood vethlab ping a b
	inside c sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
	story broadcast inside a ping -b -c1 -W 0.3 10.0.0.255
	good vethlab down lan
	up ring
	inside r1 ip route replace 192.0.2.1/32 via "$(peer_of r2 to-r1)"
	inside r4 ip route replace "$(net_of a eth0)" via "$(peer_of r3 to-r4)"
	good vethlab ping a 192.0.2.1 -W 5
	story asymmetric vethlab ping a 192.0.2.1
	good vethlab down ring
	up ipv6
	good vethlab ping a b -W 5
	story traceroute-v6 vethlab traceroute a b
	dies ttl-v6 -t 1
	inside r nft "add table ip6 t; add chain ip6 t c { type filter hook forward priority 0; policy drop; }"
	dies nft-forward-v6
	inside r nft delete table ip6 t
	inside r ip -6 route add blackhole fd00:2::2/128
	dies blackhole-v6
	inside r ip -6 route del blackhole fd00:2::2/128
	inside b ip -6 route del default
	dies no-route-back-v6
	story neighbor-v6 vethlab ping a fd00:2::77 -W 10
	good vethlab down ipv6
}

peer_of() { # NODE INTERFACE: its address
	inside "$1" ip -j -4 addr show "$2" | jq -r '.[0].addr_info[0].local'
}

net_of() { # NODE INTERFACE: its network
	inside "$1" ip -j -4 route show dev "$2" | jq -r '[.[].dst | select(test("/"))][0]'
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
	inside b sysctl -qw net.ipv4.icmp_echo_ignore_all=0
	inside b ip route add default via 10.0.3.254
	story udp inside a bash -c 'echo probe >/dev/udp/10.0.3.1/9'
	story stack-udp inside a bash -c 'echo probe >/dev/udp/10.0.3.1/9'
	story stack-answered vethlab ping a b
	story json-answered vethlab ping a b
	story stack-no-route vethlab ping a 10.9.9.9
	story json-no-route vethlab ping a 10.9.9.9
	story stack-neighbor vethlab ping a 10.0.3.78 -W 10
	story traceroute vethlab traceroute a b
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
	nft_story nft-output-sender a output
	nft_below nft-ingress r2 netdev "ingress device w0"
	nft_below nft-egress r1 netdev "egress device e0"
	nft_below nft-bridge sw bridge forward
	nft_story nft-reject r1 forward "icmp type echo-request reject with icmp type admin-prohibited"
	nft_story checksum-icmp r1 postrouting "icmp type echo-request icmp checksum set 1"
	nft_story checksum-ip r1 postrouting "icmp type echo-request ip checksum set 1"
	nft_story martian r1 postrouting "icmp type echo-request ip saddr set 127.0.0.1"
	nft_story martian-destination r1 postrouting "icmp type echo-request ip daddr set 127.0.0.1"
	nft_story multicast-source r1 postrouting "icmp type echo-request ip saddr set 224.0.0.5"
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
	deaths_up
	good vethlab link r2:w0 down
	dies link-down-there -W 10
	good vethlab down deaths
}

WANTED=("$@")
mkdir -p "$OUT"
bundled
more_of_bundled
by_routes
by_filters
by_links
[[ $made -gt 0 ]] || { echo "stories.sh: there is no such story: $*" >&2; exit 2; }
echo "$made stories in tests/unit/data/stories"
