# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# public_labs.sh - sourced behind lib.sh: labs of the public cases that more than one test builds.

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
