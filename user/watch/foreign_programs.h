/* SPDX-License-Identifier: GPL-2.0-only */
/* foreign_programs.h - programs of others on an interface, which may decide about its packets. */
#ifndef VETHLAB_USER_WATCH_FOREIGN_PROGRAMS_H
#define VETHLAB_USER_WATCH_FOREIGN_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/net/net.h"

enum { FOREIGN_PROGRAM_SIZE = 64 };

/*
 * The first program (XDP, tcx) or filter (tc, of any kind) that what leaves the interface meets, or
 * what comes in, and that is not vethlab's: "XDP program 17 (redirect)" goes to text, "" if there
 * is none. nl: a socket of the namespace netns_fd. Returns 0, or -errno with err set.
 */
int foreign_program_find(struct nl *nl, int netns_fd, uint32_t ifindex, bool egress,
			 char text[FOREIGN_PROGRAM_SIZE], struct err *err);

#endif
