// SPDX-License-Identifier: GPL-2.0-only
/* held_frames.c - frames that wait until they are in order and what became of them is known. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/capture/capture.h"

/*
 * A frame is stamped by CLOCK_REALTIME, its drop by CLOCK_MONOTONIC. The offset of both clocks is
 * known to the time that reading them one after the other takes, in ns.
 */
static const uint64_t clocks_ns = 50000;

int held_frames_add(struct held_frames *held, const struct held_frame *frame)
{
	int ret = array_reserve(&held->list, &held->room, held->n + 1, sizeof(*held->list));
	uint8_t *bytes;

	if (ret)
		return ret;
	bytes = malloc(frame->len ? frame->len : 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, frame->bytes, frame->len);
	held->list[held->n] = *frame;
	held->list[held->n++].bytes = bytes;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct held_frame *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (int)y->out -
	       (int)x->out; /* a frame leaves one end before it arrives at the other */
}

void held_frames_sort(struct held_frames *held)
{
	if (held->n)
		qsort(held->list, held->n, sizeof(*held->list), compare);
}

void held_frames_forget(struct held_frames *held, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(held->list[i].bytes);
		free(held->list[i].note);
	}
	held->n -= n;
	if (n && held->n)
		memmove(held->list, held->list + n, held->n * sizeof(*held->list));
}

void held_frames_free(struct held_frames *held)
{
	held_frames_forget(held, held->n);
	free(held->list);
	*held = (struct held_frames){0};
}

/* Whether a frame came to the node of a drop, left it, or left the other end of the link to it. */
static bool came_to(const struct held_frame *frame, const struct frame_drop *drop)
{
	if (frame->end->node == drop->node)
		return true;
	return drop->end && frame->out && frame->end == drop->end->peer;
}

/* How many frames are not younger than the drop. */
static size_t before(const struct held_frames *held, uint64_t time_ns)
{
	size_t from = 0, to = held->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (held->list[mid].time_ns <= time_ns)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

bool held_frames_note_drop(struct held_frames *held, const struct frame_drop *drop)
{
	size_t n = before(held, drop->time_ns + clocks_ns);

	/* A packet that NAT has changed counts only if no frame is the same packet unchanged. */
	for (int translated = 0; translated < 2; translated++) {
		for (size_t i = n; i-- > 0;) {
			struct held_frame *frame = &held->list[i];

			/* Packets that are alike each have a drop of their own. */
			if (frame->note || !came_to(frame, drop) ||
			    !packet_key_same(&frame->key, &drop->key, translated))
				continue;
			frame->note = strdup(drop->text);
			return frame->note;
		}
	}
	return false;
}
