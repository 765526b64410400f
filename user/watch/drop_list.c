// SPDX-License-Identifier: GPL-2.0-only
/* drop_list.c - a list of drops, in order and without repetitions. It knows no kernel. */
#include <stdlib.h>
#include <string.h>

#include "user/watch/drops.h"

int watch_compare_drops(const void *a, const void *b)
{
	const struct watch_drop *x = a, *y = b;
	int order;

	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	order = strcmp(x->reason, y->reason);
	if (!order)
		order = strcmp(x->place, y->place);
	return order ? order : x->to_multicast - y->to_multicast;
}

static int by_packets(const void *a, const void *b)
{
	const struct watch_drop *x = a, *y = b;

	if (x->end == y->end && x->stage == y->stage && x->count.packets != y->count.packets)
		return x->count.packets > y->count.packets ? -1 : 1;
	return watch_compare_drops(x, y);
}

size_t watch_join_drops(struct watch_drop *drops, size_t n)
{
	size_t kept = 0;

	qsort(drops, n, sizeof(*drops), watch_compare_drops);
	for (size_t i = 0; i < n; i++) {
		struct watch_drop *last = kept ? &drops[kept - 1] : NULL;

		if (!last || watch_compare_drops(last, &drops[i])) {
			drops[kept++] = drops[i];
			continue;
		}
		last->count.packets += drops[i].count.packets;
		last->count.bytes += drops[i].count.bytes;
		last->count.segments += drops[i].count.segments;
	}
	qsort(drops, kept, sizeof(*drops), by_packets);
	return kept;
}
