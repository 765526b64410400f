/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h - what the kernel dropped at a lab's ends, counted by reason and place since the lab is
 * up (bpf/drops.bpf.c).
 */
#ifndef VETHLAB_USER_WATCH_DROPS_H
#define VETHLAB_USER_WATCH_DROPS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "user/watch/node_trace.h"

struct watch;

/* Between which of our hooks a packet was lost. */
enum watch_drop_stage {
	WATCH_DROP_BEFORE_OUT, /* in the node, on its way out by the end: never counted as sent */
	WATCH_DROP_ON_LINK,    /* after `out` of the end, before `in` of its peer */
	WATCH_DROP_AFTER_IN,   /* in the node, having come in by the end: counted as received */
};

struct watch_drop {
	uint32_t end; /* the one that sent (BEFORE_OUT, ON_LINK) or received (AFTER_IN) */
	enum watch_drop_stage stage;
	char reason[SYMBOL_NAME_SIZE]; /* "NETFILTER_DROP"; "XDP" also where the kernel gives none
					 for it */
	char place[SYMBOL_NAME_SIZE];  /* function of the kernel; "" if the kernel hides it */
	struct vl_drop_counters count;
};

/*
 * Load the counting program of a lab that is pinned, attach it, and pin what it has beside the
 * rest. The kernel needs BTF; the ledger works without.
 */
int watch_start_drops(struct watch *watch, struct err *err);
/*
 * Load and attach the same program of a lab that is loaded and not pinned, and take it away again:
 * whether this kernel lets this process count drops. 0 or -errno.
 */
int watch_try_drops(struct watch *watch, struct err *err);

/*
 * What was dropped: a list by end, stage and then most packets first, that the caller frees.
 * *missed: packets of more kinds than VL_DROPS. -ENOENT: the lab has no such program (err stays
 * clear).
 */
int watch_read_drops(struct watch *watch, struct watch_drop **drops, size_t *n, uint64_t *missed,
		     struct err *err);

#endif
