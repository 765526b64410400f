#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_rules.sh - every rule has a file that breaks it: each message of the reader and the rules in topology/
# is expected by a file below tests/unit/data/bad, which tests/unit reads. A new rule needs a new file.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Not broken by a file: what no memory, no file and sizes beyond a hundred thousand lines lead to.
WITHOUT='^(out of memory|cannot read it: |a lab has at most |the lab is too big for )'

test_every_rule_is_broken() {
	needs perl
	# shellcheck disable=SC2016 # for perl
	good perl -e '
		my ($data, $without, @files) = @ARGV;
		my %format_at = (reader_error => 3, reader_warning => 3, diags_add => 4, diags_warn => 4);
		my (@finds, $rules);
		for my $file (glob "$data/*.yaml") {
			open my $f, "<", $file or die "$file: $!";
			push @finds, grep { /^# finds: / } <$f>;
		}
		my $balanced = qr/(\((?:[^()"]|"(?:[^"\\]|\\.)*"|(?-1))*\))/;
		for my $file (@files) {
			open my $f, "<", $file or die "$file: $!";
			my $text = do { local $/; <$f> };
			while ($text =~ /\b(reader_error|reader_warning|diags_add|diags_warn)$balanced/g) {
				my ($call, $inside) = ($1, substr($2, 1, -1));
				my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
				my @words = ("");
				while ($inside =~ /\G("(?:[^"\\]|\\.)*"|$balanced|,|[^",(]+)/g) {
					if ($1 eq ",") { push @words, ""; } else { $words[-1] .= $1; }
				}
				my $format = join "", $words[$format_at{$call}] =~ /"((?:[^"\\]|\\.)*)"/g;
				$format =~ s/\\"/"/g;
				next if $format eq "" or $format =~ /$without/;
				my $want = join ".*", map { quotemeta } split /%[-.*0-9]*[a-z]+/, $format, -1;
				$rules++;
				grep { /$want/ } @finds or print "$file:$line: no file finds: $format\n";
			}
		}
		print "$rules rules\n";
	' "$TOP/tests/unit/data/bad" "$WITHOUT" "$TOP"/topology/*.c
	says_not "no file finds"
	[[ ${out% rules} -ge 60 ]] || fail "so few: $out"
}

run_tests
