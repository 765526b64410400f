/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - what the files of the watch room share among themselves.
 */
#ifndef VETHLAB_USER_WATCH_INTERNAL_H
#define VETHLAB_USER_WATCH_INTERNAL_H

#include "user/watch/echo_times.h"
#include "user/watch/watch.h"

struct vethlab; /* the skeleton */

/* Maps of a lab by their place in watch->maps; names in watch.c. */
enum watch_map {
	MAP_COUNT_OUT, /* by enum vl_hook: the counters come first */
	MAP_COUNT_XDP,
	MAP_COUNT_IN,
	MAP_ENDS,
	MAP_LAB,
	MAP_SESSIONS,
	MAP_CONTROL,
	MAP_STAGED,
	MAP_TRACERS,
	MAP_TIMES, /* by enum watch_time: the times come before the rest */
	MAP_ECHO_COUNT = MAP_TIMES + WATCH_TIMES,
	MAP_ECHOES,
	MAP_SETTINGS,
	MAP_HERE, /* these of observed labs only: see end_stub.c */
	MAP_PLACES,
	MAP_START, /* by enum vl_hook: see observed_start.c */
	MAP_START_DROPS = MAP_START + VL_HOOKS,
	MAP_END_STUBS, /* by program: where a tail call goes */
	WATCH_MAPS = MAP_END_STUBS + 3,
};

/* Programs by their place in watch->progs: one a hook (enum vl_hook), and native XDP's. */
enum { PROG_XDP_NATIVE = VL_HOOKS, WATCH_PROGS };

/* Names of their pins (docs/maps.md), by the same places. */
extern const char *const watch_map_names[WATCH_MAPS];
extern const char *const watch_prog_names[WATCH_PROGS];

/* All descriptors are -1 where there is none. */
struct watch {
	char lab[LAB_NAME_MAX + 1];
	uint32_t n_ends;
	uint32_t ifindex_base;
	uint64_t started_ns;
	bool observed;
	struct vethlab
		*skel; /* made by us: it owns the maps before MAP_PLACES. NULL: opened from pins */
	int maps[WATCH_MAPS];
	int progs[WATCH_PROGS];
	unsigned late; /* bit n: program n was loaded and pinned by watch_load_late() */
};

/* One without maps and programs, or NULL. */
struct watch *watch_new(const char *lab);

/*
 * Load and pin a program that a pinned lab does not have, into watch->progs. On failure there is
 * none in it.
 */
int watch_load_late(struct watch *watch, int prog, struct err *err);
/* Pin a program as WATCH_DIR/LAB/NAME. */
int watch_pin_program(struct watch *watch, int prog, struct err *err);

/* "<WATCH_DIR>/<lab>/<format...>" into path. */
void watch_path(char path[256], const char *lab, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The maps of an observed lab that the skeleton has not: into watch->maps, once programs are
 * loaded. */
int watch_make_end_stubs(struct watch *watch);
/* Make a loaded program the target of the tail calls of end stubs. 0 or -errno. */
int watch_set_tail_call(struct watch *watch, int prog);
/*
 * The program to attach to a hook of an end: the lab's own, which stays open, or in an observed lab
 * one for this end alone, in *own for the caller to close. Returns a descriptor, or -errno.
 */
int watch_load_end_stub(struct watch *watch, int prog, uint32_t number, int *own);

/* enum bpf_attach_type of 6.6: linux/bpf.h and libbpf of Debian 12 do not have them. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)
enum { TCX_PROGRAMS_MAX = 64 }; /* of one hook: BPF_MPROG_MAX of the kernel */

/* Take the program of a pinned attachment off now, not when the kernel gets to it. */
void watch_detach(const char *path);

/* Whether a map's entries are counted into by the kernel, one an end. */
bool watch_map_counts(int map);
/*
 * Values of n_ends ends, of size bytes each, all 64-bit words, summed over CPUs if the map has
 * one a CPU. -ENOENT: the lab has no such map (err stays clear).
 */
int watch_sum_map(struct watch *watch, int map, bool per_cpu, size_t size, void *sums,
		  struct err *err);

/* The same of one entry of a per-CPU map of counters; zero if the lab has no such map. -errno. */
int watch_sum_entry(struct watch *watch, int map, uint32_t key, struct vl_counters *sum);
/* now becomes what it has more than since, word by word of 64 bits. */
void watch_subtract_words(void *now, const void *since, size_t size);

/*
 * What was counted before both ends of an observed link had programs (observed_start.c): its maps,
 * made once programs are loaded; one direction's; subtracted from all ends' counters, and from
 * drops of one kind; forgotten.
 */
int watch_make_start_maps(struct watch *watch);
void watch_read_start(struct watch *watch, uint32_t from, uint32_t to,
		      struct vl_counters at_start[VL_HOOKS]);
void watch_subtract_start(struct watch *watch, enum vl_hook hook, struct vl_counters *counters);
void watch_subtract_start_drops(struct watch *watch, const struct vl_drop_key *key,
				struct vl_drop_counters *count);
int watch_clear_start(struct watch *watch, uint32_t number);

/* How many kinds of drops the maps of a lab with so many ends have room for. */
uint32_t watch_drops_room(uint32_t n_ends);
/* The map of drops, for the caller to close, or -errno; one kind, summed over CPUs. */
int watch_open_drops(struct watch *watch);
int watch_sum_drops(int fd, const struct vl_drop_key *key, int n_cpus,
		    struct vl_drop_counters *sum);
/* Take all kinds of one end out of a map of drops (-1 is allowed). */
void watch_clear_drops(int fd, uint32_t number);

/* Keep what libbpf and the verifier say instead of letting it go to stderr. */
void watch_log_start(void);
/* The last line that they said on this thread ("" if none). */
const char *watch_log_last(void);

/*
 * A failed step of eBPF: "<object>: cannot <action> (kernel: ...)". Privileges and missing
 * features become ERR_PRIVILEGE with what to do. capability: what the step needs. Returns -error.
 */
int watch_fail(struct err *err, int error, const char *object, const char *action,
	       const char *capability);

#endif
