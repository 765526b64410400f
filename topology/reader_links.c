// SPDX-License-Identifier: GPL-2.0-only
/* reader_links.c - `links:` of a lab file, and the names of interfaces that it leaves open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/reader_sections.h"
#include "topology/reader_values.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* A link while it is read. */
struct link_draft {
	struct link *link;
	const struct yaml *ends[2]; /* where they are written */
	unsigned n_ends;	    /* how many were written, good or not */
	bool up, end_up[2], end_has_up[2];
	bool automatic; /* `addresses: auto` */
};

/* One end while it is read. */
struct end_draft {
	struct link_draft *draft;
	struct end *end;
	const struct yaml *text; /* of "node:interface" */
	const struct yaml *port; /* of `port:` */
	unsigned side;
};

/* ---- an end -------------------------------------------------------------------------------- */

/* "node:interface" or "node", whose interface is named later. */
static void read_end_name(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "an end, like blue:eth0";
	const char *text = reader_text(r, value, expected), *colon, *problem;
	struct end_draft *draft = object;
	struct node *node;
	char *name, hint[160];

	if (!text)
		return;
	draft->text = value;
	colon = strchr(text, ':');
	name = arena_strndup(&r->arena, text, colon ? (size_t)(colon - text) : strlen(text));
	if (!name) {
		reader_no_memory(r);
		return;
	}
	node = strmap_find(&r->nodes, name);
	if (!node) {
		reader_error(r, value,
			     reader_guess_node(r, name, hint, sizeof(hint))
				     ?: "nodes are written under `nodes:`",
			     "there is no node \"%.80s\"", name);
		return;
	}
	problem = colon ? ifname_problem(colon + 1) : NULL;
	if (problem) {
		reader_error(r, value, NULL, "\"%.80s\": %s", text, problem);
		return;
	}
	draft->end->node = node;
	strcpy(draft->end->ifname, colon ? colon + 1 : "");
}

static void read_end_addresses(struct reader *r, const struct yaml *value, void *object)
{
	struct end_draft *draft = object;
	struct end *end = draft->end;

	reader_addresses(r, value, (struct address_list){&end->addresses, &end->n_addresses});
}

static void read_end_mac(struct reader *r, const struct yaml *value, void *object)
{
	struct end_draft *draft = object;

	if (reader_mac(r, value, draft->end->mac))
		draft->end->has_mac = true;
}

static void read_end_mtu(struct reader *r, const struct yaml *value, void *object)
{
	struct end_draft *draft = object;

	reader_number(r, value, 68, 65535, &draft->end->mtu);
}

static void read_end_up(struct reader *r, const struct yaml *value, void *object)
{
	struct end_draft *draft = object;

	draft->draft->end_has_up[draft->side] = true;
	reader_bool(r, value, &draft->draft->end_up[draft->side]);
}

static void read_end_port(struct reader *r, const struct yaml *value, void *object)
{
	struct end_draft *draft = object;
	bool port = true;

	reader_bool(r, value, &port);
	draft->end->no_port = !port;
	draft->port = value;
}

static const struct key end_keys[] = {
	{"end", read_end_name},	 {"address", read_end_addresses}, {"addresses", read_end_addresses},
	{"mac", read_end_mac},	 {"mtu", read_end_mtu},		  {"up", read_end_up},
	{"port", read_end_port},
};

static void end_free(struct end *end)
{
	if (end)
		free(end->addresses);
	free(end);
}

static void read_end(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;
	struct end_draft end = {.draft = draft, .side = draft->n_ends};

	if (draft->n_ends++ >= 2)
		return; /* the link's reader counts them */
	end.end = calloc(1, sizeof(*end.end));
	if (!end.end) {
		reader_no_memory(r);
		return;
	}
	draft->ends[end.side] = value;
	end.end->where = reader_where(r, value);
	if (value->kind == YAML_SCALAR && !yaml_is_null(value))
		read_end_name(r, value, &end);
	else if (reader_map(r, value, end_keys, ARRAY_SIZE(end_keys), &end, "an end") &&
		 !end.text && !yaml_find(value, "end"))
		reader_error(r, value, "write {end: \"blue:eth0\", ...}",
			     "the end does not say whose it is");
	if (end.text)
		end.end->where = reader_where(r, end.text);
	if (end.port && end.end->node && end.end->node->kind != NODE_BRIDGE)
		reader_error(r, end.port->key, NULL,
			     "`port` is for ends of bridges, and %s is none", end.end->node->name);
	if (end.end->node)
		draft->link->ends[end.side] = end.end;
	else
		end_free(end.end);
}

/* ---- a link's keys ------------------------------------------------------------------------- */

static void read_endpoints(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "a list of two ends, like [\"a:eth0\", \"b:eth0\"]";
	struct link_draft *draft = object;

	if (value->kind != YAML_LIST) {
		reader_bad(r, value, expected, NULL);
		draft->n_ends = 2; /* said what there is to say */
		return;
	}
	reader_each(r, value, read_end, draft);
	if (draft->n_ends != 2)
		reader_error(r, value, NULL, "a link has two ends, not %u", draft->n_ends);
}

static void read_mtu(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_number(r, value, 68, 65535, &draft->link->mtu);
}

static void read_up(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_bool(r, value, &draft->up);
}

static void read_txqueuelen(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_number(r, value, 0, 1000000, &draft->link->txqueuelen);
	draft->link->has_txqueuelen = true;
}

static void read_queues(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_number(r, value, 1, 4096, &draft->link->queues);
}

static void read_tx_checksum(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_setting(r, value, &draft->link->tx_checksum);
}

static void read_tso(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_setting(r, value, &draft->link->tso);
}

static void read_gro(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_setting(r, value, &draft->link->gro);
}

static void read_features(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"tx_checksum", read_tx_checksum},
		{"tso", read_tso},
		{"gro", read_gro},
	};

	reader_map(r, value, keys, ARRAY_SIZE(keys), object, "`features`");
}

static void read_addresses(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "auto or none";
	const char *text = reader_text(r, value, expected);
	struct link_draft *draft = object;

	if (!text)
		return;
	draft->automatic = !strcmp(text, "auto");
	if (!draft->automatic && strcmp(text, "none"))
		reader_bad(r, value, expected,
			   "addresses belong to the ends: {end: \"a:eth0\", address: 10.0.0.1/24}");
}

static void read_xdp(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_xdp(r, value, &draft->link->xdp);
}

static void read_hooks(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft *draft = object;

	reader_hooks(r, value, &draft->link->hooks);
}

/* The first OWN_KEYS make no sense in `defaults`. */
enum { OWN_KEYS = 1 };
static const struct key link_keys[] = {
	{"endpoints", read_endpoints},	 {"mtu", read_mtu},	  {"up", read_up},
	{"txqueuelen", read_txqueuelen}, {"queues", read_queues}, {"features", read_features},
	{"addresses", read_addresses},	 {"xdp", read_xdp},	  {"hooks", read_hooks},
};

/* ---- a link -------------------------------------------------------------------------------- */

static void link_drop(struct link *link)
{
	end_free(link->ends[0]);
	end_free(link->ends[1]);
	free(link);
}

/* Both ends know their link, number and state; the nodes know their ends. */
static void join(struct reader *r, struct link_draft *draft)
{
	struct link *link = draft->link;

	for (unsigned side = 0; side < 2; side++) {
		struct end *end = link->ends[side], **place;

		end->number = 2 * link->index + side;
		end->link = link;
		end->peer = link->ends[!side];
		end->up = draft->end_has_up[side] ? draft->end_up[side] : draft->up;
		place = reader_append(r, &end->node->ends, &end->node->n_ends, sizeof(*place));
		if (!place)
			return;
		*place = end;
	}
}

static void read_link(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft draft = {.up = true, .end_up = {true, true}};
	struct lab *lab = object;
	struct link **place;
	bool is_map, *automatic;

	draft.link = calloc(1, sizeof(*draft.link));
	if (!draft.link) {
		reader_no_memory(r);
		return;
	}
	draft.link->where = reader_where(r, value);
	is_map = reader_map(r, value, link_keys, ARRAY_SIZE(link_keys), &draft, "a link");
	if (is_map && !yaml_find(value, "endpoints"))
		reader_error(r, value, "write `endpoints: [\"a:eth0\", \"b:eth0\"]`",
			     "the link has no ends");
	reader_defaults(r, r->link_defaults, value, link_keys + OWN_KEYS,
			ARRAY_SIZE(link_keys) - OWN_KEYS, &draft, &r->link_defaults_bad);
	draft.link->index = lab->n_links;
	place = draft.link->ends[0] && draft.link->ends[1]
			? reader_append(r, &lab->links, &lab->n_links, sizeof(*place))
			: NULL;
	if (!place) {
		link_drop(draft.link);
		return;
	}
	*place = draft.link;
	automatic = reader_append(r, &r->plan.automatic, &r->n_automatic, sizeof(*automatic));
	if (automatic)
		*automatic = draft.automatic;
	join(r, &draft);
}

/* ---- names --------------------------------------------------------------------------------- */

static void name_end(struct end *end)
{
	snprintf(end->name, sizeof(end->name), "%s:%s", end->node->name, end->ifname);
}

/* The first ethN of the node that is still free. next: where to go on, by node. */
static void make_up_name(struct reader *r, struct end *end, unsigned *next)
{
	struct yaml value = {.line = end->where.line, .column = end->where.column};

	if (end->node->netns != NETNS_NEW)
		reader_error(
			r, &value, "write NODE:INTERFACE",
			"an interface in the existing namespace of %s needs a name that is free "
			"there",
			end->node->name);
	do {
		snprintf(end->ifname, sizeof(end->ifname), "eth%u", (*next)++);
		name_end(end);
	} while (strmap_find(&r->ends, end->name));
}

/* Written names first, so that made-up ones keep out of their way. */
static void name_ends(struct reader *r, struct lab *lab)
{
	unsigned *next = calloc(lab->n_nodes + 1, sizeof(*next));
	const struct end *first;

	if (!next) {
		reader_no_memory(r);
		return;
	}
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < lab_n_ends(lab); i++) {
			struct end *end = lab_end(lab, i);
			struct yaml value = {.line = end->where.line, .column = end->where.column};

			/* Pass 0: those with a name; pass 1: those without one yet. */
			if (pass ? end->name[0] : !end->ifname[0])
				continue;
			if (pass)
				make_up_name(r, end, &next[end->node->index]);
			else
				name_end(end);
			first = strmap_add(&r->ends, end->name, end);
			if (!first)
				reader_no_memory(r);
			else if (first != end)
				reader_error(r, &value, "an interface has one link; name another",
					     "%s is an end of two links, first in line %d",
					     end->name, first->where.line);
		}
	}
	free(next);
}

void reader_links(struct reader *r, const struct yaml *value)
{
	struct lab *lab = r->lab;

	if (yaml_is_null(value))
		return;
	if (value->kind != YAML_LIST) {
		reader_bad(r, value, "a list of links, each `- endpoints: [...]`", NULL);
		return;
	}
	for (const struct yaml *item = value->first; item && !r->no_memory; item = item->next) {
		if (lab->n_links == READER_LINKS_MAX) {
			reader_error(r, item, NULL, "a lab has at most %d links", READER_LINKS_MAX);
			return;
		}
		read_link(r, item, lab);
	}
	name_ends(r, lab);
}
