// SPDX-License-Identifier: GPL-2.0-only
/* bench_programs.c - the bench's own programs: loaded, attached by descriptors that a kill takes
 * away. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/bench.skel.h"
#include "user/bench/internal.h"

/* As in user/watch/attach.c: headers of Debian 12 do not have it. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)

struct bench_programs {
	struct bench *skel;
	int n_cpus;
	int link;	  /* -1: none */
	bool clsact;	  /* the filter is one of rtnetlink: it goes with the lab */
	uint64_t *values; /* n_cpus */
};

static struct bpf_program *program(const struct bench_programs *programs, enum bench_prog prog)
{
	switch (prog) {
	case BENCH_PROG_GENERATE:
		return programs->skel->progs.bench_generate;
	case BENCH_PROG_DROP:
		return programs->skel->progs.bench_drop;
	case BENCH_PROG_PASS:
		return programs->skel->progs.bench_pass;
	case BENCH_PROG_TC:
		return programs->skel->progs.bench_tc_drop;
	default:
		return programs->skel->progs.bench_sink;
	}
}

int bench_programs_load(struct bench_programs **out, uint32_t out_ifindex, struct err *err)
{
	struct bench_programs *programs = calloc(1, sizeof(*programs));
	int ret;

	if (!programs)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	programs->link = -1;
	/* The watch room keeps what libbpf says to itself; so does whoever comes after it. */
	watch_tc_available();
	programs->n_cpus = libbpf_num_possible_cpus();
	programs->values =
		programs->n_cpus > 0 ? calloc(programs->n_cpus, sizeof(*programs->values)) : NULL;
	programs->skel = programs->values ? bench__open() : NULL;
	if (programs->skel)
		programs->skel->rodata->out_ifindex = out_ifindex;
	ret = programs->skel ? bench__load(programs->skel) : -ENOMEM;
	if (ret) {
		err_set(err, err_code_of(-ret), -ret,
			"cannot load the bench's eBPF programs (kernel: %s)", strerror(-ret));
		bench_programs_free(programs);
		return ret;
	}
	*out = programs;
	return 0;
}

void bench_programs_free(struct bench_programs *programs)
{
	if (!programs)
		return;
	if (programs->link >= 0)
		close(programs->link);
	bench__destroy(programs->skel);
	free(programs->values);
	free(programs);
}

int bench_programs_fd(const struct bench_programs *programs, enum bench_prog prog)
{
	return bpf_program__fd(program(programs, prog));
}

uint64_t bench_programs_count(const struct bench_programs *programs, enum bench_counter counter)
{
	uint32_t key = counter;
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(programs->skel->maps.bench_count), &key,
				programs->values))
		return 0;
	for (int i = 0; i < programs->n_cpus; i++)
		sum += programs->values[i];
	return sum;
}

struct attaching {
	struct bench_programs *programs;
	enum bench_prog prog;
	const struct bench_side *side;
};

static int attach_clsact(const struct attaching *a)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = a->side->ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bench_programs_fd(a->programs, a->prog),
		    .priority = 2);
	int ret = bpf_tc_hook_create(&hook);

	return ret && ret != -EEXIST ? ret : bpf_tc_attach(&hook, &opts);
}

/* Inside the side's namespace, where its ifindex means something. */
static int attach(void *arg)
{
	const struct attaching *a = arg;
	bool tc = a->prog == BENCH_PROG_TC;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = tc ? 0 : XDP_FLAGS_DRV_MODE);

	if (tc && watch_tc_available() != WATCH_TC_TCX)
		return attach_clsact(a);
	a->programs->link =
		bpf_link_create(bench_programs_fd(a->programs, a->prog), a->side->ifindex,
				tc ? ATTACH_TCX_INGRESS : BPF_XDP, &opts);
	return a->programs->link < 0 ? -errno : 0;
}

int bench_programs_attach(struct bench_programs *programs, enum bench_prog prog,
			  const struct bench_side *side, struct err *err)
{
	struct attaching a = {programs, prog, side};
	int ret = netns_run(side->netns_fd, attach, &a, err);

	if (!ret)
		return 0;
	err_set(err, err_code_of(-ret), -ret,
		"%s: cannot attach the bench's %s program (kernel: %s)", side->name,
		prog == BENCH_PROG_TC ? "tc" : "XDP", strerror(-ret));
	if (ret == -EBUSY || ret == -EEXIST)
		err_hint(err, "another XDP program is on this end");
	return ret;
}
