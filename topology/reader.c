// SPDX-License-Identifier: GPL-2.0-only
/*
 * reader.c - a lab file becomes a lab: the top level of the file, and what follows once all of it
 * is read. The sections are in reader_*.c, values in reader_values.c, what all of them share in
 * reader_walk.c; none of these calls up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/bundled_labs.h"
#include "topology/reader_sections.h"
#include "topology/reader_values.h"
#include "topology/routing.h"
#include "topology/rules.h"
#include "user/base/array.h"
#include "user/base/cleanup.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* ---- the top level ------------------------------------------------------------------------- */

static void read_lab(struct reader *r, const struct yaml *value, void *object)
{
	const char *text = reader_text(r, value, "the lab's name"), *problem;
	struct lab *lab = object;

	if (!text)
		return;
	lab->where = reader_where(r, value);
	problem = lab_name_problem(text);
	if (problem)
		reader_error(r, value, NULL, "lab: \"%.80s\": %s", text, problem);
	else
		strcpy(lab->name, text);
}

static void read_routing(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "static or none";
	const char *text = reader_text(r, value, expected);

	(void)object;
	if (!text)
		return;
	r->routing = !strcmp(text, "static");
	r->routing_where = reader_where(r, value);
	if (!r->routing && strcmp(text, "none"))
		reader_bad(r, value, expected, NULL);
}

static void take_node_defaults(struct reader *r, const struct yaml *value, void *object)
{
	(void)object;
	if (value->kind == YAML_MAP)
		r->node_defaults = value;
	else if (!yaml_is_null(value))
		reader_bad(r, value, "a map of the keys of a node", NULL);
}

static void take_link_defaults(struct reader *r, const struct yaml *value, void *object)
{
	(void)object;
	if (value->kind == YAML_MAP)
		r->link_defaults = value;
	else if (!yaml_is_null(value))
		reader_bad(r, value, "a map of the keys of a link", NULL);
}

static void read_defaults(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"nodes", .read = take_node_defaults},
		{"links", .read = take_link_defaults},
	};

	reader_map(r, value, keys, ARRAY_SIZE(keys), object, "`defaults`");
}

static bool is_rule_name(const char *text)
{
	for (size_t i = 0; i < RULES_NAMES; i++)
		if (!strcmp(rules_names[i], text))
			return true;
	return false;
}

static void read_allowed(struct reader *r, const struct yaml *entry)
{
	static const char expected[] = "why it is meant";
	char guess[64];
	const char *hint, *reason;

	if (!is_rule_name(entry->key->text)) {
		hint = reader_guess(r, entry->key->text, rules_names, RULES_NAMES, guess,
				    sizeof(guess));
		reader_error(r, entry->key, hint ?: "docs/lab-file.md names those that there are",
			     "allow: there is no finding called \"%.60s\"", entry->key->text);
		return;
	}
	if (yaml_is_null(entry)) {
		reader_bad(r, entry, expected, NULL);
		return;
	}
	reason = reader_text(r, entry, expected);
	if (reason && !*reason)
		reader_bad(r, entry, expected, NULL);
}

static void read_allow(struct reader *r, const struct yaml *value, void *object)
{
	(void)object;
	if (value->kind != YAML_MAP) {
		reader_bad(r, value, "a map of findings and why each is meant",
			   "allow: {shared-subnet: \"the reason\"}");
		return;
	}
	for (const struct yaml *entry = value->first; entry; entry = entry->next)
		read_allowed(r, entry);
	r->allow = value;
}

/* Findings of that name become allowed ones; returns whether there was one. */
static bool allow(struct diags *diags, const char *name, const char *reason)
{
	bool used = false;

	for (size_t i = 0; i < diags->count; i++) {
		struct diag *diag = &diags->list[i];

		if (diag->severity != SEVERITY_WARNING || !diag->name || strcmp(diag->name, name))
			continue;
		diag->severity = SEVERITY_ALLOWED;
		diag->reason = strdup(reason);
		used = true;
	}
	return used;
}

static void apply_allow(struct reader *r)
{
	const struct yaml *entry = r->allow ? r->allow->first : NULL;

	/* With errors, rules are left out: what they would find is not known. */
	for (; entry && !r->diags->errors; entry = entry->next) {
		const char *reason = reader_text(r, entry, "why it is meant");

		if (reason && !allow(r->diags, entry->key->text, reason))
			reader_warning(r, entry->key, "take it out, so that it hides nothing later",
				       "allow: nothing in this lab is %s", entry->key->text);
	}
}

static void read_tree(struct reader *r, const struct yaml *tree)
{
	/* Rows with a name alone are read below, once all that they need is known. */
	static const struct key keys[] = {
		{"lab", .read = read_lab},
		{"about", key_string, offsetof(struct lab, about)},
		{"vars", .read = reader_vars},
		{"xdp", key_word, offsetof(struct lab, xdp), .words = xdp_words,
		 .expected = XDP_EXPECTED},
		{"hooks", key_hooks, offsetof(struct lab, hooks)},
		{"defaults", .read = read_defaults},
		{"nodes"},
		{"links"},
		{"pools", .read = reader_pools},
		{"routing", .read = read_routing},
		{"allow", .read = read_allow},
	};
	const struct yaml *section;

	if (tree->kind != YAML_MAP) {
		reader_error(r, tree, "a small lab is `lab: x`, `nodes:` and `links:`",
			     "a lab file is a map of `lab`, `nodes` and `links`, not %s",
			     yaml_kind_name(tree));
		return;
	}
	section = yaml_find(tree, "topology");
	if (section && yaml_find(section, "nodes")) {
		reader_error(r, section->key,
			     "vethlab builds namespaces and veth links, without images: write "
			     "`lab: NAME`, `nodes:` and `links:` at the top level",
			     "this is a containerlab file, not a lab file of vethlab");
		return;
	}
	r->vars = yaml_find(tree, "vars");
	reader_map(r, tree, keys, ARRAY_SIZE(keys), r->lab, "a lab");
	if (!yaml_find(tree, "lab"))
		reader_error(r, tree, "its first line is `lab: NAME`", "the lab has no name");
	section = yaml_find(tree, "nodes");
	if (section)
		reader_nodes(r, section);
	if (!section || (!r->lab->n_nodes && yaml_is_null(section)))
		reader_error(r, section ?: tree, "write `nodes:`, with a name for each",
			     "the lab has no nodes");
	section = yaml_find(tree, "links");
	if (section)
		reader_links(r, section);
}

static void reader_free(struct reader *r)
{
	strmap_free(&r->nodes);
	strmap_free(&r->ends);
	free(r->trees);
	free(r->plan.automatic);
	arena_free(&r->arena);
}

/* What a lab needs once its file is read: planned addresses, rules, routes, an index. */
static int finish(struct reader *r)
{
	struct segments segments;
	struct diags *diags = r->diags;
	int result = segments_find(&segments, r->lab);

	if (result < 0)
		return result;
	if (!r->errors)
		result = autoaddr_assign(r->lab, &r->plan, &segments, diags);
	if (result == 0 && !diags->errors)
		result = lab_index(r->lab);
	if (result == 0)
		result = rules_check(r->lab, &segments, !diags->errors, diags);
	if (result == 0 && !diags->errors && r->routing)
		result = routing_compute(r->lab, &segments, r->routing_where, diags);
	segments_free(&segments);
	return result;
}

struct lab *lab_read_text(const char *text, size_t len, const char *path, struct diags *diags)
{
	struct diags found = {}; /* of this file alone, whatever diags holds already */
	struct reader r = {.diags = &found, .lab = calloc(1, sizeof(struct lab))};
	const struct yaml *tree;

	if (r.lab) {
		r.lab->path = strdup(path);
		r.lab->text = strndup(text, len);
	}
	autoaddr_default_pools(&r.plan);
	if (!r.lab || !r.lab->path || !r.lab->text) {
		reader_no_memory(&r);
	} else {
		tree = yaml_parse(text, len, r.lab->path, &r.arena, &found);
		if (tree)
			read_tree(&r, tree);
		if (tree && !r.no_memory && finish(&r) < 0)
			reader_no_memory(&r);
		apply_allow(&r);
	}
	reader_free(&r);
	diags_sort(&found);
	if (found.errors) {
		lab_free(r.lab);
		r.lab = NULL;
	}
	diags_move(diags, &found);
	return r.lab;
}

/* The whole file, ended by a zero. Pipes and devices are read too: they have no size to ask for. */
enum { READ_SIZE = 64 << 10 };

static char *read_whole(int fd, size_t *len)
{
	size_t room = 0, used = 0;
	cleanup_free char *text = NULL;
	ssize_t got;

	do {
		if (used + 1 >= room && array_reserve(&text, &room, used + READ_SIZE, 1))
			return NULL;
		got = read(fd, text + used, room - used - 1);
		if (got > 0)
			used += got;
	} while ((got > 0 && used <= YAML_SIZE_MAX) || (got < 0 && errno == EINTR));
	if (got < 0)
		return NULL;
	text[used] = '\0';
	*len = used;
	return cleanup_take(text);
}

const char *bundled_lab_text(const char *path)
{
	const char *name = path + sizeof(BUNDLED_PREFIX) - 1;

	if (strncmp(path, BUNDLED_PREFIX, sizeof(BUNDLED_PREFIX) - 1))
		return NULL;
	for (const struct bundled_lab *lab = bundled_labs; lab->name; lab++)
		if (!strcmp(lab->name, name))
			return lab->text;
	return NULL;
}

struct lab *lab_read_file(const char *path, struct diags *diags)
{
	struct where where = {.file = path};
	const char *bundled = bundled_lab_text(path);
	cleanup_close int fd = -1;
	cleanup_free char *text = NULL;
	size_t len;

	if (bundled)
		return lab_read_text(bundled, strlen(bundled), path, diags);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		text = read_whole(fd, &len);
	if (text)
		return lab_read_text(text, len, path, diags);
	diags_add(diags, SEVERITY_ERROR, where, NULL, "cannot read it: %s", strerror(errno));
	return NULL;
}
