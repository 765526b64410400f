// SPDX-License-Identifier: GPL-2.0-only
/* run_build.c - how long labs take to build and to remove. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/bench/internal.h"

/* A lab file in memory. */
struct lab_text {
	char *text;
	size_t len;
};

static int write_lab(struct lab_text *file, const struct shape_options *shape, struct err *err)
{
	FILE *f = open_memstream(&file->text, &file->len);
	int ret;

	if (!f)
		return err_set(err, ERR_SYSTEM, errno, "out of memory");
	ret = shape_write(f, shape, err);
	if (fclose(f) && !ret)
		ret = err_set(err, ERR_SYSTEM, errno, "out of memory");
	return ret;
}

static int build_by_ip(struct lab *lab, double *up_ns, double *down_ns, struct err *err)
{
	int ret = bench_ip(lab, up_ns, down_ns, err);

	lab_free(lab);
	return ret;
}

/* Takes lab, which lab_up() owns from there on. */
static int build_by_vethlab(struct lab *lab, unsigned hooks, double *up_ns, double *down_ns,
			    struct err *err)
{
	struct lab_options options = {.hooks = hooks, .interrupted = &interrupt_requested};
	char name[LAB_NAME_MAX + 1];
	struct running *run;
	uint64_t start;
	int lock, ret;

	snprintf(name, sizeof(name), "bench-%d", (int)getpid());
	options.as = name;
	options.hold = &lock;
	if (hooks == HOOKS_NONE)
		options.xdp = XDP_MODE_OFF;
	start = clock_ns(CLOCK_MONOTONIC);
	ret = lab_up(&run, lab, &options, err);
	if (ret)
		return ret;
	*up_ns = clock_ns(CLOCK_MONOTONIC) - start;
	start = clock_ns(CLOCK_MONOTONIC);
	ret = lab_release(name, lock, err);
	*down_ns = clock_ns(CLOCK_MONOTONIC) - start;
	running_free(run);
	return ret;
}

/* The time to read the lab file does not count: it depends on the file, not on the build. */
static int build_once(struct bench_build *build, const struct lab_text *file,
		      struct bench_build_case *one, unsigned run, struct err *err)
{
	struct diags diags = {0};
	struct lab *lab = lab_read_text(file->text, file->len, "bench", &diags);

	diags_free(&diags);
	if (!lab)
		return err_set(err, ERR_SYSTEM, EINVAL, "the generated lab cannot be read");
	build->nodes = lab->n_nodes;
	build->links = lab->n_links;
	if (one->ip)
		return build_by_ip(lab, &one->up[run], &one->down[run], err);
	return build_by_vethlab(lab, one->hooks, &one->up[run], &one->down[run], err);
}

static int sum_up(struct bench_build *build, struct err *err)
{
	const struct bench_build_case *ip = &build->cases[build->n_cases - 1];
	size_t n = build->runs;
	bool enough = true;

	for (int i = 0; i < build->n_cases; i++) {
		struct bench_build_case *one = &build->cases[i];

		enough = enough && statistics_of(&one->up_stats, one->up, n) &&
			 statistics_of(&one->down_stats, one->down, n);
		if (ip->ip && !one->ip)
			enough = enough && statistics_ratio(&one->up_ratio, one->up, ip->up, n) &&
				 statistics_ratio(&one->down_ratio, one->down, ip->down, n);
	}
	return enough ? 0 : err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

static void list_cases(struct bench_build *build)
{
	build->cases[0] =
		(struct bench_build_case){.by = "vethlab", .word = "none", .hooks = HOOKS_NONE};
	build->cases[1] = (struct bench_build_case){.by = "vethlab", .word = "default"};
	build->cases[2] = (struct bench_build_case){.by = "ip -batch", .word = "none", .ip = true};
	build->n_cases = bench_has_ip() ? BENCH_BUILD_CASES : BENCH_BUILD_CASES - 1;
}

static int build_all(struct bench_build *build, const struct lab_text *file, struct err *err)
{
	for (unsigned run = 0; run < build->runs; run++)
		for (int i = 0; i < build->n_cases; i++) {
			int ret = build_once(build, file, &build->cases[i], run, err);

			if (ret)
				return ret;
		}
	return sum_up(build, err);
}

int bench_build_measure(struct bench_build *build, struct err *err)
{
	struct lab_text file = {0};
	int ret;

	bench_machine(&build->machine);
	list_cases(build);
	ret = write_lab(&file, build->shape, err);
	if (!ret)
		ret = build_all(build, &file, err);
	free(file.text);
	return ret;
}
