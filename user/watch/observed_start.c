// SPDX-License-Identifier: GPL-2.0-only
/*
 * observed_start.c - from where on an observed lab counts. Its links carry packets already while
 * their ends get programs, one after the other: what was counted before both had them is kept
 * beside the counters, in maps of the same shape, and subtracted from all that is read.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/vethlab.skel.h"
#include "user/base/cleanup.h"
#include "user/watch/exact_start.h"
#include "user/watch/drops.h"
#include "user/watch/internal.h"

enum { TRIES = 4 };

int watch_make_start_maps(struct watch *watch)
{
	static const char *const names[] = {"begun_out", "begun_xdp", "begun_in"};
	const struct bpf_map *like = watch->skel->maps.count_out, *ends = watch->skel->maps.ends;
	DECLARE_LIBBPF_OPTS(bpf_map_create_opts, opts);

	/* The types, so that bpftool prints names. */
	opts.btf_fd = bpf_object__btf_fd(watch->skel->obj);
	opts.btf_key_type_id = bpf_map__btf_key_type_id(like);
	opts.btf_value_type_id = bpf_map__btf_value_type_id(like);
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		int *fd = &watch->maps[MAP_START + hook];

		if (watch->maps[MAP_COUNT_OUT + hook] < 0)
			continue;
		*fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, names[hook], sizeof(uint32_t),
				     sizeof(struct vl_counters), bpf_map__max_entries(ends), &opts);
		if (*fd < 0)
			return -errno;
	}
	watch->maps[MAP_START_DROPS] = bpf_map_create(
		BPF_MAP_TYPE_HASH, "begun_drops", sizeof(struct vl_drop_key),
		sizeof(struct vl_drop_counters), watch_drops_room(watch->n_ends), NULL);
	return watch->maps[MAP_START_DROPS] < 0 ? -errno : 0;
}

static void read_one(struct watch *watch, enum vl_hook hook, uint32_t end,
		     struct vl_counters *at_start)
{
	int fd = watch->maps[MAP_START + hook];

	if (fd < 0 || bpf_map_lookup_elem(fd, &end, at_start))
		memset(at_start, 0, sizeof(*at_start));
}

void watch_read_start(struct watch *watch, uint32_t from, uint32_t to,
		      struct vl_counters at_start[VL_HOOKS])
{
	read_one(watch, VL_HOOK_OUT, from, &at_start[VL_HOOK_OUT]);
	read_one(watch, VL_HOOK_XDP, to, &at_start[VL_HOOK_XDP]);
	read_one(watch, VL_HOOK_IN, to, &at_start[VL_HOOK_IN]);
}

void watch_subtract_start(struct watch *watch, enum vl_hook hook, struct vl_counters *counters)
{
	struct vl_counters at_start;

	for (uint32_t i = 0; watch->maps[MAP_START + hook] >= 0 && i < watch->n_ends; i++) {
		read_one(watch, hook, i, &at_start);
		watch_subtract_words(&counters[i], &at_start, sizeof(at_start));
	}
}

void watch_subtract_start_drops(struct watch *watch, const struct vl_drop_key *key,
				struct vl_drop_counters *count)
{
	struct vl_drop_counters at_start;
	int fd = watch->maps[MAP_START_DROPS];

	if (fd >= 0 && !bpf_map_lookup_elem(fd, key, &at_start))
		watch_subtract_words(count, &at_start, sizeof(at_start));
}

int watch_clear_start(struct watch *watch, uint32_t number)
{
	const struct vl_counters zero = {};

	for (int hook = 0; hook < VL_HOOKS; hook++)
		if (watch->maps[MAP_START + hook] >= 0 &&
		    bpf_map_update_elem(watch->maps[MAP_START + hook], &number, &zero, BPF_ANY))
			return -errno;
	watch_clear_drops(watch->maps[MAP_START_DROPS], number);
	return 0;
}

/* Whether an end is one of those that begin. */
static bool is_of(const struct watch_exact_start *starts, size_t n, uint32_t end)
{
	for (size_t i = 0; i < n; i++)
		if (starts[i].from == end)
			return true;
	return false;
}

/*
 * What was dropped at these ends so far, into begun_drops. *more: it is more than at the last call.
 * -errno: an entry that is not there would make drops from before the lab began a part of it.
 */
static int note_drops(struct watch *watch, const struct watch_exact_start *starts, size_t n,
		      bool *more)
{
	struct vl_drop_counters count, before;
	struct vl_drop_key key, *last = NULL, next;
	cleanup_close int fd = watch_open_drops(watch);
	int n_cpus = libbpf_num_possible_cpus();

	*more = false;
	if (n_cpus < 0)
		return n_cpus;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd; /* -ENOENT: the lab counts no drops */
	while (!bpf_map_get_next_key(fd, last, &next)) {
		key = next;
		last = &key;
		if (!is_of(starts, n, key.end) || watch_sum_drops(fd, &key, n_cpus, &count))
			continue;
		if (!bpf_map_lookup_elem(watch->maps[MAP_START_DROPS], &key, &before) &&
		    before.packets == count.packets)
			continue;
		*more = true;
		if (bpf_map_update_elem(watch->maps[MAP_START_DROPS], &key, &count, BPF_ANY))
			return -errno;
	}
	return errno == ENOENT ? 0 : -errno;
}

static int note(struct watch *watch, enum vl_hook hook, uint32_t end,
		const struct vl_counters *counters)
{
	int fd = watch->maps[MAP_START + hook];

	return fd >= 0 && bpf_map_update_elem(fd, &end, counters, BPF_ANY) ? -errno : 0;
}

int watch_note_start(struct watch *watch, struct watch_exact_start *starts, size_t n,
		     struct err *err)
{
	bool more;
	int rc;

	if (watch->maps[MAP_START_DROPS] < 0)
		return 0; /* pinned by a vethlab that had no such maps */
	/* Drops belong to the same moment: none while it is looked for. */
	for (int i = 0; i < TRIES; i++) {
		rc = note_drops(watch, starts, n, &more);
		if (rc)
			return watch_fail(err, -rc, watch->lab, "note the drops before its start",
					  "CAP_BPF");
		if (i && !more)
			break;
		rc = watch_find_exact_start(watch, starts, n, false, err);
		if (rc)
			return rc;
	}
	for (size_t i = 0; i < n; i++) {
		rc = note(watch, VL_HOOK_OUT, starts[i].from, &starts[i].out);
		rc = rc ? rc : note(watch, VL_HOOK_XDP, starts[i].to, &starts[i].xdp);
		rc = rc ? rc : note(watch, VL_HOOK_IN, starts[i].to, &starts[i].in);
		if (rc)
			return watch_fail(err, -rc, watch->lab, "note where its counters begin",
					  "CAP_BPF");
	}
	return 0;
}
