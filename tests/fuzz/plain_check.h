/* SPDX-License-Identifier: GPL-2.0-only */
/* plain_check.h - what holds for every text that goes to a terminal. */
#ifndef VETHLAB_TESTS_FUZZ_PLAIN_CHECK_H
#define VETHLAB_TESTS_FUZZ_PLAIN_CHECK_H

#include <stddef.h>
#include <stdlib.h>

/*
 * Abort unless it is UTF-8 without C0 (but ends of lines), DEL, C1, and characters that turn the
 * direction of writing. It does not use the functions that it looks after.
 */
static inline void plain_check(const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + size;

	while (p < end) {
		size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
		unsigned code = n == 1 ? *p : *p & (0x7f >> n);

		if (*p >= 0x80 && (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) < n))
			abort();
		for (size_t i = 1; i < n; i++) {
			if (p[i] >> 6 != 2)
				abort();
			code = code << 6 | (p[i] & 0x3f);
		}
		if ((code < ' ' && code != '\n') || (code >= 0x7f && code < 0xa0) ||
		    (code >= 0xd800 && code < 0xe000) || (code >= 0x202a && code <= 0x202e) ||
		    (code >= 0x2066 && code <= 0x2069))
			abort();
		p += n;
	}
}

#endif
