/* SPDX-License-Identifier: GPL-2.0-only */
/* hop_maker.h - which node made the packet of a hop. */
#ifndef VETHLAB_USER_STORY_HOP_MAKER_H
#define VETHLAB_USER_STORY_HOP_MAKER_H

#include "user/story/story.h"

/*
 * Whether the node at which a reply or an ICMP error was seen may have made it: it has the source
 * address, or nobody of the lab does; or it has dropped what the error may be about.
 */
bool hop_may_be_made_here(const struct itinerary *itinerary, const struct hop *hop,
			  const struct lab *lab);
/*
 * Who made the packet of a hop that is the first to be seen of it, where it left `seen`, or came to
 * it: that node; or, if records may be missing, the one that has its source address.
 */
const struct node *hop_maker_before(const struct itinerary *itinerary, const struct hop *hop,
				    const struct node *seen, const struct lab *lab);

#endif
