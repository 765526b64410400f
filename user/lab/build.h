/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * build.h - the steps of building a lab, for the lab and change rooms: `up` runs them for all nodes
 * and links, `apply` for those that a change touches. Before each step whose effect outlives the
 * process, the journal gets a line.
 */
#ifndef VETHLAB_USER_LAB_BUILD_H
#define VETHLAB_USER_LAB_BUILD_H

#include <stdatomic.h>

#include "user/lab/journal.h"
#include "user/lab/node.h"

struct build {
	struct running *run; /* borrowed */
	const struct lab_options *options;
	int *fds; /* descriptors of namespaces, by node->index; -1: not open */
	struct journal *journal;
	struct watch *watch; /* NULL: no programs */
	int frame_prog;	     /* of watch_frame_load(), for link_check.h; -1: none */
	bool *uncounted;     /* by end->number: see struct node_job; NULL before build_check() */
	const struct touch *touch; /* what is to be built, borrowed; NULL: all of the lab */
	atomic_size_t steps;	   /* how many were begun, for options->progress */
};

int build_open(struct build *build, struct running *run, const struct lab_options *options,
	       struct err *err);
void build_close(struct build *build); /* also after build_open() failed, and more than once */

/* The job of lab->nodes[i] for the steps of node.h. */
struct node_job build_node_job(const struct build *build, size_t i);
/* Return -EINTR with an error if the user wants to stop. Is called between steps. */
int build_interrupted(const struct build *build, struct err *err);
/* Report the next step to options->progress, then do as build_interrupted(). Thread-safe. */
int build_next_step(struct build *build, struct err *err);
/* Make namespaces and links, then set up the nodes (sysctls, node_prepare()) with all ends down. */
int build_make(struct build *build, struct err *err);
/* Set ends up and add neighbors and routes. Adds again what a change removed around a kept end. */
int build_start(struct build *build, struct err *err);
/* Run the commands of new nodes. */
int build_exec(struct build *build, struct err *err);
/* Check that every new link carries frames (link_check.h), then build_exec(). */
int build_check(struct build *build, struct err *err);

#endif
