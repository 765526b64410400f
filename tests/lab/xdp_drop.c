// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp_drop.c - somebody else's XDP program that drops everything.
 *
 * xdp_drop INTERFACE         put it there (generic XDP); it stays
 * xdp_drop --off INTERFACE   take it away
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	/* r0 = XDP_DROP; exit */
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_DROP},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int off = argc == 3 && !strcmp(argv[1], "--off"), fd = -1, ret;
	unsigned ifindex;

	if (argc != 2 + off || !(ifindex = if_nametoindex(argv[1 + off]))) {
		fprintf(stderr, "usage: xdp_drop [--off] INTERFACE\n");
		return 2;
	}
	if (!off) {
		fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "theirs", "GPL", program,
				   sizeof(program) / sizeof(*program), NULL);
		if (fd < 0) {
			perror("xdp_drop: load");
			return 1;
		}
	}
	ret = bpf_xdp_attach(ifindex, fd, XDP_FLAGS_SKB_MODE, NULL);
	if (ret)
		fprintf(stderr, "xdp_drop: %s\n", strerror(-ret));
	return ret != 0;
}
