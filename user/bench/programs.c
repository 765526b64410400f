// SPDX-License-Identifier: GPL-2.0-only
/* programs.c - what a run of each program that watches takes, by the kernel's statistics. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/bench/inside.h"
#include "user/watch/watch.h"

enum { FRAME = 64 };

/* As docs/maps.md names the pins. */
static const char *const pins[] = {"vl_out", "vl_in", "vl_xdp", "vl_xdp_frags"};
enum { PINS = sizeof(pins) / sizeof(*pins) };

struct ran {
	uint64_t runs, ns;
};

static bool read_ran(int fd, struct ran *ran, char name[16])
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return false;
	*ran = (struct ran){info.run_cnt, info.run_time_ns};
	snprintf(name, 16, "%.15s", info.name);
	return true;
}

static int traffic(const struct bench_link *link, uint64_t time_ns, struct err *err)
{
	struct bench_work work = {.what = BENCH_SEND, .size = FRAME, .threads = 1};
	struct bench_sample sample;
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

int bench_programs(const struct bench_link *link, uint64_t time_ns,
		   struct bench_program list[BENCH_PROGRAMS_MAX], size_t *n, struct err *err)
{
	struct ran before[PINS] = {0}, after;
	int fds[PINS], stats, ret;
	char path[256];

	*n = 0;
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		return -errno;
	for (int i = 0; i < PINS; i++) {
		struct bench_program program;

		snprintf(path, sizeof(path), WATCH_DIR "/%s/%s", link->run->name, pins[i]);
		fds[i] = bpf_obj_get(path);
		read_ran(fds[i], &before[i], program.name);
	}
	ret = traffic(link, time_ns, err);
	close(stats);
	for (int i = 0; i < PINS; i++) {
		struct bench_program *program = &list[*n];

		if (!ret && read_ran(fds[i], &after, program->name) &&
		    after.runs > before[i].runs) {
			program->runs = after.runs - before[i].runs;
			program->ns = (double)(after.ns - before[i].ns) / program->runs;
			++*n;
		}
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return ret;
}
