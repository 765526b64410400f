// SPDX-License-Identifier: GPL-2.0-only
/* table.c - rows of cells whose columns line up. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/plain.h"
#include "user/output/output.h"

/* A line across the columns, printed before the row whose first cell has this number. */
struct line {
	size_t before;
	char *lead; /* NULL: the text is printed as it is, however long */
	char *text;
};

struct table {
	struct table_column *columns;
	size_t n_columns;
	char **cells; /* row by row */
	size_t n_cells, room;
	struct line *lines;
	size_t n_lines;
	bool failed; /* out of memory: the table would lie */
};

struct table *table_new(const struct table_column *columns, size_t n)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = calloc(n, sizeof(*columns));
	if (!table->columns) {
		free(table);
		return NULL;
	}
	memcpy(table->columns, columns, n * sizeof(*columns));
	table->n_columns = n;
	return table;
}

/* The text of a cell or line, to free; NULL: the table has failed, or has now. */
static char *table_text(struct table *table, const char *fmt, va_list args)
{
	char *text;

	if (!table || table->failed)
		return NULL;
	if (vasprintf(&text, fmt, args) >= 0) {
		plain_name(text);
		return text;
	}
	table->failed = true;
	return NULL;
}

/* Takes text. */
static void add_cell(struct table *table, char *text)
{
	if (!text)
		return;
	if (array_reserve(&table->cells, &table->room, table->n_cells + 1, sizeof(*table->cells))) {
		free(text);
		table->failed = true;
		return;
	}
	table->cells[table->n_cells++] = text;
}

void table_cell(struct table *table, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_cell(table, table_text(table, fmt, args));
	va_end(args);
}

void table_red_cell(struct table *table, const char *fmt, ...)
{
	va_list args;
	char *text, *red;

	va_start(args, fmt);
	text = table_text(table, fmt, args);
	va_end(args);
	if (text && asprintf(&red, "\033[31m%s\033[0m", text) < 0) {
		red = NULL;
		table->failed = true;
	}
	add_cell(table, text ? red : NULL);
	free(text);
}

/* Takes lead and text. */
static void add_line(struct table *table, char *lead, char *text)
{
	if (array_reserve_one(&table->lines, table->n_lines, sizeof(*table->lines))) {
		free(lead);
		free(text);
		table->failed = true;
		return;
	}
	table->lines[table->n_lines++] = (struct line){table->n_cells, lead, text};
}

void table_line(struct table *table, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = table_text(table, fmt, args);
	va_end(args);
	if (text)
		add_line(table, NULL, text);
}

void table_sentence(struct table *table, const char *lead, const char *fmt, ...)
{
	va_list args;
	char *text, *copy;

	va_start(args, fmt);
	text = table_text(table, fmt, args);
	va_end(args);
	if (!text)
		return;
	copy = strdup(lead);
	if (copy) {
		add_line(table, copy, text);
		return;
	}
	free(text);
	table->failed = true;
}

static bool has_header(const struct table *table)
{
	for (size_t i = 0; i < table->n_columns; i++)
		if (table->columns[i].title)
			return true;
	return false;
}

static const char *title_of(const struct table *table, size_t column)
{
	return table->columns[column].title ? table->columns[column].title : "";
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = output_columns(title_of(table, column));

	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		size_t columns = output_columns(table->cells[i]);

		if (columns > width)
			width = columns;
	}
	return width;
}

/*
 * Blanks are owed, not written, until something follows them: that is how a row ends without
 * trailing ones.
 */
static void print_cell(const char *text, size_t width, enum table_align align, size_t *owed,
		       FILE *f)
{
	size_t columns = output_columns(text), pad = width > columns ? width - columns : 0;

	if (align == TABLE_RIGHT)
		*owed += pad;
	if (*text) {
		fprintf(f, "%*s%s", (int)*owed, "", text);
		*owed = 0;
	}
	if (align == TABLE_LEFT)
		*owed += pad;
	*owed += 2;
}

static void print_row(const struct table *table, const size_t *widths, size_t first, FILE *f)
{
	size_t owed = 0;

	for (size_t i = 0; i < table->n_columns && first + i < table->n_cells; i++)
		print_cell(table->cells[first + i], widths[i], table->columns[i].align, &owed, f);
	fputc('\n', f);
}

/* The lines from *next on that stand before the row whose first cell is n. */
static void print_lines(const struct table *table, size_t *next, size_t n, FILE *f)
{
	for (; *next < table->n_lines && table->lines[*next].before <= n; ++*next) {
		const struct line *line = &table->lines[*next];

		if (line->lead)
			output_wrap(line->lead, line->text, f);
		else
			fprintf(f, "%s\n", line->text);
	}
}

void table_print(const struct table *table, FILE *f)
{
	size_t *widths = table && !table->failed ? calloc(table->n_columns, sizeof(*widths)) : NULL;
	size_t owed = 0, line = 0;

	if (!widths) {
		output_fail(ENOMEM);
		return;
	}
	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	if (has_header(table)) {
		for (size_t i = 0; i < table->n_columns; i++)
			print_cell(title_of(table, i), widths[i], table->columns[i].align, &owed,
				   f);
		fputc('\n', f);
	}
	for (size_t row = 0; row < table->n_cells; row += table->n_columns) {
		print_lines(table, &line, row, f);
		print_row(table, widths, row, f);
	}
	print_lines(table, &line, table->n_cells, f);
	free(widths);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	for (size_t i = 0; i < table->n_lines; i++) {
		free(table->lines[i].lead);
		free(table->lines[i].text);
	}
	free(table->lines);
	free(table->cells);
	free(table->columns);
	free(table);
}
