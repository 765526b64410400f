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
 * in the order in which they are given up, or all at once. Keeps none of them alive. The caller
 * frees *wait.
 */
int netns_wait_start(struct netns_wait **wait, const int *netns_fds, size_t n, struct err *err);
/*
 * Wait until all of them are gone with what was in them. 0, or -ETIMEDOUT: some are there yet, and
 * this may be called again.
 */
int netns_wait_until(struct netns_wait *wait, int timeout_ms);
/* How many events are still to come: one for each namespace, and one for our link into the last. */
size_t netns_wait_left(const struct netns_wait *wait);
/*
 * Whether somebody holds namespace i, so that it lives on; true also if that could not be asked.
 * This is known at once. RTM_DELNSID comes later: one worker of the kernel takes all namespaces
 * apart, and those of others may come first (cleanup_net in net/core/net_namespace.c).
 */
bool netns_wait_is_held(struct netns_wait *wait, size_t i);
/*
 * Delete the link that netns_wait_start() made. Without this call the kernel deletes it some time
 * after netns_wait_free(), and a namespace that is kept has it until then.
 */
void netns_wait_unlink(struct netns_wait *wait);
void netns_wait_free(struct netns_wait *wait); /* NULL is allowed */

#endif
