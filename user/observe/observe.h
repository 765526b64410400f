/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * observe.h - labs of links that others built: vethlab discovers veth links (discover.h), attaches
 * its programs to their ends, and changes nothing else. `down` removes the programs.
 */
#ifndef VETHLAB_USER_OBSERVE_OBSERVE_H
#define VETHLAB_USER_OBSERVE_OBSERVE_H

#include "user/lab/lab.h"
#include "user/observe/discover.h"

/* Which links to watch, and how. All is borrowed. */
struct observe_options {
	const char *name;	      /* of the lab */
	bool all;		      /* every link of which an end can be seen */
	const struct netns_id *scope; /* unless all: links with an end in one of these namespaces */
	size_t n_scope;		      /* 0: in the namespace of the calling thread */
	unsigned hooks;		      /* enum hooks; HOOKS_DEFAULT: in and out */
	enum xdp_mode xdp;	      /* XDP_MODE_DEFAULT: off, since XDP changes a link */
	enum watch_tc tc;	      /* WATCH_TC_AUTO: the program chooses */
	bool may_be_empty;	      /* false: -ENODATA if there is no link to watch */
	bool again;		      /* -ENOENT if the lab does not exist: do not begin it */
	const volatile int *interrupted; /* as in struct lab_options */
};

/* Is told of the links that are added and removed. added and removed may be NULL. */
struct observe_listener {
	void (*added)(const struct running *run, const struct link *link, void *arg);
	void (*removed)(const struct running *run, const struct link *link, void *arg);
	void *arg;
	const struct notes *notes; /* what is not watched, and why; NULL: nobody listens */
};

/*
 * Begin an observed lab, or change the one that exists, so that it has the links that exist now.
 * listener NULL: nobody listens. Returns 1 if something was changed, 0 if nothing was; *run is the
 * lab in both cases, which the caller frees with running_free(). Or -errno: the lab is as it was
 * before. After -ENODATA and -ENOENT (see the options) err is clear.
 */
int observe_refresh(struct running **run, const struct observe_options *options,
		    const struct observe_listener *listener, struct err *err);

/* ---- for refresh.c ------------------------------------------------------------------------- */

struct journal;

/* An end that programs are to be attached to. All is borrowed. */
struct observe_end {
	struct running *run; /* run->observed[end->number] is told what was attached */
	struct watch *watch;
	struct journal *journal;
	const struct end *end;
	const struct notes *notes; /* what cannot be attached, and why; NULL: nobody listens */
	unsigned hooks;
	enum xdp_mode xdp;
	int netns_fd; /* the namespace of the end */
};

/*
 * Attach the programs that run->tc, hooks and xdp ask for. If one cannot be attached beside other
 * people's programs, or the interface is gone, notes are told, and it is no error. -errno: the lab
 * cannot be changed at all (the journal, for instance, cannot be written).
 */
int observe_attach(const struct observe_end *job, struct err *err);
/* Detach all programs from an end of the lab. Its interface need not exist any more. */
int observe_detach(const struct running *run, struct watch *watch, const struct end *end,
		   struct err *err);

#endif
