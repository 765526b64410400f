// SPDX-License-Identifier: GPL-2.0-only
/*
 * end_stub.c - how the programs of an observed lab know at which end they are. Its ifindexes are
 * those that others gave, and two namespaces may have the same. So every hook of every end gets a
 * program of its own, its stub: a dozen instructions that write the end's number to the map `here`
 * and make a tail call to the lab's program. The verifier is done with a stub at once; the lab's
 * programs, which take it tens of milliseconds, are loaded once.
 */
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

/* What the kernel's programs say who leave a packet alone. */
enum { GO_ON_TC = -1 /* TCX_NEXT, TC_ACT_UNSPEC */, GO_ON_XDP = XDP_PASS };

/* Which of the three maps: a map of programs takes those of one type only, and with frags or
 * without. */
static int doors_of(int prog)
{
	return MAP_END_STUBS + (prog == PROG_XDP_NATIVE ? 2 : prog == VL_HOOK_XDP ? 1 : 0);
}

static uint32_t hook_of(int prog)
{
	return prog == PROG_XDP_NATIVE ? VL_HOOK_XDP : prog;
}

int watch_set_tail_call(struct watch *watch, int prog)
{
	uint32_t hook = hook_of(prog), fd = watch->progs[prog];

	return bpf_map_update_elem(watch->maps[doors_of(prog)], &hook, &fd, BPF_ANY) ? -errno : 0;
}

int watch_make_end_stubs(struct watch *watch)
{
	static const char *const names[] = {"doors_tc", "doors_xdp", "doors_frags"};

	watch->maps[MAP_PLACES] =
		bpf_map_create(BPF_MAP_TYPE_HASH, "places", sizeof(struct vl_place),
			       sizeof(uint32_t), 2 * watch->n_ends + 1, NULL);
	if (watch->maps[MAP_PLACES] < 0)
		return -errno;
	for (int i = 0; i < 3; i++) {
		watch->maps[MAP_END_STUBS + i] =
			bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, names[i], sizeof(uint32_t),
				       sizeof(uint32_t), VL_HOOKS, NULL);
		if (watch->maps[MAP_END_STUBS + i] < 0)
			return -errno;
	}
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		int ret = watch->progs[prog] >= 0 ? watch_set_tail_call(watch, prog) : 0;

		if (ret)
			return ret;
	}
	return 0;
}

static struct bpf_insn insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	return (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

static struct bpf_insn move(uint8_t dst, int32_t imm)
{
	return insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static struct bpf_insn copy(uint8_t dst, uint8_t src)
{
	return insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static struct bpf_insn call(int32_t helper)
{
	return insn(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

int watch_load_end_stub(struct watch *watch, int prog, uint32_t number, int *own)
{
	bool xdp = hook_of(prog) == VL_HOOK_XDP;
	int here = watch->maps[MAP_HERE], doors = watch->maps[doors_of(prog)];
	const struct bpf_insn insns[] = {
		copy(BPF_REG_6, BPF_REG_1),
		/* *here = number */
		insn(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		copy(BPF_REG_2, BPF_REG_10),
		insn(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		insn(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, here),
		insn(0, 0, 0, 0, 0),
		call(BPF_FUNC_map_lookup_elem),
		insn(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 6, 0),
		insn(BPF_ST | BPF_MEM | BPF_W, BPF_REG_0, 0, 0, (int32_t)number),
		/* go on at doors[hook] */
		copy(BPF_REG_1, BPF_REG_6),
		insn(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0, doors),
		insn(0, 0, 0, 0, 0),
		move(BPF_REG_3, (int32_t)hook_of(prog)),
		call(BPF_FUNC_tail_call),
		/* Nothing there: the lab is being taken down. */
		move(BPF_REG_0, xdp ? GO_ON_XDP : GO_ON_TC),
		insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	DECLARE_LIBBPF_OPTS(bpf_prog_load_opts, opts);

	*own = -1;
	if (!watch->observed)
		return watch->progs[prog];
	/* As libbpf loads SEC("xdp"): the kernel wants them alike on both sides of a tail call. */
	if (xdp)
		opts.expected_attach_type = BPF_XDP;
	if (prog == PROG_XDP_NATIVE)
		opts.prog_flags = BPF_F_XDP_HAS_FRAGS;
	*own = bpf_prog_load(xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, "vl_door", "GPL",
			     insns, sizeof(insns) / sizeof(*insns), &opts);
	return *own < 0 ? -errno : *own;
}
