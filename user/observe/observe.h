/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * observe.h - labs made of links that others built. What is there is found (discover.h), watched
 * like the links of any lab, and left as it is: only programs are attached, and `down` takes these
 * off.
 */
#ifndef VETHLAB_USER_OBSERVE_OBSERVE_H
#define VETHLAB_USER_OBSERVE_OBSERVE_H

#include "user/lab/lab.h"
#include "user/observe/discover.h"

/* What to watch, and how. */
struct observe_options {
	const char *name;
	bool all;		      /* every pair that can be seen */
	const struct netns_id *scope; /* else those with an end in one of these */
	size_t n_scope;		      /* 0: in our own namespace */
	unsigned hooks;		      /* HOOKS_DEFAULT: in and out */
	enum xdp_mode xdp;	      /* XDP_MODE_DEFAULT: off, since XDP changes a link */
	enum watch_tc tc;
	bool may_be_empty; /* links may come later: else -ENODATA if there is none yet */
	bool again;	   /* only if the lab is there: else -ENOENT (err stays clear) */
	const volatile int *interrupted; /* as in struct lab_options */
};

/* Told of what comes and goes, in the words of the lab. Its users take NULL: nobody listens. */
struct observe_listener {
	void (*came)(const struct running *run, const struct link *link, void *arg);
	void (*went)(const struct running *run, const struct link *link, void *arg);
	void *arg;
	const struct notes *notes; /* what is not watched, and why; NULL: nobody listens */
};

/*
 * Make the lab what is there now: at first, or again. Returns 1 with the lab as it is now in *run,
 * 0 if nothing has changed (*run too), or -errno; a lab that is there is then as it was. -ENODATA,
 * -ENOENT: see the options; err stays clear.
 */
int observe_refresh(struct running **run, const struct observe_options *options,
		    const struct observe_listener *listener, struct err *err);

/* ---- for refresh.c ------------------------------------------------------------------------- */

struct journal;

/* An end that programs are to be put on. */
struct observe_end {
	struct running *run; /* what was attached is noted in its entry of observed */
	struct watch *watch;
	struct journal *journal;
	const struct end *end;
	const struct notes *notes; /* what cannot be attached, and why; NULL: nobody listens */
	unsigned hooks;
	enum xdp_mode xdp;
	int netns_fd;
};

/*
 * Attach what run->tc, hooks and xdp say. What cannot be attached beside other people's programs is
 * told and left out. -errno: only what stops everything.
 */
int observe_attach(const struct observe_end *job, struct err *err);
/* Take everything of ours off an end of the lab, whether its interface is there or not. */
int observe_detach(const struct running *run, struct watch *watch, const struct end *end,
		   struct err *err);

#endif
