// SPDX-License-Identifier: GPL-2.0-only
/*
 * live.c - live SECONDS [THREADS [watched]]: the least that makes live frames (BPF_PROG_TEST_RUN, batch
 * 64) and counts them behind a veth link, in XDP that drops: what `vethlab bench` is held against.
 * watched: a lab's native XDP program sees each frame before. Prints packets a second. As root, in
 * a namespace of its own.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "user/watch/internal.h"

enum { FRAME = 64, BATCH = 64, CPUS_MAX = 256, BASE = 5000, LIVE0 = 0, LIVE1 = 1 };

static int generator, counters;
static volatile int stop;

static void give_up(const char *what)
{
	fprintf(stderr, "live: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The types of two functions at these instructions: the kernel lets only those who have them tail-call. */
static int describe(struct bpf_func_info infos[2], size_t function)
{
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), proto;

	proto = btf__add_func_proto(btf, integer);
	infos[0] = (struct bpf_func_info){0, btf__add_func(btf, "drop", BTF_FUNC_STATIC, proto)};
	infos[1] = (struct bpf_func_info){function,
					  btf__add_func(btf, "watch", BTF_FUNC_STATIC, proto)};
	if (btf__load_into_kernel(btf))
		give_up("types");
	return btf__fd(btf);
}

/* function: where the program's second function begins; 0: it has one. */
static int load(const char *name, const struct bpf_insn *insns, size_t n, size_t function)
{
	struct bpf_func_info infos[2];
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	int fd;

	/* As the lab's program is: tail calls are for the like of oneself. */
	opts.expected_attach_type = BPF_XDP;
	opts.prog_flags = BPF_F_XDP_HAS_FRAGS;
	if (function) {
		opts.prog_btf_fd = describe(infos, function);
		opts.func_info = infos;
		opts.func_info_cnt = 2;
		opts.func_info_rec_size = sizeof(*infos);
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", insns, n, &opts);
	if (fd < 0)
		give_up(name);
	return fd;
}

/* return bpf_redirect(ifindex, 0) */
static int load_generator(int ifindex)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = ifindex},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return load("live_generate", insns, sizeof(insns) / sizeof(*insns), 0);
}

/* A map with the native XDP program of a lab of which live1 is an end. */
static int load_watcher(void)
{
	const struct watch_config config = {"live", BASE, 2, .xdp = true};
	int map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "live_watch", 4, 4, 1, NULL), zero = 0;
	const struct vl_end end = {.in_use = 1, .ifindex = BASE + LIVE1, .peer = LIVE0};
	struct watch *watch; /* stays open */
	struct err err = {};

	if (map < 0)
		give_up("a map of programs");
	if (watch_load(&watch, &config, &err) || watch_name_end(watch, LIVE1, &end, &err)) {
		fprintf(stderr, "live: %s\n", err.what);
		exit(1);
	}
	if (bpf_map_update_elem(map, &zero, &watch->progs[PROG_XDP_NATIVE], BPF_ANY))
		give_up("the program that watches");
	return map;
}

/*
 * watch(ctx), where there is a watcher; u64 *v = lookup(counters, 0); if (v) ++*v; return XDP_DROP
 * watch(ctx) is a function: from its tail call the program comes back.
 */
static int load_sink(int watcher)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 12},
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = counters},
		{0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 3},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 0},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = 1},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_DROP},
		{.code = BPF_JMP | BPF_EXIT},
		/* watch(ctx) */
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 2, .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = watcher},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const size_t n = sizeof(insns) / sizeof(*insns);

	/* Without a watcher neither the call nor, at the end, the function. */
	return watcher < 0 ? load("live_drop", insns + 1, n - 7, 0) :
			     load("live_drop", insns, n, n - 6);
}

static void *generate(void *arg)
{
	char frame[FRAME] = {[12] = 8};
	struct xdp_md context = {.data_end = FRAME};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = FRAME,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 256 * BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((long)arg, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	while (!stop)
		if (bpf_prog_test_run_opts(generator, &opts))
			give_up("live frames");
	return NULL;
}

static unsigned long long count(void)
{
	unsigned long long values[CPUS_MAX] = {0}, sum = 0;
	int zero = 0;

	if (bpf_map_lookup_elem(counters, &zero, values))
		give_up("counters");
	for (int i = 0; i < CPUS_MAX; i++)
		sum += values[i];
	return sum;
}

static void wait_s(double s)
{
	struct timespec left = {(time_t)s, (long)(1e9 * (s - (time_t)s))};

	nanosleep(&left, NULL);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1, at;
	long threads = argc > 2 ? atol(argv[2]) : sysconf(_SC_NPROCESSORS_ONLN);
	bool watched = argc > 3 && !strcmp(argv[3], "watched");
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	pthread_t ids[CPUS_MAX];
	unsigned long long before;
	char command[256];
	int sink;

	if (threads < 1 || threads > CPUS_MAX)
		threads = 1;
	if (unshare(CLONE_NEWNET))
		give_up("a namespace of its own");
	snprintf(command, sizeof(command),
		 "ip link add live0 index %d numtxqueues %ld numrxqueues %ld type veth peer name live1 "
		 "index %d numtxqueues %ld numrxqueues %ld && ip link set live0 up && "
		 "ip link set live1 up",
		 BASE + LIVE0, threads, threads, BASE + LIVE1, threads, threads);
	if (system(command))
		give_up("ip link add");
	counters = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "live", 4, 8, 1, NULL);
	if (counters < 0)
		give_up("counters");
	generator = load_generator(BASE + LIVE0);
	sink = load_sink(watched ? load_watcher() : -1);
	if (bpf_link_create(sink, BASE + LIVE1, BPF_XDP, &native) < 0)
		give_up("attach");
	for (long i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, generate, (void *)i))
			give_up("a thread");
	wait_s(seconds / 10);
	before = count();
	at = now_s();
	wait_s(seconds);
	printf("%.0f\n", (count() - before) / (now_s() - at));
	stop = 1;
	for (long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return 0;
}
