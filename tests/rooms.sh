#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# rooms.sh - the order of the rooms (folders of bpf/, topology/, user/), read from the #includes, and
# what keeps a room easy to find one's way in. Speaks TAP, one result a rule; tests/lint.sh runs it.
# `rooms.sh graph` prints which room includes which.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

# A room, the rooms that it may include, and its headers that other rooms may include (its own files
# include any). Of bpf/ all may include vethlab.h (maps and records), wire.h, wire_quote.h and wire_other.h (the
# parser of headers) and match.h (the filter), which both sides share, and skeletons.
table() {
	cat <<-END
	base     | | arena.h array.h cleanup.h clock.h confine.h drop_causes.h duration.h err.h hash.h histogram.h hook_word.h interrupt.h kernel_floor.h memory_file.h new_file.h notes.h number.h plain.h process.h statistics.h strmap.h workers.h
	topology | base | bundled_labs.h model.h ip.h shapes.h draw.h lab_diff.h observed.h
	output   | base topology | output.h
	story    | base topology | story.h record_queue.h compare.h
	flow     | base topology story | flow.h
	net      | base topology | net.h devconf.h lookup.h netns_wait.h nexthops.h policy.h ruleset.h tc.h
	watch    | base topology net | watch.h attached.h drops.h echo_times.h exact_start.h foreign_programs.h program_unload.h node_trace.h tc_filter.h
	lab      | base topology net watch | lab.h end_gaps.h end_state.h machine_features.h
	lab      | for observe alone | teardown.h undo.h
	lab      | for change alone | allocate.h build.h foreign.h node.h node_setup.h
	lab      | for change and observe alone | journal.h state.h
	change   | base topology net watch lab | change_apply.h down_record.h edit.h
	observe  | base topology net watch lab | observe.h follow.h
	ledger   | base topology output net watch lab | ledger.h counter_fields.h losses.h reading.h timing.h
	path     | base topology net watch lab | path.h redirect.h target.h
	trace    | base topology output story flow net watch lab path | echo.h filter.h flow_live.h flow_source.h ping_tally.h port_ping.h probe.h recording.h stream.h
	capture  | base topology net watch lab trace | capture.h capture_session.h pcap_filter.h pcapng.h
	bench    | base topology output net watch lab trace | bench.h
	render   | base topology output story flow net watch lab observe ledger path trace capture bench | changes.h drop_text.h event_text.h flow_text.h itinerary_text.h ledger_report.h ping_report.h port_report.h rates.h record_view.h run_diff.h show_text.h
	figures  | base topology output net watch lab trace bench render | bench_report.h
	options  | base topology output | options.h
	cmd      | base topology output story flow net watch lab change observe ledger path trace capture bench render figures options | cmd.h
	main     | base output options cmd |
	END
}

# Of a room at most so many .c files, of a file at most so many lines. cmd has one a verb, and at most
# SHARED_MAX beside these, which verbs share.
FILES_MAX=25
SHARED_MAX=10
LINES_MAX=500

# Stems that stand in two rooms for a reason: a verb is called as the user calls it, and may be called
# like the room that does the work; the two sides of a map, in bpf and watch, are called alike.
name_may_repeat() { # STEM ROOM ROOM...
	[[ $# -eq 3 && (" $2 $3 " == *" cmd "* && " $2 $3 " == *" $1 "* || "$2 $3" == "bpf watch") ]]
}

n=0 failed=0
result() { # NAME FINDINGS
	n=$((n + 1))
	if [[ -z $2 ]]; then
		echo "ok $n - $1"
	else
		sed 's/^/# /' <<<"$2"
		echo "not ok $n - $1"
		failed=1
	fi
}

# Product sources, one a line: what git knows, or what is there where there is no git.
sources() {
	git ls-files -co --exclude-standard -- bpf topology user 2>/dev/null | grep . ||
		find bpf topology user -type f
}

# "FILE:LINE ROOM ROOM HEADER" for each include of another room.
includes() {
	sources | grep -E '\.[ch]$' | while read -r file; do [[ -e $file ]] && echo "$file"; done |
		xargs grep -nE '^#include "(bpf|topology|user)/' /dev/null |
		awk -F: '
		function room(path, part) {
			split(path, part, "/")
			if (part[1] != "user")
				return part[1]
			return part[3] == "" ? "main" : part[2]
		}
		{
			header = $3
			gsub(/^#include "|".*$/, "", header)
			from = room($1)
			to = room(header)
			sub(/.*\//, "", header)
			if (from != to)
				print $1 ":" $2, from, to, header
		}'
}

order() {
	includes | awk -v table="$(table)" '
	BEGIN {
		n = split(table, line, "\n")
		for (i = 1; i <= n; i++) {
			split(line[i], cell, "|")
			gsub(/[ \t]/, "", cell[1])
			one = cell[2] ~ /^ *for / ? cell[2] : ""
			sub(/^ *for /, "", one)
			sub(/ alone *$/, "", one)
			m = split(one == "" ? cell[2] : "", word, " ")
			for (j = 1; j <= m; j++)
				may[cell[1], word[j]] = 1
			m = split(cell[3], word, " ")
			for (j = 1; j <= m; j++)
				open[cell[1], word[j]] = one == "" ? "all" : one
			known[cell[1]] = 1
		}
	}
	$3 == "bpf" {
		if ($2 != "bpf" && $4 != "vethlab.h" && $4 !~ /\.skel\.h$/ && $4 !~ /^wire(_quote|_other)?\.h$/ && $4 != "match.h" &&
		    $4 != "proof_frame.h")
			print $1 ": " $4 " is for BPF programs"
		next
	}
	!($2 in known) { print $1 ": room " $2 " is not in the table of tests/rooms.sh"; next }
	!(($2, $3) in may) { print $1 ": " $2 " may not include " $3 " (" $4 ")"; next }
	!(($3, $4) in open) { print $1 ": " $4 " is a header of " $3 "'"'"'s own"; next }
	open[$3, $4] != "all" && index(" " open[$3, $4] " ", " " $2 " ") == 0 {
		print $1 ": " $4 " of " $3 " is for " open[$3, $4] " alone"
	}'
}

# Stems (bench of bench.bpf.c) that stand in two rooms. A BPF object may be called as the file that
# loads it, a room has one internal.h.
names() {
	sources | grep -E '\.[ch]$' | awk '
	{
		file = $0
		room = $0
		sub(/^user\//, "", room)
		sub(/\/.*/, "", room)
		sub(/.*\//, "", file)
		sub(/\..*/, "", file)
		if (file == "internal" || $0 ~ /\.bpf\.c$/ || seen[file, room]++)
			next
		rooms[file] = rooms[file] " " room
		count[file]++
	}
	END {
		for (file in count)
			if (count[file] > 1)
				print file rooms[file]
	}' | sort | while read -r stem rooms; do
		# shellcheck disable=SC2086 # a list
		name_may_repeat "$stem" $rooms || echo "$stem stands in $rooms"
	done
}

tags() {
	sources | grep -E '\.[ch]$' | xargs grep -HoE '^[[:space:]]*(struct|enum|union) [a-z_0-9]+ \{' |
		sed -E 's/^([^:]+):[[:space:]]*(struct|enum|union) ([a-z_0-9]+) \{/\3 \2 \1/' | sort -u |
		awk '$1 == last { print $2, $1 " in " where " and " $3 } { last = $1; where = $3 }'
}

sizes() {
	sources | grep -E '\.c$' | grep -vE '\.bpf\.c$|^user/cmd/' | sed 's|/[^/]*$||' | sort | uniq -c |
		awk -v most=$FILES_MAX '$1 > most { print $2 " has " $1 " .c files, " most " are the most" }'
	sources | grep -E '^user/cmd/.*\.c$' | grep -vxFf <(grep -oE '\bcmd_[a-z_]+[,;]' user/cmd/cmd.h |
		sed -E 's|cmd_(.*)[,;]|user/cmd/\1.c|') |
		awk -v most=$SHARED_MAX 'END { if (NR > most) print "user/cmd has " NR " .c files that are no verb, " most " are the most" }'
	sources | grep -E '\.[ch]$' | while read -r file; do [[ -e $file ]] && wc -l "$file"; done |
		awk -v most=$LINES_MAX '$1 > most { print $2 " has " $1 " lines, " most " are the most" }'
}

# A header that cannot be compiled alone depends on who includes it.
# By clang-check, which takes all of them in one process, or by the compiler.
alone() {
	local -a flags headers
	read -ra flags < <(pkg-config --cflags jansson libbpf libmnl 2>/dev/null)
	flags+=(-std=gnu11 -D_GNU_SOURCE -Wall -Wno-unused-function -I. "-I${BUILD:-build}" -x c)
	mapfile -t headers < <(sources | grep -E '^(topology|user)/.*\.h$' |
		while read -r file; do [[ -e $file ]] && echo "$file"; done)
	if command -v clang-check >/dev/null; then
		clang-check "${headers[@]}" -- "${flags[@]}"
	else
		printf '%s\n' "${headers[@]}" |
			xargs -P "$(nproc)" -I FILE "${CC:-cc}" -fsyntax-only "${flags[@]}" FILE
	fi 2>&1 | sed "s|^$PWD/||" | grep -E ': (fatal )?error:|warning: impl' | awk -F: '!seen[$1]++'
}

format() {
	local files
	files=$(sources | grep -E '\.[ch]$'; git ls-files -co --exclude-standard -- tests docs 2>/dev/null | grep -E '\.[ch]$')
	# shellcheck disable=SC2086 # a list
	clang-format --dry-run -Werror $files 2>&1 | grep -oE '^[^:]+:[0-9]+' | awk -F: '!seen[$1]++' |
		sed 's/$/: clang-format -i changes this/'
}

if [[ ${1:-} == graph ]]; then
	includes | awk '{ print $2, $3 }' | sort | uniq -c
	exit
fi
result "rooms include only rooms below them, by their public headers" "$(order)"
result "a file name stands in one room" "$(names)"
result "a tag names one struct" "$(tags)"
result "no room has more than $FILES_MAX .c files, no file more than $LINES_MAX lines" "$(sizes)"
result "each header compiles alone" "$(alone)"
if [[ $(clang-format --version 2>/dev/null) == *"version 14."* ]]; then
	result "clang-format" "$(format)"
else
	n=$((n + 1))
	echo "ok $n # SKIP clang-format: version 14 is not installed, others break lines elsewhere"
fi
echo "1..$n"
exit $failed
