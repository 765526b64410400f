// SPDX-License-Identifier: GPL-2.0-only
/* program_cost.c - what a run of each program that watches takes, by the kernel's statistics. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/hook_word.h"
#include "user/bench/internal.h"
#include "user/watch/tc_filter.h"
#include "user/watch/watch.h"

enum { FRAME = 64 };

/* A program at a hook of one side. */
struct ran {
	int fd; /* -1: none is there */
	uint32_t id;
	uint64_t runs, ns;
};

struct finding {
	const struct bench_link *link;
	struct ran at[VL_HOOKS][2]; /* by side: from, to */
};

static bool read_ran(int fd, struct ran *ran, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return false;
	*ran = (struct ran){fd, info.id, info.run_cnt, info.run_time_ns};
	snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	return true;
}

static bool is_ours(int fd)
{
	char name[BPF_OBJ_NAME_LEN];
	struct ran ran;

	return read_ran(fd, &ran, name) && !strncmp(name, "vl_", 3);
}

/* By the link that is pinned for it (docs/maps.md): tcx and XDP. */
static int linked(const struct bench_link *link, const struct bench_side *side, enum vl_hook hook)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), WATCH_DIR "/%s/links/%u_%s", link->run->name, side->number,
		 hook_word(hook));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -1;
	ret = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	return ret ? -1 : bpf_prog_get_fd_by_id(info.prog_id);
}

/* By clsact, where it may stand behind others. In the side's namespace. */
static int filtered(const struct bench_side *side, enum vl_hook hook)
{
	LIBBPF_OPTS(bpf_tc_hook, tc, .ifindex = side->ifindex,
		    .attach_point = hook == VL_HOOK_OUT ? BPF_TC_EGRESS : BPF_TC_INGRESS);

	for (uint32_t priority = 1; priority <= WATCH_FILTER_PRIORITIES; priority++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = WATCH_FILTER_HANDLE, .priority = priority);
		int fd = bpf_tc_query(&tc, &opts) ? -1 : bpf_prog_get_fd_by_id(opts.prog_id);

		if (is_ours(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* One side of a finding, and where to look. */
struct cost_probe {
	struct finding *finding;
	const struct bench_side *side;
	int which;
};

static int look(void *arg)
{
	const struct cost_probe *looking = arg;
	const struct bench_link *link = looking->finding->link;

	for (int hook = 0; hook < VL_HOOKS; hook++) {
		struct ran *ran = &looking->finding->at[hook][looking->which];
		char name[BPF_OBJ_NAME_LEN];
		int fd = linked(link, looking->side, hook);

		if (fd < 0 && hook != VL_HOOK_XDP && link->run->tc == WATCH_TC_CLSACT)
			fd = filtered(looking->side, hook);
		*ran = (struct ran){.fd = -1};
		read_ran(fd, ran, name);
	}
	return 0;
}

static int find(struct finding *finding, struct err *err)
{
	const struct bench_link *link = finding->link;
	struct cost_probe from = {finding, &link->from, 0}, to = {finding, &link->to, 1};
	int ret = netns_run(link->from.netns_fd, look, &from, err);

	return ret ? ret : netns_run(link->to.netns_fd, look, &to, err);
}

/* What a hook's programs did since; one that serves both sides counts once. False: nothing. */
static bool sum_up(const struct ran before[2], enum vl_hook hook, struct program_cost *program)
{
	uint64_t runs = 0, ns = 0;
	char name[BPF_OBJ_NAME_LEN] = "";

	for (int side = 0; side < 2; side++) {
		struct ran after;

		if ((side && before[1].id == before[0].id) ||
		    !read_ran(before[side].fd, &after, name))
			continue;
		runs += after.runs - before[side].runs;
		ns += after.ns - before[side].ns;
	}
	if (!runs)
		return false;
	*program = (struct program_cost){.runs = runs, .ns = (double)ns / runs};
	/* All doors have one name. */
	snprintf(program->name, sizeof(program->name), "%s%s%s", name,
		 strcmp(name, "vl_door") ? "" : " ",
		 strcmp(name, "vl_door") ? "" : hook_word(hook));
	return true;
}

static int traffic(const struct bench_link *link, uint64_t time_ns, struct err *err)
{
	struct bench_work work = {.what = BENCH_SEND, .size = FRAME, .threads = 1};
	struct bench_sample sample = {0};
	struct bench_run *run;
	int ret;

	if (link->to.addr.family == AF_INET6)
		work.size = BENCH_HEADERS_V6;
	ret = bench_open(&run, link, &work, err);
	if (ret)
		return ret;
	ret = bench_measure(run, time_ns, &sample, err);
	bench_close(run);
	return ret;
}

int program_cost_measure(const struct bench_link *link, uint64_t time_ns,
			 struct program_cost list[PROGRAM_COSTS_MAX], size_t *n, struct err *err)
{
	struct finding finding = {.link = link};
	int stats, ret;

	*n = 0;
	watch_tc_available(); /* and with it, what libbpf says stays unsaid: see bench_programs.c */
	for (int i = 0; i < 2 * VL_HOOKS; i++)
		finding.at[i / 2][i % 2].fd = -1;
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		return -errno;
	ret = find(&finding, err);
	if (!ret)
		ret = traffic(link, time_ns, err);
	close(stats);
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		if (!ret && sum_up(finding.at[hook], hook, &list[*n]))
			++*n;
		for (int side = 0; side < 2; side++)
			if (finding.at[hook][side].fd >= 0)
				close(finding.at[hook][side].fd);
	}
	return ret;
}
