// SPDX-License-Identifier: GPL-2.0-only
/* story.c - which echo a record belongs to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/array.h"
#include "user/base/hash.h"
#include "user/story/packets.h"
#include "user/story/quoted_packets.h"

struct story *story_new(const struct lab *lab)
{
	struct story *story = calloc(1, sizeof(*story));

	if (!story)
		return NULL;
	story->lab = lab;
	if (echo_table_start(story)) {
		free(story);
		return NULL;
	}
	return story;
}

void story_free(struct story *story)
{
	if (!story)
		return;
	echo_table_end(story);
	free(story->loose.list);
	free(story);
}

void story_asked_by(struct story *story, const struct node *node)
{
	story->asker = node;
}

/* Whether the message that an error quotes is an echo, whose id and seq mean something. */
static bool quotes_echo(const struct vl_event *event)
{
	const struct vl_quote *q = &event->quote;

	if (!(event->flags & VL_EV_QUOTED))
		return false;
	return (q->proto == 1 && (q->icmp_type == 8 || q->icmp_type == 0)) ||
	       (q->proto == 58 && (q->icmp_type == 128 || q->icmp_type == 129));
}

/* Flows are few, and a pair of them with one hash would only share a story. */
static uint64_t flow_value(const struct vl_quote *quote)
{
	uint64_t hash = hash_bytes(HASH_START, quote->src, sizeof(quote->src));

	hash = hash_bytes(hash, quote->dst, sizeof(quote->dst));
	return hash_mix(hash,
			(uint64_t)quote->proto << 32 | (uint32_t)quote->id << 16 | quote->seq);
}

/* The first payload bytes tell echoes apart unless they are a filler: one byte eight times. */
static bool payload_tells(const struct vl_event *event)
{
	uint64_t byte = event->payload & 0xff;

	return (event->flags & VL_EV_PAYLOAD) && event->payload != byte * 0x0101010101010101ull;
}

/* The leg of a record, and the key of its echo by id. Returns false if it belongs to no echo. */
static bool record_key(const struct vl_event *event, enum leg *leg, struct alias *key)
{
	*key = (struct alias){.family = event->family, .kind = ALIAS_ID};
	*leg = event_leg(event);
	if (event->flags & VL_EV_OTHER)
		return false;
	if (event_protocol(event)) {
		key->kind = ALIAS_FLOW;
		key->value = flow_value(&event->quote);
		return *leg == LEG_ERROR || event->flags & VL_EV_FLOW;
	}
	if (*leg == LEG_ERROR) {
		key->value = event->quote.id;
		key->seq = event->quote.seq;
		return quotes_echo(event);
	}
	key->value = event->id;
	key->seq = event->seq;
	return true;
}

static struct echo *echo_new(struct story *story, const struct vl_event *event,
			     const struct alias *key)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (!echo)
		return NULL;
	echo->itinerary.family = event->family;
	echo->itinerary.protocol = event_protocol(event);
	if (key->kind == ALIAS_ID)
		echo->itinerary.id = key->value;
	echo->itinerary.seq = key->seq;
	echo->itinerary.last = echo->itinerary.arrival = echo->itinerary.death = -1;
	echo->newest_ns = event->time_ns;
	echo_table_link(story, echo);
	story->n_echoes++;
	return echo;
}

/*
 * Quotes may end before the ports, as those of older recordings do. So a flow has an alias without
 * them as well, by which such a record finds the newest, and the first one with ports finds such.
 */
static struct alias flow_without_ports(const struct vl_event *event, const struct alias *by_id)
{
	struct vl_quote quote = event->quote;
	struct alias key = *by_id;

	quote.id = quote.seq = 0;
	key.value = flow_value(&quote);
	return key;
}

static bool has_ports(const struct itinerary *itinerary)
{
	return itinerary->from_port || itinerary->to_port;
}

/* Find the echo of a record or make it; every name that the record knows it by becomes an alias. */
static struct echo *echo_of(struct story *story, const struct vl_event *event, enum leg leg,
			    const struct alias *by_id)
{
	struct alias by_payload = {.family = event->family,
				   .kind = ALIAS_PAYLOAD,
				   .seq = event->seq,
				   .value = event->payload};
	bool tells = leg != LEG_ERROR && payload_tells(event);
	struct alias *payload_alias = tells ? echo_table_find(story, &by_payload) : NULL;
	struct alias *id_alias = echo_table_find(story, by_id);
	bool ports = by_id->kind == ALIAS_FLOW && (event->quote.id || event->quote.seq);
	struct alias portless = ports ? flow_without_ports(event, by_id) : *by_id;
	struct alias *waiting = ports && !id_alias ? echo_table_find(story, &portless) : NULL;
	struct echo *echo = payload_alias ? payload_alias->echo : id_alias ? id_alias->echo : NULL;

	/* The same id and seq with another payload: a later echo (seq wrapped, id was reused). */
	if (echo && !payload_alias && tells && echo->has_payload)
		echo = NULL;
	if (!echo && waiting && !has_ports(&waiting->echo->itinerary))
		echo = waiting->echo;
	if (!echo) {
		echo = echo_new(story, event, by_id);
		id_alias = waiting = NULL;
	}
	if (!echo)
		return NULL;
	if (ports && !id_alias && !waiting && echo_table_add(story, echo, portless))
		return NULL;
	if (tells && !payload_alias) {
		if (echo_table_add(story, echo, by_payload))
			return NULL;
		echo->payload = event->payload;
		echo->has_payload = true;
	}
	if ((!id_alias || id_alias->echo != echo) && echo_table_add(story, echo, *by_id))
		return NULL;
	if (ports) {
		echo->itinerary.from_port = event->quote.id;
		echo->itinerary.to_port = event->quote.seq;
	}
	return echo;
}

/* The story of a record that is no packet of its own: if that was seen, of the packet that it is
 * about. */
static struct echo *story_of_record(struct story *story, const struct vl_event *event, enum leg leg,
				    const struct alias *by_id)
{
	struct echo *packet = by_id->kind == ALIAS_FLOW ? quoted_packet_find(story, event) : NULL;

	return packet ? packet : echo_of(story, event, leg, by_id);
}

static int itinerary_add(struct itinerary *itinerary, const struct vl_event *event,
			 const struct end *end, enum leg leg)
{
	if (itinerary->n_hops == ITINERARY_HOPS_MAX) {
		itinerary->left_out++;
		return 0;
	}
	if (array_reserve(&itinerary->hops, &itinerary->room, itinerary->n_hops + 1,
			  sizeof(*itinerary->hops)))
		return -ENOMEM;
	itinerary->hops[itinerary->n_hops++] =
		(struct hop){.event = *event, .end = end, .leg = leg, .from = -1};
	return 0;
}

/* A record came for an echo: its story is to be told anew, and it is not quiet. */
static void echo_touch(struct story *story, struct echo *echo, uint64_t time_ns)
{
	echo->stale = true;
	if (time_ns <= echo->newest_ns)
		return;
	echo_table_unlink(story, echo);
	echo->newest_ns = time_ns;
	echo_table_link(story, echo);
}

static struct alias packet_key(const struct vl_event *event)
{
	return (struct alias){
		.family = event->family, .kind = ALIAS_PACKET, .value = event_packet(event)};
}

static int itinerary_add_fragment(struct itinerary *itinerary, const struct fragment *fragment)
{
	if (itinerary->n_fragments == ITINERARY_FRAGMENTS_MAX) {
		itinerary->left_out++;
		return 0;
	}
	if (array_reserve(&itinerary->fragments, &itinerary->fragments_room,
			  itinerary->n_fragments + 1, sizeof(*itinerary->fragments)))
		return -ENOMEM;
	itinerary->fragments[itinerary->n_fragments++] = *fragment;
	return 0;
}

/* A later fragment: to the echo whose first fragment was seen, else to one that has no name yet. */
static int add_fragment(struct story *story, const struct vl_event *event)
{
	const struct fragment fragment = {.packet = event_packet(event),
					  .time_ns = event->time_ns,
					  .end = event->end,
					  .off = event->frag_off,
					  .len = event->frag_len,
					  .hook = event->hook,
					  .more = event->flags & VL_EV_MORE};
	struct alias key = packet_key(event);
	struct alias *alias = echo_table_find(story, &key);
	struct echo *echo = alias ? alias->echo : echo_new(story, event, &key);

	if (echo && !alias) {
		echo->unnamed = true;
		echo->itinerary.id = echo->itinerary.seq = 0;
		if (echo_table_add(story, echo, key))
			return -ENOMEM;
	}
	if (!echo || itinerary_add_fragment(&echo->itinerary, &fragment))
		return -ENOMEM;
	echo_touch(story, echo, event->time_ns);
	return 1;
}

/* A first fragment: its later ones can be known by it, and those that came before it get a name. */
static int name_packet(struct story *story, struct echo *echo, const struct vl_event *event)
{
	struct alias key = packet_key(event);
	struct alias *alias = echo_table_find(story, &key);
	struct echo *waiting = alias && alias->echo->unnamed ? alias->echo : NULL;

	if (alias && alias->echo == echo)
		return 0;
	for (size_t i = 0; waiting && i < waiting->itinerary.n_fragments; i++)
		if (itinerary_add_fragment(&echo->itinerary, &waiting->itinerary.fragments[i]))
			return -ENOMEM;
	echo_table_drop(story, waiting);
	return echo_table_add(story, echo, key);
}

/* The itinerary of a packet that is no ICMP; found, or made. */
static struct echo *packet_of(struct story *story, const struct vl_event *event,
			      const struct node *node)
{
	static const struct alias none = {.kind = ALIAS_CONTENT};
	unsigned rivals;
	struct echo *echo = packet_find(story, event, node, &rivals);

	if (!echo) {
		echo = echo_new(story, event, &none);
		if (echo)
			echo->itinerary.rivals = rivals;
	}
	return echo && !packet_name(story, echo, event) ? echo : NULL;
}

static int add_packet(struct story *story, const struct vl_event *event)
{
	const struct end *end = lab_end(story->lab, event->end);
	struct echo *echo = packet_of(story, event, end->node);

	if (!echo || itinerary_add(&echo->itinerary, event, end, LEG_REQUEST))
		return -ENOMEM;
	echo_touch(story, echo, event->time_ns);
	return 1;
}

int story_add(struct story *story, const struct vl_event *event)
{
	struct alias by_id;
	struct echo *echo;
	enum leg leg;

	if (event->end >= lab_n_ends(story->lab) || event->hook >= VL_HOOKS)
		return 0;
	if (event->flags & VL_EV_OTHER)
		return add_packet(story, event);
	if (event_is_later_fragment(event))
		return add_fragment(story, event);
	if (!record_key(event, &leg, &by_id))
		return 0;
	echo = story_of_record(story, event, leg, &by_id);
	if (!echo || itinerary_add(&echo->itinerary, event, lab_end(story->lab, event->end), leg))
		return -ENOMEM;
	if ((event->flags & VL_EV_FRAGMENT) && name_packet(story, echo, event))
		return -ENOMEM;
	echo_touch(story, echo, event->time_ns);
	return 1;
}

static int itinerary_add_drop(struct itinerary *itinerary, const struct drop *drop)
{
	if (itinerary->n_drops == ITINERARY_DROPS_MAX) {
		itinerary->left_out++;
		return 0;
	}
	if (array_reserve_one(&itinerary->drops, itinerary->n_drops, sizeof(*itinerary->drops)))
		return -ENOMEM;
	itinerary->drops[itinerary->n_drops++] = *drop;
	return 0;
}

int story_add_drop(struct story *story, const struct vl_drop *record, const char *reason,
		   const char *function)
{
	struct drop drop = {.record = *record};
	struct alias by_id;
	struct echo *echo;

	bool packet = record->packet.flags & VL_EV_OTHER;

	if (record->node >= story->lab->n_nodes ||
	    (!packet && !record_key(&record->packet, &drop.leg, &by_id)))
		return 0;
	drop.node = story->lab->nodes[record->node];
	snprintf(drop.reason, sizeof(drop.reason), "%s", reason);
	snprintf(drop.function, sizeof(drop.function), "%s", function);
	echo = packet ? packet_of(story, &record->packet, drop.node)
		      : story_of_record(story, &record->packet, drop.leg, &by_id);
	if (!echo || itinerary_add_drop(&echo->itinerary, &drop))
		return -ENOMEM;
	echo_touch(story, echo, record->packet.time_ns);
	return 1;
}

static int add_queued(struct itinerary *itinerary, const struct act *act)
{
	if (itinerary->n_queued == ITINERARY_ACTS_MAX) {
		itinerary->left_out++;
		return 0;
	}
	if (array_reserve_one(&itinerary->queued, itinerary->n_queued, sizeof(*itinerary->queued)))
		return -ENOMEM;
	itinerary->queued[itinerary->n_queued++] =
		(struct queued_packet){.record = act->record, .node = act->node, .leg = act->leg};
	return 0;
}

int story_add_stack(struct story *story, const struct vl_stack *record, const char *reason,
		    const char *function)
{
	struct act act = {.record = *record};
	struct alias by_id;
	struct echo *echo;

	if (record->at.node >= story->lab->n_nodes || !stack_tells(record, function))
		return 0;
	if (record->at.packet.flags & VL_EV_LOOSE)
		return loose_add(&story->loose, record, reason, function) ? -ENOMEM : 1;
	if (!record_key(&record->at.packet, &act.leg, &by_id))
		return 0;
	act.node = story->lab->nodes[record->at.node];
	snprintf(act.function, sizeof(act.function), "%s", function);
	echo = story_of_record(story, &record->at.packet, act.leg, &by_id);
	if (echo && echo->itinerary.is_packet)
		return 1; /* its hops and drops tell more */
	if (!echo ||
	    (record->at.kind == VL_STACK_NEIGHBOR ? add_queued(&echo->itinerary, &act)
						  : itinerary_add_act(&echo->itinerary, &act)))
		return -ENOMEM;
	echo_touch(story, echo, record->at.packet.time_ns);
	return 1;
}

static struct echo *story_find(const struct story *story, uint8_t family, uint16_t id, uint16_t seq)
{
	struct alias key = {.family = family, .kind = ALIAS_ID, .value = id, .seq = seq};
	struct alias *alias = echo_table_find(story, &key);

	return alias ? alias->echo : NULL;
}

void story_cannot_see(struct story *story, const char *what)
{
	snprintf(story->not_seen, sizeof(story->not_seen), "%s", what);
}

static const struct itinerary *echo_tell(struct story *story, struct echo *echo)
{
	if (!echo)
		return NULL;
	echo->itinerary.not_seen = story->not_seen; /* what is missing decides where it began */
	if (echo->stale && itinerary_order(&echo->itinerary, story->lab))
		return NULL;
	if (echo->stale || echo->loose_seen != story->loose.n_added) {
		if (echo->itinerary.is_packet)
			packet_mark(&echo->itinerary);
		itinerary_judge(&echo->itinerary, story->lab);
		if (story->asker && echo->itinerary.n_hops && !echo->itinerary.is_packet)
			echo->itinerary.origin = story->asker;
		if (!echo->itinerary.is_packet &&
		    itinerary_join(&echo->itinerary, &story->loose, story->lab))
			return NULL;
	}
	echo->stale = false;
	echo->loose_seen = story->loose.n_added;
	return &echo->itinerary;
}

const struct itinerary *story_itinerary(struct story *story, uint8_t family, uint16_t id,
					uint16_t seq)
{
	return echo_tell(story, story_find(story, family, id, seq));
}

void story_drop(struct story *story, uint8_t family, uint16_t id, uint16_t seq)
{
	echo_table_drop(story, story_find(story, family, id, seq));
}

const struct itinerary *story_quiet(struct story *story, uint64_t before_ns)
{
	if (!story->oldest || story->oldest->newest_ns >= before_ns)
		return NULL;
	return echo_tell(story, story->oldest);
}

void story_forget(struct story *story, const struct itinerary *itinerary)
{
	for (struct echo *echo = story->oldest; echo; echo = echo->newer) {
		if (&echo->itinerary == itinerary) {
			echo_table_drop(story, echo);
			return;
		}
	}
}

size_t story_in_flight(const struct story *story)
{
	return story->n_echoes;
}
