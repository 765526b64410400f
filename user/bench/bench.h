/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.h - how fast a veth link is: labs of the bench's own, packet sources and sinks for them,
 * one measurement at a time. Who measures what, how often and in which order is the caller's.
 */
#ifndef VETHLAB_USER_BENCH_H
#define VETHLAB_USER_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/base/histogram.h"
#include "user/lab/lab.h"

/* ---- what watches the link ------------------------------------------------------------------- */

enum bench_hooks {
	BENCH_HOOKS_NONE,
	BENCH_HOOKS_TCX, /* in and out, at both ends */
	BENCH_HOOKS_CLSACT,
	BENCH_HOOKS_GENERIC, /* XDP alone */
	BENCH_HOOKS_NATIVE,
	BENCH_HOOKS_UP, /* as `up` does by default: tc in and out */
	BENCH_HOOKS_COUNT,
};
const char *bench_hooks_word(enum bench_hooks hooks); /* "xdp-native" */
bool bench_hooks_parse(const char *word, enum bench_hooks *hooks);

/* ---- a link to measure ----------------------------------------------------------------------- */

/* One side of the way that is measured: a node and the end through which it is reached. */
struct bench_side {
	int netns_fd;
	char name[END_NAME_SIZE];
	uint32_t number; /* of the end, in its lab */
	uint32_t ifindex, mtu;
	uint8_t mac[6];
	struct ip_addr addr; /* IPv4 or IPv6 */
	int cpu;	     /* its threads run there; -1: where the kernel likes */
};

struct bench_link {
	struct bench_side from, to;
	struct running *run; /* borrowed */
	bool own;	     /* of a lab of the bench's own: may be changed at will */
	bool watched;	     /* programs at `in` and `out` of both ends */
	const volatile int *interrupted;
};

/*
 * Which way a link of a running lab is measured: from one end to its peer. Errors (ERR_FAILED): it
 * is down, an end has no address. The descriptors are closed by bench_link_close().
 */
int bench_link_open(struct bench_link *link, struct running *run, const struct end *from,
		    struct err *err);
void bench_link_close(struct bench_link *link);

/* How the link of a lab of the bench's own is set; or-ed. 0: as the kernel makes a veth link. */
enum bench_set {
	BENCH_SET_GRO = 1,	/* at both ends, and with it NAPI, which live frames need */
	BENCH_SET_THREADED = 2, /* NAPI in kernel threads; nothing where there is no NAPI */
	BENCH_SET_NO_TSO = 4,	/* at both ends */
};
enum { BENCH_SETS = 8, BENCH_SET_SIZE = 24 };
/* "gro,threaded"; "" for 0. */
const char *bench_set_words(unsigned set, char buf[BENCH_SET_SIZE]);
bool bench_set_parse(const char *word, unsigned *set); /* ors it in */

/* How the bench's own lab shall be. */
struct bench_variant {
	enum bench_hooks hooks;
	unsigned queues; /* 0: the kernel's default */
	unsigned set;	 /* enum bench_set */
};

/*
 * Removes the labs of this process if it is killed: kill -9 leaves none. Begin it before the first
 * lab and before any thread; end it when all labs are down. Only who kills the guard as well leaves
 * labs to `gc`.
 */
struct bench_guard {
	int pid, fd; /* pid 0: there is none */
};
int bench_guard_begin(struct bench_guard *guard, struct err *err);
void bench_guard_end(struct bench_guard *guard);

struct bench_lab; /* two nodes, a link between them; held by this process (lab_options.hold) */

/* number: among the labs of this process, from 0 to 99. */
int bench_lab_up(struct bench_lab **lab, const struct bench_variant *variant, unsigned number,
		 const volatile int *interrupted, struct err *err);
/* NULL is allowed. Waits until the lab is gone. */
int bench_lab_down(struct bench_lab *lab, struct err *err);
struct bench_link *bench_lab_link(struct bench_lab *lab);

/* ---- measurements ---------------------------------------------------------------------------- */

enum bench_what {
	BENCH_PPS_DROP, /* live frames into XDP that drops */
	BENCH_PPS_PASS, /* into XDP that passes them; IP drops them, as they are for another MAC */
	BENCH_PPS_TC,	/* into tc ingress that drops */
	BENCH_PPS_SOCKET, /* into a UDP socket that is read */
	BENCH_SEND, /* UDP by one thread into a socket that counts and drops: the cost of the way */
	BENCH_TCP,
	BENCH_UDP,
	BENCH_TCP_RR, /* one byte forth and back, again and again */
	BENCH_UDP_RR,
	BENCH_RTT,	 /* ICMP echo, one a millisecond */
	BENCH_RTT_FLOOD, /* the next as soon as the last is answered */
	BENCH_WHATS,
};

struct bench_work {
	enum bench_what what;
	unsigned size;	  /* bytes of a frame with its Ethernet header; TCP: ignored */
	unsigned threads; /* that generate live frames; at least 1 */
};

/* How many threads generate live frames; one less where one reads a socket, and needs a CPU. 0:
 * none. */
unsigned bench_pps_threads(const struct bench_work *work);

const char *bench_what_word(enum bench_what what); /* "xdp-drop" */
const char *bench_what_unit(enum bench_what what); /* "pps", "bit/s", "/s", "ns" */
bool bench_what_is_time(enum bench_what what);	   /* less is better */

/* Of round trips; what the words say of all times: 0.5, 0.9, 0.99, 0.999, 1. */
extern const double bench_parts[];
enum bench_percentile { BENCH_P50, BENCH_P90, BENCH_P99, BENCH_P999, BENCH_MAX, BENCH_PERCENTILES };

/* What one measurement found. */
struct bench_sample {
	double value;		      /* in the unit of the work; of times the median */
	uint64_t sent, received;      /* packets or round trips; 0, 0: not counted (TCP) */
	double send_cpu, receive_cpu; /* CPU ns of each side's threads per packet (TCP: per KiB);
					 negative: not known */
	/*
	 * How long the CPU of a side was busy with whatever it was, in ns, while units packets
	 * (TCP: KiB) arrived; negative: not known, as threads are not pinned. receive_busy: nor if
	 * both are on one.
	 */
	double units, send_busy, receive_busy;
	double span; /* ns that this was measured for */
	/* Where round trips are added to, by the sender's clock and by the kernel; NULL: nowhere.
	 */
	struct histogram *trips;
	struct vl_times *kept;
};

struct bench_run;

/* Errors: ERR_PRIVILEGE for a kernel without live frames, ERR_FAILED for a link that cannot. */
int bench_open(struct bench_run **run, const struct bench_link *link, const struct bench_work *work,
	       struct err *err);
/*
 * Measure for so long. sample->trips and kept are the caller's, the rest is filled. -EINTR with err
 * set when link->interrupted.
 */
int bench_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		  struct err *err);
/* NULL is allowed. Takes away what bench_open() attached. */
void bench_close(struct bench_run *run);

/* Where the time of an echo goes: medians of what the hooks stamped, in ns. */
struct bench_way {
	size_t echoes;		       /* complete ones */
	double there, residence, back; /* from out to in, in the other node, from out to in */
	double stack;		       /* the sender's: what is left of the round trip */
};
/* what: BENCH_RTT or BENCH_RTT_FLOOD. The link must be watched. */
int bench_way(const struct bench_link *link, enum bench_what what, size_t echoes,
	      struct bench_way *way, struct err *err);

/* ---- programs ----------------------------------------------------------------------------------
 */

/*
 * What one run of a program that watches takes, as the kernel's statistics say. A lab that vethlab
 * did not build has a program of its own at each hook of each end, a door (user/watch/end_stub.c),
 * and a run of it is one of the lab's program, too.
 */
struct bench_program {
	char name[24]; /* "vl_out"; "vl_door in" */
	uint64_t runs;
	double ns; /* of one; taking the time is part of it */
};
enum { BENCH_PROGRAMS_MAX = 8 };
/*
 * Send small datagrams over the link for so long, with BPF statistics on: of the whole machine,
 * which costs every eBPF program some time meanwhile. *n 0: nothing watches this link. -EPERM, or
 * -EINVAL before 5.8: no statistics (err stays clear).
 */
int bench_programs(const struct bench_link *link, uint64_t time_ns,
		   struct bench_program list[BENCH_PROGRAMS_MAX], size_t *n, struct err *err);

/* ---- the machine ----------------------------------------------------------------------------- */

struct bench_machine {
	char kernel[160], cpu[96];
	unsigned cpus;		/* online */
	char governor[64];	/* of all CPUs, each once; "none": the kernel has no cpufreq here */
	char mitigations[1024]; /* what /sys says beyond "Not affected", separated by "; " */
	bool virtual;		/* a hypervisor is below */
};
void bench_machine(struct bench_machine *machine);
/* The first CPUs that this process may run on; to may be from if there is one only. */
void bench_choose_cpus(int *from, int *to);
/* Whether two CPUs are threads of one core; of the same CPU too. */
bool bench_share_core(int a, int b);

#endif
