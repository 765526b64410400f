#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_pages.sh - the pages of docs/ in which things are looked up: what they tell their reader to type works, and
# prints what they show. Pages to be read from beginning to end are in test_guides.sh; yaml examples of lab-file.md
# have tests of their own (test_lab_file.sh); README.md has test_readme.sh.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/pages.sh
. "$(dirname "$0")/pages.sh"

test_exit_status() {
	page_run docs/exit-status.md
}

test_how_it_works() {
	page_run docs/how-it-works.md
}

test_lab_file() {
	needs nft
	page_run docs/lab-file.md
}

test_labs() {
	page_run docs/labs.md
}

test_limits() {
	page_run docs/limits.md
}

test_maps() {
	needs bpftool cc
	page_run docs/maps.md
}

test_measure() {
	page_run docs/measure.md
}

test_ports() {
	needs nft
	page_run docs/ports.md
}

test_results() {
	page_run docs/results.md
}

test_troubleshooting() {
	page_run docs/troubleshooting.md
}

# It is what the tables of the verbs make now.
test_verbs() {
	good "$TOP/packaging/verbs.sh" "$BUILD/vethlab"
	echo "$out" >"$TEST_TMP/verbs.md"
	good diff -u "$TOP/docs/verbs.md" "$TEST_TMP/verbs.md" # `make verbs` writes it
	page_run docs/verbs.md
}

test_why() {
	page_run docs/why.md
}

# No page is forgotten: each is run by one of the scripts.
test_each_page() {
	local page
	for page in "$TOP"/docs/*.md; do
		grep -qxF "	page_run docs/${page##*/}" "$TOP"/tests/lab/test_*.sh || fail "no test runs docs/${page##*/}"
		asserted
	done
}

# A link of a page leads to a file that is there, and to a heading of it.
test_links() {
	local page link file anchor
	for page in "$TOP"/README.md "$TOP"/docs/*.md; do
		while read -r link; do
			file=${link%%#*} anchor=
			[[ $link != *#* ]] || anchor=${link#*#}
			file=${file:+$(dirname "$page")/$file}
			file=${file:-$page}
			[[ -e $file ]] || fail "${page##*/} links to $link, which is not there"
			[[ -z $anchor ]] || anchors "$file" | grep -qxF "$anchor" ||
				fail "${page##*/} links to $link: no such heading"
			asserted
		done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//' | grep -v '^https*:')
	done
}

# The headings of a document, as links name them.
anchors() { # FILE
	awk '/^```/ { code = !code } !code && /^#+ /' "$1" | sed -E 's/^#+ //' | tr '[:upper:]' '[:lower:]' |
		sed -E "s/[^a-z0-9 _-]//g; s/ /-/g"
}

run_tests
