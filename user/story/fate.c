// SPDX-License-Identifier: GPL-2.0-only
/* fate.c - what became of an echo, as far as the ends of links show it. */
#include <arpa/inet.h>
#include <string.h>

#include "bpf/wire_other.h"
#include "user/base/drop_causes.h"
#include "user/story/hop_causes.h"
#include "user/story/hop_maker.h"
#include "user/story/packets.h"

static const struct node *node_of_address(const struct lab *lab, const struct ip_addr *addr)
{
	struct node *node = NULL;
	struct end *end = NULL;

	return lab_find_address(lab, addr, &node, &end) ? node : NULL;
}

/* The node that asked: it made the request, or the reply is on its way to it. */
static const struct node *origin_of(const struct itinerary *itinerary, const struct lab *lab)
{
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];
		struct ip_addr to = event_destination(&hop->event);
		const struct node *seen;

		if (hop->leg != LEG_REQUEST)
			return node_of_address(lab, &to);
		if (hop->from >= 0)
			continue;
		/* An arrival before anything else: it left the peer unseen. */
		seen = hop->event.hook == VL_HOOK_OUT ? hop->end->node : hop->end->peer->node;
		return hop_maker_before(itinerary, hop, seen, lab);
	}
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		struct ip_addr from = event_source(&itinerary->drops[i].record.packet);

		if (itinerary->drops[i].leg != LEG_REQUEST)
			continue;
		if (itinerary->protocol) /* no end sees it, wherever it was */
			return node_of_address(lab, &from);
		return itinerary->drops[i].node; /* dropped before it left */
	}
	for (size_t i = 0; i < itinerary->n_queued; i++)
		if (itinerary->queued[i].leg == LEG_REQUEST)
			return itinerary->queued[i].node; /* it has not left yet */
	return NULL;
}

/*
 * Whether a packet that came with another's MAC may be a copy that a bridge flooded. Else it was
 * sent to a MAC that the node does not have: over a link without a bridge, or to the node's own
 * address, and nothing came of it.
 */
static bool may_be_flooded(const struct itinerary *itinerary, const struct drop *drop,
			   const struct lab *lab)
{
	struct ip_addr to = event_destination(&drop->record.packet);
	const struct end *end;

	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].leg > drop->leg &&
		    !event_is_redirect(&itinerary->hops[i].event))
			return true;
	if (node_of_address(lab, &to) == drop->node)
		return false;
	if (drop->record.packet.end >= lab_n_ends(lab))
		return true;
	end = lab_end(lab, drop->record.packet.end);
	return end->node->kind == NODE_BRIDGE || end->bridge[0] ||
	       end->peer->node->kind == NODE_BRIDGE || end->peer->bridge[0] ||
	       end->peer->node->netns != NETNS_NEW;
}

/* A FIN without data that TCP frees without a reason: a socket in TIME_WAIT had it. */
static bool took_packet(const struct drop *drop)
{
	const struct vl_other *other = &drop->record.packet.other;

	return !strcmp(drop->reason, "NOT_SPECIFIED") && !other->bytes &&
	       (other->tcp_flags & (TCP_FLAG_FIN | TCP_FLAG_SYN)) == TCP_FLAG_FIN &&
	       (!strcmp(drop->function, "tcp_v4_rcv") || !strcmp(drop->function, "tcp_v6_rcv"));
}

/* Whether the packet is to the broadcast address of a network that the end is in. */
static bool is_to_network(const struct vl_event *event, const struct end *end)
{
	struct ip_addr to = event_destination(event);

	for (size_t i = 0; event->family == 4 && i < end->n_addresses; i++) {
		const struct ip_prefix *prefix = &end->addresses[i].prefix;
		uint32_t host = prefix->len <= 30 ? UINT32_MAX >> prefix->len : 0, last;

		memcpy(&last, to.bytes, sizeof(last));
		if (host && prefix->addr.family == to.family && ip_prefix_contains(prefix, &to) &&
		    (ntohl(last) & host) == host)
			return true;
	}
	return false;
}

/* Whether a packet that is no ICMP is for several nodes; end: where it is. */
static bool is_for_many(const struct vl_event *event, const struct end *end)
{
	return event->flags & VL_EV_OTHER &&
	       (packet_is_multicast(event) || (end && is_to_network(event, end)));
}

/* Of a frame that is neither IP nor ARP: a bridge passes it on, but for those of its own kind
 * (IEEE 802.1D, 7.12.6), which it takes. */
static bool takes_frame(const struct hop *hop)
{
	return (hop->end->node->kind != NODE_BRIDGE && !hop->end->bridge[0]) ||
	       !memcmp(hop->event.dst, "\x01\x80\xc2\0\0", 5);
}

/* Whether a packet has come to the node that it is for. */
static bool is_at_home(const struct hop *hop, const struct lab *lab)
{
	struct ip_addr to = event_destination(&hop->event);

	if (hop->event.hook == VL_HOOK_OUT)
		return false;
	if (hop->event.flags & VL_EV_OTHER && !hop->event.family)
		return takes_frame(hop);
	if (is_for_many(&hop->event, hop->end))
		return hop->end->node->kind != NODE_BRIDGE;
	return node_of_address(lab, &to) == hop->end->node;
}

/* Whether another node than that of a drop has got the packet, and did not drop it. */
static bool another_took(const struct itinerary *itinerary, const struct drop *drop,
			 const struct lab *lab)
{
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];
		bool dropped = hop->end->node == drop->node;

		for (size_t k = 0; k < itinerary->n_drops; k++)
			dropped |= itinerary->drops[k].node == hop->end->node;
		if (!dropped && is_at_home(hop, lab))
			return true;
	}
	return false;
}

/* A packet that is no ICMP. */
static bool is_harmless_packet(const struct itinerary *itinerary, const struct drop *drop,
			       const struct lab *lab)
{
	const struct vl_event *packet = &drop->record.packet;
	const struct end *end = packet->end < lab_n_ends(lab) ? lab_end(lab, packet->end) : NULL;
	bool many = is_for_many(packet, end);
	unsigned traits = many ? drop_classify_multicast(drop->reason, drop->function).traits
			       : drop_classify(drop->reason, drop->function).traits;

	if (traits & (DROP_ORDINARY | DROP_COPY | DROP_NO_PACKET) || took_packet(drop))
		return true;
	return many && !strcmp(drop->reason, "NO_SOCKET") && another_took(itinerary, drop, lab);
}

/*
 * A node that has given an answer to the raw socket that asked lets go of it with NO_SOCKET; each
 * other raw socket gets a copy of an ICMP packet, which its filter may refuse (that of ping(8)
 * does); a flooded packet is dropped by all but the addressee (OTHERHOST).
 */
static bool is_harmless(const struct itinerary *itinerary, const struct drop *drop,
			const struct lab *lab)
{
	if (itinerary->is_packet && drop->leg == LEG_REQUEST && strcmp(drop->reason, "OTHERHOST"))
		return is_harmless_packet(itinerary, drop, lab);
	if (!strcmp(drop->reason, "NO_SOCKET"))
		return drop->leg != LEG_REQUEST && drop->node == itinerary->origin;
	if (!strcmp(drop->reason, "SOCKET_FILTER"))
		return !itinerary->protocol || drop->leg != LEG_REQUEST;
	return !strcmp(drop->reason, "OTHERHOST") && may_be_flooded(itinerary, drop, lab);
}

/* A reply's drop says that the request came; an ICMP error tells of a packet that died before it.
 */
static int weight(enum leg leg)
{
	return leg == LEG_REPLY ? 2 : leg == LEG_REQUEST ? 1 : 0;
}

/* The drop that counts. */
static int find_death(const struct itinerary *itinerary, const struct lab *lab)
{
	struct drop *drops = itinerary->drops;
	int death = -1;

	for (int i = 0; i < (int)itinerary->n_drops; i++) {
		drops[i].harmless = is_harmless(itinerary, &drops[i], lab);
		if (event_is_redirect(&drops[i].record.packet))
			continue; /* the echo itself goes on */
		if (!drops[i].harmless &&
		    (death < 0 || weight(drops[i].leg) >= weight(drops[death].leg)))
			death = i;
	}
	return death;
}

/* Whether the node that asked dropped the answer before a socket had it. */
static bool answer_dropped(const struct itinerary *itinerary, enum leg leg)
{
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];

		if (drop->leg == leg && drop->node == itinerary->origin && !drop->harmless &&
		    !event_is_redirect(&drop->record.packet))
			return true;
	}
	return false;
}

/* The node that made a packet: where its first hop left, or over whose link it came. */
static const struct node *maker_of(const struct itinerary *itinerary, int i)
{
	const struct hop *hops = itinerary->hops;

	while (hops[i].from >= 0 && hops[hops[i].from].leg == hops[i].leg)
		i = hops[i].from;
	if (hops[i].step == STEP_TURN || hops[i].step == STEP_FIRST)
		return hop_maker(&hops[i]);
	return NULL;
}

/* Whether the packet of a leg was seen at an end of the node. */
static bool was_at(const struct itinerary *itinerary, enum leg leg, const struct node *node)
{
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].leg == leg && itinerary->hops[i].end->node == node)
			return true;
	return false;
}

/*
 * A macvlan upon an end of one node may be in another node, which takes in what the end receives,
 * and answers by it. The stack that took a request tells which; a broadcast is taken by both.
 */
static void find_makers(struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		const struct act *act = &itinerary->acts[i];
		const struct vl_event *taken = &act->record.at.packet;

		if (act->record.at.kind != VL_STACK_DELIVER || act->record.pid ||
		    act->leg != LEG_REQUEST || was_at(itinerary, LEG_REQUEST, act->node))
			continue;
		for (size_t k = 0; k < itinerary->n_hops; k++) {
			struct hop *hop = &itinerary->hops[k];

			if (hop->step != STEP_TURN || hop->leg != LEG_REPLY ||
			    memcmp(hop->event.src, taken->dst, sizeof(taken->dst)) != 0)
				continue;
			hop->maker = act->node;
			memcpy(hop->maker_dev, act->record.name, sizeof(hop->maker_dev));
		}
	}
}

/* The first arrival of a leg at a node; -1: none. */
static int arrival_at(const struct itinerary *itinerary, enum leg leg, const struct node *node)
{
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (hop->leg == leg && hop->event.hook != VL_HOOK_OUT && hop->end->node == node &&
		    !event_is_redirect(&hop->event))
			return i;
	}
	return -1;
}

/* The last hook that an arrival passed at its end: xdp, then in. */
static int last_of_arrival(const struct itinerary *itinerary, int arrival)
{
	const struct hop *hops = itinerary->hops;
	int last = arrival;

	for (size_t i = arrival + 1; i < itinerary->n_hops; i++)
		if (hops[i].leg == hops[arrival].leg && hops[i].end == hops[arrival].end &&
		    hops[i].event.hook != VL_HOOK_OUT)
			last = i;
	return last;
}

bool drop_is_multicast(const struct drop *drop)
{
	return packet_is_multicast(&drop->record.packet);
}

static bool was_delivered(const struct itinerary *itinerary, const struct lab *lab)
{
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].leg == LEG_REQUEST && is_at_home(&itinerary->hops[i], lab))
			return true;
	return false;
}

/* Whether a hop is a copy that came to a node by flooding, and is for another one there. */
static bool is_stray(const struct itinerary *itinerary, const struct hop *hop)
{
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];

		if (drop->node == hop->end->node && drop->leg == hop->leg &&
		    hop->event.hook != VL_HOOK_OUT && drop->harmless &&
		    !strcmp(drop->reason, "OTHERHOST"))
			return true;
	}
	return false;
}

/*
 * Which hops are strays, or led to strays alone: the packet itself got no further than before them.
 * A hop stands behind its cause, so all that a hop led to is known when its turn comes.
 */
static void find_strays(const struct itinerary *itinerary, bool strays[ITINERARY_HOPS_MAX])
{
	const struct hop *hops = itinerary->hops;
	bool led[ITINERARY_HOPS_MAX] = {false}, led_on[ITINERARY_HOPS_MAX] = {false};

	for (int i = (int)itinerary->n_hops - 1; i >= 0; i--) {
		int from = hops[i].from;

		strays[i] = is_stray(itinerary, &hops[i]) ||
			    (hops[i].event.hook == VL_HOOK_OUT && led[i] && !led_on[i]);
		if (from < 0)
			continue;
		led[from] = true;
		led_on[from] |= !strays[i];
	}
}

/*
 * Where the newest packet was seen last; of a flood, the branch that reached the addressee, or if
 * none did, where it was before it was flooded to those that it is not for.
 */
static int last_hop(const struct itinerary *itinerary, const struct lab *lab)
{
	const struct hop *hops = itinerary->hops;
	enum leg newest = LEG_REQUEST;
	bool arrived = false, strays[ITINERARY_HOPS_MAX];
	int last = -1;

	find_strays(itinerary, strays);
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (hops[i].leg > newest && !event_is_redirect(&hops[i].event))
			newest = hops[i].leg;
	for (int i = 0; i < (int)itinerary->n_hops; i++) {
		bool here;

		if (hops[i].leg != newest || strays[i] || event_is_redirect(&hops[i].event))
			continue;
		here = is_at_home(&hops[i], lab);
		if (arrived && !here)
			continue;
		arrived = here;
		last = i;
	}
	return last;
}

/* Where the packet that an error is about was seen last; -1: nowhere. */
static int died_at(const struct itinerary *itinerary, int error)
{
	const struct hop *hops = itinerary->hops;
	int i = error;

	while (i >= 0 && hops[i].leg == LEG_ERROR)
		i = hops[i].from;
	return i;
}

/* Whether the links of a leg back are those of the request, backwards. */
static bool came_another_way(const struct itinerary *itinerary, int arrival)
{
	const struct hop *hops = itinerary->hops;
	const struct link *back[ITINERARY_HOPS_MAX], *there[ITINERARY_HOPS_MAX];
	int n_back = 0, n_there = 0, i = arrival;

	if (itinerary->protocol)
		return false; /* not known */
	for (; i >= 0; i = hops[i].from) {
		bool is_there = hops[i].leg == LEG_REQUEST;

		if (hops[i].step == STEP_GAP)
			return false; /* not known */
		if (hops[i].step != STEP_LINK)
			continue;
		if (is_there)
			there[n_there++] = hops[i].end->link;
		else
			back[n_back++] = hops[i].end->link;
	}
	if (n_back != n_there)
		return true;
	for (i = 0; i < n_back; i++)
		if (back[i] != there[n_there - 1 - i])
			return true;
	return false;
}

/* Whether the place where it was seen last is its destination, and all of it came there. */
static bool is_delivery(const struct itinerary *itinerary, const struct lab *lab)
{
	const struct hop *last = itinerary->last >= 0 ? &itinerary->hops[itinerary->last] : NULL;

	return last && last->leg == LEG_REQUEST && !last->incomplete && is_at_home(last, lab);
}

void itinerary_judge(struct itinerary *itinerary, const struct lab *lab)
{
	int reply, error;

	find_makers(itinerary);
	itinerary->origin = origin_of(itinerary, lab);
	itinerary->answerer = NULL;
	itinerary->delivered = was_delivered(itinerary, lab);
	itinerary->asymmetric = false;
	itinerary->round_trip_ns = 0;
	itinerary->death = find_death(itinerary, lab); /* says which drops are harmless */
	itinerary->last = last_hop(itinerary, lab);
	itinerary->waits_for = -1;
	reply = answer_dropped(itinerary, LEG_REPLY)
			? -1
			: arrival_at(itinerary, LEG_REPLY, itinerary->origin);
	error = answer_dropped(itinerary, LEG_ERROR)
			? -1
			: arrival_at(itinerary, LEG_ERROR, itinerary->origin);
	itinerary->arrival = reply >= 0 ? reply : error;
	itinerary->fate = reply >= 0			? FATE_ANSWERED
			  : error >= 0			? FATE_REFUSED
			  : itinerary->death >= 0	? FATE_DROPPED
			  : is_delivery(itinerary, lab) ? FATE_DELIVERED
			  : itinerary->n_hops		? FATE_LOST
							: FATE_UNSEEN;
	itinerary->answered = itinerary->fate == FATE_ANSWERED;
	if (itinerary->arrival < 0)
		return;
	itinerary->last =
		reply >= 0 ? last_of_arrival(itinerary, reply) : died_at(itinerary, error);
	itinerary->answerer = maker_of(itinerary, itinerary->arrival);
	itinerary->round_trip_ns = itinerary->hops[itinerary->arrival].at_ns;
	itinerary->asymmetric = came_another_way(itinerary, itinerary->arrival);
}
