/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tc_filter.h - tc filters on interfaces that others made, for kernels without tcx: one at a time,
 * beside those of other people, and taken off again. All requests go by nl, a socket of the
 * interface's namespace.
 */
#ifndef VETHLAB_USER_WATCH_TC_FILTER_H
#define VETHLAB_USER_WATCH_TC_FILTER_H

#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "user/net/tc.h"

struct watch;

/* A filter of ours, enough to know it again. */
struct watch_filter {
	uint32_t ifindex;
	enum vl_hook hook; /* VL_HOOK_OUT or VL_HOOK_IN */
	uint32_t prog_id;
	uint32_t priority; /* once it was added; 1: before all others */
};

enum { WATCH_FILTER_HANDLE = 0x766c /* "vl": of every filter of ours */ };
#define WATCH_FILTER_NAME "vethlab"

enum { WATCH_FILTER_PRIORITIES = 64 };

/* Returns an enum tc_clsact, or -errno. */
int watch_clsact_look(struct nl *nl, uint32_t ifindex, const char *object, struct err *err);

/*
 * Load the program for a hook of end number: a descriptor that the caller closes, with its id in
 * filter->prog_id; -ENOENT: the lab has no program there (err stays clear).
 */
int watch_filter_load(struct watch *watch, uint32_t number, struct watch_filter *filter,
		      struct err *err);
/*
 * Add it at the first priority that is free for it, from 1 to WATCH_FILTER_PRIORITIES; *filter gets
 * that priority. 0 or -errno.
 */
int watch_filter_add(struct nl *nl, struct watch_filter *filter, int prog, const char *object,
		     struct err *err);
/*
 * Take off the filter that runs that program, wherever it stands on that hook (priority is not
 * looked at). A filter that is not there any more counts as removed.
 */
int watch_filter_remove(struct nl *nl, const struct watch_filter *filter, const char *object,
			struct err *err);
/* Remove a clsact qdisc that nobody's filter is on. Otherwise, and if there is none: 0. */
int watch_clsact_remove(struct nl *nl, uint32_t ifindex, const char *object, struct err *err);

#endif
