/* SPDX-License-Identifier: GPL-2.0-only */
/* live.h - the model of a running lab, made of what the kernel has. For change_plan.c. */
#ifndef VETHLAB_USER_CHANGE_LIVE_H
#define VETHLAB_USER_CHANGE_LIVE_H

#include "user/lab/lab.h"

/*
 * Make run->lab what the kernel has: whether ends and lo are up, MTUs, addresses, routes of the
 * main table, static neighbors, forwarding, and those sysctls that the lab file says; of one node,
 * or NULL: of all. What the lab file does not say is taken too in namespaces of the lab, unless
 * keep_foreign; not in nodes with `exec`, whose commands may have made it, and not what the kernel,
 * a router or a routing daemon made. Namespaces and interfaces that are gone stay as the file has
 * them, and an end that is gone is marked so.
 */
int running_take_live(struct running *run, const char *node, bool keep_foreign, struct err *err);

#endif
