/* SPDX-License-Identifier: GPL-2.0-only */
/* netns_holder.h - who keeps network namespaces alive. */
#ifndef VETHLAB_USER_LAB_NETNS_HOLDER_H
#define VETHLAB_USER_LAB_NETNS_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "user/base/notes.h"
#include "user/net/net.h"

/* A network namespace that somebody keeps. */
struct kept_netns {
	const char *name;
	struct netns_id id;
	bool told; /* its holder was told */
};

/* Tell each mount that this process sees: a bind mount of the namespace, whatever its path is. */
void netns_holder_mounts(struct kept_netns *list, size_t n, const struct notes *notes);
/*
 * For each of those that were not told, tell the first process that holds it: that or a thread of
 * that is in it, has a descriptor of it or of a socket that was made in it, or sees a mount of it.
 * This process itself is left out: what it holds goes with it.
 */
void netns_holder_processes(struct kept_netns *list, size_t n, const struct notes *notes);

#endif
