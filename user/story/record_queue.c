// SPDX-License-Identifier: GPL-2.0-only
/* record_queue.c - records of several CPUs in one order of time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/story/record_queue.h"

int record_queue_add(struct record_queue *queue, const struct vl_stack *record)
{
	if (array_reserve(&queue->records, &queue->room, queue->n + 1, sizeof(*queue->records)))
		return -ENOMEM;
	queue->records[queue->n++] = *record;
	return 0;
}

static int record_compare(const void *a, const void *b)
{
	const struct vl_event *x = &((const struct vl_stack *)a)->at.packet;
	const struct vl_event *y = &((const struct vl_stack *)b)->at.packet;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	if (x->hook != y->hook)
		return (int)x->hook - (int)y->hook;
	return x->end < y->end ? -1 : x->end > y->end;
}

int record_queue_flush(struct record_queue *queue, uint64_t before_ns,
		       int (*fn)(const struct vl_stack *record, void *arg), void *arg)
{
	size_t n;
	int ret = 0;

	if (!queue->n)
		return 0;
	qsort(queue->records, queue->n, sizeof(*queue->records), record_compare);
	for (n = 0; n < queue->n; n++) {
		if (queue->records[n].at.packet.time_ns >= before_ns && before_ns != UINT64_MAX)
			break;
		if (!ret)
			ret = fn(&queue->records[n], arg);
	}
	memmove(queue->records, queue->records + n, (queue->n - n) * sizeof(*queue->records));
	queue->n -= n;
	return ret;
}

void record_queue_free(struct record_queue *queue)
{
	free(queue->records);
	*queue = (struct record_queue){0};
}
