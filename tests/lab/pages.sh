# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# pages.sh - sourced behind lib.sh by tests that run what a document tells its reader to type.
#
#   ```console    lines that begin with "$ " are run (a `\` at the end joins the next, "> ", line); what they print
#                 is what stands below them, up to the next "$ ". A line `...` stands for any output. Compared are
#                 words, not columns, and without what differs from run to run: see page_words().
#   ```sh         every line is a command, which must succeed; or fail (exit status 1), where its comment has the
#                 word "fails".
#   ```yaml       a lab file: "lab: NAME" in its first line makes it NAME.yaml, for the commands below it.
#   ```text       is not run; a lab file that is wrong, say, which is written like a good one.
#
# A block behind the line `<!-- not run: WHY -->` is not run either. All blocks of a page run one after the other
# in one directory, which has links to the repository's docs and topology. `vethlab down --all` ends the page.
#
# DOCS=update in the environment writes what the commands print now into the page, to be read before it is
# committed; an output that has a line `...` and still holds stays as it is.

PAGE_KERNEL=6.18 # outputs are compared from this version on: reasons and places of drops are the kernel's own

# stdin as one line of words, without what a run or a machine decides.
page_words() {
	masked | tr -s ' \n\t' ' ' | sed -E \
		-e 's/ TIME passed in [^ ]+ (between the last hook and the socket|before the first hook)(: it waited for the neighbor [^ ]+, which answered after TIME)?//g' \
		-e 's/ [a-z0-9-]+ passed in TIME (between the last hook and the socket|before the first hook)(: it waited for the neighbor [^ ]+, which answered after TIME)?//g' \
		-e 's/( -> [^ ]+) [0-9]+ [0-9]+ ([0-9]+) [0-9.]+ [kM]?B/\1 # # \2 SIZE/g' \
		-e 's/housekeeping: [0-9]+ of [0-9]+ packets \([^)]*\)(, [0-9]+ harmless drops?)?; -v shows all/HOUSEKEEPING/g' \
		-e 's/\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?/DATE/g' \
		-e 's/\b(id|process) [0-9]+/\1 #/g' \
		-e 's/asked [0-9]+ times?/asked # times/g' \
		-e 's/ \([0-9]+ times\)//g' \
		-e 's/slowest step: [^,]*, mean TIME, max TIME/SLOWEST STEP/g' \
		-e 's/\b[0-9]+ min TIME/TIME/g' \
		-e 's/_ns":[0-9]+/_ns":#/g' \
		-e 's/[0-9]+sec\b/#sec/g' \
		-e 's/\b(out|in|up|again) by (tcx|clsact)/\1 by TC/g' \
		-e 's/\b[0-9]+( TIME){7}/ROW/g' \
		-e 's/\b(arp|echo request|echo reply|neighbor discovery \(v6\)|other icmp \(v6\)) [0-9]+ [0-9]+ ([0-9]+)/\1 # # \2/g' \
		-e 's/\b(rtt|rtt-flood|kernel)( [0-9.]+ k| [0-9]+)( TIME)*( [0-9.]+ %\??)?/\1 ROW/g; s/( TIME){4} [0-9]+/ ROW/g' \
		-e 's/^ //; s/ $//'
}

# Whether the words of an output are those of a page, where ` ... ` is anything.
page_fits() { # GOT WANT
	local want
	want=$(sed -E 's/[][*?\\]/\\&/g; s/(^| )\.\.\.( \.\.\.)*( |$)/*/g' <<<"$2")
	# shellcheck disable=SC2053 # a pattern
	[[ $1 == $want ]]
}

# Run a command of a page; its output is in $out.
page_command() { # COMMAND
	local status=0
	asserted
	out=$(cd "$TEST_TMP/page" && timeout 60 bash -c "$1" 2>&1) || status=$?
	last_command=$1 last_status=$status
	[[ $1 != *vethlab\ up* && $1 != *vethlab\ observe* ]] || remember_objects
}

page_told() { # COMMAND OUTPUT-OF-THE-PAGE
	local got want
	page_command "$1"
	# Many examples show an echo that fails (1), a file that is wrong (3), what cannot be known (6); the output
	# tells it. What a shell or the parser of the command line says of an example is a fault of the page.
	[[ $last_status =~ ^[0136]$ ]] || fail "$page: $1: exit status $last_status: $out"
	if [[ $page_compares == no ]]; then
		return
	fi
	got=$(page_words <<<"$out") want=$(page_words <<<"$2")
	page_fits "$got" "$want" && return
	if [[ ${DOCS:-} == update ]]; then
		page_output=$(page_plain <<<"$out")
		return
	fi
	fail "$page: \$ $1"$'\n'"$(diff <(fold -s -w 100 <<<"$want") <(fold -s -w 100 <<<"$got") || true)"$'\n'"$out"
}

# Paths of this machine's tree are none of a page's business.
page_plain() {
	local text
	text=$(cat)
	text=${text//"$(readlink -f "$TOP")/"/}
	echo "${text//"$TEST_TMP/page/"/}"
}

page_commands() { # LINE
	page_command "$1"
	if [[ $1 == *"#"*fails* ]]; then
		[[ $last_status -eq 1 ]] || fail "$page: $1: exit status $last_status, and it should fail: $out"
	elif [[ $last_status -ne 0 ]]; then
		fail "$page: $1: exit status $last_status: $out"
	fi
}

# Lines of a console block. Prints to fd 3 what the page says then.
page_console() {
	local command="" output="" line page_output started=
	while IFS= read -r line; do
		if [[ $line == '$ '* ]]; then
			page_console_command
			command=${line#'$ '} output="" started=1
			echo "$line" >&3
		elif [[ $line == '> '* && -n $started && $command == *\\ && -z $output ]]; then
			command+=$'\n'${line#'> '}
			echo "$line" >&3
		else
			[[ -n $started ]] || fail "$page: a console block begins with an output: $line"
			output+=$line$'\n'
		fi
	done
	page_console_command
}

page_console_command() { # of page_console
	[[ -n $started ]] || return 0
	page_output=${output%$'\n'}
	page_told "$command" "$output"
	[[ -z $page_output ]] || echo "$page_output" >&3
}

page_yaml() { # TEXT
	local name
	name=$(sed -n '1s/^lab: \([A-Za-z0-9_-]*\)$/\1/p' <<<"$1")
	[[ -z $name ]] || printf '%s' "$1" >"$TEST_TMP/page/$name.yaml"
}

# Run all blocks of a page.
page_run() { # FILE, in the repository
	local page=$1 page_compares=yes kind="" text="" skipped="" line blocks=0
	mkdir -p "$TEST_TMP/page"
	ln -s "$(readlink -f "$TOP")"/{bpf,docs,topology} "$TEST_TMP/page/"
	export PATH=$BUILD:$PATH
	if ! printf '%s\n' "$PAGE_KERNEL" "$(uname -r)" | sort -CV; then
		page_compares=no
		skip_part "outputs are compared from Linux $PAGE_KERNEL on"
	fi
	exec 3>"$TEST_TMP/page.md"
	while IFS= read -r line; do
		if [[ -z $kind ]]; then
			[[ ! $line =~ ^(\ \ )+(\$|vethlab|\.\/vethlab)\  ]] || fail "$page: no test runs this: $line"
			[[ $line != '<!-- not run: '* ]] || skipped=1
			[[ $line != '```'* ]] || kind=${line#'```'} text=""
			echo "$line" >&3
		elif [[ $line == '```' ]]; then
			blocks=$((blocks + 1))
			page_block
			echo '```' >&3
			kind="" skipped=""
		else
			text+=$line$'\n'
		fi
	done <"$TOP/$page"
	exec 3>&-
	[[ -z $kind ]] || fail "$page: a block without end"
	[[ $blocks -gt 0 ]] || asserted # that it has none which nobody runs
	if [[ -n $(vethlab ls) ]]; then
		good vethlab down --all
	fi
	if [[ ${DOCS:-} == update ]]; then
		cat "$TEST_TMP/page.md" >"$TOP/$page"
	fi
}

page_block() { # of page_run: kind, text, skipped
	local line
	if [[ $kind == console && -z $skipped ]]; then
		page_console <<<"${text%$'\n'}"
		return
	fi
	printf '%s' "$text" >&3
	[[ -z $skipped ]] || return 0
	case $kind in
	sh)
		while IFS= read -r line; do
			[[ -z $line || $line == '#'* ]] || page_commands "$line"
		done <<<"$text"
		;;
	yaml | text) page_yaml "$text" ;;
	*) fail "$page: a block of what kind? '$kind'" ;;
	esac
}
