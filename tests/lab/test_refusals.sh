#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_refusals.sh - what bad input gets: an exit status, a sentence that names the thing, and
# nothing touched.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

untouched() {
	nothing_in /run/netns || fail "touched /run/netns"
	nothing_in /run/vethlab || fail "touched /run/vethlab: $(find /run/vethlab)"
	bpffs_empty || fail "touched bpffs"
	asserted
}

lab_file() { # stdin: the lab file
	cat >"$TEST_TMP/lab.yaml"
}

test_malformed_file() {
	lab_file <<-'END'
		lab: bad
		nodes:
		  a: {}
		  b: {}
		links:
		  - endpoints: ["a:x", "b:y"
	END
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	[[ $out =~ lab.yaml:[0-9]+:[0-9]+: ]] || fail "no line and column: $out"
	untouched
}

test_unknown_key() {
	lab_file <<-'END'
		lab: bad
		nodes:
		  a: {}
		  b: {}
		links:
		  - endpoints: ["a:x", "b:y"]
		    mtv: 1400
	END
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	golden unknown-key
	untouched
}

test_all_findings_at_once() {
	lab_file <<-'END'
		lab: bad
		nodes:
		  a: {}
		links:
		  - endpoints: ["a:x", "nobody:y"]
		  - endpoints: ["a:averyveryverylongname", "a:z"]
	END
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	golden all-findings
	untouched
}

test_no_such_file() {
	bad 3 vethlab up "$TEST_TMP/absent.yaml"
	told
	mkdir "$TEST_TMP/dir.yaml"
	bad 3 vethlab up "$TEST_TMP/dir.yaml"
	told
	golden no-such-file
	bad 3 vethlab up no-such-lab
	says no-such-lab # and the bundled ones
	untouched
}

test_file_is_garbage() {
	head -c 100000 /dev/urandom >"$TEST_TMP/lab.yaml"
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	: >"$TEST_TMP/lab.yaml"
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	untouched
}

test_lab_names() {
	local name
	for name in a/b .. . ../x "a b" '' -x $'a\nb' $'a\033[2Jb' abcdefghijklmnopqrstuvwxyz123456; do
		bad 2 vethlab up blue "--as=$name"
		# A control character must not reach the terminal.
		[[ $out != *$'\033'* ]] || fail "an escape in: $(od -c <<<"$out")"
	done
	for name in .. $'a\nb' abcdefghijklmnopqrstuvwxyz123456; do
		bad 2 vethlab down -- "$name"
	done
	# With a slash it is a file.
	bad 3 vethlab down ../../etc
	lab_file <<-'END'
		lab: "../x"
		nodes:
		  a: {}
		  b: {}
		links:
		  - endpoints: ["a:x", "b:y"]
	END
	bad 3 vethlab up "$TEST_TMP/lab.yaml"
	golden lab-name
	untouched
}

test_node_names() {
	local name
	for name in a/b .. . 'a\tb'; do
		lab_file <<-END
			lab: bad
			nodes:
			  "$name": {}
			  b: {}
			links:
			  - endpoints: ["b:x", "b:y"]
		END
		bad 3 vethlab up "$TEST_TMP/lab.yaml"
		told
	done
	golden node-names
	untouched
}

# Without privileges: exit 4, the capability and the step.
test_not_root() {
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	# Copies: a clone below /root is closed to nobody.
	cp "$BUILD/vethlab" "$TOP/topology/labs/blue.yaml" "$TEST_TMP/"
	chmod 755 "$TEST_TMP" "$TEST_TMP/vethlab" && chmod 644 "$TEST_TMP/blue.yaml"
	bad 4 "${as[@]}" "$TEST_TMP/vethlab" up "$TEST_TMP/blue.yaml"
	says CAP_
	untouched
	up blue
	bad 4 "${as[@]}" "$TEST_TMP/vethlab" down blue
	says CAP_
	good inside blue ping -c 1 -q 10.1.1.3
	good vethlab down
}

test_namespace_is_not_ours() {
	ip netns add blue
	ip -n blue link add keep type veth peer name other
	bad 1 vethlab up blue
	golden namespace
	good ip -n blue link show keep
	bpffs_empty || fail "touched bpffs: $(find /sys/fs/bpf)"
	only_lo || fail "left interfaces: $(ip -br link)"
	ip netns del blue
}

# The second link cannot be made: the first goes, theirs stays.
test_interface_is_not_ours() {
	local index
	ip link add veth2 type veth peer name theirs
	index=$(ip_link veth2 .ifindex)
	bad 1 vethlab up blue
	says veth2
	assert_eq "$(ip_link veth2 '.linkinfo.info_kind')" veth "their veth2"
	assert_eq "$(ip_link veth2 .ifindex)" "$index" "their veth2"
	nothing_in /run/netns || fail "left in /run/netns: $(ls /run/netns)"
	ip link del veth2
}

# The kernel refuses a route in the middle of the work: in a namespace that has interfaces of others no
# check can tell that it will.
test_failure_is_undone() {
	lab_file <<-'END'
		lab: half
		nodes:
		  default:
		    netns: host
		    routes:
		      - {to: 10.9.0.0/16, via: 10.77.0.1}
		  a: {}
		  b: {}
		links:
		  - endpoints: ["default:va0", "a:va1"]
		  - endpoints: ["a:vb0", "b:vb1"]
	END
	bad 5 vethlab up "$TEST_TMP/lab.yaml"
	says "lab.yaml:6:9:" "default: cannot add a route to 10.9.0.0/16" "kernel:"
	untouched
}

run_tests
