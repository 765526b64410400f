#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lint.sh - what is silent must stay silent: a full build with -Werror by gcc and by clang, each in
# a directory of its own, shellcheck over the scripts, and the order of the rooms (rooms.sh). Speaks
# TAP, one result a rule. `lint.sh quick` leaves the two builds out.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
export PATH=$PATH:/usr/sbin:/sbin
n=0 failed=0

result() { # STATUS NAME
	n=$((n + 1))
	if [[ $1 -eq 0 ]]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

skip() { # NAME WHY
	n=$((n + 1))
	echo "ok $n # SKIP $1: $2"
}

compile() { # COMPILER
	command -v "$1" >/dev/null || { skip "$1" "not installed"; return; }
	make -s -j2 CC="$1" B="build-$1" WERROR=1 all tests 2>&1
	result $? "$1 -Wall -Wextra -Wshadow -Werror"
}

scripts() {
	git ls-files 2>/dev/null | grep . || find . \( -path './build*' -o -name .git \) -prune -o -type f -print
}

shell() {
	local -a files
	command -v shellcheck >/dev/null || { skip shellcheck "not installed"; return; }
	mapfile -t files < <(scripts | while read -r f; do
		[[ -f $f ]] && head -c 64 "$f" | head -1 | grep -aqE '^#!.*(ba)?sh$' && echo "$f"
	done)
	# SC2317: functions called by name.
	shellcheck -x -S warning -e SC2317 "${files[@]}"
	result $? "shellcheck ${#files[@]} scripts"
}

# Every source says its licence.
licences() {
	local missing
	missing=$(scripts | grep -E '\.(c|h|mk|sh)$|(^|/)Makefile$' |
		xargs grep -L 'SPDX-License-Identifier: GPL-2.0-only')
	[[ -z $missing ]] || echo "# no SPDX line: $missing"
	result $((${#missing} > 0)) "SPDX licence lines"
}

# The rules of rooms.sh, numbered on.
rooms() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*"# SKIP "*) line=${line#*# SKIP }; skip "${line%%: *}" "${line#*: }" ;;
		"ok "*) result 0 "${line#* - }" ;;
		"not ok "*) result 1 "${line#* - }" ;;
		"#"*) echo "$line" ;;
		esac
	done < <(tests/rooms.sh)
}

if [[ ${1:-} != quick ]]; then
	compile gcc
	compile clang
fi
shell
licences
rooms
echo "1..$n"
exit $failed
