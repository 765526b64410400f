// SPDX-License-Identifier: GPL-2.0-only
/* ping_programs.c - programs of others where echoes were not seen to come in. */
#include "user/trace/ping_tally.h"

/* False: there is none. */
static bool look_at(struct ping *ping, const struct end *end, enum path_meets meets)
{
	char *text = ping->programs[ping->n_programs].text;
	bool leaves = meets == PATH_MEETS_BEHIND_OUT;

	for (size_t i = 0; i < ping->n_programs; i++)
		if (ping->programs[i].end == end && ping->programs[i].leaves == leaves)
			return true;
	path_program_at(ping->trip.run, end, meets, text);
	if (!text[0])
		return false;
	ping->programs[ping->n_programs].leaves = leaves;
	ping->programs[ping->n_programs++].end = end;
	return true;
}

/* What was counted on its way out or in was not taken by what had run before that. */
static void look_behind(struct ping *ping, const struct hop *left)
{
	if (left->event.hook != VL_HOOK_OUT)
		look_at(ping, left->end, PATH_MEETS_IN);
	else if (!look_at(ping, left->end, PATH_MEETS_BEHIND_OUT))
		look_at(ping, left->end->peer, PATH_MEETS_BEFORE_IN);
}

void ping_find_programs(struct ping *ping, const struct itinerary *itinerary)
{
	ping->n_programs = 0;
	for (size_t i = 0; itinerary && i < itinerary->n_hops; i++) {
		const struct hop *hops = itinerary->hops;
		bool is_last = itinerary->fate == FATE_LOST && (int)i == itinerary->last;
		const struct hop *left = hops[i].step == STEP_GAP && hops[i].from >= 0
						 ? &hops[hops[i].from]
					 : is_last ? &hops[i]
						   : NULL;

		if (left && ping->n_programs < PING_PROGRAMS)
			look_behind(ping, left);
	}
}
