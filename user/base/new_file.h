/* SPDX-License-Identifier: GPL-2.0-only */
/* new_file.h - files that the user names for what is recorded: packets, which are not for all eyes.
 */
#ifndef VETHLAB_USER_BASE_NEW_FILE_H
#define VETHLAB_USER_BASE_NEW_FILE_H

#include <stdio.h>

#include "user/base/err.h"

/*
 * Open a file to write it anew; the caller closes *file. One that is made has mode 0600; one that
 * exists is emptied and keeps its mode. In a directory where everybody may make files (/tmp: others
 * may write to it, and it has the sticky bit), symlinks and files of other users are refused with
 * -EACCES: they would lead root to a file of their choice, or let them read it. This is what
 * fs.protected_symlinks and fs.protected_regular do (proc(5)), whatever these are.
 */
int new_file_open(FILE **file, const char *path, struct err *err);

#endif
