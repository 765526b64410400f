#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_files.sh - the verbs that work on lab files alone: check, graph, generate.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

DATA=$TOP/tests/unit/data/bad

test_check() {
	good vethlab check two-hosts "$TOP/topology/labs/ring.yaml"
	told
	# Warnings are no errors; a bad file among good ones is.
	good vethlab check "$DATA/address-of-two.yaml"
	told
	# What the file allows is no warning.
	good vethlab check blue
	told
	good vethlab check -v blue
	told
	bad 3 vethlab check "$DATA/node-unknown-key.yaml" two-hosts "$DATA/overlap.yaml"
	told
	bad 3 vethlab check "$TEST_TMP/none.yaml"
	told
	bad 3 vethlab check nonesuch
	told
	bad 3 vethlab check two-host
	told
	# A file that is there, but does not look like a path.
	cp "$TOP/topology/labs/ring.yaml" "$TEST_TMP/mine"
	bad 3 bash -c "cd '$TEST_TMP' && '$BUILD/vethlab' check mine"
	told
	good vethlab check "$TEST_TMP/mine"
	told
	bad 2 vethlab check
	told
	bad 2 vethlab check -l blue two-hosts
	told
	golden check
}

test_check_json() {
	local line

	bad 3 vethlab check --json blue "$DATA"/*.yaml
	echo "$out" >"$TEST_TMP/check.json"
	good "$HELPERS/valid" "$TOP/docs/schema/check.json" <"$TEST_TMP/check.json"
	assert_eq "$(jq '.files | length' "$TEST_TMP/check.json")" \
		"$(($(find "$DATA" -name '*.yaml' | wc -l) + 1))" "files"
	# What it allows is where the second link's subnet is.
	line=$(grep -n 'blue:veth3' "$TOP/topology/labs/blue.yaml" | cut -d: -f1)
	assert_eq "$(jq -c '.files[0] | [.good, .lab, .nodes, .links, .findings, .allowed[].line]' \
		"$TEST_TMP/check.json")" "[true,\"blue\",2,2,[],$line]" "blue"
	assert_eq "$(jq -r '.files[0].allowed[] | "\(.name): \(.reason)"' "$TEST_TMP/check.json")" \
		"$(sed -n 's/^allow: {\(.*\)}$/\1/p' "$TOP/topology/labs/blue.yaml")" "why"
	# Good is who can be built, and every bad file has findings.
	assert_eq "$(jq '[.files[] | select(.good == any(.findings[]; .severity == "error"))] | length' \
		"$TEST_TMP/check.json")" 0 "files that are good in spite of errors, or bad without"
	assert_eq "$(jq -r '.files[1:][] | select(.findings == []).file' "$TEST_TMP/check.json")" "" \
		"bad files without findings"
}

# A lab file that is not good touches nothing.
test_up_bad() {
	bad 3 vethlab up "$DATA/address-bad.yaml"
	golden up-bad
	good ip netns list
	assert_eq "$out" "" "namespaces"
}

# The longest names that there are.
test_names() {
	local node interface=abcdefghijklmno
	node=$(printf 'n%.0s' {1..63})
	printf 'lab: names\nnodes: {%s: {}, _-.: {}}\nlinks:\n- endpoints:\n' "$node" >"$TEST_TMP/n.yaml"
	printf '  - {end: "%s:%s", address: 10.0.0.1/24}\n  - {end: "_-.:a=b", address: 10.0.0.2/24}\n' \
		"$node" "$interface" >>"$TEST_TMP/n.yaml"
	up "$TEST_TMP/n.yaml"
	good ip netns exec "$node" ip link show "$interface"
	good vethlab ping "$node" 10.0.0.2
	says "$node:$interface"
	good vethlab ping "$node" 10.0.0.2 -j
	answered 1
	good vethlab down names
}

test_graph() {
	good vethlab graph two-hosts
	told
	good vethlab graph --dot two-hosts
	told
	good vethlab graph --mermaid container
	told
	# Without a name: the lab that runs, under the name that it runs under or as the file says.
	bad 1 vethlab graph
	told
	up two-hosts --as copy
	good vethlab graph
	told
	good vethlab graph copy
	told
	good vethlab graph --dot copy
	told
	bad 2 vethlab graph --live two-hosts.yaml
	told
	# As it is now, which need not be what the file says.
	good vethlab link a:eth0 address add 10.0.7.1/24
	good vethlab link b:eth0 down
	good vethlab graph
	told
	golden graph
	good vethlab link b:eth0 up
	good vethlab link a:eth0 address del 10.0.7.1/24
	good vethlab stats --reset
	good vethlab exec a ping -c3 -i0.01 -q 10.0.0.2
	good vethlab graph --live
	[[ $out =~ a:eth0.*'-> '([0-9]+)', <- '([0-9]+) ]] || fail "no counters: $out"
	[[ ${BASH_REMATCH[1]} -ge 3 && ${BASH_REMATCH[2]} -ge 3 ]] || fail "too few packets: $out"
	says_not lost
	good vethlab graph --live --mermaid copy
	says "<br/>-#62; "
	# The word of `show` for what somebody deleted.
	ip -n copy-a link del eth0
	good vethlab show
	says gone
	good vethlab graph
	told
	good vethlab graph --mermaid
	told
	good vethlab graph --dot
	told
	golden graph-gone
	good vethlab down copy
	bad 3 vethlab graph "$DATA/link-list.yaml"
	told
	bad 2 vethlab graph --svg two-hosts
	told
	bad 2 vethlab graph two-hosts ring
	told
	golden graph-refused
}

test_generate() {
	local kind
	for kind in "chain 3" "ring 3" "star 2" "tree 2" "tree 1 5" "mesh 3" "grid 2 2" "clos 2 2" \
		"clos 1 2 3" "fat-tree 2"; do
		# shellcheck disable=SC2086 # shape and sizes
		good vethlab generate $kind
		echo "$out" >"$TEST_TMP/lab.yaml"
		says "# Made by \`vethlab generate $kind" "endpoints:"
		good vethlab check "$TEST_TMP/lab.yaml"
		says_not warning error
	done
	good vethlab generate ring 3 --v4 --routes --name round -o "$TEST_TMP/new.yaml"
	assert_eq "$out" "" "output besides the file"
	good cat "$TEST_TMP/new.yaml"
	told
	bad 1 vethlab generate ring 4 -o "$TEST_TMP/new.yaml"
	told
	assert_eq "$(cat "$TEST_TMP/new.yaml")" "$(vethlab generate ring 3 --v4 --routes --name round)" \
		"the file that was there"
	bad 2 vethlab generate rign 3
	told
	bad 2 vethlab generate chain
	told
	bad 2 vethlab generate chain 1
	told
	bad 2 vethlab generate chain 3x
	told
	bad 2 vethlab generate chain 3 4
	told
	bad 2 vethlab generate fat-tree 3
	told
	bad 2 vethlab generate grid 1000 1000
	told
	bad 2 vethlab generate ring 3 --name a/b
	told
	bad 2 vethlab generate
	told
	golden generate
}

# Whatever the arguments are: a file that is good, or an error and no file. The same ones in each run.
test_generate_anything() {
	local -a shapes=(chain ring star tree mesh grid clos fat-tree rign -- "")
	local -a sizes=(1 2 3 4 5 6 7 8 9 2 3 4 5 -1 0 x 3.5 99999999999999999999 "" 1e3)
	local -a options=(--v4 --v6 --routes "--name anything" "--name a/b" --v5)
	local -a words
	local i n files=0 errors=0 status
	RANDOM=2026
	for ((i = 0; i < 150; i++)); do
		words=("${shapes[RANDOM % (RANDOM % 4 ? 8 : ${#shapes[@]})]}")
		for ((n = 1 + RANDOM % 3; n > 0; n--)); do
			words+=("${sizes[RANDOM % (RANDOM % 4 ? 13 : ${#sizes[@]})]}")
		done
		# shellcheck disable=SC2206 # --name NAME are two
		[[ $((RANDOM % 3)) -gt 0 ]] || words+=(${options[RANDOM % ${#options[@]}]})
		status=0
		vethlab generate "${words[@]}" >"$TEST_TMP/any.yaml" 2>"$TEST_TMP/said" || status=$?
		if [[ $status -eq 0 ]]; then
			good vethlab check "$TEST_TMP/any.yaml"
			says_not warning error
			assert_eq "$(cat "$TEST_TMP/said")" "" "generate ${words[*]}"
			files=$((files + 1))
		else
			assert_eq "$status $(head -c 9 "$TEST_TMP/said")" "2 vethlab: " "generate ${words[*]}"
			assert_eq "$(cat "$TEST_TMP/any.yaml")" "" "generate ${words[*]}: a file"
			errors=$((errors + 1))
		fi
	done
	[[ $files -ge 30 && $errors -ge 30 ]] || fail "$files files, $errors errors"
	echo "# $files files, $errors errors" >"$TEST_TMP/comment"
}

run_tests
