// SPDX-License-Identifier: GPL-2.0-only
/* strmap.c - a hash table from text to pointer: open addressing, at most half full. */
#include <stdlib.h>
#include <string.h>

#include "user/base/strmap.h"

/* FNV-1a. */
static uint64_t name_hash(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *key; key++)
		hash = (hash ^ (uint8_t)*key) * 0x100000001b3u;
	return hash ^ (hash >> 32);
}

/* The slot of key, or the empty one where it would be. */
static struct strmap_slot *name_slot(const struct strmap *names, const char *key)
{
	size_t i = name_hash(key) & (names->room - 1);

	while (names->slots[i].key && strcmp(names->slots[i].key, key))
		i = (i + 1) & (names->room - 1);
	return &names->slots[i];
}

static int names_grow(struct strmap *names)
{
	struct strmap bigger = {.count = names->count, .room = names->room ? 2 * names->room : 16};

	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i < names->room; i++)
		if (names->slots[i].key)
			*name_slot(&bigger, names->slots[i].key) = names->slots[i];
	free(names->slots);
	*names = bigger;
	return 0;
}

void *strmap_add(struct strmap *names, const char *key, void *value)
{
	struct strmap_slot *slot;

	if (2 * (names->count + 1) > names->room && names_grow(names) < 0)
		return NULL;
	slot = name_slot(names, key);
	if (!slot->key) {
		slot->key = key;
		slot->value = value;
		names->count++;
	}
	return slot->value;
}

void *strmap_find(const struct strmap *names, const char *key)
{
	return names->room ? name_slot(names, key)->value : NULL;
}

void strmap_free(struct strmap *names)
{
	free(names->slots);
	memset(names, 0, sizeof(*names));
}
