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

struct bench_bpf {
	struct bench *skel;
	int n_cpus;
	int link;	  /* -1: none */
	bool clsact;	  /* the filter is one of rtnetlink: it goes with the lab */
	uint64_t *values; /* n_cpus */
};

static struct bpf_program *program(const struct bench_bpf *bpf, enum bench_prog prog)
{
	switch (prog) {
	case BENCH_PROG_GENERATE:
		return bpf->skel->progs.bench_generate;
	case BENCH_PROG_DROP:
		return bpf->skel->progs.bench_drop;
	case BENCH_PROG_PASS:
		return bpf->skel->progs.bench_pass;
	case BENCH_PROG_TC:
		return bpf->skel->progs.bench_tc_drop;
	default:
		return bpf->skel->progs.bench_sink;
	}
}

int bench_bpf_load(struct bench_bpf **out, uint32_t out_ifindex, struct err *err)
{
	struct bench_bpf *bpf = calloc(1, sizeof(*bpf));
	int ret;

	if (!bpf)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	bpf->link = -1;
	/* The watch room keeps what libbpf says to itself; so does whoever comes after it. */
	watch_tc_available();
	bpf->n_cpus = libbpf_num_possible_cpus();
	bpf->values = bpf->n_cpus > 0 ? calloc(bpf->n_cpus, sizeof(*bpf->values)) : NULL;
	bpf->skel = bpf->values ? bench__open() : NULL;
	if (bpf->skel)
		bpf->skel->rodata->out_ifindex = out_ifindex;
	ret = bpf->skel ? bench__load(bpf->skel) : -ENOMEM;
	if (ret) {
		err_set(err, ret == -EPERM ? ERR_PRIVILEGE : ERR_SYSTEM, -ret,
			"cannot load the bench's eBPF programs (kernel: %s)", strerror(-ret));
		bench_bpf_free(bpf);
		return ret;
	}
	*out = bpf;
	return 0;
}

void bench_bpf_free(struct bench_bpf *bpf)
{
	if (!bpf)
		return;
	if (bpf->link >= 0)
		close(bpf->link);
	bench__destroy(bpf->skel);
	free(bpf->values);
	free(bpf);
}

int bench_bpf_fd(const struct bench_bpf *bpf, enum bench_prog prog)
{
	return bpf_program__fd(program(bpf, prog));
}

uint64_t bench_bpf_count(const struct bench_bpf *bpf, enum bench_counter counter)
{
	uint32_t key = counter;
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(bpf->skel->maps.bench_count), &key, bpf->values))
		return 0;
	for (int i = 0; i < bpf->n_cpus; i++)
		sum += bpf->values[i];
	return sum;
}

struct attaching {
	struct bench_bpf *bpf;
	enum bench_prog prog;
	const struct bench_side *side;
};

static int attach_clsact(const struct attaching *a)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = a->side->ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bench_bpf_fd(a->bpf, a->prog), .priority = 2);
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
	a->bpf->link = bpf_link_create(bench_bpf_fd(a->bpf, a->prog), a->side->ifindex,
				       tc ? ATTACH_TCX_INGRESS : BPF_XDP, &opts);
	return a->bpf->link < 0 ? -errno : 0;
}

int bench_bpf_attach(struct bench_bpf *bpf, enum bench_prog prog, const struct bench_side *side,
		     struct err *err)
{
	struct attaching a = {bpf, prog, side};
	int ret = netns_run(side->netns_fd, attach, &a, err);

	if (!ret)
		return 0;
	err_set(err, ret == -EPERM ? ERR_PRIVILEGE : ERR_SYSTEM, -ret,
		"%s: cannot attach the bench's %s program (kernel: %s)", side->name,
		prog == BENCH_PROG_TC ? "tc" : "XDP", strerror(-ret));
	if (ret == -EBUSY || ret == -EEXIST)
		err_hint(err, "another XDP program is on this end");
	return ret;
}
