// SPDX-License-Identifier: GPL-2.0-only
/* errors.c - errors and findings, as a person reads them. */
#include <unistd.h>

#include "user/base/plain.h"
#include "user/output/output.h"

enum { STYLE_RED = 31, STYLE_MAGENTA = 35 };

static void print_styled(FILE *f, bool colour, int style, const char *text)
{
	if (colour)
		fprintf(f, "\033[%dm%s\033[0m", style, text);
	else
		fputs(text, f);
}

/* "blue.yaml:14:9: ", without the parts that are not known. */
static void print_where(const struct where *where, FILE *f)
{
	if (!where->file)
		return;
	plain_print(where->file, f);
	if (where->line)
		fprintf(f, ":%d", where->line);
	if (where->line && where->column)
		fprintf(f, ":%d", where->column);
	fputs(": ", f);
}

static void print_folded(const char *lead, const struct where *where, const char *text, FILE *f)
{
	static const struct where nowhere;
	char plain[2048];
	FILE *memory = fmemopen(plain, sizeof(plain), "w");

	if (!memory) /* it may be memory that there is none of */
		fputs(lead, f);
	print_where(where ? where : &nowhere, memory ? memory : f);
	plain_print(text, memory ? memory : f);
	if (!memory) {
		fputc('\n', f);
		return;
	}
	fclose(memory);
	output_fold(lead, plain, f);
}

static void print_hint(const char *hint, FILE *f)
{
	if (hint && *hint)
		print_folded("  ", NULL, hint, f);
}

void output_error(const struct err *err, FILE *f)
{
	struct where where = err->where;

	if (err->file[0])
		where.file = err->file;
	print_folded(output_colour(f) ? "\033[31mvethlab:\033[0m " : "vethlab: ", &where,
		     err->what[0] ? err->what : "it failed, and no reason was given", f);
	print_hint(err->hint, f);
}

static void print_count(size_t n, const char *noun, FILE *f)
{
	fprintf(f, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

void output_diags(const struct diags *diags, FILE *f)
{
	size_t warnings = diags_warnings(diags);
	bool colour = output_colour(f);

	if (!warnings && !diags->errors)
		return;
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->list[i];
		bool error = diag->severity == SEVERITY_ERROR;

		if (diag->severity == SEVERITY_ALLOWED)
			continue;
		print_where(&diag->where, f);
		print_styled(f, colour, error ? STYLE_RED : STYLE_MAGENTA,
			     error ? "error:" : "warning:");
		fputc(' ', f);
		plain_print(diag->what, f);
		fputc('\n', f);
		print_hint(diag->hint, f);
	}
	if (diags->errors)
		print_count(diags->errors, "error", f);
	if (diags->errors && warnings)
		fputs(", ", f);
	if (warnings)
		print_count(warnings, "warning", f);
	fputc('\n', f);
}

void output_allowed(const struct diags *diags, FILE *f)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->list[i];

		if (diag->severity != SEVERITY_ALLOWED)
			continue;
		print_where(&diag->where, f);
		fprintf(f, "allowed (%s): ", diag->name);
		plain_print(diag->what, f);
		fputc('\n', f);
		print_hint(diag->reason, f);
	}
}
