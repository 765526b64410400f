/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * build.h - the steps of building, private to the lab room: `up` makes them for all of a lab,
 * `apply` for what is touched. The journal is written before each step that outlives the process.
 */
#ifndef VETHLAB_USER_LAB_BUILD_H
#define VETHLAB_USER_LAB_BUILD_H

#include <stdatomic.h>

#include "user/lab/journal.h"
#include "user/lab/node.h"

struct build {
	struct running *run; /* borrowed */
	const struct lab_options *options;
	int *fds; /* namespace of each node; -1: not open */
	struct journal *journal;
	struct watch *watch; /* NULL: no programs */
	int frame_prog;	     /* sends the frames that prove the links; -1: not loaded */
	bool *uncounted;     /* by end->number: see struct node_job; NULL before build_check() */
	const struct touch *touch; /* NULL: all of the lab is fresh; borrowed */
	atomic_size_t steps;	   /* begun so far, for options->progress */
};

int build_open(struct build *build, struct running *run, const struct lab_options *options,
	       struct err *err);
void build_close(struct build *build);

/* What the steps of node.h want to know of lab->nodes[i]. */
struct node_job build_node_job(const struct build *build, size_t i);
/* -EINTR if the user wants to stop. Call between steps. */
int build_interrupted(const struct build *build, struct err *err);
/* Between two steps: tell how far it is, ask whether the user wants to stop. Thread-safe. */
int build_next_step(struct build *build, struct err *err);
/* What is fresh: namespaces, links, what is inside while nothing is up yet. */
int build_make(struct build *build, struct err *err);
/* Up, with neighbors and routes; repairs what a change around a kept end took away. */
int build_start(struct build *build, struct err *err);
/* The commands of fresh nodes. */
int build_exec(struct build *build, struct err *err);
/* Every fresh link carries frames; then the commands of fresh nodes. */
int build_check(struct build *build, struct err *err);

#endif
