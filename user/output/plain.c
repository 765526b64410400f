// SPDX-License-Identifier: GPL-2.0-only
/* plain.c - texts from outside, character by character: what may go to a terminal, and into JSON.
 */
#include "user/output/output.h"

size_t output_character(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

	if (n == 1)
		return *p != '\0';
	if (*p < 0xc2 || *p > 0xf4)
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

/* C0 but a line's end, DEL, C1; and U+202A to U+202E, U+2066 to U+2069, which turn a line round. */
static bool is_order(const unsigned char *p, size_t n)
{
	if (n == 1)
		return (*p < ' ' && *p != '\n') || *p == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	return n == 3 && p[0] == 0xe2 &&
	       ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
		(p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

void output_plain(const char *text, FILE *f)
{
	while (*text) {
		size_t n = output_character(text);

		if (!n || is_order((const unsigned char *)text, n))
			fputc('?', f);
		else
			fwrite(text, 1, n, f);
		text += n ? n : 1;
	}
}
