/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.h - the records of a running lab as they come: of its ends, and of its nodes' stacks.
 *
 * Functions return 0 or -errno with err set, unless they say otherwise. Times are in ns. What this
 * kernel cannot tell is said on stderr once, when a stream is opened: a trace without it is useful.
 */
#ifndef VETHLAB_USER_TRACE_STREAM_H
#define VETHLAB_USER_TRACE_STREAM_H

#include <stdint.h>

#include "user/lab/lab.h"
#include "user/story/story.h"
#include "user/watch/node_trace.h"

/* Called for each record, which belongs to the stream and is valid during the call. */
struct record_stream_handlers {
	void (*event)(const struct vl_event *event, void *arg);
	void (*stack)(const struct vl_stack *record, void *arg);
	void *arg;
};

struct record_stream {
	const struct running *run; /* borrowed */
	struct watch *watch;
	struct watch_session *session;
	struct node_tracer *stack; /* NULL: drops are not seen; the reason was said on stderr */
	uint64_t lost_told;	   /* what record_stream_newly_lost() has returned so far */
	size_t blind;		   /* record_stream_count_blind() when the stream was opened */
};

/*
 * Programs name an end by the number of its counters, which stays when links come and go before it.
 * What tells and keeps records goes by its place in the lab (lab_end()): VL_NO_END if it has none.
 */
uint32_t record_stream_end_place(const struct running *run, uint32_t number);

/*
 * Watch the ends of a running lab and, to that depth, the stacks of its nodes. run must live as
 * long as stream; filter is copied. In the records that the handlers get, ends are places in the
 * lab. Records of nodes from before the ends were watched are left out: of such a packet nothing
 * else is known. ERR_FAILED: no program watches the lab. After a failure, too,
 * record_stream_close() is due.
 */
int record_stream_open(struct record_stream *stream, const struct running *run,
		       const struct vl_filter *filter, enum node_trace_depth depth,
		       struct err *err);
void record_stream_close(struct record_stream *stream);
/* As in cleanup.h; nothing returns before record_stream_open(). */
#define cleanup_record_stream __attribute__((cleanup(record_stream_close)))
/* Deliver what is there, waiting at most timeout_ms for records of ends. 0 or -errno. */
int record_stream_poll(struct record_stream *stream, int timeout_ms,
		       const struct record_stream_handlers *handlers, struct err *err);
/* Records that the kernel side could not deliver, since the start. */
uint64_t record_stream_lost(const struct record_stream *stream);
/* The same since the last call of this. */
uint64_t record_stream_newly_lost(struct record_stream *stream);

/*
 * How many ends have lost a program of the lab to somebody else, which is looked at now. 0 also if
 * it cannot be.
 */
size_t record_stream_count_blind(const struct running *run, const struct watch *watch);
/*
 * What of a lab cannot be seen, for story_cannot_see(): what this kernel does not tell, ends
 * without hooks, blind ends, records that were lost. stack: NULL: nothing of the nodes is.
 */
const char *record_stream_not_seen(const struct running *run, const struct node_tracer *stack,
				   size_t blind, uint64_t lost, char buf[STORY_NOT_SEEN_SIZE]);

/*
 * Watch the stacks of a lab's nodes; config: which packets and how deep, the lab is filled in. That
 * it cannot be done is no failure: *why says why not, and *stack is NULL.
 */
void record_stream_open_nodes(struct node_tracer **stack, const struct running *run,
			      struct node_trace_config config, char *why, size_t size);
/* The names of the running kernel for a drop, as drop_names of a record_view. arg is not used. */
void record_stream_drop_names(const struct vl_drop *drop, char *reason, char *function, void *arg);

#endif
