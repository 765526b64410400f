/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * follow.h - waits until an observed lab may have to be changed, so that its owner calls
 * observe_refresh() again. It holds no namespace and no program, so that it keeps nothing alive.
 *
 * It listens for changes of interfaces and addresses in the namespace of the calling thread, and in
 * those that this has an id for, as it has for those of its veth peers; and by inotify for names
 * below NETNS_DIR. No event tells of links between two other namespaces, nor of processes:
 * follow_wait() returns once a second for them.
 */
#ifndef VETHLAB_USER_OBSERVE_FOLLOW_H
#define VETHLAB_USER_OBSERVE_FOLLOW_H

#include "user/base/err.h"

struct follow;

/*
 * Begin to listen, for the lab of that name, which must exist. A change before this call is not
 * reported, so refresh once after it. The caller closes *follow. -EBUSY: another process follows
 * this lab.
 */
int follow_open(struct follow **follow, const char *lab, struct err *err);
void follow_close(struct follow *follow); /* NULL is allowed */
/*
 * Wait until something may have changed. 1: refresh; 0: the lab was taken down; -EINTR: a signal
 * came (err stays clear); or another -errno.
 */
int follow_wait(struct follow *follow, struct err *err);

#endif
