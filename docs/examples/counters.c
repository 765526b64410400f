// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters.c - reads the counters of a running lab from its pinned maps, with nothing but libbpf and
 * the header that describes them. One line an end and hook.
 *
 *	cc -I. docs/examples/counters.c -lbpf -o counters && ./counters blue
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>

#include "bpf/vethlab.h"

static int open_map(const char *lab, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/fs/bpf/vethlab/%s/%s", lab, name);
	return bpf_obj_get(path);
}

/* The sum over all CPUs: each has a slot of its own, which nobody else writes. */
static int read_end(int map, __u32 end, struct vl_counters *sum)
{
	int n_cpus = libbpf_num_possible_cpus();
	struct vl_counters *slots = calloc(n_cpus, sizeof(*slots));
	int failed = !slots || bpf_map_lookup_elem(map, &end, slots);

	*sum = (struct vl_counters){ 0 };
	for (int cpu = 0; !failed && cpu < n_cpus; cpu++)
		for (size_t i = 0; i < sizeof(*sum) / sizeof(__u64); i++)
			((__u64 *)sum)[i] += ((__u64 *)&slots[cpu])[i];
	free(slots);
	return failed ? -1 : 0;
}

static void print_end(const char *hook, int map, __u32 number, const struct vl_end *end)
{
	struct vl_counters counters;

	if (read_end(map, number, &counters))
		return;
	printf("%s:%s %s packets %llu requests %llu replies %llu\n", end->node, end->ifname, hook,
	       (unsigned long long)counters.packets,
	       (unsigned long long)counters.icmp4.echo_request,
	       (unsigned long long)counters.icmp4.echo_reply);
}

int main(int argc, char **argv)
{
	static const char *const hooks[] = { "out", "xdp", "in" };
	static const char *const maps[] = { "count_out", "count_xdp", "count_in" };
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

		for (__u32 i = 0; map >= 0 && i < lab.n_ends; i++) {
			struct vl_end end;

			if (!bpf_map_lookup_elem(ends_map, &i, &end) && end.in_use)
				print_end(hooks[hook], map, i, &end);
		}
	}
	return 0;
}
