/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record_view.h - what of a stream of records is shown, and how: for `trace`, which has them live,
 * and `replay`, which has them from a file.
 */
#ifndef VETHLAB_USER_RENDER_RECORD_VIEW_H
#define VETHLAB_USER_RENDER_RECORD_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "topology/model.h"
#include "user/render/event_text.h"
#include "user/story/record_queue.h"
#include "user/story/story.h"
#include "user/trace/filter.h"
#include "user/watch/node_trace.h"

/* What the user wants to see. */
struct record_view_options {
	struct record_filter filter;
	uint64_t count;	 /* records or itineraries; 0: no limit */
	uint64_t for_ns; /* how long; 0: no limit */
	bool json;
	bool stack; /* show what the stacks of nodes do between the ends, too */
};

/* Write the kernel's names for a drop into reason and function, SYMBOL_NAME_SIZE bytes each. */
typedef void (*drop_names)(const struct vl_drop *drop, char *reason, char *function, void *arg);

/* Which records of the nodes' stacks a view needs. */
enum node_trace_depth record_view_depth(const struct record_view_options *options);

struct record_view {
	const struct record_view_options *options;
	const struct lab *lab;
	struct record_queue queue;
	struct record_queue
		packets; /* that are no ICMP, for the story, which wants them in order */
	struct event_layout layout;
	struct story *story; /* with itineraries */
	drop_names names;
	void *names_arg;
	uint64_t records, shown;
	uint64_t drops; /* of `dropped`: shown by themselves, since they belong to no echo */
	bool failed;	/* there was no memory for a record: the next call that has an err tells */
};

/*
 * Begin to show records. zero_ns: CLOCK_MONOTONIC of time 0 of what is shown. options, lab and
 * names_arg are borrowed. Returns 0, or -ENOMEM with *err set. record_view_close() may follow a
 * failure.
 */
int record_view_open(struct record_view *view, const struct record_view_options *options,
		     const struct lab *lab, uint64_t zero_ns, drop_names names, void *names_arg,
		     struct err *err);
void record_view_close(struct record_view *view);
/* As in cleanup.h: cleanup_record_view struct record_view view = {0}; */
#define cleanup_record_view __attribute__((cleanup(record_view_close)))
/* Take a record that passed the filter. */
void record_view_add(struct record_view *view, const struct vl_event *event);
/* Take what a stack did, if the filter wants it. */
void record_view_add_stack(struct record_view *view, const struct vl_stack *record);
/*
 * Show what is complete: no record older than settled_ns can come any more. Returns 1 if enough was
 * shown, 0 to go on, or -errno.
 */
int record_view_show(struct record_view *view, uint64_t settled_ns, struct err *err);
/* Show the rest. */
int record_view_finish(struct record_view *view, struct err *err);
/* Print where the stream has a gap: lost records here, lost_so_far since its start. */
void record_view_losses(struct record_view *view, uint64_t lost, uint64_t lost_so_far);
/* Flush stdout. Returns true if nobody reads it any more, or a write failed: stop then. */
bool record_view_reader_left(void);

#endif
