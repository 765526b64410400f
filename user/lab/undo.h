/* SPDX-License-Identifier: GPL-2.0-only */
/* undo.h - one line of the journal, of what was done in a namespace of others, is undone. */
#ifndef VETHLAB_USER_LAB_UNDO_H
#define VETHLAB_USER_LAB_UNDO_H

#include "user/lab/journal.h"

enum { JOURNAL_LINE_SIZE = 512 };

/*
 * journal.c says what lines there are. What is gone or not ours any more is passed over, as are
 * lines of other kinds. head: the journal's, needed for `end`.
 */
int undo_line(const char *line, const struct journal_head *head, struct err *err);

#endif
