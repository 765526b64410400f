// SPDX-License-Identifier: GPL-2.0-only
/*
 * frame_sender.c - a frame out of an end, to see that its link carries frames.
 *
 * A packet socket could send it, but closing one waits for an RCU grace period (packet_release in
 * net/packet/af_packet.c): 10 ms and more for each namespace. A test run of a program that
 * redirects a copy of its frame waits for nothing, and passes the hooks of the end like every other
 * packet. The socket serves where eBPF is refused.
 */
#include "user/watch/internal.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "bpf/proof_frame.h"

static struct proof_frame make_frame(void)
{
	return (struct proof_frame){
		.to = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		.ethertype = htons(ETHERTYPE_ARP),
		.arp = {.hardware = htons(ARPHRD_ETHER),
			.protocol = htons(ETHERTYPE_IP),
			.hardware_len = 6,
			.protocol_len = 4,
			.operation = htons(ARPOP_REQUEST),
			.target_mac = PROOF_FRAME_MARK,
			.target = PROOF_FRAME_TARGET_IP},
	};
}

int watch_frame_load(int *prog, struct err *err)
{
	/* return bpf_clone_redirect(ctx, ctx->ifindex, 0) */
	const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W,
		 .dst_reg = 2,
		 .src_reg = 1,
		 .off = offsetof(struct __sk_buff, ifindex)},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_clone_redirect},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd;

	watch_log_start();
	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "vl_frame", "GPL", insns,
			   sizeof(insns) / sizeof(*insns), NULL);
	if (fd < 0 && errno != EPERM)
		return watch_fail(err, errno, "proof of the links",
				  "load the program that sends a frame",
				  "CAP_BPF and CAP_NET_ADMIN");
	*prog = fd < 0 ? -1 : fd;
	return 0;
}

int watch_frame_send(int prog, uint32_t ifindex, const char *object, struct err *err)
{
	const struct proof_frame frame = make_frame();
	struct __sk_buff context = {.ifindex = ifindex};
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &frame,
			    .data_size_in = sizeof(frame), .ctx_in = &context,
			    .ctx_size_in = sizeof(context), .repeat = 1);
	int error = 0;

	watch_log_start();
	if (bpf_prog_test_run_opts(prog, &run))
		error = errno;
	else if ((int)run.retval < 0)
		error = -(int)run.retval;
	return error ? watch_fail(err, error, object, "send a frame", "CAP_BPF") : 0;
}

int watch_frame_open(const char *object, struct err *err)
{
	/* Protocol 0: it receives nothing. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd >= 0 ? fd : watch_fail(err, errno, object, "open a packet socket", "CAP_NET_RAW");
}

int watch_frame_send_by_socket(int fd, uint32_t ifindex, const char *object, struct err *err)
{
	const struct proof_frame frame = make_frame();
	const struct sockaddr_ll to = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(ETHERTYPE_ARP),
				       .sll_ifindex = (int)ifindex};

	if (sendto(fd, &frame, sizeof(frame), 0, (const void *)&to, sizeof(to)) < 0)
		return watch_fail(err, errno, object, "send a frame", "CAP_NET_RAW");
	return 0;
}

int watch_frame_seen(struct watch *watch, struct vl_end *entries, struct err *err)
{
	return watch_sum_map(watch, MAP_ENDS, false, sizeof(*entries), entries, err);
}
