/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * yaml.h - YAML text as a tree of values that know their line and column. What a lab file does not
 * need is refused with a sentence: anchors, aliases, tags, several documents, keys that are not
 * scalars. Sizes and depth are limited, so that no text can take memory without end.
 */
#ifndef VETHLAB_TOPOLOGY_YAML_H
#define VETHLAB_TOPOLOGY_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "user/base/arena.h"
#include "user/base/err.h"

enum {
	YAML_SIZE_MAX = 16 << 20,      /* bytes of a file */
	YAML_VALUES_MAX = 1000 * 1000, /* scalars, lists and maps */
	YAML_DEPTH_MAX = 16,	       /* lists and maps inside each other */
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	bool plain;		/* a scalar without quotes: may be a number, a boolean, null */
	int line, column;	/* from 1 */
	const struct yaml *key; /* of a map's entry: the scalar before the colon */
	struct yaml *next;	/* of the list or map that this is in */
	union {
		const char *text;   /* YAML_SCALAR */
		struct yaml *first; /* YAML_LIST, YAML_MAP; NULL: empty */
	};
};

/*
 * Parse text into a tree that lives as long as arena. path: what findings call the text. Returns
 * NULL if the text is no tree; the error is in diags. A key that is written twice is an error in
 * diags, but the tree is returned, so that more can be found. An empty document is an empty plain
 * scalar.
 */
const struct yaml *yaml_parse(const char *text, size_t len, const char *path, struct arena *arena,
			      struct diags *diags);

/* The entry of a map, or NULL. */
static inline const struct yaml *yaml_find(const struct yaml *map, const char *key)
{
	if (map && map->kind == YAML_MAP)
		for (const struct yaml *entry = map->first; entry; entry = entry->next)
			if (!strcmp(entry->key->text, key))
				return entry;
	return NULL;
}

/* Nothing written: an empty plain scalar, ~ or null. */
static inline bool yaml_is_null(const struct yaml *value)
{
	return value->kind == YAML_SCALAR && value->plain &&
	       (!value->text[0] || !strcmp(value->text, "~") || !strcmp(value->text, "null"));
}

/* "a list", "a map", "a single value", "nothing" */
static inline const char *yaml_kind_name(const struct yaml *value)
{
	if (value->kind == YAML_SCALAR)
		return yaml_is_null(value) ? "nothing" : "a single value";
	return value->kind == YAML_LIST ? "a list" : "a map";
}

#endif
