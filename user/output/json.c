// SPDX-License-Identifier: GPL-2.0-only
/* json.c - JSON documents: tagged with their schema, printed whole or one a line. */
#include <errno.h>
#include <unistd.h>

#include "user/output/output.h"

json_t *output_json_document(const char *schema)
{
	return json_pack("{s:s}", "schema", schema);
}

/* A document that could not be made must not look like an empty success: output_finish() tells. */
static void print_flags(json_t *json, size_t flags, FILE *f)
{
	errno = 0;
	if (!json)
		output_fail(ENOMEM);
	else if (json_dumpf(json, f, flags | JSON_REAL_PRECISION(15)) || fputc('\n', f) == EOF)
		output_fail(errno ? errno : EIO);
	json_decref(json);
}

void output_json_print(json_t *document, FILE *f)
{
	int fd = fileno(f);

	print_flags(document, fd >= 0 && isatty(fd) ? JSON_INDENT(2) : JSON_COMPACT, f);
}

void output_json_line(json_t *object, FILE *f)
{
	print_flags(object, JSON_COMPACT, f);
	/* Whoever reads the stream wants the line now, not when 4 KiB have come together. */
	output_flush(f);
}

void output_json_string(const char *text, FILE *f)
{
	putc('"', f);
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			putc('\\', f);
		if ((unsigned char)*p < ' ')
			fprintf(f, "\\u%04x", *p);
		else
			putc(*p, f);
	}
	putc('"', f);
}

json_t *output_json_end(const struct end *end)
{
	return json_pack("{s:s, s:s, s:s}", "end", end->name, "node", end->node->name, "interface",
			 end->ifname);
}
