/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lesson.h - what the first comment of a bundled lab teaches: the part that begins with "What to
 * look at:", in which a command to try begins with "vethlab " and two blanks end it.
 */
#ifndef VETHLAB_USER_CMD_LESSON_H
#define VETHLAB_USER_CMD_LESSON_H

#include <stdbool.h>

/*
 * That part of the text of a lab file, without the marks of the comment, in lines that the caller
 * frees. NULL: the text has none, or there is no memory.
 */
char *lesson_look_at(const char *text);

/*
 * The first command of that part. lab: the lab that it is to be asked of (-l), where it runs under
 * another name than its file has; NULL: none is named. Returns whether there is one.
 */
enum { LESSON_TRY_SIZE = 160 };
bool lesson_first_try(const char *text, const char *lab, char buf[LESSON_TRY_SIZE]);

#endif
