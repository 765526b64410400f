// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_join.c - which flow a record belongs to: by its 5-tuple, by the reverse of that, or, where a
 * node translated it, by its content.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/hash.h"
#include "user/flow/internal.h"

struct flow_tuple tuple_of(const struct vl_event *event)
{
	struct flow_tuple tuple = {.family = event->family,
				   .protocol = event->other.protocol,
				   .from_port = event->other.from_port,
				   .to_port = event->other.to_port};

	memcpy(tuple.src, event->src, sizeof(tuple.src));
	memcpy(tuple.dst, event->dst, sizeof(tuple.dst));
	return tuple;
}

struct flow_tuple tuple_reversed(const struct flow_tuple *tuple)
{
	struct flow_tuple back = {.family = tuple->family,
				  .protocol = tuple->protocol,
				  .from_port = tuple->to_port,
				  .to_port = tuple->from_port};

	memcpy(back.src, tuple->dst, sizeof(back.src));
	memcpy(back.dst, tuple->src, sizeof(back.dst));
	return back;
}

bool tuple_equal(const struct flow_tuple *a, const struct flow_tuple *b)
{
	return a->family == b->family && a->protocol == b->protocol &&
	       a->from_port == b->from_port && a->to_port == b->to_port &&
	       !memcmp(a->src, b->src, sizeof(a->src)) && !memcmp(a->dst, b->dst, sizeof(a->dst));
}

static uint64_t tuple_hash(const struct flow_tuple *tuple)
{
	uint64_t words[4], hash;

	memcpy(words, tuple->src, sizeof(tuple->src));
	memcpy(words + 2, tuple->dst, sizeof(tuple->dst));
	hash = hash_mix(HASH_START, (uint64_t)tuple->family << 40 |
					    (uint64_t)tuple->protocol << 32 |
					    (uint32_t)tuple->from_port << 16 | tuple->to_port);
	for (int i = 0; i < 4; i++)
		hash = hash_mix(hash, words[i]);
	return hash;
}

struct flow_name *flows_name(const struct flows *flows, const struct flow_tuple *tuple)
{
	uint64_t hash = tuple_hash(tuple);
	struct flow_name *name = flows->buckets[hash_fold(hash, flows->n_buckets)];

	while (name && !(name->hash == hash && tuple_equal(&name->tuple, tuple)))
		name = name->next;
	return name;
}

static void disown(struct flow_name *name)
{
	struct flow_name **own = &name->flow->names;

	while (*own != name)
		own = &(*own)->next_own;
	*own = name->next_own;
}

int flows_give_name(struct flows *flows, struct flow *flow, unsigned side,
		    const struct flow_tuple *tuple)
{
	struct flow_name *name = flows_name(flows, tuple);
	size_t bucket;

	if (name) {
		disown(name);
	} else {
		name = calloc(1, sizeof(*name));
		if (!name)
			return -ENOMEM;
		name->tuple = *tuple;
		name->hash = tuple_hash(tuple);
		bucket = hash_fold(name->hash, flows->n_buckets);
		name->next = flows->buckets[bucket];
		flows->buckets[bucket] = name;
	}
	name->flow = flow;
	name->side = side;
	name->next_own = flow->names;
	flow->names = name;
	return 0;
}

/* What NAT leaves as it is. */
static uint64_t content_hash(const struct vl_event *event)
{
	const struct vl_other *other = &event->other;
	uint64_t hash = hash_mix(HASH_START, (uint64_t)other->protocol << 32 | other->bytes);

	if (other->protocol != PROTO_TCP)
		return hash_mix(hash_mix(hash, event->payload), other->ip_id);
	hash = hash_mix(hash, (uint64_t)other->seq << 32 | other->ack);
	return hash_mix(hash, (uint64_t)other->tsval << 8 | other->tcp_flags);
}

void flows_remember_content(struct flows *flows, struct flow *flow, unsigned side,
			    const struct vl_event *event)
{
	uint64_t hash = content_hash(event);
	size_t at = hash_fold(hash, CONTENTS);

	flows->contents[at].hash = hash;
	flows->contents[at].flow = flow;
	flows->contents[at].side = side;
}

/* Whether the packet that a record is of came into the node, and has not left it. */
static bool is_in(const struct flow_way *way, const struct vl_event *event, const struct node *node)
{
	uint64_t end = window_end(way->packets_kept), first = window_first(way->packets_kept);

	for (uint64_t i = end; i-- > first && end - i < 64;) {
		const struct flow_sent *sent = window_at(way->packets_kept, i);
		const struct flow_point *last =
			sent->last == POINT_NONE ? NULL : &way->points[sent->last];

		if (last && last->end->node == node && last->hook != VL_HOOK_OUT &&
		    sent_fits(sent, event))
			return true;
	}
	return false;
}

/* The flow whose packet a node translated. */
static struct flow *find_translated(const struct flows *flows, const struct vl_event *event,
				    const struct node *node, unsigned *side)
{
	uint64_t hash = content_hash(event);
	size_t at = hash_fold(hash, CONTENTS);
	struct flow *flow = flows->contents[at].flow;

	if (!flow || flows->contents[at].hash != hash || flow->protocol != event->other.protocol ||
	    flow->family != event->family)
		return NULL;
	*side = flows->contents[at].side;
	return is_in(&flow->ways[*side], event, node) ? flow : NULL;
}

static bool is_first_syn(const struct vl_event *event)
{
	return event->other.protocol == PROTO_TCP &&
	       (event->other.tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK | TCP_FLAG_RST)) ==
		       TCP_FLAG_SYN;
}

/* A SYN with another sequence number begins a connection that has the ports of one before. */
static bool begins_anew(const struct flow *flow, unsigned side, const struct vl_event *event)
{
	const struct flow_way *way = &flow->ways[side];

	return is_first_syn(event) &&
	       (side || !way->syn || (way->has_seq && way->first_seq != event->other.seq));
}

/* What a way is called until a packet of it was seen: after the first record of the flow. */
static void name_ways(struct flow *flow, unsigned side, const struct flow_tuple *tuple)
{
	struct flow_way *way = &flow->ways[side], *back = &flow->ways[!side];

	way->sent = way->arriving = *tuple;
	back->sent = back->arriving = tuple_reversed(tuple);
}

int flows_join(struct flows *flows, const struct vl_event *event, const struct node *node,
	       struct flow **flow, unsigned *side)
{
	struct flow_tuple tuple = tuple_of(event), back = tuple_reversed(&tuple);
	struct flow_name *name = flows_name(flows, &tuple);

	*side = 0;
	if (name && !begins_anew(name->flow, name->side, event)) {
		*flow = name->flow;
		*side = name->side;
		return 0;
	}
	name = flows_name(flows, &back);
	if (name && !is_first_syn(event)) {
		*flow = name->flow;
		*side = !name->side;
		return flows_give_name(flows, *flow, *side, &tuple);
	}
	*flow = event->hook == VL_HOOK_OUT || event->hook >= VL_HOOKS
			? find_translated(flows, event, node, side)
			: NULL;
	if (!*flow) {
		*flow = flows_make(flows, event);
		if (!*flow)
			return -ENOMEM;
		/* Who answers was asked before: its other side began. */
		*side = event->other.protocol == PROTO_TCP &&
			(event->other.tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) ==
				(TCP_FLAG_SYN | TCP_FLAG_ACK);
		name_ways(*flow, *side, &tuple);
	}
	return flows_give_name(flows, *flow, *side, &tuple);
}
