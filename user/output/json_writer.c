// SPDX-License-Identifier: GPL-2.0-only
/* json_writer.c - objects of JSON, field by field: as a line at once, or as a tree. */
#include <string.h>

#include "user/output/output.h"

/* ---- lines: bytes are put together, so that a field takes no call of stdio ------------------- */

static void flush(struct json_writer *writer)
{
	fwrite(writer->bytes, 1, writer->used, writer->f);
	writer->used = 0;
}

static void put_byte(struct json_writer *writer, char byte)
{
	if (writer->used == sizeof(writer->bytes))
		flush(writer);
	writer->bytes[writer->used++] = byte;
}

static void put_bytes(struct json_writer *writer, const char *bytes, size_t n)
{
	if (writer->used + n > sizeof(writer->bytes))
		flush(writer);
	if (n > sizeof(writer->bytes)) {
		fwrite(bytes, 1, n, writer->f);
		return;
	}
	memcpy(writer->bytes + writer->used, bytes, n);
	writer->used += n;
}

/* Keys are literals: nothing in them has to be escaped. */
static void put_key(struct json_writer *writer, const char *key)
{
	if (writer->any)
		put_byte(writer, ',');
	writer->any = true;
	put_byte(writer, '"');
	put_bytes(writer, key, strlen(key));
	put_bytes(writer, "\":", 2);
}

static void put_digits(struct json_writer *writer, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = '0' + value % 10;
		value /= 10;
	} while (value);
	put_bytes(writer, digits + at, sizeof(digits) - at);
}

/* ---- fields ---------------------------------------------------------------------------------- */

void json_writer_line(struct json_writer *writer, FILE *f)
{
	writer->f = f;
	writer->tree = writer->outer = NULL;
	writer->any = false;
	writer->used = 0;
	put_byte(writer, '{');
}

void json_writer_tree(struct json_writer *writer)
{
	writer->f = NULL;
	writer->tree = json_object();
	writer->outer = NULL;
}

json_t *json_writer_finish(struct json_writer *writer)
{
	if (writer->f) {
		put_byte(writer, '}');
		flush(writer);
	}
	return writer->tree;
}

static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; /* all others: output_json_string() */
}

void json_put_text(struct json_writer *writer, const char *key, const char *text)
{
	size_t n = 0;

	if (!writer->f) {
		output_json_set(writer->tree, key, output_json_text(text));
		return;
	}
	put_key(writer, key);
	while (is_plain(text[n]))
		n++;
	if (text[n]) {
		flush(writer);
		output_json_string(text, writer->f);
		return;
	}
	put_byte(writer, '"');
	put_bytes(writer, text, n);
	put_byte(writer, '"');
}

void json_put_number(struct json_writer *writer, const char *key, uint64_t value)
{
	if (!writer->f) {
		output_json_set(writer->tree, key, json_integer((json_int_t)value));
		return;
	}
	put_key(writer, key);
	put_digits(writer, value);
}

void json_put_signed(struct json_writer *writer, const char *key, int64_t value)
{
	if (!writer->f) {
		output_json_set(writer->tree, key, json_integer(value));
		return;
	}
	put_key(writer, key);
	if (value < 0)
		put_byte(writer, '-');
	put_digits(writer, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_put_bool(struct json_writer *writer, const char *key, bool value)
{
	if (!writer->f) {
		output_json_set(writer->tree, key, json_boolean(value));
		return;
	}
	put_key(writer, key);
	put_bytes(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_put_begin(struct json_writer *writer, const char *key)
{
	if (writer->f) {
		put_key(writer, key);
		put_byte(writer, '{');
		writer->any = false;
		return;
	}
	writer->outer = writer->tree;
	writer->tree = json_object();
	output_json_set(writer->outer, key, json_incref(writer->tree));
}

void json_put_end(struct json_writer *writer)
{
	if (writer->f) {
		put_byte(writer, '}');
		writer->any = true;
		return;
	}
	json_decref(writer->tree); /* the outer one owns it */
	writer->tree = writer->outer;
	writer->outer = NULL;
}
