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

# What tests/vm/run prints of a guest becomes a row and a list of what its kernel lacks.
test_kernels() {
	cat >"$TEST_TMP/6.1" <<-'END'
		vm: vethlab 1.2.3
		vm-init: Linux 6.1.0-56-cloud-amd64, up in 7.62 s
		 1/2 tests/prog/test_veth                   3 passed, 1 skipped  (3.0 s, CPU 2.7 s)
		    skipped: test_tcx: lost with its guest
		vm: the guest's CPUs stopped: once more, with one thread for both
		vm-init: Linux 6.1.0-56-cloud-amd64, up in 6.12 s
		 1/3 tests/prog/test_veth                   3 passed, 1 skipped  (3.0 s, CPU 2.7 s)
		    skipped: test_tcx: this kernel has no tcx (6.6)
		 2/3 tests/prog/test_drops                  8 passed, 2 skipped  (3.0 s, CPU 2.7 s)
		    skipped: test_full_ring: this kernel has no tcx (6.6)
		    skipped: part of walk: this kernel is older: than 6.4
		 3/3 tests/lab/test_verbs.sh               20 passed, 1 FAILED  (72.2 s, CPU 54.9 s)

		Failed:
		  tests/lab/test_verbs.sh: down_several
		      FAILED: why

		31 passed, 1 failed, 3 skipped
		vm-init: done 1
		99 passed, 9 failed, 9 skipped
	END
	printf '%s\n' "vm: vethlab 1.2.4" "vm-init: Linux 7.3.4, up in 5.1 s" "2 passed, 0 failed, 0 skipped" "vm-init: done 0" >"$TEST_TMP/7.3"
	echo "vm-init: Linux 6.12.1, up in 7.62 s" >"$TEST_TMP/cut"
	good "$TOP/tests/vm/kernels.sh" "$TEST_TMP/7.3" "$TEST_TMP/6.1"
	assert_eq "$(sed '1,/^$/d; 1,/^$/d' <<<"$out")" "$(
		cat <<-'END'
			| kernel | vethlab | passed | failed | skipped |
			|---|---|---|---|---|
			| 6.1.0-56-cloud-amd64 | 1.2.3 | 31 | 1 | 3 |
			| 7.3.4 | 1.2.4 | 2 | 0 | 0 |

			## 6.1.0-56-cloud-amd64

			- this kernel has no tcx (6.6): `veth tcx`, `drops full_ring`
			- this kernel is older: than 6.4: `drops walk`
			- **failed**: `verbs down_several`

			## 7.3.4

			Every test passed.
		END
	)" "the page"
	good "$TOP/tests/vm/kernels.sh" "$TEST_TMP/cut" "$TEST_TMP/7.3"
	says "cut has no end: left out" "| 7.3.4 |"
	bad 1 "$TOP/tests/vm/kernels.sh" "$TEST_TMP/cut"
	[[ -e $TOP/docs/kernels.md ]] || return 0 # it is made where all kernels were run
	page_run docs/kernels.md
}

run_tests
