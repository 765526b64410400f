/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab.h - labs on this machine: build one, find it, take it down. The files of a lab that runs are
 * in LAB_DIR/NAME:
 *
 *	lab.yaml	the lab file that it was built from
 *	state.json	what the kernel gave it: ifindexes, namespaces by inode and cookie, hooks
 *	journal		what must be undone when it is taken down (journal.h)
 *	lock		held by the process that changes it
 *	reset.json	the counters that `stats` counts from
 *	down-NUMBER	what the kernel dropped with an end that was set down
 *(user/change/down_record.h) gaps		when ends were not watched (end_gaps.h)
 *
 * Errors: functions that return int return 0 or -errno and fill err, unless they say otherwise.
 */
#ifndef VETHLAB_USER_LAB_H
#define VETHLAB_USER_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/base/notes.h"
#include "topology/model.h"
#include "user/net/devconf.h"
#include "user/net/net.h"
#include "user/watch/watch.h"

#define LAB_DIR "/run/vethlab"

/* ---- a running lab ------------------------------------------------------------------------- */

struct running_node {
	/* The name of its namespace below NETNS_DIR, only if `ours`; else "". */
	char netns_name[2 * NODE_NAME_MAX];
	bool ours;	    /* vethlab made the namespace, and `down` removes it */
	uint32_t slot;	    /* of its bridge in the range of ifindexes; unchanged while it lives */
	struct netns_id id; /* inode 0: not made yet, or cannot be seen (running_is_unseen()) */
};

/* An end of an observed lab, whose links vethlab did not build. */
struct observed_end {
	uint32_t ifindex;
	unsigned hooks;	   /* enum hooks: the tc programs that are attached */
	enum xdp_mode xdp; /* the XDP program that is attached */
};

/*
 * A running lab, as state.json describes it. The ifindexes of a lab that vethlab built are one
 * range: first `capacity` for ends, then `slots` for bridges.
 */
struct running {
	char name[LAB_NAME_MAX + 1]; /* the name that it runs under */
	struct lab *lab;	     /* owned; lab->name is the name in the file */
	char *lab_copy; /* owned: the file that places in the lab tell; NULL: lab->path */
	struct running_node *nodes; /* owned; lab->n_nodes of them, by node->index */
	uint32_t capacity;	    /* how many ends the lab has room for */
	uint32_t slots;		    /* how many nodes it has room for */
	uint32_t next_end;	    /* end numbers from here on were never used */
	uint32_t ifindex_base;	    /* ifindex of end number 0, unless observed */
	/* Owned; capacity of them, by end->number. NULL: vethlab built the links. */
	struct observed_end *observed;
	uint32_t group; /* of the lab's interfaces in foreign namespaces: `down` knows them by it */
	bool isolated;	/* as in struct lab_options */
	bool prefixed;	/* namespaces are called NAME-NODE, not NODE */
	bool held;	/* belongs to a process: see lab_options.hold */
	bool mounted_bpffs; /* lab_up() has just mounted BPFFS: the caller tells the user */
	enum watch_tc tc;
	enum xdp_mode xdp; /* as asked for on the command line; XDP_MODE_DEFAULT: not */
	unsigned hooks;	   /* enum hooks, likewise; HOOKS_DEFAULT: not */
	uint64_t started;  /* seconds since the epoch */
	uint64_t life;	   /* differs from that of a later lab of the same name */
};

static inline uint32_t running_ifindex(const struct running *run, const struct end *end)
{
	return run->observed ? run->observed[end->number].ifindex : run->ifindex_base + end->number;
}

/* Whether the namespace of an observed lab's node cannot be seen: only its peers are watched. */
static inline bool running_is_unseen(const struct running *run, const struct node *node)
{
	return run->observed && !run->nodes[node->index].id.inode;
}

/* The interface of a bridge node itself. */
static inline uint32_t running_bridge_ifindex(const struct running *run, const struct node *node)
{
	return run->ifindex_base + run->capacity + run->nodes[node->index].slot;
}

void running_free(struct running *run); /* NULL is allowed */

/* As in cleanup.h: cleanup_running struct running *run = NULL; */
static inline void cleanup_running_fn(struct running **run)
{
	running_free(*run);
}
#define cleanup_running __attribute__((cleanup(cleanup_running_fn)))

/*
 * A node or an end of a running lab by name, owned by the lab. NULL: there is none; err (ERR_USAGE)
 * suggests the most similar name.
 */
struct node *running_find_node(const struct running *run, const char *name, struct err *err);
struct end *running_find_end(const struct running *run, const char *name, struct err *err);

/*
 * A descriptor of a node's namespace, which the caller closes, or -errno. -ESTALE: the namespace is
 * gone or cannot be seen; another one that has its name by now is not opened.
 */
int running_open_netns(const struct running *run, const struct node *node, struct err *err);
/* Put the calling thread, which must not be the main one, into a node's namespace. As above. */
int running_enter_netns(const struct running *run, const struct node *node, struct err *err);

/*
 * Open the maps of a running lab, as watch_open(). -EINVAL: they are not of as many ends as
 * state.json says.
 */
int running_open_watch(struct watch **watch, const struct running *run, struct err *err);

/*
 * What nodes that inherit settings have that is not the kernel's default, by node->index; of other
 * nodes, and of those whose namespace is gone, nothing. The caller frees *settings with
 * running_settings_free().
 */
int running_inherited(struct devconf_settings **settings, const struct running *run,
		      struct err *err);
void running_settings_free(struct devconf_settings *settings, const struct running *run);

/*
 * The mode of the XDP program of an end, and its tc hooks (HOOKS_IN and HOOKS_OUT or-ed, or
 * HOOKS_NONE). The first of these that says something decides: command line, link, lab, default. Of
 * an observed lab, what is attached.
 */
enum xdp_mode running_xdp(const struct running *run, const struct end *end);
unsigned running_hooks(const struct running *run, const struct end *end);
/* The same for both kinds of programs, as bits 1 << enum vl_hook. */
uint8_t running_hook_bits(const struct running *run, const struct end *end);
/* Whether programs were attached to any end. */
bool running_has_programs(const struct running *run);

/*
 * Whether the lab was taken down since *run was opened, even if another lab of its name runs now.
 * False while the lab is being changed.
 */
bool running_is_gone(const struct running *run);
/* Set the error that the lab was taken down; returns -ENOENT. */
int running_taken_down(const struct running *run, struct err *err);
/*
 * Set the error that nothing is pinned for the lab: it has no programs, or somebody removed the
 * pins. Returns -ENOENT.
 */
int running_not_pinned(const struct running *run, struct err *err);
/* Set the error that somebody deleted the interface of an end; returns -ENODEV. */
int running_end_gone(const struct running *run, const struct end *end, struct err *err);

/*
 * Take the lock of a running lab, so that nobody else changes it or its files meanwhile. Does not
 * wait. Returns a descriptor, which the caller closes to release the lock; -EBUSY: err names the
 * process that holds it; or -errno, also if the lab was taken down.
 */
int lab_lock_running(const struct running *run, struct err *err);

/* The words for modes on the command line, in state.json and in JSON output. */
const char *xdp_mode_word(enum xdp_mode mode);
bool xdp_mode_parse(const char *word, enum xdp_mode *mode); /* native, generic, off */
const char *tc_word(enum watch_tc tc);
bool tc_parse(const char *word, enum watch_tc *tc); /* auto, tcx, clsact, none */

/* ---- up and down --------------------------------------------------------------------------- */

/* What `up` was asked for beside the lab file. All is borrowed. */
struct lab_options {
	const char *as;	   /* run under this name, with namespaces as-NODE; NULL: the file's name */
	bool isolated;	   /* nodes with `netns: host` get a new namespace instead */
	enum xdp_mode xdp; /* XDP_MODE_DEFAULT: as the file says, else the program's default */
	unsigned hooks;	   /* enum hooks; HOOKS_DEFAULT: as the file says */
	enum watch_tc tc;  /* WATCH_TC_AUTO: the program chooses */
	/* Called when step number `step` of `total` begins, on any thread. NULL: not called. */
	void (*progress)(size_t step, size_t total, void *arg);
	void *progress_arg;
	const struct notes
		*notes; /* about what is undone, after a failure or a crash; NULL: none */
	/* Read between steps: if not 0, the build is undone and fails with EINTR. NULL: never. */
	const volatile int *interrupted;
	/*
	 * Not NULL: the lab belongs to the calling process. *hold becomes a descriptor of the lab's
	 * lock; lab_release() takes the lab down and closes it. If the process dies first, `gc`
	 * removes the lab.
	 */
	int *hold;
};

/*
 * Build a lab. Takes lab: it belongs to *run after success and is freed after failure. The caller
 * frees *run with running_free(). A failure undoes everything that was done. -EALREADY
 * (ERR_FAILED): a lab of that name runs.
 */
int lab_up(struct running **run, struct lab *lab, const struct lab_options *options,
	   struct err *err);
/*
 * Take a lab down, whether it runs or was left by a crash. Foreign interfaces in its namespaces
 * that the kernel would not move out itself are moved to the namespace of the calling thread; notes
 * (NULL: none) are told of them, and of processes that keep a namespace alive. 1: done; 0: there is
 * no such lab; or -errno.
 */
int lab_down(const char *name, const struct notes *notes, struct err *err);
/* lab_down() for the process that holds the lab by lab_options.hold; closes lock in any case. */
int lab_release(const char *name, int lock, struct err *err);

/* ---- what crashes left --------------------------------------------------------------------- */

enum gc_kind {
	GC_LAB,	       /* a lab that does not run, whose files are lost, or whose process is dead */
	GC_PINS,       /* pinned programs and maps that belong to no lab */
	GC_NETNS_FILE, /* a file in NETNS_DIR with a lab's mark, and no namespace mounted on it */
};
/*
 * Find what crashes left and, unless dry_run, remove it. found is called before each removal. After
 * a failure the rest is removed all the same; the first failure is returned.
 */
int lab_gc(bool dry_run, void (*found)(enum gc_kind kind, const char *name, void *arg), void *arg,
	   const struct notes *notes, struct err *err);

/* ---- which labs there are ------------------------------------------------------------------ */

enum lab_state {
	LAB_RUNNING,
	LAB_BUSY,   /* a process is changing it */
	LAB_BROKEN, /* it has files, but does not run */
};
enum lab_state lab_state(const char *name);

/*
 * Whether it is a lab that a `vethlab bench` keeps for itself as long as it runs: of the name
 * "bench-PID" or "bench-PID-N", and locked. No verb takes it that was told no lab.
 */
bool lab_is_of_bench(const char *name);

/* The names of all labs that have files, sorted. The caller frees them with lab_list_free(). */
int lab_list(char ***names, size_t *n, struct err *err);
void lab_list_free(char **names, size_t n);
/* Add a hint to the error that lab `name` does not run: which other one may be meant. */
void lab_hint_missing(const char *name, struct err *err);
/*
 * Open the running lab `name`; NULL: the only one that runs. The caller frees *run with
 * running_free(). ERR_FAILED: it does not run (-ENOENT), it is being changed, or name is NULL and
 * no or several labs run (-ENOENT, err lists them).
 */
int lab_open(struct running **run, const char *name, struct err *err);

#endif
