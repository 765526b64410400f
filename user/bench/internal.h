/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h - what the files of the bench room share. */
#ifndef VETHLAB_USER_BENCH_INTERNAL_H
#define VETHLAB_USER_BENCH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "user/bench/bench.h"

enum { BENCH_PORT = 9 /* discard */, BENCH_HEADERS = 14 + 20 + 8, BENCH_HEADERS_V6 = 14 + 40 + 8 };

/* The payload of a UDP datagram whose frame has so many bytes. */
static inline unsigned bench_payload(const struct bench_link *link, unsigned frame)
{
	unsigned headers = link->to.addr.family == AF_INET6 ? BENCH_HEADERS_V6 : BENCH_HEADERS;

	return frame > headers ? frame - headers : 0;
}

struct bench_run {
	struct bench_link link; /* a copy */
	struct bench_work work;
	const struct bench_ops *ops;
	void *own; /* of the ops; NULL: nothing was opened */
};

/* A kind of measurement. open may leave run->own set when it fails: close is called then, too. */
struct bench_ops {
	int (*open)(struct bench_run *run, struct err *err);
	int (*measure)(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		       struct err *err);
	void (*close)(struct bench_run *run);
};

extern const struct bench_ops bench_pps_ops, bench_bulk_ops, bench_rr_ops, bench_rtt_ops;

/* NAPI of both sides in kernel threads, where there is NAPI (napi_threads.c). */
int bench_thread_napi(const struct bench_link *link, struct err *err);

/* ---- threads --------------------------------------------------------------------------------- */

/* A thread that works until *stop; on a cache line of its own, since it counts all the time. */
struct bench_thread {
	pthread_t thread;
	void (*work)(struct bench_thread *self);
	void *arg;
	int cpu;      /* -1: any */
	int netns_fd; /* enters it; -1: stays */
	bool started;
	atomic_bool stop;
	int error; /* positive errno of what ended it early; 0: none */
	_Alignas(64) atomic_ullong count, bytes;
};

/* Signals stay with the main thread. */
int bench_thread_start(struct bench_thread *thread, struct err *err);
void bench_thread_join(struct bench_thread *thread);
uint64_t bench_thread_cpu_ns(const struct bench_thread *thread);

/* Add times to sample->trips, if that is there. */
void bench_add_trips(struct bench_sample *sample, const double *times, size_t n);
/* Sleep; returns -EINTR with err set as soon as the link is interrupted. */
int bench_sleep(const struct bench_link *link, uint64_t ns, struct err *err);
/*
 * Sleep until something has happened, BENCH_PATIENCE_NS at most: a busy machine may not have let a
 * thread run yet. 0, too, if it has not; errors as bench_sleep().
 */
#define BENCH_PATIENCE_NS 2000000000ull
int bench_await(const struct bench_link *link, bool (*happened)(const void *arg), const void *arg,
		struct err *err);
bool bench_thread_counted(const void *thread); /* a struct bench_thread: count is not 0 */
int bench_interrupted(struct err *err);

/* ---- CPUs ------------------------------------------------------------------------------------ */

struct bench_busy {
	bool known; /* the threads are pinned, and the kernel tells */
	uint64_t at;
	unsigned long long idle[2]; /* ticks, of the sender's CPU and of the receiver's */
};
struct bench_busy bench_busy(const struct bench_link *link);
/* Into the sample, for so many packets that arrived meanwhile. */
void bench_busy_since(const struct bench_link *link, const struct bench_busy *before, double units,
		      struct bench_sample *sample);

/* ---- the kernel's histogram of round trips ------------------------------------------------------
 */

struct bench_kept;
/* *kept stays NULL where nothing keeps one: the link is not watched. All others take NULL. */
int bench_kept_open(struct bench_kept **kept, const struct bench_link *link, struct err *err);
void bench_kept_close(struct bench_kept *kept);
void bench_kept_begin(struct bench_kept *kept);
/* Add what came since bench_kept_begin(); sum may be NULL. */
void bench_kept_add(struct bench_kept *kept, struct vl_times *sum);

/* ---- eBPF ------------------------------------------------------------------------------------ */

enum bench_prog {
	BENCH_PROG_GENERATE,
	BENCH_PROG_DROP,
	BENCH_PROG_PASS,
	BENCH_PROG_TC,
	BENCH_PROG_SINK,
	BENCH_PROGS
};
enum bench_counter { BENCH_RECEIVED };

struct bench_bpf; /* the loaded programs of bpf/bench.bpf.c */
int bench_bpf_load(struct bench_bpf **bpf, uint32_t out_ifindex, struct err *err);
void bench_bpf_free(struct bench_bpf *bpf); /* NULL is allowed; what is attached goes */
int bench_bpf_fd(const struct bench_bpf *bpf, enum bench_prog prog);
/* Sum over all CPUs. */
uint64_t bench_bpf_count(const struct bench_bpf *bpf, enum bench_counter counter);
/* Attach XDP (native) or tc ingress to a side, until bench_bpf_free(). */
int bench_bpf_attach(struct bench_bpf *bpf, enum bench_prog prog, const struct bench_side *side,
		     struct err *err);

/* ---- sockets --------------------------------------------------------------------------------- */

/*
 * A socket in a side's namespace, bound to its address where port is not -1 (0: any port),
 * connected to peer's where connect_port is not 0. Waits of it end after 50 ms. A descriptor, or
 * -errno.
 */
struct bench_socket {
	int type; /* SOCK_STREAM, SOCK_DGRAM */
	const struct bench_side *side, *peer;
	int port, connect_port;
	int backlog; /* of a listening socket; 0: it does not listen */
};
int bench_socket(const struct bench_socket *socket, struct err *err);
int bench_socket_port(int fd); /* in host order */

#endif
