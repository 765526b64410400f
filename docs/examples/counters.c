// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters.c - reads the counters of a running lab from its pinned maps, with nothing but libbpf
 *and the header that describes them. One line an end and hook. Many ends are read by one system
 *call.
 *
 *	cc -I. docs/examples/counters.c -lbpf -o counters && ./counters blue
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bpf/vethlab.h"

enum { BATCH = 256 }; /* ends a system call */

static int open_map(const char *lab, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/fs/bpf/vethlab/%s/%s", lab, name);
	return bpf_obj_get(path);
}

/* The sum over all CPUs: each has a slot of its own, which nobody else writes. */
static struct vl_counters sum_cpus(const struct vl_counters *slots, int n_cpus)
{
	struct vl_counters sum = {0};

	for (int cpu = 0; cpu < n_cpus; cpu++)
		for (size_t i = 0; i < sizeof(sum) / sizeof(__u64); i++)
			((__u64 *)&sum)[i] += ((const __u64 *)&slots[cpu])[i];
	return sum;
}

static void print_end(const char *hook, const struct vl_end *end, struct vl_counters counters)
{
	printf("%s:%s %s packets %llu requests %llu replies %llu\n", end->node, end->ifname, hook,
	       (unsigned long long)counters.packets,
	       (unsigned long long)counters.icmp4.echo_request,
	       (unsigned long long)counters.icmp4.echo_reply);
}

/* From 5.13 on per-CPU arrays are read in batches; the kernel says by ENOENT that one is the last.
 */
static int print_hook(const char *hook, int map, int ends_map, __u32 n_ends)
{
	int n_cpus = libbpf_num_possible_cpus(), last = 0;
	struct vl_counters *slots = calloc(BATCH * n_cpus, sizeof(*slots));
	__u32 keys[BATCH], from = 0, next = 0, number = 0;

	while (slots && !last && number < n_ends) {
		__u32 n = BATCH;

		last = bpf_map_lookup_batch(map, number ? &from : NULL, &next, keys, slots, &n,
					    NULL);
		if (last && errno != ENOENT)
			break;
		from = next;
		for (__u32 i = 0; i < n && number < n_ends; i++, number++) {
			struct vl_end end;

			if (!bpf_map_lookup_elem(ends_map, &number, &end) && end.in_use)
				print_end(hook, &end, sum_cpus(slots + i * n_cpus, n_cpus));
		}
	}
	free(slots);
	return number < n_ends ? -1 : 0;
}

int main(int argc, char **argv)
{
	static const char *const hooks[] = {"out", "xdp", "in"};
	static const char *const maps[] = {"count_out", "count_xdp", "count_in"};
	int lab_map, ends_map;
	struct vl_lab lab;
	__u32 zero = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s LAB\n", argv[0]);
		return 2;
	}
	lab_map = open_map(argv[1], "lab");
	ends_map = open_map(argv[1], "ends");
	if (lab_map < 0 || ends_map < 0 || bpf_map_lookup_elem(lab_map, &zero, &lab)) {
		perror(argv[1]);
		return 1;
	}
	if (lab.version != VL_VERSION) {
		fprintf(stderr, "%s: version %u, not %u\n", argv[1], lab.version, VL_VERSION);
		return 1;
	}
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		int map = open_map(argv[1], maps[hook]); /* absent: no such hook in this lab */

		if (map >= 0 && print_hook(hooks[hook], map, ends_map, lab.n_ends)) {
			perror(maps[hook]);
			return 1;
		}
	}
	return 0;
}
