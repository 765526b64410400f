/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - what labs, nodes and interfaces may be called, and which name is nearest to a mistyped
 * one. Pure: strings that end in a zero byte, nothing allocated.
 */
#ifndef VETHLAB_TOPOLOGY_NAMES_H
#define VETHLAB_TOPOLOGY_NAMES_H

#include <stddef.h>

/* Bytes without the final zero. IFNAME_MAX: the kernel's IFNAMSIZ - 1. */
enum { LAB_NAME_MAX = 31, NODE_NAME_MAX = 63, IFNAME_MAX = 15 };
/* Room for "node:interface" and the final zero. */
enum { END_NAME_SIZE = NODE_NAME_MAX + 1 + IFNAME_MAX + 1 };

/*
 * Each returns NULL when the name is good, else a sentence that says why not.
 *
 * A lab name is 1 to LAB_NAME_MAX of [A-Za-z0-9_-], not starting with '-'. A node name is 1 to
 * NODE_NAME_MAX of [A-Za-z0-9._-], not starting with '-' or '.', since it becomes a file below
 * /run/netns and a word of command lines. An interface name is what the kernel takes
 * (dev_valid_name() in net/core/dev.c), of printable ASCII, except for names with a meaning of
 * their own.
 */
const char *lab_name_problem(const char *name);
const char *node_name_problem(const char *name);
const char *ifname_problem(const char *name);

/*
 * The one of n names that typed was meant to be ("did you mean"): the name with the fewest typing
 * errors if they are few, else the only name that starts with it. NULL: there is none.
 */
const char *nearest_name(const char *typed, const char *const *names, size_t n);

#endif
