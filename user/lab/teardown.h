/* SPDX-License-Identifier: GPL-2.0-only */
/* teardown.h - the namespaces of a lab go: `down` waits for it, or says what keeps them. */
#ifndef VETHLAB_USER_LAB_TEARDOWN_H
#define VETHLAB_USER_LAB_TEARDOWN_H

#include "user/lab/foreign.h"

/*
 * foreign_unname(), and wait until the kernel has taken the namespaces apart. What keeps one
 * longer, and what takes longer, goes to notes. 0: they are gone, but those that processes hold; 1:
 * not all are; or -errno.
 */
int teardown_namespaces(struct leaving_netns *homes, size_t n, const char *mark,
			const struct notes *notes, struct err *err);

#endif
