// SPDX-License-Identifier: GPL-2.0-only
/* stream.c - the records of a running lab as they come. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "user/base/cleanup.h"
#include "user/lab/end_state.h"
#include "user/trace/stream.h"

/*
 * A CPU: some 70,000 records. A flood of echoes over three links makes 24 records each, and a
 * tracer that shares the CPU with it is kept waiting for tens of milliseconds.
 */
enum { BUFFER_KIB = 8192 };

uint32_t record_stream_end_place(const struct running *run, uint32_t number)
{
	const struct end *end = lab_find_number(run->lab, number);

	return end ? 2 * end->link->index + (end == end->link->ends[1]) : VL_NO_END;
}

void record_stream_drop_names(const struct vl_drop *drop, char *reason, char *function, void *arg)
{
	(void)arg;
	symbols_reason(drop->reason, reason);
	symbols_function(drop->location, function);
}

void record_stream_open_nodes(struct node_tracer **stack, const struct running *run,
			      struct node_trace_config config, char *why, size_t size)
{
	struct node_trace_node *nodes = calloc(run->lab->n_nodes, sizeof(*nodes));
	struct err err = {0};

	config.ifindex_base = run->ifindex_base;
	config.n_ends = run->capacity;
	config.observed = run->observed ? run->name : NULL;
	*stack = NULL;
	if (!nodes) {
		snprintf(why, size, "out of memory");
		return;
	}
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		nodes[i] = (struct node_trace_node){run->nodes[i].id.inode, i};
	config.nodes = nodes;
	config.n_nodes = run->lab->n_nodes;
	if (node_tracer_open(stack, &config, &err))
		snprintf(why, size, "%s", err.what);
	free(nodes);
}

/* The number of ends that no hook watches, where that is known. */
static size_t count_unwatched(const struct running *run)
{
	size_t n = 0;

	for (size_t i = 0; i < lab_n_ends(run->lab); i++)
		n += running_hooks(run, lab_end(run->lab, i)) == HOOKS_NONE ||
		     running_is_unseen(run, lab_end(run->lab, i)->node);
	return n;
}

size_t record_stream_count_blind(const struct running *run, const struct watch *watch)
{
	cleanup_free struct end_hooks *hooks = NULL;
	size_t n = 0;

	if (end_hooks_read(&hooks, run, watch, NULL))
		return 0;
	for (size_t i = 0; i < lab_n_ends(run->lab); i++)
		n += hooks[i].missing != 0;
	return n;
}

const char *record_stream_not_seen(const struct running *run, const struct node_tracer *stack,
				   size_t blind, uint64_t lost, char buf[STORY_NOT_SEEN_SIZE])
{
	const char *missing = stack ? node_tracer_missing(stack) : "what the nodes drop";
	size_t n = count_unwatched(run), len;

	len = snprintf(buf, STORY_NOT_SEEN_SIZE, "%s", missing);
	if (n && len < STORY_NOT_SEEN_SIZE)
		len += snprintf(buf + len, STORY_NOT_SEEN_SIZE - len,
				"%s%zu end%s that nothing watches", len ? ", " : "", n,
				n == 1 ? "" : "s");
	if (blind && len < STORY_NOT_SEEN_SIZE)
		len += snprintf(buf + len, STORY_NOT_SEEN_SIZE - len,
				"%s%zu end%s whose programs were taken off", len ? ", " : "", blind,
				blind == 1 ? "" : "s");
	if (lost && len < STORY_NOT_SEEN_SIZE)
		snprintf(buf + len, STORY_NOT_SEEN_SIZE - len, "%s%" PRIu64 " lost records",
			 len ? ", " : "", lost);
	return buf;
}

int record_stream_open(struct record_stream *stream, const struct running *run,
		       const struct vl_filter *filter, enum node_trace_depth depth, struct err *err)
{
	const struct node_trace_config config = {.filter = *filter, .depth = depth};
	char why[512] = "";
	int ret;

	*stream = (struct record_stream){.run = run};
	ret = running_open_watch(&stream->watch, run, err);
	if (ret == -ENOENT && (!err || !err->code))
		return running_not_pinned(run, err);
	if (ret)
		return ret;
	/* The ends come last: a packet that they tell of is not dropped unseen by a node. */
	record_stream_open_nodes(&stream->stack, run, config, why, sizeof(why));
	ret = watch_session_open(&stream->session, stream->watch, filter, BUFFER_KIB, err);
	if (ret)
		return ret;
	stream->blind = record_stream_count_blind(run, stream->watch);
	if (!stream->stack)
		fprintf(stderr, "what the nodes drop is not seen: %s\n", why);
	else if (depth >= NODE_TRACE_REASONS && *node_tracer_missing(stream->stack))
		fprintf(stderr, "this kernel does not tell: %s\n",
			node_tracer_missing(stream->stack));
	return 0;
}

void record_stream_close(struct record_stream *stream)
{
	node_tracer_close(stream->stack);
	watch_session_close(stream->session);
	watch_close(stream->watch);
	*stream = (struct record_stream){0};
}

struct placing {
	const struct record_stream *stream;
	const struct record_stream_handlers *handlers;
};

static void place_event(const struct vl_event *event, void *arg)
{
	const struct placing *placing = arg;
	struct vl_event placed = *event;

	placed.end = record_stream_end_place(placing->stream->run, event->end);
	placing->handlers->event(&placed, placing->handlers->arg);
}

static void place_stack(const struct vl_stack *record, void *arg)
{
	const struct placing *placing = arg;
	struct vl_stack placed = *record;

	if (record->at.packet.time_ns < watch_session_start_ns(placing->stream->session))
		return;
	placed.at.packet.end = record_stream_end_place(placing->stream->run, record->at.packet.end);
	placing->handlers->stack(&placed, placing->handlers->arg);
}

int record_stream_poll(struct record_stream *stream, int timeout_ms,
		       const struct record_stream_handlers *handlers, struct err *err)
{
	struct placing placing = {stream, handlers};
	int ret = watch_session_poll(stream->session, timeout_ms, place_event, &placing, err);

	if (ret < 0 && ret != -EINTR)
		return ret;
	if (stream->stack)
		ret = node_tracer_poll(stream->stack, place_stack, &placing, err);
	return ret < 0 && ret != -EINTR ? ret : 0;
}

uint64_t record_stream_lost(const struct record_stream *stream)
{
	return (stream->session ? watch_session_lost(stream->session) : 0) +
	       (stream->stack ? node_tracer_lost(stream->stack) : 0);
}

uint64_t record_stream_newly_lost(struct record_stream *stream)
{
	uint64_t lost = record_stream_lost(stream), newly = lost - stream->lost_told;

	stream->lost_told = lost;
	return newly;
}
