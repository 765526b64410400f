#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# verbs.sh PROGRAM - print docs/verbs.md: every verb with all of its options, as the program's man pages have them.
# `make verbs` writes it; tests/lab/test_pages.sh says when it is not current.
set -euo pipefail
vethlab=$1
here=$(dirname "${BASH_SOURCE[0]}")

section() { # VERB...
	"$vethlab" help --man 2000-01-01 "$@" | awk -v verb="$*" -f "$here/verbs.awk"
}

cat <<'END'
# Verbs

Made by `make verbs` from the tables by which vethlab parses its command line, as are its man pages, its help and its
completion. `-l LAB` and `-j` may stand before the verb as well. [exit-status.md](exit-status.md) is the same for all verbs.
END
while IFS= read -r line; do
	case $line in
	"  "[a-z]*)
		read -r verb _ <<<"$line"
		section "$verb"
		[[ $verb != bench ]] || section bench build
		;;
	[a-z]*) printf '\n## %s\n' "${line^}" ;;
	esac
done < <("$vethlab" help | sed -n '/^build /,/^exit status/p' | grep -v '^  -\|^exit')
