// SPDX-License-Identifier: GPL-2.0-only
/* capture_held.c - frames that wait until they are in order and what became of them is known. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/cmd/capture.h"

int held_add(struct held_frames *held, const struct held_frame *frame)
{
	uint8_t *bytes = malloc(frame->len ? frame->len : 1);

	if (!bytes)
		return -ENOMEM;
	if (held->n == held->room) {
		size_t room = held->room ? 2 * held->room : 64;
		struct held_frame *list = realloc(held->list, room * sizeof(*list));

		if (!list) {
			free(bytes);
			return -ENOMEM;
		}
		held->list = list;
		held->room = room;
	}
	memcpy(bytes, frame->bytes, frame->len);
	held->list[held->n] = *frame;
	held->list[held->n++].bytes = bytes;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct held_frame *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (int)y->out - (int)x->out; /* it leaves before it arrives */
}

void held_sort(struct held_frames *held)
{
	if (held->n)
		qsort(held->list, held->n, sizeof(*held->list), compare);
}

void held_drop(struct held_frames *held, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(held->list[i].bytes);
	held->n -= n;
	if (n && held->n)
		memmove(held->list, held->list + n, held->n * sizeof(*held->list));
}

void held_free(struct held_frames *held)
{
	held_drop(held, held->n);
	free(held->list);
	*held = (struct held_frames){0};
}

bool held_note_drop(struct held_frames *held, const struct vl_drop *drop, const struct lab *lab,
		    const char *reason, const char *function)
{
	const struct node *node = drop->node < lab->n_nodes ? lab->nodes[drop->node] : NULL;
	const struct vl_event *packet = &drop->packet;

	for (size_t i = held->n; node && i-- > 0;) {
		struct held_frame *frame = &held->list[i];
		size_t used = strlen(frame->comment);

		if (frame->out || frame->end->node != node ||
		    frame->echo.family != packet->family || frame->echo.seq != packet->seq ||
		    (frame->echo.id != packet->id && frame->echo.payload != packet->payload))
			continue;
		snprintf(frame->comment + used, sizeof(frame->comment) - used,
			 "%sdropped in %s: %s%s%s", used ? "; " : "", node->name, reason,
			 function[0] ? ", in " : "", function);
		return true;
	}
	return false;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

struct echo_key echo_key_of(const uint8_t *bytes, uint32_t len)
{
	enum { MACS = 12, TYPE = 2, TAG = 4, ICMP = 8, TOKEN = 8 };
	struct echo_key key = {0};
	uint32_t at = MACS, type = 0;

	while (len >= at + TYPE && ((type = get16(bytes + at)) == 0x8100 || type == 0x88a8))
		at += TAG;
	at += TYPE;
	if (type == 0x0800 && len >= at + 20) {
		const uint8_t *ip = bytes + at;

		if (ip[0] >> 4 != 4 || ip[9] != 1 || (get16(ip + 6) & 0x1fff))
			return key;
		at += (ip[0] & 0xf) * 4;
		if (len < at + ICMP || (bytes[at] != 8 && bytes[at] != 0))
			return key;
		key.family = 4;
	} else if (type == 0x86dd && len >= at + 40 && bytes[at + 6] == 58) {
		at += 40;
		if (len < at + ICMP || (bytes[at] != 128 && bytes[at] != 129))
			return key;
		key.family = 6;
	} else {
		return key;
	}
	key.id = get16(bytes + at + 4);
	key.seq = get16(bytes + at + 6);
	if (len >= at + ICMP + TOKEN)
		memcpy(&key.payload, bytes + at + ICMP, TOKEN);
	return key;
}

/* ---- numbers --------------------------------------------------------------------------------- */

enum { PLACES = 1 << 17 };

struct echo_numbers {
	uint32_t n;
	struct {
		struct echo_key key;
		uint32_t number; /* 0: free */
	} places[PLACES];
};

struct echo_numbers *echo_numbers_new(void)
{
	return calloc(1, sizeof(struct echo_numbers));
}

void echo_numbers_free(struct echo_numbers *numbers)
{
	free(numbers);
}

/* One echo has one payload, whatever NAT does to its id; a frame cut short has only the id. */
static bool same_echo(const struct echo_key *a, const struct echo_key *b)
{
	return a->family == b->family && a->seq == b->seq && a->payload == b->payload &&
	       (a->payload || a->id == b->id);
}

uint32_t echo_number(struct echo_numbers *numbers, const struct echo_key *key)
{
	uint64_t hash = (key->payload ? key->payload : key->id) ^ (uint64_t)key->seq << 32 ^
			(uint64_t)key->family << 56;
	uint32_t at;

	hash *= 0x9e3779b97f4a7c15ull;
	at = (hash >> 40) & (PLACES - 1);
	for (int i = 0; i < 64; i++, at = (at + 1) & (PLACES - 1)) {
		if (numbers->places[at].number && same_echo(&numbers->places[at].key, key))
			return numbers->places[at].number;
		if (!numbers->places[at].number) {
			numbers->places[at].key = *key;
			return numbers->places[at].number = ++numbers->n;
		}
	}
	return 0;
}
