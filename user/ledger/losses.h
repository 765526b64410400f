/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * losses.h - the drops that the kernel reported, by end, stage, reason and place: the part of a
 * snapshot that explains the losses of the ledger.
 */
#ifndef VETHLAB_USER_LEDGER_LOSSES_H
#define VETHLAB_USER_LEDGER_LOSSES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/model.h"
#include "user/watch/drops.h"

struct losses {
	bool known; /* the lab counts drops: one that is not in the list did not happen */
	struct watch_drop *list; /* by end, stage and then most packets first */
	size_t n;
	size_t room; /* of list; less than n: unknown, since the list was read from the kernel */
	struct watch_missed missed;
};

/*
 * What the kernel has dropped so far, into empty losses, which the caller frees. Of a lab that does
 * not count drops losses->known is false. 0, or -errno with *err filled.
 */
int losses_read(struct losses *losses, struct watch *watch, struct err *err);
void losses_free(struct losses *losses);			   /* the contents */
int losses_copy(struct losses *copy, const struct losses *losses); /* -ENOMEM */
/* Subtract since from now; entries that become 0 are removed. */
void losses_subtract(struct losses *now, const struct losses *since);
/* Add more to sum. Returns 0 or -ENOMEM. */
int losses_add(struct losses *sum, const struct losses *more);

/* Drops that the kernel had no entry for, for whatever cause: they are not in the list. */
uint64_t losses_missed(const struct losses *losses);
/* The word of a cause: "full", "no_memory", "busy". */
const char *losses_missed_name(enum vl_drop_missed cause);

/* "before_out", "on_link", "after_in" */
const char *losses_stage_name(enum watch_drop_stage stage);
/* Whether a drop belongs to the direction that leaves from: of its ends, or between them. */
bool losses_of(const struct watch_drop *drop, const struct end *from);
/*
 * Go over the drops of the direction that leaves from, in the order of the list: *place is 0 at
 * first. NULL: there are no more.
 */
const struct watch_drop *losses_next(const struct losses *losses, const struct end *from,
				     size_t *place);
/* Segments that were dropped between the two ends of the direction that leaves from. */
uint64_t losses_on_link(const struct losses *losses, const struct end *from);
/*
 * Whether a drop is of a kind that every healthy network has: multicast that nobody here listens
 * to, and the copy of an echo reply that no ping socket wants (a raw one has got its own). Text for
 * people leaves them out, JSON has them.
 */
bool losses_is_ordinary(const struct watch_drop *drop);
/* What it means, as drop_classify() tells; NULL: nothing more than the names. */
const char *losses_meaning(const struct watch_drop *drop);
/* "NETFILTER_DROP at nf_hook_slow" */
const char *losses_cause(const struct watch_drop *drop, char *buf, size_t size);

/* [{"stage": "on_link", "end": "a:x", "reason": ..., "packets": ...}] of one direction. */
json_t *losses_to_json(const struct losses *losses, const struct end *from);
/*
 * Add what losses_to_json() wrote. -EINVAL: it is something else; -ENOMEM. The list is in order
 * once losses_settle() was called.
 */
int losses_from_json(struct losses *losses, const struct lab *lab, const json_t *json);
void losses_settle(struct losses *losses);

/* Write the missed drops into a document, as its fields "drops_...", and read them back. */
void losses_set_missed(const struct losses *losses, json_t *document);
void losses_read_missed(struct losses *losses, const json_t *document);

#endif
