// SPDX-License-Identifier: GPL-2.0-only
/* record.c - vethlab record: a trace into a file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/cmd/record_args.h"
#include "user/trace/stream.h"
#include "user/trace/recording.h"

enum { POLL_MS = 100 };

struct record {
	struct record_args args;
	struct running *run;
	struct recorder *recorder;
	uint64_t count;
};

/* Records come by the bufferful: those behind the last that was asked for are left out. */
static bool enough(const struct record *record)
{
	return record->args.view.count && record->count >= record->args.view.count;
}

static void on_event(const struct vl_event *event, void *arg)
{
	struct record *record = arg;

	if (enough(record))
		return;
	recorder_event(record->recorder, event);
	record->count++;
}

static void on_stack(const struct vl_stack *done, void *arg)
{
	char reason[SYMBOL_NAME_SIZE], function[SYMBOL_NAME_SIZE];
	struct record *record = arg;
	bool drop = done->at.kind == VL_STACK_DROP;

	if (enough(record) ||
	    !(drop ? drop_matches(&done->at, &record->args.view.filter.packets, record->run->lab)
		   : stack_matches(done, &record->args.view.filter.packets, record->run->lab)))
		return;
	record_stream_drop_names(&done->at, reason, function, NULL);
	if (!drop && !stack_tells(done, function))
		return;
	recorder_stack(record->recorder, done, reason, function);
	record->count++;
}

static int follow(struct record *record, struct record_stream *stream, uint64_t until,
		  struct err *err)
{
	const struct record_stream_handlers handlers = {on_event, on_stack, record};
	bool taken_down = false;
	int ret = 0;

	while (!ret && !interrupt_requested && !taken_down && clock_monotonic_ns() < until &&
	       !recorder_failed(record->recorder) && !enough(record)) {
		taken_down = running_is_gone(record->run);
		ret = record_stream_poll(stream, POLL_MS, &handlers, err);
		recorder_lost(record->recorder, record_stream_lost(stream));
		/*
		 * Whoever reads from a pipe gets it as it comes, and may leave. Of a write that
		 * failed already, the recorder knows why.
		 */
		if (!strcmp(record->args.operand, "-") && !recorder_failed(record->recorder) &&
		    record_view_reader_left())
			break;
	}
	if (ret)
		return ret;
	ret = record_stream_poll(stream, 0, &handlers, err);
	return ret || !taken_down || enough(record) ? ret : running_taken_down(record->run, err);
}

static int run_record(struct record *record, struct err *err)
{
	const struct record_args *args = &record->args;
	struct recording_totals totals = {0};
	cleanup_record_stream struct record_stream stream;
	int ret, closed;
	uint64_t now;

	interrupt_catch_signals();
	ret = record_stream_open(&stream, record->run, &args->view.filter.packets,
				 args->view.stack ? NODE_TRACE_ALL : NODE_TRACE_REASONS, err);
	if (ret)
		return ret;
	now = clock_monotonic_ns();
	ret = recorder_open(&record->recorder, args->operand, record->run->lab, record->run->name,
			    now, err);
	if (ret)
		return ret;
	ret = follow(record, &stream, args->view.for_ns ? now + args->view.for_ns : UINT64_MAX,
		     err);
	closed = recorder_close(record->recorder, record_stream_lost(&stream), &totals, err);
	fprintf(stderr, "%" PRIu64 " record%s, %" PRIu64 " drop%s, %" PRIu64 " lost\n",
		totals.events, totals.events == 1 ? "" : "s", totals.drops,
		totals.drops == 1 ? "" : "s", totals.lost);
	return ret ? ret : closed;
}

/* What is about stories has to wait until there are any. */
static int refuse_stories(const struct record_args *args, struct err *err)
{
	const char *word = args->view.filter.failed	 ? "failed"
			   : args->view.filter.dropped	 ? "dropped"
			   : args->view.filter.slower_ns ? "slower-than"
							 : "--itineraries";

	if (!args->view.filter.itineraries && !args->view.filter.dropped)
		return 0;
	err_set(err, ERR_USAGE, EINVAL, "record: %s chooses among stories, but it keeps records",
		word);
	err_hint(err, "record without it, then: vethlab replay %s %s", args->operand, word);
	return -EINVAL;
}

static int record_main(int argc, char **argv, struct err *err)
{
	struct record record = {.args.wants_operand = true};
	cleanup_running struct running *run = NULL;

	if (record_args_parse(&cmd_record, &record.args, argc, argv, err) ||
	    lab_open(&run, record.args.lab, err) ||
	    record_filter_parse(&record.args.view.filter, record.args.argc, record.args.argv,
				run->lab, err) ||
	    refuse_stories(&record.args, err))
		return err->code;
	record.run = run;
	/* Whoever replays it wants to see whole packets. */
	record.args.view.filter.packets.fields |= VL_F_FRAGMENTS;
	return run_record(&record, err) ? (int)err->code : 0;
}

static const struct cmd_operand operands[] = {
	{"FILE|-", .kind = VALUE_NEW_FILE, .text = "the file to write; -: the standard output",
	 .row = NO_ROW},
	OPERAND_FILTER,
	OPERANDS_END,
};

/* It takes all options of trace, and refuses later what it cannot do. */
static const struct cmd_option options[] = {
	OPTION_ITINERARIES(.text = "refused: a recording keeps records", .hidden = true),
	OPTION_EVENTS(.text = "single records, as it keeps them anyway", .hidden = true),
	OPTION_STACK(.text = "with all that the nodes do between the ends"),
	OPTION_COUNT(.text = "end after N records"),
	OPTION_FOR(),
	OPTION_LAB(struct record_args),
	OPTION_RECORD_JSON(.hidden = true),
	OPTIONS_END,
};

const struct cmd cmd_record = {
	.name = "record",
	.summary = "write what `trace` would show to a file",
	.operands = operands,
	.options = options,
	.column = 21,
	.notes = "FILTER is that of `vethlab trace` without what is about stories (failed,\n"
		 "dropped, slower-than). A file that is there already is overwritten.\n",
	.run = record_main,
};
