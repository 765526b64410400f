/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h - what the kernel dropped at a lab's ends, counted by reason and place since the lab is
 * up (bpf/drops.bpf.c).
 */
#ifndef VETHLAB_USER_WATCH_DROPS_H
#define VETHLAB_USER_WATCH_DROPS_H

#include <stdbool.h>
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
	bool to_multicast;	       /* AFTER_IN: the IP destination was a multicast address */
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

/* Drops that are not in the list that watch_read_drops() gives, or may not be. */
struct watch_missed {
	__u64 of[VL_DROP_MISSED_CAUSES]; /* packets, by enum vl_drop_missed */
	__u64 room;			 /* how many kinds of drops the kernel's table holds */
	/*
	 * How often the kernel did not run the program that counts, since it was running on that
	 * CPU already (recursion_misses of struct bpf_prog_info): so many drops, in any namespace
	 * of this machine, were not counted. interrupted_known: it could be read.
	 */
	__u64 interrupted;
	bool interrupted_known;
};

/*
 * What was dropped since the lab is up: a list in the order of watch_join_drops(), which the caller
 * frees. -ENOENT: the lab does not count drops (err stays clear).
 */
int watch_read_drops(struct watch *watch, struct watch_drop **drops, size_t *n,
		     struct watch_missed *missed, struct err *err);
/* The order of end, stage, reason, place and to_multicast: 0 if all are the same. For qsort() and
 * bsearch(). */
int watch_compare_drops(const void *a, const void *b);
/*
 * Add up what watch_compare_drops() takes for the same, and sort the list by end, stage and then
 * most packets first. Returns how many are left.
 */
size_t watch_join_drops(struct watch_drop *drops, size_t n);

#endif
