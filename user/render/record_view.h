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
#include "user/watch/node_trace.h"

/* What the user wants to see. */
struct record_view_options {
	struct vl_filter filter; /* for the kernel, or event_matches() */
	struct vl_filter chosen; /* of stories: those that it fits somewhere */
	bool itineraries;	 /* whole stories instead of single records */
	bool events;		 /* the user says: single records */
	bool failed;		 /* only echoes that were not answered */
	bool dropped;		 /* only echoes of which a node dropped something; or only drops */
	uint64_t slower_ns;	 /* only round trips that took as long or longer; 0: all */
	uint64_t count;		 /* records or itineraries; 0: no limit */
	uint64_t for_ns;	 /* how long; 0: no limit */
	bool json;
	bool stack;	     /* what the stacks do between the ends, too */
	const char *lab;     /* -l */
	const char *operand; /* of replay: the file */
	bool wants_operand;
	int argc; /* words of the filter, for record_view_filter() */
	char **argv;
};

/* Options of a verb that shows records; words that are none are kept for record_view_filter(). */
int record_view_parse(struct record_view_options *options, int argc, char **argv, struct err *err);
/*
 * The words of the filter: `node N`, `end N:I`, `link N:I`, `addr A[/L]`, `src`, `dst`, `type
 * T[,T]`, `id N`, `seq N`, `v4`, `v6`, `failed`, `dropped`, `slower-than TIME`; a node, an end or
 * an address may stand alone. All of them must fit.
 *
 * A story is told whole or it is judged wrong: an answer that the filter hides looks like none. So
 * for stories `filter` keeps only what is the same of all packets of an echo, and the rest, in
 * `chosen`, chooses among them.
 */
int record_view_filter(struct record_view_options *options, const struct lab *lab, struct err *err);

/* Whether it is a story that the user wants to see. */
bool record_view_wants(const struct record_view_options *options, const struct lab *lab,
		       const struct itinerary *itinerary);

/* The kernel's names for a drop: SYMBOL_NAME_SIZE bytes each. */
typedef void (*drop_names)(const struct vl_drop *drop, char *reason, char *function, void *arg);

/* How deep into the stacks a view needs to see. */
enum node_trace_depth record_view_depth(const struct record_view_options *options);

struct record_view {
	const struct record_view_options *options;
	const struct lab *lab;
	struct record_queue queue;
	struct event_layout layout;
	struct story *story; /* with itineraries */
	drop_names names;
	void *names_arg;
	uint64_t records, shown;
	bool failed; /* out of memory */
};

/* zero_ns: time 0 of what is shown. */
int record_view_open(struct record_view *view, const struct record_view_options *options,
		     const struct lab *lab, uint64_t zero_ns, drop_names names, void *names_arg,
		     struct err *err);
void record_view_close(struct record_view *view);
/* Take a record that passed the filter. */
void record_view_add(struct record_view *view, const struct vl_event *event);
/* Take what a stack did; what the filter does not want is left out here. */
void record_view_add_stack(struct record_view *view, const struct vl_stack *record);
/*
 * Show what is complete: no record older than settled_ns can come any more. Returns 1 if enough was
 * shown, 0 to go on, or -errno.
 */
int record_view_show(struct record_view *view, uint64_t settled_ns, struct err *err);
/* Show the rest. */
int record_view_finish(struct record_view *view, struct err *err);
/* In the stream: so many records are missing here. */
void record_view_losses(struct record_view *view, uint64_t lost, uint64_t lost_so_far);
/* Flush; true if the reader of the output is gone and there is no sense in going on. */
bool record_view_reader_left(void);

#endif
