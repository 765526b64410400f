// SPDX-License-Identifier: GPL-2.0-only
/* model.c - a lab's memory and its look-ups. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/ip.h"
#include "topology/model.h"
#include "user/base/strmap.h"

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

static void route_free(struct route *route)
{
	free(route->hops);
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
		route_free(&node->routes[i]);
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

/* The first owner of addr in a sorted list. */
static const struct owner *owner_search(const struct lab_index *index, const struct ip_addr *addr)
{
	size_t low = 0, high = index->n_owners;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ip_compare(&index->owners[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == index->n_owners || !ip_equal(&index->owners[low].addr, addr))
		return NULL;
	return &index->owners[low];
}

static bool match_owner(const struct owner *owner, void *arg)
{
	struct owner *wanted = arg;

	if (!ip_equal(&owner->addr, &wanted->addr))
		return false;
	*wanted = *owner;
	return true;
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

/* ---- names --------------------------------------------------------------------------------- */

const char *lab_name_problem(const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return "a lab name cannot be empty";
	if (len > LAB_NAME_MAX)
		return "a lab name has at most 31 characters";
	if (name[0] == '-')
		return "a lab name cannot start with '-', since it would look like an option";
	for (; *name; name++)
		if (!isascii((unsigned char)*name) ||
		    (!isalnum((unsigned char)*name) && !strchr("_-", *name)))
			return "a lab name is made of the letters A-Z and a-z, digits, '_' and '-'";
	return NULL;
}

/*
 * Edits (insert, delete, replace, swap of neighbours) from a to b, or most + 1 if they are more.
 * Both at most 63 characters.
 */
static unsigned edit_distance(const char *a, const char *b, unsigned most)
{
	size_t len_a = strlen(a), len_b = strlen(b);
	uint8_t rows[3][64 + 1];

	if (len_a > 63 || len_b > 63 || len_a > len_b + most || len_b > len_a + most)
		return most + 1;
	for (size_t j = 0; j <= len_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		uint8_t *row = rows[i % 3], *up = rows[(i - 1) % 3], *up2 = rows[(i + 1) % 3];
		unsigned best = row[0] = i;

		for (size_t j = 1; j <= len_b; j++) {
			unsigned edits = up[j - 1] + (tolower((unsigned char)a[i - 1]) !=
						      tolower((unsigned char)b[j - 1]));

			if (up[j] + 1u < edits)
				edits = up[j] + 1;
			if (row[j - 1] + 1u < edits)
				edits = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1u < edits)
				edits = up2[j - 2] + 1;
			row[j] = edits;
			if (edits < best)
				best = edits;
		}
		if (best > most + 1)
			return most + 1;
	}
	return rows[len_a % 3][len_b];
}

/* The one name that was begun, and not ended; NULL: none or several, or hardly begun. */
static const char *only_longer(const char *typed, const char *const *names, size_t n)
{
	size_t len = strlen(typed);
	const char *found = NULL;

	if (len < 3)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(names[i], typed, len))
			continue;
		if (found && strcmp(found, names[i]))
			return NULL;
		found = names[i];
	}
	return found;
}

const char *nearest_name(const char *typed, const char *const *names, size_t n)
{
	/* A third of the letters wrong is a typo; more is another word. */
	unsigned most = strlen(typed) / 3;
	const char *nearest = NULL;

	if (most > 4)
		most = 4;
	for (size_t i = 0; i < n; i++) {
		unsigned edits = edit_distance(typed, names[i], most);

		if (edits > most)
			continue;
		nearest = names[i];
		if (!edits)
			break;
		most = edits - 1; /* only a nearer one replaces it */
	}
	return nearest ? nearest : only_longer(typed, names, n);
}
