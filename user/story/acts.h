/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acts.h - what the stacks of nodes did for an echo, in order with its hops. Of the story's own
 * files alone.
 */
#ifndef VETHLAB_USER_STORY_ACTS_H
#define VETHLAB_USER_STORY_ACTS_H

#include "user/story/story.h"

/* A record whose packet the kernel does not tell (VL_EV_LOOSE). */
struct loose_act {
	struct vl_stack record;
	const struct itinerary *taken_by; /* the look-up of one packet serves no other */
};

/* A ring of the newest of them. */
struct loose_acts {
	struct loose_act *list; /* owned; NULL until there is one */
	size_t n, next;
	uint64_t n_added;
};

/* Copies the record; the oldest one makes room. Returns 0 or -ENOMEM. */
int loose_add(struct loose_acts *loose, const struct vl_stack *record);
/* Add an act whose packet is known; copied. Returns 0 or -ENOMEM. */
int itinerary_add_act(struct itinerary *itinerary, const struct act *act);
/*
 * Choose those of the loose acts that belong to an echo, and put all of its acts in order. Its hops
 * are in order and its fate is judged before. Returns 0 or -ENOMEM.
 */
int itinerary_join(struct itinerary *itinerary, struct loose_acts *loose, const struct lab *lab);

#endif
