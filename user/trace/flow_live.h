/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flow_live.h - the flows of a running lab as they go on, from the records of its ends and of what
 * its nodes drop; and these records into a recording.
 */
#ifndef VETHLAB_USER_TRACE_FLOW_LIVE_H
#define VETHLAB_USER_TRACE_FLOW_LIVE_H

#include "user/trace/flow_source.h"
#include "user/trace/stream.h"

struct flow_live {
	struct record_stream stream;
	struct flow_source source;
	struct recorder *recorder; /* NULL: none */
	uint64_t start_ns;	   /* CLOCK_MONOTONIC */
	uint64_t settled_ns;	   /* what was stamped before is complete */
	uint64_t lost;		   /* records, so far */
};

/*
 * Watch a running lab, which must live as long as live. family: 4, 6; 0: both. path: of the
 * recording; NULL: none. After a failure, too, flow_live_close() is due. Returns 0 or -errno.
 */
int flow_live_open(struct flow_live *live, const struct running *run, struct flows *flows,
		   uint8_t family, const char *path, struct err *err);
/* Take what comes within timeout_ms; the flows get what is complete. 0 or -errno. */
int flow_live_poll(struct flow_live *live, int timeout_ms, struct err *err);
/* Take what came until now, and end the recording. 0 or -errno. */
int flow_live_finish(struct flow_live *live, struct err *err);
void flow_live_close(struct flow_live *live);
#define cleanup_flow_live __attribute__((cleanup(flow_live_close)))

#endif
