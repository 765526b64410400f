/* SPDX-License-Identifier: GPL-2.0-only */
/* foreign_programs.h - eBPF programs of others on an interface, which may drop or change packets.
 */
#ifndef VETHLAB_USER_WATCH_FOREIGN_PROGRAMS_H
#define VETHLAB_USER_WATCH_FOREIGN_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/net/net.h"

enum { FOREIGN_PROGRAM_SIZE = 64 };

/* Which of the programs on an interface are looked at. */
enum foreign_place {
	FOREIGN_IN,	    /* all that run for packets that come in */
	FOREIGN_OUT,	    /* all that run for packets that leave */
	FOREIGN_BEFORE_IN,  /* of FOREIGN_IN, those that run before vethlab's `in` counts */
	FOREIGN_BEHIND_OUT, /* of FOREIGN_OUT, those that run after vethlab's `out` counted */
};

/*
 * The first of these programs (XDP, tcx) or filters (tc, of any kind) that is not vethlab's: "XDP
 * program 17 (redirect)" goes to text, "" if there is none. tcx programs run before tc filters
 * (sch_handle_ingress in net/core/dev.c). nl: a socket of the namespace netns_fd. Returns 0, or
 * -errno with err set.
 */
int foreign_program_find(struct nl *nl, int netns_fd, uint32_t ifindex, enum foreign_place place,
			 char text[FOREIGN_PROGRAM_SIZE], struct err *err);

#endif
