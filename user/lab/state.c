// SPDX-License-Identifier: GPL-2.0-only
/* state.c - what state.json says: a running lab as JSON, and back. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/lab/journal.h"
#include "user/lab/state.h"

#define STATE_SCHEMA "vethlab.state/1"

/* More than a lab file may have of ends or nodes, with the room for what is added later. */
enum { STATE_NUMBERS_MAX = 1 << 20 };
#define STATE_SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */

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

int state_damaged(const char *name, struct err *err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, ERR_FAILED, EINVAL, "lab %s: its state is damaged: %s", name, what);
	err_hint(err, "`vethlab down %s` removes it", name);
	return -EINVAL;
}

/*
 * Reads state.json, which a person may have changed: each value is of its type and in its range, or
 * the first that is not is told. After it, values are 0 or "".
 */
struct state_reader {
	const char *name;
	int ret; /* of the first value that is damaged */
	struct err *err;
};

/* place: of the object in the document, with a dot at its end, or "". */
__attribute__((format(printf, 4, 5))) static void
complain(struct state_reader *reader, const char *place, const char *key, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (!reader->ret)
		reader->ret = state_damaged(reader->name, reader->err, "state.json: %s%s is %s",
					    place, key, what);
}

static int64_t number_in(struct state_reader *reader, json_t *object, const char *place,
			 const char *key, int64_t least, int64_t most)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		complain(reader, place, key, "missing");
	else if (!json_is_integer(value))
		complain(reader, place, key, "no whole number");
	else if (json_integer_value(value) < least || json_integer_value(value) > most)
		complain(reader, place, key,
			 "%" JSON_INTEGER_FORMAT ", not from %" PRId64 " to %" PRId64,
			 json_integer_value(value), least, most);
	else
		return json_integer_value(value);
	return 0;
}

static bool bool_in(struct state_reader *reader, json_t *object, const char *place, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_boolean(value))
		complain(reader, place, key, value ? "neither true nor false" : "missing");
	return json_is_true(value);
}

static const char *text_in(struct state_reader *reader, json_t *object, const char *place,
			   const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_string(value)) {
		complain(reader, place, key, value ? "no string" : "missing");
		return "";
	}
	return json_string_value(value);
}

static json_t *container_in(struct state_reader *reader, json_t *state, const char *key,
			    json_type type)
{
	json_t *value = json_object_get(state, key);

	if (value && json_typeof(value) == type)
		return value;
	complain(reader, "", key, "%s",
		 !value		      ? "missing"
		 : type == JSON_ARRAY ? "no list"
				      : "no object");
	return NULL;
}

static unsigned hooks_in(struct state_reader *reader, json_t *object, const char *place, int least)
{
	unsigned hooks = number_in(reader, object, place, "hooks", least, HOOKS_IN | HOOKS_OUT);

	if ((hooks & HOOKS_NONE) && hooks != HOOKS_NONE)
		complain(reader, place, "hooks", "%u: none and some at once", hooks);
	return hooks;
}

static enum xdp_mode xdp_in(struct state_reader *reader, json_t *object, const char *place,
			    bool may_be_default)
{
	const char *word = text_in(reader, object, place, "xdp");
	enum xdp_mode mode = XDP_MODE_DEFAULT;

	if (!xdp_mode_parse(word, &mode) && !(may_be_default && !strcmp(word, xdp_words[mode])))
		complain(reader, place, "xdp", "no mode of XDP: '%.40s'", word);
	return mode;
}

/* The name of a file in NETNS_DIR: `down` removes it. */
static void netns_name_in(struct state_reader *reader, json_t *object, const char *place,
			  struct running_node *node)
{
	const char *name = text_in(reader, object, place, "netns");

	if (strlen(name) >= sizeof(node->netns_name) || strchr(name, '/') ||
	    (node->ours && (!*name || name[0] == '.')))
		complain(reader, place, "netns", "no name of a network namespace: '%.40s'", name);
	else
		snprintf(node->netns_name, sizeof(node->netns_name), "%s", name);
}

static void node_in(struct state_reader *reader, json_t *one, size_t i, struct running *run,
		    bool observed)
{
	struct running_node *node = &run->nodes[i];
	char place[32];
	const char *name;

	snprintf(place, sizeof(place), "nodes[%zu].", i);
	name = text_in(reader, one, place, "node");
	if (strcmp(name, run->lab->nodes[i]->name))
		complain(reader, place, "node", "'%.70s', but '%.70s' in the lab file", name,
			 run->lab->nodes[i]->name);
	node->ours = bool_in(reader, one, place, "ours");
	netns_name_in(reader, one, place, node);
	node->id.inode = number_in(reader, one, place, "inode", observed ? 0 : 1, INT64_MAX);
	/* All 64 bits: the kernel counts cookies from either end (include/linux/cookie.h). */
	node->id.cookie = number_in(reader, one, place, "cookie", INT64_MIN, INT64_MAX);
	node->slot = number_in(reader, one, place, "slot", 0, (int64_t)run->slots - 1);
}

static int nodes_in(struct state_reader *reader, json_t *nodes, struct running *run, bool observed)
{
	cleanup_free bool *taken = calloc(run->slots + 1, sizeof(*taken));
	size_t n = json_array_size(nodes);

	run->nodes = calloc(run->lab->n_nodes + 1, sizeof(*run->nodes));
	if (!taken || !run->nodes)
		return -ENOMEM;
	if (n != run->lab->n_nodes)
		complain(reader, "", "nodes", "a list of %zu, but the lab file has %zu", n,
			 run->lab->n_nodes);
	for (size_t i = 0; i < n && !reader->ret; i++) {
		node_in(reader, json_array_get(nodes, i), i, run, observed);
		if (!reader->ret && taken[run->nodes[i].slot])
			complain(reader, "nodes", "", "a list with slot %u twice",
				 run->nodes[i].slot);
		else if (!reader->ret)
			taken[run->nodes[i].slot] = true;
	}
	return reader->ret;
}

/* The ends of a link have two numbers that follow an even one: 2 n and 2 n + 1. */
static int ends_in(struct state_reader *reader, json_t *ends, struct running *run)
{
	cleanup_free struct end **owners = calloc(run->capacity + 1, sizeof(*owners));

	if (!owners)
		return -ENOMEM;
	for (size_t i = 0; i < lab_n_ends(run->lab) && !reader->ret; i++) {
		struct end *end = lab_end(run->lab, i), *other;

		end->number =
			number_in(reader, ends, "ends.", end->name, 0, (int64_t)run->next_end - 1);
		if (reader->ret)
			break;
		other = owners[end->number];
		if (other)
			complain(reader, "ends.", end->name, "%u, as %.100s is", end->number,
				 other->name);
		other = owners[end->number ^ 1];
		if (other && other != end->peer)
			complain(reader, "ends.", end->name,
				 "%u, beside %.100s, which is not the other end of its link",
				 end->number, other->name);
		owners[end->number] = end;
	}
	return reader->ret ? reader->ret : lab_index(run->lab);
}

static int observed_in(struct state_reader *reader, json_t *ends, struct running *run)
{
	run->observed = calloc(run->capacity + 1, sizeof(*run->observed));
	if (!run->observed)
		return -ENOMEM;
	for (size_t i = 0; i < lab_n_ends(run->lab) && !reader->ret; i++) {
		struct end *end = lab_end(run->lab, i);
		struct observed_end *observed = &run->observed[end->number];
		json_t *one = json_object_get(ends, end->name);
		char place[32 + NODE_NAME_MAX + IFNAME_MAX];
		const char *bridge;

		snprintf(place, sizeof(place), "observed.%s.", end->name);
		observed->ifindex = number_in(reader, one, place, "ifindex", 1, INT32_MAX);
		observed->hooks = hooks_in(reader, one, place, HOOKS_NONE);
		observed->xdp = xdp_in(reader, one, place, false);
		bridge = text_in(reader, one, place, "bridge");
		if (strlen(bridge) >= sizeof(end->bridge))
			complain(reader, place, "bridge", "no name of an interface: '%.40s'",
				 bridge);
		snprintf(end->bridge, sizeof(end->bridge), "%s", bridge);
	}
	return reader->ret;
}

/* What is said of the lab as a whole. Returns its `observed`; NULL: vethlab built the links. */
static json_t *lab_in(struct state_reader *reader, json_t *state, struct running *run)
{
	json_t *observed = json_object_get(state, "observed");
	const char *tc, *name;

	if (strcmp(text_in(reader, state, "", "schema"), STATE_SCHEMA))
		complain(reader, "", "schema", "not " STATE_SCHEMA);
	if (observed)
		container_in(reader, state, "observed", JSON_OBJECT);
	name = text_in(reader, state, "", "lab");
	if (strcmp(name, run->name))
		complain(reader, "", "lab", "'%.40s'", name);
	run->isolated = bool_in(reader, state, "", "isolated");
	run->prefixed = bool_in(reader, state, "", "prefixed");
	run->held = json_object_get(state, "held") && bool_in(reader, state, "", "held");
	run->capacity =
		number_in(reader, state, "", "capacity", lab_n_ends(run->lab), STATE_NUMBERS_MAX);
	run->slots = number_in(reader, state, "", "slots", run->lab->n_nodes, STATE_NUMBERS_MAX);
	run->next_end = number_in(reader, state, "", "next_end", lab_n_ends(run->lab) ? 1 : 0,
				  run->capacity);
	run->ifindex_base = number_in(reader, state, "", "ifindex_base", observed ? 0 : 1,
				      (int64_t)INT32_MAX - run->capacity - run->slots);
	run->group = number_in(reader, state, "", "group", observed ? 0 : 1, UINT32_MAX);
	run->hooks = hooks_in(reader, state, "", HOOKS_DEFAULT);
	run->started = number_in(reader, state, "", "started", 0, STATE_SECONDS_MAX);
	run->xdp = xdp_in(reader, state, "", true);
	tc = text_in(reader, state, "", "tc");
	if (!tc_parse(tc, &run->tc))
		complain(reader, "", "tc", "no way to attach: '%.40s'", tc);
	return observed;
}

int state_from_json(struct running *run, json_t *state, struct err *err)
{
	struct state_reader reader = {.name = run->name, .err = err};
	const char *file = text_in(&reader, state, "", "file");
	json_t *observed = lab_in(&reader, state, run);
	json_t *nodes = container_in(&reader, state, "nodes", JSON_ARRAY);
	json_t *ends = container_in(&reader, state, "ends", JSON_OBJECT);
	char *path = strdup(file);
	int ret = !path ? -ENOMEM : reader.ret;

	if (!ret)
		ret = nodes_in(&reader, nodes, run, observed);
	if (!ret)
		ret = ends_in(&reader, ends, run);
	if (!ret && observed)
		ret = observed_in(&reader, observed, run);
	if (ret) {
		free(path);
		return reader.ret
			       ? reader.ret
			       : err_set(err, ERR_SYSTEM, -ret, "lab %s: out of memory", run->name);
	}
	run->lab_copy = run->lab->path; /* places in the lab (struct where) point to it */
	run->lab->path = path;
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		if (run->isolated && run->lab->nodes[i]->netns == NETNS_HOST)
			run->lab->nodes[i]->netns = NETNS_NEW;
	return 0;
}

void running_free(struct running *run)
{
	if (!run)
		return;
	lab_free(run->lab);
	free(run->lab_copy);
	free(run->nodes);
	free(run->observed);
	free(run);
}
