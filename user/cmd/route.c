// SPDX-License-Identifier: GPL-2.0-only
/* route.c - vethlab route: add a route to a node, or take one away. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/number.h"
#include "user/cmd/cmd.h"
#include "user/change/edit.h"
#include "user/output/output.h"

/* A route as it is typed, in the words of ip-route(8). */
struct words {
	bool add, is_default;
	struct route route; /* hops is &hop or NULL */
	struct nexthop hop;
};

static bool parse_kind(const char *word, enum route_kind *kind)
{
	static const struct {
		const char *word;
		enum route_kind kind;
	} kinds[] = {
		{"blackhole", ROUTE_BLACKHOLE},
		{"unreachable", ROUTE_UNREACHABLE},
		{"prohibit", ROUTE_PROHIBIT},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(word, kinds[i].word) != 0)
			continue;
		*kind = kinds[i].kind;
		return true;
	}
	return false;
}

static int parse_to(struct words *words, const char *typed, struct err *err)
{
	struct ip_prefix *to = &words->route.to;

	words->is_default = !strcmp(typed, "default");
	if (words->is_default || ip_prefix_parse(typed, to))
		return 0;
	if (!ip_parse(typed, &to->addr))
		return cmd_usage(err, &cmd_route,
				 "'%s' is not default or a prefix, like 10.0.0.0/24", typed);
	to->len = ip_bits(to->addr.family); /* one host, as ip-route(8) does */
	return 0;
}

static int parse_option(struct words *words, const char *word, const char *value, struct err *err)
{
	struct nexthop *hop = &words->hop;

	if (!strcmp(word, "via")) {
		if (!ip_parse(value, &hop->via))
			return cmd_usage(err, &cmd_route, "via: '%s' is not an address", value);
	} else if (!strcmp(word, "dev")) {
		if (!*value || strlen(value) > IFNAME_MAX)
			return cmd_usage(err, &cmd_route, "dev: '%s' is not an interface", value);
		strcpy(hop->dev, value);
	} else if (!strcmp(word, "metric")) {
		uint64_t metric;

		if (!number_parse(value, 0, UINT32_MAX, &metric))
			return cmd_usage(err, &cmd_route, "metric: '%s' is not a number", value);
		words->route.metric = metric;
	} else {
		return cmd_usage(err, &cmd_route, "unexpected word '%s'", word);
	}
	return 0;
}

/* What only shows when all words are known. */
static int finish(struct words *words, struct err *err)
{
	struct route *route = &words->route;
	bool has_hop = words->hop.via.family || words->hop.dev[0];

	words->hop.weight = 1;
	route->hops = has_hop ? &words->hop : NULL;
	route->n_hops = has_hop;
	if (words->is_default)
		route->to.addr.family = words->hop.via.family ? words->hop.via.family : AF_INET;
	if (route->kind != ROUTE_UNICAST && has_hop)
		return cmd_usage(err, &cmd_route, "a route to nowhere has no via or dev");
	if (words->add && route->kind == ROUTE_UNICAST && !has_hop)
		return cmd_usage(err, &cmd_route,
				 "where to? via ADDRESS, dev INTERFACE, or blackhole");
	return 0;
}

/* NODE add|del [blackhole|unreachable|prohibit] PREFIX [via A] [dev D] [metric M] */
static int parse_words(const struct cmd_args *args, struct words *words, struct err *err)
{
	int i = 2, ret;

	if (args->argc < 3)
		return cmd_usage(err, &cmd_route, "which node, and which route?");
	words->add = !strcmp(args->argv[1], "add");
	if (!words->add && strcmp(args->argv[1], "del") != 0)
		return cmd_usage(err, &cmd_route, "'%s' is not add or del", args->argv[1]);
	i += parse_kind(args->argv[i], &words->route.kind);
	if (i == args->argc)
		return cmd_usage(err, &cmd_route, "which destination?");
	ret = parse_to(words, args->argv[i++], err);
	for (; !ret && i < args->argc; i += 2) {
		if (i + 1 == args->argc)
			return cmd_usage(err, &cmd_route, "%s what?", args->argv[i]);
		ret = parse_option(words, args->argv[i], args->argv[i + 1], err);
	}
	return ret ? ret : finish(words, err);
}

static void print(const struct node *node, const struct words *words, bool json)
{
	char to[IP_TEXT_SIZE];
	json_t *doc;

	ip_prefix_format(&words->route.to, to, sizeof(to));
	if (!json) {
		printf("%s %s a route to %s\n", node->name,
		       words->add ? "now has" : "no longer has",
		       words->is_default ? "default" : to);
		return;
	}
	doc = output_json_document("vethlab.route/1");
	output_json_set(doc, "node", output_json_text(node->name));
	output_json_set(doc, words->add ? "added" : "deleted", output_json_text(to));
	output_json_set(doc, "metric", json_integer(words->route.metric));
	output_json_print(doc, stdout);
}

static int route_main(int argc, char **argv, struct err *err)
{
	struct words words = {0};
	cleanup_running struct running *run = NULL;
	const struct node *node;
	struct cmd_args args;
	int ret = cmd_parse(&cmd_route, &args, argc, argv, err);

	if (ret)
		return ret;
	ret = parse_words(&args, &words, err);
	if (ret)
		return ret;
	if (lab_open(&run, args.lab, err))
		return err->code;
	node = running_find_node(run, args.argv[0], err);
	if (!node || edit_route(run, node, &words.route, words.add, err))
		return err->code;
	print(node, &words, args.json);
	return 0;
}

static const struct cmd_choice changes[] = {{"add"}, {"del"}, {NULL}};
static const struct cmd_choice kinds[] = {{"blackhole"}, {"unreachable"}, {"prohibit"}, {NULL}};

#define TEXT_NODE   "the node whose route it is"
#define TEXT_CHANGE "add the route, or take it away"
#define TEXT_PREFIX "where it leads: a prefix, an address, or default"

static const struct cmd_operand operands[] = {
	{"NODE", .kind = VALUE_NODE, .text = TEXT_NODE, .row = NO_ROW},
	{"add|del", .kind = VALUE_CHOICE, .choices = changes, .text = TEXT_CHANGE, .row = NO_ROW},
	{"PREFIX", .kind = VALUE_PREFIX, .text = TEXT_PREFIX, .row = NO_ROW},
	{"ADDRESS", .keyword = "via", .kind = VALUE_ADDRESS, .optional = true,
	 .text = "the next hop", .row = NO_ROW},
	{"INTERFACE", .keyword = "dev", .kind = VALUE_INTERFACE, .optional = true,
	 .text = "the interface of the node that it leaves by", .row = NO_ROW},
	{"N", .keyword = "metric", .kind = VALUE_NUMBER, .optional = true,
	 .text = "of routes to the same prefix, the one with the lowest metric is taken",
	 .row = NO_ROW},
	{"NODE", .kind = VALUE_NODE, .form = 1, .text = TEXT_NODE, .row = NO_ROW},
	{"add|del", .kind = VALUE_CHOICE, .choices = changes, .form = 1, .text = TEXT_CHANGE,
	 .row = NO_ROW},
	{"blackhole|unreachable|prohibit", .kind = VALUE_CHOICE, .choices = kinds, .form = 1,
	 .text = "how packets that take the route are dropped", .row = NO_ROW},
	{"PREFIX", .kind = VALUE_PREFIX, .form = 1, .text = TEXT_PREFIX, .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .early = true),
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_route = {
	.name = "route",
	.summary = "add a route to a node, or take it away",
	.operands = operands,
	.options = options,
	.examples = "vethlab route blue add default via 10.1.1.2\n"
		    "vethlab route blue add blackhole 10.9.0.0/16\n"
		    "vethlab route blue del default\n",
	.run = route_main,
};
