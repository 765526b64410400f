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
	struct link link;
	unsigned n_ends; /* how many were written, good or not */
	bool up, end_up[2], end_has_up[2];
	bool automatic; /* `addresses: auto` */
};

/* One end while it is read. */
struct end_draft {
	struct end end;
	bool up, has_up;
	const struct yaml *text; /* of "node:interface" */
	const struct yaml *port; /* of `port:` */
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
	draft->end.node = node;
	strcpy(draft->end.ifname, colon ? colon + 1 : "");
}

static void read_end_mac(struct reader *r, const struct yaml *value, void *object)
{
	struct end_draft *draft = object;

	if (reader_mac(r, value, draft->end.mac))
		draft->end.has_mac = true;
}

static void read_end_port(struct reader *r, const struct yaml *value, void *object)
{
	struct end_draft *draft = object;
	bool port = true;

	reader_bool(r, value, &port);
	draft->end.no_port = !port;
	draft->port = value;
}

#define END(field) offsetof(struct end_draft, field)
static const struct key end_keys[] = {
	{"end", .read = read_end_name},
	{"address", key_addresses, END(end.addresses), END(end.n_addresses)},
	{"addresses", key_addresses, END(end.addresses), END(end.n_addresses)},
	{"mac", .read = read_end_mac},
	{"mtu", key_number, END(end.mtu), .least = 68, .most = 65535},
	{"up", key_bool, END(up), .written = END(has_up)},
	{"port", .read = read_end_port},
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
	struct end_draft end = {.end.where = reader_where(r, value), .up = true};
	unsigned side = draft->n_ends;
	struct end *copy = NULL;

	if (draft->n_ends++ >= 2)
		return; /* the link's reader counts them */
	if (value->kind == YAML_SCALAR && !yaml_is_null(value))
		read_end_name(r, value, &end);
	else if (reader_map(r, value, end_keys, ARRAY_SIZE(end_keys), &end, "an end") &&
		 !end.text && !yaml_find(value, "end"))
		reader_error(r, value, "write {end: \"blue:eth0\", ...}",
			     "the end does not say whose it is");
	if (end.text)
		end.end.where = reader_where(r, end.text);
	if (end.port && end.end.node && end.end.node->kind != NODE_BRIDGE)
		reader_error(r, end.port->key, NULL,
			     "`port` is for ends of bridges, and %s is none", end.end.node->name);
	draft->end_up[side] = end.up;
	draft->end_has_up[side] = end.has_up;
	if (end.end.node) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			reader_no_memory(r);
	}
	if (copy)
		*copy = end.end;
	else
		free(end.end.addresses);
	draft->link.ends[side] = copy;
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

#define LINK(field) offsetof(struct link_draft, field)

static void read_features(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"tx_checksum", key_setting, LINK(link.tx_checksum)},
		{"tso", key_setting, LINK(link.tso)},
		{"gro", key_setting, LINK(link.gro)},
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

/* The first OWN_KEYS make no sense in `defaults`. */
enum { OWN_KEYS = 1 };
static const struct key link_keys[] = {
	{"endpoints", .read = read_endpoints},
	{"mtu", key_number, LINK(link.mtu), .least = 68, .most = 65535},
	{"up", key_bool, LINK(up)},
	{"txqueuelen", key_number, LINK(link.txqueuelen), .written = LINK(link.has_txqueuelen),
	 .most = 1000000},
	{"queues", key_number, LINK(link.queues), .least = 1, .most = 4096},
	{"features", .read = read_features},
	{"addresses", .read = read_addresses},
	{"xdp", key_word, LINK(link.xdp), .words = xdp_words, .expected = XDP_EXPECTED},
	{"hooks", key_hooks, LINK(link.hooks)},
};

/* ---- a link -------------------------------------------------------------------------------- */

/* Both ends know their link, number and state; the nodes know their ends. */
static void join(struct reader *r, const struct link_draft *draft, struct link *link)
{
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

/* A link of its own with what the draft has, if it has both ends; NULL: it has not, or no memory.
 */
static struct link *keep_link(struct reader *r, const struct link_draft *draft)
{
	struct link *link;

	if (!draft->link.ends[0] || !draft->link.ends[1])
		return NULL;
	link = malloc(sizeof(*link));
	if (link)
		*link = draft->link;
	else
		reader_no_memory(r);
	return link;
}

static void read_link(struct reader *r, const struct yaml *value, void *object)
{
	struct link_draft draft = {.link.where = reader_where(r, value), .up = true};
	struct lab *lab = object;
	struct link *link, **place;
	bool is_map, *automatic;

	is_map = reader_map(r, value, link_keys, ARRAY_SIZE(link_keys), &draft, "a link");
	if (is_map && !yaml_find(value, "endpoints"))
		reader_error(r, value, "write `endpoints: [\"a:eth0\", \"b:eth0\"]`",
			     "the link has no ends");
	reader_defaults(r, r->link_defaults, value, link_keys + OWN_KEYS,
			ARRAY_SIZE(link_keys) - OWN_KEYS, &draft, &r->link_defaults_bad);
	link = keep_link(r, &draft);
	place = link ? reader_append(r, &lab->links, &lab->n_links, sizeof(*place)) : NULL;
	if (!place) {
		end_free(draft.link.ends[0]);
		end_free(draft.link.ends[1]);
		free(link);
		return;
	}
	link->index = lab->n_links - 1;
	*place = link;
	automatic = reader_append(r, &r->plan.automatic, &r->n_automatic, sizeof(*automatic));
	if (automatic)
		*automatic = draft.automatic;
	join(r, &draft, link);
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
