// SPDX-License-Identifier: GPL-2.0-only
/*
 * others.c - programs of somebody else on an interface: they count, and decide for the rest of
 * their hook (TC_ACT_OK, XDP_PASS), so that who stands behind them sees nothing. Or one that drops.
 *
 * others attach DEV             put them on; print the hooks that this kernel has: xdp tcx_in
 * tcx_out others drop HOOK DEV          put on one that drops all that comes there; print its hook,
 * if the kernel has it others redirect HOOK DEV TO   put on one that sends all that comes there out
 * by the interface TO; XDP is generic then, since not every driver can take a native one's others
 * peer HOOK DEV TO       the same into the other end of TO (bpf_redirect_peer) others count print
 * "HOOK PACKETS" for each others remove
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR "/sys/fs/bpf/others"

static const struct hook {
	const char *name;
	enum bpf_prog_type type;
	int attach_type; /* 46, 47: tcx, which linux/bpf.h of Debian 12 does not have */
	int pass, drop;	 /* verdicts */
} hooks[] = {
	{"xdp", BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS, XDP_DROP},
	{"tcx_in", BPF_PROG_TYPE_SCHED_CLS, 46, 0, 2},
	{"tcx_out", BPF_PROG_TYPE_SCHED_CLS, 47, 0, 2},
};
enum { N_HOOKS = sizeof(hooks) / sizeof(*hooks) };

static int fail(const char *what)
{
	fprintf(stderr, "others: %s: %s\n", what, strerror(errno));
	return 1;
}

/* What a program does: *map[0] += 1; return verdict, or, if helper is set, helper(to, 0). */
struct doing {
	int verdict, helper;
	unsigned to; /* an ifindex */
};

static int load(const struct hook *hook, int map, const struct doing *doing)
{
	const struct bpf_insn ending[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = doing->verdict},
		{.code = BPF_JMP | BPF_EXIT},
		{0},
		{0},
	};
	const struct bpf_insn redirecting[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = (int)doing->to},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0},
		{.code = BPF_JMP | BPF_CALL, .imm = doing->helper},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_insn insns[8] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_PSEUDO_MAP_VALUE,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 1},
		{.code = BPF_STX | BPF_ATOMIC | BPF_DW,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_REG_2,
		 .imm = BPF_ADD},
	};

	memcpy(insns + 4, doing->helper ? redirecting : ending, sizeof(ending));
	return bpf_prog_load(hook->type, "theirs", "GPL", insns, doing->helper ? 8 : 6, NULL);
}

static int attach(const struct hook *hook, unsigned ifindex, const struct doing *doing)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "theirs", 4, 8, 1, NULL), prog, link;
	char path[128];

	if (map < 0)
		return fail("a map");
	prog = load(hook, map, doing);
	if (prog < 0)
		return fail("a program");
	if (hook->type == BPF_PROG_TYPE_XDP)
		opts.flags = doing->helper ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	link = bpf_link_create(prog, ifindex, (enum bpf_attach_type)hook->attach_type, &opts);
	if (link < 0 && errno == EINVAL && hook->type == BPF_PROG_TYPE_SCHED_CLS)
		return 0; /* no tcx here */
	if (link < 0)
		return fail(hook->name);
	snprintf(path, sizeof(path), DIR "/%s_link", hook->name);
	if (bpf_obj_pin(link, path))
		return fail(path);
	snprintf(path, sizeof(path), DIR "/%s_map", hook->name);
	if (bpf_obj_pin(map, path))
		return fail(path);
	printf("%s ", hook->name);
	return 0;
}

static int count(const struct hook *hook)
{
	unsigned zero = 0;
	char path[128];
	__u64 packets;
	int map;

	snprintf(path, sizeof(path), DIR "/%s_map", hook->name);
	map = bpf_obj_get(path);
	if (map < 0)
		return errno == ENOENT ? 0 : fail(path);
	if (bpf_map_lookup_elem(map, &zero, &packets))
		return fail(path);
	printf("%s %llu\n", hook->name, packets);
	return 0;
}

static void take_off(const struct hook *hook)
{
	char path[128];

	snprintf(path, sizeof(path), DIR "/%s_link", hook->name);
	unlink(path);
	snprintf(path, sizeof(path), DIR "/%s_map", hook->name);
	unlink(path);
}

/* What `others WORD HOOK DEV [TO]` asks for at that hook. Returns false if it is no such word. */
static bool doing_of(int argc, char **argv, const struct hook *hook, struct doing *doing)
{
	bool redirect = argc == 5 && !strcmp(argv[1], "redirect");
	bool peer = argc == 5 && !strcmp(argv[1], "peer");

	*doing = (struct doing){.verdict = hook->drop};
	if (argc == 4)
		return !strcmp(argv[1], "drop");
	if (!redirect && !peer)
		return false;
	doing->helper = peer ? BPF_FUNC_redirect_peer : BPF_FUNC_redirect;
	doing->to = if_nametoindex(argv[4]);
	return doing->to != 0;
}

int main(int argc, char **argv)
{
	unsigned ifindex = argc > 2 ? if_nametoindex(argv[argc > 3 ? 3 : 2]) : 0;
	const char *verb = argc > 1 ? argv[1] : "";
	struct doing doing;
	int status = 0;

	if (ifindex && mkdir(DIR, 0700) && errno != EEXIST)
		return fail(DIR);
	for (int i = 0; i < N_HOOKS && !status; i++) {
		if (ifindex && argc == 3 && !strcmp(verb, "attach"))
			status = attach(&hooks[i], ifindex,
					&(struct doing){.verdict = hooks[i].pass});
		else if (ifindex && doing_of(argc, argv, &hooks[i], &doing))
			status = strcmp(argv[2], hooks[i].name)
					 ? 0
					 : attach(&hooks[i], ifindex, &doing);
		else if (!strcmp(verb, "count"))
			status = count(&hooks[i]);
		else if (!strcmp(verb, "remove"))
			take_off(&hooks[i]);
		else
			status = 2;
	}
	if (!strcmp(verb, "remove"))
		rmdir(DIR);
	return status;
}
