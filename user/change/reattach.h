/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reattach.h - finds where something else took the programs of a running lab off its ends, and
 * attaches them again.
 */
#ifndef VETHLAB_USER_CHANGE_REATTACH_H
#define VETHLAB_USER_CHANGE_REATTACH_H

#include "user/lab/lab.h"

/* Hooks of an end that miss their program, as bits 1 << enum vl_hook. */
struct missing_programs {
	const struct end *end; /* of the running lab that was looked at */
	uint8_t hooks;
	char refused[160]; /* why they could not be attached again; "": they could */
};

/*
 * Find them, in one node (NULL: in all). What cannot be attached again is left out: where the end
 * or the pins are gone, and where it could not be looked at. The caller frees *list.
 */
int reattach_find(struct missing_programs **list, size_t *n, const struct running *run,
		  const char *node, struct err *err);
/*
 * Attach them again, each with a gap in the books (end_gaps.h). notes are told where that is
 * refused. The caller holds the lab's lock.
 */
int reattach(struct missing_programs *list, size_t n, const struct running *run,
	     const struct notes *notes, struct err *err);

#endif
