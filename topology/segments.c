// SPDX-License-Identifier: GPL-2.0-only
/* segments.c - links joined by bridges, by union-find. */
#include <errno.h>
#include <stdlib.h>

#include "topology/segments.h"

/* The lowest link of the set that link is in; halves the way for the next time. */
static unsigned find(unsigned *parent, unsigned link)
{
	while (parent[link] != link) {
		parent[link] = parent[parent[link]];
		link = parent[link];
	}
	return link;
}

static void join(unsigned *parent, unsigned a, unsigned b)
{
	a = find(parent, a);
	b = find(parent, b);
	if (a < b)
		parent[b] = a;
	else
		parent[a] = b;
}

const struct end *bridge_port(const struct node *node)
{
	for (size_t i = 0; i < node->n_ends; i++)
		if (end_is_port(node->ends[i]))
			return node->ends[i];
	return NULL;
}

int segments_find(struct segments *segments, const struct lab *lab)
{
	unsigned *parent = calloc(lab->n_links + 1, sizeof(*parent));
	size_t count = 0;

	if (!parent)
		return -ENOMEM;
	for (size_t i = 0; i < lab->n_links; i++)
		parent[i] = i;
	for (size_t i = 0; i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];
		const struct end *first = bridge_port(node);

		for (size_t j = 0; first && j < node->n_ends; j++)
			if (end_is_port(node->ends[j]))
				join(parent, first->link->index, node->ends[j]->link->index);
	}
	/* A set is numbered by its lowest link, which comes first. */
	for (size_t i = 0; i < lab->n_links; i++)
		parent[i] = find(parent, i);
	for (size_t i = 0; i < lab->n_links; i++)
		parent[i] = parent[i] == i ? count++ : parent[parent[i]];
	*segments = (struct segments){.of_link = parent, .count = count};
	return 0;
}

void segments_free(struct segments *segments)
{
	free(segments->of_link);
	*segments = (struct segments){};
}
