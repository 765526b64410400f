/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * draft.h - the observed lab as it shall be: the lab as it was, without the links that do not exist
 * any more, with those that are new. Making a draft changes nothing outside of this process.
 */
#ifndef VETHLAB_USER_OBSERVE_DRAFT_H
#define VETHLAB_USER_OBSERVE_DRAFT_H

#include "user/observe/observe.h"

struct draft_node {
	struct observed_node node;
	struct netns_id id; /* inode 0: the namespace cannot be seen */
	int discovered;	    /* index in discovery->netns; -1: the namespace was not discovered */
};

struct draft_link {
	struct observed_link link; /* its nodes are indexes in draft->nodes */
	const char *bridges[2];	   /* that the ends are ports of; "": none */
	const struct link *was;	   /* the same link in the lab as it was; NULL: it is new */
	uint32_t numbers[2];	   /* of the ends */
};

struct draft {
	const struct discovery *discovery; /* borrowed */
	struct running *was;		   /* the lab as it was, borrowed; NULL: there is none */
	const struct observe_options *options; /* borrowed */
	struct draft_node *nodes;
	size_t n_nodes;
	struct draft_link *links;
	size_t n_links;
	uint32_t capacity, next_end; /* as in struct running */
	char *text;		     /* the lab file */
};

/*
 * Make a draft; the caller frees it with draft_free(). notes (NULL: nobody listens) are told which
 * new links are left out, and why.
 */
int draft_make(struct draft *draft, const struct discovery *discovery, struct running *was,
	       const struct observe_options *options, const struct notes *notes, struct err *err);
void draft_free(struct draft *draft); /* the contents */
/* As in cleanup.h: cleanup_draft struct draft draft = {0}; */
#define cleanup_draft __attribute__((cleanup(draft_free)))
/* Whether the lab as it was is the same as the draft. There must be one. */
bool draft_changes_nothing(const struct draft *draft);
/* Whether the draft has a link of the lab as it was. */
bool draft_keeps(const struct draft *draft, const struct link *was);
/*
 * The lab as the draft says it, with no program attached to the ends of new links. The caller frees
 * *run with running_free().
 */
int draft_running(struct running **run, const struct draft *draft, struct err *err);
/* A descriptor of a node's namespace, owned by the discovery; -1: it cannot be seen. */
int draft_netns_fd(const struct draft *draft, const struct node *node);

#endif
