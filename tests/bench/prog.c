// SPDX-License-Identifier: GPL-2.0-only
/*
 * prog.c - prog [REPEAT]: what one run of each program costs (BPF_PROG_TEST_RUN), beside an empty
 * program and one that adds to one field of a per-CPU array. Runs are interleaved; medians are
 * printed, in nanoseconds, with the kernel's own overhead per run in them. As root.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/common/frames.h"
#include "user/watch/internal.h"

enum { ROUNDS = 9, LO = 1, COLUMNS = 16 };

struct column {
	const char *name;
	int prog;
	struct bytes frame;
	uint32_t ns[ROUNDS];
};

static struct column columns[COLUMNS];
static int n_columns;

static void give_up(const char *what)
{
	fprintf(stderr, "prog: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int load(const char *name, const struct bpf_insn *insns, size_t n)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name, "GPL", insns, n, NULL);

	if (fd < 0)
		give_up(name);
	return fd;
}

/* return -1 */
static int load_empty(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return load("empty", insns, 2);
}

/* u64 *v = lookup(map, skb->ifindex - 1); if (v) ++*v; return -1 */
static int load_update(void)
{
	int map = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "update", 4, 232, 64, NULL);
	const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W,
		 .dst_reg = 1,
		 .src_reg = 1,
		 .off = offsetof(struct __sk_buff, ifindex)},
		{.code = BPF_ALU | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -LO},
		{.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = 10, .src_reg = 1, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 3},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 0},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = 1},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};

	if (map < 0)
		give_up("update");
	return load("update", insns, sizeof(insns) / sizeof(*insns));
}

static void column(const char *name, int prog, const struct bytes *frame)
{
	columns[n_columns++] = (struct column){.name = name, .prog = prog, .frame = *frame};
}

static uint32_t run(const struct column *c, int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = c->frame.at, .data_size_in = c->frame.len,
		    .repeat = repeat);

	if (bpf_prog_test_run_opts(c->prog, &opts))
		give_up(c->name);
	return opts.duration;
}

static int by_size(const void *a, const void *b)
{
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static void private_namespaces(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		give_up("namespaces of its own, and bpffs");
}

static void no_record(const struct vl_event *event, void *arg)
{
	(void)event;
	(void)arg;
}

int main(int argc, char **argv)
{
	const struct watch_config config = {"bench", LO, 2, true, true, true};
	struct watch_session *session = NULL;
	int repeat = argc > 1 ? atoi(argv[1]) : 1000000, empty, update, counting;
	struct bytes udp, udp6, tcp, echo, reply, redirect, other;
	struct vl_end end = {.in_use = 1, .ifindex = LO};
	struct watch *watch = NULL;
	struct err err = {};

	private_namespaces();
	put_eth(&udp, 0x0800);
	put_ipv4(&udp, 17, 0, 0, 8 + 22);
	put_udp(&udp, 22);
	put_eth(&udp6, 0x86dd);
	put_ipv6(&udp6, 17, 8 + 2);
	put_udp(&udp6, 2);
	put_eth(&tcp, 0x0800);
	put_ipv4(&tcp, 6, 0, 0x4000, 20 + 10);
	put_tcp(&tcp, 0x10);
	put_zeros(&tcp, 10);
	put_eth(&echo, 0x0800);
	put_ipv4(&echo, 1, 0, 0, 8 + 56);
	put_icmp(&echo, 8, 0, 1, 1, udp.at, 56);
	reply = echo;
	reply.at[14 + 20] = 0;
	memcpy(reply.at + 14 + 12, "\x0a\0\0\2\x0a\0\0\1", 8);
	redirect = echo;
	redirect.at[14 + 20] = 5;
	put_eth(&other, 0x0806);
	put_zeros(&other, 50);
	if (watch_load(&watch, &config, &err) || watch_pin(watch, &err)) {
		fprintf(stderr, "prog: %s (%s)\n", err.what, err.hint);
		return 1;
	}
	/* Its own peer, so that what leaves at end 0 is found when it comes in there. */
	if (watch_name_end(watch, 0, &end, &err))
		return 1;
	empty = load_empty();
	update = load_update();
	column("empty program", empty, &udp);
	column("and one per-CPU array update", update, &udp);
	column("tc: UDP", watch->progs[VL_HOOK_OUT], &udp);
	column("tc: UDP over IPv6", watch->progs[VL_HOOK_OUT], &udp6);
	column("tc: TCP", watch->progs[VL_HOOK_OUT], &tcp);
	column("tc: ARP", watch->progs[VL_HOOK_OUT], &other);
	column("tc: ICMP, not followed", watch->progs[VL_HOOK_OUT], &redirect);
	column("tc out: echo request, followed", watch->progs[VL_HOOK_OUT], &echo);
	column("tc in: echo request, followed", watch->progs[VL_HOOK_IN], &echo);
	column("tc out: echo reply, followed", watch->progs[VL_HOOK_OUT], &reply);
	column("tc in: echo reply, followed", watch->progs[VL_HOOK_IN], &reply);
	column("XDP: UDP", watch->progs[VL_HOOK_XDP], &udp);
	counting = n_columns;
	column("tc: ICMP echo, traced by one", watch->progs[VL_HOOK_OUT], &echo);
	for (int i = 0; i < ROUNDS; i++)
		for (int c = 0; c < counting; c++)
			columns[c].ns[i] = run(&columns[c], repeat);
	if (watch_session_open(&session, watch, &(struct vl_filter){}, 8192, &err)) {
		fprintf(stderr, "prog: %s (%s)\n", err.what, err.hint);
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++) { /* as many as the buffer holds: 8 MiB of 128 bytes */
		columns[counting].ns[i] = run(&columns[counting], 50000);
		if (watch_session_poll(session, 0, no_record, NULL, &err) < 0)
			return 1;
	}
	printf("%-32s %8s %8s %8s\n", "one run, ns", "median", "min", "max");
	for (int c = 0; c < n_columns; c++) {
		qsort(columns[c].ns, ROUNDS, sizeof(*columns[c].ns), by_size);
		printf("%-32s %8u %8u %8u\n", columns[c].name, columns[c].ns[ROUNDS / 2],
		       columns[c].ns[0], columns[c].ns[ROUNDS - 1]);
	}
	printf("records lost: %llu\n", (unsigned long long)watch_session_lost(session));
	watch_session_close(session);
	watch_close(watch);
	return watch_unpin("bench", &err) != 0;
}
