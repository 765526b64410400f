#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# documents.sh DATE - write the man pages of all verbs to $B/man and completion scripts to $B/completions,
# as the program built in $B makes them from its tables.
set -euo pipefail
date=$1
vethlab=$B/vethlab
mkdir -p "$B/man" "$B/completions"
"$vethlab" help --man "$date" >"$B/man/vethlab.1"
for verb in $("$vethlab" completion words -- "" | cut -f1); do
	[[ $verb != help && $verb != -* ]] || continue
	"$vethlab" help --man "$date" "$verb" >"$B/man/vethlab-$verb.1"
done
"$vethlab" help --man "$date" bench build >"$B/man/vethlab-bench-build.1"
for shell in bash zsh fish; do
	"$vethlab" completion "$shell" >"$B/completions/vethlab.$shell"
done
