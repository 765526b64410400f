// SPDX-License-Identifier: GPL-2.0-only
/* down_objects.c - see down_objects.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/change/down_objects.h"

void down_objects_free(struct down_objects *objects)
{
	for (size_t i = 0; i < objects->n; i++)
		free(objects->list[i].bytes);
	free(objects->list);
	*objects = (struct down_objects){0};
}

static void cleanup_objects_fn(struct down_objects *objects)
{
	down_objects_free(objects);
}

int down_objects_append(struct down_objects *objects, unsigned char *bytes, size_t size)
{
	struct nexthop_object object;
	int ret = nexthop_read(&object, bytes, size);

	if (!ret && array_reserve_one(&objects->list, objects->n, sizeof(object)))
		ret = -ENOMEM;
	if (ret) {
		free(bytes);
		return ret;
	}
	objects->list[objects->n++] = object;
	return 0;
}

/* ---- what the kernel has ------------------------------------------------------------------- */

struct objects_reading {
	struct down_objects *objects;
	uint32_t ifindex; /* 0: all of them */
	bool groups;	  /* groups of those that were read; else the others */
	bool no_memory;
};

static bool has_member_of(const struct nexthop_object *group, const struct down_objects *objects)
{
	const struct nexthop_grp *members = NULL;
	size_t n = nexthop_members(group, &members);

	for (size_t i = 0; i < n; i++)
		if (down_objects_have(objects, members[i].id))
			return true;
	return false;
}

static bool on_object(const struct nexthop_object *object, void *arg)
{
	struct objects_reading *reading = arg;
	unsigned char *bytes;

	if (reading->ifindex && (object->is_group != reading->groups ||
				 (reading->groups ? !has_member_of(object, reading->objects)
						  : object->ifindex != reading->ifindex)))
		return true;
	bytes = malloc(object->size);
	if (bytes)
		memcpy(bytes, object->bytes, object->size);
	reading->no_memory = !bytes || down_objects_append(reading->objects, bytes, object->size);
	return !reading->no_memory;
}

static int read_objects(struct objects_reading *reading, struct nl *nl, struct err *err)
{
	int ret = nexthop_list(nl, on_object, reading, err);

	return !ret && reading->no_memory ? err_set(err, ERR_SYSTEM, ENOMEM, "out of memory") : ret;
}

int down_objects_read(struct down_objects *objects, struct nl *nl, uint32_t ifindex,
		      struct err *err)
{
	struct objects_reading reading = {.objects = objects, .ifindex = ifindex};
	int ret = read_objects(&reading, nl, err);

	if (ret || !objects->n)
		return ret;
	reading.groups = true; /* a group may have a smaller id than its members */
	return read_objects(&reading, nl, err);
}

/* ---- the difference, and its lines --------------------------------------------------------- */

static const struct nexthop_object *find_object(const struct down_objects *objects, uint32_t id)
{
	for (size_t i = 0; i < objects->n; i++)
		if (objects->list[i].id == id)
			return &objects->list[i];
	return NULL;
}

bool down_objects_have(const struct down_objects *objects, uint32_t id)
{
	return find_object(objects, id);
}

static bool same_members(const struct nexthop_object *a, const struct nexthop_object *b)
{
	const struct nexthop_grp *x = NULL, *y = NULL;
	size_t n = nexthop_members(a, &x);

	return n == nexthop_members(b, &y) && (!n || !memcmp(x, y, n * sizeof(*x)));
}

void down_objects_subtract(struct down_objects *objects, const struct down_objects *left)
{
	size_t n = 0;

	for (size_t i = 0; i < objects->n; i++) {
		struct nexthop_object *object = &objects->list[i];
		const struct nexthop_object *other = find_object(left, object->id);

		if (other && same_members(object, other))
			free(object->bytes);
		else
			objects->list[n++] = *object;
	}
	objects->n = n;
}

void down_objects_write(const struct down_objects *objects, const char *before, FILE *f)
{
	for (size_t i = 0; i < objects->n; i++) {
		fputs(before, f);
		for (size_t k = 0; k < objects->list[i].size; k++)
			fprintf(f, "%02x", objects->list[i].bytes[k]);
		fputc('\n', f);
	}
}

/* ---- back to the kernel -------------------------------------------------------------------- */

static int restore_one(const struct nexthop_object *object, struct nl *nl, const char *end,
		       struct err *err)
{
	char action[48];
	struct nl_what what = {end, action, {0}, EEXIST};
	int ret;

	snprintf(action, sizeof(action), "add the nexthop %u", object->id);
	ret = nexthop_add(nl, object, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

/* Its members as they were, of those that there are, and behind them those that it has got since.
 * Returns how many. */
static size_t join_members(struct nexthop_grp *joined, const struct nexthop_object *group,
			   const struct nexthop_object *now, const struct down_objects *lost,
			   const struct down_objects *all)
{
	const struct nexthop_grp *was = NULL, *have = NULL;
	size_t n_was = nexthop_members(group, &was), n = 0;
	size_t n_have = now ? nexthop_members(now, &have) : 0;

	for (size_t i = 0; i < n_was; i++) {
		bool is_there = down_objects_have(lost, was[i].id) || !now;

		for (size_t k = 0; k < n_have && !is_there; k++)
			is_there = have[k].id == was[i].id;
		if (is_there && down_objects_have(all, was[i].id))
			joined[n++] = was[i];
	}
	for (size_t k = 0; k < n_have; k++) {
		bool is_new = true;

		for (size_t i = 0; i < n_was; i++)
			is_new &= was[i].id != have[k].id;
		if (is_new)
			joined[n++] = have[k];
	}
	return n;
}

static int restore_group(const struct nexthop_object *group, const struct down_objects *lost,
			 struct nl *nl, const char *end, struct err *err)
{
	__attribute__((cleanup(cleanup_objects_fn))) struct down_objects all = {0};
	struct objects_reading reading = {.objects = &all};
	cleanup_free struct nexthop_grp *members = NULL;
	const struct nexthop_object *now;
	char action[48];
	struct nl_what what = {end, action, {0}, 0};
	int ret = read_objects(&reading, nl, err);
	size_t n;

	if (ret)
		return ret;
	now = find_object(&all, group->id);
	if (now && !now->is_group) /* somebody has used its id since */
		return 0;
	/* Each is at least 8 bytes of a message. */
	members = malloc(group->size + (now ? now->size : 0) + 1);
	if (!members)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	n = join_members(members, group, now, lost, &all);
	snprintf(action, sizeof(action), "restore the group %u of nexthops", group->id);
	if (!n)
		return err_set(err, ERR_FAILED, ENOENT,
			       "%s: cannot %s: none of its members is left", end, action);
	ret = nexthop_set_group(nl, group, members, n, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

int down_objects_restore(struct down_objects *objects, struct nl *nl, const char *end,
			 struct err *err)
{
	cleanup_free bool *refused = calloc(objects->n + 1, sizeof(*refused));
	int first = 0;
	size_t n = 0;

	if (!refused)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	/* Groups are made of the others. */
	for (int groups = 0; groups < 2; groups++)
		for (size_t i = 0; i < objects->n; i++) {
			const struct nexthop_object *object = &objects->list[i];
			int ret;

			if (object->is_group != groups)
				continue;
			ret = groups ? restore_group(object, objects, nl, end, first ? NULL : err)
				     : restore_one(object, nl, end, first ? NULL : err);
			refused[i] = ret != 0;
			first = first ? first : ret;
		}
	for (size_t i = 0; i < objects->n; i++) {
		if (refused[i])
			objects->list[n++] = objects->list[i];
		else
			free(objects->list[i].bytes);
	}
	objects->n = n;
	return first;
}
