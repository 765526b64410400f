// SPDX-License-Identifier: GPL-2.0-only
/* strmap.c - a hash table from text to pointer: open addressing, at most half full. */
#include <stdlib.h>
#include <string.h>

#include "user/base/hash.h"
#include "user/base/strmap.h"

/* The slot of key, or the empty one where it would be. */
static struct strmap_slot *find_slot(const struct strmap *map, const char *key)
{
	size_t i = hash_fold(hash_bytes(HASH_START, key, strlen(key)), map->room);

	while (map->slots[i].key && strcmp(map->slots[i].key, key))
		i = (i + 1) & (map->room - 1);
	return &map->slots[i];
}

static int grow(struct strmap *map)
{
	struct strmap bigger = {.count = map->count, .room = map->room ? 2 * map->room : 16};

	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i < map->room; i++)
		if (map->slots[i].key)
			*find_slot(&bigger, map->slots[i].key) = map->slots[i];
	free(map->slots);
	*map = bigger;
	return 0;
}

void *strmap_add(struct strmap *map, const char *key, void *value)
{
	struct strmap_slot *slot;

	if (2 * (map->count + 1) > map->room && grow(map) < 0)
		return NULL;
	slot = find_slot(map, key);
	if (!slot->key) {
		slot->key = key;
		slot->value = value;
		map->count++;
	}
	return slot->value;
}

void *strmap_find(const struct strmap *map, const char *key)
{
	return map->room ? find_slot(map, key)->value : NULL;
}

void strmap_free(struct strmap *map)
{
	free(map->slots);
	memset(map, 0, sizeof(*map));
}
