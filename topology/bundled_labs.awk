# SPDX-License-Identifier: GPL-2.0-only
# bundled_labs.awk LAB.yaml... SCHEMA.json - the C source of what bundled_labs.h declares.

BEGIN { print "#include \"topology/bundled_labs.h\"" }

FNR == 1 {
	if (NR > 1)
		print ";"
	if (FILENAME ~ /\.json$/) {
		print "\nconst char bundled_schema[] ="
	} else {
		name = FILENAME
		gsub(/.*\/|\.yaml$/, "", name)
		names[++n] = name
		print "\nstatic const char lab_" n "[] ="
	}
}

{
	gsub(/[\\"]/, "\\\\&")
	gsub(/\t/, "\\t")
	print "\t\"" $0 "\\n\""
}

END {
	print ";\n\nconst struct bundled_lab bundled_labs[] = {"
	for (i = 1; i <= n; i++)
		print "\t{\"" names[i] "\", lab_" i "},"
	print "\t{0},\n};"
}
