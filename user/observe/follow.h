/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * follow.h - waiting until it is worth to look again (observe_refresh() with again). Holds no
 * namespace, no program and no lock: what goes away goes.
 *
 * One rtnetlink socket hears the interfaces and addresses of our own namespace, and of every one
 * that it has an id for, as it has for the peers of its veth ends. inotify tells of names below
 * NETNS_DIR. The rest, links between two namespaces that have nothing to do with ours, and
 * processes, is looked at every second.
 */
#ifndef VETHLAB_USER_OBSERVE_FOLLOW_H
#define VETHLAB_USER_OBSERVE_FOLLOW_H

#include "user/base/err.h"

struct follow;

/*
 * Of a lab that is there: one process at a time follows it (-EBUSY). Listening begins here, so look
 * once more afterwards.
 */
int follow_open(struct follow **follow, const char *lab, struct err *err);
void follow_close(struct follow *follow); /* NULL is allowed */
/* 1: look again; 0: the lab was taken down; -EINTR on a signal (err stays clear), or another
 * -errno. */
int follow_wait(struct follow *follow, struct err *err);

#endif
