/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hash.h - hash values for tables in memory. They are not stable between versions and no defence
 * against chosen keys: never write one to a file.
 */
#ifndef VETHLAB_USER_BASE_HASH_H
#define VETHLAB_USER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The offset basis of FNV-1a. To hash several pieces, pass the value of one piece on to the next.
 */
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
 * Add one word to a hash value: a multiplication by 2^64 / golden ratio (Knuth, 6.4). The upper
 * bits of the result depend on all bits of value, the lower ones do not: use hash_fold() for the
 * place in a table.
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
