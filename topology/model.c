// SPDX-License-Identifier: GPL-2.0-only
/* model.c - see model.h. The reader that fills a lab is reader.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/ip.h"
#include "topology/model.h"
#include "user/base/array.h"
#include "user/base/strmap.h"

enum { VETH_MTU = 1500 }; /* what the kernel gives a new veth: ETH_DATA_LEN */

/* Who owns an address. */
struct owner {
	struct ip_addr addr;
	struct node *node;
	struct end *end; /* NULL: lo or the bridge */
};

struct lab_index {
	struct strmap nodes, ends;
	struct owner *owners; /* by address; of equal ones the first of the lab first */
	size_t n_owners;
	struct end **numbered; /* by end->number; NULL: no end has it */
	size_t n_numbered;
};

static void index_free(struct lab_index *index)
{
	if (!index)
		return;
	strmap_free(&index->nodes);
	strmap_free(&index->ends);
	free(index->owners);
	free(index->numbered);
	free(index);
}

void route_clear(struct route *route)
{
	free(route->hops);
	free(route->body);
	route->hops = NULL;
	route->body = NULL;
}

int route_copy(struct route *copy, const struct route *route)
{
	size_t size = route->body ? sizeof(*route->body) + route->body->size : 0;
	struct nexthop *hops = calloc(route->n_hops + 1, sizeof(*hops));
	struct route_body *body = size ? malloc(size) : NULL;

	if (!hops || (size && !body)) {
		free(hops);
		free(body);
		return -ENOMEM;
	}
	if (route->n_hops)
		memcpy(hops, route->hops, route->n_hops * sizeof(*hops));
	if (size)
		memcpy(body, route->body, size);
	*copy = *route;
	copy->hops = hops;
	copy->body = body;
	return 0;
}

static void node_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n_sysctls; i++) {
		free(node->sysctls[i].key);
		free(node->sysctls[i].value);
	}
	for (size_t i = 0; i < node->n_routes; i++)
		route_clear(&node->routes[i]);
	for (size_t i = 0; i < node->n_exec; i++)
		free(node->exec[i].line);
	free(node->netns_path);
	free(node->lo_addresses);
	free(node->bridge_addresses);
	free(node->sysctls);
	free(node->routes);
	free(node->neighbors);
	free(node->exec);
	free(node->nft);
	free(node->ends);
	free(node);
}

static void link_free(struct link *link)
{
	if (!link)
		return;
	for (int side = 0; side < 2; side++) {
		if (link->ends[side])
			free(link->ends[side]->addresses);
		free(link->ends[side]);
	}
	free(link);
}

void lab_free(struct lab *lab)
{
	if (!lab)
		return;
	index_free(lab->index);
	for (size_t i = 0; i < lab->n_nodes; i++)
		node_free(lab->nodes[i]);
	for (size_t i = 0; i < lab->n_links; i++)
		link_free(lab->links[i]);
	free(lab->nodes);
	free(lab->links);
	free(lab->about);
	free(lab->path);
	free(lab->text);
	free(lab);
}

/* ---- look-ups ------------------------------------------------------------------------------ */

/*
 * Call fn with every address of the lab, in the order of the file; fn returns true to stop. Returns
 * whether it did.
 */
static bool each_address(const struct lab *lab, bool (*fn)(const struct owner *, void *), void *arg)
{
	for (size_t i = 0; i < lab->n_nodes; i++) {
		struct node *node = lab->nodes[i];

		for (size_t j = 0; j < node->n_lo_addresses; j++)
			if (fn(&(struct owner){node->lo_addresses[j].prefix.addr, node}, arg))
				return true;
		for (size_t j = 0; j < node->n_bridge_addresses; j++)
			if (fn(&(struct owner){node->bridge_addresses[j].prefix.addr, node}, arg))
				return true;
	}
	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		struct end *end = lab_end(lab, i);

		for (size_t j = 0; j < end->n_addresses; j++) {
			struct owner owner = {end->addresses[j].prefix.addr, end->node, end};

			if (fn(&owner, arg))
				return true;
		}
	}
	return false;
}

static bool count_owner(const struct owner *owner, void *arg)
{
	size_t *n = arg;

	(void)owner;
	++*n;
	return false;
}

static bool keep_owner(const struct owner *owner, void *arg)
{
	struct lab_index *index = arg;

	index->owners[index->n_owners++] = *owner;
	return false;
}

static int owner_compare(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	if (order)
		return order;
	/* qsort is not stable: the order of the file again, lo and bridge before ends. */
	if (!x->end || !y->end)
		return !!x->end - !!y->end ?: (int)x->node->index - (int)y->node->index;
	return (int)x->end->number - (int)y->end->number;
}

/* Numbers are those of a lab's counters: few more than it has ends. */
static int index_numbers(struct lab_index *index, const struct lab *lab)
{
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		if (lab_end(lab, i)->number >= index->n_numbered)
			index->n_numbered = lab_end(lab, i)->number + 1;
	index->numbered = calloc(index->n_numbered + 1, sizeof(*index->numbered));
	if (!index->numbered)
		return -ENOMEM;
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		index->numbered[lab_end(lab, i)->number] = lab_end(lab, i);
	return 0;
}

int lab_index(struct lab *lab)
{
	struct lab_index *index = calloc(1, sizeof(*index));
	size_t n = 0;

	if (!index)
		return -ENOMEM;
	each_address(lab, count_owner, &n);
	index->owners = calloc(n + 1, sizeof(*index->owners));
	if (!index->owners)
		goto no_memory;
	each_address(lab, keep_owner, index);
	qsort(index->owners, n, sizeof(*index->owners), owner_compare);
	for (size_t i = 0; i < lab->n_nodes; i++)
		if (!strmap_add(&index->nodes, lab->nodes[i]->name, lab->nodes[i]))
			goto no_memory;
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		if (!strmap_add(&index->ends, lab_end(lab, i)->name, lab_end(lab, i)))
			goto no_memory;
	if (index_numbers(index, lab))
		goto no_memory;
	index_free(lab->index);
	lab->index = index;
	return 0;

no_memory:
	index_free(index);
	return -ENOMEM;
}

struct node *lab_find_node(const struct lab *lab, const char *name)
{
	if (lab->index)
		return strmap_find(&lab->index->nodes, name);
	for (size_t i = 0; i < lab->n_nodes; i++)
		if (!strcmp(lab->nodes[i]->name, name))
			return lab->nodes[i];
	return NULL;
}

struct end *lab_find_end(const struct lab *lab, const char *name)
{
	if (lab->index)
		return strmap_find(&lab->index->ends, name);
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		if (!strcmp(lab_end(lab, i)->name, name))
			return lab_end(lab, i);
	return NULL;
}

struct end *lab_find_number(const struct lab *lab, unsigned number)
{
	const struct lab_index *index = lab->index;

	if (index)
		return number < index->n_numbered ? index->numbered[number] : NULL;
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		if (lab_end(lab, i)->number == number)
			return lab_end(lab, i);
	return NULL;
}

static bool owner_is_before(const void *element, const void *addr)
{
	const struct owner *owner = element;

	return ip_compare(&owner->addr, addr) < 0;
}

/* The first owner of addr in a sorted list. */
static const struct owner *owner_search(const struct lab_index *index, const struct ip_addr *addr)
{
	size_t i = array_lower_bound(index->owners, index->n_owners, sizeof(*index->owners), addr,
				     owner_is_before);

	if (i == index->n_owners || !ip_equal(&index->owners[i].addr, addr))
		return NULL;
	return &index->owners[i];
}

static bool match_owner(const struct owner *owner, void *arg)
{
	struct owner *wanted = arg;

	if (!ip_equal(&owner->addr, &wanted->addr))
		return false;
	*wanted = *owner;
	return true;
}

bool addresses_have(const struct address *list, size_t n, const struct ip_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (ip_equal(&list[i].prefix.addr, addr))
			return true;
	return false;
}

bool lab_find_address(const struct lab *lab, const struct ip_addr *addr, struct node **node,
		      struct end **end)
{
	struct owner found = {.addr = *addr};

	if (lab->index) {
		const struct owner *owner = owner_search(lab->index, addr);

		if (!owner)
			return false;
		found = *owner;
	} else if (!each_address(lab, match_owner, &found)) {
		return false;
	}
	*node = found.node;
	*end = found.end;
	return true;
}

/* ---- effective settings -------------------------------------------------------------------- */

const struct sysctl forward_v4 = {"net.ipv4.ip_forward", "1", {}};
const struct sysctl forward_v6 = {"net.ipv6.conf.all.forwarding", "1", {}};

uint32_t end_mtu(const struct end *end)
{
	return end->mtu ?: end->link->mtu ?: VETH_MTU;
}

enum xdp_mode link_xdp(const struct lab *lab, const struct link *link, enum xdp_mode asked)
{
	return asked ?: link->xdp ?: lab->xdp ?: XDP_MODE_OFF;
}

unsigned link_hooks(const struct lab *lab, const struct link *link, unsigned asked)
{
	return asked ?: link->hooks ?: lab->hooks ?: HOOKS_IN | HOOKS_OUT;
}
