// SPDX-License-Identifier: GPL-2.0-only
/* flow_source.c - records put in order of time for flows. */
#include "user/trace/flow_source.h"

#include <errno.h>

/* Records of several CPUs stand in a recording at most some polls out of order (see replay). */
static const uint64_t settled_ns = 2000000000;
enum { FLUSH_EVERY = 65536 };

void flow_source_close(struct flow_source *source)
{
	record_queue_free(&source->queue);
}

void flow_source_add(struct flow_source *source, const struct vl_stack *record)
{
	if (record_is_event(record))
		source->records++;
	else if (record_is_drop(record))
		source->drops++;
	else
		return;
	if (record->at.packet.time_ns > source->newest_ns)
		source->newest_ns = record->at.packet.time_ns;
	if (record_queue_add(&source->queue, record))
		source->out_of_memory = true;
}

static int give(const struct vl_stack *record, void *arg)
{
	struct flow_source *source = arg;
	char reason[48], function[48];

	if (record_is_event(record))
		return flows_add(source->flows, &record->at.packet);
	source->names(&record->at, reason, function, source->names_arg);
	return flows_add_drop(source->flows, &record->at, reason, function);
}

int flow_source_flush(struct flow_source *source, uint64_t before_ns, struct err *err)
{
	if (source->out_of_memory || record_queue_flush(&source->queue, before_ns, give, source))
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	source->waiting = source->queue.n;
	return 0;
}

int flow_source_read(struct flow_source *source, struct recording *recording, uint64_t for_ns,
		     struct err *err)
{
	uint64_t last = for_ns ? recording_start_ns(recording) + for_ns : UINT64_MAX;
	struct vl_stack record;
	int end, ret;

	while ((end = recording_next(recording, &record, err)) >= 0 && end != RECORDED_END &&
	       end != RECORDED_CUT) {
		if (record.at.packet.time_ns > last)
			continue;
		flow_source_add(source, &record);
		/* To put twice as many in order half as often keeps the sum linear. */
		if (source->queue.n < 2 * source->waiting + FLUSH_EVERY ||
		    source->newest_ns < settled_ns)
			continue;
		ret = flow_source_flush(source, source->newest_ns - settled_ns, err);
		if (ret)
			return ret;
	}
	if (end < 0)
		return end;
	ret = flow_source_flush(source, UINT64_MAX, err);
	flows_lost_records(source->flows, recording_totals(recording).lost);
	return ret ? ret : end;
}
