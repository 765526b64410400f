#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_guides.sh - the pages of docs/ that are read from beginning to end: what they tell their reader to type works,
# and prints what they show.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/pages.sh
. "$(dirname "$0")/pages.sh"

test_debug() {
	needs nft bridge
	page_run docs/debug.md
}

test_flows() {
	needs nft python3
	page_run docs/flows.md
}

test_observe() {
	page_run docs/observe.md
}

test_reading_output() {
	page_run docs/reading-output.md
}

test_tcp() {
	needs nft python3
	page_run docs/tcp.md
}

test_tutorial() {
	needs nft
	page_run docs/tutorial.md
}

test_wireshark() {
	needs tshark
	page_run docs/wireshark.md
}

run_tests
