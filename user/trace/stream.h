/* SPDX-License-Identifier: GPL-2.0-only */
/* stream.h - the records of a running lab as they come: of its ends, and of its nodes' stacks. */
#ifndef VETHLAB_USER_TRACE_STREAM_H
#define VETHLAB_USER_TRACE_STREAM_H

#include <stdint.h>

#include "user/lab/lab.h"
#include "user/story/story.h"
#include "user/watch/node_trace.h"

struct tap_handlers {
	void (*event)(const struct vl_event *event, void *arg);
	void (*stack)(const struct vl_stack *record, void *arg);
	void *arg;
};

struct tap {
	const struct running *run; /* borrowed */
	struct watch *watch;
	struct watch_session *session;
	struct stack_watch *stack; /* NULL: drops are not seen; why not went to stderr */
	uint64_t lost_told;
};

/*
 * Programs name an end by the number of its counters, which stays when links come and go before it.
 * What tells and keeps records goes by its place in the lab (lab_end()): VL_NO_END if it has none.
 */
uint32_t tap_place(const struct running *run, uint32_t number);

/*
 * run must live as long as tap. The handlers get places. depth: of what the stacks do. Says on
 * stderr what of it this kernel does not tell.
 */
int tap_open(struct tap *tap, const struct running *run, const struct vl_filter *filter,
	     enum stack_depth depth, struct err *err);
void tap_close(struct tap *tap);
/* Deliver what is there, waiting at most timeout_ms for records of ends. 0 or -errno. */
int tap_poll(struct tap *tap, int timeout_ms, const struct tap_handlers *handlers, struct err *err);
/* Records that the kernel side could not deliver, since the start. */
uint64_t tap_lost(const struct tap *tap);
/* The same since the last call of this. */
uint64_t tap_newly_lost(struct tap *tap);

/*
 * What of a lab cannot be seen, for story_cannot_see(): what this kernel does not tell, ends
 * without hooks, records that were lost. stack: NULL: nothing of the nodes is.
 */
const char *tap_not_seen(const struct running *run, const struct stack_watch *stack, uint64_t lost,
			 char buf[STORY_NOT_SEEN_SIZE]);

/*
 * Watch the stacks of a lab's nodes; config: which packets and how deep, the lab is filled in. That
 * it cannot be done is no failure: *why says why not, and *stack is NULL.
 */
void tap_open_stack(struct stack_watch **stack, const struct running *run,
		    struct stack_config config, char *why, size_t size);
/* A view's drop_names: the running kernel's. */
void tap_drop_names(const struct vl_drop *drop, char *reason, char *function, void *arg);
/* CLOCK_MONOTONIC, as records are stamped. */
uint64_t tap_now_ns(void);

#endif
