// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab_diff.c - see lab_diff.h: which nodes and links stay, come and go. What changes inside a node
 * that stays is in lab_diff_node.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "topology/lab_diff_node.h"

/* ---- nodes --------------------------------------------------------------------------------- */

/* Why a node of the same name is another one; NULL: it is the same. */
static const char *node_reason(const struct node *was, const struct node *now)
{
	if (was->kind != now->kind)
		return now->kind == NODE_BRIDGE ? "it becomes a bridge"
						: "it is no bridge any more";
	if (was->netns != now->netns || was->netns_pid != now->netns_pid ||
	    (was->netns == NETNS_PATH && strcmp(was->netns_path, now->netns_path) != 0))
		return "it is another namespace";
	if (was->inherits != now->inherits)
		return now->inherits ? "it inherits settings now"
				     : "it inherits settings no longer";
	if (now->kind == NODE_BRIDGE && strcmp(was->bridge.dev, now->bridge.dev) != 0)
		return "its bridge has another name";
	return NULL;
}

static void diff_nodes(struct differ *d)
{
	for (size_t i = 0; i < d->was->n_nodes; i++) {
		const struct node *was = d->was->nodes[i], *now = lab_find_node(d->now, was->name);
		const char *reason = now ? node_reason(was, now) : NULL;

		if (now && !reason) {
			differ_node(d, was, now);
			continue;
		}
		differ_leave_node(d, was);
		differ_add(d, &(struct lab_change){CHANGE_NODE_REMOVE, was, .reason = reason});
	}
	for (size_t i = 0; i < d->now->n_nodes; i++) {
		const struct node *now = d->now->nodes[i], *was = lab_find_node(d->was, now->name);
		const char *reason = was ? node_reason(was, now) : NULL;

		if (!was || reason)
			differ_add(d, &(struct lab_change){CHANGE_NODE_ADD, now, .reason = reason});
	}
}

/* ---- links --------------------------------------------------------------------------------- */

const struct end *lab_diff_same_end(const struct lab *other, const struct end *end)
{
	const struct end *same = lab_find_end(other, end->name);

	return same && !strcmp(same->peer->name, end->peer->name) ? same : NULL;
}

static bool node_is_other(const struct node *was, const struct node *now)
{
	return node_reason(was, now) != NULL;
}

/* Why a link with the same ends is another one; end: one of them, as it was and is. */
static const char *link_reason(const struct differ *d, const struct end *was, const struct end *now)
{
	const struct lab_diff_options *asked = d->options;

	if (node_is_other(was->node, now->node) || node_is_other(was->peer->node, now->peer->node))
		return "a node of it is built again";
	if (was->no_port != now->no_port || was->peer->no_port != now->peer->no_port)
		return "an end of it joins or leaves its bridge";
	if (was->link->queues != now->link->queues)
		return "its queues change";
	if (link_hooks(d->was, was->link, asked->hooks) !=
	    link_hooks(d->now, now->link, asked->hooks))
		return "its hooks change";
	/* Without any hook there is no XDP program either (running_hooks). */
	if (link_hooks(d->now, now->link, asked->hooks) != HOOKS_NONE &&
	    link_xdp(d->was, was->link, asked->xdp) != link_xdp(d->now, now->link, asked->xdp))
		return "its XDP mode changes";
	return NULL;
}

static bool same_mac(const struct end *was, const struct end *now)
{
	return was->has_mac == now->has_mac &&
	       (!now->has_mac || !memcmp(was->mac, now->mac, sizeof(now->mac)));
}

static bool same_offloads(const struct link *was, const struct link *now)
{
	return was->tx_checksum == now->tx_checksum && was->tso == now->tso && was->gro == now->gro;
}

static bool same_txqueuelen(const struct link *was, const struct link *now)
{
	return was->has_txqueuelen == now->has_txqueuelen &&
	       (!now->has_txqueuelen || was->txqueuelen == now->txqueuelen);
}

static void diff_end(struct differ *d, const struct end *was, const struct end *now)
{
	struct lab_change change = {.node = now->node,
				    .was_node = was->node,
				    .link = now->link,
				    .end = now,
				    .was_end = was};
	const struct {
		enum lab_change_kind kind;
		bool same;
	} rows[] = {
		{CHANGE_MTU, end_mtu(was) == end_mtu(now)},
		{CHANGE_MAC, same_mac(was, now)},
		{CHANGE_TXQUEUELEN, same_txqueuelen(was->link, now->link)},
		{CHANGE_OFFLOADS, same_offloads(was->link, now->link)},
		{CHANGE_STATE, was->up == now->up},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		change.kind = rows[i].kind;
		if (!rows[i].same)
			differ_add(d, &change);
	}
	differ_addresses(d, &change, (struct addresses){was->addresses, was->n_addresses},
			 (struct addresses){now->addresses, now->n_addresses});
}

static void diff_links(struct differ *d)
{
	for (size_t i = 0; i < d->was->n_links; i++) {
		const struct end *was = d->was->links[i]->ends[0];
		const struct end *now = lab_diff_same_end(d->now, was);
		const char *reason = now ? link_reason(d, was, now) : NULL;

		if (!now || reason)
			differ_add(d, &(struct lab_change){CHANGE_LINK_REMOVE, was->node,
							   .link = was->link, .reason = reason});
	}
	for (size_t i = 0; i < d->now->n_links; i++) {
		const struct end *now = d->now->links[i]->ends[0];
		const struct end *was = lab_diff_same_end(d->was, now);
		const char *reason = was ? link_reason(d, was, now) : NULL;

		if (!was || reason) {
			differ_add(d, &(struct lab_change){CHANGE_LINK_ADD, now->node,
							   .link = now->link, .reason = reason});
			continue;
		}
		diff_end(d, was, now);
		diff_end(d, was->peer, now->peer);
	}
}

void lab_diff_free(struct lab_diff *diff)
{
	free(diff->list);
	*diff = (struct lab_diff){};
}

int lab_diff_make(struct lab_diff *diff, const struct lab *was, const struct lab *now,
		  const struct lab_diff_options *options)
{
	struct differ d = {.diff = diff, .was = was, .now = now, .options = options};

	*diff = (struct lab_diff){};
	diff_nodes(&d);
	diff_links(&d);
	if (d.no_memory) {
		lab_diff_free(diff);
		return -ENOMEM;
	}
	differ_sort(&d);
	return 0;
}
