#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_new_files.sh - the files that `record` and `capture` make: for their owner alone, and never where a
# symlink of another user leads.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

other() { # COMMAND...
	setpriv --reuid 65534 --clear-groups "$@"
}

# Write packets to a file for a moment.
write_file() { # STATUS VERB FILE
	local -a words=("$2" "$3")
	[[ $2 == record ]] || words=("$2" -w "$3")
	bad "$1" timeout $WAIT "$BUILD/vethlab" "${words[@]}" --for 10ms
}

test_mode_and_symlinks() {
	needs setpriv
	local verb shared=$TEST_TMP/shared
	chmod 755 "$TEST_TMP"
	mkdir -m 1777 "$shared"
	up two-hosts
	for verb in record capture; do
		write_file 0 $verb "$shared/new"
		assert_eq "$(stat -c %a "$shared/new")" 600 "$verb: mode of a new file"
		# One's own is written anew, with the mode that it has, and no byte of what was in it.
		head -c 100000 /dev/zero >"$shared/new"
		chmod 640 "$shared/new"
		write_file 0 $verb "$shared/new"
		assert_eq "$(stat -c %a "$shared/new")" 640 "$verb: mode of a file that was there"
		[[ $(stat -c %s "$shared/new") -lt 100000 ]] || fail "$verb: not emptied"
		# A symlink of another user to a file of ours, and to none.
		echo kept >"$TEST_TMP/ours"
		other ln -s "$TEST_TMP/ours" "$shared/link"
		other ln -s "$TEST_TMP/none" "$shared/dangling"
		write_file 1 $verb "$shared/link"
		says "is a symlink of user 65534"
		assert_eq "$(cat "$TEST_TMP/ours")" kept "$verb: the file that the symlink leads to"
		write_file 1 $verb "$shared/dangling"
		[[ ! -e $TEST_TMP/none ]] || fail "$verb: made what the symlink leads to"
		# A file of another user would be theirs to read.
		other touch "$shared/theirs"
		write_file 1 $verb "$shared/theirs"
		says "is a file of user 65534"
		# One's own symlink, and any in a directory of one's own.
		ln -s "$TEST_TMP/ours" "$shared/mine"
		write_file 0 $verb "$shared/mine"
		[[ $(stat -c %s "$TEST_TMP/ours") -gt 5 ]] || fail "$verb: nothing written"
		ln -s ours "$TEST_TMP/here"
		write_file 0 $verb "$TEST_TMP/here"
		write_file 5 $verb "$TEST_TMP/no/such"
		says "No such file or directory"
		rm -r "${shared:?}"/* "$TEST_TMP/here"
	done
	good vethlab down two-hosts
}

run_tests
