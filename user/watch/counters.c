// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters.c - the counters of all ends at a hook, in as few system calls as the kernel allows.
 */
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

/* Entries a batch: 256 ends of 232 bytes on 64 CPUs are 3.8 MB. */
enum { BATCH = 256 };

static void add_counters(struct vl_counters *sum, const struct vl_counters *cpu)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)cpu;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

/*
 * Up to BATCH entries from place, n_cpus values each; *cursor is the kernel's word for place.
 * Returns how many were read; -errno. A kernel without batches for this kind of map (before
 * 5.13) reads one by one.
 */
static int read_some(int fd, uint32_t place, uint32_t wanted, uint32_t *cursor,
		     struct vl_counters *values, int n_cpus)
{
	DECLARE_LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t keys[BATCH], count = wanted < BATCH ? wanted : BATCH, from = *cursor, i;

	/* ENOENT: it was the last batch of the map. */
	if (!bpf_map_lookup_batch(fd, place ? &from : NULL, cursor, keys, values, &count, &opts) ||
	    errno == ENOENT)
		return count;
	if (errno != EOPNOTSUPP && errno != 524 /* ENOTSUPP, which the kernel lets out */)
		return -errno;
	count = wanted < BATCH ? wanted : BATCH;
	for (i = 0; i < count; i++) {
		uint32_t key = place + i;

		if (bpf_map_lookup_elem(fd, &key, values + (size_t)i * n_cpus))
			return -errno;
	}
	return count;
}

int watch_read(struct watch *watch, enum vl_hook hook, struct vl_counters *counters,
	       struct err *err)
{
	int n_cpus = libbpf_num_possible_cpus(), fd = watch->maps[hook], ret = 0;
	uint32_t cursor = 0, done = 0;
	struct vl_counters *values;

	if (fd < 0)
		return -ENOENT;
	if (n_cpus < 0)
		return err_set(err, ERR_SYSTEM, -n_cpus, "cannot tell the number of CPUs");
	values = malloc((size_t)BATCH * n_cpus * sizeof(*values));
	if (!values)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	while (done < watch->n_ends) {
		ret = read_some(fd, done, watch->n_ends - done, &cursor, values, n_cpus);
		if (ret <= 0)
			break;
		for (int i = 0; i < ret; i++) {
			struct vl_counters sum = {};

			for (int cpu = 0; cpu < n_cpus; cpu++)
				add_counters(&sum, &values[i * n_cpus + cpu]);
			counters[done + i] = sum;
		}
		done += ret;
	}
	free(values);
	if (done < watch->n_ends)
		return watch_fail(err, ret ? -ret : EIO, watch->lab, "read its counters",
				  "CAP_BPF");
	return 0;
}

int watch_clear_end(struct watch *watch, uint32_t number, struct err *err)
{
	int n_cpus = libbpf_num_possible_cpus(), ret = 0;
	struct vl_counters *zeros;

	if (n_cpus < 0)
		return err_set(err, ERR_SYSTEM, -n_cpus, "cannot tell the number of CPUs");
	zeros = calloc(n_cpus, sizeof(*zeros));
	if (!zeros)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	for (int hook = 0; hook < VL_HOOKS && !ret; hook++)
		if (watch->maps[hook] >= 0 &&
		    bpf_map_update_elem(watch->maps[hook], &number, zeros, BPF_ANY))
			ret = watch_fail(err, errno, watch->lab, "clear the counters of an end",
					 "CAP_BPF");
	free(zeros);
	return ret;
}
