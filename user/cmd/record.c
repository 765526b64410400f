// SPDX-License-Identifier: GPL-2.0-only
/* record.c - vethlab record and replay: a trace into a file, and every view from it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/cmd/cmd.h"
#include "user/trace/stream.h"
#include "user/render/record_view.h"
#include "user/trace/recording.h"

enum { POLL_MS = 100, SHOW_EVERY = 4096 };

struct record {
	struct record_view_options options;
	struct running *run;
	struct recorder *recorder;
	uint64_t count;
};

/* Records come by the bufferful: those behind the last that was asked for are left out. */
static bool enough(const struct record *record)
{
	return record->options.count && record->count >= record->options.count;
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
	    !(drop ? drop_matches(&done->at, &record->options.filter, record->run->lab)
		   : stack_matches(done, &record->options.filter, record->run->lab)))
		return;
	record_stream_drop_names(&done->at, reason, function, NULL);
	if (!drop && !stack_tells(done, function))
		return;
	recorder_stack(record->recorder, done, reason, function);
	record->count++;
}

static int follow(struct record *record, struct record_stream *tap, uint64_t until, struct err *err)
{
	const struct record_stream_handlers handlers = {on_event, on_stack, record};
	bool gone = false;
	int ret = 0;

	while (!ret && !cmd_interrupted && !gone && clock_monotonic_ns() < until &&
	       !recorder_failed(record->recorder) && !enough(record)) {
		gone = running_is_gone(record->run);
		ret = record_stream_poll(tap, POLL_MS, &handlers, err);
		/*
		 * Whoever reads from a pipe gets it as it comes, and may leave. Of a write that
		 * failed already, the recorder knows why.
		 */
		if (!strcmp(record->options.operand, "-") && !recorder_failed(record->recorder) &&
		    record_view_reader_left())
			break;
	}
	if (!ret)
		ret = record_stream_poll(tap, 0, &handlers, err);
	return ret || !gone || enough(record) ? ret : running_taken_down(record->run, err);
}

static int run_record(struct record *record, struct err *err)
{
	const struct record_view_options *options = &record->options;
	struct recording_totals totals = {0};
	struct record_stream tap;
	int ret, closed;
	uint64_t now;

	cmd_catch_signals();
	ret = record_stream_open(&tap, record->run, &options->filter,
				 options->stack ? NODE_TRACE_ALL : NODE_TRACE_REASONS, err);
	now = clock_monotonic_ns();
	if (!ret)
		ret = recorder_open(&record->recorder, options->operand, record->run->lab,
				    record->run->name, now, err);
	if (!ret) {
		ret = follow(record, &tap, options->for_ns ? now + options->for_ns : UINT64_MAX,
			     err);
		closed = recorder_close(record->recorder, record_stream_lost(&tap), &totals, err);
		ret = ret ? ret : closed;
		fprintf(stderr, "%" PRIu64 " record%s, %" PRIu64 " drop%s, %" PRIu64 " lost\n",
			totals.events, totals.events == 1 ? "" : "s", totals.drops,
			totals.drops == 1 ? "" : "s", totals.lost);
	}
	record_stream_close(&tap);
	return ret;
}

/* What is about stories has to wait until there are any. */
static int refuse_stories(const struct record_view_options *options, struct err *err)
{
	const char *word = options->failed	? "failed"
			   : options->dropped	? "dropped"
			   : options->slower_ns ? "slower-than"
						: "--itineraries";

	if (!options->itineraries && !options->dropped)
		return 0;
	err_set(err, ERR_USAGE, EINVAL, "record: %s chooses among stories, but it keeps records",
		word);
	err_hint(err, "record without it, then: vethlab replay %s %s", options->operand, word);
	return -EINVAL;
}

int cmd_record(int argc, char **argv, struct err *err)
{
	struct record record = {.options.wants_operand = true};
	int ret = record_view_parse(&record.options, argc, argv, err);

	if (!ret)
		ret = lab_open(&record.run, record.options.lab, err);
	if (!ret)
		ret = record_view_filter(&record.options, record.run->lab, err);
	if (!ret)
		ret = refuse_stories(&record.options, err);
	/* Whoever replays it wants to see whole packets. */
	record.options.filter.fields |= VL_F_FRAGMENTS;
	if (!ret)
		ret = run_record(&record, err);
	running_free(record.run);
	return ret ? (int)err->code : 0;
}

/* ---- replay ---------------------------------------------------------------------------------- */

/*
 * Records of several CPUs stand in the file as they were read, at most some polls out of order:
 * what is older than this, before the newest, is complete and can be shown.
 */
static const uint64_t settled_ns = 2000000000;

static int read_all(struct recording *recording, struct record_view *view,
		    struct recording_totals *seen, struct err *err)
{
	const struct record_view_options *options = view->options;
	uint64_t last =
		options->for_ns ? recording_start_ns(recording) + options->for_ns : UINT64_MAX;
	uint64_t newest = 0;
	struct vl_stack record;
	const struct vl_event *packet = &record.at.packet;
	uint64_t n = 0;
	int ret;

	while ((ret = recording_next(recording, &record, err)) >= 0 && ret != RECORDED_END &&
	       ret != RECORDED_CUT) {
		if (ret == RECORDED_EVENT)
			seen->events++;
		else if (ret == RECORDED_DROP)
			seen->drops++;
		if (packet->time_ns > last)
			continue;
		if (ret != RECORDED_EVENT)
			record_view_add_stack(view, &record);
		else if (event_matches(packet, &options->filter, recording_lab(recording)))
			record_view_add(view, packet);
		if (packet->time_ns > newest)
			newest = packet->time_ns;
		if (++n % SHOW_EVERY || newest < settled_ns)
			continue;
		ret = record_view_show(view, newest - settled_ns, err);
		if (ret || record_view_reader_left())
			return ret < 0 ? ret : RECORDED_END;
	}
	return ret;
}

static int replay(struct recording *recording, const struct record_view_options *options,
		  struct err *err)
{
	struct recording_totals seen = {0}, totals;
	char gap[64];
	struct record_view view;
	int end = 0, ret = record_view_open(&view, options, recording_lab(recording),
					    recording_start_ns(recording), recording_drop_names,
					    recording, err);

	if (!ret)
		end = read_all(recording, &view, &seen, err);
	totals = recording_totals(recording);
	if (view.story && (totals.lost || end == RECORDED_CUT)) {
		snprintf(gap, sizeof(gap), "%" PRIu64 " lost records", totals.lost);
		story_cannot_see(view.story, totals.lost ? gap : "what was cut off the recording");
	}
	if (!ret && end >= 0)
		ret = record_view_finish(&view, err);
	record_view_close(&view);
	record_view_reader_left();
	if (ret < 0 || end < 0)
		return ret < 0 ? ret : end;
	if (end == RECORDED_CUT)
		fprintf(stderr,
			"the recording was cut short: %" PRIu64 " records and %" PRIu64
			" drops are there, the end is not\n",
			seen.events, seen.drops);
	else if (totals.lost)
		fprintf(stderr, "%" PRIu64 " records were lost while recording\n", totals.lost);
	return 0;
}

int cmd_replay(int argc, char **argv, struct err *err)
{
	struct record_view_options options = {.wants_operand = true};
	struct recording *recording = NULL;
	int ret = record_view_parse(&options, argc, argv, err);

	if (!ret)
		ret = recording_open(&recording, options.operand, err);
	if (!ret)
		ret = record_view_filter(&options, recording_lab(recording), err);
	if (!ret)
		ret = replay(recording, &options, err);
	recording_close(recording);
	return ret ? (int)err->code : 0;
}
