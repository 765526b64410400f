// SPDX-License-Identifier: GPL-2.0-only
/* reader_routes.c - `routes:` and `neighbors:` of a node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/reader_sections.h"
#include "topology/reader_values.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

static const struct {
	const char *word;
	enum route_kind kind;
} route_kinds[] = {
	{"unicast", ROUTE_UNICAST},
	{"blackhole", ROUTE_BLACKHOLE},
	{"unreachable", ROUTE_UNREACHABLE},
	{"prohibit", ROUTE_PROHIBIT},
};

/* A route while it is read: `via` and `dev` of its own become its only hop in the end. */
struct route_draft {
	struct route *route;
	struct nexthop hop;
	const struct yaml *to, *nexthops;
	bool is_default, has_hop;
};

/* ---- the full form ------------------------------------------------------------------------- */

static void set_to(struct reader *r, const struct yaml *value, struct route_draft *draft,
		   const char *text)
{
	static const char expected[] = "default or a prefix, like 10.0.0.0/24";
	struct ip_prefix *to = &draft->route->to;

	draft->to = value;
	if (!strcmp(text, "default")) {
		draft->is_default = true;
	} else if (ip_parse(text, &to->addr)) {
		to->len = to->addr.family == AF_INET ? 32 : 128; /* one host, as ip-route(8) does */
	} else if (!ip_prefix_parse(text, to)) {
		reader_error(r, value, NULL, "to: \"%.80s\" is not %s", text, expected);
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

static void read_route_kind(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "unicast, blackhole, unreachable or prohibit";
	const char *text = reader_text(r, value, expected);
	struct route_draft *draft = object;

	if (!text)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(route_kinds); i++) {
		if (!strcmp(text, route_kinds[i].word)) {
			draft->route->kind = route_kinds[i].kind;
			return;
		}
	}
	reader_bad(r, value, expected, NULL);
}

static void read_via(struct reader *r, const struct yaml *value, void *object)
{
	struct route_draft *draft = object;

	draft->has_hop = true;
	reader_address(r, value, &draft->hop.via);
}

static void read_route_dev(struct reader *r, const struct yaml *value, void *object)
{
	struct route_draft *draft = object;

	draft->has_hop = true;
	reader_ifname(r, value, draft->hop.dev);
}

static void read_metric(struct reader *r, const struct yaml *value, void *object)
{
	struct route_draft *draft = object;

	reader_number(r, value, 0, UINT32_MAX, &draft->route->metric);
}

static void read_hop_via(struct reader *r, const struct yaml *value, void *object)
{
	struct nexthop *hop = object;

	reader_address(r, value, &hop->via);
}

static void read_hop_dev(struct reader *r, const struct yaml *value, void *object)
{
	struct nexthop *hop = object;

	reader_ifname(r, value, hop->dev);
}

static void read_weight(struct reader *r, const struct yaml *value, void *object)
{
	struct nexthop *hop = object;

	reader_number(r, value, 1, 256, &hop->weight);
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
		{"via", read_hop_via},
		{"dev", read_hop_dev},
		{"weight", read_weight},
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
		append_hop(r, draft->route, &hop);
}

static void read_nexthops(struct reader *r, const struct yaml *value, void *object)
{
	struct route_draft *draft = object;

	draft->nexthops = value;
	if (value->kind != YAML_LIST)
		reader_bad(r, value, "a list of next hops, like [{via: 10.0.0.1}]", NULL);
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

static void read_words(struct reader *r, const struct yaml *value, struct route_draft *draft)
{
	static const struct key options[] = {
		{"via", read_via},
		{"dev", read_route_dev},
		{"metric", read_metric},
	};
	static const char form[] = "TO via ADDRESS dev INTERFACE metric N, or blackhole TO";
	const char *cursor = reader_text(r, value, "a route");
	struct yaml key = {.kind = YAML_SCALAR};
	char word[64], argument[64];
	size_t i;

	if (!cursor || !next_word(&cursor, word))
		return;
	for (i = 0; i < ARRAY_SIZE(route_kinds); i++) {
		if (strcmp(word, route_kinds[i].word))
			continue;
		draft->route->kind = route_kinds[i].kind;
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
		options[i].read(r, &option, draft);
	}
	if (*cursor)
		reader_error(r, value, form, "a word of the route is too long");
}

/* ---- a route ------------------------------------------------------------------------------- */

/* Where everything was read: one hop or several, and whether they go together. */
static void finish_route(struct reader *r, const struct yaml *value, struct route_draft *draft)
{
	struct route *route = draft->route;

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
		{"to", read_to},	 {"kind", read_route_kind}, {"via", read_via},
		{"dev", read_route_dev}, {"metric", read_metric},   {"nexthops", read_nexthops},
	};
	size_t errors = r->errors;
	struct route_draft draft = {};
	struct node *node = object;

	draft.route = reader_append(r, &node->routes, &node->n_routes, sizeof(*draft.route));
	if (!draft.route)
		return;
	draft.route->where = reader_where(r, value);
	if (value->kind == YAML_SCALAR && !yaml_is_null(value))
		read_words(r, value, &draft);
	else
		reader_map(r, value, keys, ARRAY_SIZE(keys), &draft, "a route");
	if (r->errors == errors)
		finish_route(r, value, &draft);
	if (r->errors != errors || !draft.route->to.addr.family) {
		free(draft.route->hops);
		node->n_routes--; /* half a route would make more errors */
	}
}

void reader_routes(struct reader *r, const struct yaml *value, void *node)
{
	if (!yaml_is_null(value))
		reader_each(r, value, read_route, node);
}

/* ---- neighbors ----------------------------------------------------------------------------- */

static void read_neighbor_address(struct reader *r, const struct yaml *value, void *object)
{
	struct neighbor *neighbor = object;

	reader_address(r, value, &neighbor->addr);
}

static void read_neighbor_mac(struct reader *r, const struct yaml *value, void *object)
{
	struct neighbor *neighbor = object;

	reader_mac(r, value, neighbor->mac);
}

static void read_neighbor_dev(struct reader *r, const struct yaml *value, void *object)
{
	struct neighbor *neighbor = object;

	reader_ifname(r, value, neighbor->dev);
}

static void read_neighbor(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"address", read_neighbor_address},
		{"mac", read_neighbor_mac},
		{"dev", read_neighbor_dev},
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
