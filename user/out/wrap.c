// SPDX-License-Identifier: GPL-2.0-only
/* wrap.c - sentences in lines that fit the terminal. */
#include <string.h>

#include "user/out/out.h"

void out_wrap(const char *lead, const char *text, FILE *f)
{
	size_t width = out_width(f), indent = out_columns(lead), column = indent;
	const char *word = text;

	fputs(lead, f);
	while (*word) {
		size_t bytes = strcspn(word, " ");
		char copy[256];
		size_t columns;

		snprintf(copy, sizeof(copy), "%.*s", (int)bytes, word);
		columns = out_columns(copy);
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
