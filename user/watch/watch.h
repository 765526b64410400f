/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.h - the eBPF side of a lab: programs loaded, attached to ends, pinned; counters read;
 * packet records delivered to tracers.
 *
 * One program per hook serves every end of a lab: end = ifindex - base. Programs and maps are
 * pinned below WATCH_DIR/LAB, so counting goes on without any process. A tracer attaches nothing:
 * it puts perf buffers into the lab's `tracers` map and a filter into `sessions`. The kernel
 * takes the buffers back when the tracer's descriptors close, kill -9 included
 * (perf_event_fd_array_release in kernel/bpf/arraymap.c).
 *
 * Functions that return int return 0, or -errno and fill *err, unless they say otherwise. What they
 * hand out (*watch, *session) is the caller's to close, and is not set by a failure. Times are
 * nanoseconds of CLOCK_MONOTONIC. Ends are called by their number, from 0, which the programs know
 * them by; ifindexes are those of the end's own namespace.
 */
#ifndef VETHLAB_USER_WATCH_H
#define VETHLAB_USER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "topology/model.h"
#include "user/net/net.h"

#define BPFFS	  "/sys/fs/bpf"
#define WATCH_DIR BPFFS "/vethlab"

/* How tc programs are attached to an end; AUTO: as watch_tc_available() says. */
enum watch_tc { WATCH_TC_AUTO, WATCH_TC_TCX, WATCH_TC_CLSACT, WATCH_TC_NONE };

struct watch; /* loaded or opened programs and maps of one lab */

struct watch_config {
	const char *lab;
	uint32_t ifindex_base;
	uint32_t n_ends; /* at least 1; that the maps have room for, those of links to come too */
	bool in, out;	 /* which programs to load */
	bool xdp_generic, xdp_native;
	bool observed; /* its interfaces were there before: ifindex_base says nothing */
	bool no_time;  /* do not follow echoes: no times, no echo counters (watch/echo_times.h) */
};

/*
 * Mount bpffs at BPFFS if it is not there. Returns 1 if it was mounted now (say so), 0 if it was
 * there, or -errno.
 */
int watch_mount_bpffs(struct err *err);
/* Open, configure and load the programs. Nothing is attached or pinned. */
int watch_load(struct watch **watch, const struct watch_config *config, struct err *err);
/* Write the entry of `ends` for one end. */
int watch_name_end(struct watch *watch, uint32_t number, const struct vl_end *end, struct err *err);
/* In an observed lab, tell the programs which end is at end->netns and end->ifindex. */
int watch_place_end(struct watch *watch, uint32_t number, const struct vl_end *end,
		    struct err *err);
/* Call fn for every end that has an entry in `ends`. */
void watch_each_end(const struct watch *watch, void (*fn)(const struct vl_end *end, void *arg),
		    void *arg);
/*
 * Pin maps and programs below WATCH_DIR/LAB (made if absent), and start to count drops
 * (watch/drops.h) if the kernel can.
 */
int watch_pin(struct watch *watch, struct err *err);
/* Open the pinned maps of a running lab. -ENOENT: nothing is pinned for it. */
int watch_open(struct watch **watch, const char *lab, struct err *err);
/*
 * Open the pinned programs of a lab that watch_open() has opened, for attaching them. For reading
 * alone they are not needed, and a program lives as long as somebody has a descriptor of it.
 */
int watch_open_programs(struct watch *watch, struct err *err);
/*
 * The programs, a bit each, that were loaded and pinned for ends since the lab was opened (NULL:
 * none), and their pins removed again, once no end has them.
 */
unsigned watch_late_programs(const struct watch *watch);
int watch_unload_late(const char *lab, unsigned late, struct err *err);
void watch_close(struct watch *watch); /* NULL is allowed; what is pinned stays */
/*
 * Whether what is below WATCH_DIR was put there by root or by us alone: bpffs may be mounted so
 * that everybody may make directories in it. 1: it was; 0: there is no WATCH_DIR; -EPERM: another
 * user owns it, or may write to it, or to bpffs; or -errno (err stays clear).
 */
int watch_check_dir(struct err *err);
/* Remove everything below WATCH_DIR/LAB, and WATCH_DIR when it is empty. 0 if nothing was there. */
int watch_unpin(const char *lab, struct err *err);

/* tcx if the running kernel has it (6.6), else clsact. Probed once. */
enum watch_tc watch_tc_available(void);
/* An error that says what to do if tc is WATCH_TC_TCX and the kernel has none: -EOPNOTSUPP. */
int watch_tc_check(enum watch_tc tc, struct err *err);
/*
 * Whether the kernel refuses eBPF programs to this process (EPERM), as it does in a user namespace
 * without a token. Probed once, with the above.
 */
bool watch_is_refused(void);

/*
 * Attach the loaded tc programs to an end, from any thread: the calling thread must be inside
 * the end's namespace for tcx and XDP links (they resolve the ifindex there).
 * Links are pinned as WATCH_DIR/LAB/links/<number>_<hook>.
 */
int watch_attach_tcx(struct watch *watch, uint32_t number, uint32_t ifindex, const char *object,
		     struct err *err);
/*
 * XDP: a lab that has XDP at all gets the program of a mode loaded and pinned by the first end that
 * wants it, if it was not when the lab was built.
 */
int watch_attach_xdp(struct watch *watch, uint32_t number, uint32_t ifindex, enum xdp_mode mode,
		     const char *object, struct err *err);
/*
 * clsact: qdisc and filters as requests into nl's batch, where nl is a socket of the end's
 * namespace. Add all qdiscs of a lab before the filters: a filter right after its qdisc waits
 * for an RCU grace period (mini_qdisc_pair_swap in net/sched/sch_generic.c).
 */
int watch_clsact_qdisc(struct nl *nl, uint32_t ifindex, const struct nl_what *what,
		       struct err *err);
int watch_clsact_filters(struct watch *watch, struct nl *nl, uint32_t ifindex,
			 const struct nl_what *what, struct err *err);

/*
 * Remove the pinned links and the entry of `ends` of an end whose interface was deleted. Its
 * counters stay until the number is given out again. 0 also if nothing was there.
 */
int watch_forget_end(struct watch *watch, uint32_t number, struct err *err);
/* Put the counters of an end to zero, before its number serves a new one. */
int watch_clear_end(struct watch *watch, uint32_t number, struct err *err);

/*
 * Load the program that watch_frame_send() runs: *prog is a descriptor that the caller closes; -1
 * where the kernel refuses eBPF to this process (EPERM: in a user namespace, say). 0 or -errno.
 * watch_frame_open() opens a packet socket in the calling thread's namespace instead, which needs
 * CAP_NET_RAW there: a descriptor that the caller closes, or -errno. Either sends one ARP request
 * out of an interface, which is up, of that namespace: a frame that crosses the link and changes
 * nothing at its ends. The programs of a lab do not count it.
 */
int watch_frame_load(int *prog, struct err *err);
int watch_frame_send(int prog, uint32_t ifindex, const char *object, struct err *err);
int watch_frame_open(const char *object, struct err *err);
int watch_frame_send_by_socket(int fd, uint32_t ifindex, const char *object, struct err *err);
/*
 * The entries of all ends in the map `ends`: watch_n_ends() of them into entries, whose proof_seen
 * tells which hooks the frame has passed since watch_name_end().
 */
int watch_frame_seen(struct watch *watch, struct vl_end *entries, struct err *err);

/* ---- counters ------------------------------------------------------------------------------ */

/*
 * Counters of all ends at a hook, summed over CPUs: n_ends entries into counters. -ENOENT: the lab
 * has no program at that hook (err stays clear).
 */
int watch_read(struct watch *watch, enum vl_hook hook, struct vl_counters *counters,
	       struct err *err);
uint32_t watch_n_ends(const struct watch *watch);
/* CLOCK_MONOTONIC when counting began; of an opened lab. */
uint64_t watch_started_ns(const struct watch *watch);
bool watch_has_hook(const struct watch *watch, enum vl_hook hook);

/* ---- tracing ------------------------------------------------------------------------------- */

struct watch_session;

/*
 * Start to receive records that match filter. Slots are shared by all tracers of the lab (at
 * most VL_SESSIONS at once: -EBUSY). buffer_kib: per CPU, a power of two; 0: 1024.
 */
int watch_session_open(struct watch_session **session, struct watch *watch,
		       const struct vl_filter *filter, unsigned buffer_kib, struct err *err);
/*
 * Deliver records that are there, waiting at most timeout_ms (-1: until there is one). Records of
 * one CPU come in order; of several CPUs they come mixed: order them by time_ns (story does).
 * Returns how many were delivered, or -errno (-EINTR on a signal).
 */
int watch_session_poll(struct watch_session *session, int timeout_ms,
		       void (*fn)(const struct vl_event *event, void *arg), void *arg,
		       struct err *err);
/* Monotonic: no record is of an earlier time, and programs write them from then on. */
uint64_t watch_session_start_ns(const struct watch_session *session);
/* Descriptor that becomes readable when there are records: for poll(2) with other descriptors. */
int watch_session_fd(const struct watch_session *session);
/*
 * Records missing among those delivered so far: a buffer was full, or their CPU had none, since it
 * had just come online. Exact after a poll.
 */
uint64_t watch_session_lost(const struct watch_session *session);
void watch_session_close(struct watch_session *session); /* NULL is allowed */

#endif
