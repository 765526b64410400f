// SPDX-License-Identifier: GPL-2.0-only
/* queue.c - records of several CPUs in one order of time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/story/queue.h"

int record_queue_add(struct record_queue *queue, const struct vl_event *event)
{
	if (queue->n == queue->room) {
		size_t room = queue->room ? 2 * queue->room : 256;
		struct vl_event *events = realloc(queue->events, room * sizeof(*events));

		if (!events)
			return -ENOMEM;
		queue->events = events;
		queue->room = room;
	}
	queue->events[queue->n++] = *event;
	return 0;
}

static int event_compare(const void *a, const void *b)
{
	const struct vl_event *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	if (x->hook != y->hook)
		return (int)x->hook - (int)y->hook;
	return (int)x->end - (int)y->end;
}

int record_queue_flush(struct record_queue *queue, uint64_t before_ns,
		       int (*fn)(const struct vl_event *event, void *arg), void *arg)
{
	size_t n;
	int ret = 0;

	if (!queue->n)
		return 0;
	qsort(queue->events, queue->n, sizeof(*queue->events), event_compare);
	for (n = 0; n < queue->n; n++) {
		if (queue->events[n].time_ns >= before_ns && before_ns != UINT64_MAX)
			break;
		if (!ret)
			ret = fn(&queue->events[n], arg);
	}
	memmove(queue->events, queue->events + n, (queue->n - n) * sizeof(*queue->events));
	queue->n -= n;
	return ret;
}

void record_queue_free(struct record_queue *queue)
{
	free(queue->events);
	*queue = (struct record_queue){0};
}
