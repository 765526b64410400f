// SPDX-License-Identifier: GPL-2.0-only
/* json.c - JSON documents: tagged with their schema, printed whole or one a line. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_JSON_OWN
#include "user/base/plain.h"
#include "user/output/output.h"

/* Why the document that is being made lacks a part; 0: it does not. */
static int part_missing;

/* jansson says only that it failed: there was no memory, or a text is not UTF-8. */
static void set_missing(void)
{
	part_missing = errno == ENOMEM ? ENOMEM : EILSEQ;
}

void output_json_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		set_missing();
}

void output_json_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		set_missing();
}

void output_json_merge(json_t *object, json_t *other)
{
	if (json_object_update(object, other))
		set_missing();
	json_decref(other);
}

json_t *output_json_pack(const char *format, ...)
{
	va_list values;
	json_t *json;

	va_start(values, format);
	json = json_vpack_ex(NULL, 0, format, values);
	va_end(values);
	if (!json)
		set_missing();
	return json;
}

json_t *output_json_text(const char *text)
{
	json_t *json = json_string(text);
	char *plain;

	if (json)
		return json;
	plain = strdup(text);
	for (char *p = plain, *end = p ? p + strlen(p) : NULL; p < end;) {
		size_t n = plain_character(p, end);

		if (!n)
			*p = '?';
		p += n ? n : 1;
	}
	json = plain ? json_string(plain) : NULL;
	free(plain);
	return json;
}

json_t *output_json_document(const char *schema)
{
	return output_json_pack("{s:s}", "schema", schema);
}

/*
 * A document that could not be made must not look like a success that is empty or lacks a part:
 * output_finish() tells.
 */
static void print_flags(json_t *json, size_t flags, FILE *f)
{
	int missing = part_missing;

	errno = 0;
	part_missing = 0;
	if (!json || missing)
		output_fail(missing ? missing : ENOMEM);
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
	const char *end = text + strlen(text);

	putc('"', f);
	for (const char *p = text; p < end;) {
		size_t n = plain_character(p, end);

		if (*p == '"' || *p == '\\')
			putc('\\', f);
		if ((unsigned char)*p < ' ')
			fprintf(f, "\\u%04x", *p);
		else if (n)
			fwrite(p, 1, n, f);
		else
			putc('?', f);
		p += n ? n : 1;
	}
	putc('"', f);
}

json_t *output_json_end(const struct end *end)
{
	return output_json_pack("{s:s, s:s, s:s}", "end", end->name, "node", end->node->name,
				"interface", end->ifname);
}
