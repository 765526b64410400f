// SPDX-License-Identifier: GPL-2.0-only
/* state.c - what state.json says: a running lab as JSON, and back. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/lab/journal.h"
#include "user/lab/state.h"

#define STATE_SCHEMA "vethlab.state/1"

static const char *const xdp_words[] = {
	[XDP_MODE_DEFAULT] = "default",
	[XDP_MODE_OFF] = "off",
	[XDP_MODE_GENERIC] = "generic",
	[XDP_MODE_NATIVE] = "native",
};

static const char *const tc_words[] = {
	[WATCH_TC_AUTO] = "auto",
	[WATCH_TC_TCX] = "tcx",
	[WATCH_TC_CLSACT] = "clsact",
	[WATCH_TC_NONE] = "none",
};

const char *xdp_mode_word(enum xdp_mode mode)
{
	return xdp_words[mode];
}

const char *tc_word(enum watch_tc tc)
{
	return tc_words[tc];
}

static int word_index(const char *const *words, int n, const char *word)
{
	for (int i = 0; i < n; i++)
		if (word && !strcmp(words[i], word))
			return i;
	return -1;
}

bool xdp_mode_parse(const char *word, enum xdp_mode *mode)
{
	int i = word_index(xdp_words, 4, word);

	if (i <= XDP_MODE_DEFAULT)
		return false;
	*mode = i;
	return true;
}

bool tc_parse(const char *word, enum watch_tc *tc)
{
	int i = word_index(tc_words, 4, word);

	if (i < 0)
		return false;
	*tc = i;
	return true;
}

/* Takes the container, unless something went wrong with one of its parts. */
static json_t *whole(json_t *container, bool failed)
{
	if (!failed)
		return container;
	json_decref(container);
	return NULL;
}

/* These return NULL if memory runs out or a name is not UTF-8: a part is never left out. */
static json_t *nodes_to_json(const struct running *run)
{
	json_t *nodes = json_array();
	bool failed = false;

	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		const struct running_node *node = &run->nodes[i];

		failed |= json_array_append_new(nodes,
						json_pack("{s:s, s:s, s:b, s:I, s:I, s:I}", "node",
							  run->lab->nodes[i]->name, "netns",
							  node->netns_name, "ours", node->ours,
							  "inode", (json_int_t)node->id.inode,
							  "cookie", (json_int_t)node->id.cookie,
							  "slot", (json_int_t)node->slot)) != 0;
	}
	return whole(nodes, failed);
}

static json_t *ends_to_json(const struct lab *lab)
{
	json_t *ends = json_object();
	bool failed = false;

	for (size_t i = 0; i < lab_n_ends(lab); i++)
		failed |= json_object_set_new(ends, lab_end(lab, i)->name,
					      json_integer(lab_end(lab, i)->number)) != 0;
	return whole(ends, failed);
}

static json_t *observed_to_json(const struct running *run)
{
	json_t *ends = json_object();
	bool failed = false;

	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);
		const struct observed_end *observed = &run->observed[end->number];

		failed |= json_object_set_new(ends, end->name,
					      json_pack("{s:I, s:I, s:s, s:s}", "ifindex",
							(json_int_t)observed->ifindex, "hooks",
							(json_int_t)observed->hooks, "xdp",
							xdp_mode_word(observed->xdp), "bridge",
							end->bridge)) != 0;
	}
	return whole(ends, failed);
}

static json_t *state_to_json(const struct running *run, const char *boot)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I,"
		" s:I, s:o, s:o}",
		"schema", STATE_SCHEMA, "lab", run->name, "file", run->lab->path, "boot", boot,
		"isolated", run->isolated, "prefixed", run->prefixed, "held", run->held,
		"ifindex_base", (json_int_t)run->ifindex_base, "capacity",
		(json_int_t)run->capacity, "slots", (json_int_t)run->slots, "next_end",
		(json_int_t)run->next_end, "group", (json_int_t)run->group, "tc", tc_word(run->tc),
		"xdp", xdp_mode_word(run->xdp), "hooks", (json_int_t)run->hooks, "started",
		(json_int_t)run->started, "nodes", nodes_to_json(run), "ends",
		ends_to_json(run->lab));
}

char *state_format(const struct running *run, const char *boot)
{
	json_t *state = state_to_json(run, boot);
	char *text;

	/* The lab file is in state.json too, so that readers get both of one change. */
	if (state && run->observed)
		state = whole(
			state,
			json_object_set_new(state, "text", json_string(run->lab->text)) ||
				json_object_set_new(state, "observed", observed_to_json(run)));
	text = state ? json_dumps(state, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
	json_decref(state);
	return text;
}

int state_damaged(const char *name, const char *what, struct err *err)
{
	err_set(err, ERR_FAILED, EINVAL, "lab %s: its state is damaged: %s", name, what);
	err_hint(err, "`vethlab down %s` removes it", name);
	return -EINVAL;
}

static int nodes_from_json(struct running *run, json_t *nodes)
{
	size_t i;
	json_t *one;

	if (json_array_size(nodes) != run->lab->n_nodes)
		return -EINVAL;
	run->nodes = calloc(run->lab->n_nodes + 1, sizeof(*run->nodes));
	if (!run->nodes)
		return -ENOMEM;
	json_array_foreach(nodes, i, one) {
		struct running_node *node = &run->nodes[i];
		json_int_t inode, cookie, slot;
		const char *name, *netns;
		int ours;

		if (json_unpack(one, "{s:s, s:s, s:b, s:I, s:I, s:I}", "node", &name, "netns",
				&netns, "ours", &ours, "inode", &inode, "cookie", &cookie, "slot",
				&slot) ||
		    strcmp(name, run->lab->nodes[i]->name))
			return -EINVAL;
		snprintf(node->netns_name, sizeof(node->netns_name), "%s", netns);
		node->ours = ours;
		node->id.inode = inode;
		node->id.cookie = cookie;
		node->slot = slot;
	}
	return 0;
}

static int ends_from_json(struct running *run, json_t *ends)
{
	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		struct end *end = lab_end(run->lab, i);
		json_t *number = json_object_get(ends, end->name);

		if (!json_is_integer(number))
			return -EINVAL;
		end->number = json_integer_value(number);
	}
	return lab_index(run->lab);
}

static int observed_from_json(struct running *run, json_t *ends)
{
	if (!ends)
		return 0;
	run->observed = calloc(run->capacity + 1, sizeof(*run->observed));
	if (!run->observed)
		return -ENOMEM;
	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		struct end *end = lab_end(run->lab, i);
		const char *xdp, *bridge;
		json_int_t ifindex, hooks;

		if (end->number >= run->capacity ||
		    json_unpack(json_object_get(ends, end->name), "{s:I, s:I, s:s, s:s}", "ifindex",
				&ifindex, "hooks", &hooks, "xdp", &xdp, "bridge", &bridge) ||
		    !xdp_mode_parse(xdp, &run->observed[end->number].xdp))
			return -EINVAL;
		run->observed[end->number].ifindex = ifindex;
		run->observed[end->number].hooks = hooks;
		snprintf(end->bridge, sizeof(end->bridge), "%s", bridge);
	}
	return 0;
}

int state_from_json(struct running *run, json_t *state, struct err *err)
{
	const char *schema, *boot, *tc, *xdp, *file;
	json_int_t base, capacity, slots, next_end, group, hooks, started;
	json_t *nodes, *ends;
	int isolated, prefixed;

	if (json_unpack(state,
			"{s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I,"
			" s:o, s:o}",
			"schema", &schema, "boot", &boot, "file", &file, "isolated", &isolated,
			"prefixed", &prefixed, "ifindex_base", &base, "capacity", &capacity,
			"slots", &slots, "next_end", &next_end, "group", &group, "tc", &tc, "xdp",
			&xdp, "hooks", &hooks, "started", &started, "nodes", &nodes, "ends",
			&ends) ||
	    strcmp(schema, STATE_SCHEMA))
		return state_damaged(run->name, "state.json is not of " STATE_SCHEMA, err);
	run->isolated = isolated;
	run->held = json_is_true(json_object_get(state, "held"));
	run->ifindex_base = base;
	run->prefixed = prefixed;
	run->capacity = capacity;
	run->slots = slots;
	run->next_end = next_end;
	run->group = group;
	run->hooks = hooks;
	run->started = started;
	run->xdp = XDP_MODE_DEFAULT;
	if (!tc_parse(tc, &run->tc) ||
	    (strcmp(xdp, xdp_mode_word(run->xdp)) && !xdp_mode_parse(xdp, &run->xdp)))
		return state_damaged(run->name, "unknown tc or xdp mode", err);
	if (nodes_from_json(run, nodes) || ends_from_json(run, ends) ||
	    observed_from_json(run, json_object_get(state, "observed")))
		return state_damaged(run->name, "state.json and lab.yaml do not fit", err);
	run->lab_copy = run->lab->path; /* places in the lab (struct where) point to it */
	run->lab->path = strdup(file);
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		if (run->isolated && run->lab->nodes[i]->netns == NETNS_HOST)
			run->lab->nodes[i]->netns = NETNS_NEW;
	return 0;
}
