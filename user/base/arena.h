/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arena.h - memory that is freed in one go. A zeroed struct is empty. What is allocated lives until
 * arena_free(), and is not freed on its own.
 */
#ifndef VETHLAB_USER_BASE_ARENA_H
#define VETHLAB_USER_BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_chunk *chunks;
};

/* size bytes of zeros, aligned for any type. NULL: out of memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* len bytes of text and a zero byte. NULL: out of memory. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
/* Free all of it; the arena is empty then, and may be used again. */
void arena_free(struct arena *arena);

#endif
