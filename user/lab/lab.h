/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab.h - labs on this machine: built, found, torn down. State of a running lab lives in
 * LAB_DIR/NAME: lab.yaml (the lab file it was built from), state.json (what the kernel gave it:
 * ifindex base, namespaces by inode and cookie, hooks), journal (what to undo), lock.
 */
#ifndef VETHLAB_USER_LAB_H
#define VETHLAB_USER_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/base/notes.h"
#include "topology/model.h"
#include "user/net/net.h"
#include "user/watch/watch.h"

#define LAB_DIR "/run/vethlab"

/* What `up` was asked for, beyond the lab file. */
struct lab_options {
	const char *as;	   /* run under this name, namespaces as-NODE; NULL: as the file says */
	bool isolated;	   /* a new namespace stands in for `netns: host` */
	enum xdp_mode xdp; /* XDP_MODE_DEFAULT: as the file says, else the program's default */
	unsigned hooks;	   /* enum hooks; HOOKS_DEFAULT: as the file says */
	enum watch_tc tc;  /* WATCH_TC_AUTO: the program chooses */
	/* Told of each of total steps that begins, from any thread, with arg; NULL: nobody asks. */
	void (*progress)(size_t step, size_t total, void *arg);
	void *progress_arg;
	const struct notes
		*notes; /* of undoing what failed or was left over; NULL: nobody listens */
	const volatile int *interrupted; /* looked at between steps: not 0 undoes; NULL: never */
	/*
	 * Not NULL: the lab belongs to this process, as long as that keeps the lab's lock, which
	 * comes back here. lab_release() ends both; of a process that died, `gc` removes the lab.
	 */
	int *hold;
};

/* A node of a running lab. */
struct running_node {
	char netns_name[2 * NODE_NAME_MAX]; /* below NETNS_DIR; "" for one that has no name */
	bool ours;			    /* made by us: `down` deletes it */
	uint32_t slot; /* its place behind the ends; stays as long as it lives */
	struct netns_id id;
};

/* An end of a lab that vethlab did not build. */
struct observed_end {
	uint32_t ifindex;
	unsigned hooks; /* enum hooks: what was attached */
	enum xdp_mode xdp;
};

/* A running lab, as its state says. */
struct running {
	char name[LAB_NAME_MAX + 1]; /* the name it runs under */
	struct lab *lab;	     /* owned; lab->name is the file's */
	struct running_node *nodes;  /* lab->n_nodes, by node->index */
	uint32_t capacity;	     /* ends that the range of ifindexes has room for */
	uint32_t slots;		     /* nodes that it has room for */
	uint32_t next_end;	     /* numbers from here on were never an end's */
	uint32_t ifindex_base;	     /* an end's ifindex = base + end->number, unless observed */
	struct observed_end
		*observed; /* by end->number, capacity of them; NULL: vethlab built it */
	uint32_t group;	   /* mark on our ends in namespaces that are not ours */
	bool isolated;
	bool prefixed;	    /* namespaces are called NAME-NODE */
	bool held;	    /* by the process that built it: see lab_options.hold */
	bool mounted_bpffs; /* by lab_up(), just now: worth a word */
	enum watch_tc tc;
	enum xdp_mode xdp; /* what the command line asked for; XDP_MODE_DEFAULT: nothing */
	unsigned hooks;	   /* likewise */
	uint64_t started;  /* seconds since the epoch */
	uint64_t life;	   /* tells it from a later lab of its name: running_is_gone() */
};

static inline uint32_t running_ifindex(const struct running *run, const struct end *end)
{
	return run->observed ? run->observed[end->number].ifindex : run->ifindex_base + end->number;
}

/* A node of an observed lab whose namespace cannot be seen from here: only the other end is
 * watched. */
static inline bool running_is_unseen(const struct running *run, const struct node *node)
{
	return run->observed && !run->nodes[node->index].id.inode;
}

/* A bridge node's own interface: bridges stand behind the ends in the range. */
static inline uint32_t running_bridge_ifindex(const struct running *run, const struct node *node)
{
	return run->ifindex_base + run->capacity + run->nodes[node->index].slot;
}

/* The words for modes, as the command line, the state and JSON say them. */
const char *xdp_mode_word(enum xdp_mode mode);
bool xdp_mode_parse(const char *word, enum xdp_mode *mode); /* native, generic, off */
const char *tc_word(enum watch_tc tc);
bool tc_parse(const char *word, enum watch_tc *tc); /* auto, tcx, clsact, none */

/*
 * Build a lab. On failure everything done is undone. Takes lab: it belongs to *run on success
 * and is freed on failure. *run is the caller's to free with running_free(). -EALREADY (err is
 * set, ERR_FAILED): a lab of that name runs.
 */
int lab_up(struct running **run, struct lab *lab, const struct lab_options *options,
	   struct err *err);
/*
 * Tear a lab down, whatever state it is in. Interfaces of others in its namespaces that would not
 * survive these are handed back to the calling thread's namespace; they and processes in there go
 * to notes (NULL: nobody listens). Returns 1 if there was something to tear down, 0 if
 * there is no such lab, or -errno.
 */
int lab_down(const char *name, const struct notes *notes, struct err *err);
/* lab_down() for whoever holds the lab, with the lock that lab_up() gave: closed in any case. */
int lab_release(const char *name, int lock, struct err *err);

/* What gc finds. */
enum gc_kind {
	GC_LAB,	       /* a lab that does not run, or whose holder is dead: a crash, a reboot */
	GC_PINS,       /* pinned programs and maps without a lab */
	GC_NETNS_FILE, /* a file in NETNS_DIR with a lab's mark and no namespace on it */
};
/* Find what crashes left and, unless dry_run, remove it. found is told of each before. */
int lab_gc(bool dry_run, void (*found)(enum gc_kind kind, const char *name, void *arg), void *arg,
	   const struct notes *notes, struct err *err);

enum lab_state { LAB_RUNNING, LAB_BUSY /* another process builds or removes it */, LAB_BROKEN };
/* What the files of LAB_DIR/NAME say. */
enum lab_state lab_state(const char *name);

/* Names of all labs that have files, in whatever state, sorted: a list to free with
 * lab_list_free(). */
int lab_list(char ***names, size_t *n, struct err *err);
void lab_list_free(char **names, size_t n);
/* The hint that belongs to an error about a lab that does not run: which one may be meant. */
void lab_hint_missing(const char *name, struct err *err);
/*
 * The lab called name; with NULL the only one that runs. Errors (ERR_FAILED): none runs, it does
 * not run, several run (they are listed).
 */
int lab_open(struct running **run, const char *name, struct err *err);
/*
 * A node or an end of a running lab by name. NULL: there is none, and err (ERR_USAGE) names the one
 * that may be meant.
 */
struct node *running_find_node(const struct running *run, const char *name, struct err *err);
struct end *running_find_end(const struct running *run, const char *name, struct err *err);
void running_free(struct running *run); /* NULL is allowed */
/*
 * Whether a lab that was opened was taken down since, even if one of its name runs again: for who
 * looks at it for long. A lab that is being changed is not gone.
 */
bool running_is_gone(const struct running *run);
/* That error; returns -ENOENT. */
int running_taken_down(const struct running *run, struct err *err);
/* The error that an end of it was deleted by others; returns -ENODEV. */
int running_end_gone(const struct running *run, const struct end *end, struct err *err);

/*
 * A descriptor of a node's namespace that the caller closes; checks that it is still the one
 * that the lab was built with.
 */
int running_open_netns(const struct running *run, const struct node *node, struct err *err);

/* What XDP program an end gets: the command line, its link, the lab, the program, in this order. */
enum xdp_mode running_xdp(const struct running *run, const struct end *end);
/* Which tc hooks, likewise: HOOKS_IN and HOOKS_OUT or-ed, or HOOKS_NONE. */
unsigned running_hooks(const struct running *run, const struct end *end);

#endif
