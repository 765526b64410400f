#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lint.sh - what is silent must stay silent: no warning by gcc or by clang, shellcheck over the
# scripts, and the order of the rooms (rooms.sh). Speaks TAP, one result a rule. `lint.sh quick` leaves
# the compilers out.
#
# The build directory keeps what was found to be good (tests.mk): a file is looked at again when it or
# something that it includes has changed. BUILD, CLANG: as in the Makefile.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
export PATH=$PATH:/usr/sbin:/sbin
BUILD=${BUILD:-build}
CLANG=${CLANG:-clang}
JOBS=$(nproc)
compiler=$(sed 's/ -.*//' "$BUILD/compiler" 2>/dev/null) # of the build
compiler=${compiler:-cc}
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

# Goes on after a failure, so that all of them are seen.
make_all() { # ARGUMENT OF MAKE...
	make -s -k -j"$JOBS" "$@" 2>&1
}

is_gcc() { # COMMAND
	$1 --version 2>/dev/null | grep -q "Free Software Foundation"
}

# The build is gcc's as a rule; otherwise gcc gets a directory of its own.
gcc_warnings() {
	local gcc=$compiler dir=$BUILD
	if ! is_gcc "$gcc"; then
		gcc=gcc dir=$BUILD/gcc
		is_gcc gcc || { skip gcc "not installed"; return; }
	fi
	make_all CC="$gcc" B="$dir" lint-gcc
	result $? "gcc -Wall -Wextra -Wshadow"
}

clang_warnings() {
	command -v "$CLANG" >/dev/null || { skip clang "not installed"; return; }
	make_all CC="$compiler" B="$BUILD" CLANG="$CLANG" lint-clang
	result $? "clang -Wall -Wextra -Wshadow"
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
	files=("${files[@]/#/$BUILD/lint/}")
	make_all B="$BUILD" "${files[@]/%/.shellcheck}"
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
	gcc_warnings
	clang_warnings
fi
shell
licences
rooms
echo "1..$n"
exit $failed
