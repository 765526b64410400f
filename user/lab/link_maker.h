/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link_maker.h - makes the links of a lab on a thread of its own, each as soon as both its
 * namespaces are there, while others are still being made.
 */
#ifndef VETHLAB_USER_LAB_LINK_MAKER_H
#define VETHLAB_USER_LAB_LINK_MAKER_H

#include "user/lab/build.h"

struct link_maker;

/* The calling thread's namespace becomes the home of the requests. build is borrowed. */
int link_maker_start(struct link_maker **linker, struct build *build, struct err *err);
/* A node's namespace is there. Thread-safe; once a node. */
void link_maker_node_ready(struct link_maker *linker, const struct node *node);
/* Whether a link could not be made: then the rest need not be tried. Thread-safe. */
bool link_maker_has_failed(struct link_maker *linker);
/*
 * Wait until all links whose nodes are ready are made; frees the linker. 0, or -errno of the first
 * link that failed.
 */
int link_maker_finish(struct link_maker *linker, struct err *err);

#endif
