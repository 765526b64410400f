/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packets.h - itineraries of packets that are no ICMP, and which record belongs to which. Of the
 * story's own files alone.
 */
#ifndef VETHLAB_USER_STORY_PACKETS_H
#define VETHLAB_USER_STORY_PACKETS_H

#include "user/story/echo_table.h"

/* TCP with data: a part of it is the same packet. */
bool packet_is_range(const struct vl_event *event);
/* Whether the sequence numbers of two such have any in common. */
bool packet_ranges_overlap(const struct vl_event *a, const struct vl_event *b);
/* Whether it is for everybody, or for a group. */
bool packet_is_multicast(const struct vl_event *event);

/*
 * The itinerary that a record of node belongs to; NULL: none yet, or it may be of any of several.
 * These are marked then, and *rivals is how many more than one they are, else 0. Records come in
 * order of time.
 */
struct echo *packet_find(const struct story *story, const struct vl_event *event,
			 const struct node *node, unsigned *rivals);
/* Make an itinerary known by a record of it. Returns 0 or -ENOMEM. */
int packet_name(struct story *story, struct echo *echo, const struct vl_event *event);
/* Once its hops are in order: say where not all of its bytes were seen, and how many are alike. */
void packet_mark(struct itinerary *itinerary);

#endif
