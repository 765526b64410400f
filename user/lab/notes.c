// SPDX-License-Identifier: GPL-2.0-only
/* notes.c - what is worth a word while a command goes on. */
#include <stdio.h>

#include "user/lab/lab.h"

void lab_notes_vtell(const struct lab_notes *notes, const char *fmt, va_list ap)
{
	char text[512];

	if (!notes)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	notes->tell(text, notes->arg);
}

void lab_notes_tell(const struct lab_notes *notes, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	lab_notes_vtell(notes, fmt, ap);
	va_end(ap);
}
