/* SPDX-License-Identifier: GPL-2.0-only */
/* acts.h - what stacks did, put among the hops of the echoes that it was done for. */
#ifndef VETHLAB_USER_STORY_ACTS_H
#define VETHLAB_USER_STORY_ACTS_H

#include "user/story/story.h"

/* What is about no known packet: a ring of the newest. */
struct loose_act {
	struct vl_stack record;
	const struct itinerary *taken_by; /* the look-up of one packet serves no other */
};

struct loose_acts {
	struct loose_act *list; /* owned; NULL until there is one */
	size_t n, next;
	uint64_t n_added;
};

/* -ENOMEM. */
int loose_add(struct loose_acts *loose, const struct vl_stack *record);
/* Add an act whose packet is known. -ENOMEM. */
int itinerary_add_act(struct itinerary *itinerary, const struct act *act);
/*
 * Choose from the loose ones those that belong here, and put all acts in order. The hops are in
 * order, the fate is judged. -ENOMEM.
 */
int itinerary_join(struct itinerary *itinerary, struct loose_acts *loose, const struct lab *lab);

#endif
