/* SPDX-License-Identifier: GPL-2.0-only */
/* flow_source.h - records, from a recording or as they come, put in order of time for flows. */
#ifndef VETHLAB_USER_TRACE_FLOW_SOURCE_H
#define VETHLAB_USER_TRACE_FLOW_SOURCE_H

#include "user/flow/flow.h"
#include "user/story/record_queue.h"
#include "user/trace/recording.h"

/* Write the kernel's names for a drop, 48 bytes each: recording_drop_names(), or the stream's. */
typedef void (*flow_drop_names)(const struct vl_drop *drop, char *reason, char *function,
				void *arg);

struct flow_source {
	struct flows *flows; /* borrowed */
	flow_drop_names names;
	void *names_arg;
	struct record_queue queue;
	size_t waiting; /* of the queue after it was put in order last */
	uint64_t newest_ns, records, drops;
	bool out_of_memory;
};

/* As in cleanup.h: cleanup_flow_source struct flow_source source = {...}; */
void flow_source_close(struct flow_source *source);
#define cleanup_flow_source __attribute__((cleanup(flow_source_close)))
/* Take a record of an end, or of what a stack did (hook VL_HOOKS). */
void flow_source_add(struct flow_source *source, const struct vl_stack *record);
/* Give the flows what is older than before_ns (UINT64_MAX: all). 0, or -ENOMEM with err set. */
int flow_source_flush(struct flow_source *source, uint64_t before_ns, struct err *err);
/*
 * Read a whole recording, at most for_ns of it from its start (0: all). Returns RECORDED_END,
 * RECORDED_CUT, or -errno with err set. The flows know how many records were lost.
 */
int flow_source_read(struct flow_source *source, struct recording *recording, uint64_t for_ns,
		     struct err *err);

#endif
