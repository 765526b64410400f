// SPDX-License-Identifier: GPL-2.0-only
/* drops.c - see drops.h. */
#include "user/watch/drops.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/drops.skel.h"
#include "user/base/drop_causes.h"
#include "user/watch/internal.h"

static const char *const pin_names[] = {"drop_count", "drop_missed"};

/* Pin the maps and the attachment. Nothing stays of it if that fails. */
static int pin_drops(struct watch *watch, struct drops *skel, struct err *err)
{
	struct bpf_link *link = skel->links.vl_drops;
	char path[256];

	for (size_t i = 0; i < 2; i++) {
		watch_path(path, watch->lab, "%s", pin_names[i]);
		if (bpf_obj_pin(bpf_map__fd(i ? skel->maps.drop_missed : skel->maps.drop_count),
				path))
			return watch_fail(err, errno, path, "pin", "CAP_BPF");
	}
	watch_path(path, watch->lab, "links/drops");
	if (bpf_obj_pin(bpf_link__fd(link), path))
		return watch_fail(err, errno, path, "pin", "CAP_BPF");
	return 0;
}

/* Set what the program knows of the lab, load and attach it. */
static int attach_drops(const struct watch *watch, struct drops *skel)
{
	struct vl_lab lab;
	uint32_t zero = 0;
	int ret;

	if (bpf_map_lookup_elem(watch->maps[MAP_LAB], &zero, &lab))
		return -errno;
	skel->rodata->ifindex_base = lab.ifindex_base;
	skel->rodata->observed = watch->observed;
	ret = bpf_map__reuse_fd(skel->maps.ends, watch->maps[MAP_ENDS]);
	if (ret)
		return ret;
	ret = watch->observed ? bpf_map__reuse_fd(skel->maps.places, watch->maps[MAP_PLACES])
			      : bpf_map__set_autocreate(skel->maps.places, false);
	if (ret)
		return ret;
	ret = drops__load(skel);
	return ret ? ret : drops__attach(skel);
}

static int start_drops(struct watch *watch, bool pin, struct err *err)
{
	struct drops *skel = drops__open();
	int ret;

	watch_log_start();
	if (!skel)
		return watch_fail(err, errno, watch->lab, "open the program for drops", "CAP_BPF");
	ret = attach_drops(watch, skel);
	if (ret)
		watch_fail(err, -ret, watch->lab, "count what the kernel drops",
			   "CAP_BPF and CAP_PERFMON");
	else if (pin)
		ret = pin_drops(watch, skel, err);
	drops__destroy(skel);
	return ret;
}

int watch_start_drops(struct watch *watch, struct err *err)
{
	return start_drops(watch, true, err);
}

int watch_try_drops(struct watch *watch, struct err *err)
{
	return start_drops(watch, false, err);
}

/*
 * What runs XDP programs frees what they drop without a reason, on most kernels; it is XDP all the
 * same.
 */
static void name_xdp(struct watch_drop *drop, const struct drop_cause *cause)
{
	if (cause->traits & DROP_BY_XDP && !strcmp(drop->reason, "NOT_SPECIFIED"))
		strcpy(drop->reason, "XDP");
}

/* Where a packet is that is not in a stack any more, or not yet, is told by who dropped it. */
static void place_drop(struct watch_drop *drop, const struct drop_cause *cause,
		       const struct vl_drop_key *key, uint32_t peer)
{
	drop->end = key->end;
	if (key->arrived == VL_DROP_AT_DOOR || cause->stage == DROP_BEFORE_IN) {
		drop->stage = WATCH_DROP_ON_LINK;
		drop->end = peer;
		return;
	}
	if (key->arrived == VL_DROP_CAME_IN) {
		drop->stage = WATCH_DROP_AFTER_IN;
		return;
	}
	switch (cause->stage) {
	case DROP_AFTER_OUT:
	case DROP_BEFORE_IN:
		drop->stage = WATCH_DROP_ON_LINK;
		break;
	case DROP_IN_NODE:
	case DROP_UNCLASSIFIED: /* most functions that drop are of a stack */
		drop->stage = WATCH_DROP_BEFORE_OUT;
		break;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct watch_drop *x = a, *y = b;

	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	if (x->count.packets != y->count.packets)
		return x->count.packets > y->count.packets ? -1 : 1;
	return strcmp(x->reason, y->reason);
}

static int sum_entry(int fd, const void *key, int n_cpus, struct vl_drop_counters *sum)
{
	struct vl_drop_counters values[n_cpus];

	memset(sum, 0, sizeof(*sum));
	if (bpf_map_lookup_elem(fd, key, values))
		return -errno;
	for (int cpu = 0; cpu < n_cpus; cpu++) {
		sum->packets += values[cpu].packets;
		sum->bytes += values[cpu].bytes;
		sum->segments += values[cpu].segments;
	}
	return 0;
}

static int open_drops(struct watch *watch, int i, struct err *err)
{
	char path[256];
	int fd;

	watch_path(path, watch->lab, "%s", pin_names[i]);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ENOENT : watch_fail(err, errno, path, "open", "CAP_BPF");
}

int watch_open_drops(struct watch *watch)
{
	return open_drops(watch, 0, NULL);
}

int watch_sum_drops(int fd, const struct vl_drop_key *key, int n_cpus, struct vl_drop_counters *sum)
{
	return sum_entry(fd, key, n_cpus, sum);
}

/* One function may drop for one reason at several addresses. Returns how many are left. */
static size_t join_alike(struct watch_drop *drops, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct watch_drop *same = NULL;

		for (size_t k = 0; k < kept && !same; k++)
			if (drops[k].end == drops[i].end && drops[k].stage == drops[i].stage &&
			    !strcmp(drops[k].reason, drops[i].reason) &&
			    !strcmp(drops[k].place, drops[i].place))
				same = &drops[k];
		if (!same) {
			drops[kept++] = drops[i];
			continue;
		}
		same->count.packets += drops[i].count.packets;
		same->count.bytes += drops[i].count.bytes;
		same->count.segments += drops[i].count.segments;
	}
	return kept;
}

/* Entries go only when their end's number is given out again: walking the keys meets each once. */
static size_t read_all(struct watch *watch, int fd, int n_cpus, struct watch_drop *drops)
{
	struct vl_drop_key key, *last = NULL, next;
	size_t n = 0;

	while (n < VL_DROPS && !bpf_map_get_next_key(fd, last, &next)) {
		struct watch_drop *drop = &drops[n];
		struct drop_cause cause;
		struct vl_end end;

		key = next;
		last = &key;
		if (sum_entry(fd, &key, n_cpus, &drop->count) ||
		    bpf_map_lookup_elem(watch->maps[MAP_ENDS], &key.end, &end))
			continue;
		watch_subtract_start_drops(watch, &key, &drop->count);
		if (!drop->count.packets)
			continue;
		symbols_function(key.location, drop->place);
		symbols_reason(key.reason, drop->reason);
		cause = drop_classify(drop->reason, drop->place);
		if (cause.traits & DROP_NO_PACKET)
			continue;
		name_xdp(drop, &cause);
		place_drop(drop, &cause, &key, end.peer);
		n++;
	}
	return n;
}

int watch_read_drops(struct watch *watch, struct watch_drop **out, size_t *n, uint64_t *missed,
		     struct err *err)
{
	int n_cpus = libbpf_num_possible_cpus(), fd = open_drops(watch, 0, err), lost;
	struct vl_drop_counters sum = {};
	struct watch_drop *drops;
	uint32_t zero = 0;

	if (fd < 0)
		return fd;
	drops = calloc(VL_DROPS, sizeof(*drops));
	if (!drops || n_cpus < 1) {
		free(drops);
		close(fd);
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	}
	*n = join_alike(drops, read_all(watch, fd, n_cpus, drops));
	close(fd);
	qsort(drops, *n, sizeof(*drops), by_place);
	*out = drops;
	lost = open_drops(watch, 1, NULL);
	if (lost >= 0) {
		sum_entry(lost, &zero, n_cpus, &sum);
		close(lost);
	}
	*missed = sum.packets;
	return 0;
}
