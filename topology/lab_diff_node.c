// SPDX-License-Identifier: GPL-2.0-only
/* lab_diff_node.c - see lab_diff_node.h. The lists of both nodes are sorted and then merged. */
#include <stdlib.h>
#include <string.h>

#include "topology/ip.h"
#include "topology/lab_diff_node.h"
#include "user/base/array.h"

/* ---- the list ------------------------------------------------------------------------------ */

void differ_add(struct differ *d, const struct lab_change *change)
{
	struct lab_diff *diff = d->diff;

	if (array_reserve_one(&diff->list, diff->n, sizeof(*diff->list))) {
		d->no_memory = true;
		return;
	}
	diff->list[diff->n] = *change;
	diff->list[diff->n].place = diff->n;
	diff->n++;
}

static int change_compare(const void *a, const void *b)
{
	const struct lab_change *x = a, *y = b;

	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	if (x->node != y->node)
		return x->node->index < y->node->index ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

void differ_sort(struct differ *d)
{
	if (d->diff->n)
		qsort(d->diff->list, d->diff->n, sizeof(*d->diff->list), change_compare);
}

/* ---- two lists that are merged --------------------------------------------------------------- */

/* A list of items of some type, and how they are told apart. */
struct items {
	const void *list;
	size_t n, size;
};

typedef int (*item_compare)(const void *a, const void *b);
/* Called for each item: as it was, as it is; NULL where it is missing. */
typedef void (*item_pair)(struct differ *d, struct lab_change change, const void *was,
			  const void *now);

static const void **sorted(const struct items *items, item_compare compare)
{
	const void **list = calloc(items->n + 1, sizeof(*list));

	for (size_t i = 0; list && i < items->n; i++)
		list[i] = (const char *)items->list + i * items->size;
	if (list && items->n)
		qsort(list, items->n, sizeof(*list), compare);
	return list;
}

static void merge(struct differ *d, const struct lab_change *change, const struct items *was,
		  const struct items *now, item_compare compare, item_pair pair)
{
	const void **a = sorted(was, compare), **b = sorted(now, compare);
	size_t i = 0, j = 0;

	if (!a || !b)
		d->no_memory = true;
	while (a && b && (i < was->n || j < now->n)) {
		int order = i == was->n ? 1 : j == now->n ? -1 : compare(&a[i], &b[j]);

		pair(d, *change, order <= 0 ? a[i] : NULL, order >= 0 ? b[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	free(a);
	free(b);
}

/* ---- addresses ----------------------------------------------------------------------------- */

static int prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_compare(&a->addr, &b->addr) ?: (int)a->len - (int)b->len;
}

static int address_compare(const void *a, const void *b)
{
	const struct address *x = *(const struct address *const *)a;
	const struct address *y = *(const struct address *const *)b;

	return prefix_compare(&x->prefix, &y->prefix);
}

static void address_pair(struct differ *d, struct lab_change change, const void *was,
			 const void *now)
{
	if (was && now)
		return;
	change.kind = now ? CHANGE_ADDRESS_ADD : CHANGE_ADDRESS_REMOVE;
	change.address = now ?: was;
	if (!now) {
		change.node = change.was_node;
		change.end = change.was_end;
		change.link = change.end ? change.end->link : NULL;
	}
	differ_add(d, &change);
}

void differ_addresses(struct differ *d, const struct lab_change *change, struct addresses was,
		      struct addresses now)
{
	struct items a = {was.list, was.n, sizeof(*was.list)};
	struct items b = {now.list, now.n, sizeof(*now.list)};

	merge(d, change, &a, &b, address_compare, address_pair);
}

/* ---- routes -------------------------------------------------------------------------------- */

/* One route a destination and metric: so the kernel tells them apart, but for those that a lab file
 * has no words for. */
static int route_compare(const void *a, const void *b)
{
	const struct route *x = *(const struct route *const *)a;
	const struct route *y = *(const struct route *const *)b;
	int order = prefix_compare(&x->to, &y->to);

	order = order ?: x->metric < y->metric ? -1 : x->metric > y->metric;
	return order ?: (x->body && x->body->apart) - (y->body && y->body->apart);
}

static bool same_route(const struct route *a, const struct route *b)
{
	if (a->kind != b->kind || a->n_hops != b->n_hops || a->computed != b->computed || a->body ||
	    b->body)
		return false;
	for (size_t i = 0; i < a->n_hops; i++)
		if (!ip_equal(&a->hops[i].via, &b->hops[i].via) ||
		    strcmp(a->hops[i].dev, b->hops[i].dev) != 0 ||
		    a->hops[i].weight != b->hops[i].weight)
			return false;
	return true;
}

static void route_pair(struct differ *d, struct lab_change change, const void *was, const void *now)
{
	if (was && now && same_route(was, now))
		return;
	change.kind = now ? CHANGE_ROUTE_SET : CHANGE_ROUTE_REMOVE;
	change.route = now ?: was;
	change.was_route = now ? was : NULL;
	change.node = now ? change.node : change.was_node;
	differ_add(d, &change);
}

/* ---- neighbors ----------------------------------------------------------------------------- */

static int neighbor_compare(const void *a, const void *b)
{
	const struct neighbor *x = *(const struct neighbor *const *)a;
	const struct neighbor *y = *(const struct neighbor *const *)b;

	return ip_compare(&x->addr, &y->addr) ?: strcmp(x->dev, y->dev);
}

static void neighbor_pair(struct differ *d, struct lab_change change, const void *was,
			  const void *now)
{
	change.neighbor = now ?: was;
	change.was_neighbor = now ? was : NULL;
	if (was && now && !memcmp(change.neighbor->mac, change.was_neighbor->mac, 6))
		return;
	change.kind = now ? CHANGE_NEIGHBOR_SET : CHANGE_NEIGHBOR_REMOVE;
	change.node = now ? change.node : change.was_node;
	differ_add(d, &change);
}

/* ---- sysctls ------------------------------------------------------------------------------- */

static int sysctl_compare(const void *a, const void *b)
{
	const struct sysctl *x = *(const struct sysctl *const *)a;
	const struct sysctl *y = *(const struct sysctl *const *)b;

	return strcmp(x->key, y->key);
}

static void sysctl_pair(struct differ *d, struct lab_change change, const void *was,
			const void *now)
{
	change.sysctl = now ?: was;
	change.was_sysctl = was;
	if (was && now && !strcmp(change.sysctl->value, change.was_sysctl->value))
		return;
	change.kind = now ? CHANGE_SYSCTL_SET : CHANGE_SYSCTL_RESET;
	change.node = now ? change.node : change.was_node;
	differ_add(d, &change);
}

static void diff_sysctls(struct differ *d, const struct lab_change *change, const struct node *was,
			 const struct node *now)
{
	struct items a = {was->sysctls, was->n_sysctls, sizeof(*was->sysctls)};
	struct items b = {now->sysctls, now->n_sysctls, sizeof(*now->sysctls)};

	merge(d, change, &a, &b, sysctl_compare, sysctl_pair);
	if (was->forward_v4 != now->forward_v4)
		sysctl_pair(d, *change, was->forward_v4 ? &forward_v4 : NULL,
			    now->forward_v4 ? &forward_v4 : NULL);
	if (was->forward_v6 != now->forward_v6)
		sysctl_pair(d, *change, was->forward_v6 ? &forward_v6 : NULL,
			    now->forward_v6 ? &forward_v6 : NULL);
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_exec(const struct node *was, const struct node *now)
{
	if (was->n_exec != now->n_exec)
		return false;
	for (size_t i = 0; i < now->n_exec; i++)
		if (strcmp(was->exec[i].line, now->exec[i].line) != 0)
			return false;
	return true;
}

static bool same_bridge(const struct bridge_options *a, const struct bridge_options *b)
{
	return a->stp == b->stp && a->vlan_filtering == b->vlan_filtering &&
	       a->has_ageing == b->has_ageing && (!a->has_ageing || a->ageing_s == b->ageing_s);
}

static void diff_routes(struct differ *d, const struct lab_change *change, const struct node *was,
			const struct node *now)
{
	struct items a = {was->routes, was->n_routes, sizeof(*was->routes)};
	struct items b = {now->routes, now->n_routes, sizeof(*now->routes)};

	merge(d, change, &a, &b, route_compare, route_pair);
}

void differ_node(struct differ *d, const struct node *was, const struct node *now)
{
	struct lab_change change = {.node = now, .was_node = was};
	struct items a = {was->neighbors, was->n_neighbors, sizeof(*was->neighbors)};
	struct items b = {now->neighbors, now->n_neighbors, sizeof(*now->neighbors)};
	const struct {
		enum lab_change_kind kind;
		bool same;
	} rows[] = {
		{CHANGE_BRIDGE, same_bridge(&was->bridge, &now->bridge)},
		{CHANGE_LO, was->lo_up == now->lo_up},
		{CHANGE_NFT, same_text(was->nft, now->nft)},
		{CHANGE_EXEC, same_exec(was, now)},
	};

	differ_addresses(d, &change, (struct addresses){was->lo_addresses, was->n_lo_addresses},
			 (struct addresses){now->lo_addresses, now->n_lo_addresses});
	diff_routes(d, &change, was, now);
	merge(d, &change, &a, &b, neighbor_compare, neighbor_pair);
	diff_sysctls(d, &change, was, now);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		change.kind = rows[i].kind;
		if (!rows[i].same)
			differ_add(d, &change);
	}
	change.bridge = true;
	differ_addresses(d, &change,
			 (struct addresses){was->bridge_addresses, was->n_bridge_addresses},
			 (struct addresses){now->bridge_addresses, now->n_bridge_addresses});
}

void differ_leave_node(struct differ *d, const struct node *was)
{
	const struct node nothing = {};
	const struct lab_change change = {.node = was, .was_node = was};

	if (was->netns == NETNS_NEW)
		return; /* it goes with all that is in it */
	diff_routes(d, &change, was, &nothing);
	diff_sysctls(d, &change, was, &nothing);
}
