// SPDX-License-Identifier: GPL-2.0-only
/* fixture.c - see fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/prog/fixture.h"

const char *const prog_titles[WATCH_PROGS] = {"out", "xdp", "in", "xdp.frags"};

enum vl_hook prog_hook(int prog)
{
	return prog == PROG_XDP_NATIVE ? VL_HOOK_XDP : (enum vl_hook)prog;
}

bool fixture_ready(void)
{
	static int ready = -1;
	struct err err = {};

	if (ready >= 0)
		return ready;
	ready = 0;
	if (geteuid() != 0) {
		print_message("needs root\n");
		return false;
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		print_message("no namespaces of its own: %s\n", strerror(errno));
		return false;
	}
	/* Our own, over whatever is there. */
	if (mkdir(BPFFS, 0700) && errno != EEXIST)
		print_message("%s: %s\n", BPFFS, strerror(errno));
	if (mount("bpf", BPFFS, "bpf", 0, "mode=0700")) {
		print_message("no bpffs: %s\n", strerror(errno));
		return false;
	}
	if (watch_mount_bpffs(&err) != 0) {
		print_message("bpffs is mounted, but is not seen: %s\n", err.what);
		return false;
	}
	ready = 1;
	return true;
}

void fixture_pair(struct nl **nl, uint32_t base, uint32_t mtu)
{
	static const struct nl_what what = {.object = "the pair", .action = "be made"};
	int self = netns_open_self(NULL);
	char names[2][16];
	const struct veth_end ends[2] = {
		{.ifname = names[0], .netns_fd = self, .ifindex = base, .mtu = mtu},
		{.ifname = names[1], .netns_fd = self, .ifindex = base + 1, .mtu = mtu},
	};
	FILE *file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "we");
	struct err err = {};

	if (file) {
		fputs("1", file);
		fclose(file);
	}
	snprintf(names[0], sizeof(names[0]), "v%u", base);
	snprintf(names[1], sizeof(names[1]), "v%u", base + 1);
	if (nl_open(nl, -1, &err) || link_add_veth(*nl, ends, &what, &err) || nl_flush(*nl, &err) ||
	    link_set_up(*nl, base, true, &what, &err) ||
	    link_set_up(*nl, base + 1, true, &what, &err) || nl_flush(*nl, &err))
		fail_msg("%s", err.what);
	close(self);
}

int fixture_socket(uint32_t ifindex)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_protocol = htons(ETH_P_ALL)};

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

void fixture_attach(struct watch *watch, struct nl *nl, enum watch_tc tc, uint32_t end,
		    uint32_t ifindex)
{
	static const struct nl_what what = {.object = "the end", .action = "attach"};
	struct err err = {};
	int ret = 0;

	if (tc == WATCH_TC_TCX)
		ret = watch_attach_tcx(watch, end, ifindex, "the end", &err);
	if (tc == WATCH_TC_CLSACT)
		ret = watch_clsact_qdisc(nl, ifindex, &what, &err);
	if (!ret && tc == WATCH_TC_CLSACT)
		ret = watch_clsact_filters(watch, nl, ifindex, &what, &err);
	if (ret || nl_flush(nl, &err))
		fail_msg("%s (%s)", err.what, err.hint);
}

struct watch *fixture_load(uint32_t ifindex_base)
{
	const struct watch_config config = {
		.lab = FIXTURE_LAB,
		.ifindex_base = ifindex_base,
		.n_ends = FIXTURE_ENDS,
		.in = true,
		.out = true,
		.xdp_generic = true,
		.xdp_native = true,
	};
	struct watch *watch = NULL;
	struct err err = {};

	if (watch_load(&watch, &config, &err) || watch_pin(watch, &err))
		fail_msg("%s (%s)", err.what, err.hint);
	return watch;
}

void fixture_unload(struct watch *watch)
{
	struct err err = {};

	watch_close(watch);
	assert_int_equal(watch_unpin(FIXTURE_LAB, &err), 0);
	assert_int_equal(access(WATCH_DIR, F_OK), -1);
}

/* The user API's own context types; our skeleton does not need them, so the C library's do. */
static void set_context(struct bpf_test_run_opts *opts, int prog, const struct run *how, size_t len,
			struct __sk_buff *skb, struct xdp_md *xdp)
{
	if (prog_hook(prog) == VL_HOOK_XDP) {
		xdp->ingress_ifindex = how->ifindex;
		xdp->data_end = how->xdp_linear ? how->xdp_linear : len;
		if (how->ifindex || how->xdp_linear) {
			opts->ctx_in = xdp;
			opts->ctx_size_in = sizeof(*xdp);
		}
		return;
	}
	skb->ifindex = how->ifindex;
	skb->gso_segs = how->gso_segs;
	skb->gso_size = how->gso_size;
	opts->ctx_in = skb;
	opts->ctx_size_in = sizeof(*skb);
}

int run_frame(struct watch *watch, int prog, const uint8_t *frame, size_t len,
	      const struct run *how)
{
	static uint8_t out[2 * 9216];
	struct __sk_buff skb = {};
	struct xdp_md xdp = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);

	set_context(&opts, prog, how, len, &skb, &xdp);
	if (bpf_prog_test_run_opts(watch->progs[prog], &opts))
		return -errno;
	if (prog_hook(prog) == VL_HOOK_XDP)
		assert_int_equal(opts.retval, XDP_PASS);
	else
		assert_int_equal((int)opts.retval, -1);
	assert_int_equal(opts.data_size_out, len);
	assert_memory_equal(out, frame, len);
	return 0;
}

struct vl_counters counters_of(struct watch *watch, enum vl_hook hook, uint32_t end)
{
	struct vl_counters all[FIXTURE_ENDS];
	struct err err = {};

	if (watch_read(watch, hook, all, &err))
		fail_msg("%s", err.what);
	return all[end];
}

/* Names of struct vl_counters' fields, in order. */
static const char *const field_names[] = {
	"packets",
	"bytes",
	"segments",
	"arp",
	"ipv4",
	"ipv6",
	"vlan",
	"other",
	"fragments",
	"malformed",
	"tcp",
	"tcp_syn",
	"tcp_fin",
	"tcp_rst",
	"udp",
	"icmp4.echo_request",
	"icmp4.echo_reply",
	"icmp4.unreachable",
	"icmp4.time_exceeded",
	"icmp4.redirect",
	"icmp4.nd",
	"icmp4.other",
	"icmp6.echo_request",
	"icmp6.echo_reply",
	"icmp6.unreachable",
	"icmp6.time_exceeded",
	"icmp6.redirect",
	"icmp6.nd",
	"icmp6.other",
};
_Static_assert(sizeof(field_names) / sizeof(*field_names) == sizeof(struct vl_counters) / 8,
	       "a field of struct vl_counters has no name here");

void assert_counted(const struct vl_counters *before, const struct vl_counters *after,
		    const struct vl_counters *expected, const char *what, const uint8_t *frame,
		    size_t len)
{
	const __u64 *a = (const __u64 *)after, *b = (const __u64 *)before;
	const __u64 *e = (const __u64 *)expected;
	bool good = true;

	for (size_t i = 0; i < sizeof(*after) / sizeof(*a); i++) {
		if (a[i] - b[i] == e[i])
			continue;
		good = false;
		print_message("%s: %s counted %llu, expected %llu\n", what, field_names[i],
			      a[i] - b[i], e[i]);
	}
	if (good)
		return;
	print_message("frame of %zu bytes:", len);
	for (size_t i = 0; i < len && i < 160; i++)
		print_message("%s%02x", i % 32 ? " " : "\n  ", frame[i]);
	print_message("\n");
	fail();
}

/* 6.18 refuses to run tc programs on these; test_veth sends such frames over a link instead. */
static bool below_ip_header(const struct bytes *frame)
{
	unsigned type = frame->at[12] << 8 | frame->at[13];

	return (type == 0x0800 && frame->len < 14 + 20) || (type == 0x86dd && frame->len < 14 + 40);
}

void check_frame(struct watch *watch, const struct bytes *frame, const char *what)
{
	struct vl_counters expected = {};

	expect_frame(frame->at, frame->len, &expected);
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		struct vl_counters before = counters_of(watch, prog_hook(prog), 0), after;
		int ret = run_frame(watch, prog, frame->at, frame->len, &(struct run){});
		char title[128];

		snprintf(title, sizeof(title), "%s, %s, %zu bytes", what, prog_titles[prog],
			 frame->len);
		if (ret == -EINVAL && prog_hook(prog) != VL_HOOK_XDP && below_ip_header(frame))
			continue;
		if (ret)
			fail_msg("%s: the kernel does not run it: %s", title, strerror(-ret));
		after = counters_of(watch, prog_hook(prog), 0);
		assert_counted(&before, &after, &expected, title, frame->at, frame->len);
	}
}
