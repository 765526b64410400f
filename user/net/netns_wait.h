/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netns_wait.h - waiting until the kernel has taken namespaces apart that nobody keeps any more. It
 * tells others of it in two steps: RTM_DELNSID when it begins, with the last reference to a
 * namespace, and RTM_DELLINK for the far end of a link that goes with one.
 */
#ifndef VETHLAB_USER_NET_NETNS_WAIT_H
#define VETHLAB_USER_NET_NETNS_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include "user/base/err.h"

struct netns_wait;

/*
 * Before n namespaces lose their names: remember them from a new, nameless namespace, and make a
 * link from there into the last of them, which is to be given up last: the kernel takes them apart
 * in the order in which they are given up, or all at once. Holds none of them.
 */
int netns_wait_start(struct netns_wait **leave, const int *netns_fds, size_t n, struct err *err);
/* Until all are gone with what was in them. 0, or -ETIMEDOUT: some are there yet. May be called
 * again. */
int netns_wait_until(struct netns_wait *leave, int timeout_ms);
/* How many of which the kernel did not tell yet that it takes them apart. */
size_t netns_wait_left(const struct netns_wait *leave);
/*
 * Whether namespace i has a reference: somebody holds it, or it could not be asked. It has none as
 * soon as nobody does, while RTM_DELNSID comes when the kernel gets to it: one worker takes
 * namespaces apart, so that those of others may come first (cleanup_net in net_namespace.c).
 */
bool netns_wait_is_held(struct netns_wait *leave, size_t i);
/* What is kept shall not have our link in it when this returns; else it goes some time after
 * netns_wait_free(). */
void netns_wait_unlink(struct netns_wait *leave);
void netns_wait_free(struct netns_wait *leave); /* NULL is allowed */

#endif
