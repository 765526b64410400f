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
#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/drop_causes.h"
#include "user/watch/internal.h"
#include "user/watch/kernel_object.h"

static const char *const pin_names[] = {"drop_count", "drop_missed"};

/*
 * An end of a lab at rest has one or two kinds of drops, one that loses packets in every way that
 * the tests know has ten. A kind that never comes costs 16 bytes (the kernel's hash table has as
 * many buckets as entries): MOST are 16 MB.
 */
enum { KINDS_LEAST = 4096, KINDS_OF_END = 16, KINDS_MOST = 1 << 20 };

uint32_t watch_drops_room(uint32_t n_ends)
{
	if (n_ends <= KINDS_LEAST / KINDS_OF_END)
		return KINDS_LEAST;
	return n_ends < KINDS_MOST / KINDS_OF_END ? n_ends * KINDS_OF_END : KINDS_MOST;
}

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
static int attach_drops(const struct watch *watch, const struct kernel_object *object,
			struct drops *skel)
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
	ret = bpf_map__set_max_entries(skel->maps.drop_count, watch_drops_room(watch->n_ends));
	if (ret)
		return ret;
	ret = kernel_object_load(object, skel->skeleton);
	return ret ? ret : kernel_object_attach(skel->skeleton);
}

static int start_drops(struct watch *watch, bool pin, struct err *err)
{
	cleanup_kernel_object struct kernel_object object = KERNEL_OBJECT_NONE;
	struct drops *skel;
	int ret;

	watch_log_start();
	ret = kernel_object_start(&object);
	if (ret)
		return watch_fail(err, -ret, watch->lab, "read the kernel's types (BTF)",
				  "CAP_BPF");
	skel = drops__open_opts(&object.opts);
	if (!skel)
		return watch_fail(err, errno, watch->lab, "open the program for drops", "CAP_BPF");
	ret = attach_drops(watch, &object, skel);
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

/* Whether packets that come to an end pass `xdp` there, as far as any has come. */
static bool passes_xdp(struct watch *watch, uint32_t end)
{
	struct vl_counters xdp;

	return !watch_sum_entry(watch, MAP_COUNT_OUT + VL_HOOK_XDP, end, &xdp) && xdp.packets;
}

/*
 * Where a packet is that is not in a stack any more, or not yet, is told by who dropped it. What
 * `xdp` has counted has crossed the link.
 */
static void place_drop(struct watch *watch, struct watch_drop *drop, const struct drop_cause *cause,
		       const struct vl_drop_key *key, uint32_t peer)
{
	bool past_xdp = cause->traits & DROP_AFTER_XDP && passes_xdp(watch, key->end);

	drop->end = key->end;
	if (!past_xdp && (key->arrived == VL_DROP_ARRIVING || cause->stage == DROP_BEFORE_IN)) {
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

static void sum_cpus(const struct vl_drop_counters *values, int n_cpus,
		     struct vl_drop_counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int cpu = 0; cpu < n_cpus; cpu++) {
		sum->packets += values[cpu].packets;
		sum->bytes += values[cpu].bytes;
		sum->segments += values[cpu].segments;
	}
}

static int sum_entry(int fd, const void *key, int n_cpus, struct vl_drop_counters *sum)
{
	struct vl_drop_counters values[n_cpus];

	if (bpf_map_lookup_elem(fd, key, values))
		return -errno;
	sum_cpus(values, n_cpus, sum);
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

/* One entry of the kernel's table. */
struct counted {
	struct vl_drop_key key;
	struct vl_drop_counters count;
};

static int by_end(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	return x->key.end < y->key.end ? -1 : x->key.end > y->key.end;
}

/*
 * All entries, sorted by end, many in a system call; the caller frees them. What a batch has no
 * room for, the next one brings. Entries go only when their end's number is given out again.
 */
static int read_table(int fd, int n_cpus, struct counted **out, size_t *n)
{
	enum { BATCH = 4096 };
	DECLARE_LIBBPF_OPTS(bpf_map_batch_opts, opts);
	cleanup_free struct counted *list = NULL;
	cleanup_free struct vl_drop_key *keys = calloc(BATCH, sizeof(*keys));
	cleanup_free struct vl_drop_counters *values = calloc(BATCH, n_cpus * sizeof(*values));
	size_t filled = 0, room = 0;
	uint32_t cursor = 0;
	bool more = true;

	if (!keys || !values)
		return -ENOMEM;
	for (bool first = true; more; first = false) {
		uint32_t count = BATCH, from = cursor;

		more = !bpf_map_lookup_batch(fd, first ? NULL : &from, &cursor, keys, values,
					     &count, &opts);
		if (!more && errno != ENOENT) /* which means: that was all */
			return -errno;
		if (array_reserve(&list, &room, filled + count + 1, sizeof(*list)))
			return -ENOMEM;
		for (uint32_t i = 0; i < count; i++, filled++) {
			list[filled].key = keys[i];
			sum_cpus(values + (size_t)i * n_cpus, n_cpus, &list[filled].count);
		}
	}
	qsort(list, filled, sizeof(*list), by_end);
	*out = cleanup_take(list);
	*n = filled;
	return 0;
}

/* False: it is no drop that the ledger tells of. */
static bool name_drop(struct watch *watch, struct watch_drop *drop, const struct vl_drop_key *key,
		      uint32_t peer)
{
	struct drop_cause cause;

	symbols_function(key->location, drop->place);
	symbols_reason(key->reason, drop->reason);
	cause = drop_classify(drop->reason, drop->place);
	if (cause.traits & DROP_NO_PACKET)
		return false;
	name_xdp(drop, &cause);
	place_drop(watch, drop, &cause, key, peer);
	drop->to_multicast = key->to_multicast;
	return true;
}

/* Names of the entries of the kernel's table, into drops, which has room for all. */
static size_t name_all(struct watch *watch, const struct counted *counted, size_t n_counted,
		       struct watch_drop *drops)
{
	struct vl_end end = {};
	bool known = false;
	size_t n = 0;

	for (size_t i = 0; i < n_counted; i++) {
		const struct vl_drop_key *key = &counted[i].key;
		bool same = i && key->end == counted[i - 1].key.end;

		if (!same)
			known = !bpf_map_lookup_elem(watch->maps[MAP_ENDS], &key->end, &end);
		drops[n].count = counted[i].count;
		watch_subtract_start_drops(watch, key, &drops[n].count);
		if (drops[n].count.packets && known)
			n += name_drop(watch, &drops[n], key, end.peer);
	}
	return n;
}

/* How often the kernel passed over the program. */
static void read_interrupted(struct watch *watch, struct watch_missed *missed)
{
	struct bpf_link_info link = {};
	struct bpf_prog_info program = {};
	uint32_t size = sizeof(link);
	char path[256];
	cleanup_close int link_fd = -1;
	cleanup_close int fd = -1;

	watch_path(path, watch->lab, "links/drops");
	link_fd = bpf_obj_get(path);
	if (link_fd < 0 || bpf_obj_get_info_by_fd(link_fd, &link, &size))
		return;
	fd = bpf_prog_get_fd_by_id(link.prog_id);
	size = sizeof(program);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &program, &size))
		return;
	missed->interrupted = program.recursion_misses;
	missed->interrupted_known = true;
}

static void read_missed(struct watch *watch, int drop_count, int n_cpus,
			struct watch_missed *missed)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	cleanup_close int fd = open_drops(watch, 1, NULL);

	*missed = (struct watch_missed){0};
	if (!bpf_obj_get_info_by_fd(drop_count, &info, &size))
		missed->room = info.max_entries;
	for (uint32_t cause = 0; fd >= 0 && cause < VL_DROP_MISSED_CAUSES; cause++) {
		struct vl_drop_counters sum;

		if (!sum_entry(fd, &cause, n_cpus, &sum))
			missed->of[cause] = sum.packets;
	}
	read_interrupted(watch, missed);
}

int watch_read_drops(struct watch *watch, struct watch_drop **out, size_t *n,
		     struct watch_missed *missed, struct err *err)
{
	int n_cpus = libbpf_num_possible_cpus(), ret;
	cleanup_close int fd = open_drops(watch, 0, err);
	cleanup_free struct counted *counted = NULL;
	struct watch_drop *drops;
	size_t n_counted = 0;

	if (fd < 0)
		return fd;
	ret = n_cpus < 0 ? n_cpus : read_table(fd, n_cpus, &counted, &n_counted);
	if (ret)
		return watch_fail(err, -ret, watch->lab, "read the drops", "CAP_BPF");
	drops = calloc(n_counted + 1, sizeof(*drops));
	if (!drops)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	*n = watch_join_drops(drops, name_all(watch, counted, n_counted, drops));
	*out = drops;
	read_missed(watch, fd, n_cpus, missed);
	return 0;
}
