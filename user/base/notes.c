// SPDX-License-Identifier: GPL-2.0-only
/* notes.c - see notes.h. */
#include <stdio.h>

#include "user/base/notes.h"

void notes_vtell(const struct notes *notes, const char *fmt, va_list ap)
{
	char text[512];

	if (!notes)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	notes->tell(text, notes->arg);
}

void notes_tell(const struct notes *notes, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	notes_vtell(notes, fmt, ap);
	va_end(ap);
}
