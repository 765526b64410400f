// SPDX-License-Identifier: GPL-2.0-only
/* reader_walk.c - see reader_walk.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/reader_walk.h"
#include "user/base/array.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* ---- findings ------------------------------------------------------------------------------ */

struct where reader_where(const struct reader *r, const struct yaml *value)
{
	return (struct where){r->lab->path, value->line, value->column};
}

static void finding(struct reader *r, enum severity severity, const struct yaml *value,
		    const char *hint, const char *fmt, va_list args)
{
	char text[512];

	r->errors += severity == SEVERITY_ERROR;
	if (r->quiet)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	diags_add(r->diags, severity, reader_where(r, value), hint, "%s", text);
}

void reader_error(struct reader *r, const struct yaml *value, const char *hint, const char *fmt,
		  ...)
{
	va_list args;

	va_start(args, fmt);
	finding(r, SEVERITY_ERROR, value, hint, fmt, args);
	va_end(args);
}

void reader_warning(struct reader *r, const struct yaml *value, const char *hint, const char *fmt,
		    ...)
{
	va_list args;

	va_start(args, fmt);
	finding(r, SEVERITY_WARNING, value, hint, fmt, args);
	va_end(args);
}

void reader_bad(struct reader *r, const struct yaml *value, const char *expected, const char *hint)
{
	const char *key = value->key ? value->key->text : "";
	const char *colon = value->key ? ": " : "";

	if (value->kind == YAML_SCALAR && !yaml_is_null(value))
		reader_error(r, value, hint, "%.60s%s\"%.80s\" is not %s", key, colon, value->text,
			     expected);
	else
		reader_error(r, value, hint, "%.60s%s%s is expected, not %s", key, colon, expected,
			     yaml_kind_name(value));
}

void reader_no_memory(struct reader *r)
{
	struct where nowhere = {.file = r->lab ? r->lab->path : NULL};

	if (!r->no_memory)
		diags_add(r->diags, SEVERITY_ERROR, nowhere, NULL, "out of memory");
	r->no_memory = true;
}

const char *reader_guess(struct reader *r, const char *typed, const char *const *names, size_t n,
			 char *buf, size_t size)
{
	const char *near;

	/* A file that is wrong everywhere would search long for what nobody reads. */
	if (r->quiet || ++r->guesses > 50)
		return NULL;
	near = nearest_name(typed, names, n);
	if (!near)
		return NULL;
	snprintf(buf, size, "did you mean \"%s\"?", near);
	return buf;
}

const char *reader_guess_node(struct reader *r, const char *typed, char *buf, size_t size)
{
	const char **names = calloc(r->lab->n_nodes + 1, sizeof(*names)), *hint;

	if (!names)
		return NULL;
	for (size_t i = 0; i < r->lab->n_nodes; i++)
		names[i] = r->lab->nodes[i]->name;
	hint = reader_guess(r, typed, names, r->lab->n_nodes, buf, size);
	free(names);
	return hint;
}

/* ---- walks --------------------------------------------------------------------------------- */

static void unknown_key(struct reader *r, const struct yaml *entry, const struct key *keys,
			size_t n, const char *what)
{
	char hint[320] = "";
	const char *names[64];

	for (size_t i = 0; i < n && i < ARRAY_SIZE(names); i++)
		names[i] = keys[i].name;
	if (!reader_guess(r, entry->key->text, names, n, hint, sizeof(hint))) {
		size_t len = snprintf(hint, sizeof(hint), "keys of %s:", what);

		for (size_t i = 0; i < n && len < sizeof(hint); i++)
			len += snprintf(hint + len, sizeof(hint) - len, "%s %s", i ? "," : "",
					names[i]);
	}
	reader_error(r, entry->key, hint, "unknown key \"%.80s\" in %s", entry->key->text, what);
}

/* The row of an entry's key, or NULL, which is reported. */
static const struct key *find_key(struct reader *r, const struct yaml *entry,
				  const struct key *keys, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(entry->key->text, keys[i].name))
			return &keys[i];
	unknown_key(r, entry, keys, n, what);
	return NULL;
}

void reader_key(struct reader *r, const struct yaml *value, const struct key *key, void *object)
{
	if (key->written)
		*((bool *)object + key->written) = true;
	if (key->kind)
		key->kind(r, value, key, object);
	else if (key->read)
		key->read(r, value, object);
}

bool reader_map(struct reader *r, const struct yaml *value, const struct key *keys, size_t n,
		void *object, const char *what)
{
	if (yaml_is_null(value))
		return true;
	if (value->kind != YAML_MAP) {
		char expected[96];

		snprintf(expected, sizeof(expected), "a map of the keys of %s", what);
		reader_bad(r, value, expected, NULL);
		return false;
	}
	for (const struct yaml *entry = value->first; entry; entry = entry->next) {
		const struct key *key = find_key(r, entry, keys, n, what);

		if (key)
			reader_key(r, entry, key, object);
	}
	return true;
}

void reader_defaults(struct reader *r, const struct yaml *defaults, const struct yaml *own,
		     const struct key *keys, size_t n, void *object, bool *bad)
{
	size_t errors = r->errors;

	if (!defaults)
		return;
	r->quiet = *bad;
	for (const struct yaml *entry = defaults->first; entry; entry = entry->next) {
		const struct key *key = find_key(r, entry, keys, n, "`defaults`");

		if (key && !yaml_find(own, key->name))
			reader_key(r, entry, key, object);
	}
	*bad = r->errors > errors;
	r->quiet = false;
}

void reader_each(struct reader *r, const struct yaml *value,
		 void (*read)(struct reader *r, const struct yaml *value, void *object),
		 void *object)
{
	if (value->kind != YAML_LIST) {
		read(r, value, object);
		return;
	}
	for (const struct yaml *item = value->first; item; item = item->next)
		read(r, item, object);
}

void *reader_append(struct reader *r, void *list_pointer, size_t *n, size_t item_size)
{
	char *list;

	if (array_reserve_one(list_pointer, *n, item_size)) {
		reader_no_memory(r);
		return NULL;
	}
	memcpy(&list, list_pointer, sizeof(list));
	return memset(list + (*n)++ * item_size, 0, item_size);
}
