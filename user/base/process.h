/* SPDX-License-Identifier: GPL-2.0-only */
/* process.h - running somebody else's program in the namespace of the calling thread. */
#ifndef VETHLAB_USER_BASE_PROCESS_H
#define VETHLAB_USER_BASE_PROCESS_H

#include <stddef.h>

/*
 * Run a program with input on stdin (NULL: nothing) until it ends. What it printed by then goes to
 * said, as much as fits. What it started in the background lives on and is not waited for; it may
 * print a megabyte more, to nobody, before it gets errors for it. Returns its exit status, 128 +
 * signal, -EINTR when *interrupted (NULL: never) became not 0 - then its process group was ended -
 * or another -errno.
 */
int process_run(char *const argv[], const char *input, const volatile int *interrupted, char *said,
		size_t size);

#endif
