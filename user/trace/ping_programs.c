// SPDX-License-Identifier: GPL-2.0-only
/* ping_programs.c - programs of others where echoes were not seen to come in. */
#include "user/trace/ping_tally.h"

static void look_at(struct ping *ping, const struct end *end)
{
	char *text = ping->programs[ping->n_programs].text;

	for (size_t i = 0; i < ping->n_programs; i++)
		if (ping->programs[i].end == end)
			return;
	path_program_at(ping->trip.run, end, text);
	if (text[0])
		ping->programs[ping->n_programs++].end = end;
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
			look_at(ping,
				left->event.hook == VL_HOOK_OUT ? left->end->peer : left->end);
	}
}
