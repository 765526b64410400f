/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * version_text.h - the versions of the program, of its libraries (those that run now; of libelf and
 * libmnl those that it was built with) and of the oldest kernel.
 */
#ifndef VETHLAB_USER_VERSION_TEXT_H
#define VETHLAB_USER_VERSION_TEXT_H

#include <stdio.h>

void version_print(FILE *f);

#endif
