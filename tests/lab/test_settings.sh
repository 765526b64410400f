#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_settings.sh - what a node's settings start from: the kernel's defaults, not this machine's, and what
# the file says of ends that do not exist yet.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# The first namespace, on a machine that is this test's own: the tests are in others.
[[ -n ${VETHLAB_TEST_INSIDE:-} ]] || exec 9</proc/self/ns/net

first() { # COMMAND...
	nsenter --net=/proc/self/fd/9 "$@"
}

has() { # NODE KEY VALUE
	assert_eq "$(vethlab exec "$1" sysctl -n "$2")" "$3" "$1 $2"
}

lab() { # NODES: a -- r -- b, with what more is said of them
	cat >"$TEST_TMP/lab.yaml" <<-END
		lab: settings
		nodes:
		  a: {routes: [default via 10.0.1.1]}
		  b: {routes: [default via 10.0.2.1]}
		$1
		links:
		  - endpoints: [{end: "a:eth0", address: 10.0.1.2/24}, {end: "r:eth0", address: 10.0.1.1/24}]
		  - endpoints: [{end: "r:eth1", address: 10.0.2.1/24}, {end: "b:eth0", address: 10.0.2.2/24}]
	END
}

# A host that forwards and checks sources, whose new namespaces copy IPv6 too.
UNUSUAL="net.core.devconf_inherit_init_net=1 net.ipv4.ip_forward=1 net.ipv4.conf.default.rp_filter=2
	net.ipv4.conf.all.accept_local=1 net.ipv4.conf.default.accept_source_route=0
	net.ipv4.conf.all.send_redirects=0 net.ipv6.conf.default.hop_limit=33 net.ipv6.conf.all.forwarding=1
	net.ipv6.conf.default.accept_ra=0"

unusual_machine() {
	local setting
	[[ ${OWN_MACHINE:-} ]] || skip_test "the settings of this machine are not to be changed: OWN_MACHINE, as in tests/vm"
	for setting in $UNUSUAL; do
		usual+=" ${setting%%=*}=$(first sysctl -n "${setting%%=*}")"
	done
	# shellcheck disable=SC2064
	trap "usual_machine" EXIT
	for setting in $UNUSUAL; do
		first sysctl -w "$setting" >/dev/null
	done
}

usual_machine() {
	local setting
	for setting in $usual; do
		first sysctl -w "$setting" >/dev/null
	done
}

test_same_on_every_machine() {
	local usual=""
	unusual_machine
	lab "  r: {}
  i: {sysctls: inherit}"
	up "$TEST_TMP/lab.yaml"
	for key in ip_forward conf.all.forwarding conf.eth0.forwarding conf.lo.forwarding conf.eth1.rp_filter \
		conf.default.rp_filter conf.lo.rp_filter conf.all.accept_local; do
		has r "net.ipv4.$key" 0
	done
	for key in all.accept_redirects all.send_redirects eth0.accept_source_route; do
		has r "net.ipv4.conf.$key" 1
	done
	has r net.ipv6.conf.eth0.hop_limit 64
	has r net.ipv6.conf.lo.hop_limit 64
	has r net.ipv6.conf.eth0.forwarding 0
	has r net.ipv6.conf.eth0.accept_ra 1
	has r net.ipv6.conf.eth0.accept_dad 0
	has i net.ipv4.ip_forward 1
	has i net.ipv6.conf.default.hop_limit 33
	bad 1 vethlab ping a b -c 1 -W 1 -j
	json_holds 'last | .sent == 1 and .answered == 0'
	good vethlab show -j
	json_holds '.[0].nodes | map({(.node): .inherited}) | add | .r == null and (.i | map({(.sysctl): [.value, .default]}) |
		add | .["net.ipv4.conf.all.forwarding"] == ["1", "0"] and .["net.ipv6.conf.default.hop_limit"] == ["33", "64"]
		and .["net.ipv4.conf.default.accept_source_route"] == ["0", "1"])'
	# What is not set any more is the kernel's too.
	lab "  r: {forward: v4, sysctls: {net.ipv4.conf.eth0.rp_filter: 1}}
  i: {sysctls: inherit}"
	good vethlab apply "$TEST_TMP/lab.yaml"
	has r net.ipv4.conf.eth0.rp_filter 1
	lab "  r: {}
  i: {}"
	good vethlab apply "$TEST_TMP/lab.yaml"
	has r net.ipv4.conf.eth0.rp_filter 0
	has r net.ipv4.ip_forward 0
	has i net.ipv4.ip_forward 0
	good vethlab down
	usual_machine
	trap - EXIT
}

test_inherited_is_shown() {
	lab "  r: {sysctls: {inherit: true, net.ipv4.conf.all.rp_filter: 2}}
  i: {sysctls: inherit}"
	up "$TEST_TMP/lab.yaml"
	good vethlab exec i sysctl -w net.ipv6.conf.default.accept_ra=2
	good vethlab show -j
	json_holds '.[0].nodes | map({(.node): .inherited}) | add |
		.a == null and (.r | any(. == {sysctl: "net.ipv4.conf.all.rp_filter", value: "2", default: "0"})) and
		(.i | any(. == {sysctl: "net.ipv6.conf.default.accept_ra", value: "2", default: "1"}))'
	lab "  r: {sysctls: always}"
	bad 3 vethlab check "$TEST_TMP/lab.yaml" -j
	good vethlab down
}

test_defaults_before_ends() {
	lab "  r: {sysctls: {net.ipv6.conf.default.accept_ra: 2, net/ipv6/conf/default/hop_limit: 9,
      net.ipv4.conf.default.log_martians: 1}}"
	up "$TEST_TMP/lab.yaml"
	has r net.ipv6.conf.eth0.accept_ra 2
	has r net.ipv6.conf.eth1.hop_limit 9
	has r net.ipv4.conf.eth1.log_martians 1
	has a net.ipv6.conf.eth0.accept_ra 1
	# One that comes with an end.
	lab "  r: {sysctls: {net.ipv6.conf.default.accept_ra: 0}}
  s: {}"
	printf '%s\n' '  - endpoints: ["r:eth2", "s:eth0"]' >>"$TEST_TMP/lab.yaml"
	good vethlab apply "$TEST_TMP/lab.yaml"
	has r net.ipv6.conf.eth2.accept_ra 0
	has r net.ipv6.conf.eth0.accept_ra 2
	good vethlab down
}

# In a namespace of others, where it is put back.
test_defaults_of_others() {
	local before
	before=$(sysctl -n net.ipv6.conf.default.hop_limit)
	lab "  r: {netns: host, sysctls: {net.ipv6.conf.default.hop_limit: 77}}"
	up "$TEST_TMP/lab.yaml"
	assert_eq "$(sysctl -n net.ipv6.conf.eth0.hop_limit)" 77 "eth0 in the host"
	good vethlab down
	assert_eq "$(sysctl -n net.ipv6.conf.default.hop_limit)" "$before" "after down"
}

refused_sysctl() { # KEY
	lab "  r: {sysctls: {$1: 1}}"
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	told
}

test_sysctls_that_cannot_be_set() {
	refused_sysctl net.ipv4.conf.all.mc_forwarding
	refused_sysctl net.ipv4.conf.eth9.rp_filter
	refused_sysctl net.ipv4.conf.all.no_such_setting
	sed -i 's/r:eth1/r:eth1.10/' "$TEST_TMP/lab.yaml"
	sed -i 's/net.ipv4.conf.all.no_such_setting/net.ipv4.conf.eth1.10.rp_filter/' "$TEST_TMP/lab.yaml"
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	told
	golden refused
	sed -i 's/eth1.10.rp_filter/eth1\/10.rp_filter/' "$TEST_TMP/lab.yaml"
	up "$TEST_TMP/lab.yaml"
	has r net/ipv4/conf/eth1.10/rp_filter 1
	good vethlab down
	# What the first namespace sets for all, and this one may only read, is no matter of privileges.
	[[ ! -e /proc/sys/net/netfilter/nf_conntrack_max ]] || refused_sysctl net.netfilter.nf_conntrack_max
	transcript=
}

# An interface has other names too.
test_name_that_is_taken() {
	ip link add town0 type bridge
	ip link property add dev town0 altname road0
	lab "  r: {netns: host}"
	sed -i 's/r:eth1/r:town0/' "$TEST_TMP/lab.yaml"
	bad 1 vethlab up "$TEST_TMP/lab.yaml"
	told
	sed -i 's/r:town0/r:road0/' "$TEST_TMP/lab.yaml"
	bad 1 vethlab up "$TEST_TMP/lab.yaml"
	told
	golden taken
	ip link del town0
}

# Where files in memory must not be made executable, those of vethlab are not: a command of the file runs, programs load.
test_memory_files() {
	sysctl -qw vm.memfd_noexec=2 2>/dev/null || skip_test "this kernel does not restrict files in memory"
	cat >"$TEST_TMP/p.yaml" <<-END
		lab: p
		nodes: {a: {exec: ["echo said; cat"]}, b: {}}
		links: [{endpoints: [{end: "a:x", address: 10.0.0.1/24}, {end: "b:y", address: 10.0.0.2/24}]}]
	END
	up "$TEST_TMP/p.yaml"
	good vethlab ping a b --stack -j
	json_holds 'any(.[0] | .. | objects; .kind? == "route" and .use? != null)'
	good vethlab down
}

run_tests
