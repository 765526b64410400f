/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notes.h - sentences for the user that are neither success nor failure: what an operation left
 * alone, or handed back. The caller of the operation decides where they go.
 */
#ifndef VETHLAB_USER_BASE_NOTES_H
#define VETHLAB_USER_BASE_NOTES_H

#include <stdarg.h>

/* tell is called with one sentence, which is valid during the call, and with arg. */
struct notes {
	void (*tell)(const char *text, void *arg);
	void *arg;
};

/* Format a sentence (at most 511 bytes, longer ones are cut) and tell it. notes NULL: do nothing.
 */
void notes_tell(const struct notes *notes, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void notes_vtell(const struct notes *notes, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

#endif
