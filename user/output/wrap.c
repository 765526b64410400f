// SPDX-License-Identifier: GPL-2.0-only
/* wrap.c - sentences in lines that fit the terminal. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "user/output/output.h"

/* Where fewer columns than this are left beside the lead, the text stands below it. */
enum { NARROW = 16, BELOW = 4 };

/* Bytes of a unit of time that stands behind a number and a blank; 0: there is none. */
static size_t unit_of(const char *word, size_t bytes)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	const char *next = word + bytes + 1;

	if (!isdigit((unsigned char)*word) || word[bytes] != ' ')
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t len = strlen(units[i]);

		if (!strncmp(next, units[i], len) && !isalnum((unsigned char)next[len]))
			return 1 + strcspn(next, " ");
	}
	return 0;
}

void output_fold(const char *lead, const char *text, FILE *f)
{
	if (isatty(fileno(f)))
		output_wrap(lead, text, f);
	else
		fprintf(f, "%s%s\n", lead, text);
}

void output_wrap(const char *lead, const char *text, FILE *f)
{
	size_t width = output_width(f), indent = output_columns(lead), column = indent;
	const char *word = text;

	fputs(lead, f);
	if (*text && indent > BELOW && indent + NARROW > width) {
		fprintf(f, "\n%*s", BELOW, "");
		column = indent = BELOW;
	}
	while (*word) {
		size_t bytes = strcspn(word, " ");
		char copy[256];
		size_t columns;

		bytes += unit_of(word, bytes);
		snprintf(copy, sizeof(copy), "%.*s", (int)bytes, word);
		columns = output_columns(copy);
		if (column > indent && column + 1 + columns > width) {
			fprintf(f, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', f);
			column++;
		}
		fwrite(word, 1, bytes, f);
		column += columns;
		word += bytes + strspn(word + bytes, " ");
	}
	fputc('\n', f);
}
