/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link_maker.h - makes the links of a lab on a thread of its own: each as soon as the namespaces of
 * both ends exist, while others are still being made.
 */
#ifndef VETHLAB_USER_LAB_LINK_MAKER_H
#define VETHLAB_USER_LAB_LINK_MAKER_H

#include "user/lab/build.h"

struct link_maker;

/*
 * Start the thread, which sends its requests in the calling thread's namespace. build is borrowed
 * until link_maker_finish().
 */
int link_maker_start(struct link_maker **linker, struct build *build, struct err *err);
/* Say that a node's namespace exists: once for each node. Thread-safe. */
void link_maker_node_ready(struct link_maker *linker, const struct node *node);
/* Whether a link could not be made, so that the build has failed. Thread-safe. */
bool link_maker_has_failed(struct link_maker *linker);
/*
 * Wait until all links whose nodes are ready are made, and free the linker. 0, or the error of the
 * first link that could not be made.
 */
int link_maker_finish(struct link_maker *linker, struct err *err);

#endif
