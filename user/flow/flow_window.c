// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_window.c - the packets of one way that were sent and may still be seen, or be asked about.
 *
 * They stand in a ring in the order in which they were sent. A record at a later hook is looked for
 * from the packet that is expected there next on, since most packets keep their order: so each
 * record costs a few comparisons, and never more than SEARCH_MAX in either direction.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/flow/internal.h"
#include "user/story/story.h"

enum {
	ROOM_MIN = 4,
	ROOM_MAX = 65536, /* packets of a way that are kept at most */
	SEARCH_MAX = 1024,
	STRIDE_MIN = 4,
};

struct flow_window {
	struct flow_sent *list;
	uint32_t *covered; /* stride numbers for each packet: its bytes that were seen, by point */
	uint64_t *times;   /* likewise, when they were; NULL: not followed */
	window_leave leave;
	void *arg;
	size_t room; /* a power of two */
	size_t stride;
	uint64_t first, end;
};

struct flow_window *window_new(void)
{
	return calloc(1, sizeof(struct flow_window));
}

void window_follow(struct flow_window *window, window_leave leave, void *arg)
{
	window->leave = leave;
	window->arg = arg;
}

void window_free(struct flow_window *window)
{
	if (!window)
		return;
	free(window->list);
	free(window->covered);
	free(window->times);
	free(window);
}

uint64_t window_first(const struct flow_window *window)
{
	return window ? window->first : 0;
}

uint64_t window_end(const struct flow_window *window)
{
	return window ? window->end : 0;
}

static size_t slot_of(const struct flow_window *window, uint64_t number)
{
	return number & (window->room - 1);
}

struct flow_sent *window_at(const struct flow_window *window, uint64_t number)
{
	if (!window || number < window->first || number >= window->end)
		return NULL;
	return &window->list[slot_of(window, number)];
}

/* Move what is kept into room for so many packets, of so many points. */
static int resize(struct flow_window *window, size_t room, size_t stride)
{
	struct flow_sent *list = calloc(room, sizeof(*list));
	uint32_t *covered = calloc(room * stride, sizeof(*covered));
	uint64_t *times = window->leave ? calloc(room * stride, sizeof(*times)) : NULL;

	if (!list || !covered || (window->leave && !times)) {
		free(list);
		free(covered);
		free(times);
		return -ENOMEM;
	}
	for (uint64_t i = window->first; i < window->end; i++) {
		size_t from = slot_of(window, i), to = i & (room - 1);

		list[to] = window->list[from];
		memcpy(covered + to * stride, window->covered + from * window->stride,
		       window->stride * sizeof(*covered));
		if (times)
			memcpy(times + to * stride, window->times + from * window->stride,
			       window->stride * sizeof(*times));
	}
	free(window->list);
	free(window->covered);
	free(window->times);
	window->list = list;
	window->covered = covered;
	window->times = times;
	window->room = room;
	window->stride = stride;
	return 0;
}

static void leave(struct flow_window *window)
{
	if (window->leave)
		window->leave(window->arg, window->first);
	window->first++;
}

struct flow_sent *window_add(struct flow_window *window, const struct vl_event *event,
			     unsigned point)
{
	const struct vl_other *other = &event->other;
	struct flow_sent *sent;

	if (window->end - window->first == window->room) {
		if (window->room >= ROOM_MAX)
			leave(window);
		else if (resize(window, window->room ? 2 * window->room : ROOM_MIN,
				window->stride ? window->stride : STRIDE_MIN))
			return NULL;
	}
	sent = &window->list[slot_of(window, window->end)];
	memset(window->covered + slot_of(window, window->end) * window->stride, 0,
	       window->stride * sizeof(*window->covered));
	if (window->times)
		memset(window->times + slot_of(window, window->end) * window->stride, 0,
		       window->stride * sizeof(*window->times));
	*sent = (struct flow_sent){.time_ns = event->time_ns,
				   .content = event->payload,
				   .seq = other->seq,
				   .ack = other->ack,
				   .tsval = other->tsval,
				   .bytes = other->bytes,
				   .length = seq_length(other),
				   .ip_id = other->ip_id,
				   .segments = other->segments ? other->segments : 1,
				   .first = point,
				   .last = POINT_NONE,
				   .family = event->family,
				   .protocol = other->protocol,
				   .flags = other->tcp_flags};
	window->end++;
	return sent;
}

uint32_t window_covered(const struct flow_window *window, uint64_t number, unsigned point)
{
	if (!window_at(window, number) || point >= window->stride)
		return 0;
	return window->covered[slot_of(window, number) * window->stride + point];
}

uint64_t window_time(const struct flow_window *window, uint64_t number, unsigned point)
{
	if (!window_at(window, number) || !window->times || point >= window->stride)
		return 0;
	return window->times[slot_of(window, number) * window->stride + point];
}

int window_cover(struct flow_window *window, uint64_t number, unsigned point, uint32_t bytes,
		 uint64_t time_ns)
{
	size_t stride = window->stride;

	while (stride <= point)
		stride *= 2;
	if (stride > window->stride && resize(window, window->room, stride))
		return -ENOMEM;
	window->covered[slot_of(window, number) * stride + point] += bytes;
	if (window->times)
		window->times[slot_of(window, number) * stride + point] = time_ns;
	return 0;
}

/* Whether the IP identification of a part may be one of the whole: GSO counts it up. */
static bool ids_fit(const struct flow_sent *sent, const struct vl_event *event)
{
	uint16_t ahead = event->other.ip_id - sent->ip_id;

	if (sent->family != 4)
		return true; /* IPv6 has none */
	return ahead < sent->segments || (uint16_t)-ahead < event->other.segments;
}

uint32_t sent_overlap(const struct flow_sent *sent, const struct vl_event *event)
{
	int64_t start = seq_ahead(event->other.seq, sent->seq),
		end = start + (int64_t)event->other.bytes;

	if (start < 0)
		start = 0;
	if (end > sent->bytes)
		end = sent->bytes;
	return end > start ? end - start : 0;
}

bool sent_fits(const struct flow_sent *sent, const struct vl_event *event)
{
	const struct vl_other *other = &event->other;
	const uint8_t one_of = TCP_FLAG_SYN | TCP_FLAG_RST;

	if (sent->protocol != PROTO_TCP)
		return sent->content == event->payload && sent->bytes == other->bytes &&
		       sent->ip_id == other->ip_id;
	if (sent->ack != other->ack || sent->tsval != other->tsval || !ids_fit(sent, event))
		return false;
	if (sent->bytes && other->bytes)
		return sent_overlap(sent, event) &&
		       (sent->flags & one_of) == (other->tcp_flags & one_of);
	return sent->bytes == other->bytes && sent->seq == other->seq &&
	       sent->flags == other->tcp_flags;
}

/* How well a packet fits a record: 2: it does; 1: it was dropped, or seen here; 0: not at all. */
static int match(const struct flow_window *window, uint64_t number, const struct vl_event *event,
		 unsigned point)
{
	const struct flow_sent *sent = &window->list[slot_of(window, number)];

	if (!sent_fits(sent, event))
		return 0;
	if (window_covered(window, number, point) >= sent_size(sent))
		return 1;
	return sent->dropped_at && sent->dropped_bytes >= sent_size(sent) ? 1 : 2;
}

uint64_t window_match(const struct flow_window *window, const struct vl_event *event,
		      unsigned point, uint64_t from, bool again)
{
	uint64_t begin = from < window->first ? window->first : from, other = UINT64_MAX;
	uint64_t stop = begin + SEARCH_MAX < window->end ? begin + SEARCH_MAX : window->end;
	int fit;

	for (uint64_t i = begin; i < stop; i++) {
		fit = match(window, i, event, point);
		if (fit == 2)
			return i;
		if (fit == 1 && other == UINT64_MAX)
			other = i;
	}
	stop = begin > window->first + SEARCH_MAX ? begin - SEARCH_MAX : window->first;
	for (uint64_t i = begin < window->end ? begin : window->end; i-- > stop;) {
		fit = match(window, i, event, point);
		if (fit == 2)
			return i;
		if (fit == 1 && other == UINT64_MAX)
			other = i;
	}
	if (other != UINT64_MAX && !again &&
	    window_covered(window, other, point) >= sent_size(window_at(window, other)))
		return UINT64_MAX;
	return other;
}

uint64_t window_since(const struct flow_window *window, uint64_t time_ns)
{
	uint64_t low = window_first(window), high = window_end(window);

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (window->list[slot_of(window, middle)].time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void window_trim(struct flow_window *window, uint64_t before,
		 bool (*done)(const struct flow_sent *sent, void *arg), void *arg)
{
	while (window->first < window->end && window->first < before &&
	       done(&window->list[slot_of(window, window->first)], arg))
		leave(window);
}
