/* SPDX-License-Identifier: GPL-2.0-only */
/* hop_causes.h - which hop of an itinerary caused which. Of the story's own files alone. */
#ifndef VETHLAB_USER_STORY_HOP_CAUSES_H
#define VETHLAB_USER_STORY_HOP_CAUSES_H

#include "user/story/story.h"

/* A packet passes the hooks of a link in the order of enum vl_hook: out, then xdp, then in. */
static inline bool hop_is_arrival(const struct hop *hop)
{
	return hop->event.hook != VL_HOOK_OUT;
}

/* Whether two hops have the same leg, ICMP type, id, addresses and ports: NAT did not change the
 * packet. */
bool hop_same_packet(const struct hop *a, const struct hop *b);

/*
 * Set step and from of each hop. The hops are in order of time, each only once; their from is -1.
 * A cause may stand after what it caused where two CPUs stamped them. Returns 0 or -ENOMEM.
 */
int itinerary_find_causes(struct itinerary *itinerary, const struct lab *lab);

#endif
