#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_wrong_inputs.sh - common mistakes, in lab files and on the command line, and the words that help.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# A mistake a line: the exit status, the words behind vethlab, and what is said. Files are those of write_files.
MISTAKES='
3 | check unquoted.yaml            | between { } and [ ] a text with ${ in it needs quotes: "${net}.1/24"
3 | check unclosed.yaml            | the { of line 2, column 8 is not closed there
3 | check switch.yaml              | a switch is `kind: bridge`
3 | check section.yaml             | did you mean "defaults"?
3 | check route-word.yaml          | did you mean "default"?
3 | check containerlab.yaml        | this is a containerlab file, not a lab file of vethlab
3 | check gateway.yaml             | error: a reaches the gateway 10.9.0.1 by no interface: the kernel will refuse the route
3 | up gateway.yaml                | error: a reaches the gateway 10.9.0.1 by no interface: the kernel will refuse the route
0 | check netmask.yaml             | the subnet 10.5.0.192/28 of c:x does not cover 10.5.0.1 of a:x, which takes it for a neighbor
0 | check two-subnets.yaml         | 10.6.0.2/24 of b:y is in no subnet of the others on its wire, as 10.5.0.1/24 of a:x
3 | check control.yaml             | control character 0x1b in a text
3 | up no-namespace.yaml           | h: there is no network namespace /run/netns/nowhere
1 | up taken.yaml                  | the network namespace a is that of lab two-hosts, which runs
1 | up somebodys.yaml              | a network namespace mine exists and is not this lab
1 | route a del 10.9.0.0/24        | a has no such route to 10.9.0.0/24 of the lab
0 | route a add 10.9.0.0/24 via 10.0.0.2 | a now has a route to 10.9.0.0/24
1 | route a add 10.9.0.0/24 via 10.0.0.2 | a has a route to 10.9.0.0/24 already
1 | link a:eth0 address add 10.0.0.1/24 | a:eth0 has 10.0.0.1/24 already
1 | link a:eth0 address del 10.0.0.9/24 | a:eth0 does not have 10.0.0.9/24
1 | stats --watch abc              | lab abc does not run
2 | stats --watch=abc              | --watch takes a time from 100ms to 86400s, not '\''abc'\''
2 | -l                             | -l is no verb: an option needs one behind it
2 | version x                      | unexpected '\''x'\''
2 | --version x                    | usage: vethlab version
2 | help exit x                    | usage: vethlab help [VERB|exit]
2 | help ping x                    | unexpected '\''x'\''
0 | help bench build               | usage: vethlab bench build [SHAPE SIZE...]
0 | bench build --help           | usage: vethlab bench build [SHAPE SIZE...]
3 | replay -i failed X.rec         | is a word of the filter: the recording stands before it
'

write_files() {
	local two='nodes: {a: {}, b: {}}'
	cat >unquoted.yaml <<-'END'
		lab: x
		vars: {net: 10.0.0}
		nodes: {a: {}, b: {}}
		links:
		  - endpoints: [{end: 'a:x', address: ${net}.1/24}, 'b:y']
	END
	printf 'lab: x\nnodes: {a: {}, b: {}\nlinks: []\n' >unclosed.yaml
	printf 'lab: x\nnodes: {a: {}, sw: {kind: switch}}\nlinks: [{endpoints: [a, sw]}]\n' >switch.yaml
	printf 'lab: x\ndefualts: {mtu: 1400}\n%s\nlinks: [{endpoints: [a, b]}]\n' "$two" >section.yaml
	printf 'lab: x\nnodes: {a: {routes: [defualt via 10.0.0.1]}, b: {}}\nlinks: [{endpoints: [a, b]}]\n' >route-word.yaml
	printf 'name: x\ntopology:\n  nodes: {a: {kind: linux}}\n' >containerlab.yaml
	cat >gateway.yaml <<-'END'
		lab: x
		nodes: {a: {routes: [default via 10.9.0.1]}, b: {}}
		links:
		  - endpoints: [{end: 'a:x', address: 10.0.0.1/24}, {end: 'b:y', address: 10.0.0.2/24}]
	END
	cat >netmask.yaml <<-'END'
		lab: x
		nodes: {sw: {kind: bridge}, a: {}, b: {}, c: {}}
		links:
		  - endpoints: [{end: 'a:x', address: 10.5.0.1/24}, 'sw:p1']
		  - endpoints: [{end: 'b:x', address: 10.5.0.2/24}, 'sw:p2']
		  - endpoints: [{end: 'c:x', address: 10.5.0.200/28}, 'sw:p3']
	END
	cat >two-subnets.yaml <<-END
		lab: x
		$two
		links:
		  - endpoints: [{end: 'a:x', address: 10.5.0.1/24}, {end: 'b:y', address: 10.6.0.2/24}]
	END
	printf 'lab: x\nabout: "a\\e[2J"\n%s\nlinks: [{endpoints: [a, b]}]\n' "$two" >control.yaml
	printf 'lab: x\nnodes: {h: {netns: /run/netns/nowhere}, c: {}}\nlinks: [{endpoints: ["h:x", "c:y"]}]\n' >no-namespace.yaml
	printf 'lab: x\n%s\nlinks: [{endpoints: [a, b]}]\n' "$two" >taken.yaml
	printf 'lab: x\nnodes: {mine: {}, c: {}}\nlinks: [{endpoints: [mine, c]}]\n' >somebodys.yaml
}

test_mistakes() {
	local status words text
	mkdir "$TEST_TMP/files"
	cd "$TEST_TMP/files"
	write_files
	up two-hosts
	good ip netns add mine
	while IFS='|' read -r status words text; do
		[[ $status ]] || continue
		read -ra words <<<"$words"
		bad "${status// /}" vethlab "${words[@]}"
		says "${text# }"
	done <<<"$MISTAKES"
	good ip netns delete mine
	good vethlab down two-hosts
}

run_tests
