/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * story.h - packet records become itineraries. Pure functions over records and the lab's model: no
 * kernel, no clock, no output, so that a recorded run tells the same story on any machine.
 */
#ifndef VETHLAB_USER_STORY_H
#define VETHLAB_USER_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "topology/model.h"

/* One place where a packet was seen. */
struct hop {
	struct vl_event event;
	const struct end *end;
};

/* The records of one echo (request, reply, the errors about it), in order of time. */
struct itinerary {
	uint16_t id, seq;
	struct hop *hops;
	size_t n_hops, room;
	bool answered; /* a reply reached an `in` or `xdp` hook of the node that asked */
};

struct story;

/* lab: borrowed for the story's life. */
struct story *story_new(const struct lab *lab);
void story_free(struct story *story);
/* Take a record; copies it. Returns 0 or -ENOMEM. */
int story_add(struct story *story, const struct vl_event *event);
/*
 * The itinerary of one echo, its hops sorted by time; the story owns it. NULL: no record of it.
 */
const struct itinerary *story_itinerary(struct story *story, uint16_t id, uint16_t seq);
/* Forget one echo (it is printed). */
void story_drop(struct story *story, uint16_t id, uint16_t seq);

#endif
