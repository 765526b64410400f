// SPDX-License-Identifier: GPL-2.0-only
/*
 * readers.c - readers [ENDS]: what it takes to read all counters of a lab of 1,000 links (2,000
 * ends, two hooks), and what a reader costs those who count: one run of the tc program on one CPU
 * while the other reads all counters again and again, beside one on which a loop runs that reads
 * nothing. Runs are interleaved; medians of 9 with their extremes. As root.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "tests/common/frames.h"
#include "user/watch/internal.h"

enum { ROUNDS = 9, LO = 1, LINKS = 1000, REPEAT = 2000000 };

static struct watch *watch;
static struct vl_counters *counters;
static uint32_t n_ends = 2 * LINKS;
static atomic_bool reading, ended;
static atomic_ulong reads;

static void give_up(const char *what, const struct err *err)
{
	fprintf(stderr, "readers: %s: %s\n", what, err && err->code ? err->what : strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void read_all(void)
{
	struct err err = {};

	if (watch_read(watch, VL_HOOK_OUT, counters, &err) ||
	    watch_read(watch, VL_HOOK_IN, counters, &err))
		give_up("read", &err);
}

static void *read_on(void *arg)
{
	(void)arg;
	stay_on(1);
	while (!ended) {
		if (reading) {
			read_all();
			reads++;
		}
	}
	return NULL;
}

static double run(const struct bytes *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->at, .data_size_in = frame->len,
		    .repeat = REPEAT);

	if (bpf_prog_test_run_opts(watch->progs[VL_HOOK_OUT], &opts))
		give_up("run", NULL);
	return opts.duration;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *name, double values[ROUNDS], const char *format)
{
	char text[3][32];
	const int at[3] = {ROUNDS / 2, 0, ROUNDS - 1};

	qsort(values, ROUNDS, sizeof(*values), by_size);
	for (int i = 0; i < 3; i++)
		snprintf(text[i], sizeof(text[i]), format, values[at[i]]);
	printf("%-44s %8s %8s %8s\n", name, text[0], text[1], text[2]);
}

int main(int argc, char **argv)
{
	struct watch_config config = {"bench", LO, 0, true, true, .no_time = true};
	double whole[ROUNDS], alone[ROUNDS], read_by_other[ROUNDS];
	struct vl_end end = {.in_use = 1, .ifindex = LO};
	struct bytes udp;
	pthread_t reader;
	struct err err = {};

	if (argc > 1)
		n_ends = (uint32_t)atoi(argv[1]);
	config.n_ends = n_ends;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		give_up("namespaces of its own, and bpffs", NULL);
	counters = calloc(n_ends + 1, sizeof(*counters));
	if (!counters || watch_load(&watch, &config, &err) || watch_name_end(watch, 0, &end, &err))
		give_up("the lab", &err);
	put_eth(&udp, 0x0800);
	put_ipv4(&udp, 17, 0, 0, 8 + 22);
	put_udp(&udp, 22);
	for (int i = -1; i < ROUNDS; i++) { /* one to warm up */
		double from = now_ms();

		read_all();
		if (i >= 0)
			whole[i] = now_ms() - from;
	}
	printf("%-44s %8s %8s %8s\n", "", "median", "min", "max");
	print("all counters of 1,000 links, ms", whole, "%.2f");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		puts("one CPU: nobody can read while another counts");
		return 0;
	}
	stay_on(0);
	if (pthread_create(&reader, NULL, read_on, NULL))
		give_up("a reader", NULL);
	for (int i = 0; i < ROUNDS; i++) {
		reading = false;
		alone[i] = run(&udp);
		reading = true;
		read_by_other[i] = run(&udp);
	}
	ended = true;
	pthread_join(reader, NULL);
	print("one run that counts, nobody reads, ns", alone, "%.0f");
	print("the same, read all the time, ns", read_by_other, "%.0f");
	printf("%lu times all was read meanwhile; ratio %.2f\n", (unsigned long)reads,
	       read_by_other[ROUNDS / 2] / alone[ROUNDS / 2]);
	watch_close(watch);
	return 0;
}
