// SPDX-License-Identifier: GPL-2.0-only
/* autoaddr.c - subnets out of pools for segments, addresses out of subnets for ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"
#include "topology/autoaddr.h"
#include "user/base/array.h"

void autoaddr_default_pools(struct autoaddr *plan)
{
	plan->pools[0] = (struct address_pool){.subnet = 30};
	plan->pools[1] = (struct address_pool){.subnet = 64};
	ip_prefix_parse("10.0.0.0/8", &plan->pools[0].prefix);
	ip_prefix_parse("fd00::/48", &plan->pools[1].prefix);
}

/* ---- what is taken ------------------------------------------------------------------------- */

/* Networks that the file gives to others: sorted, none inside another. */
struct taken_subnet {
	struct ip_prefix *list;
	size_t count;
};

static int network_compare(const void *a, const void *b)
{
	const struct ip_prefix *p = a, *q = b;

	return ip_compare(&p->addr, &q->addr) ?: p->len - q->len;
}

static size_t take(struct ip_prefix *list, const struct address *addresses, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		list[i] = ip_network(&addresses[i].prefix);
	return n;
}

/* All networks of the lab into list; NULL: count them. */
static size_t take_all(const struct lab *lab, struct ip_prefix *list)
{
	size_t n = 0;

	for (size_t i = 0; i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];

		n += take(list ? list + n : NULL, node->lo_addresses, node->n_lo_addresses);
		n += take(list ? list + n : NULL, node->bridge_addresses, node->n_bridge_addresses);
	}
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		n += take(list ? list + n : NULL, lab_end(lab, i)->addresses,
			  lab_end(lab, i)->n_addresses);
	return n;
}

static int taken_find(struct taken_subnet *taken, const struct lab *lab)
{
	size_t n = take_all(lab, NULL), kept = 0;

	taken->list = calloc(n + 1, sizeof(*taken->list));
	if (!taken->list)
		return -ENOMEM;
	take_all(lab, taken->list);
	qsort(taken->list, n, sizeof(*taken->list), network_compare);
	for (size_t i = 0; i < n; i++)
		if (!kept || !ip_prefix_contains(&taken->list[kept - 1], &taken->list[i].addr))
			taken->list[kept++] = taken->list[i];
	taken->count = kept;
	return 0;
}

static bool starts_at_or_before(const void *element, const void *addr)
{
	const struct ip_prefix *subnet = element;

	return ip_compare(&subnet->addr, addr) <= 0;
}

/* A taken network that shares addresses with subnet, or NULL. */
static const struct ip_prefix *taken_overlap(const struct taken_subnet *taken,
					     const struct ip_prefix *subnet)
{
	/* The first that starts behind the subnet's start; only it and the one before can overlap.
	 */
	size_t i = array_lower_bound(taken->list, taken->count, sizeof(*taken->list), &subnet->addr,
				     starts_at_or_before);

	if (i < taken->count && ip_prefix_overlap(&taken->list[i], subnet))
		return &taken->list[i];
	if (i && ip_prefix_overlap(&taken->list[i - 1], subnet))
		return &taken->list[i - 1];
	return NULL;
}

/* ---- subnets out of a pool ----------------------------------------------------------------- */

struct cursor {
	const struct address_pool *pool;
	struct ip_addr next; /* nothing before it is free */
	bool full, told;
};

/* Let the cursor stand behind a subnet. */
static void step_over(struct cursor *cursor, const struct ip_prefix *subnet)
{
	cursor->next = ip_network(subnet).addr;
	if (!ip_add(&cursor->next, 1, ip_bits(subnet->addr.family) - subnet->len))
		cursor->full = true;
}

/* The next free subnet of len bits; false: the pool has none. */
static bool next_subnet(struct cursor *cursor, const struct taken_subnet *taken, uint8_t len,
			struct ip_prefix *subnet)
{
	while (!cursor->full) {
		struct ip_prefix candidate = {.addr = cursor->next, .len = len};
		struct ip_prefix aligned = ip_network(&candidate);
		const struct ip_prefix *overlap;

		if (!ip_equal(&aligned.addr, &cursor->next)) {
			step_over(cursor, &aligned); /* to the next multiple of its size */
			continue;
		}
		if (len < cursor->pool->prefix.len ||
		    !ip_prefix_contains(&cursor->pool->prefix, &candidate.addr))
			break;
		overlap = taken_overlap(taken, &candidate);
		step_over(cursor, overlap && overlap->len < len ? overlap : &candidate);
		if (overlap)
			continue;
		*subnet = candidate;
		return true;
	}
	return false;
}

/* ---- addresses for a segment --------------------------------------------------------------- */

/* The links of all segments, by segment: links of segment s are list[first[s]] to
 * list[first[s+1]-1]. */
struct members {
	struct link **list;
	size_t *first;
};

static int members_find(struct members *members, const struct lab *lab,
			const struct segments *segments)
{
	size_t *fill;

	members->list = calloc(lab->n_links + 1, sizeof(*members->list));
	members->first = calloc(segments->count + 2, sizeof(*members->first));
	if (!members->list || !members->first)
		return -ENOMEM;
	/* Counts one place later, so that filling moves them to where they start. */
	fill = members->first + 1;
	for (size_t i = 0; i < lab->n_links; i++)
		if (segments->of_link[i] + 1 < segments->count)
			fill[segments->of_link[i] + 1]++;
	for (size_t s = 1; s < segments->count; s++)
		fill[s] += fill[s - 1];
	for (size_t i = 0; i < lab->n_links; i++)
		members->list[fill[segments->of_link[i]]++] = lab->links[i];
	return 0;
}

/* Whether all of a segment is planned, or nothing: half of it could not be one subnet. */
static bool check_segment(const struct autoaddr *plan, struct link **links, size_t n,
			  struct diags *diags)
{
	size_t automatic = 0;

	for (size_t i = 0; i < n; i++)
		automatic += plan->automatic[links[i]->index];
	if (!automatic)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!plan->automatic[links[i]->index])
			diags_add(
				diags, SEVERITY_ERROR, links[i]->where,
				"say `addresses: auto` for every link of the bridge, or for none",
				"the link has no `addresses: auto`, but others on its bridge have");
		for (int side = 0; side < 2; side++)
			if (links[i]->ends[side]->n_addresses)
				diags_add(diags, SEVERITY_ERROR, links[i]->ends[side]->where,
					  "take the addresses away, or the `auto`",
					  "%s has addresses, but its link says `addresses: auto`",
					  links[i]->ends[side]->name);
	}
	return true;
}

static int add_address(struct end *end, const struct ip_prefix *subnet, uint64_t host)
{
	struct address *address;

	if (array_reserve_one(&end->addresses, end->n_addresses, sizeof(*address)))
		return -ENOMEM;
	address = &end->addresses[end->n_addresses++];
	*address = (struct address){.prefix = *subnet, .where = end->link->where};
	ip_add(&address->prefix.addr, host, 0);
	return 0;
}

/* The length of a subnet for n hosts: the pool's, or shorter when they do not fit. */
static uint8_t fitting_length(const struct address_pool *pool, size_t n)
{
	unsigned bits = ip_bits(pool->prefix.addr.family);
	uint8_t len = pool->subnet;

	if (n <= 2)
		return len;
	/* The lowest address is the network itself, the highest its broadcast address. */
	while (len && bits - len < 32 && (UINT64_C(1) << (bits - len)) < n + 2)
		len--;
	return len;
}

static int plan_segment(struct cursor *cursor, const struct taken_subnet *taken,
			struct link **links, size_t n_links, struct diags *diags)
{
	uint8_t family = cursor->pool->prefix.addr.family;
	struct ip_prefix subnet;
	size_t n = 0;
	uint64_t host;

	for (size_t i = 0; i < n_links; i++)
		n += !end_is_port(links[i]->ends[0]) + !end_is_port(links[i]->ends[1]);
	if (!n)
		return 0;
	if (!next_subnet(cursor, taken, fitting_length(cursor->pool, n), &subnet)) {
		if (!cursor->told)
			diags_add(diags, SEVERITY_ERROR, links[0]->where,
				  "give more room: `pools: {v4: ..., v6: ...}`",
				  "the pool of %s addresses is used up at this link",
				  family == AF_INET ? "IPv4" : "IPv6");
		cursor->told = true; /* once */
		return 0;
	}
	host = subnet.len < ip_bits(family) - 1; /* a subnet of two addresses uses both */
	for (size_t i = 0; i < n_links; i++)
		for (int side = 0; side < 2; side++)
			if (!end_is_port(links[i]->ends[side]) &&
			    add_address(links[i]->ends[side], &subnet, host++) < 0)
				return -ENOMEM;
	return 0;
}

static int plan_segments(const struct autoaddr *plan, const struct members *members,
			 size_t n_segments, const struct taken_subnet *taken, struct diags *diags)
{
	struct cursor cursors[2];
	int result = 0;

	for (int i = 0; i < 2; i++)
		cursors[i] = (struct cursor){.pool = &plan->pools[i],
					     .next = plan->pools[i].prefix.addr};
	for (size_t s = 0; s < n_segments && result == 0; s++) {
		struct link **links = members->list + members->first[s];
		size_t n = members->first[s + 1] - members->first[s];

		if (!check_segment(plan, links, n, diags))
			continue;
		for (int i = 0; i < 2 && result == 0; i++)
			if (plan->pools[i].prefix.addr.family)
				result = plan_segment(&cursors[i], taken, links, n, diags);
	}
	return result;
}

int autoaddr_assign(struct lab *lab, const struct autoaddr *plan, const struct segments *segments,
		    struct diags *diags)
{
	struct members members = {};
	struct taken_subnet taken = {};
	int result = taken_find(&taken, lab);

	if (result == 0)
		result = members_find(&members, lab, segments);
	if (result == 0)
		result = plan_segments(plan, &members, segments->count, &taken, diags);
	free(taken.list);
	free(members.list);
	free(members.first);
	return result;
}
