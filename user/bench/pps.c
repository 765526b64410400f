// SPDX-License-Identifier: GPL-2.0-only
/*
 * pps.c - frames made in the kernel (BPF_PROG_TEST_RUN with live frames), sent into a link's end,
 * and counted where they arrive.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "user/base/clock.h"
#include "user/bench/internal.h"

enum {
	THREADS_MAX = 64,
	BATCH = 64,
	REPEAT = 256 * BATCH, /* frames a system call: a few ms */
	READ_BATCH = 64,
	FRAME_MAX =
		3072, /* a live frame fits a page with its headroom and struct skb_shared_info */
};

struct pps {
	struct bench_programs *programs;
	const struct bench_run *run;
	struct bench_thread threads[THREADS_MAX], reader;
	unsigned n_threads;
	int sock; /* of BENCH_PPS_SOCKET; -1: none */
	uint8_t frame[FRAME_MAX];
};

/* RFC 1071. */
static __be16 header_checksum(const struct ipv4_wire *ip)
{
	uint16_t words[IPV4_SIZE / 2];
	uint32_t sum = 0;

	memcpy(words, ip, sizeof(words));
	for (size_t i = 0; i < IPV4_SIZE / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Ethernet, IPv4, UDP to the discard port; no UDP checksum. */
static void make_frame(struct pps *pps)
{
	const struct bench_link *link = &pps->run->link;
	unsigned size = pps->run->work.size;
	struct ipv4_wire ip = {
		.version_ihl = 0x45,
		.tot_len = htons(size - ETH_SIZE),
		.ttl = 64,
		.protocol = PROTO_UDP,
	};
	struct udp_wire udp = {
		.source = htons(BENCH_PORT),
		.dest = htons(BENCH_PORT),
		.len = htons(size - ETH_SIZE - IPV4_SIZE),
	};
	struct ethhdr eth = {.h_proto = htons(WIRE_IPV4)};

	memcpy(eth.h_dest, link->to.mac, sizeof(eth.h_dest));
	if (pps->run->work.what == BENCH_PPS_PASS)
		eth.h_dest[5] ^= 1; /* somebody else's: IP drops it, and answers nothing */
	memcpy(eth.h_source, link->from.mac, sizeof(eth.h_source));
	memcpy(&ip.saddr, link->from.addr.bytes, sizeof(ip.saddr));
	memcpy(&ip.daddr, link->to.addr.bytes, sizeof(ip.daddr));
	ip.check = header_checksum(&ip);
	memcpy(pps->frame, &eth, ETH_SIZE);
	memcpy(pps->frame + ETH_SIZE, &ip, IPV4_SIZE);
	memcpy(pps->frame + ETH_SIZE + IPV4_SIZE, &udp, UDP_SIZE);
}

/* What the thread's whole work took is left in bytes: of packets, none are counted. */
static void end_work(struct bench_thread *self)
{
	atomic_store(&self->bytes, clock_ns(CLOCK_THREAD_CPUTIME_ID));
}

static void generate(struct bench_thread *self)
{
	struct pps *pps = self->arg;
	struct xdp_md context = {.data_end = pps->run->work.size};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = pps->frame,
		    .data_size_in = pps->run->work.size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = REPEAT,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	int prog = bench_programs_fd(pps->programs, BENCH_PROG_GENERATE);

	while (!atomic_load_explicit(&self->stop, memory_order_relaxed)) {
		int ret = bpf_prog_test_run_opts(prog, &opts);

		if (ret) { /* no signal comes to this thread: nothing is sent in part */
			self->error = -ret;
			break;
		}
		/* By the call, not by the program: that would cost each frame 2 %. */
		atomic_fetch_add_explicit(&self->count, REPEAT, memory_order_relaxed);
	}
	end_work(self);
}

static void read_all(struct bench_thread *self)
{
	static const unsigned room = 2048;
	const struct pps *pps = self->arg;
	uint8_t *buffer = aligned_alloc(room, READ_BATCH * room);
	struct mmsghdr msgs[READ_BATCH] = {0};
	struct iovec iovs[READ_BATCH];

	if (!buffer) {
		self->error = ENOMEM;
		return;
	}
	for (int i = 0; i < READ_BATCH; i++) {
		iovs[i] = (struct iovec){buffer + i * room, room};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iovs[i], .msg_iovlen = 1};
	}
	while (!atomic_load_explicit(&self->stop, memory_order_relaxed)) {
		int n = recvmmsg(pps->sock, msgs, READ_BATCH, MSG_WAITFORONE, NULL);

		if (n > 0)
			atomic_fetch_add_explicit(&self->count, n, memory_order_relaxed);
	}
	free(buffer);
	end_work(self);
}

static int no_live_frames(const struct bench_run *run, int error, struct err *err)
{
	if (error != EINVAL && error != ENOTSUP)
		return err_set(err, err_code_of(error), error,
			       "%s: cannot generate frames (kernel: %s)", run->link.from.name,
			       strerror(error));
	err_set(err, ERR_PRIVILEGE, error,
		"this kernel does not send live frames (BPF_F_TEST_XDP_LIVE_FRAMES): pps cannot be "
		"measured");
	err_hint(err, "Linux 5.18 has them; `--what rtt,tcp,udp` works without");
	return -error;
}

/* One frame: does this kernel do it at all? Some take the flag for nothing, but no batch_size. */
static int try_out(void *arg)
{
	struct pps *pps = arg;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = pps->frame,
		    .data_size_in = pps->run->work.size, .repeat = 1, .batch_size = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return bpf_prog_test_run_opts(bench_programs_fd(pps->programs, BENCH_PROG_GENERATE), &opts);
}

static int open_sink(struct pps *pps, struct err *err)
{
	const struct bench_link *link = &pps->run->link;
	struct bench_socket sink = {SOCK_DGRAM, &link->to, NULL, BENCH_PORT, 0, 0};
	int size = 8 << 20;

	switch (pps->run->work.what) {
	case BENCH_PPS_DROP:
		return bench_programs_attach(pps->programs, BENCH_PROG_DROP, &link->to, err);
	case BENCH_PPS_PASS:
		return bench_programs_attach(pps->programs, BENCH_PROG_PASS, &link->to, err);
	case BENCH_PPS_TC:
		return bench_programs_attach(pps->programs, BENCH_PROG_TC, &link->to, err);
	default:
		pps->sock = bench_socket(&sink, err);
		if (pps->sock >= 0)
			setsockopt(pps->sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		return pps->sock < 0 ? pps->sock : 0;
	}
}

unsigned bench_pps_threads(const struct bench_work *work)
{
	unsigned n = work->threads < 1		   ? 1
		     : work->threads > THREADS_MAX ? THREADS_MAX
						   : work->threads;

	if (work->what > BENCH_PPS_SOCKET)
		return 0;
	return work->what == BENCH_PPS_SOCKET && n > 1 ? n - 1 : n;
}

static int pps_open(struct bench_run *run, struct err *err)
{
	struct pps *pps;
	int ret;

	if (!run->link.own) {
		err_set(err, ERR_USAGE, EINVAL,
			"pps needs NAPI and programs that drop packets: it is measured in a lab of "
			"the "
			"bench's own only");
		err_hint(err, "`vethlab bench --what pps`, without a link");
		return -EINVAL;
	}
	if (run->work.size > FRAME_MAX)
		return err_set(err, ERR_USAGE, EINVAL, "live frames have at most %d bytes, not %u",
			       FRAME_MAX, run->work.size);
	pps = aligned_alloc(_Alignof(struct pps), sizeof(*pps));
	if (!pps)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	memset(pps, 0, sizeof(*pps));
	run->own = pps;
	pps->run = run;
	pps->sock = -1;
	pps->n_threads = bench_pps_threads(&run->work);
	make_frame(pps);
	ret = bench_programs_load(&pps->programs, run->link.from.ifindex, err);
	if (ret)
		return ret;
	/* Before there is a sink, so that none takes this frame for one of the measurement's. */
	ret = netns_run(run->link.from.netns_fd, try_out, pps, err);
	return ret ? no_live_frames(run, -ret, err) : open_sink(pps, err);
}

static void pps_close(struct bench_run *run)
{
	struct pps *pps = run->own;

	bench_programs_free(pps->programs);
	if (pps->sock >= 0)
		close(pps->sock);
	free(pps);
}

static int start(struct pps *pps, struct err *err)
{
	const struct bench_link *link = &pps->run->link;
	int ret = 0;

	if (pps->sock >= 0) {
		pps->reader = (struct bench_thread){
			.work = read_all, .arg = pps, .cpu = link->to.cpu, .netns_fd = -1};
		ret = bench_thread_start(&pps->reader, err);
	}
	for (unsigned i = 0; !ret && i < pps->n_threads; i++) {
		struct bench_thread *thread = &pps->threads[i];
		/* The first two where the user says, the others where the kernel likes. */
		int cpu = i == 0 ? link->from.cpu : i == 1 ? link->to.cpu : -1;

		*thread = (struct bench_thread){
			.work = generate, .arg = pps, .cpu = cpu, .netns_fd = link->from.netns_fd};
		ret = bench_thread_start(thread, err);
	}
	return ret;
}

static uint64_t received(const struct pps *pps)
{
	return pps->sock >= 0 ? atomic_load(&pps->reader.count)
			      : bench_programs_count(pps->programs, BENCH_RECEIVED);
}

/* Since when something is to have arrived. */
struct pps_since {
	const struct pps *pps;
	uint64_t received;
};

static bool arrived_since(const void *arg)
{
	const struct pps_since *since = arg;

	return received(since->pps) != since->received;
}

/* Generators first; then what is on its way arrives, or never does. */
static int stop(struct pps *pps)
{
	uint64_t before, now = received(pps);
	int error = 0;

	for (unsigned i = 0; i < pps->n_threads; i++) {
		bench_thread_join(&pps->threads[i]);
		error = error ? error : pps->threads[i].error;
	}
	do {
		before = now;
		usleep(10000);
		now = received(pps);
	} while (now != before);
	bench_thread_join(&pps->reader);
	return error ? error : pps->reader.error;
}

/* Of all that was sent and received, from the threads' begin to their end. */
static void sum_up(const struct pps *pps, uint64_t base, struct bench_sample *sample)
{
	uint64_t send_ns = 0;

	for (unsigned i = 0; i < pps->n_threads; i++) {
		sample->sent += atomic_load(&pps->threads[i].count);
		send_ns += atomic_load(&pps->threads[i].bytes);
	}
	sample->received = received(pps) - base;
	if (sample->sent)
		sample->send_cpu = (double)send_ns / sample->sent;
	if (pps->sock >= 0 && sample->received)
		sample->receive_cpu = (double)atomic_load(&pps->reader.bytes) / sample->received;
}

static int pps_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		       struct err *err)
{
	struct pps *pps = run->own;
	struct cpu_time busy;
	uint64_t base = pps->sock >= 0 ? 0 : received(pps), got, arrived, at, took;
	int ret = start(pps, err), error;

	if (!ret) /* until the queues are as full as they stay */
		ret = bench_sleep(&run->link, time_ns / 10, err);
	busy = cpu_time_read(&run->link);
	got = received(pps);
	at = clock_monotonic_ns();
	if (!ret)
		ret = bench_sleep(&run->link, time_ns, err);
	/* A thread that the machine has not let run yet: see bulk.c. */
	if (!ret)
		ret = bench_wait_until(&run->link, arrived_since, &(struct pps_since){pps, got},
				       err);
	arrived = received(pps) - got;
	took = clock_monotonic_ns() - at;
	cpu_time_since(&run->link, &busy, arrived, sample);
	error = stop(pps);
	if (!ret && error)
		ret = no_live_frames(run, error, err);
	if (ret)
		return ret;
	if (!arrived)
		return err_set(err, ERR_FAILED, ETIMEDOUT, "%s to %s: no frame arrived in %.3g s",
			       run->link.from.name, run->link.to.name, took / 1e9);
	sample->value = arrived * 1e9 / took;
	sum_up(pps, base, sample);
	return 0;
}

const struct bench_ops bench_pps_ops = {pps_open, pps_measure, pps_close};
