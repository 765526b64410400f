// SPDX-License-Identifier: GPL-2.0-only
/* wrap.c - sentences in lines that fit the terminal. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "user/base/plain.h"
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

/* Bytes of what starts at word and stands on one line: a word, "12 us", "[-c N]" of a usage line.
 */
static size_t piece_of(const char *word)
{
	size_t bytes = strcspn(word, " "), depth = 0;

	for (const char *p = word; *word == '[' && *p; p++) {
		depth += *p == '[';
		depth -= *p == ']';
		if (!depth && p[1] != ' ' && p[1])
			break;
		if (!depth)
			return p + 1 - word;
	}
	return bytes + unit_of(word, bytes);
}

static size_t piece_columns(const char *word, size_t bytes)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%.*s", (int)bytes, word);
	return output_columns(copy);
}

static size_t widest_piece(const char *text)
{
	size_t widest = 0;

	for (size_t bytes; *text; text += bytes + strspn(text + bytes, " ")) {
		bytes = piece_of(text);
		if (piece_columns(text, bytes) > widest)
			widest = piece_columns(text, bytes);
	}
	return widest;
}

/* Whether the text stands below its lead: beside it there is too little room, or a piece has none.
 */
static bool stands_below(const char *text, size_t indent, size_t width)
{
	size_t widest = widest_piece(text);

	return *text && indent > BELOW &&
	       (indent + NARROW > width || (indent + widest > width && BELOW + widest <= width));
}

void output_fold(const char *lead, const char *text, FILE *f)
{
	if (isatty(fileno(f))) {
		output_wrap(lead, text, f);
		return;
	}
	fputs(lead, f);
	plain_print(text, f);
	fputc('\n', f);
}

void output_wrap(const char *lead, const char *text, FILE *f)
{
	size_t width = output_width(f), indent = output_columns(lead), column = indent;
	const char *word = text;

	fputs(lead, f);
	if (stands_below(text, indent, width)) {
		fprintf(f, "\n%*s", BELOW, "");
		column = indent = BELOW;
	}
	while (*word) {
		size_t bytes = piece_of(word), columns = piece_columns(word, bytes);

		if (column > indent && column + 1 + columns > width) {
			fprintf(f, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', f);
			column++;
		}
		plain_write(word, bytes, f);
		column += columns;
		word += bytes + strspn(word + bytes, " ");
	}
	fputc('\n', f);
}
