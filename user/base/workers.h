/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * workers.h - the same work on many nodes, by a few threads. A worker thread may change its
 * namespaces, which the main thread must not.
 */
#ifndef VETHLAB_USER_BASE_WORKERS_H
#define VETHLAB_USER_BASE_WORKERS_H

#include <stddef.h>

#include "user/base/err.h"

/*
 * Call fn(i, arg, err) for each 0 <= i < n, with one thread for each CPU. The order is not fixed.
 * After the first failure (fn < 0) no further call starts; its value is returned and *err is its
 * error.
 */
int workers_run(size_t n, int (*fn)(size_t i, void *arg, struct err *err), void *arg,
		struct err *err);
/*
 * The same for calls that mostly wait for the kernel, and that can wait together, as umount() does
 * for a grace period of RCU: with 16 threads, or n if that is less.
 */
int workers_wait(size_t n, int (*fn)(size_t i, void *arg, struct err *err), void *arg,
		 struct err *err);

#endif
