/* SPDX-License-Identifier: GPL-2.0-only */
/* array.h - arrays that grow: by doubling, so that appending takes constant time on average. */
#ifndef VETHLAB_USER_BASE_ARRAY_H
#define VETHLAB_USER_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Give the array at *list room for at least `least` elements of `size` bytes. list is the address
 * of the pointer to its first element; *room is how many elements it has room for, 0 at first.
 * Returns 0, or -ENOMEM: the array is as it was. New elements are not initialized.
 */
int array_reserve(void *list, size_t *room, size_t least, size_t size);

/*
 * The same for an array that keeps no room beside its number of elements n: its room is n rounded
 * up to a power of two. Makes sure that there is room for one element more.
 */
int array_reserve_one(void *list, size_t n, size_t size);

/*
 * Binary search in n elements of `size` bytes, of which those that is_before(element, key) is true
 * of come first: the index of the first element that it is false of; n: there is none.
 */
static inline size_t array_lower_bound(const void *list, size_t n, size_t size, const void *key,
				       bool (*is_before)(const void *element, const void *key))
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before((const char *)list + middle * size, key))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
