// SPDX-License-Identifier: GPL-2.0-only
/* filter_stories.c - which stories a filter wants. */
#include "user/trace/filter.h"

bool record_filter_wants(const struct record_filter *filter, const struct lab *lab,
			 const struct itinerary *itinerary)
{
	const struct drop *death =
		itinerary->death >= 0 ? &itinerary->drops[itinerary->death] : NULL;

	if (!itinerary->n_hops && !itinerary->n_drops && !itinerary->n_queued)
		return false; /* later fragments of nobody knows what */
	if ((filter->failed || filter->dropped) &&
	    (itinerary->answered || (itinerary->is_packet && itinerary->fate == FATE_DELIVERED)))
		return false;
	if (itinerary->round_trip_ns < filter->slower_ns)
		return false;
	if (filter->dropped)
		return (death && drop_matches(&death->record, &filter->chosen, lab)) ||
		       itinerary_question_matches(itinerary, &filter->chosen, lab);
	return itinerary_matches(itinerary, &filter->chosen, lab);
}
