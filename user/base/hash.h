/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hash.h - hash values for tables in memory. They are not stable between versions and no defence
 * against chosen keys: never write one to a file.
 */
#ifndef VETHLAB_USER_BASE_HASH_H
#define VETHLAB_USER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a's start; hash_bytes() of several pieces goes on from the value of the piece before. */
#define HASH_START 0xcbf29ce484222325u

/* FNV-1a (draft-eastlake-fnv) over n bytes. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n--)
		hash = (hash ^ *p++) * 0x100000001b3u;
	return hash;
}

/*
 * One word more: multiplied by 2^64 / golden ratio (Knuth, 6.4), so that the upper bits of the
 * result are the good ones. Fold it with hash_fold() before taking lower bits.
 */
static inline uint64_t hash_mix(uint64_t hash, uint64_t value)
{
	return ((hash ^ value) * 0x9e3779b97f4a7c15u) ^ (hash >> 29);
}

/* The place of a hash value in a table of a power of two. */
static inline size_t hash_fold(uint64_t hash, size_t room)
{
	return (size_t)(hash ^ (hash >> 32)) & (room - 1);
}

#endif
