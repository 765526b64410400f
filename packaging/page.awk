# SPDX-License-Identifier: GPL-2.0-only
# page.awk - a man page of a document in docs/: headings, paragraphs, lists, tables, code. Variables: name,
# section, date, version, summary.
function between(s, marks, length_, before, after,   out) { # what stands between marks, in another font
	out = ""
	while (match(s, marks)) {
		out = out substr(s, 1, RSTART - 1) before substr(s, RSTART + length_, RLENGTH - 2 * length_) after
		s = substr(s, RSTART + RLENGTH)
	}
	return out s
}
function links(s,   out, link) { # [text](address): the text
	out = ""
	while (match(s, /\[[^]]*\]\([^)]*\)/)) {
		link = substr(s, RSTART + 1, RLENGTH - 2)
		out = out substr(s, 1, RSTART - 1) substr(link, 1, index(link, "](") - 1)
		s = substr(s, RSTART + RLENGTH)
	}
	return out s
}
function plain(s) { # text for roff; marks of Markdown become fonts
	gsub(/\\/, "\\e", s)
	s = links(s)
	s = between(s, "[*][*][^*]*[*][*]", 2, "\\fB", "\\fR")
	s = between(s, "`[^`]*`", 1, "\\fB", "\\fR")
	gsub(/-/, "\\-", s)
	if (s ~ /^[.']/)
		s = "\\&" s
	return s
}
function verbatim(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	if (s ~ /^[.']/)
		s = "\\&" s
	return s == "" ? "\\&" : s
}
function code_begins() { print (fresh ? "" : ".PP\n") ".RS 4\n.nf"; fresh = 0; code = 1 }
function code_ends() { print ".fi\n.RE"; code = 0; paragraph = 1 }
function text(s) {
	if (paragraph && !fresh)
		print ".PP"
	print plain(s)
	paragraph = fresh = 0
}
BEGIN {
	printf ".\\\" made from a document in docs/: do not edit\n"
	printf ".TH %s %s \"%s\" \"vethlab %s\" \"vethlab\"\n", toupper(plain(name)), section, date, version
	printf ".SH NAME\n%s \\- %s\n.SH DESCRIPTION\n", plain(name), summary
	fresh = 1
}
/^```/ { if (code) code_ends(); else code_begins(); next }
code == 1 { print verbatim($0); next }
/^    / && (code == 2 || was_empty) { # an indented block
	if (!code) { code_begins(); code = 2 }
	print verbatim(substr($0, 5))
	was_empty = 0
	next
}
code == 2 { code_ends() }
/^# / { was_empty = 1; next } # the title
/^## / { print ".SH " toupper(plain(substr($0, 4))); fresh = was_empty = 1; table = 0; next }
/^### / { print ".SS " plain(substr($0, 5)); fresh = was_empty = 1; table = 0; next }
/^\|[-|: ]+\|$/ { next }
/^\|/ {
	line = $0
	gsub(/\\\|/, "\001", line)
	n = split(line, cell, /\|/)
	for (i = 1; i <= n; i++) {
		gsub(/\001/, "|", cell[i])
		gsub(/^ +| +$/, "", cell[i])
	}
	if (!table++) # the head of the table
		next
	printf ".TP\n%s\n", cell[2] == "" ? "\\&" : plain(cell[2])
	rest = ""
	for (i = 3; i < n; i++)
		if (cell[i] != "")
			rest = rest (rest == "" ? "" : "; ") cell[i]
	print rest == "" ? "\\&" : plain(rest)
	paragraph = was_empty = fresh = 0
	next
}
/^ *$/ { paragraph = was_empty = 1; table = 0; next }
/^- \[.*\]\(#/ { contents = 1; next } # the list of contents
contents && /^  / { next }
/^ *- / {
	contents = table = was_empty = 0
	sub(/^ *- /, "")
	print ".IP \\(bu 2"
	print plain($0)
	paragraph = fresh = 0
	next
}
/^ *[0-9]+\. / {
	table = was_empty = 0
	match($0, /[0-9]+\./)
	label = substr($0, RSTART, RLENGTH)
	sub(/^ *[0-9]+\. /, "")
	print ".IP " label " 4"
	print plain($0)
	paragraph = fresh = 0
	next
}
{ contents = table = 0; sub(/^ +/, ""); text($0); was_empty = 0 }
END { if (code) code_ends() }
