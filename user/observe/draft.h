/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * draft.h - what an observed lab shall be: what it was, less what has gone, and what is
 * new. Nothing is changed by drafting.
 */
#ifndef VETHLAB_USER_OBSERVE_DRAFT_H
#define VETHLAB_USER_OBSERVE_DRAFT_H

#include "user/observe/observe.h"

struct draft_node {
	struct observed_node node;
	struct netns_id id; /* inode 0: of a namespace that cannot be seen */
	int seen;	    /* its place in seen->netns; -1: not seen */
};

struct draft_link {
	struct observed_link link; /* nodes: places in the draft */
	const char *bridges[2];
	const struct link *was; /* in the lab as it was; NULL: it is new */
	uint32_t numbers[2];
};

struct draft {
	const struct discovery *seen;
	struct running *was; /* borrowed; NULL: there is none */
	const struct observe_options *options;
	struct draft_node *nodes;
	size_t n_nodes;
	struct draft_link *links;
	size_t n_links;
	uint32_t capacity, next_end;
	char *text; /* the lab file */
};

/* notes (NULL: nobody listens) is told what is left out. */
int draft_make(struct draft *draft, const struct discovery *seen, struct running *was,
	       const struct observe_options *options, const struct notes *notes, struct err *err);
void draft_free(struct draft *draft);
/* Whether the lab is that already. */
bool draft_changes_nothing(const struct draft *draft);
/* Whether a link of the lab that was stays. */
bool draft_keeps(const struct draft *draft, const struct link *was);
/* The lab as the draft has it, with nothing attached to what is new. */
int draft_running(struct running **run, const struct draft *draft, struct err *err);
/* A descriptor that belongs to seen; -1: the namespace cannot be seen. */
int draft_netns_fd(const struct draft *draft, const struct node *node);

#endif
