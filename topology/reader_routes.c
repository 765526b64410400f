// SPDX-License-Identifier: GPL-2.0-only
/* reader_routes.c - `routes:` and `neighbors:` of a node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/reader_sections.h"
#include "topology/reader_values.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

static const struct word route_words[] = {
	{"unicast", ROUTE_UNICAST},
	{"blackhole", ROUTE_BLACKHOLE},
	{"unreachable", ROUTE_UNREACHABLE},
	{"prohibit", ROUTE_PROHIBIT},
	{},
};

/* A route while it is read: `via` and `dev` of its own become its only hop in the end. */
struct route_draft {
	struct route route;
	struct nexthop hop;
	const struct yaml *to, *nexthops;
	bool is_default, has_hop;
};

/* ---- the full form ------------------------------------------------------------------------- */

static void set_to(struct reader *r, const struct yaml *value, struct route_draft *draft,
		   const char *text)
{
	static const char expected[] = "default or a prefix, like 10.0.0.0/24";
	static const char *const words[] = {"default"};
	struct ip_prefix *to = &draft->route.to;
	char near[64];

	draft->to = value;
	if (!strcmp(text, "default")) {
		draft->is_default = true;
	} else if (ip_parse(text, &to->addr)) {
		to->len = ip_bits(to->addr.family); /* one host, as ip-route(8) does */
	} else if (!ip_prefix_parse(text, to)) {
		reader_error(r, value, reader_guess(r, text, words, 1, near, sizeof(near)),
			     "to: \"%.80s\" is not %s", text, expected);
	}
}

static void read_to(struct reader *r, const struct yaml *value, void *object)
{
	const char *text = reader_text(r, value, "default or a prefix, like 10.0.0.0/24");
	struct route_draft *draft = object;

	draft->to = value;
	if (text)
		set_to(r, value, draft, text);
}

static void append_hop(struct reader *r, struct route *route, const struct nexthop *hop)
{
	struct nexthop *place = reader_append(r, &route->hops, &route->n_hops, sizeof(*place));

	if (place)
		*place = *hop;
}

static void read_nexthop(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"via", key_address, offsetof(struct nexthop, via)},
		{"dev", key_ifname, offsetof(struct nexthop, dev)},
		{"weight", key_number, offsetof(struct nexthop, weight), .least = 1, .most = 256},
	};
	struct nexthop hop = {.weight = 1};
	struct route_draft *draft = object;

	/* Brief: the gateway alone. */
	if (value->kind == YAML_SCALAR && !yaml_is_null(value))
		reader_address(r, value, &hop.via);
	else if (!reader_map(r, value, keys, ARRAY_SIZE(keys), &hop, "a next hop"))
		return;
	if (!hop.via.family && !hop.dev[0])
		reader_error(r, value, NULL, "a next hop needs `via`, `dev` or both");
	else
		append_hop(r, &draft->route, &hop);
}

static void read_nexthops(struct reader *r, const struct yaml *value, void *object)
{
	struct route_draft *draft = object;
	const struct yaml *item;
	int n = 0;

	draft->nexthops = value;
	if (value->kind != YAML_LIST) {
		reader_bad(r, value, "a list of next hops, like [{via: 10.0.0.1}]", NULL);
		return;
	}
	for (item = value->first; item && n < ROUTE_HOPS_MAX; item = item->next)
		n++;
	if (item)
		reader_error(r, item, NULL, "vethlab makes routes of at most %d next hops",
			     ROUTE_HOPS_MAX);
	else
		reader_each(r, value, read_nexthop, draft);
}

/* ---- the brief form: the words of ip-route(8) ---------------------------------------------- */

/* The words of a text, blank by blank; each is at most 63 characters. */
static bool next_word(const char **cursor, char word[64])
{
	size_t len;

	*cursor += strspn(*cursor, " \t\n");
	len = strcspn(*cursor, " \t\n");
	if (!len || len >= 64)
		return false;
	memcpy(word, *cursor, len);
	word[len] = '\0';
	*cursor += len;
	return true;
}

/* A word of the text as a value of its own, for the readers of values. */
static struct yaml word_value(const struct yaml *text, const struct yaml *key, const char *word)
{
	return (struct yaml){.kind = YAML_SCALAR,
			     .line = text->line,
			     .column = text->column,
			     .plain = true,
			     .key = key,
			     .text = word};
}

#define DRAFT(field) offsetof(struct route_draft, field)
#define KEY_VIA                                                                                    \
	{                                                                                          \
		"via", key_address, DRAFT(hop.via), .written = DRAFT(has_hop)                      \
	}
#define KEY_DEV                                                                                    \
	{                                                                                          \
		"dev", key_ifname, DRAFT(hop.dev), .written = DRAFT(has_hop)                       \
	}
#define KEY_METRIC                                                                                 \
	{                                                                                          \
		"metric", key_number, DRAFT(route.metric), .most = UINT32_MAX                      \
	}

static void read_words(struct reader *r, const struct yaml *value, struct route_draft *draft)
{
	static const struct key options[] = {KEY_VIA, KEY_DEV, KEY_METRIC};
	static const char form[] = "TO via ADDRESS dev INTERFACE metric N, or blackhole TO";
	const char *cursor = reader_text(r, value, "a route");
	struct yaml key = {.kind = YAML_SCALAR};
	char word[64], argument[64];
	size_t i;

	if (!cursor || !next_word(&cursor, word))
		return;
	for (i = 0; route_words[i].word; i++) {
		if (strcmp(word, route_words[i].word))
			continue;
		draft->route.kind = route_words[i].value;
		if (!next_word(&cursor, word))
			return;
		break;
	}
	set_to(r, value, draft, word);
	while (next_word(&cursor, word)) {
		struct yaml option;

		for (i = 0; i < ARRAY_SIZE(options) && strcmp(word, options[i].name); i++)
			;
		if (i == ARRAY_SIZE(options) || !next_word(&cursor, argument)) {
			reader_error(r, value, form, "unexpected word \"%s\" in a route", word);
			return;
		}
		key.text = options[i].name;
		option = word_value(value, &key, argument);
		reader_key(r, &option, &options[i], draft);
	}
	if (*cursor)
		reader_error(r, value, form, "a word of the route is too long");
}

/* ---- a route ------------------------------------------------------------------------------- */

/* Where everything was read: one hop or several, and whether they go together. */
static void finish_route(struct reader *r, const struct yaml *value, struct route_draft *draft)
{
	struct route *route = &draft->route;

	if (draft->has_hop && draft->nexthops) {
		reader_error(r, draft->nexthops, "put the gateway into `nexthops`",
			     "a route has `via` and `dev`, or `nexthops`, not both");
		return;
	}
	if (draft->hop.via.family || draft->hop.dev[0]) {
		draft->hop.weight = 1;
		append_hop(r, route, &draft->hop);
	}
	if (draft->is_default) {
		route->to = (struct ip_prefix){.addr.family = AF_INET};
		for (size_t i = 0; i < route->n_hops; i++)
			if (route->hops[i].via.family)
				route->to.addr.family = route->hops[i].via.family;
	}
	if (!draft->to)
		reader_error(r, value, "write `to: default` or `to: 10.0.0.0/24`",
			     "the route goes nowhere");
	else if (route->kind != ROUTE_UNICAST && (draft->has_hop || draft->nexthops))
		reader_error(r, value, NULL,
			     "a blackhole, unreachable or prohibit route has no gateway");
	else if (route->kind == ROUTE_UNICAST && !draft->has_hop && !draft->nexthops)
		reader_error(r, value, "add `via: ADDRESS` or `dev: INTERFACE`",
			     "the route has no gateway");
}

static void read_route(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"to", .read = read_to},
		{"kind", key_word, DRAFT(route.kind), .words = route_words,
		 .expected = "unicast, blackhole, unreachable or prohibit"},
		KEY_VIA,
		KEY_DEV,
		KEY_METRIC,
		{"nexthops", .read = read_nexthops},
	};
	size_t errors = r->errors;
	struct route_draft draft = {.route.where = reader_where(r, value)};
	struct node *node = object;
	struct route *place = NULL;

	if (value->kind == YAML_SCALAR && !yaml_is_null(value))
		read_words(r, value, &draft);
	else
		reader_map(r, value, keys, ARRAY_SIZE(keys), &draft, "a route");
	if (r->errors == errors)
		finish_route(r, value, &draft);
	/* Half a route would make more errors. */
	if (r->errors == errors && draft.route.to.addr.family)
		place = reader_append(r, &node->routes, &node->n_routes, sizeof(*place));
	if (place)
		*place = draft.route;
	else
		free(draft.route.hops);
}

void reader_routes(struct reader *r, const struct yaml *value, void *node)
{
	if (!yaml_is_null(value))
		reader_each(r, value, read_route, node);
}

/* ---- neighbors ----------------------------------------------------------------------------- */

static void read_neighbor(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"address", key_address, offsetof(struct neighbor, addr)},
		{"mac", key_mac, offsetof(struct neighbor, mac)},
		{"dev", key_ifname, offsetof(struct neighbor, dev)},
	};
	struct neighbor neighbor = {.where = reader_where(r, value)}, *place;
	size_t errors = r->errors;
	struct node *node = object;

	if (!reader_map(r, value, keys, ARRAY_SIZE(keys), &neighbor, "a neighbor") ||
	    r->errors != errors)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!yaml_find(value, keys[i].name)) {
			reader_error(r, value, "write {address: 10.0.0.1, mac: ..., dev: eth0}",
				     "a neighbor needs `%s`", keys[i].name);
			return;
		}
	}
	place = reader_append(r, &node->neighbors, &node->n_neighbors, sizeof(*place));
	if (place)
		*place = neighbor;
}

void reader_neighbors(struct reader *r, const struct yaml *value, void *node)
{
	if (yaml_is_null(value))
		return;
	if (value->kind != YAML_LIST)
		reader_bad(r, value, "a list like [{address: ..., mac: ..., dev: ...}]", NULL);
	else
		reader_each(r, value, read_neighbor, node);
}
