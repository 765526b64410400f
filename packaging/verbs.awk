# SPDX-License-Identifier: GPL-2.0-only
# verbs.awk - a section of docs/verbs.md of a man page that `vethlab help --man` makes. verb: its name.
function plain(s) { # what roff's text says
	gsub(/\\&/, "", s)
	gsub(/\\-/, "-", s)
	gsub(/\\e/, "\\", s)
	return s
}
function cell(s) {
	gsub(/\|/, "\\|", s)
	return s
}
function row_ends() {
	if (label != "")
		printf "| `%s` | %s |\n", cell(label), cell(body)
	label = body = ""
}
function lines_end() { # of a description or notes: columns stay as they are, sentences become a paragraph
	if (lines == "")
		return
	if (section == "EXAMPLES")
		printf "\n<!-- not run: each is an example of another lab; tests/lab has tests of every verb -->\n```sh\n%s```\n", lines
	else if (lines ~ /(^|\n) /)
		printf "\n```text\n%s```\n", lines
	else
		printf "\n%s", lines
	lines = ""
}
BEGIN {
	printf "\n### %s\n", verb
}
/^\.SH / {
	row_ends()
	lines_end()
	section = $2
	next
}
section == "EXIT" || section == "SEE" { next }
section == "SYNOPSIS" {
	sub(/^\.B /, "")
	usage = usage (usage == "" ? "" : " ") plain($0)
	next
}
usage != "" { # may be long: a code block does not wrap
	printf "\n```text\n"
	while (length(usage) > 96 && match(substr(usage, 1, 96), /.* /)) {
		printf "%s\n    ", substr(usage, 1, RLENGTH - 1)
		usage = substr(usage, RLENGTH + 1)
	}
	printf "%s\n```\n", usage
	usage = ""
}
section == "NAME" {
	sub(/^.* \\- /, "")
	printf "\n%s.\n", toupper(substr(plain($0), 1, 1)) substr(plain($0), 2)
	next
}
section == "DESCRIPTION" && /^\.PP/ { next }
/^\.nf/ { verbatim = 1; next }
/^\.fi/ { verbatim = 0; lines_end(); next }
verbatim { lines = lines plain($0) "\n"; next }
/^\.TP/ {
	row_ends()
	if (!table++)
		printf "\n| | |\n|---|---|\n"
	next
}
/^\.B / { label = plain(substr($0, 4)); next }
section == "OPERANDS" || section == "OPTIONS" { body = body (body == "" ? "" : " ") plain($0) }
END {
	row_ends()
	lines_end()
}
