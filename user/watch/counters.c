// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters.c - values of all ends, summed over CPUs, in as few system calls as the kernel allows.
 */
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Entries a batch: 256 ends of 232 bytes on 64 CPUs are 3.8 MB. */
enum { BATCH = 256 };

/* Values as 64-bit words. */
struct values {
	int fd;
	int n_cpus;   /* values an entry; 1: CPUs share one */
	size_t words; /* of one value */
};

/*
 * Up to BATCH entries from place; *cursor is the kernel's word for place. Returns how many were
 * read; -errno. A kernel without batches for this kind of map (before 5.13) reads one by one.
 */
static int read_some(const struct values *v, uint32_t place, uint32_t wanted, uint32_t *cursor,
		     uint64_t *words)
{
	DECLARE_LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t keys[BATCH], count = wanted < BATCH ? wanted : BATCH, from = *cursor, i;

	/* ENOENT: it was the last batch of the map. */
	if (!bpf_map_lookup_batch(v->fd, place ? &from : NULL, cursor, keys, words, &count,
				  &opts) ||
	    errno == ENOENT)
		return count;
	if (errno != EOPNOTSUPP && errno != 524 /* ENOTSUPP, which the kernel lets out */)
		return -errno;
	count = wanted < BATCH ? wanted : BATCH;
	for (i = 0; i < count; i++) {
		uint32_t key = place + i;

		if (bpf_map_lookup_elem(v->fd, &key, words + i * v->n_cpus * v->words))
			return -errno;
	}
	return count;
}

static void sum_cpus(const struct values *v, const uint64_t *words, uint64_t *sum)
{
	memset(sum, 0, v->words * sizeof(*sum));
	for (int cpu = 0; cpu < v->n_cpus; cpu++)
		for (size_t i = 0; i < v->words; i++)
			sum[i] += words[cpu * v->words + i];
}

int watch_sum_map(struct watch *watch, int map, bool per_cpu, size_t size, void *sums,
		  struct err *err)
{
	int n_cpus = libbpf_num_possible_cpus(), ret = 0;
	struct values v = {watch->maps[map], per_cpu ? n_cpus : 1, size / sizeof(uint64_t)};
	uint32_t cursor = 0, done = 0;
	uint64_t *words;

	if (v.fd < 0)
		return -ENOENT;
	if (n_cpus < 0)
		return err_set(err, ERR_SYSTEM, -n_cpus, "cannot tell the number of CPUs");
	words = malloc(BATCH * v.n_cpus * size);
	if (!words)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	while (done < watch->n_ends) {
		ret = read_some(&v, done, watch->n_ends - done, &cursor, words);
		if (ret <= 0)
			break;
		for (int i = 0; i < ret; i++, done++)
			sum_cpus(&v, words + (size_t)i * v.n_cpus * v.words,
				 (uint64_t *)sums + done * v.words);
	}
	free(words);
	if (done < watch->n_ends)
		return watch_fail(err, ret ? -ret : EIO, watch->lab, "read its counters",
				  "CAP_BPF");
	return 0;
}

int watch_sum_entry(struct watch *watch, int map, uint32_t key, struct vl_counters *sum)
{
	int n_cpus = libbpf_num_possible_cpus();
	struct values v = {watch->maps[map], n_cpus, sizeof(*sum) / sizeof(uint64_t)};
	uint64_t *words;

	memset(sum, 0, sizeof(*sum));
	if (v.fd < 0)
		return 0;
	words = n_cpus < 1 ? NULL : malloc(n_cpus * sizeof(*sum));
	if (!words)
		return -ENOMEM;
	n_cpus = bpf_map_lookup_elem(v.fd, &key, words) ? -errno : 0;
	if (!n_cpus)
		sum_cpus(&v, words, (uint64_t *)sum);
	free(words);
	return n_cpus;
}

void watch_subtract_words(void *now, const void *since, size_t size)
{
	uint64_t *words = now;
	const uint64_t *before = since;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = words[i] > before[i] ? words[i] - before[i] : 0;
}

int watch_read(struct watch *watch, enum vl_hook hook, struct vl_counters *counters,
	       struct err *err)
{
	int rc = watch_sum_map(watch, MAP_COUNT_OUT + hook, true, sizeof(*counters), counters, err);

	if (!rc)
		watch_subtract_start(watch, hook, counters);
	return rc;
}

void watch_clear_drops(int fd, uint32_t number)
{
	struct vl_drop_key key, next;
	bool more = fd >= 0 && !bpf_map_get_next_key(fd, NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (key.end == number)
			bpf_map_delete_elem(fd, &key);
	}
}

int watch_clear_end(struct watch *watch, uint32_t number, struct err *err)
{
	int n_cpus = libbpf_num_possible_cpus(), ret = 0, drops;
	void *zeros;

	if (n_cpus < 0)
		return err_set(err, ERR_SYSTEM, -n_cpus, "cannot tell the number of CPUs");
	zeros = calloc(n_cpus, sizeof(struct vl_times)); /* the largest of all values */
	if (!zeros)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	for (int map = 0; map < WATCH_MAPS && !ret; map++)
		if (watch_map_counts(map) && watch->maps[map] >= 0 &&
		    bpf_map_update_elem(watch->maps[map], &number, zeros, BPF_ANY))
			ret = watch_fail(err, errno, watch->lab, "clear the counters of an end",
					 "CAP_BPF");
	free(zeros);
	if (!ret) {
		ret = watch_clear_start(watch, number);
		if (ret)
			watch_fail(err, -ret, watch->lab, "clear the counters of an end",
				   "CAP_BPF");
	}
	/* What the kernel dropped at an end that had the number before. */
	drops = watch_open_drops(watch);
	watch_clear_drops(drops, number);
	if (drops >= 0)
		close(drops);
	return ret;
}
