// SPDX-License-Identifier: GPL-2.0-only
/* text.c - numbers with units, columns of text, the words for links and directions. */
#include <stdarg.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/plain.h"
#include "user/output/output.h"

/* Three significant digits of a value below 1000. */
static void three_digits(double value, const char *space, const char *prefix, const char *unit,
			 char buf[OUTPUT_NUMBER_SIZE])
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(buf, OUTPUT_NUMBER_SIZE, "%.*f%s%s%s", decimals, value, space, prefix, unit);
}

const char *output_duration(uint64_t ns, char buf[OUTPUT_NUMBER_SIZE])
{
	static const char *const units[] = {"us", "ms", "s"};
	double value = (double)ns / 1e3;
	size_t i = 0;

	if (ns < 1000) {
		snprintf(buf, OUTPUT_NUMBER_SIZE, "%u ns", (unsigned)ns);
		return buf;
	}
	/* 999.5 would be printed as 1000: it is 1.00 of the next unit. */
	while (value >= 999.5 && i + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1e3;
		i++;
	}
	three_digits(value, " ", "", units[i], buf);
	return buf;
}

const char *output_rate(double per_second, const char *unit, char buf[OUTPUT_NUMBER_SIZE])
{
	static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
	size_t i = 0;

	if (!(per_second > 0)) {
		snprintf(buf, OUTPUT_NUMBER_SIZE, "0 %s", unit);
		return buf;
	}
	while (per_second >= 999.5 && i + 1 < sizeof(prefixes) / sizeof(*prefixes)) {
		per_second /= 1e3;
		i++;
	}
	if (!i && per_second == (double)(unsigned)per_second)
		snprintf(buf, OUTPUT_NUMBER_SIZE, "%u %s", (unsigned)per_second, unit);
	else
		three_digits(per_second, " ", prefixes[i], unit, buf);
	return buf;
}

const char *output_age(uint64_t ns, char buf[OUTPUT_NUMBER_SIZE])
{
	uint64_t seconds = ns / 1000000000;
	static const struct {
		const char *unit, *below;
		uint64_t seconds, seconds_below;
	} units[] = {{"d", "h", 86400, 3600}, {"h", "min", 3600, 60}, {"min", "s", 60, 1}};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		uint64_t whole = seconds / units[i].seconds;
		uint64_t rest = seconds % units[i].seconds / units[i].seconds_below;

		if (!whole)
			continue;
		snprintf(buf, OUTPUT_NUMBER_SIZE, "%llu %s %u %s", (unsigned long long)whole,
			 units[i].unit, (unsigned)rest, units[i].below);
		return buf;
	}
	return output_duration(ns, buf);
}

/* Takes one character from *text; bytes that are no UTF-8 count as one character each. */
static uint32_t next_character(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	unsigned more = *p >= 0xf0 && *p < 0xf8	  ? 3
			: *p >= 0xe0 && *p < 0xf0 ? 2
						  : *p >= 0xc2 && *p < 0xe0;
	uint32_t character = more ? *p & (0x3f >> more) : *p;

	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*text += 1;
			return *p;
		}
		character = character << 6 | (p[i] & 0x3f);
	}
	*text += 1 + more;
	return character;
}

/* The length of an SGR escape ("\033[1;31m") at text; 0 if there is none. */
static size_t sgr_length(const char *text)
{
	size_t len;

	if (text[0] != '\033' || text[1] != '[')
		return 0;
	len = 2 + strspn(text + 2, "0123456789;");
	return text[len] == 'm' ? len + 1 : 0;
}

/* As wcwidth(3) would say in a UTF-8 locale, which a root shell often does not have. */
static unsigned character_columns(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		unsigned columns;
	} ranges[] = {
		{0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},
		{0x20d0, 0x20ff, 0},   {0x2e80, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
		{0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},
		{0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2},
		{0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return ranges[i].columns;
	return 1;
}

size_t output_fit(const char *text, size_t columns)
{
	const char *p = text;
	size_t used = 0;

	while (*p) {
		const char *next = p;
		size_t escape = sgr_length(p);

		if (escape)
			next += escape;
		else
			used += character_columns(next_character(&next));
		if (used > columns)
			break;
		p = next;
	}
	return (size_t)(p - text);
}

size_t output_columns(const char *text)
{
	size_t columns = 0;

	while (*text) {
		size_t escape = sgr_length(text);

		if (escape)
			text += escape;
		else
			columns += character_columns(next_character(&text));
	}
	return columns;
}

const char *output_link(const struct link *link, char *buf, size_t size)
{
	snprintf(buf, size, "%s -- %s", link->ends[0]->name, link->ends[1]->name);
	return buf;
}

const char *output_direction(const struct end *from, char *buf, size_t size)
{
	snprintf(buf, size, "%s -> %s", from->name, from->peer->name);
	return buf;
}

void output_print(FILE *f, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		output_fail(ENOMEM);
		return;
	}
	plain_write(text, len, f);
	free(text);
}
