// SPDX-License-Identifier: GPL-2.0-only
/* hop_maker.c - which node made the packet of a hop. */
#include <string.h>

#include "user/base/drop_causes.h"
#include "user/story/hop_maker.h"
#include "user/story/packets.h"

/* The node that has this address of the lab file, `node` before others; NULL: none. */
static const struct node *owner_of(const struct lab *lab, const struct ip_addr *addr,
				   const struct node *node)
{
	struct node *owner = NULL;
	struct end *end;

	for (size_t i = 0; i < node->n_ends; i++)
		if (addresses_have(node->ends[i]->addresses, node->ends[i]->n_addresses, addr))
			return node;
	if (addresses_have(node->lo_addresses, node->n_lo_addresses, addr) ||
	    addresses_have(node->bridge_addresses, node->n_bridge_addresses, addr))
		return node;
	return lab_find_address(lab, addr, &owner, &end) ? owner : NULL;
}

/*
 * Whether a node may have made this reply or error: it has the source address, or nobody of the lab
 * does. A trace that sees only some ends must not take a node that passes a reply on for its maker.
 */
static bool may_have_made(const struct lab *lab, const struct hop *hop)
{
	struct ip_addr from = event_source(&hop->event);
	const struct node *owner = owner_of(lab, &from, hop->end->node);

	return !owner || owner == hop->end->node;
}

/*
 * Whether the node has dropped what this error may be about (after it had sent the error, as a
 * rule: nf_send_unreach() comes before the verdict): then nobody behind it can have made the error,
 * whose source address is that of another node where NAT gave it the one of the connection.
 */
static bool is_about_drop(const struct itinerary *itinerary, const struct hop *hop)
{
	if (hop->leg != LEG_ERROR)
		return false;
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];

		/* Which drops are harmless is known later. */
		if (drop->node == hop->end->node && drop->leg < hop->leg &&
		    strcmp(drop->reason, "OTHERHOST") &&
		    !(drop_classify(drop->reason, drop->function).traits &
		      (DROP_ORDINARY | DROP_COPY | DROP_NO_PACKET)))
			return true;
	}
	return false;
}

bool hop_may_be_made_here(const struct itinerary *itinerary, const struct hop *hop,
			  const struct lab *lab)
{
	return may_have_made(lab, hop) || is_about_drop(itinerary, hop);
}

const struct node *hop_maker_before(const struct itinerary *itinerary, const struct hop *hop,
				    const struct node *seen, const struct lab *lab)
{
	struct ip_addr from = event_source(&hop->event);
	const struct node *owner = NULL;

	if (itinerary->not_seen && itinerary->not_seen[0])
		owner = owner_of(lab, &from, seen);
	return owner ? owner : seen;
}
