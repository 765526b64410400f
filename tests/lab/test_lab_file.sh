#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_lab_file.sh - every example of docs/lab-file.md can be built and does what the text says.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# The example of this lab name, as a file.
example() { # NAME
	awk -v name="lab: $1" '/^```yaml$/ { text = ""; inside = 1; next }
		/^```$/ { if (inside && index(text, name "\n") == 1) printf "%s", text; inside = 0 }
		inside { text = text $0 "\n" }' "$TOP/docs/lab-file.md" >"$TEST_TMP/$1.yaml"
	[[ -s $TEST_TMP/$1.yaml ]] || fail "docs/lab-file.md has no lab $1"
	if grep -q 'nft:' "$TEST_TMP/$1.yaml" && ! command -v nft >/dev/null; then
		skip_test "there is no nft"
	fi
}

up_example() { # NAME
	example "$1"
	up "$TEST_TMP/$1.yaml"
}

# The first field of JSON that `ip` prints inside a node.
ip_json() { # NODE FILTER ARGUMENTS...
	local node=$1 filter=$2
	shift 2
	inside "$node" ip -j -d "$@" | jq -r "$filter"
}

test_links() {
	up_example links
	assert_eq "$(ip_json a '.[0] | "\(.mtu) \(.txqlen) \(.num_tx_queues) \(.address)"' link show lan)" \
		"9000 500 2 02:00:00:00:00:0a" "a:lan"
	assert_eq "$(inside a "$HELPERS/offloads" lan)" "tx_checksum off, tso off, gro on" "a:lan"
	assert_eq "$(inside b "$HELPERS/offloads" lan)" "tx_checksum off, tso off, gro on" "b:lan"
	assert_eq "$(inside b "$HELPERS/offloads" eth0)" "tx_checksum on, tso on, gro off" "b:eth0"
	assert_eq "$(ip_json b '.[0].flags | index("UP")' link show lan)" null "b:lan is up"
	assert_eq "$(ip_json b '.[0].flags | index("UP") != null' link show eth0)" true "b:eth0 is up"
	good vethlab down links
}

test_nodes() {
	up_example nodes
	assert_eq "$(inside router sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding | xargs)" \
		"1 1" "forwarding"
	good inside router ip addr show lo
	says "192.0.2.1/32" "2001:db8::1/128"
	assert_eq "$(ip_json quiet '.[0].flags | index("UP")' link show lo)" null "lo of quiet is up"
	good vethlab down nodes
}

test_switch() {
	up_example switch
	assert_eq "$(ip_json sw '.[0].linkinfo.info_data | "\(.ageing_time) \(.stp_state)"' link show lan0)" \
		"6000 0" "ageing and STP"
	good vethlab ping a b
	good vethlab ping a outside -j
	answered 1
	good vethlab down switch
	sed -i 's/stp: false/stp: true/' "$TEST_TMP/switch.yaml"
	up "$TEST_TMP/switch.yaml"
	assert_eq "$(ip_json sw '.[0].linkinfo.info_data | "\(.stp_state) \(.forward_delay)"' link show lan0)" \
		"1 1500" "STP"
	good vethlab down switch
	sed -i 's/vlan_filtering: false/vlan_filtering: true/' "$TEST_TMP/switch.yaml"
	if vethlab doctor | grep -q 'VLAN bridges.*made one'; then
		up "$TEST_TMP/switch.yaml"
		assert_eq "$(ip_json sw '.[0].linkinfo.info_data.vlan_filtering' link show lan0)" 1 "VLANs"
		good vethlab down switch
	else
		bad 4 vethlab up "$TEST_TMP/switch.yaml"
		says "sw:lan0: cannot make the bridge with vlan_filtering, which takes CONFIG_BRIDGE_VLAN_FILTERING"
	fi
}

test_routes() {
	up_example routes
	good inside a ip route
	says "default via 10.0.0.2" "10.1.0.0/16 via 10.0.0.2 dev eth0" "metric 50" \
		"blackhole 10.66.0.0/16" "unreachable 10.67.0.0/16" \
		"nexthop via 10.0.0.2 dev eth0 weight 3" "nexthop via 10.0.1.2 dev eth1 weight 1"
	good inside a ip -6 route
	says "fd09::/64 via fd00::2"
	good inside a ip neighbor
	says "10.0.0.9 dev eth0 lladdr 02:00:00:00:00:09"
	good vethlab down routes
}

test_computed() {
	up_example computed
	good inside r1 ip route
	says "192.0.2.1 proto static" "nexthop via 10.20.0.3 dev eth1" "nexthop via 10.20.0.5 dev eth2"
	good vethlab ping a 192.0.2.1 -c 3 -i 0 -j
	answered 3
	good vethlab ping a fd20:0:0:4::2 -j
	answered 1
	good vethlab down computed
}

test_inside() {
	up_example inside
	assert_eq "$(inside home sysctl -n net.ipv4.conf.all.rp_filter)" 1 rp_filter
	good inside home nft list ruleset
	says masquerade
	good inside home ip rule
	says "from 10.0.0.0/24 lookup main"
	good vethlab down inside
}

test_saving() {
	up_example saving
	assert_eq "$(ip_json a '.[0].mtu' link show eth0)" 1400 "MTU"
	good vethlab ping a r
	good vethlab down saving
}

test_guests() {
	ip netns add old
	up_example guests
	good vethlab ping me 10.40.0.2 -j
	answered 1
	good vethlab down guests
	good ip netns exec old true
	ip netns del old
}

# A namespace without a name, that of a process. What was there stays, the same address as ours as well.
test_process() {
	local pid
	example process
	bad 3 vethlab up "$TEST_TMP/process.yaml"
	golden no-process
	unshare --net sleep 1000 &
	pid=$!
	wait_until grep -qx sleep "/proc/$pid/comm"
	sed -i "s/4242/$pid/; s/192.0.2.8.32/[192.0.2.8\/32, 192.0.2.9\/32]/; s/address: \[/addresses: [/" \
		"$TEST_TMP/process.yaml"
	nsenter --net="/proc/$pid/ns/net" ip address add 192.0.2.9/32 dev lo
	nsenter --net="/proc/$pid/ns/net" ip link set lo up
	up "$TEST_TMP/process.yaml"
	good vethlab ping a job
	good vethlab exec job ip address show lo
	says 192.0.2.8/32 192.0.2.9/32
	sed 's/192.0.2.8/192.0.2.10/' "$TEST_TMP/process.yaml" >"$TEST_TMP/changed.yaml"
	good vethlab apply "$TEST_TMP/changed.yaml"
	good vethlab exec job ip address show lo
	says 192.0.2.10/32 192.0.2.9/32
	says_not 192.0.2.8/32
	good vethlab down process
	kill -0 "$pid" || fail "it was ended"
	good nsenter --net="/proc/$pid/ns/net" ip address
	says 192.0.2.9/32
	says_not 192.0.2.10/32 job0
	kill "$pid"
}

test_watched() {
	up_example watched
	assert_eq "$(hooks_of a:eth0)" "in out xdp" "hooks of a:eth0"
	assert_eq "$(ip_json a '.[0].xdp.mode' link show eth1)" 1 "mode of XDP (1: native)"
	good inside a tc filter show dev eth2 egress
	assert_eq "$out" "" "filters of a:eth2"
	good vethlab down watched
}

# The example with every key has every key of the schema, is built and works. It is a file, too.
test_town() {
	local key n=0
	needs nft
	example town
	assert_eq "$(cat "$TEST_TMP/town.yaml")" "$(cat "$TOP/docs/examples/town.yaml")" "docs/examples/town.yaml"
	while read -r key; do
		grep -qw "$key" "$TEST_TMP/town.yaml" || fail "town.yaml has no $key"
		n=$((n + 1))
	done < <(jq -r '.. | .properties? // empty | keys[]' "$TOP/topology/schema.json" | sort -u)
	[[ $n -gt 40 ]] || fail "the schema has $n keys"
	good vethlab check "$TEST_TMP/town.yaml"
	golden town
	up "$TEST_TMP/town.yaml"
	good vethlab ping world pc -j
	passed_on core sw
	answered 1
	good vethlab exec pc ping -c 1 -W 5 -q 192.0.2.1
	good vethlab exec core nft list chain ip core forward
	says "tcp dport 23 drop"
	good vethlab exec pc ip route
	says "blackhole 10.66.0.0/16" "10.67.0.0/16 via 10.2.0.1 dev eth0 metric 50" \
		"unreachable 10.68.0.0/16" "nexthop via 10.2.0.9"
	good vethlab down town
}

# No example is forgotten above: those without a test of their own are built at least.
test_others() {
	local lab
	while read -r lab; do
		declare -F "test_$lab" >/dev/null && continue
		up_example "$lab"
		good vethlab down "$lab"
	done < <(sed -n '/^```yaml$/{n;s/^lab: //p}' "$TOP/docs/lab-file.md")
}

test_changing() {
	local planned
	up_example changing
	sed -i 's/mtu: 1400/queues: 2/; s/b: {}/b: {}, c: {}/' "$TEST_TMP/changing.yaml"
	planned=$(sed -n '/^\$ vethlab plan changing/,/^\$ vethlab apply/p' "$TOP/docs/lab-file.md" | sed '1d; $d')
	good vethlab plan "$TEST_TMP/changing.yaml"
	assert_eq "$out" "$planned" "the plan that docs/lab-file.md shows"
	good vethlab apply "$TEST_TMP/changing.yaml"
	remember_objects
	good inside a ping -c 1 -W 5 -q 10.41.0.2
	good vethlab down changing
}

run_tests
