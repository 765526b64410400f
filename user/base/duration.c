// SPDX-License-Identifier: GPL-2.0-only
/* duration.c - see duration.h. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/duration.h"

bool duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"", 1e9},	  {"s", 1e9},  {"ms", 1e6},  {"us", 1e3},
		     {"ns", 1.0}, {"m", 60e9}, {"min", 60e9}};
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || errno || !(value >= 0))
		return false;
	end += *end == ' ';
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!strcmp(end, units[i].unit) && value * units[i].ns < 1e18) {
			*ns = value * units[i].ns;
			return true;
		}
	}
	return false;
}
