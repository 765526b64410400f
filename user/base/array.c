// SPDX-License-Identifier: GPL-2.0-only
/* array.c - see array.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"

enum { ARRAY_ROOM_MIN = 8 };

/* list is the address of a pointer of any type, so it is copied and not dereferenced. */
static int resize(void *list, size_t room, size_t size)
{
	void *old, *bigger;

	memcpy(&old, list, sizeof(old));
	bigger = reallocarray(old, room, size);
	if (!bigger)
		return -ENOMEM;
	memcpy(list, &bigger, sizeof(bigger));
	return 0;
}

int array_reserve(void *list, size_t *room, size_t least, size_t size)
{
	size_t more = *room ? *room : ARRAY_ROOM_MIN;

	if (least <= *room)
		return 0;
	while (more < least) {
		if (more > (size_t)-1 / 2)
			return -ENOMEM;
		more *= 2;
	}
	if (resize(list, more, size))
		return -ENOMEM;
	*room = more;
	return 0;
}

int array_reserve_one(void *list, size_t n, size_t size)
{
	if (n & (n - 1))
		return 0;
	return resize(list, n ? 2 * n : 1, size);
}
