// SPDX-License-Identifier: GPL-2.0-only
/* flow_live.c - the flows of a running lab. */
#include "user/trace/flow_live.h"

#include <errno.h>

#include "user/base/clock.h"

int flow_live_open(struct flow_live *live, const struct running *run, struct flows *flows,
		   uint8_t family, const char *path, struct err *err)
{
	/* All packets: ports and addresses are not the same on both sides of NAT, and of the ICMP
	 * errors about a flow. */
	const struct vl_filter filter = {.fields = VL_F_ANY | (family ? VL_F_FAMILY : 0),
					 .family = family};
	int ret;

	*live = (struct flow_live){.source = {.flows = flows, .names = record_stream_drop_names}};
	ret = record_stream_open(&live->stream, run, &filter, NODE_TRACE_DROPS, err);
	if (ret)
		return ret;
	live->start_ns = clock_monotonic_ns();
	return path ? recorder_open(&live->recorder, path, run->lab, run->name, live->start_ns, err)
		    : 0;
}

static void on_event(const struct vl_event *event, void *arg)
{
	const struct vl_stack record = {.at.packet = *event};
	struct flow_live *live = arg;

	flow_source_add(&live->source, &record);
	if (live->recorder)
		recorder_event(live->recorder, event);
}

static void on_stack(const struct vl_stack *record, void *arg)
{
	char reason[SYMBOL_NAME_SIZE], function[SYMBOL_NAME_SIZE];
	struct flow_live *live = arg;

	flow_source_add(&live->source, record);
	if (!live->recorder)
		return;
	record_stream_drop_names(&record->at, reason, function, NULL);
	recorder_stack(live->recorder, record, reason, function);
}

static int take(struct flow_live *live, int timeout_ms, struct err *err)
{
	const struct record_stream_handlers handlers = {on_event, on_stack, live};
	int ret = record_stream_poll(&live->stream, timeout_ms, &handlers, err);

	live->lost = record_stream_lost(&live->stream);
	flows_lost_records(live->source.flows, live->lost);
	if (live->recorder)
		recorder_lost(live->recorder, live->lost);
	return ret;
}

int flow_live_poll(struct flow_live *live, int timeout_ms, struct err *err)
{
	uint64_t began = clock_monotonic_ns();
	int ret = take(live, timeout_ms, err);

	if (ret)
		return ret;
	/* As `trace`: every CPU's buffer has been read past what was stamped before the round
	 * before began. */
	ret = flow_source_flush(&live->source, live->settled_ns, err);
	live->settled_ns = began;
	return ret;
}

int flow_live_finish(struct flow_live *live, struct err *err)
{
	struct recording_totals totals;
	int ret = take(live, 0, err);

	if (!ret)
		ret = flow_source_flush(&live->source, UINT64_MAX, err);
	if (!live->recorder)
		return ret;
	if (recorder_close(live->recorder, live->lost, &totals, ret ? NULL : err) && !ret)
		ret = -EIO;
	live->recorder = NULL;
	return ret;
}

void flow_live_close(struct flow_live *live)
{
	struct recording_totals totals;

	recorder_close(live->recorder, live->lost, &totals, NULL);
	flow_source_close(&live->source);
	record_stream_close(&live->stream);
	*live = (struct flow_live){0};
}
