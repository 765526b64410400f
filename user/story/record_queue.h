/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record_queue.h - records of several CPUs in one order of time. Those of one CPU come in order,
 * those of several are mixed. A queue keeps them until no older one can come any more.
 *
 * A record is a struct vl_stack; one of an end has a hook below VL_HOOKS and uses `at.packet`
 * alone.
 */
#ifndef VETHLAB_USER_STORY_RECORD_QUEUE_H
#define VETHLAB_USER_STORY_RECORD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"

static inline bool record_is_event(const struct vl_stack *record)
{
	return record->at.packet.hook < VL_HOOKS;
}

static inline bool record_is_drop(const struct vl_stack *record)
{
	return !record_is_event(record) && record->at.kind == VL_STACK_DROP;
}

struct record_queue {
	struct vl_stack *records; /* owned */
	size_t n, room;
};

/* Copies the record. Returns 0 or -ENOMEM. */
int record_queue_add(struct record_queue *queue, const struct vl_stack *record);
/*
 * Put the records older than before_ns (UINT64_MAX: all) in order, give each to fn, forget them. Of
 * one time, an `out` comes before the xdp and `in` of its peer. fn returns 0 to go on; else
 * the rest of them is forgotten and its value returned.
 */
int record_queue_flush(struct record_queue *queue, uint64_t before_ns,
		       int (*fn)(const struct vl_stack *record, void *arg), void *arg);
/* Free the records; the queue is empty then and can be used again. */
void record_queue_free(struct record_queue *queue);

#endif
