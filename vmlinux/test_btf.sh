#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_btf.sh - holds vmlinux/vmlinux.h against the running kernel's BTF, type by type. TAP.
#
# BTF of an object has only the types that its variables use: so make a variable of each type that
# the header defines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dir=${BUILD:-build}/vmlinux
mkdir -p "$dir"

awk '
	BEGIN { print "#include \"vmlinux/vmlinux.h\"" }
	/^(struct|enum) [a-z_0-9]+ \{/ { kind = $1; name = $2 }
	/^\}/ && name {
		print kind, name, (/preserve_access_index/ ? "kernel_" : "api_") name ";"
		name = ""
	}
' vmlinux/vmlinux.h >"$dir/types.c"
"${CLANG:-clang}" -target bpf -g -O2 -I. -c "$dir/types.c" -o "$dir/types.o"
# shellcheck disable=SC2046 # flags are words
"${CC:-cc}" -Wall -Wextra -O1 $(pkg-config --cflags libbpf) -o "$dir/check" vmlinux/check.c \
	$(pkg-config --libs libbpf libelf zlib)
exec "$dir/check" "$dir/types.o"
