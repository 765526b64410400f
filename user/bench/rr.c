// SPDX-License-Identifier: GPL-2.0-only
/* rr.c - requests and responses of one byte, by TCP or UDP, one at a time. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/clock.h"
#include "user/bench/internal.h"

enum { TRIPS_MAX = 1 << 20 }; /* a measurement: some 10 s */

struct rr {
	const struct bench_run *run;
	struct bench_thread client, server;
	int client_fd, server_fd, listen_fd; /* -1: none */
	double *trips;			     /* ns */
	uint64_t sent;
	uint64_t took_ns; /* of all trips */
};

static bool is_tcp(const struct rr *rr)
{
	return rr->run->work.what == BENCH_TCP_RR;
}

static bool stopped(const struct bench_thread *self)
{
	return atomic_load_explicit(&self->stop, memory_order_relaxed);
}

static bool may_go_on(struct bench_thread *self)
{
	if (errno == EAGAIN || errno == EINTR)
		return true;
	if (!stopped(self))
		self->error = errno;
	return false;
}

static void serve(struct bench_thread *self)
{
	struct rr *rr = self->arg;
	struct sockaddr_storage from;
	char byte[16];

	while (!stopped(self)) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(rr->server_fd, byte, sizeof(byte), 0, (struct sockaddr *)&from,
				     &len);

		if (n < 0 && !may_go_on(self))
			return;
		if (!n && is_tcp(rr))
			return;
		if (n < 0)
			continue;
		if (is_tcp(rr)
			    ? send(rr->server_fd, byte, n, MSG_NOSIGNAL) != n
			    : sendto(rr->server_fd, byte, n, 0, (struct sockaddr *)&from, len) != n)
			if (!may_go_on(self))
				return;
	}
}

/* A response that does not come within the socket's wait is lost; TCP waits on. */
static void ask(struct bench_thread *self)
{
	struct rr *rr = self->arg;
	uint64_t before, started = clock_monotonic_ns(), trips = 0;
	char byte = 1;

	before = started;
	while (!stopped(self) && trips < TRIPS_MAX) {
		uint64_t now;
		ssize_t n;

		if (send(rr->client_fd, &byte, 1, MSG_NOSIGNAL) != 1) {
			if (!may_go_on(self))
				return;
			continue;
		}
		rr->sent++;
		do
			n = recv(rr->client_fd, &byte, 1, 0);
		while (n < 0 && errno == EAGAIN && is_tcp(rr) && !stopped(self));
		now = clock_monotonic_ns();
		if (n == 1) {
			rr->trips[trips++] = now - before;
			atomic_store_explicit(&self->count, trips, memory_order_relaxed);
		} else if (!n || !may_go_on(self))
			break;
		before = now;
	}
	rr->took_ns = before - started;
	atomic_store(&self->count, trips);
}

static int rr_open(struct bench_run *run, struct err *err)
{
	struct rr *rr = aligned_alloc(_Alignof(struct rr), sizeof(*rr));

	if (!rr)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	memset(rr, 0, sizeof(*rr));
	run->own = rr;
	rr->run = run;
	rr->client_fd = rr->server_fd = rr->listen_fd = -1;
	rr->trips = malloc(TRIPS_MAX * sizeof(*rr->trips));
	return rr->trips ? 0 : err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

static void close_sockets(struct rr *rr)
{
	bench_socket_close(&rr->client_fd);
	bench_socket_close(&rr->server_fd);
	bench_socket_close(&rr->listen_fd);
}

static void rr_close(struct bench_run *run)
{
	struct rr *rr = run->own;

	close_sockets(rr);
	free(rr->trips);
	free(rr);
}

static int open_sockets(struct rr *rr, struct err *err)
{
	const struct bench_link *link = &rr->run->link;
	int type = is_tcp(rr) ? SOCK_STREAM : SOCK_DGRAM, one = 1;
	struct bench_socket server = {type, &link->to, NULL, 0, 0, is_tcp(rr)};
	struct bench_socket client = {type, &link->from, &link->to, 0, 0, 0};
	int fd = bench_socket(&server, err);

	if (fd < 0)
		return fd;
	*(is_tcp(rr) ? &rr->listen_fd : &rr->server_fd) = fd;
	client.connect_port = bench_socket_port(fd);
	rr->client_fd = bench_socket(&client, err);
	if (rr->client_fd < 0)
		return rr->client_fd;
	if (!is_tcp(rr))
		return 0;
	rr->server_fd = accept4(rr->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (rr->server_fd < 0)
		return err_set(err, ERR_SYSTEM, errno,
			       "%s: cannot accept a connection (kernel: %s)", link->to.name,
			       strerror(errno));
	setsockopt(rr->client_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(rr->server_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

/* The caller joins the threads and closes the sockets. */
static int let_run(struct rr *rr, uint64_t time_ns, struct err *err)
{
	int ret = open_sockets(rr, err);

	if (ret)
		return ret;
	ret = bench_thread_start(&rr->server, err);
	if (ret)
		return ret;
	return bench_thread_run(&rr->client, &rr->run->link, time_ns, err);
}

static int trip(struct rr *rr, uint64_t time_ns, struct err *err)
{
	const struct bench_link *link = &rr->run->link;
	int ret, error;

	rr->sent = rr->took_ns = 0;
	rr->server = (struct bench_thread){
		.work = serve, .arg = rr, .cpu = link->to.cpu, .netns_fd = -1};
	rr->client = (struct bench_thread){
		.work = ask, .arg = rr, .cpu = link->from.cpu, .netns_fd = -1};
	ret = let_run(rr, time_ns, err);
	bench_thread_join(&rr->client);
	if (rr->client_fd >= 0)
		shutdown(rr->client_fd, SHUT_RDWR); /* the server of TCP need not wait */
	bench_thread_join(&rr->server);
	close_sockets(rr);
	error = rr->client.error ? rr->client.error : rr->server.error;
	if (!ret && error)
		ret = err_set(err, ERR_SYSTEM, error, "%s to %s: no more responses (kernel: %s)",
			      link->from.name, link->to.name, strerror(error));
	return ret;
}

static int rr_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		      struct err *err)
{
	struct rr *rr = run->own;
	struct cpu_time before = cpu_time_read(&run->link);
	int ret = trip(rr, time_ns, err);
	size_t n = atomic_load(&rr->client.count);

	if (ret)
		return ret;
	if (!n || !rr->took_ns)
		return err_set(err, ERR_FAILED, ETIMEDOUT, "%s to %s: no response came",
			       run->link.from.name, run->link.to.name);
	sample->value = n * 1e9 / rr->took_ns;
	sample->sent = rr->sent;
	sample->received = n;
	cpu_time_since(&run->link, &before, n, sample);
	bench_add_trips(sample, rr->trips, n);
	return 0;
}

const struct bench_ops bench_rr_ops = {rr_open, rr_measure, rr_close};
