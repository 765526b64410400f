// SPDX-License-Identifier: GPL-2.0-only
/* plain.c - see plain.h. */
#include "user/base/plain.h"

#include <string.h>

size_t plain_character(const char *text, const char *end)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	if (text >= end)
		return 0;
	n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	if (n == 1)
		return 1;
	if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - text) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than it must be, a surrogate, or above U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

bool plain_is_control(const char *character, size_t n)
{
	const unsigned char *p = (const unsigned char *)character;

	return n == 1 ? *p < ' ' || *p == 0x7f : n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

/* U+202A to U+202E, U+2066 to U+2069 turn a line round. */
static bool is_turn(const char *character, size_t n)
{
	const unsigned char *p = (const unsigned char *)character;

	return n == 3 && p[0] == 0xe2 &&
	       ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
		(p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

/* Bytes of the character that may be shown; 0: it may not. */
static size_t shown(const char *text, const char *end)
{
	size_t n = plain_character(text, end);

	return n && !plain_is_control(text, n) && !is_turn(text, n) ? n : 0;
}

void plain_write(const char *text, size_t n, FILE *f)
{
	const char *end = text + n;

	while (text < end) {
		size_t good = shown(text, end), skip = plain_character(text, end);

		if (good || *text == '\n')
			fwrite(text, 1, good ?: 1, f);
		else
			fputc(*text == '\t' ? ' ' : '?', f);
		text += skip ?: 1;
	}
}

void plain_print(const char *text, FILE *f)
{
	plain_write(text, strlen(text), f);
}

void plain_name(char *name)
{
	char *end = name + strlen(name);

	while (name < end) {
		size_t n = shown(name, end), skip = plain_character(name, end) ?: 1;

		if (!n)
			memset(name, *name == '\t' ? ' ' : '?', skip);
		name += skip;
	}
}
