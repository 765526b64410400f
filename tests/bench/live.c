// SPDX-License-Identifier: GPL-2.0-only
/*
 * live.c - live SECONDS [THREADS [watched]]: the least that makes live frames (BPF_PROG_TEST_RUN,
 * batch 64) and counts them behind a veth link, in XDP that drops: what `vethlab bench` is held
 * against. watched: a lab's native XDP program counts each frame in its place, with one instruction
 * changed: it drops what it would let pass. Prints packets a second. As root, in a namespace of its
 * own.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "bpf/vethlab.h"
#include "bpf/vethlab.skel.h"

enum { FRAME = 64, BATCH = 64, CPUS_MAX = 256, BASE = 5000, LIVE0 = 0, LIVE1 = 1 };

static int generator, counters;
static volatile int stop;

static void give_up(const char *what)
{
	fprintf(stderr, "live: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int load(const char *name, const struct bpf_insn *insns, size_t n)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", insns, n, NULL);

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

	return load("live_generate", insns, sizeof(insns) / sizeof(*insns));
}

/* u64 *v = lookup(map, 0); if (v) ++*v; return XDP_DROP */
static int load_sink(int map)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 3},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 0},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = 1},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_DROP},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return load("live_drop", insns, sizeof(insns) / sizeof(*insns));
}

/* The lab's program for native XDP, which ends by `r0 = XDP_PASS; exit`: that drops here. */
static int load_watcher(void)
{
	struct vethlab *skel = vethlab__open();
	struct bpf_program *prog;
	int changed = 0;

	if (!skel)
		give_up("the lab's programs");
	skel->rodata->ifindex_base = BASE;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.vl_xdp_frags);
	if (bpf_map__set_max_entries(skel->maps.count_xdp, 2))
		give_up("the size of a map");
	for (size_t i = 0; i + 1 < bpf_program__insn_cnt(skel->progs.vl_xdp_frags); i++) {
		struct bpf_insn *insn = (void *)(bpf_program__insns(skel->progs.vl_xdp_frags) + i);

		if ((insn->code == (BPF_ALU | BPF_MOV | BPF_K) ||
		     insn->code == (BPF_ALU64 | BPF_MOV | BPF_K)) &&
		    !insn->dst_reg && insn->imm == XDP_PASS &&
		    insn[1].code == (BPF_JMP | BPF_EXIT)) {
			insn->imm = XDP_DROP;
			changed++;
		}
	}
	if (changed != 1) {
		fprintf(stderr, "live: the lab's program ends in %d ways\n", changed);
		exit(1);
	}
	if (vethlab__load(skel))
		give_up("the lab's programs");
	counters = bpf_map__fd(skel->maps.count_xdp);
	return bpf_program__fd(skel->progs.vl_xdp_frags);
}

static void *generate(void *arg)
{
	char frame[FRAME] = {
		[12] = 8, [14] = 0x45, [17] = FRAME - 14, [22] = 64, [23] = 17}; /* UDP */
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

static unsigned long long count(bool watched)
{
	static union {
		__u64 sink[CPUS_MAX];
		struct vl_counters lab[CPUS_MAX];
	} values;
	unsigned long long sum = 0;
	int key = watched ? LIVE1 : 0;

	if (bpf_map_lookup_elem(counters, &key, &values))
		give_up("counters");
	for (int i = 0; i < CPUS_MAX; i++)
		sum += watched ? values.lab[i].packets : values.sink[i];
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
		 "ip link add live0 index %d numtxqueues %ld numrxqueues %ld type veth peer name "
		 "live1 "
		 "index %d numtxqueues %ld numrxqueues %ld && ip link set live0 up && "
		 "ip link set live1 up",
		 BASE + LIVE0, threads, threads, BASE + LIVE1, threads, threads);
	if (system(command))
		give_up("ip link add");
	generator = load_generator(BASE + LIVE0);
	if (watched) {
		sink = load_watcher();
	} else {
		counters = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "live", 4, 8, 1, NULL);
		if (counters < 0)
			give_up("counters");
		sink = load_sink(counters);
	}
	if (bpf_link_create(sink, BASE + LIVE1, BPF_XDP, &native) < 0)
		give_up("attach");
	for (long i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, generate, (void *)i))
			give_up("a thread");
	wait_s(seconds / 10);
	before = count(watched);
	at = now_s();
	wait_s(seconds);
	printf("%.0f\n", (count(watched) - before) / (now_s() - at));
	stop = 1;
	for (long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return 0;
}
