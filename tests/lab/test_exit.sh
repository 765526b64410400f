#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_exit.sh - the exit status means the same in every verb: the table of `vethlab help exit`.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# What each verb is called with, so that one thing is wrong; -: it has no such thing. Words: the lab two-hosts
# runs, FILE is its file, MISSING is no file, BROKEN is a lab file with an error, TMP a folder. Each verb of
# `vethlab help` has a row.
VERBS='
verb        | no such lab              | no such node          | no such end             | missing file          | broken lab file | at work
up          | -                        | -                     | -                       | MISSING               | BROKEN          | blue
down        | nosuch                   | -                     | -                       | MISSING               | BROKEN          | two-hosts
gc          | -                        | -                     | -                       | -                     | -               |
labs        | -                        | -                     | -                       | nosuch                | -               | -
completion  | -                        | -                     | -                       | -                     | -               | -
ls          | -                        | -                     | -                       | -                     | -               |
show        | nosuch                   | -                     | -                       | -                     | -               | two-hosts
observe     | -                        | --netns nosuch        | -                       | -                     | -               | --all
exec        | -l nosuch a true         | nosuch true           | -                       | -                     | -               | a true
shell       | -l nosuch a              | nosuch                | -                       | -                     | -               | a
link        | -l nosuch a:eth0 up      | nosuch:eth0 up        | a:nosuch up             | -                     | -               | a:eth0 up
route       | -l nosuch a add 10.9.0.0/16 dev eth0 | nosuch add 10.9.0.0/16 dev eth0 | a add 10.9.0.0/16 dev nosuch | - | - | a add 10.9.0.0/16 dev eth0
plan        | -                        | -                     | -                       | MISSING               | BROKEN          | FILE
apply       | -                        | -                     | -                       | MISSING               | BROKEN          | FILE
reset       | nosuch                   | two-hosts nosuch      | -                       | -                     | -               | two-hosts
stats       | -l nosuch                | --node nosuch         | --link a:nosuch         | --since MISSING       | -               |
trace       | -l nosuch --for 1ms      | node nosuch --for 1ms | end a:nosuch --for 1ms  | -                     | -               | --for 1ms
record      | TMP/rec -l nosuch        | TMP/rec node nosuch   | TMP/rec end a:nosuch    | -                     | -               | TMP/rec --for 1ms
replay      | -                        | RECORDING node nosuch | RECORDING end a:nosuch  | MISSING               | -               | -
flows       | -l nosuch --for 1ms      | node nosuch --for 1ms | end a:nosuch --for 1ms  | -r MISSING            | -               | --for 1ms
flow        | -l nosuch --for 1ms      | node nosuch --for 1ms | end a:nosuch --for 1ms  | 1 -r MISSING          | -               | --for 1ms
diff        | -                        | RECORDING RECORDING node nosuch | RECORDING RECORDING end a:nosuch | RECORDING MISSING | - | -
capture     | -l nosuch -w TMP/cap     | nosuch -w TMP/cap     | a:nosuch -w TMP/cap     | -                     | -               | -w TMP/cap --for 1ms
ping        | -l nosuch a b            | a nosuch              | a b:nosuch              | -                     | -               | a b
doctor      | -                        | -                     | -                       | -                     | -               |
check       | -                        | -                     | -                       | MISSING               | BROKEN          | -
graph       | -l nosuch --live         | -                     | -                       | MISSING               | BROKEN          | --live
generate    | -                        | -                     | -                       | -                     | -               | -
traceroute  | -l nosuch a b            | a nosuch              | a b:nosuch              | -                     | -               | a b
why         | -l nosuch a b            | nosuch b              | a b:nosuch              | -                     | -               | a b
bench       | -l nosuch a:eth0         | nosuch b              | a:nosuch                | --compare MISSING     | -               | --time 0.01 --runs 1
'

verbs() {
	vethlab help | awk '/^usage:/ { on = 1; next } on && /^  [a-z]/ && $1 !~ /^-/ { print $1 } /^exit status/ { exit }'
}

# The words of a column for a verb; none where it says -.
words_of() { # VERB COLUMN
	local words
	words=$(awk -F '|' -v verb="$1" -v column="$2" '
		{ name = $1; gsub(/ /, "", name) }
		name == "verb" { for (i = 2; i <= NF; i++) { title = $i; gsub(/^ +| +$/, "", title); if (title == column) n = i } }
		name == verb { if (!n) exit 1; print $n; found = 1 }
		END { exit !found }' <<<"$VERBS") || fail "the table has no '$2' of $1"
	words=${words//TMP/$TEST_TMP} words=${words//MISSING/$TEST_TMP/missing.yaml}
	words=${words//BROKEN/$TEST_TMP/broken.yaml} words=${words//FILE/$TOP/topology/labs/two-hosts.yaml}
	echo "${words//RECORDING/$TOP/tests/unit/data/stories/router.rec}"
}

each_verb() { # STATUS COLUMN
	local verb words n=0
	for verb in $(verbs); do
		read -ra words <<<"$(words_of "$verb" "$2")"
		[[ ${words[0]:-} != - ]] || continue
		bad "$1" vethlab "$verb" "${words[@]}"
		n=$((n + 1))
	done
	[[ $n -gt 3 ]] || fail "$2: $n verbs were tried"
}

setup() {
	up two-hosts
	printf 'lab: broken\nnodes: {a: {colour: red}}\n' >"$TEST_TMP/broken.yaml"
}

test_no_such_thing() {
	setup
	each_verb 1 "no such lab"
	each_verb 1 "no such node"
	each_verb 1 "no such end"
	good vethlab down two-hosts
}

test_files() {
	setup
	each_verb 3 "missing file"
	each_verb 3 "broken lab file"
	for verb in replay "stats --since" "bench --compare" "diff $TOP/tests/unit/data/stories/router.rec"; do
		# shellcheck disable=SC2086 # two words
		bad 3 vethlab $verb "$TEST_TMP/broken.yaml" # no document of that kind
	done
	good vethlab down two-hosts
}

test_wrong_words() {
	local verb
	for verb in $(verbs); do
		bad 2 vethlab "$verb" --nosuch
		[[ $verb == @(exec|shell|observe) ]] || bad 2 vethlab "$verb" --json=1
	done
	bad 2 vethlab nosuch
}

# Another user: what needs root is refused for that, and not for want of what he could not see.
test_not_root() {
	local verb words as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	setup
	# A copy: a clone below /root is closed to nobody. So is what bundled labs are read from.
	mkdir -p "$TEST_TMP/bin" "$TEST_TMP/share/vethlab"
	cp "$BUILD/vethlab" "$TEST_TMP/bin/"
	cp -r "$TOP/topology/labs" "$TEST_TMP/share/vethlab/"
	chmod -R a+rX "$TEST_TMP/bin" "$TEST_TMP/share"
	chmod 777 "$TEST_TMP"
	for verb in $(verbs); do
		read -ra words <<<"$(words_of "$verb" "at work")"
		[[ ${words[0]:-} != - ]] || continue
		bad 4 "${as[@]}" "$TEST_TMP/bin/vethlab" "$verb" \
			"${words[@]//$TOP\/topology\/labs/$TEST_TMP/share/vethlab/labs}"
	done
	good "${as[@]}" "$TEST_TMP/bin/vethlab" check two-hosts
	good "${as[@]}" "$TEST_TMP/bin/vethlab" generate chain 3
	good vethlab down two-hosts
}

# What a lab file asks of the kernel, and the kernel does not know.
test_unknown_to_the_kernel() {
	printf 'lab: k\nnodes:\n  a: {sysctls: {net.ipv4.nosuch: 1}}\n  b: {}\nlinks: [endpoints: ["a:x", "b:y"]]\n' >"$TEST_TMP/k.yaml"
	bad 3 vethlab up "$TEST_TMP/k.yaml"
	sed -i 's/net.ipv4.nosuch: 1/net.ipv4.conf.all.rp_filter: much/' "$TEST_TMP/k.yaml"
	bad 3 vethlab up "$TEST_TMP/k.yaml"
	needs nft
	printf 'lab: k\nnodes:\n  a: {nft: "tabel inet x {}"}\n  b: {}\nlinks: [endpoints: ["a:x", "b:y"]]\n' >"$TEST_TMP/k.yaml"
	bad 3 vethlab up "$TEST_TMP/k.yaml"
	says "nft refuses the rules"
}

# One table: the help and the page say the same, as rows and as it is printed.
test_documents() {
	local page=$TOP/docs/exit-status.md status text
	good vethlab help exit
	told
	assert_eq "$(sed -n '/^\$ vethlab help exit$/,/^```$/p' "$page" | sed '1d; $d')" "$out" "what $page shows"
	while IFS=$'\t' read -r status text; do
		grep -qxF "| $status | $text |" "$page" || fail "$page has no row '| $status | $text |'"
		asserted
	done < <(awk '/^  [0-9]/ { if (row) print row; row = $1 "\t" substr($0, 6); next }
		/^     / && row { sub(/^ +/, ""); row = row " " $0; next } row { print row; row = "" }' <<<"$out")
	golden table
}

run_tests
