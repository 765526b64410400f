# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# case_labs.sh - sourced behind lib.sh: labs that more than one test builds, those of the public cases first.

# sw3: a, b and c at the bridge sw.
switched() { # [KEYS OF sw]
	cat >"$TEST_TMP/sw3.yaml" <<-YAML
		lab: sw3
		nodes:
		  sw: {kind: bridge, dev: br0, ${1:-}}
		  a: {}
		  b: {}
		  c: {}
		links:
		  - endpoints: ["sw:p1", {end: "a:eth0", addresses: [192.168.30.1/24, "2001:db8::1/64"]}]
		  - endpoints: ["sw:p2", {end: "b:eth0", addresses: [192.168.30.2/24, "2001:db8::2/64"]}]
		  - endpoints: ["sw:p3", {end: "c:eth0", addresses: [192.168.30.3/24, "2001:db8::3/64"]}]
	YAML
	up "$TEST_TMP/sw3.yaml"
}

# a sends by r1 to b, and r2 would be the better way: on one switch.
detour() {
	cat >"$TEST_TMP/detour.yaml" <<-'YAML'
		lab: detour
		nodes:
		  sw: {kind: bridge}
		  a: {routes: [default via 10.0.0.254, "::/0 via fd00::254"]}
		  r1: {forward: true, routes: [10.9.0.0/24 via 10.0.0.253]}
		  r2: {forward: true}
		  b: {routes: [default via 10.9.0.1, "::/0 via fd09::1"]}
		links:
		  - endpoints: ["sw:p1", {end: "a:eth0", addresses: [10.0.0.1/24, "fd00::1/64"]}]
		  - endpoints: ["sw:p2", {end: "r1:eth0", addresses: [10.0.0.254/24, "fd00::254/64"]}]
		  - endpoints: ["sw:p3", {end: "r2:eth0", addresses: [10.0.0.253/24, "fd00::253/64", "fe80::2/64"]}]
		  - endpoints: [{end: "r2:eth1", addresses: [10.9.0.1/24, "fd09::1/64"]},
		                {end: "b:eth0", addresses: [10.9.0.2/24, "fd09::2/64"]}]
	YAML
	up "$TEST_TMP/detour.yaml"
	good ip -n r1 -6 route add fd09::/64 via fe80::2 dev eth0
}

# a -- r -- b, by IPv4 and IPv6.
both_families() { # NAME [KEYS OF EACH LINK]
	cat >"$TEST_TMP/$1.yaml" <<-YAML
		lab: $1
		nodes:
		  a: {routes: [default via 10.0.1.254, "default via fd00:1::fe"]}
		  r: {forward: both}
		  b: {routes: [default via 10.0.2.254, "default via fd00:2::fe"]}
		links:
		  - endpoints: [{end: "a:eth0", address: [10.0.1.1/24, "fd00:1::1/64"]}, {end: "r:eth0", address: [10.0.1.254/24, "fd00:1::fe/64"]}]
		    ${2:-}
		  - endpoints: [{end: "r:eth1", address: [10.0.2.254/24, "fd00:2::fe/64"]}, {end: "b:eth0", address: [10.0.2.1/24, "fd00:2::1/64"]}]
		    ${2:-}
	YAML
	good vethlab up "$TEST_TMP/$1.yaml"
}
