/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * story_reference.h - what user/story must say of the hops of an echo, found the plain way: each
 * hop is compared with all others, in time that grows with the cube of their number.
 */
#ifndef VETHLAB_TESTS_UNIT_STORY_REFERENCE_H
#define VETHLAB_TESTS_UNIT_STORY_REFERENCE_H

#include <stddef.h>

#include "user/story/story.h"

/* Put hops, of which event, end and leg are set, in order. Returns how many are left. */
size_t reference_order(struct hop *hops, size_t n, const struct lab *lab);
/* Set fragments, incomplete and fragments_ns of the hops of an itinerary, which are in order. */
void reference_join_fragments(const struct itinerary *itinerary, struct hop *hops, size_t n);
/* Where the newest packet was seen last. */
int reference_last(const struct itinerary *itinerary, const struct lab *lab);

#endif
