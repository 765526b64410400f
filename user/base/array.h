/* SPDX-License-Identifier: GPL-2.0-only */
/* array.h - arrays that grow: by doubling, so that appending takes constant time on average. */
#ifndef VETHLAB_USER_BASE_ARRAY_H
#define VETHLAB_USER_BASE_ARRAY_H

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

#endif
