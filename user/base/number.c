// SPDX-License-Identifier: GPL-2.0-only
/* number.c - see number.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/number.h"

bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	uint64_t value;

	/* strtoull() takes blanks and signs, and "-1" for a very large number. */
	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return false;
	errno = 0;
	value = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno || value < least || value > most)
		return false;
	*number = value;
	return true;
}
