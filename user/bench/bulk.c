// SPDX-License-Identifier: GPL-2.0-only
/* bulk.c - as much as goes through: TCP, UDP, and UDP by one thread into a socket that keeps
 * nothing. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/bench/internal.h"

enum {
	BLOCK = 128 << 10, /* bytes a write and a read of TCP: as iperf3 does */
	BATCH = 32,	   /* datagrams a system call */
	DATAGRAM_MAX = 65536,
	PAGE = 4096, /* where buffers begin: some CPUs copy other ones slowly */
	OUT_SIZE = BLOCK > DATAGRAM_MAX ? BLOCK : DATAGRAM_MAX,
};

struct bulk {
	const struct bench_run *run;
	struct bench_programs *programs; /* of BENCH_SEND, else NULL */
	struct bench_thread sender, receiver;
	int send_fd, receive_fd, listen_fd; /* -1: none */
	uint8_t *out, *in;
};

static bool is_tcp(const struct bulk *bulk)
{
	return bulk->run->work.what == BENCH_TCP;
}

/* Add n to a counter that only this thread writes. */
static void add(atomic_ullong *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static bool may_go_on(struct bench_thread *self)
{
	/* The waits of the sockets end after a while; ICMP errors of UDP tell of nobody there. */
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ECONNREFUSED)
		return true;
	if (!atomic_load(&self->stop))
		self->error = errno;
	return false;
}

static bool stopped(const struct bench_thread *self)
{
	return atomic_load_explicit(&self->stop, memory_order_relaxed);
}

static void tcp_send(struct bench_thread *self)
{
	struct bulk *bulk = self->arg;

	while (!stopped(self)) {
		ssize_t n = send(bulk->send_fd, bulk->out, BLOCK, MSG_NOSIGNAL);

		if (n < 0 && !may_go_on(self))
			return;
		if (n > 0)
			add(&self->bytes, n);
	}
}

static void tcp_receive(struct bench_thread *self)
{
	struct bulk *bulk = self->arg;

	while (!stopped(self)) {
		ssize_t n = recv(bulk->receive_fd, bulk->in, BLOCK, 0);

		if (!n || (n < 0 && !may_go_on(self)))
			return;
		if (n > 0)
			add(&self->bytes, n);
	}
}

static void prepare(struct mmsghdr *msgs, struct iovec *iovs, uint8_t *buffer, size_t size,
		    size_t step)
{
	memset(msgs, 0, BATCH * sizeof(*msgs));
	for (int i = 0; i < BATCH; i++) {
		iovs[i] = (struct iovec){buffer + i * step, size};
		msgs[i].msg_hdr.msg_iov = &iovs[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
}

static void udp_send(struct bench_thread *self)
{
	struct bulk *bulk = self->arg;
	struct mmsghdr msgs[BATCH];
	struct iovec iovs[BATCH];

	prepare(msgs, iovs, bulk->out, bench_payload(&bulk->run->link, bulk->run->work.size), 0);
	while (!stopped(self)) {
		int n = sendmmsg(bulk->send_fd, msgs, BATCH, 0);

		if (n < 0 && !may_go_on(self))
			return;
		if (n > 0)
			add(&self->count, n);
	}
}

static void udp_receive(struct bench_thread *self)
{
	struct bulk *bulk = self->arg;
	struct mmsghdr msgs[BATCH];
	struct iovec iovs[BATCH];
	size_t size = bench_payload(&bulk->run->link, bulk->run->work.size);

	prepare(msgs, iovs, bulk->in, size, size);
	while (!stopped(self)) {
		int n = recvmmsg(bulk->receive_fd, msgs, BATCH, MSG_WAITFORONE, NULL);

		if (n < 0 && !may_go_on(self))
			return;
		if (n > 0)
			add(&self->count, n);
	}
}

static int bulk_open(struct bench_run *run, struct err *err)
{
	struct bulk *bulk = aligned_alloc(_Alignof(struct bulk), sizeof(*bulk));

	if (!bulk)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	memset(bulk, 0, sizeof(*bulk));
	run->own = bulk;
	bulk->run = run;
	bulk->send_fd = bulk->receive_fd = bulk->listen_fd = -1;
	bulk->out = aligned_alloc(PAGE, OUT_SIZE);
	bulk->in = aligned_alloc(PAGE, BATCH * DATAGRAM_MAX);
	if (!bulk->out || !bulk->in)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	/* Untouched memory is one page of zeros again and again: copied faster than what people
	 * send. */
	for (unsigned i = 0; i < OUT_SIZE; i++)
		bulk->out[i] = i * 31 >> 3;
	return run->work.what == BENCH_SEND
		       ? bench_programs_load(&bulk->programs, run->link.from.ifindex, err)
		       : 0;
}

static void close_sockets(struct bulk *bulk)
{
	bench_socket_close(&bulk->send_fd);
	bench_socket_close(&bulk->receive_fd);
	bench_socket_close(&bulk->listen_fd);
}

static void bulk_close(struct bench_run *run)
{
	struct bulk *bulk = run->own;

	close_sockets(bulk);
	bench_programs_free(bulk->programs);
	free(bulk->out);
	free(bulk->in);
	free(bulk);
}

static int connect_to(struct bulk *bulk, int type, int port, struct err *err)
{
	const struct bench_link *link = &bulk->run->link;
	struct bench_socket wanted = {type, &link->from, &link->to, 0, port, 0};

	bulk->send_fd = bench_socket(&wanted, err);
	return bulk->send_fd < 0 ? bulk->send_fd : 0;
}

static int connect_tcp(struct bulk *bulk, struct err *err)
{
	const struct bench_link *link = &bulk->run->link;
	struct bench_socket wanted = {SOCK_STREAM, &link->to, NULL, 0, 0, 1};
	int ret;

	bulk->listen_fd = bench_socket(&wanted, err);
	if (bulk->listen_fd < 0)
		return bulk->listen_fd;
	ret = connect_to(bulk, SOCK_STREAM, bench_socket_port(bulk->listen_fd), err);
	if (ret)
		return ret;
	bulk->receive_fd = accept4(bulk->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (bulk->receive_fd < 0)
		return err_set(err, ERR_SYSTEM, errno,
			       "%s: cannot accept a connection (kernel: %s)", link->to.name,
			       strerror(errno));
	return 0;
}

static int connect_udp(struct bulk *bulk, struct err *err)
{
	struct bench_socket wanted = {SOCK_DGRAM, &bulk->run->link.to, NULL, 0, 0, 0};
	int prog, size = 4 << 20;

	bulk->receive_fd = bench_socket(&wanted, err);
	if (bulk->receive_fd < 0)
		return bulk->receive_fd;
	setsockopt(bulk->receive_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	prog = bulk->programs ? bench_programs_fd(bulk->programs, BENCH_PROG_SINK) : -1;
	if (prog >= 0 &&
	    setsockopt(bulk->receive_fd, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)))
		return err_set(err, ERR_SYSTEM, errno,
			       "%s: cannot attach a socket program (kernel: "
			       "%s)",
			       bulk->run->link.to.name, strerror(errno));
	return connect_to(bulk, SOCK_DGRAM, bench_socket_port(bulk->receive_fd), err);
}

static int start(struct bulk *bulk, struct err *err)
{
	const struct bench_link *link = &bulk->run->link;
	int ret = is_tcp(bulk) ? connect_tcp(bulk, err) : connect_udp(bulk, err);

	bulk->receiver = (struct bench_thread){.work = is_tcp(bulk) ? tcp_receive : udp_receive,
					       .arg = bulk,
					       .cpu = link->to.cpu,
					       .netns_fd = -1};
	bulk->sender = (struct bench_thread){.work = is_tcp(bulk) ? tcp_send : udp_send,
					     .arg = bulk,
					     .cpu = link->from.cpu,
					     .netns_fd = -1};
	if (!ret && !bulk->programs)
		ret = bench_thread_start(&bulk->receiver, err);
	return ret ? ret : bench_thread_start(&bulk->sender, err);
}

static uint64_t received(const struct bulk *bulk)
{
	if (bulk->programs)
		return bench_programs_count(bulk->programs, BENCH_RECEIVED);
	return is_tcp(bulk) ? atomic_load(&bulk->receiver.bytes)
			    : atomic_load(&bulk->receiver.count);
}

/* Since when something is to have arrived. */
struct bulk_since {
	const struct bulk *bulk;
	uint64_t received;
};

static bool arrived_since(const void *arg)
{
	const struct bulk_since *since = arg;

	return received(since->bulk) != since->received;
}

static int stop(struct bulk *bulk, struct err *err)
{
	int error;

	bench_thread_join(&bulk->sender);
	if (!is_tcp(bulk))
		usleep(bulk->programs ? 0 : 2000); /* what waits in the socket is read */
	bench_thread_join(&bulk->receiver);
	error = bulk->sender.error ? bulk->sender.error : bulk->receiver.error;
	if (!error)
		return 0;
	return err_set(err, ERR_SYSTEM, error, "%s to %s: the transfer ended early (kernel: %s)",
		       bulk->run->link.from.name, bulk->run->link.to.name, strerror(error));
}

/* What both sides had done at a time. */
struct moment {
	uint64_t at, received, send_cpu, receive_cpu;
};

static struct moment take(const struct bulk *bulk)
{
	return (struct moment){clock_monotonic_ns(), received(bulk),
			       bench_thread_cpu_ns(&bulk->sender),
			       bench_thread_cpu_ns(&bulk->receiver)};
}

static int bulk_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
			struct err *err)
{
	struct bulk *bulk = run->own;
	struct moment before = {0}, after = {0};
	struct cpu_time busy;
	uint64_t base = bulk->programs ? received(bulk) : 0;
	double units;
	int ret = start(bulk, err), ended;

	if (!ret) /* until TCP's window has opened */
		ret = bench_sleep(&run->link, time_ns / 5, err);
	busy = cpu_time_read(&run->link);
	before = take(bulk);
	if (!ret)
		ret = bench_sleep(&run->link, time_ns, err);
	/* A thread that the machine has not let run yet: nothing arrived says nothing about the
	 * link. */
	if (!ret)
		ret = bench_wait_until(&run->link, arrived_since,
				       &(struct bulk_since){bulk, before.received}, err);
	after = take(bulk);
	units = after.received - before.received;
	cpu_time_since(&run->link, &busy, is_tcp(bulk) ? units / 1024 : units, sample);
	ended = stop(bulk, ret ? NULL : err);
	close_sockets(bulk);
	if (ret || ended)
		return ret ? ret : ended;
	if (units <= 0) {
		err_set(err, ERR_FAILED, ETIMEDOUT, "%s to %s: nothing arrived in %.3g s",
			run->link.from.name, run->link.to.name, (after.at - before.at) / 1e9);
		err_hint(err, "`vethlab ping` tells whether anything does");
		return -ETIMEDOUT;
	}
	sample->value = units * (is_tcp(bulk) ? 8 : 1) * 1e9 / (after.at - before.at);
	if (!is_tcp(bulk)) {
		sample->sent = atomic_load(&bulk->sender.count);
		sample->received = received(bulk) - base;
	} else {
		units /= 1024;
	}
	sample->send_cpu = (after.send_cpu - before.send_cpu) / units;
	if (!bulk->programs)
		sample->receive_cpu = (after.receive_cpu - before.receive_cpu) / units;
	return 0;
}

const struct bench_ops bench_bulk_ops = {bulk_open, bulk_measure, bulk_close};
