/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h - what the files of the bench room share. */
#ifndef VETHLAB_USER_BENCH_INTERNAL_H
#define VETHLAB_USER_BENCH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "user/bench/bench.h"
#include "user/bench/kinds.h"

/* ---- links and labs -------------------------------------------------------------------------- */

/*
 * Which way a link of a running lab is measured: from one end to its peer. Errors (ERR_FAILED): it
 * is down, an end has no address. The descriptors are closed by bench_link_close().
 */
int bench_link_open(struct bench_link *link, struct running *run, const struct end *from,
		    struct err *err);
void bench_link_close(struct bench_link *link);

/* How the bench's own lab shall be. */
struct bench_variant {
	enum bench_hooks hooks;
	unsigned queues; /* 0: the kernel's default */
	unsigned set;	 /* enum bench_set */
};

/* Two nodes and a link between them, held by this process (lab_options.hold). */
struct bench_lab;

/* number: among the labs of this process, from 0 to 99. */
int bench_lab_up(struct bench_lab **lab, const struct bench_variant *variant, unsigned number,
		 const volatile int *interrupted, struct err *err);
/* NULL is allowed. Waits until the lab is gone. */
int bench_lab_down(struct bench_lab *lab, struct err *err);
struct bench_link *bench_lab_link(struct bench_lab *lab);

/* ---- measurements ---------------------------------------------------------------------------- */

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
int napi_threads_on(const struct bench_link *link, struct err *err);

/* ---- echoes and programs --------------------------------------------------------------------- */

/* what: BENCH_RTT or BENCH_RTT_FLOOD. The link must be watched. */
int echo_steps_measure(const struct bench_link *link, enum bench_what what, size_t echoes,
		       struct echo_steps *steps, struct err *err);

/*
 * Send small datagrams over the link for so long, with BPF statistics on: of the whole machine,
 * which costs every eBPF program some time meanwhile. *n 0: nothing watches this link. -EPERM, or
 * -EINVAL before 5.8: no statistics (err stays clear).
 */
int program_cost_measure(const struct bench_link *link, uint64_t time_ns,
			 struct program_cost list[PROGRAM_COSTS_MAX], size_t *n, struct err *err);

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
 * Sleep until something has happened, BENCH_WAIT_MAX_NS at most: a busy machine may not have let a
 * thread run yet. 0, too, if it has not; errors as bench_sleep().
 */
#define BENCH_WAIT_MAX_NS 2000000000ull
int bench_wait_until(const struct bench_link *link, bool (*happened)(const void *arg),
		     const void *arg, struct err *err);
bool bench_thread_counted(const void *thread); /* a struct bench_thread: count is not 0 */
/*
 * Start a thread, sleep, and then wait until it has counted something, as bench_wait_until(). The
 * caller joins the thread, after a failure too.
 */
int bench_thread_run(struct bench_thread *thread, const struct bench_link *link, uint64_t ns,
		     struct err *err);
int bench_interrupted(struct err *err);

/* ---- CPUs ------------------------------------------------------------------------------------ */

struct cpu_time {
	bool known; /* the threads are pinned, and the kernel tells */
	uint64_t at;
	unsigned long long idle[2]; /* ticks, of the sender's CPU and of the receiver's */
};
struct cpu_time cpu_time_read(const struct bench_link *link);
/* Into the sample, for so many packets that arrived meanwhile. */
void cpu_time_since(const struct bench_link *link, const struct cpu_time *before, double units,
		    struct bench_sample *sample);

/* ---- the kernel's histogram of round trips --------------------------------------------------- */

struct kernel_histogram;
/* *histogram stays NULL where nothing keeps one: the link is not watched. All others take NULL. */
int kernel_histogram_open(struct kernel_histogram **histogram, const struct bench_link *link,
			  struct err *err);
void kernel_histogram_close(struct kernel_histogram *histogram);
void kernel_histogram_begin(struct kernel_histogram *histogram);
/* Add what came since kernel_histogram_begin(); sum may be NULL. */
void kernel_histogram_add(struct kernel_histogram *histogram, struct vl_times *sum);

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

struct bench_programs; /* the loaded programs of bpf/bench.bpf.c */
int bench_programs_load(struct bench_programs **programs, uint32_t out_ifindex, struct err *err);
void bench_programs_free(
	struct bench_programs *programs); /* NULL is allowed; what is attached goes */
int bench_programs_fd(const struct bench_programs *programs, enum bench_prog prog);
/* Sum over all CPUs. */
uint64_t bench_programs_count(const struct bench_programs *programs, enum bench_counter counter);
/* Attach XDP (native) or tc ingress to a side, until bench_programs_free(). */
int bench_programs_attach(struct bench_programs *programs, enum bench_prog prog,
			  const struct bench_side *side, struct err *err);

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
void bench_socket_close(int *fd); /* which is -1 afterwards; -1 is allowed */
int bench_socket_port(int fd);	  /* in host order */

/* ---- ip -batch (run_ip.c) -------------------------------------------------------------------- */

/*
 * Build a lab by `ip -batch` and remove it again: the times in ns. It has no programs and does not
 * forward. -EINTR with err set when it was interrupted.
 */
int bench_ip(const struct lab *lab, double *up_ns, double *down_ns, struct err *err);
bool bench_has_ip(void); /* whether PATH has one */

#endif
