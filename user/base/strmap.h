/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * strmap.h - a hash table from text to pointer. Keys and values belong to the caller and must live
 * as long as the table. A zeroed struct is an empty table.
 */
#ifndef VETHLAB_USER_BASE_STRMAP_H
#define VETHLAB_USER_BASE_STRMAP_H

#include <stddef.h>
#include <stdint.h>

struct strmap_slot {
	const char *key; /* NULL: empty */
	void *value;
};

struct strmap {
	struct strmap_slot *slots;
	size_t count, room; /* room: a power of two, or 0 */
};

/*
 * Add key unless it is there. Returns the value that key has now: value itself, or the one that
 * was there before. NULL: out of memory; the table is as it was. value must not be NULL.
 */
void *strmap_add(struct strmap *map, const char *key, void *value);
/* NULL: it is not there. */
void *strmap_find(const struct strmap *map, const char *key);
/* Frees the table, which is empty afterwards; neither keys nor values. */
void strmap_free(struct strmap *map);

#endif
