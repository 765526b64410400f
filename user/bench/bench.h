/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.h - how fast a veth link is, what it costs to watch it, and how long labs take to build.
 * Labs of the bench's own, packet sources and sinks for them, measurements repeated in turns.
 *
 * Times are in ns, sizes in bytes, addresses in network byte order. Functions return 0 or -errno
 * with err set, unless they say otherwise. Nothing here prints.
 */
#ifndef VETHLAB_USER_BENCH_H
#define VETHLAB_USER_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/shapes.h"
#include "user/base/err.h"
#include "user/base/histogram.h"
#include "user/base/statistics.h"
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
extern const double bench_percentiles[];
enum bench_percentile { BENCH_P50, BENCH_P90, BENCH_P99, BENCH_P999, BENCH_MAX, BENCH_PERCENTILES };

/* Where the time of an echo goes: medians of what the hooks stamped, in ns. */
struct echo_steps {
	size_t echoes;		       /* complete ones */
	double there, residence, back; /* from out to in, in the other node, from out to in */
	double stack;		       /* the sender's: what is left of the round trip */
};

/* ---- programs -------------------------------------------------------------------------------- */

/*
 * What one run of a program that watches takes, as the kernel's statistics say. A lab that vethlab
 * did not build has a program of its own at each hook of each end, a stub (user/watch/end_stub.c),
 * and a run of it is one of the lab's program, too.
 */
struct program_cost {
	char name[24]; /* "vl_out"; "vl_door in" */
	uint64_t runs;
	double ns; /* of one; taking the time is part of it */
};
enum { PROGRAM_COSTS_MAX = 8 };

/* ---- series ---------------------------------------------------------------------------------- */

struct bench_sample;

/* One kind of measurement on one link. */
struct series {
	struct bench_work work;
	enum bench_hooks hooks;
	unsigned set;			/* enum bench_set: how the link is set */
	const struct bench_link *link;	/* borrowed */
	const struct series *base;	/* what it is compared with; NULL: nothing */
	double *values;			/* rounds of them, in the unit of the work */
	size_t n;			/* measured so far */
	uint64_t sent, received;	/* of all rounds */
	double send_cpu, receive_cpu;	/* median over rounds; negative: not known */
	double send_busy, receive_busy; /* CPU ns a packet, over all rounds; negative: not known */
	double rate;		 /* packets (TCP: KiB) a second that this is of; 0: not known */
	struct histogram *trips; /* of all rounds; n 0: these are no round trips */
	struct vl_times *kernel_trips;	/* those that the kernel kept; count 0: it keeps none */
	struct echo_steps steps;	/* echoes 0: not looked for */
	struct statistics stats, ratio; /* ratio.n 0: there is none */
	struct bench_sample *samples;	/* rounds of them */
};

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

/* ---- what is asked for, and what it makes ---------------------------------------------------- */

enum bench_topic { TOPIC_RTT = 1, TOPIC_PPS = 2, TOPIC_TCP = 4, TOPIC_UDP = 8, TOPIC_RR = 16 };
enum { BENCH_SIZES_MAX = 8, BENCH_RUNS_MAX = 1000 };

struct bench_options {
	unsigned topics; /* enum bench_topic; 0: all that the link can */
	enum bench_hooks hooks[BENCH_HOOKS_COUNT];
	size_t n_hooks;
	unsigned sizes[BENCH_SIZES_MAX]; /* bytes of a frame */
	size_t n_sizes;
	bool usual_sizes; /* nobody asked for these: they may be made to fit */
	unsigned runs, threads;
	double time_s;	 /* of one measurement */
	bool matrix;	 /* each way to watch and to set a link, instead of topics */
	bool pinned;	 /* threads run on cpus */
	unsigned set;	 /* enum bench_set, of the labs of its own */
	int cpus[2];	 /* of the sender and of the receiver; -1: not said */
	const char *lab; /* borrowed; NULL: not said */
	int argc;	 /* LINK or FROM TO; 0: labs of the bench's own */
	char **argv;	 /* borrowed */
};

/* What the programs of one link take. */
struct program_costs {
	enum bench_hooks hooks;
	size_t n;
	struct program_cost list[PROGRAM_COSTS_MAX];
};

enum { BENCH_LABS_MAX = BENCH_SETS * BENCH_HOOKS_COUNT, BENCH_SERIES_MAX = 256 };

/* Everything that one call makes: labs, and what is measured in them. Made by
 * bench_suite_new(). */
struct bench_suite {
	struct bench_options options;
	struct bench_lab *labs[BENCH_LABS_MAX];
	size_t n_labs;
	struct running *run;	/* of a link that the user named */
	struct bench_link link; /* and that link */
	struct series list[BENCH_SERIES_MAX];
	size_t n;
	struct program_costs programs[BENCH_HOOKS_COUNT];
	size_t n_programs;
	bool no_statistics; /* the kernel keeps none, or not for us */
};

/* NULL: out of memory. bench_suite_free() frees it, once its labs are removed; NULL is allowed. */
struct bench_suite *bench_suite_new(void);
void bench_suite_free(struct bench_suite *bench);

/*
 * Make the links and the list of series, as bench->options say. bench_remove_labs() is due whatever
 * this returns. Begin a bench_guard before.
 */
int bench_plan(struct bench_suite *bench, struct err *err);
/*
 * Measure what is planned, in turns. What cannot be measured is found before anything is. tell
 * (NULL is allowed) is called before each measurement. -EINTR with err set when it was interrupted.
 */
int bench_measure_planned(struct bench_suite *bench,
			  void (*tell)(const struct series *now, size_t done, size_t of, void *arg),
			  void *arg, struct err *err);
/* Remove all labs, after a failure too. Returns the first failure, err tells of that. */
int bench_remove_labs(struct bench_suite *bench, struct err *err);

/* ---- building labs --------------------------------------------------------------------------- */

/* One way of building a lab, and what it took, run by run. */
struct bench_build_case {
	const char *by, *word; /* "vethlab", "ip -batch"; what watches: "none", "default" */
	unsigned hooks;	       /* as lab_options.hooks */
	bool ip;	       /* built by `ip -batch` */
	double up[BENCH_RUNS_MAX], down[BENCH_RUNS_MAX]; /* ns */
	struct statistics up_stats, down_stats;
	/* Ratios to the time of `ip -batch`, of pairs of runs; n 0: there is none. */
	struct statistics up_ratio, down_ratio;
};

enum { BENCH_BUILD_CASES = 3 };
struct bench_build {
	const struct shape_options *shape; /* borrowed */
	unsigned runs;			   /* 1 to BENCH_RUNS_MAX */
	/* What bench_build_measure() found. */
	struct bench_machine machine;
	size_t nodes, links;
	struct bench_build_case cases[BENCH_BUILD_CASES];
	int n_cases; /* the last is that of ip -batch, if there is an ip */
};
/*
 * Build and remove a lab of build->shape, build->runs times in each way, in turns. -EINTR with err
 * set when it was interrupted. Begin a bench_guard before.
 */
int bench_build_measure(struct bench_build *build, struct err *err);

#endif
