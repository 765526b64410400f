// SPDX-License-Identifier: GPL-2.0-only
/* reader_nodes.c - `nodes:` of a lab file. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/reader_sections.h"
#include "topology/reader_values.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))
/* A field of a row's object. */
#define NODE(field) offsetof(struct node, field)

/* ---- what namespace it is ------------------------------------------------------------------ */

static void read_netns(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "new, host or a path like /run/netns/x";
	const char *text = reader_text(r, value, expected);
	struct node *node = object;

	if (!text)
		return;
	if (!strcmp(text, "host")) {
		node->netns = NETNS_HOST;
	} else if (!strcmp(text, "new")) {
		node->netns = NETNS_NEW;
	} else if (text[0] == '/' && text[1]) {
		node->netns = NETNS_PATH;
		reader_string(r, value, &node->netns_path);
	} else {
		reader_bad(r, value, expected, NULL);
	}
}

static void read_pid(struct reader *r, const struct yaml *value, void *object)
{
	struct node *node = object;
	uint32_t pid = 0;

	reader_number(r, value, 1, 4194304, &pid);
	if (!pid)
		return;
	node->netns_pid = pid;
	node->netns = NETNS_PID;
}

/* ---- what it does with packets ------------------------------------------------------------- */

static void read_forward(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "v4, v6, both or none";
	const char *text = reader_text(r, value, expected);
	struct node *node = object;
	bool both, none;

	if (!text)
		return;
	both = !strcmp(text, "both") || !strcmp(text, "true");
	none = !strcmp(text, "none") || !strcmp(text, "false");
	if (!both && !none && strcmp(text, "v4") && strcmp(text, "v6")) {
		reader_bad(r, value, expected, NULL);
		return;
	}
	node->forward_v4 = both || !strcmp(text, "v4");
	node->forward_v6 = both || !strcmp(text, "v6");
}

static void read_lo(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"up", key_bool, NODE(lo_up)},
		{"address", key_addresses, NODE(lo_addresses), NODE(n_lo_addresses)},
		{"addresses", key_addresses, NODE(lo_addresses), NODE(n_lo_addresses)},
	};
	struct node *node = object;

	/* Brief: `lo: up`, `lo: down`, `lo: false`. */
	if (value->kind == YAML_SCALAR && !yaml_is_null(value)) {
		const char *text = reader_text(r, value, "up or down");

		if (text && (!strcmp(text, "up") || !strcmp(text, "down")))
			node->lo_up = !strcmp(text, "up");
		else if (text)
			reader_bool(r, value, &node->lo_up);
		return;
	}
	reader_map(r, value, keys, ARRAY_SIZE(keys), object, "`lo`");
}

static bool sysctl_key_good(const char *key)
{
	if (strncmp(key, "net.", 4) && strncmp(key, "net/", 4))
		return false;
	for (const char *p = key; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-/@:", *p))
			return false;
	return !strstr(key, "..") && !strstr(key, "./") && !strstr(key, "/.");
}

static void read_sysctls(struct reader *r, const struct yaml *value, void *object)
{
	struct node *node = object;

	if (yaml_is_null(value))
		return;
	/* Brief: `sysctls: inherit`. */
	if (value->kind == YAML_SCALAR && !strcmp(value->text, "inherit")) {
		node->inherits = true;
		return;
	}
	if (value->kind != YAML_MAP) {
		reader_bad(r, value, "a map like {net.ipv4.ip_forward: 1}, or inherit", NULL);
		return;
	}
	for (const struct yaml *entry = value->first; entry; entry = entry->next) {
		const char *text;
		struct sysctl *sysctl;

		if (!strcmp(entry->key->text, "inherit")) {
			reader_bool(r, entry, &node->inherits);
			continue;
		}
		text = reader_text(r, entry, "a value");
		if (!sysctl_key_good(entry->key->text)) {
			reader_error(r, entry->key,
				     "a node has sysctls of its own below net, like "
				     "net.ipv4.ip_forward",
				     "\"%.80s\" is not a sysctl of a namespace", entry->key->text);
			continue;
		}
		if (!text)
			continue;
		sysctl = reader_append(r, &node->sysctls, &node->n_sysctls, sizeof(*sysctl));
		if (!sysctl)
			return;
		sysctl->key = strdup(entry->key->text);
		sysctl->value = strdup(text);
		sysctl->where = reader_where(r, entry->key);
		if (!sysctl->key || !sysctl->value)
			reader_no_memory(r);
	}
}

/* ---- commands ------------------------------------------------------------------------------ */

static void read_command(struct reader *r, const struct yaml *value, void *object)
{
	struct node *node = object;
	struct command *command;
	char *line = NULL;

	reader_string(r, value, &line);
	if (!line)
		return;
	command = reader_append(r, &node->exec, &node->n_exec, sizeof(*command));
	if (!command) {
		free(line);
		return;
	}
	*command = (struct command){.line = line, .where = reader_where(r, value)};
}

static void read_exec(struct reader *r, const struct yaml *value, void *object)
{
	reader_each(r, value, read_command, object);
}

static void read_nft(struct reader *r, const struct yaml *value, void *object)
{
	struct node *node = object;

	reader_string(r, value, &node->nft);
	node->nft_where = reader_where(r, value);
}

/* ---- a node -------------------------------------------------------------------------------- */

static const struct word kind_words[] = {{"plain", NODE_PLAIN}, {"bridge", NODE_BRIDGE}, {}};

/* The first OWN_KEYS make no sense in `defaults`. */
enum { OWN_KEYS = 2 };
static const struct key node_keys[] = {
	{"netns", .read = read_netns},
	{"pid", .read = read_pid},
	{"kind", key_word, NODE(kind), .words = kind_words, .expected = "plain or bridge",
	 .hint = "a switch is `kind: bridge`; a host or a router is plain, as without `kind`"},
	{"forward", .read = read_forward},
	{"lo", .read = read_lo},
	{"sysctls", .read = read_sysctls},
	{"routes", .read = reader_routes},
	{"neighbors", .read = reader_neighbors},
	{"exec", .read = read_exec},
	{"nft", .read = read_nft},
	{"vars", .read = reader_vars},
	/* of bridges */
	{"dev", key_ifname, NODE(bridge.dev)},
	{"address", key_addresses, NODE(bridge_addresses), NODE(n_bridge_addresses)},
	{"addresses", key_addresses, NODE(bridge_addresses), NODE(n_bridge_addresses)},
	{"stp", key_bool, NODE(bridge.stp)},
	{"vlan_filtering", key_bool, NODE(bridge.vlan_filtering)},
	/* The kernel keeps hundredths of a second in 32 bits. */
	{"ageing", key_number, NODE(bridge.ageing_s), .written = NODE(bridge.has_ageing),
	 .most = 1000000},
};

/* Keys that make sense for bridges only. */
static void check_bridge_keys(struct reader *r, const struct yaml *tree, struct node *node)
{
	static const char *const keys[] = {"dev", "address",	    "addresses",
					   "stp", "vlan_filtering", "ageing"};

	if (node->kind == NODE_BRIDGE)
		return;
	free(node->bridge_addresses); /* of `defaults` */
	node->bridge_addresses = NULL;
	node->n_bridge_addresses = 0;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct yaml *entry = yaml_find(tree, keys[i]);

		if (!entry)
			continue;
		if (!strncmp(keys[i], "address", 7))
			reader_error(r, entry->key,
				     "addresses belong to the node's ends (under `links:`) or to "
				     "its `lo:`",
				     "a plain node has no `%s`", keys[i]);
		else
			reader_error(r, entry->key, "say `kind: bridge` if it is one",
				     "`%s` is a key of bridges", keys[i]);
	}
}

static void read_node(struct reader *r, const struct yaml *entry, struct node *node)
{
	r->node = node;
	reader_map(r, entry, node_keys, ARRAY_SIZE(node_keys), node, "a node");
	reader_defaults(r, r->node_defaults, entry, node_keys + OWN_KEYS,
			ARRAY_SIZE(node_keys) - OWN_KEYS, node, &r->node_defaults_bad);
	check_bridge_keys(r, entry, node);
	if (yaml_find(entry, "pid") && yaml_find(entry, "netns"))
		reader_error(r, yaml_find(entry, "pid"), "keep one of them",
			     "a node has `pid` or `netns`, not both");
	if (node->kind == NODE_BRIDGE && !node->bridge.dev[0])
		strcpy(node->bridge.dev, "br0");
	r->node = NULL;
}

static struct node *add_node(struct reader *r, const struct yaml *entry)
{
	const char *name = entry->key->text, *problem = node_name_problem(name);
	struct lab *lab = r->lab;
	struct node *node, **place;
	const struct yaml **tree;

	if (problem) {
		reader_error(r, entry->key, NULL, "\"%.80s\": %s", name, problem);
		return NULL;
	}
	if (strmap_find(&r->nodes, name))
		return NULL; /* written twice: the tree's builder said so */
	node = calloc(1, sizeof(*node));
	if (!node) {
		reader_no_memory(r);
		return NULL;
	}
	strcpy(node->name, name);
	node->index = lab->n_nodes;
	node->lo_up = true;
	node->where = reader_where(r, entry->key);
	place = reader_append(r, &lab->nodes, &lab->n_nodes, sizeof(*place));
	if (!place) {
		free(node);
		return NULL;
	}
	*place = node;
	/* As many trees as nodes, always. */
	size_t n = node->index;
	tree = reader_append(r, &r->trees, &n, sizeof(*tree));
	if (!tree || !strmap_add(&r->nodes, node->name, node)) {
		reader_no_memory(r);
		return NULL;
	}
	*tree = entry;
	return node;
}

void reader_nodes(struct reader *r, const struct yaml *value)
{
	if (yaml_is_null(value))
		return;
	if (value->kind != YAML_MAP) {
		reader_bad(r, value, "a map of node names, like `blue: {}`", NULL);
		return;
	}
	for (const struct yaml *entry = value->first; entry && !r->no_memory; entry = entry->next) {
		struct node *node = add_node(r, entry);

		if (node)
			read_node(r, entry, node);
		if (r->lab->n_nodes > READER_NODES_MAX) {
			reader_error(r, entry->key, NULL, "a lab has at most %d nodes",
				     READER_NODES_MAX);
			return;
		}
	}
}
