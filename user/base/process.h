/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - runs a program in the namespaces of the calling thread and waits for it; what
 * processes are called.
 */
#ifndef VETHLAB_USER_BASE_PROCESS_H
#define VETHLAB_USER_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Run the program argv[0] until it ends, with input on its stdin (NULL: an empty one). What it
 * wrote to stdout and stderr by then is stored in said, cut to size bytes with the final zero.
 * Processes that it left in the background are not waited for; they may write about one more
 * megabyte, which nobody reads, before their writes fail.
 *
 * prepare (NULL: nothing) is called in the new process before the program; it may make
 * async-signal-safe calls only. If it does not return 0, the exit status is 126.
 *
 * Returns its exit status, or 128 + the signal that ended it, or -errno. -EINTR: *interrupted
 * (NULL: never looked at) became non-zero, and the process group of the program was ended.
 */
int process_run(char *const argv[], const char *input, int (*prepare)(void),
		const volatile int *interrupted, char *said, size_t size);

enum { PROCESS_NAME_SIZE = 32 };
/* The name of a process (/proc/PID/comm), made plain. False: it is not known, and name is "?". */
bool process_name(int pid, char name[PROCESS_NAME_SIZE]);

#endif
