/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * down_objects.h - the nexthop objects of a down record (down_record.h): those of an end, and the
 * groups that they are members of, as they were.
 */
#ifndef VETHLAB_USER_CHANGE_DOWN_OBJECTS_H
#define VETHLAB_USER_CHANGE_DOWN_OBJECTS_H

#include <stdio.h>

#include "user/net/nexthops.h"

struct down_objects {
	struct nexthop_object *list; /* their bytes are owned */
	size_t n;
};

void down_objects_free(struct down_objects *objects);
/* Those by an interface of nl's namespace, and their groups. 0 or -errno. */
int down_objects_read(struct down_objects *objects, struct nl *nl, uint32_t ifindex,
		      struct err *err);
bool down_objects_have(const struct down_objects *objects, uint32_t id);
/* Take out what *left has too, with the same members. */
void down_objects_subtract(struct down_objects *objects, const struct down_objects *left);
/* In hexadecimal, a line each with `before` in front. */
void down_objects_write(const struct down_objects *objects, const char *before, FILE *f);
/* Append one, of bytes that it owns then. 0, -EINVAL or -ENOMEM: the bytes are freed. */
int down_objects_append(struct down_objects *objects, unsigned char *bytes, size_t size);
/*
 * Add those that are missing, and give members back to groups that have lost them; what a group has
 * got since stays. What was added is taken out. After one that the kernel refuses, the others are
 * added all the same; err is about the first of those refused. end: its name, for errors.
 */
int down_objects_restore(struct down_objects *objects, struct nl *nl, const char *end,
			 struct err *err);

#endif
